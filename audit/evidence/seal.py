"""A published audit is sealed: a statement over its public files and commitments to the rest, in two bundles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from audit.disclosure.digests import read_key, release_of
from audit.disclosure.read import load_release
from audit.disclosure.restricted import RELEASES, restricted_folder
from audit.errors import EvidenceError
from audit.evidence.bundle import LOG, MAX_BYTES, PUBLIC, RESULT, Bundle, role_of
from audit.evidence.commitments import ROLES, Opening, commitments_of, open_anew
from audit.evidence.envelope import Envelope
from audit.evidence.keys import Signer
from audit.evidence.registration import system_of
from audit.evidence.statement import Evidence, Position, canonical, read_statement, sha256, software, statement_bytes
from audit.plan.audit_plan import AuditPlan
from audit.public.release import PublicRelease, public_json
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import written_sha256
from audit.storage import bytes_of_result
from audit.verdicts.changes.acceptance import question_of
from audit.vocabulary.file_names import RELEASE, TEST_RESULT


class Bundles(NamedTuple):
    """The two bundles of an audit: who has the restricted one can make the figures again."""

    public: Bundle
    restricted: Bundle

    def with_history(self, content: bytes, anchors: Mapping[str, bytes]) -> Bundles:
        """Return the bundles with a history, and with what other parties signed of it."""
        return Bundles(*(replace(bundle, history=content, anchors=anchors) for bundle in self))

    @property
    def statement_sha256(self) -> str:
        """SHA-256 of the statement."""
        return sha256(self.public.statement)


@dataclass(frozen=True, slots=True)
class Published:
    """A published audit as it lies in its output folder, looked through."""

    result: AuditResult
    document: bytes
    """Bytes of `result.json`."""
    release: PublicRelease
    files: Mapping[str, bytes]
    """Its public files, by name."""
    log: bytes | None
    """The release in the log of the restricted folder; None where nothing is shown, so that nothing is remembered."""
    rows: Mapping[str, bytes] = field(default_factory=dict)
    """Files of the set, the detector and its answers, where they are to go into the restricted bundle."""


class Document(NamedTuple):
    """A `result.json`."""

    content: bytes
    result: AuditResult


def read_result(folder: Path) -> Document:
    """Read the result in an output folder. Raises ResultError."""
    content = bytes_of_result(folder / RESULT, MAX_BYTES)
    return Document(content, parse_result(content.decode("utf-8", "replace"), RESULT))


def read_published(folder: Path, restricted: Path, document: Document | None = None) -> Published:
    """Read what lies in an output folder and its restricted folder; `document` is its result, if it was read.

    Raises
    ------
    EvidenceError
        If the public files are not those of the result, or one was changed since.
    ResultError, FolderInUseError, StorageError
        If a file is missing or damaged.
    """
    content, result = document or read_result(folder)
    public = folder / PUBLIC
    release, _ = load_release(public / RELEASE)
    if read_key(restricted) is None:
        raise EvidenceError(
            "the restricted folder has no key, so that nothing says whose the public files are",
            slug="key-missing",
            hint="name the folder that the run used with --restricted-folder",
        )
    if release_of(_digest_of(content), public / RELEASE, restricted) is None:
        raise EvidenceError(
            "the public files are of another result than the one beside them",
            slug="other-release",
            hint="publish this one first: audit7k report",
        )
    log = _log_entry(release, restricted)
    expected = (
        _as_published(result, release, restricted) if log is None else json.loads(log.partition(b"\n")[2])["sha256"]
    )
    files = {name: bytes_of_result(public / name, MAX_BYTES) for name in expected}
    changed = sorted(name for name, digest in _digests(files).items() if expected.get(name) != digest)
    if changed:
        raise EvidenceError(f"{', '.join(changed)} changed since it was published", slug="changed-public-file")
    return Published(result, content, release, files, log)


def _digest_of(document: bytes) -> str:
    """Return the digest of a result by its file; of one that somebody wrote otherwise, a digest that nothing has."""
    try:
        return written_sha256(document.decode("utf-8"), list(AuditResult.model_fields))
    except ValueError:
        return ""


def _as_published(result: AuditResult, release: PublicRelease, restricted: Path) -> dict[str, str]:
    """Publish a result that shows nothing again: no log remembers what its files were."""
    from audit.disclosure.publish import publish  # statistics, and as much to load as all else

    files: dict[str, bytes] = {}
    publish(result, restricted, files.update, release.about.formats, release.about.languages)
    return _digests(files)


def _log_entry(release: PublicRelease, restricted: Path) -> bytes | None:
    if release.number is None:
        return None
    with restricted_folder(restricted) as folder:
        entry = folder.entry(release.number)
        if entry.get("release") != json.loads(public_json(release)):
            raise EvidenceError("the log of releases has another release of this number", slug="other-release")
        return (restricted / RELEASES / f"{release.number:04}.json").read_bytes()


def seal(
    published: Published,
    sealed_at: str,
    signer: Signer | None,
    *,
    earlier: Mapping[str, Opening] | None = None,
    history: Position | None = None,
    registration: int | None = None,
) -> Bundles:
    """Make the bundles of a published audit.

    Parameters
    ----------
    published : Published
        The audit.
    sealed_at : str
        Now, as YYYY-MM-DDTHH:MM:SSZ.
    signer : Signer, optional
        Who signs; without one the signature is attached later.
    earlier : mapping of str to Opening, optional
        Openings of earlier commitments: where the thing is still the same, the commitment is too.
    history, registration
        Its place in a history, and the entry that registered its question.

    Raises
    ------
    EvidenceError
        If a bundle would be too large, or rows are not those that were audited.
    """
    digests = digests_by_role(published)
    exact, openings = _exact_files(published, digests), open_anew(digests, earlier)
    about = published.release.about
    evidence = Evidence(
        sealed_at=sealed_at,
        system=system_of(about.owner, about.system, about.title),
        headline=published.release.headline.outcome,
        commitments=commitments_of(openings),
        software=software(),
        history=history,
        registration=registration,
    )
    subjects = {f"{PUBLIC}{name}": digest for name, digest in _digests(published.files).items()}
    envelopes = [Envelope(statement_bytes(subjects, evidence))]
    if signer is not None:
        envelopes += [Envelope(published.files[TEST_RESULT])] if TEST_RESULT in published.files else []
        envelopes = [envelope.signed(signer) for envelope in envelopes]
    keys = () if signer is None else (signer.public,)
    open_to_all = Bundle(tuple(envelopes), keys, published.files)
    return Bundles(open_to_all, replace(open_to_all, openings=openings, restricted=exact))


def _exact_files(published: Published, digests: Mapping[str, str | None]) -> dict[str, bytes]:
    """Return the restricted files of an audit. Raises EvidenceError if one is another, or they are too large."""
    other = sorted(name for name, digest in _digests(published.rows).items() if digests[role_of(name)] != digest)
    if other:
        raise EvidenceError(f"{', '.join(other)} is not what was audited", slug="other-rows")
    log = {} if published.log is None else {LOG: published.log}
    exact = {RESULT: published.document, **log, **published.rows}
    if sum(map(len, exact.values())) + sum(map(len, published.files.values())) > MAX_BYTES:
        raise EvidenceError("the restricted bundle would be too large", slug="large-bundle")
    return exact


def has_more_than_a_seal(bundle: Bundle, published: Published) -> bool:
    """Say whether a restricted bundle is of this audit, and stands in a history or was countersigned.

    Raises
    ------
    EvidenceError
        If its statement cannot be read.
    """
    subjects, evidence = read_statement(bundle.statement, Evidence, "the statement of the bundle that lies there")
    of_files = {f"{PUBLIC}{name}": digest for name, digest in _digests(published.files).items()}
    is_own = subjects == of_files and bundle.restricted.get(RESULT) == published.document
    return is_own and (evidence.history is not None or bool(bundle.countersignatures))


def with_rows(bundle: Bundle, published: Published) -> Bundles:
    """Return bundles with the rows of an audit in the restricted one: its statement commits to them already.

    Raises
    ------
    EvidenceError
        If a bundle would be too large, or rows are not those that were audited.
    """
    more = replace(bundle, restricted=_exact_files(published, digests_by_role(published)))
    return Bundles(more.for_everybody, more)


def digests_by_role(published: Published) -> dict[str, str | None]:
    """Return the SHA-256 of each thing that an audit commits to; None where there is none."""
    log = None if published.log is None else sha256(published.log)
    digests = {**digests_in(published.result), "result": sha256(published.document), "release-log": log}
    return {role: digests[role] for role in ROLES}


def digests_in(result: AuditResult) -> dict[str, str | None]:
    """Return the SHA-256 of each thing that an audit commits to and its result says."""
    origin = result.provenance
    environment = {
        "packages": origin.packages,
        "platform": origin.platform,
        "python": origin.python,
        "tool": origin.tool,
    }
    return {
        "question": question_digest(result.plan),
        "plan": origin.plan_sha256,
        "evaluation-set": origin.evaluation_set_sha256,
        "cases": origin.cases_sha256,
        "detector": origin.detector_sha256,
        "predictions": origin.predictions_sha256,
        "environment": sha256(canonical(environment)),
    }


def question_digest(plan: AuditPlan) -> str:
    """Return the SHA-256 of all that a plan asks, without the detector and the places of files."""
    question: dict[str, Any] = question_of(plan)
    return sha256(canonical(question))


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: sha256(content) for name, content in files.items()}
