"""Which groups a public table has, and which add up to which."""

from __future__ import annotations

import numpy as np
import pytest
from made.counts import categorical, cells
from made.counts import nationality as nationality_feature
from made.disclosure import SECRET, made_counts, made_lattice

from audit.counting.table import CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.lattice import lattice_of
from audit.disclosure.vocabulary import UNLISTED, ladder_of, public_ladder
from audit.errors import PlanError
from audit.evaluation.nationality import countries
from audit.vocabulary.groups import LevelName, SensitiveFeature


def gender(levels: tuple[str, ...]) -> SensitiveFeature:
    named = tuple(LevelName(rung="level", code=code, name=code) for code in levels)
    return SensitiveFeature(
        name="gender", column="g", coding="gender", rungs=("level",), levels=named, given_to_detector=False
    )


def test_what_the_set_holds_does_not_change_the_groups() -> None:
    """Whether a row stands in the table must say nothing."""
    few = [public_ladder(gender(("woman",))), public_ladder(nationality_feature(["NGA"]))]
    many = [public_ladder(gender(("man", "unknown"))), public_ladder(nationality_feature(["GHA", "THA", "unknown"]))]
    assert lattice_of(few).groups() == lattice_of(many).groups()
    codes = {level.code for level in few[1].levels[0]}
    assert set(countries()) < codes
    assert {"XXA", "unknown", UNLISTED} < codes


def test_codes_of_no_list_are_counted_together() -> None:
    ladder = public_ladder(nationality_feature(["NGA"]))
    places = ladder.places(["NGA", "NGA+GHA", "QZZ"])
    assert [ladder.levels[0][place].code for place in places] == ["NGA", UNLISTED, UNLISTED]
    assert [ladder.levels[2][ladder.climbs[2][place]].code for place in places] == ["002", UNLISTED, UNLISTED]


def test_a_feature_without_a_list_needs_levels_from_the_plan() -> None:
    feature = categorical("sector", ["farm", "mine"])
    with pytest.raises(PlanError) as refused:
        public_ladder(feature)
    assert refused.value.slug == "no-declared-levels"
    ladder = public_ladder(feature, ["farm"])
    assert [level.code for level in ladder.levels[0]] == ["farm", "unknown", UNLISTED]


def test_every_group_is_the_sum_of_its_people() -> None:
    lattice, table = made_lattice(30, 6, 2), made_counts(5_000, 1, countries=30)
    exact = exact_counts(lattice, table, SECRET)
    at = {tuple(level.code for level in group.levels): node for node, group in enumerate(lattice.groups())}
    women = [place for place, code in enumerate(table.codes) if code[0] == "woman"]
    south = [place for place in women if int(table.codes[place][1][1:]) % 6 == 3]
    assert exact.counts[at["woman", "S03"], 0] == table.cells[south, 0].sum()
    assert exact.counts[at["woman",], 1] == table.cells[women, 0, 1].sum()
    assert exact.counts[at[()], 2] == table.cells[:, 1].sum()
    assert exact.counts[at[()], 3] == table.cells[:, 1, 0].sum()


def test_relations_hold_for_counts_whatever_they_are() -> None:
    lattice = made_lattice(30, 6, 2)
    counts = lattice.add_up(np.random.default_rng(1).integers(0, 50, (lattice.finest, 2)))
    assert lattice.relations
    seen = set()
    for relation in lattice.relations:
        np.testing.assert_array_equal(
            np.add.reduceat(counts[relation.children], relation.starts, axis=0), counts[relation.parents]
        )
        seen |= {*relation.children.tolist(), *relation.parents.tolist()}
    assert seen == set(range(lattice.nodes))


def test_three_features_are_crossed_two_by_two_and_tied_by_what_is_not_published() -> None:
    ladders = [ladder_of(name, ["level"], [LevelName(rung="level", code=c, name=c) for c in "ab"], closed=True)
               for name in ("x", "y", "z")]  # fmt: skip
    lattice = lattice_of(ladders)
    assert lattice.published == 1 + 3 * 2 + 3 * 4
    assert lattice.nodes == lattice.published + 8
    assert max(len(group.levels) for group in lattice.groups()) == 2


def test_rows_without_an_answer_and_without_a_label_have_their_place() -> None:
    lattice = made_lattice(4, 2, 1)
    table = CountsTable.of(
        ("gender", "nationality"),
        {("man", "C000"): cells(1, 2, 3, 4, unlabelled=(5, 6), abstained=(7, 8, 9), failed=(10, 11, 12))},
    )
    everyone = exact_counts(lattice, table, SECRET).counts[0]
    assert everyone.tolist() == [3, 2, 7, 3, 57, 11]
    assert everyone[[0, 2, 4, 5]].sum() == table.cells.sum()


def test_more_groups_than_can_be_attacked_are_refused() -> None:
    many = [ladder_of(name, ["level"], [LevelName(rung="level", code=f"{n:04}", name="") for n in range(400)])
            for name in ("x", "y")]  # fmt: skip
    with pytest.raises(PlanError) as refused:
        lattice_of(many)
    assert refused.value.slug == "too-many-groups-to-protect"
