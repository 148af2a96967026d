"""Outcome of each group from its tests, with the reason and the columns that every verdict has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.sides import Side
from audit.result.findings.judged import Because, Outcome
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.side_tests import GroupTests
from audit.vocabulary.groups import Family, Group

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
        for place in family.places:
            group, outcome = family.groups[place], outcomes[place]
            if stopped and outcome in _DECIDED:
                reached[group] = "inconclusive", "too_many_failed"
            else:
                reached[group] = outcome, _because(outcome, family, tests[family.family], ladder, place)
    return {
        family.family: list(_with_columns(family, tests[family.family], ladder, reached)) for family in ladder.families
    }


def _with_columns(
    family: FamilyDecidability,
    tests: GroupTests,
    ladder: RuleDecidability,
    reached: Mapping[Group, tuple[Outcome, Because]],
) -> Iterator[GroupOutcome]:
    p_fail, level_fail = (np.where(tests.tested, of, np.nan).tolist() for of in (tests.p_fail, tests.level_fail))
    cases, decidable, p_pass, high_side = (
        of.tolist() for of in (family.cases, family.decidable, tests.p_pass, tests.high_side)
    )
    for place in family.places:
        group = family.groups[place]
        outcome, because = reached[group]
        larger = ladder.judged_as.get(group)
        yield GroupOutcome(
            place=place,
            group=group,
            outcome=outcome,
            because=because,
            cases=cases[place],
            cases_required=family.required_cases(place),
            decidable=decidable[place],
            judged_as=larger,
            judged_as_outcome=None if larger is None else reached[larger][0],
            p_fail=as_known(p_fail[place]),
            level_fail=as_known(level_fail[place]),
            p_pass=as_known(p_pass[place]),
            side="high" if high_side[place] else "low",
        )


def _because(
    outcome: Outcome, family: FamilyDecidability, tests: GroupTests, ladder: RuleDecidability, place: int
) -> Because:
    """Name the first reason that explains the outcome of a group."""
    if outcome == "fail":
        return "beyond_limit" if tests.stands[place] else "beyond_limit_as_recorded"
    if outcome == "not_evaluable":
        return _why_no_rate(family, place)
    if outcome == "pass":
        return "within_limit"
    if family.decidable[place]:
        return _why_undecided(tests, place)
    if ladder.judged_as[family.groups[place]] is not None:
        return "judged_as_part"
    few = family.too_few_clusters[place] or family.too_few_to_pass[place]
    return "too_few_clusters" if few else "too_few_cases"


def _why_no_rate(family: FamilyDecidability, place: int) -> Literal["no_cases", "no_rest", "too_few_for_a_rate"]:
    if family.cases[place] == 0:
        return "no_cases"
    return "no_rest" if family.rest_cases[place] == 0 else "too_few_for_a_rate"


def _why_undecided(tests: GroupTests, place: int) -> Because:
    if tests.too_few_clusters[place]:
        return "too_few_clusters"
    if not tests.provable[place]:
        return "limit_cannot_be_exceeded"
    if tests.unscored_decide[place]:
        return "unscored_cases"
    if tests.several_decide[place]:
        return "several_nationalities"
    return "unknown_attribute" if tests.unknown_decide[place] else "limit_not_excluded"
