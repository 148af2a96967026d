"""Groups that hold the same people are found from counts, as a look at every row would find them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from made.counts import categorical, cells, families_of, group, nationality, plan_of

from audit.counting.table import climbed_codes, repeated_groups, rule_families
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Group, SensitiveFeature

OVER: Final = ["sex", "nationality", ["sex", "nationality"]]
CODES = ("NGA", "GHA", "FRA", "unknown")
Rows = dict[tuple[str, ...], IntArray]


def _found(rows: Rows, over: Sequence[object]) -> tuple[dict[Group, Group], dict[Group, frozenset[tuple[str, ...]]]]:
    """Return what the program finds, and of every group the finest groups of which it is made."""
    features = [categorical("sex", sorted({codes[0] for codes in rows})), nationality([codes[1] for codes in rows])]
    plan = plan_of([{"metric": "true_positive_rate", "groups": over, "margin": 0.1}], features)
    table, families = families_of(plan, features, rows)
    by_name: dict[str, SensitiveFeature] = {feature.name: feature for feature in features}
    counts = [families[family] for family in rule_families(plan.groups, plan.named_rules[0])]
    people: dict[Group, set[tuple[str, ...]]] = {}
    for family in counts:
        keys = climbed_codes(table.codes, table.features, family.family, by_name)
        places = {tuple(level.code for level in of.levels): of for of in family.groups}
        for finest, key, inside in zip(table.codes, keys, table.cells.sum(axis=(1, 2)).tolist(), strict=True):
            people.setdefault(places[key], set()).update([finest] if inside else [])
    return repeated_groups(counts, by_name), {of: frozenset(who) for of, who in people.items()}


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(CODES)),
        st.integers(1, 2).map(lambda cases: cells(tp=cases)),
        min_size=1,
    )
)
def test_of_groups_with_the_same_rows_one_stands_for_all(rows: Rows) -> None:
    repeats, people = _found(rows, OVER)
    assert all(people[other] == people[kept] for other, kept in repeats.items())
    assert not repeats.keys() & set(repeats.values())
    for one, two in combinations(people, 2):
        related = {level.feature for level in one.levels} & {level.feature for level in two.levels}
        if people[one] and people[one] == people[two] and related:
            assert repeats.get(one, one) == repeats.get(two, two)


def test_a_country_stands_for_its_regions_and_a_feature_for_its_crosses() -> None:
    rows: Rows = {("a", "NGA"): cells(tp=5), ("a", "FRA"): cells(tp=2), ("b", "FRA"): cells(tp=2)}
    repeats, _ = _found(rows, OVER)
    nigeria = group(nationality="NGA")
    assert repeats[group(nationality="m49-subregion:011")] == nigeria
    assert repeats[group(nationality="m49-region:002")] == nigeria
    assert repeats[group(sex="a", nationality="NGA")] == nigeria
    assert repeats[group(sex="a", nationality="m49-region:002")] == nigeria
    assert repeats[group(sex="b", nationality="m49-region:150")] == group(sex="b")
    assert group(sex="a", nationality="FRA") not in repeats


def test_as_many_people_are_not_the_same_people() -> None:
    rows: Rows = {("a", "NGA"): cells(tp=5), ("b", "FRA"): cells(tp=5)}
    repeats, _ = _found(rows, ["sex", "nationality"])
    assert group(sex="a") not in repeats
    assert group(nationality="NGA") not in repeats
