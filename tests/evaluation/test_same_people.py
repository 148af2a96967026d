"""A code that stands on several rungs of a ladder is of the same people there: `Group.people` counts them once.

Only a nationality has a ladder, and its rungs are those of UN M49: a plan that names others is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import nationality as made_nationality

from audit.disclosure.vocabulary import public_ladder
from audit.evaluation import nationality
from audit.evaluation.several import joint_code
from audit.plan.sections import GroupFeature
from audit.vocabulary.groups import Group, Level

RUNGS = ("country", "m49-subregion", "m49-region")
OWN = ("unknown", "XKX", "QMA", "ZZZ")
"""Codes of no list: unknown people, and those that ISO leaves to users, which a `map` may name."""
ALONE = (*nationality.countries(), *nationality.TRAVEL_DOCUMENT_CODES, *OWN)


def people_of(codes: Iterable[str], rungs: tuple[str, ...]) -> dict[tuple[str, str], set[str]]:
    """By rung and code, whom the level is of: the codes on the finest rung from which one climbs to it."""
    levels = nationality.levels(codes, rungs)
    parents = {(level.rung, level.code): level.parent for level in levels}
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    for finest in codes:
        code: str | None = finest
        for rung in rungs:
            assert code is not None
            people[rung, code].add(finest)
            code = parents[rung, code]
    return people


def assert_each_code_is_of_the_same_people(people: dict[tuple[str, str], set[str]]) -> None:
    by_code: dict[str, list[set[str]]] = defaultdict(list)
    for (_, code), who in people.items():
        by_code[code].append(who)
    for code, everywhere in by_code.items():
        assert all(who == everywhere[0] for who in everywhere), code


@pytest.mark.parametrize("rungs", [RUNGS, RUNGS[:2], (RUNGS[0], RUNGS[2])])
def test_over_every_country_and_document(rungs: tuple[str, ...]) -> None:
    people = people_of(ALONE, rungs)
    assert_each_code_is_of_the_same_people(people)
    standing_twice = {code for rung, code in people if rung == rungs[-1]} & {
        code for _, code in people if _ == rungs[0]
    }
    assert {"unknown", "XKX"} <= standing_twice, "else nothing was looked at"


@given(st.lists(st.lists(st.sampled_from(ALONE), min_size=1, max_size=4, unique=True), min_size=1, max_size=12))
def test_over_people_who_hold_several(held: list[list[str]]) -> None:
    assert_each_code_is_of_the_same_people(people_of({joint_code(codes) for codes in held}, RUNGS))


def test_over_the_levels_of_a_public_table() -> None:
    ladder = public_ladder(made_nationality(["NGA", "unknown"]))
    places: dict[str, list[frozenset[int]]] = defaultdict(list)
    for levels, climb in zip(ladder.levels, ladder.climbs, strict=True):
        for place, level in enumerate(levels):
            places[level.code].append(frozenset(np.flatnonzero(climb == place).tolist()))
    twice = {code: who for code, who in places.items() if len(who) > 1}
    assert {"unlisted", "unknown"} <= twice.keys()
    assert all(len(set(who)) == 1 for who in twice.values())


def test_a_group_is_of_the_same_people_by_feature_and_code() -> None:
    on = [Group((Level("nationality", rung, "unknown"),)) for rung in RUNGS]
    assert len({group.people for group in on}) == 1
    assert on[0].people != Group((Level("second", "country", "unknown"),)).people


@pytest.mark.parametrize(
    ("coding", "ladder"),
    [("nationality", ["country", "district"]), ("nationality", ["district", "country"]), ("categorical", ["country"])],
)
def test_no_plan_has_a_ladder_of_its_own(coding: str, ladder: list[str]) -> None:
    """Of such a one nothing would say that a code on two rungs is the same people."""
    with pytest.raises(ValueError, match=r"ladder|district|country"):
        GroupFeature.model_validate({"column": "x", "coding": coding, "ladder": ladder}).check(
            "groups.x", "categorical"
        )
