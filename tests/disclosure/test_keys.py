"""Keys: all 64 bits of them, the same for the same people, and for nobody else."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from made.counts import cells
from made.disclosure import SECRET, made_counts, made_lattice

from audit.counting.table import DECISIONS, CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.keys import key_sums, keys_of_counts, mixed, new_key, record_keys
from audit.errors import DataError
from audit.stats.arrays import IntArray


def test_record_keys_are_keyed_blake2b_and_use_all_64_bits() -> None:
    keys = record_keys((f"person {n}" for n in range(4_000)), SECRET)
    shown = hashlib.blake2b(b"person 7", digest_size=8, key=SECRET, person=b"record").digest()
    assert int(keys[7]) == int.from_bytes(shown, "little")
    bits = (keys[:, np.newaxis] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.05
    assert len(set(keys.tolist())) == keys.size


def test_another_secret_gives_other_keys() -> None:
    assert (record_keys(["a"], SECRET) != record_keys(["a"], bytes(32))).all()
    assert new_key() != new_key()
    assert len(new_key()) == 32


def people_of(table: CountsTable) -> tuple[IntArray, IntArray, list[str]]:
    places, flat = [], []
    for place, group in enumerate(table.cells):
        for cell, count in enumerate(group.ravel()):
            places += [place] * int(count)
            flat += [cell] * int(count)
    return np.array(places), np.array(flat), [f"id-{n}" for n in range(len(places))]


SMALL = CountsTable.of(("gender",), {("woman",): cells(7, 3, 2, 9), ("man",): cells(4, 0, 1, 5)})


def test_the_key_of_a_cell_is_the_sum_of_its_people_in_any_order() -> None:
    places, flat, ids = people_of(SMALL)
    sums = key_sums(SMALL, places, flat, ids, SECRET)
    keys = record_keys(ids, SECRET)
    place, cell = 1, 0 * DECISIONS + 1
    members = (places == place) & (flat == cell)
    assert int(sums[place, 0, 1]) == int(keys[members].sum(dtype=np.uint64))
    order = np.random.default_rng(3).permutation(len(ids))
    again = key_sums(SMALL, places[order], flat[order], [ids[at] for at in order], SECRET)
    np.testing.assert_array_equal(sums, again)
    assert (sums[SMALL.cells == 0] == 0).all()


@pytest.mark.parametrize("fault", ["twice", "missing"])
def test_people_who_are_not_rows_are_refused(fault: str) -> None:
    places, flat, ids = people_of(SMALL)
    if fault == "twice":
        ids[1] = ids[0]
    else:
        places, flat, ids = places[1:], flat[1:], ids[1:]
    with pytest.raises(DataError) as refused:
        key_sums(SMALL, places, flat, ids, SECRET)
    assert refused.value.slug == "people-are-not-rows"
    assert "id-" not in str(refused.value)


def test_the_same_people_get_the_same_noise_in_every_group_that_they_make_up() -> None:
    """A sub-region of which one country holds everybody is that country."""
    lattice = made_lattice(4, 2, 1)
    table = CountsTable.of(
        ("gender", "nationality"), {("woman", "C001"): cells(30, 12), ("woman", "C000"): cells(9, 1)}
    )
    places, flat, ids = people_of(table)
    for sums in (None, key_sums(table, places, flat, ids, SECRET)):
        exact = exact_counts(lattice, table, SECRET, sums)
        names = {tuple(level.code for level in group.levels): node for node, group in enumerate(lattice.groups())}
        country, subregion = exact.keys[names["C001",]], exact.keys[names["S01",]]
        np.testing.assert_array_equal(country, subregion)
        everyone, women = exact.keys[names[()]], exact.keys[names["woman",]]
        np.testing.assert_array_equal(everyone, women)
        assert (country[:2] != everyone[:2]).all()


def test_keys_of_counts_depend_on_the_group_the_side_and_the_number() -> None:
    counts = np.array([[5, 5, 0], [5, 4, 5]])
    sides = ("positive", "positive", "negative")
    keys = keys_of_counts([("a",), ("b",)], sides, counts, SECRET)
    assert keys[0, 0] == keys[0, 1]  # all of five missed: the five who are missed are the five
    assert keys[0, 2] == 0
    assert len({int(keys[0, 0]), int(keys[1, 0]), int(keys[1, 1]), int(keys[1, 2])}) == 4
    np.testing.assert_array_equal(keys, keys_of_counts([("a",), ("b",)], sides, counts, SECRET))


def test_names_that_run_together_keep_their_own_keys() -> None:
    counts = np.array([[5]])
    one = keys_of_counts([("ab", "c")], ("positive",), counts, SECRET)
    assert one != keys_of_counts([("a", "bc")], ("positive",), counts, SECRET)


def test_sums_that_are_close_get_keys_that_are_not() -> None:
    sums = np.arange(1_000, dtype=np.uint64)
    spread = mixed(sums, SECRET)
    assert np.median(np.abs(np.diff(spread.astype(np.float64)))) > 2**60


def test_another_model_on_the_same_people_leaves_their_number_as_it_was() -> None:
    lattice, before = made_lattice(), made_counts(20_000, 1)
    after = before.cells.copy()
    moved = np.minimum(after[:, 0, 1], 2)
    after[:, 0, 0] += moved
    after[:, 0, 1] -= moved
    one = exact_counts(lattice, before, SECRET)
    two = exact_counts(lattice, CountsTable(before.features, before.codes, after), SECRET)
    np.testing.assert_array_equal(one.keys[:, 0], two.keys[:, 0])
    np.testing.assert_array_equal(one.keys[:, 2:4], two.keys[:, 2:4])
    assert (one.keys[:, 1] != two.keys[:, 1]).any()
