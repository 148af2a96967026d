"""A made-up change from an earlier audit, put beside the verdicts of a made-up result: nobody became worse."""

from __future__ import annotations

from collections.abc import Callable

from audit.result.audit_result import AuditResult
from audit.result.findings.change import Change, ChangeBaseline, ChangeFamily, ChangeRule, ChangeVerdict
from audit.result.findings.judged import RuleResult, Verdict


def change_told(base: AuditResult, text: Callable[[str], str] = str) -> Change:
    """Every group that the result judges alone is no worse; of the others nothing is known."""
    rules = {rule.rule: rule for rule in base.rules}
    return Change(
        outcome="pass",
        because="none_became_worse",
        unpaired=None,
        baseline=ChangeBaseline(
            sha256="0" * 64,
            finished="2026-01-01T00:00:00.000Z",
            detector_sha256=text("1" * 64),
            title=text("Screener 1"),
            outcome="pass",
        ),
        differs=("detector",),
        rules=tuple(map(_rule, base.rules)),
        verdicts=tuple(_verdict(verdict, rules[verdict.rule]) for verdict in base.verdicts),
    )


def _rule(rule: RuleResult) -> ChangeRule:
    return ChangeRule(
        rule=rule.rule,
        metric=rule.metric,
        margin=0.05,
        worse=rule.worse,
        unpaired=None,
        outcome="pass",
        because="none_became_worse",
        coverage=1.0,
        min_coverage=rule.min_coverage,
        families=tuple(
            ChangeFamily(family=one.family, groups=one.groups, tested=one.tested, level=0.001, coverage=1.0)
            for one in rule.families
        ),
    )


def _verdict(verdict: Verdict, rule: RuleResult) -> ChangeVerdict:
    alone = verdict.decidable
    return ChangeVerdict(
        rule=rule.rule,
        group=verdict.group,
        outcome="pass" if alone else "inconclusive",
        because="not_worse" if alone else "too_few_cases",
        then_numerator=verdict.cases // 2,
        then_denominator=verdict.cases,
        now_numerator=verdict.cases // 2,
        now_denominator=verdict.cases,
        n=verdict.cases,
        lost=0,
        gained=0,
        difference=0.0,
        difference_low=-0.01,
        difference_high=0.01,
        level=0.95,
        cases=verdict.cases,
        cases_required=167,
        decidable=alone,
        judged_as=None,
        judged_as_outcome=None,
        p_worse=1.0,
        level_worse=0.0,
        p_within=0.001 if alone else None,
        side="low",
    )
