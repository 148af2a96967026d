"""Search for the public releases under a folder: `release.json` at any depth, and `report.html` beside it.

A report is copied only if this version makes the same bytes from its release. So everything in a copy follows
from the release, and text that somebody wrote into a report is never copied.

The portal never opens a `result.json`. It follows no links. Hidden folders and sites that a portal made are passed
over. Their numbers are counted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.disclosure.public_files import find_public_reporters
from audit.disclosure.read import load_release
from audit.errors import AuditError, ResultError
from audit.evidence.bundle import MAX_BYTES, read_bundle
from audit.evidence.keys import can_verify
from audit.evidence.shown import State
from audit.evidence.trust import Trust
from audit.evidence.verification import verify
from audit.public.cases import relied_on
from audit.public.site import INDEX_KIND, PublicAudit, PublicSite
from audit.storage import bytes_of_result
from audit.vocabulary.attempts import AuditSeal
from audit.vocabulary.file_names import EVIDENCE, RELEASE

if TYPE_CHECKING:
    from audit.evidence.bundle import Bundle
    from audit.public.release import PublicRelease
    from audit.public.site import PublicPublisher

REPORT, INDEX = "report.html", "index.json"
_REPORTER: Final = "html"
"""Name of the reporter that makes the report."""
_LETTERS: Final = "abcdefghijklmnop"
_NAME_LETTERS: Final = 16
_LARGEST_REPORT: Final = 64 * 1024 * 1024
_RESTRICTED: Final = b'class="restricted'
"""Mark of a report that shows exact counts (reports/html/templates/body.html)."""
_VERSIONS: Final = re.compile(r"(\D+|^)([0-9]{0,18})", re.ASCII)
"""Parts of a title that end in a number."""
_BADNESS: Final = {"pass": 0, "inconclusive": 1, "fail": 2}


@dataclass(slots=True)
class FoundAudits:
    """Audits that a folder holds, and what was passed over."""

    audits: list[PublicAudit] = field(default_factory=list)
    copies: dict[str, bytes] = field(default_factory=dict)
    """The files that a portal copies unchanged, by their path in the site."""
    links: int = 0
    """Links that were not followed."""
    sites: int = 0
    """Portals that were passed over."""
    again: int = 0
    """Releases of an audit that another release shows, in other languages or formats."""
    others: int = 0
    """Reports that differ from what this version makes of their release, and are not copied."""

    def site(self, today: dt.date, languages: tuple[str, ...], publisher: PublicPublisher | None = None) -> PublicSite:
        """Return the site of all audits, in the order of a portal."""
        audits = tuple(sorted(self.audits, key=_site_order))
        return PublicSite(audits=audits, today=today.isoformat(), languages=languages, publisher=publisher)


def find_audits(folder: Path, site: Path, today: dt.date, trust: Trust | None = None) -> FoundAudits:
    """Find the audits under `folder`; `site` is where the portal goes, and is passed over.

    Parameters
    ----------
    today : date
        The day by which periods of keys are judged.
    trust : Trust, optional
        Whose signatures the portal names; by default nobody's.

    Raises
    ------
    ResultError
        If there is none; if one cannot be read or was changed; if two of one result differ; if a report shows exact
        counts; or if what is signed beside a release contradicts it.
    """
    found_audits, audits = FoundAudits(), dict[str, _Release]()
    for path in _releases(folder, site, found_audits):
        release = _read(path, found_audits, today, trust)
        known = audits.get(release.audit)
        if known is not None:
            _refuse_other_verdict(known, release)
            found_audits.again += 1
        audits[release.audit] = release if known is None else max(known, release, key=_shows_most)
    for chosen in audits.values():
        found_audits.audits.append(chosen.named())
        files = {RELEASE: chosen.content, REPORT: chosen.report, EVIDENCE: chosen.evidence}
        name = _name(chosen.audit)
        found_audits.copies |= {
            f"reports/{name}/{file}": content for file, content in files.items() if content is not None
        }
    if not found_audits.audits:
        raise ResultError(
            f"no {RELEASE} under {folder}",
            slug="no-release",
            hint=f"every audit writes one into the folder public of its outputs{_passed_over(found_audits)}",
        )
    return found_audits


@dataclass(frozen=True, slots=True)
class _Release:
    """A release under the folder, and what of the files beside it is copied."""

    path: Path
    audit: str
    """Digest by which its audit is known: of the result under the key, and of the day; languages and formats of a
    result are one audit."""
    release: PublicRelease
    content: bytes
    report: bytes | None
    other_report: bool
    evidence: bytes | None
    seal: AuditSeal | None

    def named(self) -> PublicAudit:
        """Return it as the audit of a portal."""
        return PublicAudit(
            name=_name(self.audit),
            audit=self.audit,
            sha256=hashlib.sha256(self.content).hexdigest(),
            release=self.release,
            report=self.report is not None,
            other_report=self.other_report,
            seal=self.seal,
            evidence=self.evidence is not None,
        )


def _read(path: Path, found_audits: FoundAudits, today: dt.date, trust: Trust | None) -> _Release:
    release, content = load_release(path)
    report = _report_bytes(path.with_name(REPORT), found_audits)
    other = report is not None and report != _rendered_report(release)
    if other:
        report, found_audits.others = None, found_audits.others + 1
    bundle, seal = _sealed(path.with_name(EVIDENCE), found_audits, today, trust)
    # a report that is not copied is not handed on within a bundle either
    evidence = None if bundle is None or (report is None and REPORT in bundle.public) else bundle.content
    return _Release(path, _audit_of(release), release, content, report, other, evidence, seal)


def _audit_of(release: PublicRelease) -> str:
    about, known = release.about, release.about.digests.get("result")
    if known is None:  # of an earlier version, which wrote none
        about = about.model_copy(update={"languages": (), "formats": ()})
        known = release.model_copy(update={"about": about, "number": None}).model_dump_json()
    text = "\0".join((release.set_id, known, about.finished))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _refuse_other_verdict(first: _Release, other: _Release) -> None:
    """Refuse two releases of one result that say different things: one of them was changed."""
    verdicts = [
        (listed.release.headline, listed.release.about.title, listed.release.about.owner) for listed in (first, other)
    ]
    if verdicts[0] != verdicts[1]:
        raise ResultError(f"{other.path} and {first.path} are of one result, and differ", slug="same-result-differs")


def _shows_most(listed: _Release) -> tuple[bool, bool, int, int, str]:
    """Order releases of one audit: a signed one, one with a report, in most languages, the latest."""
    about = listed.release.about
    return (
        listed.evidence is not None,
        listed.report is not None,
        len(about.languages),
        listed.release.number or 0,
        hashlib.sha256(listed.content).hexdigest(),
    )


def _releases(folder: Path, site: Path, found_audits: FoundAudits) -> Iterator[Path]:
    if not folder.is_dir():
        raise ResultError(f"{folder} is no folder", slug="no-release")
    out = site.resolve()
    for here, folders, files in os.walk(folder, followlinks=False):
        directory = Path(here)
        if directory.resolve() == out or is_site(directory):
            found_audits.sites += 1
            folders.clear()
            continue
        for name in list(folders):
            if (directory / name).is_symlink():
                found_audits.links += 1
                folders.remove(name)
            elif name.startswith("."):
                folders.remove(name)
        folders.sort()
        if RELEASE in files:
            if (directory / RELEASE).is_symlink():
                found_audits.links += 1
            else:
                yield directory / RELEASE


def is_site(folder: Path) -> bool:
    """Say whether a portal made this folder, as its index states."""
    index = folder / INDEX
    if index.is_symlink() or not index.is_file():
        return False
    try:
        with index.open("rb") as file:
            document = json.loads(file.read(_LARGEST_REPORT))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == INDEX_KIND


def _report_bytes(path: Path, found_audits: FoundAudits) -> bytes | None:
    if path.is_symlink():
        found_audits.links += 1
        return None
    if not path.is_file():
        return None
    content = bytes_of_result(path, _LARGEST_REPORT)
    if len(content) > _LARGEST_REPORT:
        raise ResultError(f"{path} is larger than a report can be", slug="not-a-report")
    if _RESTRICTED in content:
        raise ResultError(
            f"{path} shows exact counts and lies beside a public release",
            slug="restricted-report",
            hint="a portal holds public reports alone: take it out of that folder, or write the public one again",
        )
    return content


def _sealed(
    path: Path, found_audits: FoundAudits, today: dt.date, trust: Trust | None
) -> tuple[Bundle | None, AuditSeal | None]:
    """Return the bundle of evidence beside a release, and what it shows to who trusts these keys."""
    if path.is_symlink():
        found_audits.links += 1
        return None, None
    if not path.is_file():
        return None, None

    def beside(name: str) -> bytes | None:
        file = path.with_name(name)
        return bytes_of_result(file, MAX_BYTES) if file.is_file() and not file.is_symlink() else None

    if not can_verify():
        raise ResultError(f"{path} is signed, and signatures cannot be checked here", slug="evidence-not-checked")
    content = bytes_of_result(path, MAX_BYTES)
    shown = verify(content, path.name, trust or Trust(), today, beside).shown
    wrong = next((line.text for line in shown if line.state == State.CONTRADICTED), None)
    if wrong is not None:
        raise _contradicted(path, wrong)
    bundle = read_bundle(content, path.name)
    if bundle.openings is not None or any(_RESTRICTED in content for content in bundle.public.values()):
        raise ResultError(
            f"{path} holds exact counts and lies beside a public release",
            slug="restricted-report",
            hint="a portal holds public bundles alone: audit7k seal leaves one in the folder public",
        )
    holding = [line for line in shown if line.state == State.HOLDS]
    again: dict[str, tuple[str, ...]] = {}
    for line in holding:
        if line.code == "countersignature":
            again[line.signer] = tuple(dict.fromkeys((*again.get(line.signer, ()), *line.levels)))
    known = (line.signer for line in holding if line.code == "signer")
    seal = AuditSeal(
        signatures=len(bundle.envelopes[0].signatures),
        signed_by=tuple(dict.fromkeys(known)),
        countersigned_by=again,
        not_shown=tuple(dict.fromkeys(line.code for line in shown if line.state == State.NOT_SHOWN)),
    )
    return bundle, seal


def _contradicted(path: Path, why: str) -> ResultError:
    return ResultError(f"{path}: {why}", slug="evidence-contradicted")


def _rendered_report(release: PublicRelease) -> bytes:
    """Render the report that this version makes of a release, in the languages of the release."""
    (reporter,) = find_public_reporters((_REPORTER,))
    try:
        return reporter.content(release)
    except Exception as error:
        # The text of a failure may quote what it read.
        raise AuditError(
            f'the public reporter "{_REPORTER}" failed ({type(error).__name__})',
            slug="reporter-failed",
            hint="reinstall audit7k, or run again as `audit7k --debug …`",
        ) from error


def _name(digest: str) -> str:
    """Write 64 bits of a digest in letters alone, so that no name of a page looks like a number."""
    return "".join(_LETTERS[int(figure, 16)] for figure in digest[:_NAME_LETTERS])


def _site_order(audit: PublicAudit) -> tuple[str, str, str, int, tuple[tuple[str, int], ...], str]:
    """Order by operator, system and day. On one day the worse verdict comes last, because the latest audit counts.

    With one verdict too the later version comes last, as far as titles show it: 2.10 comes after 2.9.
    """
    about, worse = audit.release.about, _BADNESS[relied_on(audit.release)]
    version = tuple((words, int(number or 0)) for words, number in _VERSIONS.findall(about.title))
    return about.owner, audit.system, about.finished, worse, version, audit.name


def _passed_over(found_audits: FoundAudits) -> str:
    parts = []
    if found_audits.links:
        parts.append(f"{found_audits.links} links were not followed")
    if found_audits.sites:
        parts.append(f"{found_audits.sites} portals were passed over")
    return f" ({'; '.join(parts)})" if parts else ""
