"""Verdicts of groups and rules from counts, each with its reason.

Outcome of each group from its tests, with the reason and the columns that every verdict has.

Verdicts from rules and counts: pass, fail, inconclusive or not evaluable, each with its reason.

FAIL is tested for every group on every rung against the rest, with one budget of false alarms for the whole audit. It
is also tested for all nationalities together: several can be beyond the limit although none can be named. PASS needs
every group that is large enough to be judged alone to show that it is within the limit. A smaller group can fail by
itself but never passes by itself: it is judged as a part of a larger one, and counts towards coverage.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.sides import Side, questions
from audit.counting.table import FAILED, FamilyCounts
from audit.plan.audit_plan import AuditPlan, AuditSection, NamedRule, Route
from audit.plan.sections import VerdictSection
from audit.result.audit_result import AuditResult, OverallVerdict
from audit.result.findings.change import combined_outcome
from audit.result.findings.judged import OUTCOMES, Because, FamilyResult, Outcome, RuleResult, Verdict
from audit.result.findings.second import SecondVerdict
from audit.result.findings.swaps import ProbeRuleResult
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability, missing_expected, plan_decidability
from audit.verdicts.margin_tests import FamilyTests, exact_rule_tests, rule_tests
from audit.verdicts.outcomes import rule_outcome
from audit.verdicts.side_tests import Budget, GroupTests, budget
from audit.vocabulary.groups import Family, Group, SensitiveFeature

if TYPE_CHECKING:
    from audit.counting.moments import Moments


_DECIDED: Final = ("pass", "fail")


class GroupOutcome(NamedTuple):
    """What the tests of a rule say of one group, in the order of a verdict's columns."""

    place: int
    """Its place in its family."""
    group: Group
    outcome: Outcome
    because: Because
    cases: int
    cases_required: int | None
    """Cases with which it would be judged alone; None where no number would do."""
    decidable: bool
    judged_as: Group | None
    """Larger group that it is judged as a part of."""
    judged_as_outcome: Outcome | None
    p_fail: float | None
    level_fail: float | None
    p_pass: float | None
    side: Side


def group_outcomes(
    ladder: RuleDecidability, tests: Mapping[Family, GroupTests], *, stopped: bool = False
) -> dict[Family, list[GroupOutcome]]:
    """Give every group of a rule its outcome and the reason for it.

    Where `stopped`, the detector failed too often for anything to be decided, and no group passes or fails.
    """
    reached: dict[Group, tuple[Outcome, Because]] = {}
    for family in ladder.families:
        outcomes = tests[family.family].outcomes
        for index in family.places:
            group, outcome = family.groups[index], outcomes[index]
            if stopped and outcome in _DECIDED:
                reached[group] = "inconclusive", "too_many_failed"
            else:
                reached[group] = outcome, _because(outcome, family, tests[family.family], ladder, index)
    return {
        family.family: list(_with_columns(family, tests[family.family], ladder, reached)) for family in ladder.families
    }


def _with_columns(
    family: FamilyDecidability,
    tests: GroupTests,
    ladder: RuleDecidability,
    reached: Mapping[Group, tuple[Outcome, Because]],
) -> Iterator[GroupOutcome]:
    p_fail, level_fail = (
        np.where(tests.tested, column, np.nan).tolist() for column in (tests.p_fail, tests.level_fail)
    )
    cases, decidable, p_pass, high_side = (
        column.tolist() for column in (family.cases, family.decidable, tests.p_pass, tests.high_side)
    )
    for index in family.places:
        group = family.groups[index]
        outcome, because = reached[group]
        larger = ladder.judged_as.get(group)
        yield GroupOutcome(
            place=index,
            group=group,
            outcome=outcome,
            because=because,
            cases=cases[index],
            cases_required=family.required_cases(index),
            decidable=decidable[index],
            judged_as=larger,
            judged_as_outcome=None if larger is None else reached[larger][0],
            p_fail=as_known(p_fail[index]),
            level_fail=as_known(level_fail[index]),
            p_pass=as_known(p_pass[index]),
            side="high" if high_side[index] else "low",
        )


def _because(
    outcome: Outcome, family: FamilyDecidability, tests: GroupTests, ladder: RuleDecidability, index: int
) -> Because:
    """Name the first reason that explains the outcome of a group."""
    if outcome == "fail":
        return "beyond_limit" if tests.stands[index] else "beyond_limit_as_recorded"
    if outcome == "not_evaluable":
        return _why_no_rate(family, index)
    if outcome == "pass":
        return "within_limit"
    if family.decidable[index]:
        return _why_undecided(tests, index)
    if ladder.judged_as[family.groups[index]] is not None:
        return "judged_as_part"
    few = family.too_few_clusters[index] or family.too_few_to_pass[index]
    return "too_few_clusters" if few else "too_few_cases"


def _why_no_rate(family: FamilyDecidability, index: int) -> Literal["no_cases", "no_rest", "too_few_for_a_rate"]:
    if family.cases[index] == 0:
        return "no_cases"
    return "no_rest" if family.rest_cases[index] == 0 else "too_few_for_a_rate"


def _why_undecided(tests: GroupTests, index: int) -> Because:
    if tests.too_few_clusters[index]:
        return "too_few_clusters"
    if not tests.provable[index]:
        return "limit_cannot_be_exceeded"
    if tests.unscored_decide[index]:
        return "unscored_cases"
    if tests.several_decide[index]:
        return "several_nationalities"
    return "unknown_attribute" if tests.unknown_decide[index] else "limit_not_excluded"


def judge(
    plan: AuditPlan,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    moments: Moments | None = None,
    decided: Mapping[str, RuleDecidability] | None = None,
) -> tuple[tuple[RuleResult, ...], tuple[Verdict, ...], OverallVerdict]:
    """Judge every rule of the plan over the counts of its families; `moments` are given where the plan has weights or
    clusters, and `decided`, of `plan_decidability`, where it is known already.
    """
    spend = budget(plan)
    rules: list[RuleResult] = []
    verdicts: list[Verdict] = []
    stopped = too_many_failed(plan.verdict, families)
    if decided is None:
        decided = plan_decidability(plan, families, features, moments)
    for rule in plan.named_rules:
        result, of_groups = judge_rule(
            plan, rule, families, features, decided[rule.id], spend, moments, stopped=stopped
        )
        rules.append(result)
        verdicts.extend(of_groups)
    return tuple(rules), tuple(verdicts), overall_verdict(plan.audit, rules)


def judge_rule(
    plan: AuditPlan,
    rule: NamedRule,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    decidability: RuleDecidability,
    spend: Budget,
    moments: Moments | None = None,
    *,
    stopped: bool = False,
) -> tuple[RuleResult, tuple[Verdict, ...]]:
    """Judge one rule; `decidability` says who is judged alone, and `spend` what each family may spend on each side.

    Where `stopped`, the detector failed too often for anything to be decided, and no group passes or fails.
    """
    if moments is None:
        tests = exact_rule_tests(plan, rule, families, decidability, spend)
    else:
        tests = rule_tests(plan, rule, families, decidability, spend, moments)
    outcomes = group_outcomes(
        decidability, {family: family_tests.groups for family, family_tests in tests.items()}, stopped=stopped
    )
    verdicts = tuple(
        verdict
        for family in decidability.families
        for verdict in _verdicts(rule, family, tests[family.family], decidability, outcomes[family.family])
    )
    missing = missing_expected(plan.groups, plan.verdict, rule, families, features)
    result = _rule_result(plan.audit.route, plan.verdict, rule, decidability, tests, verdicts, missing)
    return (_undecided_by_failures(result) if stopped else result), verdicts


def too_many_failed(verdict: VerdictSection, families: Mapping[Family, FamilyCounts]) -> bool:
    """Say whether the detector failed on more rows than the plan allows. Every family counts the same rows."""
    for family in families.values():
        failed, rows = int(family.everyone[:, FAILED].sum()), int(family.everyone.sum())
        # as it is written in the plan: in doubles 0.41 * 600 is less than 246
        return failed > Fraction(repr(verdict.max_failed)) * rows
    return False


def _undecided_by_failures(result: RuleResult) -> RuleResult:
    """Make the rule undecided, whatever its groups taken together would have shown."""
    nobody = {"unnamed_beyond": False, "unnamed_at_least": 0}
    families = tuple(family.model_copy(update=nobody) for family in result.families)
    return result.model_copy(update={"outcome": "inconclusive", "because": "too_many_failed", "families": families})


def _verdicts(
    rule: NamedRule,
    family: FamilyDecidability,
    tests: FamilyTests,
    decidability: RuleDecidability,
    outcomes: Sequence[GroupOutcome],
) -> Iterator[Verdict]:
    degrees = tests.degrees_of_freedom
    for group_outcome in outcomes:
        stopped = group_outcome.because == "too_many_failed"
        yield Verdict.model_construct(
            rule=rule.id,
            group=group_outcome.group,
            outcome=group_outcome.outcome,
            because=group_outcome.because,
            cases=group_outcome.cases,
            cases_required=group_outcome.cases_required,
            cases_needed=None if stopped else _cases_needed(family, tests, group_outcome.outcome, group_outcome.place),
            decidable=group_outcome.decidable,
            judged_as=group_outcome.judged_as,
            judged_as_outcome=group_outcome.judged_as_outcome,
            p_fail=group_outcome.p_fail,
            level_fail=group_outcome.level_fail,
            p_pass=group_outcome.p_pass,
            side=group_outcome.side,
            degrees_of_freedom=None if degrees is None else as_known(degrees[group_outcome.place]),
            same_people=decidability.same_people.get(group_outcome.group, ()),
        )


def _cases_needed(family: FamilyDecidability, tests: FamilyTests, outcome: Outcome, index: int) -> int | None:
    """Return the cases still missing: to be judged alone, or, for a large enough group, to be decided at the measured
    rates.
    """
    if outcome in ("pass", "fail"):
        return 0
    group_cases = int(family.cases[index])
    if not family.decidable[index]:
        planned = family.required_cases(index)
        # as many as are planned would be judged alone, and held back by people of unknown group
        return None if planned is None or family.beyond_help[index] else max(planned - group_cases, 0)
    groups = tests.groups
    if groups.unscored_decide[index] or groups.several_decide[index] or groups.unknown_decide[index]:
        return None
    if groups.too_few_clusters[index]:
        return None
    needed = float(tests.cases_to_verdict[index])
    return max(math.ceil(needed) - group_cases, 1) if math.isfinite(needed) else None


def _rule_result(
    route: Route,
    verdict_section: VerdictSection,
    rule: NamedRule,
    decidability: RuleDecidability,
    tests: Mapping[Family, FamilyTests],
    verdicts: tuple[Verdict, ...],
    missing: tuple[Group, ...],
) -> RuleResult:
    counted = Counter(verdict.outcome for verdict in verdicts)
    outcome, because = rule_outcome(
        ((verdict.outcome, verdict.decidable) for verdict in verdicts),
        decidability.lowest_coverage,
        verdict_section.min_coverage,
        together=any(family.together.beyond for family in tests.values()),
        missing=bool(missing),
    )
    sides = [question.side for question in questions(route, rule)]
    return RuleResult(
        rule=rule.id,
        metric=rule.metric,
        scale=rule.scale,
        limit=rule.limit,
        direction=rule.direction,
        worse="both" if len(sides) > 1 else sides[0],
        outcome=outcome,
        because=because,
        coverage=decidability.lowest_coverage,
        min_coverage=verdict_section.min_coverage,
        groups_by_outcome={outcome_name: counted[outcome_name] for outcome_name in OUTCOMES},
        judged_as_part=sum(verdict.because == "judged_as_part" for verdict in verdicts),
        families=tuple(
            FamilyResult(
                family=family.family,
                groups=len(family.places),
                tested=int(np.count_nonzero(tests[family.family].groups.tested)),
                level=tests[family.family].level,
                procedure=tests[family.family].procedure,
                coverage=decidability.coverage[family.family],
                judged_alone=_judged_alone(family, decidability),
                unnamed_p=as_known(tests[family.family].together.p),
                unnamed_level=as_known(tests[family.family].together.level),
                unnamed_survivors=tests[family.family].together.survivors,
                unnamed_beyond=tests[family.family].together.beyond,
                unnamed_at_least=tests[family.family].together.at_least,
            )
            for family in decidability.families
        ),
        reason=rule.reason,
        missing_expected=missing,
    )


def _judged_alone(family: FamilyDecidability, decidability: RuleDecidability) -> float | None:
    people = family.planned.people.tolist()
    alone = sum(
        group_people
        for group, group_people in zip(family.groups, people, strict=True)
        if group not in decidability.judged_as
    )
    return alone / sum(people) if sum(people) else None


def overall_verdict(
    audit_section: AuditSection, rules: Sequence[RuleResult | ProbeRuleResult], people: SecondVerdict | None = None
) -> OverallVerdict:
    """Combine all rules, and what people decided where that counts: FAIL if any fails, PASS only if every one passes,
    else INCONCLUSIVE.
    """
    failing = tuple(rule.rule for rule in rules if rule.outcome == "fail")
    undecided = tuple(rule.rule for rule in rules if rule.outcome not in ("fail", "pass"))
    outcomes = [*(str(rule.outcome) for rule in rules), *([] if people is None else [people.outcome])]
    return OverallVerdict.model_validate(
        {
            "outcome": combined_outcome(outcomes),
            "failing_rules": failing,
            "undecided_rules": undecided,
            "primary_harm": audit_section.harm,
        }
    )


def verdict_without_change(result: AuditResult) -> OverallVerdict:
    """Return the verdict of an audit by itself, without its change from earlier ones."""
    return overall_verdict(result.plan.audit, (*result.rules, *result.probe_rules), result.people_verdict)
