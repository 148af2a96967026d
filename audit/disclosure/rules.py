"""The rules of a plan as a public release states them: from the plan alone, and from no count."""

from __future__ import annotations

from collections.abc import Sequence

from audit.analyses.sides import questions
from audit.public.release import PublicRow, PublicRule
from audit.result.audit_result import AuditResult


def public_rules(result: AuditResult, rows: Sequence[PublicRow]) -> tuple[PublicRule, ...]:
    """Return every rule on groups, with its verdict and the number of printed rows that it judges.

    How many groups were tested is no public number: one person more or less would change it.
    """
    plan, rules = result.plan, result.plan.named_rules
    lines = result.provenance.rule_lines
    known = lines if len(lines) == len(rules) else (None,) * len(rules)
    found = {rule.rule: rule for rule in result.rules}
    return tuple(
        PublicRule(
            rule=rule.id,
            metric=rule.metric,
            scale=rule.scale,
            limit=rule.limit,
            worse=tuple(question.side for question in questions(plan, rule)),
            outcome=found[rule.id].outcome,
            judged=sum(word.rule == rule.id and word.word is not None for row in rows for word in row.words),
            groups=rule.feature_sets,
            line=line,
            on_fail=rule.on_fail,
        )
        for rule, line in zip(rules, known, strict=True)
    )
