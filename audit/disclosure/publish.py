"""A result made public: its protected figures where they pass the checks, and the headline alone where they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from audit.disclosure.digests import keyed
from audit.disclosure.exact import TOTALS
from audit.disclosure.features import public_lattice, public_method
from audit.disclosure.from_result import Ready, ready
from audit.disclosure.gates import render_in_fresh_process
from audit.disclosure.keys_file import KEY
from audit.disclosure.lattice import Lattice
from audit.disclosure.public_files import DATA, RENDERER
from audit.disclosure.read import refuse_unless_read_back
from audit.disclosure.release import Audited, Writer, release
from audit.disclosure.restricted import restricted_folder
from audit.disclosure.shown_evidence import with_shown_evidence
from audit.disclosure.table import public_table
from audit.disclosure.told import parameters
from audit.disclosure.view import NOTHING, View
from audit.disclosure.waived import with_waivers
from audit.disclosure.words import public_release
from audit.errors import RefusedReleaseError
from audit.plan.audit_plan import AuditPlan
from audit.public.table import PublicGroup, PublicRelease, PublicSide, PublicTable
from audit.result.audit_result import AuditResult
from audit.vocabulary.groups import Group


@dataclass(frozen=True, slots=True)
class Published:
    """What was made public."""

    public: PublicRelease
    """The release; `figures` says whether it has any."""
    files: Mapping[str, bytes]
    """The files, as written."""
    number: int | None = None
    """Its number in the log; None where no figure was released."""
    attacked: bool = False
    """Whether the attack was run, which it is not on the counts of the release before."""
    refusal: RefusedReleaseError | None = None
    """Why no figure was released, if a check refused."""
    new_key: bool = False
    """Whether a key was made for it."""
    left_out: tuple[str, ...] = ()
    """Formats that could not be made even without figures: one of their reporters may be what was refused."""


def check_folder(plan: AuditPlan, restricted: Path) -> None:
    """Look at the restricted folder before a night of scoring, where there is one already.

    Raises
    ------
    ResultError, FolderInUseError, StorageError
        As the release would: the key is missing, the log is damaged, floor or features are other ones.
    """
    lattice = public_lattice(plan)
    if lattice is None or not restricted.exists():
        return
    with restricted_folder(restricted) as folder:
        if folder.entries:
            folder.settle(parameters(lattice, public_method(plan), "counts"))


def publish(
    result: AuditResult,
    restricted: Path,
    write: Writer,
    formats: Sequence[str],
    languages: Sequence[str],
    hidden: Sequence[Path] = (),
) -> Published:
    """Make the public files of a result, remember them, and write them.

    What a check refuses is not written: then the files show the headline and what the audit is of, and no figure. No
    argument overrides a refusal, and a refusal enters no log.

    Parameters
    ----------
    restricted : Path
        The restricted folder of the data set.
    write : callable
        Brings the files to their place.
    formats, languages : sequence of str
        Which public reporters, in which languages. `json` is always among the files.
    hidden : sequence of Path
        Where exact counts lie: no reporter may open them.

    Raises
    ------
    ResultError, FolderInUseError, StorageError, AuditError
        For whatever is no refusal. Nothing public was written then.
    """
    of = ready(result, tuple(dict.fromkeys((*formats, DATA))), languages or ("en",))
    if of.lattice is None:
        return _without_figures(of, of.audited, write, hidden)
    is_new = not (restricted / KEY).exists()
    try:
        made = release(restricted, write, of.lattice, of.audited, of.method, RENDERER, hidden=hidden)
    except RefusedReleaseError as refusal:
        with restricted_folder(restricted) as folder:
            about = keyed(of.audited.about, of.audited.digests, folder.secret)
        audited = replace(of.audited, about=about)
        refused = _without_figures(of, audited, write, (restricted, *hidden))
        return replace(refused, refusal=refusal, new_key=is_new)
    return Published(made.public, made.files, made.number, attacked=made.attacked, new_key=made.new_key)


def _without_figures(of: Ready, audited: Audited, write: Writer, hidden: Sequence[Path]) -> Published:
    """Files with no figure of anybody, made by a process that has none either."""
    table = _one_row(of) if of.lattice is None else _empty(of.lattice, of)
    empty = public_release(
        table,
        audited.outcome,
        audited.rules,
        audited.about,
        level=audited.level,
        alpha=audited.alpha,
        fails_on=audited.fails_on,
        change=audited.change,
        figures="not_made" if of.lattice is None else "refused",
    )
    empty = with_waivers(with_shown_evidence(empty, audited.evidence), audited.waivers)
    formats = [name for name in audited.about.formats if _is_made_alone(empty, name, hidden)]
    public = _only(empty, formats)
    refuse_unless_read_back(public)
    files = render_in_fresh_process(public, RENDERER, hidden=hidden)
    write(files)
    return Published(public, files, left_out=tuple(name for name in audited.about.formats if name not in formats))


def _is_made_alone(empty: PublicRelease, name: str, hidden: Sequence[Path]) -> bool:
    """Whether a reporter makes its file from a release without figures, alone and twice the same.

    What was refused may be its doing.
    """
    try:
        first, again = (render_in_fresh_process(_only(empty, [name]), RENDERER, hidden=hidden) for _ in range(2))
    except RefusedReleaseError:
        return False
    return first == again


def _only(release: PublicRelease, formats: Sequence[str]) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update={"formats": tuple(formats)})})


def _empty(lattice: Lattice, of: Ready) -> PublicTable:
    nodes = lattice.nodes
    view = View(
        np.full((nodes, len(TOTALS)), NOTHING, dtype=np.int64),
        np.zeros((nodes, 2), dtype=np.int8),
        np.full((nodes, 2), NOTHING, dtype=np.int64),
        lattice.published,
    )
    return public_table(lattice, view, of.method)


def _one_row(of: Ready) -> PublicTable:
    nothing = PublicSide(cases=None, shown="not_shown", errors=None, why="small_or_withheld")
    everyone = PublicGroup(group=Group(()), positives=nothing, negatives=nothing, unscored=None, unlabelled=None)
    return PublicTable(method=of.method.public(), features=(), groups=(everyone,))
