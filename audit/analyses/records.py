"""Records of an audit: all that a result states beside its verdicts, from counts. Nothing here decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.analyses.control_sample import JudgedSample, Verdicts
from audit.analyses.disparities import disparities, impact_ratios
from audit.analyses.estimates import estimates, group_counts, row_accounts, without_hidden
from audit.analyses.notices import UNASKED, full_notices, notices
from audit.counting.counted import Counted
from audit.counting.table import ABSTAINED, FamilyCounts, compared_families, everyone_as_family
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import Disparity, Estimate, GroupCounts, RowAccount
from audit.result.findings.system import Notice, SystemDescription
from audit.stages import stage
from audit.vocabulary.groups import Family, Group, SensitiveFeature

if TYPE_CHECKING:
    from audit.analyses.crosscheck.agreement import Asked
    from audit.analyses.crosscheck.tables import Rows


class Records(NamedTuple):
    """Fields of a result, by the names that it has for them."""

    rows: tuple[RowAccount, ...]
    counts: tuple[GroupCounts, ...]
    estimates: tuple[Estimate, ...]
    disparities: tuple[Disparity, ...]
    notices: tuple[Notice, ...]
    further: dict[str, Any]
    """Findings that decide nothing, by field of `Further`."""


def records(  # noqa: PLR0913 - what a result is written from
    plan: AuditPlan,
    system: SystemDescription,
    features: Sequence[SensitiveFeature],
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    judged: Verdicts,
    sample: JudgedSample | None,
    rows: Mapping[Group, Rows] | None,
    *,
    details: bool,
) -> Records:
    """Write every record.

    Parameters
    ----------
    judged, sample
        Verdicts on rates, and the control sample judged by itself, for findings that are about them.
    rows
        Cases of single groups for other libraries; None if these are not asked.
    details
        Whether questions that decide nothing are answered. A gate answers few of them.

    Raises
    ------
    CrosscheckError
        If another library states another number.
    """
    everyone = everyone_as_family(counted.table)
    shown = [everyone, *families.values()]
    accounts = row_accounts(counted.table, shown)
    least = plan.verdict.min_denominator
    of_counts = plan.evaluation_set.is_counted
    stated = [without_hidden(family) for family in shown] if of_counts else shown
    if of_counts and everyone.cells[..., ABSTAINED].any():
        rows = None  # other libraries know nothing of hidden numbers
    by_family = dict(zip(families, stated[1:], strict=True))
    compared = [stated[0], *(by_family[family] for family in compared_families(plan))]
    asked = _asked(plan, compared, rows, counted)
    rates = estimates(
        stated, level=plan.verdict.level, min_denominator=least, moments=counted.moments, of_counts=of_counts
    )
    gaps = disparities(plan, stated[1:], counted.moments)
    further: dict[str, Any] = {"impact_ratios": impact_ratios(plan, rates)}
    doubts: tuple[Notice, ...] = ()
    if details:
        from audit.analyses.further import further_findings

        found, doubts = further_findings(plan, counted, families, features, stated, judged, rates, sample)
        further |= found
    crosscheck, opinions = _crosscheck(asked, (*rates, *gaps))
    known = notices(plan, system, everyone, accounts, families, features, counted.moments, counted.added_over)
    full = full_notices(plan, families, counted.moments, judged.verdicts)
    said = (*known, *full, *doubts, *opinions)
    return Records(accounts, group_counts(shown), rates, gaps, said, {**further, **crosscheck})


def _asked(
    plan: AuditPlan, compared: Sequence[FamilyCounts], rows: Mapping[Group, Rows] | None, counted: Counted
) -> Asked | None:
    if rows is None:
        return None
    from audit.analyses.crosscheck.agreement import asked_about, headlines

    return asked_about(compared, headlines(plan), rows, counted.moments)


def _crosscheck(
    asked: Asked | None, numbers: Sequence[Estimate | Disparity]
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return other libraries' numbers, by field of `Further`, and notices for the reader. Raises CrosscheckError."""
    if asked is None:
        return {}, (UNASKED,)
    stage("cross-check")
    said = asked.opinions(numbers)
    return {"crosscheck": said.agreements, "crosscheck_state": said.state}, said.notices
