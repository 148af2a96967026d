"""A public release from beginning to end: protect, attack, explain, render again, and only then remember and write.

Everything before the last step can refuse, and then nothing is written. No argument overrides a refusal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from audit.counting.table import CountsTable
from audit.disclosure.attack import AttackReport, attack, refuse_if_told, told_nodes
from audit.disclosure.digests import Kind, keyed
from audit.disclosure.exact import ExactCounts, exact_counts
from audit.disclosure.explain import blank, refuse_unexplained
from audit.disclosure.gates import refuse_unless_rendered_again, render
from audit.disclosure.keys import key_sums
from audit.disclosure.lattice import Lattice
from audit.disclosure.method import Method
from audit.disclosure.pdf_gate import refuse_other_pdfs
from audit.disclosure.protect import Protected, Seen, protect, same_people
from audit.disclosure.read import refuse_unless_read_back
from audit.disclosure.restricted import Entry, RestrictedFolder, restricted_folder
from audit.disclosure.shown_evidence import with_shown_evidence
from audit.disclosure.table import view_of
from audit.disclosure.told import (
    attack_again,
    exact_again,
    found_told_again,
    is_of,
    parameters,
    seen,
    table_told,
    told_of_counts,
)
from audit.disclosure.view import View
from audit.disclosure.waived import with_waivers
from audit.disclosure.words import public_release
from audit.errors import DataError, ResultError
from audit.public.about import PublicAbout
from audit.public.table import FailsOn, PublicChange, PublicRelease, PublicRule, PublicTable, public_json
from audit.result.audit_result import Waiver
from audit.result.findings.safeguards import PublicState
from audit.stats.arrays import BoolArray, IntArray
from audit.storage import make_folder, storage, write_durably

_RELEASE: Final = "release.json"
_ATTACKS: Final = 10
"""After how many attacks on one release that found something, and withheld more for it, it is refused."""

Writer = Callable[[Mapping[str, bytes]], None]
"""Brings the public files to their place, all or none of them. Called when the log has remembered them."""


@dataclass(frozen=True, slots=True)
class Audited:
    """Parts of an exact audit that a public release is made of."""

    counts: CountsTable
    """The exact counts, over the features of the lattice."""
    outcome: Literal["pass", "fail", "inconclusive"]
    """The overall verdict."""
    rules: tuple[PublicRule, ...]
    """The rules."""
    about: PublicAbout
    """What the audit is of, as the public reads it."""
    level: float = 0.95
    """Level of the intervals."""
    alpha: float = 0.05
    """What a word may err."""
    fails_on: tuple[FailsOn, ...] | None = None
    """The kinds of rules that fail; where it is None a fail is one of groups."""
    change: PublicChange | None = None
    """What the public reads of the change from an earlier audit; None where there is none."""
    evidence: Mapping[str, PublicState] = field(default_factory=dict)
    """The public state of each kind of evidence for safeguards, before there is a table; none: no safeguards."""
    digests: Mapping[Kind, str] = field(default_factory=dict)
    """SHA-256 of what the audit was made from; under the key of the folder they become those of `about`."""
    waivers: tuple[Waiver, ...] = ()
    """Findings that somebody answers for."""


@dataclass(frozen=True, slots=True)
class People:
    """Who was counted, row by row: one row for each person."""

    places: IntArray
    """int64[n]: the place of each person's finest group in `counts.codes`."""
    cells: IntArray
    """int64[n]: `label * DECISIONS + decision`."""
    ids: Sequence[str]
    """A stable id of each person."""
    stable: bool
    """Whether the same person has the same id in every release."""


@dataclass(frozen=True, slots=True)
class Released:
    """A release that passed."""

    number: int
    """Its number in the log."""
    public: PublicRelease
    """What is public of it."""
    files: Mapping[str, bytes]
    """The public files, as written."""
    report: AttackReport
    """What the attack found: nothing, or there were no release."""
    attacked: bool = True
    """Whether it was attacked now; not where the release before is of the same counts, which was."""
    new_key: bool = False
    """Whether the key was drawn for it."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A protected table with what the log keeps of it."""

    table: PublicTable
    view: View
    report: AttackReport
    of: int | None
    """The number of the release that it was made for; None where that is this one."""
    found_told: tuple[BoolArray, ...] = ()
    """What attacks found told before more was withheld."""


def release(
    restricted: Path,
    write: Writer,
    lattice: Lattice,
    audited: Audited,
    method: Method,
    renderer: str,
    people: People | None = None,
    hidden: Sequence[Path] = (),
) -> Released:
    """Publish an audit, or refuse to.

    Parameters
    ----------
    restricted : Path
        The restricted folder of the data set.
    write : callable
        Brings the public files to their place, for example `into(folder)`.
    lattice : Lattice
        The groups of the table.
    audited : Audited
        Exact counts, verdict and rules.
    method : Method
        Floor and noise.
    renderer : str
        `module:function` of what makes the public files from a `PublicRelease`.
    people : People, optional
        Who was counted. Without them noise is keyed by counts.
    hidden : sequence of Path
        Files and folders with exact counts, beside the restricted folder: no renderer may open them.

    Raises
    ------
    RefusedReleaseError
        If public files could tell on people. Nothing was written then, and the log is as it was.
    DataError, ResultError, FolderInUseError, StorageError
        The same, for reasons that are no refusal.
    """
    with restricted_folder(restricted) as folder:
        exact = _exact(lattice, audited.counts, folder, people)
        if folder.entries:
            folder.settle(parameters(lattice, method, exact.keyed_by))
        protected = _protected(folder, lattice, exact, method)
        made = _made(audited, protected.table, folder.secret)
        refuse_unless_read_back(made)
        files = render(made, renderer)
        entry = _again(folder, made, files, renderer)
        if entry is None:
            refuse_unless_rendered_again(files, made, renderer, (restricted, *hidden))
            refuse_unexplained(_pages(files), _pages(render(_blank_pages(made), renderer)), made)
            refuse_other_pdfs(files, {_RELEASE: public_json(made).encode()}, hidden=(restricted, *hidden))
            folder.settle(parameters(lattice, method, exact.keyed_by))
            # Remembered before it is written: a release that nobody saw does no harm, one that nobody remembers does.
            entry = folder.append(_told(audited, exact, protected, made, files, renderer))
        write(files)
        return Released(
            entry.number, made, files, protected.report, attacked=protected.of is None, new_key=folder.made_key
        )


def into(public: Path) -> Writer:
    """A writer that puts the files into a folder, which is made where there is none."""

    def write(files: Mapping[str, bytes]) -> None:
        with storage(public):
            make_folder(public)
            for name, content in sorted(files.items()):
                write_durably(public / name, content)

    return write


def attack_release(lattice: Lattice, protected: Protected, log: Sequence[Seen], method: Method) -> AttackReport:
    """Attack a release with all that its readers have, and with what the worst of them may know of small groups."""
    known = protected.seen.view
    printed = replace(view_of(lattice, protected.table), was_shown=known.was_shown, was_coded=known.was_coded)
    views = [printed, *(seen.view for seen in log)]
    same = same_people([protected.seen.keys, *(seen.keys for seen in log)])
    return attack(lattice, views, same, method)


def reproduce(restricted: Path, lattice: Lattice, method: Method, number: int) -> dict[str, bytes]:
    """Make the public files of a release again, from the exact counts, the key and the releases before it.

    Raises
    ------
    ResultError
        If there is no such release, or the files do not come out as they were published.
    """
    with restricted_folder(restricted) as folder:
        if not 1 <= number <= len(folder.entries):
            raise ResultError(f"there is no release {number}", slug="no-such-release", hint="see the restricted folder")
        told = folder.entries[number - 1].told
        folder.settle(parameters(lattice, method, told["keyed_by"]))
        exact = exact_again(told, lattice, folder.secret)
        before = (told.get("table_of") or number) - 1
        log = [seen(entry, lattice, folder.secret) for entry in folder.entries[:before]]
        protected = protect(exact, method, log, found_told_again(told, lattice))
        rules = tuple(PublicRule.model_validate_json(json.dumps(rule)) for rule in told["rules"])
        about = PublicAbout.model_validate_json(json.dumps(told["about"]))
        made = public_release(
            protected.table,
            told["outcome"],
            rules,
            about,
            level=told["level"],
            alpha=told["alpha"],
            fails_on=told.get("fails_on"),
            change=None if told.get("change") is None else PublicChange.model_validate(told["change"]),
        )
        if "waivers" in told:  # releases of the first versions have none
            waivers = [Waiver.model_validate_json(json.dumps(each)) for each in told["waivers"]]
            made = with_waivers(made, waivers)
        files = render(made, told["renderer"])
    if _digests(made, files) != told["sha256"]:
        raise ResultError(
            f"release {number} does not come out as it was published",
            slug="not-reproduced",
            hint="the versions of this tool and of its renderer must be those of the release",
        )
    return files


def _protected(folder: RestrictedFolder, lattice: Lattice, exact: ExactCounts, method: Method) -> _Table:
    """The table of these counts, attacked; that of the last release where it is of the same counts."""
    last = folder.entries[-1] if folder.entries else None
    if last is not None and is_of(last, exact):
        # The same numbers once more tell nothing that they did not tell before.
        of = last.told.get("table_of") or last.number
        view = seen(last, lattice, folder.secret).view
        return _Table(table_told(last.told), view, attack_again(last.told), of, found_told_again(last.told, lattice))
    log = [seen(entry, lattice, folder.secret) for entry in folder.entries]
    found_told: tuple[BoolArray, ...] = ()
    while True:
        protected = protect(exact, method, log, found_told)
        report = attack_release(lattice, protected, log, method)
        if not report.told or len(found_told) == _ATTACKS:
            break
        found_told = (*found_told, told_nodes(lattice, report))
    refuse_if_told(report)
    return _Table(protected.table, protected.seen.view, report, None, found_told)


def _made(audited: Audited, table: PublicTable, secret: bytes) -> PublicRelease:
    about = keyed(audited.about, audited.digests, secret)
    made = public_release(
        table,
        audited.outcome,
        audited.rules,
        about,
        level=audited.level,
        alpha=audited.alpha,
        fails_on=audited.fails_on,
        change=audited.change,
    )
    return with_waivers(with_shown_evidence(made, audited.evidence), audited.waivers)


def _exact(lattice: Lattice, counts: CountsTable, folder: RestrictedFolder, people: People | None) -> ExactCounts:
    if people is None:
        return exact_counts(lattice, counts, folder.secret)
    if not people.stable and folder.entries:
        raise DataError(
            "the people of this set have no ids that stay the same, and there was a release before",
            slug="no-stable-ids",
            hint="every release would draw new noise, and the mean of many comes close to the exact counts",
        )
    sums = key_sums(counts, people.places, people.cells, people.ids, folder.secret)
    return exact_counts(lattice, counts, folder.secret, sums)


def _told(
    audited: Audited,
    exact: ExactCounts,
    protected: _Table,
    made: PublicRelease,
    files: Mapping[str, bytes],
    renderer: str,
) -> dict[str, Any]:
    return {
        **told_of_counts(exact, protected.table, protected.view, protected.found_told),
        "table_of": protected.of,
        "outcome": audited.outcome,
        "fails_on": made.headline.fails_on,
        "change": None if audited.change is None else audited.change.model_dump(mode="json"),
        "rules": [rule.model_dump(mode="json") for rule in audited.rules],
        "about": made.about.model_dump(mode="json"),
        "waivers": [waiver.model_dump(mode="json") for waiver in audited.waivers],
        "level": audited.level,
        "alpha": audited.alpha,
        "renderer": renderer,
        "sha256": _digests(made, files),
        "attack": {name: value for name, value in asdict(protected.report).items() if name != "told"},
    }


def _pages(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """All but PDFs: these are compared with their pages."""
    return {name: content for name, content in files.items() if not name.casefold().endswith(".pdf")}


def _blank_pages(made: PublicRelease) -> PublicRelease:
    """The release without a figure, to be made in all forms but PDF: the furniture of its pages."""
    formats = tuple(name for name in made.about.formats if name != "pdf")
    empty = blank(made)
    return empty.model_copy(update={"about": empty.about.model_copy(update={"formats": formats})})


def _digests(made: PublicRelease, files: Mapping[str, bytes]) -> dict[str, str]:
    contents = {**files, _RELEASE: public_json(made).encode()}
    return {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}


def _again(folder: RestrictedFolder, made: PublicRelease, files: Mapping[str, bytes], renderer: str) -> Entry | None:
    """The last release, where this one is the same: it passed, is written again, and not remembered twice."""
    last = folder.entries[-1] if folder.entries else None
    if last is not None and (last.told["renderer"], last.told["sha256"]) == (renderer, _digests(made, files)):
        return last
    return None
