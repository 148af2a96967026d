"""Verdicts of rules on probes: pass, fail or inconclusive for every change, with one budget of false alarms.

A change passes when the mean shift is shown to lie within the margin on both sides. It fails when the shift is shown to
lie beyond the margin on one side. Tests are corrected for all changes of the same slots (Holm) and for everything else
that the plan judges. Variants that were not scored are taken at their worst for a pass and at their best for a fail.
No p-value is smaller than the chance that texts which would undo the verdict were not among those drawn. So a pass
takes many texts even where not one score moved, and the verdict says how many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.probe_shifts import ComparedTemplates, compare_templates
from audit.analyses.sides import Side
from audit.counting.probed import Answered
from audit.plan.audit_plan import AuditPlan
from audit.plan.probes import NamedProbeRule
from audit.result.findings.judged import OUTCOMES, Outcome
from audit.result.findings.swaps import ProbeBecause, ProbeRuleBecause, ProbeRuleResult, ProbeVerdict
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.template_shifts import MIN_TEMPLATES, holm, least_templates, shift_tests
from audit.verdicts.side_tests import FailTests, PassTests, SideTest, budget, judge_sides

_SIDES: Final[tuple[Side, Side]] = ("high", "low")
"""Sides of a shift: upwards, downwards."""


class _Shifts:
    """Comparisons of one family, L of them, with the p-values of both sides."""

    def __init__(self, compared: Sequence[ComparedTemplates], margin: float) -> None:
        self.compared = compared
        self.margin = margin
        self.tests = shift_tests(
            [templates.lowest for templates in compared], [templates.highest for templates in compared], margin
        )

    @cached_property
    def within_as_scored(self) -> FloatArray:
        """float64[L]: p-values of a pass over the scored pairs alone."""
        known = [templates.known for templates in self.compared]
        return shift_tests(known, known, self.margin).within


class ShiftSide(SideTest):
    """One side of a rule on probes over a family of L comparisons: high is a shift upwards, low one downwards."""

    def __init__(self, side: Side, shifts: _Shifts, alpha: float) -> None:
        super().__init__(side)
        self._shifts = shifts
        self._alpha = alpha

    def could_fail(self) -> BoolArray:
        """Find the comparisons with enough templates."""
        return ~np.isnan(self._shifts.tests.within)

    def p_fail(self, tested: BoolArray, level: float) -> FloatArray:  # noqa: ARG002
        """Return p-values of "the mean shift is within the margin on this side"."""
        tests = self._shifts.tests
        return np.where(tested, tests.above if self.side == "high" else tests.below, 1.0)

    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:  # noqa: ARG002
        """Name comparisons by Holm's procedure."""
        step = holm(p, level)
        return FailTests(p, step.level, step.rejected)

    def pass_tests(self, judged: BoolArray) -> PassTests:
        """Test whether shifts are within the margin: the larger p-value of both sides counts on either."""
        p = np.where(judged, self._shifts.tests.within, 1.0)
        within: BoolArray = judged & (p <= self._alpha)
        return PassTests.recorded(p, within)

    def passes_as_scored(self, passing: PassTests, evaluable: BoolArray) -> BoolArray:  # noqa: ARG002
        """Find the comparisons that would pass on their scored pairs alone."""
        return np.asarray(evaluable & (self._shifts.within_as_scored <= self._alpha))

    def unscored_matter(self, as_scored: BoolArray) -> BoolArray:
        """Find the comparisons that unscored pairs keep from a PASS: no scored one moved, or they pass without."""
        unscored = [templates.pairs_unscored > 0 for templates in self._shifts.compared]
        unmoved = [not templates.moved for templates in self._shifts.compared]
        return np.array(unscored, dtype=np.bool_) & (np.array(unmoved, dtype=np.bool_) | as_scored)


def judge_probes(
    plan: AuditPlan, answered: Sequence[Answered]
) -> tuple[tuple[ProbeRuleResult, ...], tuple[ProbeVerdict, ...]]:
    """Judge every rule on probes. Each of its probes must have been asked."""
    by_id = {probe_answers.design.probe: probe_answers for probe_answers in answered}
    shifts: dict[str, tuple[ComparedTemplates, ...]] = {}
    results: list[ProbeRuleResult] = []
    verdicts: list[ProbeVerdict] = []
    level = budget(plan).names
    for rule in plan.named_probe_rules:
        of_rule: list[ProbeVerdict] = []
        for probe in rule.probes:
            if probe not in shifts:
                shifts[probe] = compare_templates(by_id[probe])
            of_rule += _probe_verdicts(rule, probe, shifts[probe], level=level, alpha=plan.verdict.alpha)
        results.append(_rule_result(rule, of_rule, level))
        verdicts += of_rule
    return tuple(results), tuple(verdicts)


def _probe_verdicts(
    rule: NamedProbeRule, probe: str, comparisons: Sequence[ComparedTemplates], *, level: float, alpha: float
) -> list[ProbeVerdict]:
    families: dict[tuple[str, str], list[ComparedTemplates]] = {}
    for compared_templates in comparisons:
        families.setdefault(compared_templates.comparison.family, []).append(compared_templates)
    return [
        verdict
        for family in families.values()
        for verdict in _family_verdicts(rule, probe, _Shifts(family, rule.margin), level, alpha)
    ]


def _family_verdicts(
    rule: NamedProbeRule, probe: str, shifts: _Shifts, level: float, alpha: float
) -> Iterator[ProbeVerdict]:
    up, down = (ShiftSide(side, shifts, alpha) for side in _SIDES)
    # a comparison of which no pair was scored has its part of the level all the same
    every = np.ones(len(shifts.compared), dtype=np.bool_)
    tests = judge_sides([up, down], [slice(0, every.size)], every, up.could_fail(), level=level)
    outcomes, (upwards, downwards) = tests.outcomes, tests.by_side
    for index, compared_templates in enumerate(shifts.compared):
        above, below = float(shifts.tests.above[index]), float(shifts.tests.below[index])
        is_down = below < above
        level_fail = as_known((downwards if is_down else upwards).level[index])
        needed = _templates_needed(compared_templates, rule.margin, alpha, level_fail)
        outcome, because = _outcome(
            compared_templates, outcomes[index], needed, is_unscored=bool(tests.unscored_decide[index])
        )
        comparison = compared_templates.comparison
        yield ProbeVerdict(
            rule=rule.id,
            probe=probe,
            slot=comparison.slot,
            level=comparison.level,
            given_slot=comparison.given_slot or None,
            given=comparison.given if comparison.given_slot else None,
            outcome=outcome,
            because=because,
            p_fail=as_known(below if is_down else above),
            level_fail=level_fail,
            p_pass=as_known(shifts.tests.within[index]),
            side="down" if is_down else "up",
            templates_needed=needed,
        )


def _templates_needed(
    comparison: ComparedTemplates, margin: float, alpha: float, level_fail: float | None
) -> int | None:
    mean = float(comparison.known.mean()) if comparison.pairs else margin
    level = alpha if abs(mean) < margin else level_fail
    return None if level is None else least_templates(mean, margin, level)


def _outcome(
    comparison: ComparedTemplates, tested: Outcome, needed: int | None, *, is_unscored: bool
) -> tuple[Outcome, ProbeBecause]:
    """Return the outcome of a comparison and its reason; `is_unscored`: unscored pairs keep it from a PASS."""
    if not comparison.pairs:
        return "not_evaluable", "no_pairs"
    if tested == "fail":
        return tested, "beyond_limit"
    if tested == "pass":
        return tested, "within_limit" if comparison.moved or comparison.pairs_unscored else "no_shift"
    if len(comparison.templates) < (needed or MIN_TEMPLATES):
        return tested, "too_few_templates"
    return tested, "unscored_variants" if is_unscored else "limit_not_excluded"


def _rule_result(rule: NamedProbeRule, verdicts: Sequence[ProbeVerdict], level: float) -> ProbeRuleResult:
    counted: Counter[Outcome] = Counter(verdict.outcome for verdict in verdicts)
    outcome, because = _rule_outcome(counted)
    return ProbeRuleResult(
        rule=rule.id,
        probes=rule.probes,
        margin=rule.margin,
        outcome=outcome,
        because=because,
        comparisons_by_outcome={outcome_name: counted[outcome_name] for outcome_name in OUTCOMES},
        level=level,
        reason=rule.reason,
    )


def _rule_outcome(counted: Mapping[Outcome, int]) -> tuple[Outcome, ProbeRuleBecause]:
    if counted["fail"]:
        return "fail", "comparison_beyond_limit"
    if counted["inconclusive"] or counted["not_evaluable"] or not counted["pass"]:
        return "inconclusive", "comparison_undecided"
    return "pass", "all_within_limit"
