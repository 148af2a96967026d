"""Exact counts in, one protected table out: noise, the floor on both sides of it, and repair against what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from audit.disclosure.exact import COUNTED, ERRORS, TOTALS, ExactCounts
from audit.disclosure.method import Method
from audit.disclosure.noise import UIntArray
from audit.disclosure.propagation import propagate_together
from audit.disclosure.repair import repair
from audit.disclosure.table import public_table
from audit.disclosure.view import (
    BOUNDED,
    CORRECT_OF,
    ERROR_OF,
    FEW_CORRECT,
    FEW_ERRORS,
    NOT_SHOWN,
    NOTHING,
    TOTAL_OF,
    VALUE,
    Bounds,
    View,
    ranges,
)
from audit.errors import DataError
from audit.public.table import PublicTable
from audit.stats.arrays import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Seen:
    """An earlier release, as far as it tells something about this one."""

    view: View
    """What was printed, and what had been withheld."""
    keys: UIntArray
    """uint64[nodes, 6]: the keys of its counts."""


@dataclass(frozen=True, slots=True)
class Protected:
    """A protected release, and what is known of it inside."""

    table: PublicTable
    """What is published."""
    seen: Seen
    """What later releases must be held against."""
    withheld: int
    """How many items of the table the repair withheld."""
    bounds: Bounds
    """What the worst attacker by propagation knows of every count, earlier releases included."""


def protect(
    exact: ExactCounts, method: Method, log: Sequence[Seen] = (), found_told: Sequence[BoolArray] = ()
) -> Protected:
    """Protect the counts of one release.

    Parameters
    ----------
    exact : ExactCounts
        The counts and their keys.
    method : Method
        Floor and noise; the same in every release of a data set.
    log : sequence of Seen
        Earlier releases of the same data set.
    found_told : sequence of bool[nodes, 8]
        Counts that attacks on the table without them found told, one after the other.

    Raises
    ------
    DataError
        If cases are counted of a kind that the plan says cannot occur, or nothing that can be withheld makes this
        release safe beside the earlier ones.
    """
    _check_absent(exact, method)
    changed = exact.counts + method.noise.changes(exact.counts, exact.keys)
    first = _first_view(exact, changed, method)
    earlier = [seen.view for seen in log]
    same = same_people([exact.keys, *(seen.keys for seen in log)])
    view = repair(exact.lattice, first, earlier, same, method, found_told)
    each = [ranges(one, method) for one in (view, *earlier)]
    bounds = propagate_together(exact.lattice, each, same)[0]
    _check_truth(exact.counts, bounds)
    withheld = int(((first.totals != NOTHING) & (view.totals == NOTHING)).sum() + (first.codes != view.codes).sum())
    return Protected(public_table(exact.lattice, view, method), Seen(view, exact.keys), withheld, bounds)


def same_people(keys: Sequence[UIntArray]) -> list[tuple[int, int, BoolArray]]:
    """Pairs of releases, and bool[nodes, 8]: which counts are of the same people in both.

    Errors too: the same model on a set that one person left misses the same people everywhere else, and its readers
    know that.
    """
    return [(one, other, _bounded_alike(keys[one] == keys[other])) for one, other in combinations(range(len(keys)), 2)]


def _bounded_alike(alike: BoolArray) -> BoolArray:
    """bool[nodes, 8] of bool[nodes, 6]: what is right is of the same people where all and the errors are."""
    same = np.zeros((alike.shape[0], len(BOUNDED)), dtype=np.bool_)
    same[:, TOTAL_OF] = alike[:, TOTALS]
    same[:, ERROR_OF] = alike[:, ERRORS]
    same[:, CORRECT_OF] = alike[:, TOTALS[: len(ERRORS)]] & alike[:, ERRORS]
    return same


def _check_absent(exact: ExactCounts, method: Method) -> None:
    for name in method.absent:
        if exact.counts[0, COUNTED.index(name)]:
            raise DataError(
                f"the plan says that the set has no {name} cases, and it has some",
                slug="not-absent",
                hint="remove them from what cannot occur",
            )


def _first_view(exact: ExactCounts, changed: IntArray, method: Method) -> View:
    """What the floor leaves: a number only where the exact and the changed count both reach it.

    Where errors and right answers are both small the total is withheld: beside it, of 2 k or more, the dash of the
    errors would tell that they are at least the total - k + 1 - D, or that what is right is below k.
    """
    k, published = method.floor, exact.lattice.published
    nodes = exact.lattice.nodes
    totals = np.full((nodes, len(TOTALS)), NOTHING, dtype=np.int64)
    codes = np.zeros((nodes, 2), dtype=np.int8)
    errors = np.full((nodes, 2), NOTHING, dtype=np.int64)
    is_group = np.arange(nodes) < published
    for place, column in enumerate(TOTALS):
        shown = is_group & (exact.counts[:, column] >= k) & (changed[:, column] >= k)
        totals[shown, place] = changed[shown, column]
    was_shown = totals != NOTHING
    for side, column in enumerate(ERRORS):
        total = TOTALS[side]
        few_errors = (exact.counts[:, column] < k) | (changed[:, column] < k)
        right = exact.counts[:, total] - exact.counts[:, column]
        few_right = (right < k) | (changed[:, total] - changed[:, column] < k)
        codes[:, side] = np.select(
            [few_errors & few_right, few_errors, few_right], [NOT_SHOWN, FEW_ERRORS, FEW_CORRECT], VALUE
        )
        codes[totals[:, side] < 2 * k, side] = NOT_SHOWN
        totals[few_errors & few_right & (totals[:, side] >= 2 * k), side] = NOTHING
        value = codes[:, side] == VALUE
        errors[value, side] = changed[value, column]
    return View(totals, codes, errors, published, was_shown, codes.copy())


def _check_truth(counts: IntArray, bounds: Bounds) -> None:
    """Every count lies where the table says that it does; else the method or its wording lies."""
    truth = np.empty_like(bounds.low)
    truth[:, TOTAL_OF] = counts[:, TOTALS]
    truth[:, ERROR_OF] = counts[:, ERRORS]
    truth[:, CORRECT_OF] = counts[:, TOTALS[:2]] - counts[:, ERRORS]
    if (truth < bounds.low).any() or (truth > bounds.high).any():
        raise AssertionError("a count lies outside what the protected table says of it")
