"""What groups meet at the deployed base rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made.counts import categorical, cells, families_of, group, plan_of

from audit.analyses.deployment import Rates, deployed
from audit.counting.table import MOST_GROUPS, everyone_as_family
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.patterns import Deployed, DeployedGroup
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Axis, Family


def at_work(rows: dict[str, IntArray], prevalence: float | None = 0.01, rates: Any = None) -> tuple[Deployed, ...]:
    feature = categorical("sex", list(rows))
    raw = plan_of([{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}], [feature])
    section = {} if prevalence is None else {"deployment": {"prevalence": prevalence, "source": "case files of 2025"}}
    plan = AuditPlan.model_validate({**raw.model_dump(mode="json", by_alias=True, exclude_unset=True), **section})
    table, families = families_of(plan, [feature], {(code,): of for code, of in rows.items()})
    return deployed(plan.groups, plan.verdict, plan.deployment, [everyone_as_family(table), *families.values()], rates)


def of_group(found: Deployed, sex: str) -> DeployedGroup:
    (one,) = (one for one in found.groups if one.group == group(sex=sex))
    return one


ROWS = {"a": cells(90, 10, 50, 950), "b": cells(80, 20, 10, 990)}


def test_precision_and_flags_at_the_deployed_base_rate_beside_those_of_the_set() -> None:
    everyone, by_sex = at_work(ROWS)
    assert everyone.family == Family(())
    assert [one.group.levels for one in everyone.groups] == [()]
    a = of_group(by_sex, "a")
    assert a.flag_rate == pytest.approx(0.01 * 0.9 + 0.99 * 0.05)
    assert a.precision == pytest.approx(0.009 / 0.0585)
    assert [a.flags_per_1000, a.right_per_1000] == pytest.approx([58.5, 9.0])
    assert [a.set_flag_rate, a.set_precision] == pytest.approx([140 / 1100, 90 / 140])
    assert a.precision is not None
    assert a.precision_low is not None
    assert a.precision_high is not None
    assert a.precision_low < a.precision < a.precision_high
    assert (by_sex.prevalence, by_sex.source, by_sex.groups_not_shown) == (0.01, "case files of 2025", 0)


def test_what_is_not_known_says_why() -> None:
    rows = {**ROWS, "few": cells(1, 1, 50, 50), "none": cells(0, 0, 50, 50), "quiet": cells(0, 50, 0, 50)}
    _, by_sex = at_work(rows)
    few, none, quiet = (of_group(by_sex, code) for code in ("few", "none", "quiet"))
    assert (few.reason, few.precision, few.flag_rate, few.right_per_1000) == ("too_few_for_a_rate", None, None, None)
    assert (none.reason, none.flags_per_1000) == ("no_cases", None)
    assert (quiet.reason, quiet.precision, quiet.precision_high) == ("nobody_flagged", None, None)
    assert (quiet.flag_rate, quiet.flag_rate_low, quiet.right_per_1000) == (0.0, 0.0, 0.0)
    assert Deployed.model_validate_json(by_sex.model_dump_json()) == by_sex


def test_other_rates_can_be_given() -> None:
    family = Family((Axis("sex", "level"),))
    half, ends = np.array([0.5, 0.5]), (np.array([0.4, 0.3]), np.array([0.6, 0.7]))
    rates = {family: Rates((half, *ends), (half, *ends))}
    everyone, by_sex = at_work(ROWS, 0.2, rates)
    assert [one.flag_rate for one in by_sex.groups] == [0.5, 0.5]
    assert [one.precision for one in by_sex.groups] == [0.2, 0.2]
    narrow, wide = by_sex.groups
    assert narrow.precision_low is not None
    assert wide.precision_low is not None
    assert wide.precision_low < narrow.precision_low < 0.2
    assert everyone.groups[0].flag_rate != 0.5


def test_no_prevalence_no_figures() -> None:
    assert at_work(ROWS, None) == ()


def test_in_a_large_family_those_of_which_nothing_is_known_are_counted() -> None:
    rows = {**ROWS, **{f"n{place:03}": cells(1, 0, 1, 0) for place in range(MOST_GROUPS)}}
    _, by_sex = at_work(rows)
    assert [one.group for one in by_sex.groups] == [group(sex="a"), group(sex="b")]
    assert by_sex.groups_not_shown == MOST_GROUPS
