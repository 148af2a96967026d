"""Verdicts of rules on probes: pass, fail or inconclusive for every change, with one budget of false alarms.

A change passes when the mean shift is shown to lie within the margin on both sides. It fails when the shift is shown to
lie beyond the margin on one side. Tests are corrected for all changes of the same slots (Holm) and for everything else
that the plan judges. Variants that were not scored are taken at their worst for a pass and at their best for a fail.
No p-value is smaller than the chance that texts which would undo the verdict were not among those drawn. So a pass
takes many texts even where not one score moved, and the verdict says how many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.estimates import as_known
from audit.analyses.swaps import ComparedTemplates, compare_templates
from audit.counting.probed import Answered
from audit.plan.audit_plan import AuditPlan
from audit.plan.probes import NamedProbeRule
from audit.result.findings.judged import OUTCOMES, Outcome
from audit.result.findings.swaps import ProbeBecause, ProbeRuleBecause, ProbeRuleResult, ProbeVerdict
from audit.stats.pairs.template_shifts import MIN_TEMPLATES, HolmStep, ShiftTests, holm, least_templates, shift_tests
from audit.verdicts.budget import budget


class _FamilyTests(NamedTuple):
    """Tests of one family of comparisons."""

    tests: ShiftTests
    above: HolmStep
    below: HolmStep
    as_scored: npt.NDArray[np.float64]
    """p-values of a pass over the scored pairs alone."""


def judge_probes(
    plan: AuditPlan, answered: Sequence[Answered]
) -> tuple[tuple[ProbeRuleResult, ...], tuple[ProbeVerdict, ...]]:
    """Judge every rule on probes. Each of its probes must have been asked."""
    by_id = {one.design.probe: one for one in answered}
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
    rule: NamedProbeRule, probe: str, found: Sequence[ComparedTemplates], *, level: float, alpha: float
) -> list[ProbeVerdict]:
    families: dict[tuple[str, str], list[ComparedTemplates]] = {}
    for one in found:
        families.setdefault(one.comparison.family, []).append(one)
    return [
        _verdict(rule, probe, one, judged, place, alpha=alpha)
        for family in families.values()
        for judged in [_family_tests(family, rule.margin, level)]
        for place, one in enumerate(family)
    ]


def _family_tests(family: Sequence[ComparedTemplates], margin: float, level: float) -> _FamilyTests:
    tests = shift_tests([one.lowest for one in family], [one.highest for one in family], margin)
    known, scored = [one.known for one in family], not any(one.pairs_unscored for one in family)
    return _FamilyTests(
        tests=tests,
        above=holm(tests.above, level),
        below=holm(tests.below, level),
        as_scored=tests.within if scored else shift_tests(known, known, margin).within,
    )


def _verdict(
    rule: NamedProbeRule, probe: str, one: ComparedTemplates, judged: _FamilyTests, place: int, *, alpha: float
) -> ProbeVerdict:
    down = judged.tests.below[place] < judged.tests.above[place]
    p, step = (judged.tests.below, judged.below) if down else (judged.tests.above, judged.above)
    needed = _templates_needed(one, rule.margin, alpha, as_known(step.level[place]))
    outcome, because = _comparison_outcome(one, judged, place, needed, alpha)
    comparison = one.comparison
    return ProbeVerdict(
        rule=rule.id,
        probe=probe,
        slot=comparison.slot,
        level=comparison.level,
        given_slot=comparison.given_slot or None,
        given=comparison.given if comparison.given_slot else None,
        outcome=outcome,
        because=because,
        p_fail=as_known(p[place]),
        level_fail=as_known(step.level[place]),
        p_pass=as_known(judged.tests.within[place]),
        side="down" if down else "up",
        templates_needed=needed,
    )


def _templates_needed(one: ComparedTemplates, margin: float, alpha: float, level_fail: float | None) -> int | None:
    mean = float(one.known.mean()) if one.pairs else margin
    level = alpha if abs(mean) < margin else level_fail
    return None if level is None else least_templates(mean, margin, level)


def _comparison_outcome(
    one: ComparedTemplates, judged: _FamilyTests, place: int, needed: int | None, alpha: float
) -> tuple[Outcome, ProbeBecause]:
    if not one.pairs:
        return "not_evaluable", "no_pairs"
    if judged.above.rejected[place] or judged.below.rejected[place]:
        return "fail", "beyond_limit"
    if judged.tests.within[place] <= alpha:
        return "pass", "within_limit" if one.moved or one.pairs_unscored else "no_shift"
    if len(one.templates) < (needed or MIN_TEMPLATES):
        return "inconclusive", "too_few_templates"
    unscored = one.pairs_unscored and (not one.moved or judged.as_scored[place] <= alpha)
    return "inconclusive", "unscored_variants" if unscored else "limit_not_excluded"


def _rule_result(rule: NamedProbeRule, verdicts: Sequence[ProbeVerdict], level: float) -> ProbeRuleResult:
    counted: Counter[Outcome] = Counter(verdict.outcome for verdict in verdicts)
    outcome, because = _rule_outcome(counted)
    return ProbeRuleResult(
        rule=rule.id,
        probes=rule.probes,
        margin=rule.margin,
        outcome=outcome,
        because=because,
        comparisons_by_outcome={each: counted[each] for each in OUTCOMES},
        level=level,
        reason=rule.reason,
    )


def _rule_outcome(counted: Mapping[Outcome, int]) -> tuple[Outcome, ProbeRuleBecause]:
    if counted["fail"]:
        return "fail", "comparison_beyond_limit"
    if counted["inconclusive"] or counted["not_evaluable"] or not counted["pass"]:
        return "inconclusive", "comparison_undecided"
    return "pass", "all_within_limit"
