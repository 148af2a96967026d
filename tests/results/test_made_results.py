"""The results made up for tests of reports have what an audit by their plan has: reports are tested on no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from made.results import failing_result, passing_result, undecided_result

from audit.counting.table import plan_families, rule_families
from audit.result.audit_result import AuditResult
from audit.vocabulary.groups import Family

EVERYONE = Family(())


@pytest.mark.parametrize("make", [failing_result, passing_result, undecided_result])
def test_a_made_up_result_has_the_families_that_its_plan_counts(make: Callable[[], AuditResult]) -> None:
    result = make()
    counted = set(plan_families(result.plan.groups, result.plan.rules))
    assert {row.group.family for row in result.counts} == {EVERYONE, *counted}
    assert {row.group.family for row in result.rows} == {EVERYONE, *counted}
    assert {estimate.group.family for estimate in result.estimates} == {EVERYONE, *counted}
    assert {disparity.group.family for disparity in result.disparities} == counted
    for rule in result.plan.named_rules:
        judged = set(rule_families(result.plan.groups, rule))
        assert {verdict.group.family for verdict in result.verdicts if verdict.rule == rule.id} == judged
