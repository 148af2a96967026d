"""Verdicts on a change, from counts then and now: which groups became worse beyond the margin, and which did not.

FAIL is tested for every group on every rung, with one budget of false alarms for all rules and families of the plan. It
is a budget of its own: whether a new version became worse is another question than whether groups are treated alike.
PASS needs every group that is large enough to show that it did not become worse; a smaller one is judged as a part of a
larger one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.analyses.estimates import as_known
from audit.analyses.sides import possible_cells
from audit.counting.table import rule_families
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.result.findings.change import (
    Change,
    ChangeBaseline,
    ChangeBecause,
    ChangeFamily,
    ChangeOutcome,
    ChangeRule,
    ChangeRuleBecause,
    ChangeVerdict,
    GroupChangeBecause,
    Unpaired,
)
from audit.result.findings.judged import Because, RuleBecause
from audit.stats.pairs import pairs_to_pass
from audit.stats.power import cases_to_pass
from audit.verdicts.budget import change_level
from audit.verdicts.changes.margins import (
    ChangeTests,
    Evidence,
    change_questions,
    change_tests,
    margin_of,
)
from audit.verdicts.climb import Climb
from audit.verdicts.decidability import (
    FamilyDecidability,
    RuleDecidability,
    decidability_on_the_ladder,
    people_once,
)
from audit.verdicts.group_outcomes import GroupOutcome, group_outcomes
from audit.verdicts.outcomes import rule_outcome
from audit.verdicts.planned_people import NOBODY, PlannedPeople
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import METRICS, Metric


def why_not_judged(plan: AuditPlan, *, too_many_failed: bool) -> ChangeBecause | None:
    """Name why no change of this plan is judged at all; None where it is judged."""
    if too_many_failed:
        return "too_many_failed"
    if plan.evaluation_set.is_weighted:
        return "weighted_set"
    return "clustered_set" if plan.evaluation_set.cluster is not None else None


def judge_change(
    plan: AuditPlan,
    evidence: Mapping[Family, Evidence],
    features: Mapping[str, SensitiveFeature],
    baseline: ChangeBaseline,
    differs: tuple[str, ...],
    unpaired: Unpaired | None,
    climbs: Mapping[str, Climb] | None = None,
    *,
    too_many_failed: bool = False,
) -> Change:
    """Judge the change of every rule.

    Parameters
    ----------
    evidence
        Counts then and now of every family of the plan, and pairs where `unpaired` is None.
    climbs
        Ways up the ladders by the id of each rule, where they are known already.
    too_many_failed
        Whether one of the detectors failed on more rows than the plan allows, so that nothing is decided.
    """
    stopped = why_not_judged(plan, too_many_failed=too_many_failed)
    rules: list[ChangeRule] = []
    verdicts: list[ChangeVerdict] = []
    now = {family: known.now for family, known in evidence.items()}
    climbs = {} if stopped else climbs or Climb.of_rules(plan, now, features)
    for rule in () if stopped else plan.named_rules:
        judged, of_groups = _judge_rule(plan, rule, evidence, climbs[rule.id], unpaired)
        rules.append(judged)
        verdicts.extend(of_groups)
    outcome, because = ("inconclusive", stopped) if stopped else _outcome(rules)
    return Change(
        outcome=outcome,
        because=because,
        unpaired=unpaired,
        baseline=baseline,
        differs=differs,
        rules=tuple(rules),
        verdicts=tuple(verdicts),
    )


def _outcome(rules: Sequence[ChangeRule]) -> tuple[ChangeOutcome, ChangeBecause]:
    if any(rule.outcome == "fail" for rule in rules):
        return "fail", "group_became_worse"
    if all(rule.outcome == "pass" for rule in rules):
        return "pass", "none_became_worse"
    return "inconclusive", "rule_undecided"


def _judge_rule(
    plan: AuditPlan,
    rule: NamedRule,
    evidence: Mapping[Family, Evidence],
    climb: Climb,
    unpaired: Unpaired | None,
) -> tuple[ChangeRule, tuple[ChangeVerdict, ...]]:
    if unpaired is None and METRICS[rule.metric].denominator_is == "decisions":
        unpaired = "made_of_decisions"
    of = {
        family: Evidence(evidence[family].then, evidence[family].now, None) if unpaired else evidence[family]
        for family in rule_families(plan, rule)
    }
    every = [family_decidability(plan, rule, family, known) for family, known in of.items()]
    sizes = people_once(every, climb)
    ladder = decidability_on_the_ladder(plan, sizes, climb)
    tests = change_tests(
        plan,
        rule,
        of,
        {one.family: one.evaluable for one in sizes},
        {one.family: one.decidable for one in sizes},
    )
    outcomes = group_outcomes(ladder, {family: found.groups for family, found in tests.items()})
    counted = {family: _counted(known, METRICS[rule.metric]) for family, known in of.items()}
    verdicts = tuple(
        verdict
        for one in sizes
        for verdict in _verdicts(plan, rule, counted[one.family], tests[one.family], outcomes[one.family])
    )
    return _rule(plan, rule, ladder, tests, verdicts, unpaired), verdicts


def _counted(known: Evidence, metric: Metric) -> list[list[int]]:
    """List numerators and denominators of the groups, of then and of now."""
    return [side.tolist() for of in (known.then, known.now) for side in (of.numerator(metric), of.denominator(metric))]


def _verdicts(
    plan: AuditPlan,
    rule: NamedRule,
    counted: Sequence[Sequence[int]],
    tests: ChangeTests,
    outcomes: Sequence[GroupOutcome],
) -> Iterator[ChangeVerdict]:
    then_numerator, then_denominator, now_numerator, now_denominator = counted
    value, low, high = (end.tolist() for end in tests.difference)
    pairs = tests.pairs
    for of in outcomes:
        place = of.place
        yield ChangeVerdict.model_construct(
            rule=rule.id,
            group=of.group,
            outcome=of.outcome,
            because=_GROUP_BECAUSE[of.because],
            then_numerator=then_numerator[place],
            then_denominator=then_denominator[place],
            now_numerator=now_numerator[place],
            now_denominator=now_denominator[place],
            n=None if pairs is None else int(pairs.n[place]),
            lost=None if pairs is None else int(pairs.lost[place]),
            gained=None if pairs is None else int(pairs.gained[place]),
            difference=as_known(value[place]),
            difference_low=as_known(low[place]),
            difference_high=as_known(high[place]),
            level=plan.verdict.level,
            cases=of.cases,
            cases_required=of.cases_required,
            decidable=of.decidable,
            judged_as=of.judged_as,
            judged_as_outcome=of.judged_as_outcome,
            p_worse=of.p_fail,
            level_worse=of.level_fail,
            p_within=of.p_pass,
            side=of.side,
        )


_GROUP_BECAUSE: Final[Mapping[Because, GroupChangeBecause]] = {
    "beyond_limit": "worse_beyond_margin",
    "no_cases": "no_cases",
    "no_rest": "no_cases",
    "too_few_for_a_rate": "too_few_for_a_rate",
    "judged_as_part": "judged_as_part",
    "too_few_cases": "too_few_cases",
    "within_limit": "not_worse",
    "unscored_cases": "unscored_cases",
    "limit_not_excluded": "margin_not_excluded",
}
"""Reasons of an audit, in the terms of a change: the rest of a group is the group then."""
_BECAUSE: Final[Mapping[RuleBecause, ChangeRuleBecause]] = {
    "group_beyond_limit": "group_became_worse",
    "nothing_judged": "nothing_judged",
    "group_undecided": "group_undecided",
    "coverage_too_small": "coverage_too_small",
    "all_judged_within_limit": "none_became_worse",
}


def _rule(
    plan: AuditPlan,
    rule: NamedRule,
    ladder: RuleDecidability,
    tests: Mapping[Family, ChangeTests],
    verdicts: Sequence[ChangeVerdict],
    unpaired: Unpaired | None,
) -> ChangeRule:
    outcome, because = rule_outcome(
        ((verdict.outcome, verdict.decidable) for verdict in verdicts),
        ladder.lowest_coverage,
        plan.verdict.min_coverage,
        together=False,
        missing=False,
    )
    sides = [question.side for question in change_questions(plan, rule)]
    return ChangeRule(
        rule=rule.id,
        metric=rule.metric,
        margin=margin_of(plan, rule),
        worse="both" if len(sides) > 1 else sides[0],
        unpaired=unpaired,
        outcome=outcome,
        because=_BECAUSE[because],
        coverage=ladder.lowest_coverage,
        min_coverage=plan.verdict.min_coverage,
        families=tuple(
            ChangeFamily(
                family=one.family,
                groups=len(one.places),
                tested=int(np.count_nonzero(tests[one.family].groups.tested)),
                level=change_level(plan),
                coverage=ladder.coverage[one.family],
            )
            for one in ladder.families
        ),
    )


def family_decidability(plan: AuditPlan, rule: NamedRule, family: Family, evidence: Evidence) -> FamilyDecidability:
    """Find the groups of a family whose change can be judged alone.

    A group is judged alone if it has the cases that the plan sets for it (`min_cases`, `min_denominator`), and as many
    as a version that is no worse needs to pass with the plan's power. Where cases are compared one by one, the number
    is planned for versions that differ on `baseline.expected_change` of them.
    """
    cells = possible_cells(METRICS[rule.metric])
    n, m = evidence.now.total(cells), evidence.then.total(cells)
    floor = plan.verdict.min_denominator
    evaluable = (n >= floor) & (m >= floor)
    required = np.maximum(np.full(n.shape, _declared_cases(plan, family)), _planned_cases(plan, rule, evidence, m))
    no = np.zeros(n.shape, dtype=np.bool_)
    return FamilyDecidability(
        family=family,
        groups=evidence.now.groups,
        cases=n,
        rest_cases=m,
        required=required,
        evaluable=evaluable,
        decidable=evaluable & (n >= required),
        planned=PlannedPeople(n.astype(np.float64), n.astype(np.float64), m.astype(np.float64), NOBODY),
        too_few_clusters=no,
        too_few_to_pass=no,
        miss=np.zeros(n.shape),
        beyond_help=no,
    )


def _declared_cases(plan: AuditPlan, family: Family) -> float:
    declared = [plan.groups[axis.feature].min_cases for axis in family.axes]
    return float(max([plan.verdict.min_denominator, *(number for number in declared if isinstance(number, int))]))


def _planned_cases(
    plan: AuditPlan, rule: NamedRule, evidence: Evidence, m: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64] | float:
    asked, alpha = change_questions(plan, rule), plan.verdict.alpha
    # of two sides each is planned for half of the risk, so that both pass together with the power asked for
    power = 1.0 - (1.0 - plan.verdict.power) / len(asked)
    if evidence.pairs is not None:
        return pairs_to_pass(plan.baseline.expected_change, margin_of(plan, rule), alpha, power)
    planned = [cases_to_pass(rule.planned_rate, m, one.within, alpha=alpha, power=power) for one in asked]
    return np.asarray(np.max(np.stack(planned), axis=0), dtype=np.float64)
