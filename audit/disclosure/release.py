"""A public release from beginning to end: protect, attack, explain, render again, and only then write and remember.

Everything before the last step can refuse, and then nothing is written. No argument overrides a refusal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from audit import __version__
from audit.counting.table import CountsTable, IntArray
from audit.disclosure.attack import AttackReport, attack, refuse_if_told
from audit.disclosure.exact import ExactCounts, KeyedBy, exact_counts, from_finest
from audit.disclosure.explain import blank, refuse_unexplained
from audit.disclosure.gates import refuse_unless_rendered_again, render
from audit.disclosure.keys import key_sums
from audit.disclosure.lattice import Lattice
from audit.disclosure.method import Method
from audit.disclosure.noise import UIntArray
from audit.disclosure.pdf_gate import refuse_other_pdfs
from audit.disclosure.protect import Protected, Seen, protect, same_people
from audit.disclosure.restricted import Entry, RestrictedFolder, restricted_folder, storage
from audit.disclosure.table import view_of
from audit.disclosure.view import View
from audit.disclosure.words import public_release
from audit.errors import DataError, ResultError
from audit.public_table import PublicAbout, PublicRelease, PublicRule, PublicTable, public_json
from audit.scoring.durable import make_folder, write_durably

__all__ = ["Audited", "People", "Released", "attack_release", "release", "reproduce"]

_RELEASE: Final = "release.json"


@dataclass(frozen=True, slots=True)
class Audited:
    """What of an exact audit a public release is made of."""

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


def release(
    restricted: Path,
    public: Path,
    lattice: Lattice,
    audited: Audited,
    method: Method,
    renderer: str,
    people: People | None = None,
) -> Released:
    """Publish an audit, or refuse to.

    Parameters
    ----------
    restricted, public : Path
        The restricted folder of the data set, and the folder for the public files.
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

    Raises
    ------
    DataError, ResultError, FolderInUseError, StorageError
        Nothing was written then, and the log is as it was.
    """
    with restricted_folder(restricted) as folder:
        exact = _exact(lattice, audited.counts, folder, people)
        _refuse_other_method(folder, lattice, method, exact.keyed_by)
        log = [_seen(entry, lattice, folder.secret) for entry in folder.entries]
        protected = protect(exact, method, log)
        report = attack_release(lattice, protected, log, method)
        refuse_if_told(report)
        made = public_release(
            protected.table, audited.outcome, audited.rules, audited.about, level=audited.level, alpha=audited.alpha
        )
        files = render(made, renderer)
        refuse_unless_rendered_again(files, made, renderer)
        refuse_unexplained(_pages(files), _pages(render(blank(made), renderer)), made)
        refuse_other_pdfs(files, {_RELEASE: public_json(made).encode()})
        settled = _parameters(lattice, method, exact.keyed_by)
        entry = _again(folder, made, files)
        if entry is None:
            folder.settle(settled)
            # Remembered before it is written: a release that nobody saw does no harm, one that nobody remembers does.
            entry = folder.append(_told(audited, exact, protected, made, files, report, renderer))
        _write(public, files)
        return Released(entry.number, made, files, report)


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
        _refuse_other_method(folder, lattice, method, told["keyed_by"])
        exact = _exact_again(told, lattice, folder.secret)
        protected = protect(
            exact, method, [_seen(entry, lattice, folder.secret) for entry in folder.entries[: number - 1]]
        )
        rules = tuple(PublicRule.model_validate(rule) for rule in told["rules"])
        about = PublicAbout.model_validate_json(json.dumps(told["about"]))
        made = public_release(protected.table, told["outcome"], rules, about, level=told["level"], alpha=told["alpha"])
        files = render(made, told["renderer"])
    if _digests(made, files) != told["sha256"]:
        raise ResultError(
            f"release {number} does not come out as it was published",
            slug="not-reproduced",
            hint="the versions of this tool and of its renderer must be those of the release",
        )
    return files


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


def _parameters(lattice: Lattice, method: Method, keyed_by: KeyedBy) -> dict[str, Any]:
    return {
        "method": method.public().model_dump(mode="json"),
        "noise": [list(row) for row in method.noise.thresholds],
        "keyed_by": keyed_by,
        "features": [[ladder.feature, ladder.rungs, *([level.code for level in rung] for rung in ladder.levels)]
                     for ladder in lattice.ladders],
    }  # fmt: skip


def _refuse_other_method(folder: RestrictedFolder, lattice: Lattice, method: Method, keyed_by: KeyedBy) -> None:
    if folder.entries:
        folder.settle(_parameters(lattice, method, keyed_by))


def _told(
    audited: Audited,
    exact: ExactCounts,
    protected: Protected,
    made: PublicRelease,
    files: Mapping[str, bytes],
    report: AttackReport,
    renderer: str,
) -> dict[str, Any]:
    first = protected.seen.view
    assert first.was_shown is not None  # noqa: S101 - `protect` knows what it withheld
    assert first.was_coded is not None  # noqa: S101 - the same
    return {
        "keyed_by": exact.keyed_by,
        "counts": _sparse(exact.finest),
        "keys": _sparse(exact.finest_keys),
        "table": protected.table.model_dump(mode="json"),
        "was_shown": _sparse(first.was_shown.astype(np.int64)),
        "was_coded": _sparse(first.was_coded.astype(np.int64)),
        "outcome": audited.outcome,
        "rules": [rule.model_dump(mode="json") for rule in audited.rules],
        "about": audited.about.model_dump(mode="json"),
        "level": audited.level,
        "alpha": audited.alpha,
        "renderer": renderer,
        "tool": __version__,
        "sha256": _digests(made, files),
        "attack": {name: value for name, value in asdict(report).items() if name != "told"},
    }


def _digests(made: PublicRelease, files: Mapping[str, bytes]) -> dict[str, str]:
    contents = {**files, _RELEASE: public_json(made).encode()}
    return {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}


def _again(folder: RestrictedFolder, made: PublicRelease, files: Mapping[str, bytes]) -> Entry | None:
    """The last release, where this one is the same: it is written again and not remembered twice."""
    if folder.entries and folder.entries[-1].told["sha256"] == _digests(made, files):
        return folder.entries[-1]
    return None


def _seen(entry: Entry, lattice: Lattice, secret: bytes) -> Seen:
    told = entry.told
    view = view_of(lattice, PublicTable.model_validate_json(json.dumps(told["table"])))
    shown = _dense(told["was_shown"], (lattice.nodes, 4)).astype(np.bool_)
    coded = _dense(told["was_coded"], (lattice.nodes, 2)).astype(np.int8)
    keys = _exact_again(told, lattice, secret).keys
    return Seen(View(view.totals, view.codes, view.errors, view.published, shown, coded), keys)


def _exact_again(told: Mapping[str, Any], lattice: Lattice, secret: bytes) -> ExactCounts:
    shape = (lattice.finest, 6)
    keys: UIntArray = np.zeros(shape, dtype=np.uint64)
    for row, column, value in told["keys"]:
        keys[row, column] = value
    return from_finest(lattice, _dense(told["counts"], shape), keys, told["keyed_by"], secret)


def _sparse(values: IntArray | UIntArray) -> list[list[int]]:
    return [[int(row), int(column), int(values[row, column])] for row, column in zip(*np.nonzero(values), strict=True)]


def _dense(told: Sequence[Sequence[int]], shape: tuple[int, int]) -> IntArray:
    dense = np.zeros(shape, dtype=np.int64)
    for row, column, value in told:
        dense[row, column] = value
    return dense


def _pages(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """All but PDFs: these are compared with their pages."""
    return {name: content for name, content in files.items() if not name.casefold().endswith(".pdf")}


def _write(public: Path, files: Mapping[str, bytes]) -> None:
    with storage(public):
        make_folder(public)
        for name, content in sorted(files.items()):
            write_durably(public / name, content)
