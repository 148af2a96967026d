"""Whole tables of all releases at once: what each release alone and what sums leave open, they can tell together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made.disclosure import ABOUT, RULE, SECRET, made_counts, made_lattice, made_method
from scipy import sparse
from scipy.optimize import LinearConstraint, milp

from audit.counting.table import CountsTable
from audit.disclosure import attack as attacking
from audit.disclosure.attack import attack
from audit.disclosure.exact import ExactCounts, exact_counts
from audit.disclosure.joint import LARGEST, joint_system, taken_together, unknowns_of
from audit.disclosure.lattice import Lattice, lattice_of
from audit.disclosure.linear import bound
from audit.disclosure.method import Method
from audit.disclosure.propagation import propagate_together
from audit.disclosure.protect import Protected, Seen, protect, same_people
from audit.disclosure.release import Audited, into, release, reproduce
from audit.disclosure.view import BOUNDED, CORRECT_OF, ERROR_OF, TOTAL_OF, UNBOUNDED, Bounds, ranges
from audit.disclosure.vocabulary import ladder_of
from audit.errors import RefusedReleaseError
from audit.stats.arrays import BoolArray
from audit.vocabulary.groups import LevelName

LATTICE = made_lattice(10, 3, 2)
METHOD = made_method()


def tables(seed: int, *, models: bool) -> list[CountsTable]:
    """Three releases of a small set, which a few people leave each time; with other decisions each time if `models`."""
    rng = np.random.default_rng(seed)
    table = made_counts(1_200, seed, countries=10)
    sets = [table.cells]
    for _ in range(2):
        cells = sets[-1] - rng.binomial(sets[-1], 0.004)
        if models:
            moved, back = (rng.binomial(cells[:, :, column], 0.05) for column in (0, 1))
            cells[:, :, 0] += back - moved
            cells[:, :, 1] += moved - back
        sets.append(cells)
    return [CountsTable(table.features, table.codes, cells) for cells in sets]


def logged(seed: int, releases: int, *, models: bool) -> list[Protected]:
    log: list[Protected] = []
    for table in tables(seed, models=models)[:releases]:
        exact = exact_counts(LATTICE, table, SECRET)
        log.append(protect(exact, METHOD, [one.seen for one in log]))
    return log


def by_hand(log: list[Protected], side: int) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    """Every release's errors and right answers as unknowns of their own, and a row for each count that is the same."""
    at = np.concatenate(LATTICE.finest_to_node)
    leaf = np.tile(np.arange(LATTICE.finest), len(LATTICE.finest_to_node))
    sums = sparse.csr_array((np.ones(at.size), (at, leaf)), shape=(LATTICE.nodes, LATTICE.finest))
    none = sparse.csr_array(sums.shape)
    rows, low, high = [], [], []
    parts = ((TOTAL_OF[side], (sums, sums)), (ERROR_OF[side], (sums, none)), (CORRECT_OF[side], (none, sums)))
    for release_, one in enumerate(log):
        said = ranges(one.seen.view, METHOD)
        for column, pair in parts:
            blocks = [none] * (2 * release_) + list(pair) + [none] * (2 * (len(log) - release_ - 1))
            rows.append(sparse.hstack(blocks))
            low.append(said.low[:, column].astype(float))
            high.append(np.where(said.high[:, column] >= UNBOUNDED, 1e7, said.high[:, column]))
    for one_, other in ((0, 1), (0, 2), (1, 2)):
        for key, counted in ((2 * side, (True, True)), (2 * side + 1, (True, False))):
            alike = np.flatnonzero(log[one_].seen.keys[:, key] == log[other].seen.keys[:, key])
            blocks = [none[alike]] * (2 * len(log))
            for part in np.flatnonzero(counted):
                blocks[2 * one_ + part], blocks[2 * other + part] = sums[alike], -sums[alike]
            rows.append(sparse.hstack(blocks))
            low.append(np.zeros(alike.size))
            high.append(np.zeros(alike.size))
    return sparse.csr_array(sparse.vstack(rows)), np.concatenate(low), np.concatenate(high)


@pytest.mark.parametrize(("seed", "models"), [(5, True), (2, False)])
def test_shared_unknowns_have_the_bounds_of_unknowns_that_are_told_to_be_equal(seed: int, *, models: bool) -> None:
    log = logged(seed, 3, models=models)
    same = same_people([one.seen.keys for one in log])
    found = propagate_together(LATTICE, [ranges(one.seen.view, METHOD) for one in log], same)
    rng = np.random.default_rng(0)
    for side in (0, 1):
        rows, low, high = by_hand(log, side)
        joint = joint_system(LATTICE, found, same, side)
        of_releases = np.flatnonzero(joint.releases >= 0)
        for row in rng.choice(of_releases, 12, replace=False):
            column = int(joint.system.columns[row])
            part = (TOTAL_OF[side], ERROR_OF[side], CORRECT_OF[side]).index(column)
            place = (3 * int(joint.releases[row]) + part) * LATTICE.nodes + int(joint.system.nodes[row])
            objective = rows[[place]].toarray()[0]
            ends = [milp(sign * objective, constraints=LinearConstraint(rows, low, high)) for sign in (1, -1)]
            least, most = bound(joint.system, int(row))
            assert objective @ ends[0].x == pytest.approx(least, abs=1e-4)
            if ends[1].status == 0 and objective @ ends[1].x < 1e6:
                assert objective @ ends[1].x == pytest.approx(most, abs=1e-4)


def test_what_releases_tell_together_is_found() -> None:
    log = logged(1, 2, models=True)
    seen = [one.seen for one in reversed(log)]
    views, same = [one.view for one in seen], same_people([one.keys for one in seen])
    assert not attack(LATTICE, views, same, METHOD, programs=False).told
    for one in seen:
        assert not attack(LATTICE, [one.view], [], METHOD).told
    assert attack(LATTICE, views, same, METHOD).told


def test_more_is_withheld_for_it_and_the_folder_makes_the_bytes_again(tmp_path: Path) -> None:
    restricted = tmp_path / "restricted"
    restricted.mkdir(mode=0o700)
    (restricted / "key").touch(mode=0o600)
    (restricted / "key").write_text(SECRET.hex())
    places = restricted, into(tmp_path / "public"), LATTICE
    made = [
        release(*places, Audited(table, "fail", (RULE,), ABOUT), METHOD, "made.disclosure:render")
        for table in tables(1, models=True)[:2]
    ]
    assert [(one.number, one.report.told) for one in made] == [(1, ()), (2, ())]
    log = logged(1, 2, models=True)
    assert made[0].public.table == log[0].table
    assert made[1].public.table != log[1].table
    assert reproduce(restricted, LATTICE, METHOD, 2) == dict(made[1].files)


def test_every_release_before_comes_back_from_the_folder_with_what_was_withheld(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[int, Protected] = {}
    logs: list[list[Seen]] = []

    def noted(exact: ExactCounts, method: Method, log: Sequence[Seen], shown: Sequence[BoolArray]) -> Protected:
        logs.append(list(log))
        made[len(log)] = protect(exact, method, log, shown)
        return made[len(log)]

    monkeypatch.setattr("audit.disclosure.release.protect", noted)
    for table in tables(3, models=False):
        audited = Audited(table, "fail", (RULE,), ABOUT)
        release(tmp_path / "kept", into(tmp_path / "public"), LATTICE, audited, METHOD, "made.disclosure:render")
    assert sorted(made) == [0, 1, 2]
    for log in logs:
        for before, one in zip([made[at].seen for at in range(len(log))], log, strict=True):
            assert one.keys.tolist() == before.keys.tolist()
            for name in ("totals", "codes", "errors", "was_shown", "was_coded"):
                np.testing.assert_array_equal(getattr(one.view, name), getattr(before.view, name))


def test_releases_of_the_same_people_share_their_unknowns() -> None:
    counts = tables(3, models=False)[:1] * 3
    seen = [protect(exact_counts(LATTICE, table, SECRET), METHOD).seen for table in counts]
    same = same_people([one.keys for one in seen])
    assert unknowns_of(LATTICE, 3, same) == 2 * LATTICE.finest < LARGEST
    assert taken_together(LATTICE, 3, same)[0] == [0, 2, 1]
    ties = joint_system(LATTICE, [ranges(one.view, METHOD) for one in seen], same, 0).releases
    assert set(ties.tolist()) == {0}


def test_as_many_releases_are_taken_together_as_programs_can_be_solved_for() -> None:
    """All decisions changed: each release has unknowns of its own."""
    nobody = np.zeros((LATTICE.nodes, 8), dtype=np.bool_)
    most = LARGEST // (2 * LATTICE.finest)
    same = [(one, other, nobody) for one in range(20) for other in range(one + 1, 20)]
    taken, among = taken_together(LATTICE, 20, same)
    assert taken == [0, *range(19, 20 - most, -1)]
    assert most == 7  # as the documentation says, and two of forty
    assert LARGEST // (2 * made_lattice(40, 3, 2).finest) == 2
    assert {pair[:2] for pair in among} == {(taken.index(one), taken.index(other)) for one, other, _ in same
                                            if one in taken and other in taken}  # fmt: skip


def test_more_is_withheld_for_a_count_of_a_group_that_stands_in_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three features the finest groups are in no table. What tells of them is."""
    lattice = lattice_of([
        ladder_of(name, ["level"], [LevelName(rung="level", code=code, name=code) for code in "ab"], closed=True)
        for name in "xyz"
    ])  # fmt: skip
    finest = lattice.nodes - 1
    assert finest >= lattice.published
    keys = [(x, y, z) for x in "ab" for y in "ab" for z in "ab"]
    cells = np.zeros((3, 4), dtype=np.int64)
    cells[0, :2] = cells[1, :2] = 40
    exact = exact_counts(lattice, CountsTable.of(("x", "y", "z"), dict.fromkeys(keys, cells)), SECRET)
    made = protect(exact, METHOD)

    def found_by_programs(_: Lattice, __: Bounds, found: Bounds, *___: object) -> np.ndarray:
        bad = np.zeros_like(found.low, dtype=np.bool_)
        bad[finest, TOTAL_OF[0]] = True
        return bad

    monkeypatch.setattr(attacking, "_programs", found_by_programs)
    report = attack(lattice, [made.seen.view], [], METHOD)
    assert [(one.group, one.count) for one in report.told] == [(None, BOUNDED[TOTAL_OF[0]])]
    again = protect(exact, METHOD, found_told=[attacking.told_nodes(lattice, report)])
    assert again.withheld > made.withheld


def test_where_nothing_is_left_to_withhold_a_release_is_refused_at_once() -> None:
    exact = exact_counts(LATTICE, tables(1, models=False)[0], SECRET)
    shown = np.zeros((LATTICE.nodes, len(BOUNDED)), dtype=np.bool_)
    shown[:, TOTAL_OF[0]] = True
    with pytest.raises(RefusedReleaseError) as refused:
        protect(exact, METHOD, found_told=[shown] * 1_000)
    assert refused.value.slug == "not-safe-beside-earlier"


@pytest.mark.parametrize("release_", [0, 1])
@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_group_that_one_release_bounds_otherwise_keeps_its_place_in_all(release_: int, end: str, column: int) -> None:
    shape = (LATTICE.nodes, 8)
    each = [Bounds(np.zeros(shape, dtype=np.int64), np.full(shape, UNBOUNDED, dtype=np.int64)) for _ in range(2)]
    same = [(0, 1, np.zeros(shape, dtype=np.bool_))]
    before = joint_system(LATTICE, each, same, 0).system
    moved = int(before.nodes[np.flatnonzero(before.same != np.arange(before.same.size))[0]])
    getattr(each[release_], end)[moved, column] = 7
    after = joint_system(LATTICE, each, same, 0).system
    rows = np.flatnonzero(after.nodes == moved)
    assert rows.size == 6
    assert (after.same[rows] == rows).all()


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_group_of_the_same_people_changes_no_place_with_one_of_others(column: int) -> None:
    shape = (LATTICE.nodes, 8)
    each = [Bounds(np.zeros(shape, dtype=np.int64), np.full(shape, UNBOUNDED, dtype=np.int64)) for _ in range(2)]
    same = np.zeros(shape, dtype=np.bool_)
    before = joint_system(LATTICE, each, [(0, 1, same)], 0).system
    finest = LATTICE.finest_to_node[LATTICE.families.index((0, 0))]
    moved = np.flatnonzero((before.same != np.arange(before.same.size)) & np.isin(before.nodes, finest))
    node = int(before.nodes[moved[0]])
    same[node, column] = True
    joint = joint_system(LATTICE, each, [(0, 1, same)], 0)
    rows = np.flatnonzero((joint.system.nodes == node) & (joint.releases >= 0))
    assert rows.size == 5
    assert (joint.system.same[rows] == rows).all()
