"""Search for the subgroup that is treated worst, among all that the declared columns describe: is it more than
chance?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import floor, log10
from typing import Any, Final

import numpy as np

from audit.analyses.estimates import as_known
from audit.counting.scan_cells import CONFIRMATION, SEARCH, ScanAttribute, ScanCells, ScanTable
from audit.plan.audit_plan import AuditPlan
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import ScanSection, VerdictSection
from audit.result.findings.subgroup_scan import (
    ScanHalf,
    ScanOutcome,
    ScanQuestion,
    ScanReason,
    ScanValues,
    SubgroupScan,
)
from audit.stats.arrays import BoolArray, IntArray, added
from audit.stats.subset_scan import (
    CalibratedScan,
    ClusterCells,
    Confirmation,
    calibrated_scan,
    clustered_confirmation,
    detectable_rate,
    exact_confirmation,
)
from audit.vocabulary.metrics import MetricName

DETECTABLE_SHARE: Final = 0.1
"""Share of the search half in a subgroup for which it is stated what could have been found."""
_STREAM: Final = 7
"""Stream of the plan's seed that the search draws from."""
_LISTED: Final = 12
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class _Question:
    name: ScanQuestion
    metric: MetricName
    positive: int
    """Label that the question is about."""

    @property
    def low_is_worse(self) -> bool:
        """Whether too few flags are the harm."""
        return self.positive == 1

    def harmed(self, flagged: IntArray, not_flagged: IntArray) -> IntArray:
        """Return the cases that are harmed: those not flagged, or those flagged."""
        return not_flagged if self.low_is_worse else flagged


_QUESTIONS: Final = (
    _Question("missed", "false_negative_rate", 1),
    _Question("wrongly_flagged", "false_positive_rate", 0),
)


def subgroup_scan(plan: AuditPlan, cells: ScanCells | None) -> tuple[SubgroupScan, ...]:
    """Search for the subgroup whose cases are missed most, and for the one that is wrongly flagged most.

    The search half is searched and calibrated (`audit.stats.subset_scan`); what it finds is tested on the other
    half, at the plan's alpha over the questions. So whatever the search does, the chance that anything is `confirmed`
    where everyone is treated alike is at most alpha. Cases are counted as rows: design weights have no part in it, and
    each record says whether there are any.

    Parameters
    ----------
    cells : ScanCells or None
        From `count_scan_cells`; None where the plan has no scan, which gives no records.
    """
    if plan.scan is None or cells is None:
        return ()
    return tuple(
        _scan(
            plan.evaluation_set,
            plan.verdict,
            plan.scan,
            cells,
            question,
            np.random.default_rng([plan.verdict.seed, _STREAM, index]),
        )
        for index, question in enumerate(_QUESTIONS)
    )


def _scan(
    set_section: EvaluationSetSection,
    verdict: VerdictSection,
    scan: ScanSection,
    cells: ScanCells,
    question: _Question,
    rng: np.random.Generator,
) -> SubgroupScan:
    half, other = cells.table(question.positive, SEARCH), cells.table(question.positive, CONFIRMATION)
    level, floor_cases = verdict.alpha, verdict.min_denominator
    facts: dict[str, Any] = {
        "question": question.name,
        "metric": question.metric,
        "attributes": tuple(attribute.name for attribute in cells.attributes),
        "subsets_power_of_ten": power_of_ten([len(attribute.values) for attribute in cells.attributes]),
        "subsets_evaluated": 0,
        "search_cases": _cases(half),
        "confirmation_cases": _cases(other),
        "unscored": cells.unscored(question.positive),
        "score": None,
        "p_search": None,
        "p_confirmation": None,
        "level": level,
        "confirmation_level": level / len(_QUESTIONS),
        "detectable_rate": None,
        "replicates": scan.replicates,
        "penalty": scan.penalty,
        "by_cluster": cells.cluster is not None,
        "leaves_out_weights": set_section.is_weighted,
    }
    reason = _why_not_searched(question, half, other, 2 * floor_cases)
    if reason is not None:
        return _record(facts, "cannot_tell" if reason == "too_few_cases" else "nothing_found", reason)
    best = _search(scan, cells, question, half, rng)
    detectable = _detectable(question, half, best, scan, level)
    facts |= {
        "subsets_evaluated": best.evaluated,
        "score": as_known(best.score),
        "p_search": as_known(best.p),
        "detectable_rate": as_known(detectable),
    }
    if best.p > level:
        findable = detectable is not None
        return _record(facts, "nothing_found" if findable else "cannot_tell", None if findable else "too_few_to_find")
    within = [_within(table, best.chosen) for table in (half, other)]
    facts |= {
        "subset": _named_values(cells.attributes, question, half, within[0], best.chosen),
        "search": _half(question, half, within[0]),
        "confirmation": _half(question, other, within[1]),
    }
    confirmed = _confirm(question, other, within[1], facts["confirmation_level"])
    if not confirmed.able or facts["confirmation"].cases < floor_cases:
        too_few: ScanReason = "too_few_to_confirm" if cells.cluster is None else "too_few_clusters"
        return _record(facts, "cannot_tell", too_few)
    facts["p_confirmation"] = as_known(confirmed.p)
    return _record(facts, "confirmed" if confirmed.p <= facts["confirmation_level"] else "not_confirmed", None)


def _record(facts: dict[str, Any], outcome: ScanOutcome, reason: ScanReason | None) -> SubgroupScan:
    return SubgroupScan(**facts, outcome=outcome, reason=reason)


def _why_not_searched(question: _Question, half: ScanTable, other: ScanTable, fewest: int) -> ScanReason | None:
    """Name the reason why there is nothing to search; None where there is something."""
    if min(_cases(half), _cases(other)) < fewest:
        return "too_few_cases"
    harmed = int(question.harmed(half.flagged, half.not_flagged).sum())
    if harmed == 0:
        return "nobody_harmed"
    return "everybody_harmed" if harmed == _cases(half) else None


def _search(
    scan: ScanSection, cells: ScanCells, question: _Question, half: ScanTable, rng: np.random.Generator
) -> CalibratedScan:
    clusters = None
    if half.cluster is not None:
        harmed = question.harmed(half.entry_flagged, half.entry_not_flagged)
        clusters = ClusterCells(half.cell, half.cluster, half.entry_flagged + half.entry_not_flagged, harmed)
    levels = [len(attribute.values) for attribute in cells.attributes]
    cases, harmed = half.flagged + half.not_flagged, question.harmed(half.flagged, half.not_flagged)
    search = partial(calibrated_scan, penalty=scan.penalty, replicates=scan.replicates, rng=rng, clusters=clusters)
    return search(half.codes, levels, cases, harmed)


def _detectable(
    question: _Question, half: ScanTable, calibrated: CalibratedScan, scan: ScanSection, level: float
) -> float | None:
    rate = int(question.harmed(half.flagged, half.not_flagged).sum()) / _cases(half)
    return detectable_rate(calibrated.critical_score(level), DETECTABLE_SHARE * _cases(half), rate, scan.penalty)


def _confirm(question: _Question, other: ScanTable, within: BoolArray, level: float) -> Confirmation:
    if other.cluster is not None:
        cases = other.entry_flagged + other.entry_not_flagged
        return clustered_confirmation(
            other.entry_flagged, cases, other.cluster, within[other.cell], question.low_is_worse, level
        )
    flagged, cases = other.flagged, other.flagged + other.not_flagged
    group_flagged, all_of = int(flagged[within].sum()), int(cases[within].sum())
    return exact_confirmation(
        group_flagged,
        all_of,
        int(flagged.sum()) - group_flagged,
        int(cases.sum()) - all_of,
        question.low_is_worse,
        level,
    )


def _within(table: ScanTable, chosen: Sequence[BoolArray]) -> BoolArray:
    """bool[K]: whether each cell is in the subset."""
    inside = np.ones(len(table.codes), dtype=np.bool_)
    for column, mask in enumerate(chosen):
        inside &= mask[table.codes[:, column]]
    return inside


def _half(question: _Question, table: ScanTable, within: BoolArray) -> ScanHalf:
    harmed, cases = question.harmed(table.flagged, table.not_flagged), table.flagged + table.not_flagged
    group, of_own, rest, of_rest = (int(counts[side].sum()) for side in (within, ~within) for counts in (harmed, cases))
    return ScanHalf(harmed=group, cases=of_own, rest_harmed=rest, rest_cases=of_rest)


def _named_values(
    attributes: Sequence[ScanAttribute],
    question: _Question,
    half: ScanTable,
    within: BoolArray,
    chosen: Sequence[BoolArray],
) -> tuple[ScanValues, ...]:
    """Describe the attributes that the subset names, those of its values first that harm most beyond the expected."""
    harmed, cases = question.harmed(half.flagged, half.not_flagged), half.flagged + half.not_flagged
    # excess times all cases: whole numbers, so that the order does not hang on a last bit
    excess = harmed * int(cases.sum()) - cases * int(harmed.sum())
    described = []
    for column, (attribute, mask) in enumerate(zip(attributes, chosen, strict=True)):
        if mask.all():
            continue
        by_value = added(mask.shape, half.codes[within, column], excess[within])
        named = sorted(np.flatnonzero(mask).tolist(), key=lambda value: (-int(by_value[value]), value))
        listed = tuple(_shortened(attribute.values[value]) for value in named[:_LISTED])
        others = len(named) - len(listed)
        described.append(
            ScanValues(attribute=attribute.name, kind=attribute.kind, values=listed, others=others, of=len(mask))
        )
    return tuple(described)


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def _cases(table: ScanTable) -> int:
    return int(table.flagged.sum() + table.not_flagged.sum())


def power_of_ten(levels: Sequence[int]) -> int:
    """Return the number of subsets that can be described, as a power of ten rounded down: the product of ``2^levels -
    1``.
    """
    subsets = 1
    for count in levels:
        subsets *= 2**count - 1
    digits = floor(subsets.bit_length() * log10(2.0))
    while 10**digits > subsets:
        digits -= 1
    return digits
