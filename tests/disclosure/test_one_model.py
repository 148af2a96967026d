"""Releases of one model on a set that a few people leave: whoever stays is missed, or found, in every one of them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from made.disclosure import SECRET, made_counts, made_lattice, made_method

from audit.counting.table import CountsTable
from audit.disclosure import protect as protecting
from audit.disclosure.attack import attack
from audit.disclosure.exact import ExactCounts, exact_counts
from audit.disclosure.propagation import propagate
from audit.disclosure.protect import Protected, protect, same_people
from audit.disclosure.repair import told
from audit.disclosure.view import CORRECT_OF, ERROR_OF, Bounds, ranges

METHOD = made_method()
LATTICE = made_lattice()
SEEDS = (1, 9, 21)
"""Of 24 sets, those of which something was told while errors were not held against each other."""


def releases_of(seed: int) -> list[ExactCounts]:
    rng = np.random.default_rng(seed)
    table = made_counts(64_000, seed)
    sets = [table.cells]
    for _ in range(3):
        sets.append(sets[-1] - rng.binomial(sets[-1], 0.0005))
    return [exact_counts(LATTICE, CountsTable(table.features, table.codes, cells), SECRET) for cells in sets]


def logged(seed: int) -> list[Protected]:
    log: list[Protected] = []
    for exact in releases_of(seed):
        log.append(protect(exact, METHOD, [one.seen for one in log]))
    return log


def known_together(log: list[Protected]) -> list[Bounds]:
    """What sums tell whoever knows which counts did not change, errors and right answers among them."""
    found = [propagate(LATTICE, ranges(one.seen.view, METHOD)) for one in log]
    keys = [one.seen.keys for one in log]
    before = None
    while before != (before := [(int(bounds.low.sum()), int(bounds.high.sum())) for bounds in found]):
        for one, other in permutations(range(len(log)), 2):
            alike = keys[one] == keys[other]
            for column, same in ((0, alike[:, 0]), (1, alike[:, 1]), (2, alike[:, 0] & alike[:, 1]),
                                 (3, alike[:, 2]), (4, alike[:, 3]), (5, alike[:, 2] & alike[:, 3])):  # fmt: skip
                low, high = found[other].low[:, column], found[other].high[:, column]
                low[same] = np.maximum(low, found[one].low[:, column])[same]
                high[same] = np.minimum(high, found[one].high[:, column])[same]
        found = [propagate(LATTICE, bounds) for bounds in found]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_releases_of_one_model_tell_nothing_to_whoever_knows_that_it_is_one(seed: int) -> None:
    assert not any(told(bounds, METHOD).any() for bounds in known_together(logged(seed)))


def test_the_attack_holds_errors_of_the_same_people_against_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def totals_alone(keys: list[np.ndarray]) -> list[tuple[int, int, np.ndarray]]:
        found = same_people(keys)
        for _, _, alike in found:
            alike[:, [*ERROR_OF, *CORRECT_OF]] = False
        return found

    with monkeypatch.context() as repaired:
        repaired.setattr(protecting, "same_people", totals_alone)
        seen = [one.seen for one in reversed(logged(SEEDS[1]))]
    same = same_people([one.keys for one in seen])
    views = [one.view for one in seen]
    assert attack(LATTICE, views, same, METHOD, programs=False).told
