"""Baselines on the command line: which one is named, whether it is too old, and when it counts as accepted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from audit.cli.console.terminal import note
from audit.cli.outputs.named_folders import find_restricted_folder
from audit.cli.outputs.run_request import RunRequest
from audit.errors import ArgumentError, ResultError
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import DisclosureSection
from audit.result.audit_result import AuditResult
from audit.verdicts.changes.acceptance import check_earlier
from audit.vocabulary.file_names import CHAINS

if TYPE_CHECKING:
    from audit.result.file import ResultFile
    from audit.verdicts.changes.baseline import Baseline
    from audit.verdicts.changes.chain import Releases

_CLOCKS: Final = dt.timedelta(days=1)
"""Largest difference allowed between two clocks."""


class BaselineInUse(NamedTuple):
    """Baseline or accepted versions in use, and the folder that records them."""

    baseline: Baseline | None
    plan: AuditPlan
    place: Path | None
    releases: Releases | None = None

    @property
    def has_chains(self) -> bool:
        """Whether versions of any system were accepted in the folder, and no baseline was named instead."""
        return self.baseline is None and self.place is not None and (self.place / CHAINS).is_dir()

    def tell_how_held(self, result: AuditResult, *, refuse: bool) -> None:
        """Note, also in a quiet run, where a result was held against no accepted version: silence is no pass.

        And where its plan allows another loss than the plan of the reference, which decides.

        `refuse`: raise it as ResultError where the system has accepted versions. One under another name may be new.
        """
        if result.further.held_against is not None and result.change is not None:
            from audit.verdicts.changes.judge import margins_of

            if margins_of(result.plan) != {rule.rule: rule.margin for rule in result.change.rules}:
                note("note: this plan allows another loss; the change is judged by the plan of the reference")
        if not self.has_chains or result.further.held_against is not None:
            return
        error = _unheld(self.releases)
        if refuse and self.releases is not None:
            raise error
        note(f"note: {error.message}")

    def remember(self) -> None:
        """Record the baseline, after the comparison is judged and before anything is published."""
        if self.baseline is not None and self.place is not None:
            from audit.verdicts.changes.chain import record_compared

            record_compared(self.baseline, self.plan, self.place)


def _unheld(releases: Releases | None) -> ResultError:
    if releases is None:
        other = "of this system was accepted"
    else:
        is_asked = releases.chain.asks(releases.question)
        other = f"was accepted {'over this set' if is_asked else 'by a plan that asks the same'}"
    return ResultError(f"no version {other}, so that this one is held against none", slug="chain-new-line")


def baseline_in_use(
    baseline: Baseline | None, plan: AuditPlan, restricted_folder: Path | None, *, quiet: bool
) -> BaselineInUse:
    """Check that a baseline is no older than the last accepted one, as far as a folder records it.

    Raises ResultError if it is older.
    """
    if baseline is None:
        return BaselineInUse(None, plan, None)
    refuse_from_the_future(baseline)
    before = baseline.result.change
    if before is not None and before.outcome == "fail" and not quiet:
        note("note: the baseline became worse than the one before it; a pass says that nothing is worse than that")
    if restricted_folder is None:
        if not quiet:
            note(
                "note: no restricted folder is at hand, so that nobody can see whether this baseline goes back to an "
                "older one; name a folder that stays between builds with --restricted-folder"
            )
    else:
        from audit.verdicts.changes.chain import refuse_rolled_back

        refuse_rolled_back(baseline, plan, restricted_folder)
    return BaselineInUse(baseline, plan, restricted_folder)


def baseline_of_plan(request: RunRequest, out: Path | None, named: Path | None) -> BaselineInUse:
    """Return the baseline of a plan's run, if it has one, checked before the long scoring.

    `out` is the output folder of a run; a gate has none. `named` is the restricted folder, if it is known.
    """
    from audit.verdicts.changes.baseline import baseline_for

    loaded = request.loaded
    earlier = baseline_for(loaded, request.baseline)
    if earlier is not None and out is not None:
        refuse_overwritten_baseline(earlier, out)
    restricted_folder = gate_restricted_folder(out, loaded.plan.disclosure, loaded.folder, named)
    in_use = baseline_in_use(earlier, loaded.plan, restricted_folder, quiet=request.quiet)
    if earlier is not None:
        return in_use
    return in_use._replace(place=restricted_folder, releases=accepted_releases(loaded.plan, restricted_folder))


def accepted_releases(plan: AuditPlan, restricted_folder: Path | None) -> Releases | None:
    """Return the accepted versions of a plan in a restricted folder; None if there are none. Raises ResultError."""
    if restricted_folder is None or not (restricted_folder / CHAINS).is_dir():
        return None
    from audit.verdicts.changes.chain import releases_of

    return releases_of(plan, restricted_folder)


def refuse_from_the_future(baseline: Baseline) -> None:
    """Raise ResultError for a time in the future: once accepted, it would make every later baseline too old."""
    now = dt.datetime.now(dt.UTC)
    if dt.datetime.fromisoformat(baseline.result.provenance.finished) > now + _CLOCKS:
        raise ResultError(
            "the baseline says that it ended in the future",
            slug="baseline-not-earlier",
            hint="set the clocks of this machine and of the one that made it, and run the earlier model again",
        )


def refuse_overwritten_baseline(baseline: Baseline, out: Path) -> None:
    """Raise ArgumentError if a run would overwrite its own baseline: the next run would be compared with this one."""
    if baseline.beside.resolve() == out.resolve():
        raise ArgumentError("the baseline lies where this run writes its result", slug="baseline-overwritten")


def gate_restricted_folder(
    out: Path | None, disclosure: DisclosureSection, plan_folder: Path | None, named: Path | None
) -> Path | None:
    """Return the restricted folder of a gate; None if there is none. A gate makes none itself.

    `out` is the output folder, for a gate on a result.
    """
    if named is not None:
        return named
    if out is None and disclosure.folder is None:
        return None
    try:
        restricted_folder = find_restricted_folder(out or Path(), disclosure, plan_folder, None)
    except ArgumentError:
        return None
    return restricted_folder if disclosure.folder is not None or restricted_folder.is_dir() else None


def with_accepted(file: ResultFile, releases: Releases) -> AuditResult:
    """Return a result held against accepted versions of its set; the reference itself is not.

    Raises ResultError if none was accepted of its question and set, if it ended before the reference, or if they cannot
    be compared.
    """
    from audit.safeguards import with_safeguards
    from audit.verdicts.changes.baseline import Baseline, plan_at_hand, with_versions

    result, beside = file.result, file.path.parent
    accepted = releases.of_set(result.provenance.evaluation_set_sha256, result.provenance.finished)
    if accepted is None:
        raise _unheld(releases)
    if releases.number_of(file.sha256) == accepted.reference_number:
        return result
    check_earlier(accepted.reference.result, result)
    if releases.is_held(result, accepted):
        return result
    now = Baseline(result, beside)
    return with_safeguards(with_versions(result, now, accepted, plan_at_hand(result, None, beside)))


def with_change_from(result: AuditResult, result_path: Path, baseline: Baseline) -> AuditResult:
    """Return a result with its change from a baseline: the change that it has from this baseline, or a new one.

    Raises ResultError if they cannot be compared, or if the baseline is not earlier.
    """
    from audit.safeguards import with_safeguards
    from audit.verdicts.changes.baseline import Baseline, change_between, plan_at_hand, with_change

    check_earlier(baseline.result, result)
    if result.change is not None and result.change.baseline == baseline.description:
        return result
    now = Baseline(result, result_path.parent)
    change = change_between(baseline, now, plan_at_hand(result, None), only_the_same=True)
    return with_safeguards(with_change(result, change))
