"""Gaps within strata of the plan's control features. Descriptive: no verdict depends on them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from audit.analyses.estimates import as_known
from audit.counting.controls import StratifiedCounts, control_sets, encode_counts, stratify
from audit.counting.table import ERROR_RATES, MOST_GROUPS, CountsTable, FamilyCounts, is_listed
from audit.plan.audit_plan import NamedRule
from audit.plan.sections import ControlFeature, VerdictSection
from audit.result.findings.like_with_like import ConditionalGap, GapReason, LikeWithLike, Note
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import mover_ratio, newcombe_difference
from audit.stats.mantel_haenszel import (
    NOTES,
    Gap,
    StratumPairs,
    change_by_conditioning,
    common_difference,
    common_ratio,
    conditioning_shift,
    difference_interval,
    ratio_interval,
    same_in_all_strata,
)
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import METRICS, Metric

_NOTES_SHOWN: Final = frozenset({"vanishes", "appears", "reverses"})


@dataclass(frozen=True, slots=True)
class _Question:
    metric: Metric
    rule: str | None
    scale: Literal["difference", "ratio"]
    limit: float | None

    @property
    def bound(self) -> float | None:
        """Limit as a distance from "no gap": a difference, or the logarithm of a ratio."""
        return -math.log(self.limit) if self.limit is not None and self.scale == "ratio" else self.limit


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Numbers of a family, each of shape (G,); nan where there is none."""

    cases: IntArray
    own: FloatArray
    rest: FloatArray
    strata: IntArray
    crude_difference: Gap
    difference: Gap
    crude_ratio: Gap
    ratio: Gap
    shift: Gap
    p_same: FloatArray
    strata_tested: IntArray


def like_with_like(
    rules: Sequence[NamedRule],
    verdict: VerdictSection,
    control_features: Mapping[str, ControlFeature],
    table: CountsTable | None,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> tuple[LikeWithLike, ...]:
    """Compare group and rest within strata of control features: the rules' rates, and true and false positive rates.

    Parameters
    ----------
    rules, control_features
        Sections of the plan: the limits, and by what like is compared with like.
    table : CountsTable or None
        From `count_controls`; None where the plan has no control features.
    families : mapping of Family to FamilyCounts
        The families of the result. Conditioned are those of a single feature, on every rung, and intersections of at
        most `MOST_GROUPS` groups.
    features : mapping of str to SensitiveFeature
        The sensitive features by name.
    """
    if table is None:
        return ()
    control_questions, counted = _questions(rules), encode_counts(table)
    compared: list[LikeWithLike] = []
    for family, counts in families.items():
        if not is_listed(counts):
            continue
        for controls in control_sets(control_features):
            strata = stratify(counted, family, features, controls)
            compared.extend(_answer(verdict, question, controls, strata) for question in control_questions)
    return tuple(compared)


def _questions(rules: Sequence[NamedRule]) -> list[_Question]:
    control_questions = [_Question(rule.rate, rule.id, rule.scale, rule.limit) for rule in rules]
    ruled = {question.metric.name for question in control_questions}
    return control_questions + [
        _Question(METRICS[name], None, "difference", None) for name in ERROR_RATES if name not in ruled
    ]


def _answer(
    verdict: VerdictSection, question: _Question, controls: tuple[str, ...], counts: StratifiedCounts
) -> LikeWithLike:
    compared = _compare(question, counts, verdict.level)
    reasons = [_reason(compared, index, verdict.min_denominator) for index in range(len(counts.groups))]
    notes = _notes(verdict, question, compared, reasons)
    few = len(counts.groups) <= MOST_GROUPS and len(counts.family.axes) == 1
    shown = [
        _gap(group, compared, index, notes[index])
        for index, group in enumerate(counts.groups)
        if reasons[index] is None and (few or notes[index] in _NOTES_SHOWN)
    ]
    tally = Counter(notes)
    return LikeWithLike.model_construct(
        metric=question.metric.name,
        rule=question.rule,
        scale=question.scale,
        limit=question.limit,
        controls=controls,
        family=counts.family,
        strata=counts.strata.shape[0],
        notes={note: tally[note] for note in NOTES if tally[note]},
        not_evaluable=sum(reason is not None for reason in reasons),
        groups=tuple(shown),
        level=verdict.level,
    )


def _compare(question: _Question, counts: StratifiedCounts, level: float) -> _Comparison:
    metric, groups = question.metric, len(counts.groups)
    x, n = counts.total(metric.numerator), counts.total(metric.denominator)
    y, m = counts.rest(metric.numerator), counts.rest(metric.denominator)
    pairs = StratumPairs.of_counts(x, n, y, m, counts.of, groups)
    group_counted, group, others, rest = (pairs.over_strata(values) for values in (pairs.x, pairs.n, pairs.y, pairs.m))
    with np.errstate(invalid="ignore", divide="ignore"):
        crude_difference = group_counted / group - others / rest
        crude_ratio = np.where(others > 0, (group_counted / group) / (others / rest), np.nan)
    p_same, tested = same_in_all_strata(pairs, question.scale)
    return _Comparison(
        cases=np.bincount(counts.of, weights=n, minlength=groups).astype(np.int64),
        own=group,
        rest=rest,
        strata=pairs.strata,
        crude_difference=(crude_difference, *newcombe_difference(group_counted, group, others, rest, level)),
        difference=(common_difference(pairs)[0], *difference_interval(pairs, level)),
        crude_ratio=(crude_ratio, *mover_ratio(group_counted, group, others, rest, level)),
        ratio=(common_ratio(pairs)[0], *ratio_interval(pairs, level)),
        shift=conditioning_shift(pairs, level),
        p_same=p_same,
        strata_tested=tested,
    )


def _reason(compared: _Comparison, index: int, floor: int) -> GapReason | None:
    if compared.cases[index] == 0:
        return "no_cases"
    if compared.own[index] == 0:
        return "no_comparable_cases"
    return "too_few_for_a_rate" if min(compared.own[index], compared.rest[index]) < floor else None


def _notes(
    verdict: VerdictSection, question: _Question, compared: _Comparison, reasons: list[GapReason | None]
) -> list[Note]:
    if question.scale == "difference":
        crude, conditional = compared.crude_difference, compared.difference
    else:
        crude, conditional = _logarithms(compared.crude_ratio), _logarithms(compared.ratio)
    chosen = change_by_conditioning(crude, conditional, compared.shift, question.bound)
    # what holds of a minority of the group's cases says nothing of the group
    enough = compared.own >= verdict.min_coverage * compared.cases
    return [
        NOTES[note] if reason is None and covers else "cannot_tell"
        for note, reason, covers in zip(chosen, reasons, enough, strict=True)
    ]


def _logarithms(ratio: Gap) -> Gap:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(ratio[0]), np.log(ratio[1]), np.log(ratio[2])


def _gap(group: Group, compared: _Comparison, index: int, note: Note) -> ConditionalGap:
    cases = int(compared.cases[index])
    spread = {
        f"{name}{end}": as_known(values[index])
        for name in ("crude_difference", "difference", "crude_ratio", "ratio")
        for end, values in zip(("", "_low", "_high"), getattr(compared, name), strict=True)
    }
    for name in ("crude_ratio", "ratio"):
        if spread[name] is None:
            spread[f"{name}_low"] = spread[f"{name}_high"] = None
    return ConditionalGap.model_construct(
        None,
        group=group,
        cases=cases,
        comparable=as_known(compared.own[index] / cases),
        strata=int(compared.strata[index]),
        **spread,
        shift_low=as_known(compared.shift[1][index]),
        shift_high=as_known(compared.shift[2][index]),
        p_same=as_known(compared.p_same[index]),
        strata_tested=int(compared.strata_tested[index]),
        note=note,
        reason=None,
    )
