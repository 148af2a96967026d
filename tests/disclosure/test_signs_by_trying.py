"""What every printed sign tells, against all counts and all changes that print it: tried one by one."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from made.disclosure import SECRET

from audit.counting.table import CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.lattice import lattice_of
from audit.disclosure.method import Method, method_of
from audit.disclosure.propagation import propagate
from audit.disclosure.protect import protect
from audit.disclosure.view import FEW_CORRECT, FEW_ERRORS, NOT_SHOWN, NOTHING, VALUE, Bounds, View, ranges
from audit.disclosure.vocabulary import ladder_of
from audit.vocabulary.groups import LevelName

Sign = tuple[int, int, int]
"""A total, what stands for its errors, and their number."""
WITHHELD: Sign = (NOTHING, NOT_SHOWN, NOTHING - 1)
LEVEL = LevelName(rung="level", code="f", name="")
LATTICE = lattice_of([ladder_of("g", ["level"], [LEVEL], closed=True)])


def sign_of(total: int, errors: int, changed: int, errors_changed: int, k: int) -> Sign:
    """The rule of docs/disclosure.md, by hand."""
    if min(total, changed) < k:
        return NOTHING, NOT_SHOWN, NOTHING
    few_errors = min(errors, errors_changed) < k
    few_right = min(total - errors, changed - errors_changed) < k
    if changed < 2 * k:
        return changed, NOT_SHOWN, NOTHING
    if few_errors and few_right:
        return WITHHELD
    if few_errors or few_right:
        return changed, FEW_ERRORS if few_errors else FEW_CORRECT, NOTHING
    return changed, VALUE, errors_changed


def printed(method: Method, most: int) -> dict[Sign, set[tuple[int, int]]]:
    """Of every sign all the totals and errors, up to a total of `most`, that some change prints so."""
    found: dict[Sign, set[tuple[int, int]]] = defaultdict(set)
    can = [[change for change, chance in method.noise.chances(count).items() if chance] for count in range(most + 1)]
    for total in range(most + 1):
        for errors in range(total + 1):
            for change, other in product(can[total], can[errors]):
                sign = sign_of(total, errors, total + change, errors + other, method.floor)
                found[sign].add((total, errors))
    return found


def known(sign: Sign, method: Method, total: int | None = None) -> Bounds:
    """What the worst reader knows of a group with this sign, of which it may know the exact total."""
    totals = np.full((LATTICE.nodes, 4), NOTHING)
    codes = np.zeros((LATTICE.nodes, 2), dtype=np.int8)
    errors = np.full((LATTICE.nodes, 2), NOTHING)
    totals[:, 0], codes[:, 0], errors[:, 0] = sign
    view = View(totals, codes, errors, LATTICE.published, totals != NOTHING, codes)
    bounds = ranges(view, method)
    if total is not None:
        bounds.low[0, 0] = bounds.high[0, 0] = total
    return propagate(LATTICE, bounds)


@pytest.mark.parametrize("floor", [3, 4, 5, 10])
def test_every_sign_is_taken_for_all_that_it_tells_and_for_no_more(floor: int) -> None:
    """Also of whoever has the exact total from elsewhere."""
    method = method_of(floor)
    top = 2 * floor + 4 * method.largest + 3
    wrong = []
    for sign, pairs in printed(method, top + method.largest).items():
        if sign[0] > top or sign == WITHHELD:
            continue  # some of what prints it was not tried, or it says nothing
        for total in (None, *sorted({total for total, _ in pairs})):
            fit = [(own, errors, own - errors) for own, errors in pairs if total in (None, own)]
            bounds = known(sign, method, total)
            stated = list(zip(bounds.low[0, :3].tolist(), bounds.high[0, :3].tolist(), strict=True))
            if stated != [(min(values), max(values)) for values in zip(*fit, strict=True)]:
                wrong.append((sign, total, stated, [(min(v), max(v)) for v in zip(*fit, strict=True)]))
    assert wrong == []


@pytest.mark.parametrize("floor", [3, 5, 10])
def test_the_floor_stands_on_both_sides_of_the_noise_of_every_count(floor: int) -> None:
    """All totals and errors around it, many times each, against the rule by hand."""
    method, times = method_of(floor, absent=("unscored", "unlabelled")), 6
    tried = [(total, errors) for total in range(2 * floor + 2 * method.largest + 2) for errors in range(total + 1)]
    codes = [f"L{n}" for n in range(len(tried) * times)]
    levels = [LevelName(rung="level", code=code, name="") for code in codes]
    lattice = lattice_of([ladder_of("g", ["level"], levels, closed=True)])
    cells = np.zeros((len(codes), 3, 4), dtype=np.int64)
    for side in (0, 1):
        pairs = np.array(tried * times)[:: 1 - 2 * side]
        right, wrong = (0, 1) if side == 0 else (1, 0)
        cells[:, side, wrong], cells[:, side, right] = pairs[:, 1], pairs[:, 0] - pairs[:, 1]
    table = CountsTable.of(("g",), dict(zip(((code,) for code in codes), cells, strict=True)))
    exact = exact_counts(lattice, table, SECRET)
    changed = exact.counts + method.noise.changes(exact.counts, exact.keys)
    view = protect(exact, method).seen.view
    assert view.was_shown is not None
    assert view.was_coded is not None
    seen = set()
    for node in range(1, lattice.nodes):
        for side in (0, 1):
            (total, errors), (noisy, wrong) = (
                row[node, 2 * side : 2 * side + 2].tolist() for row in (exact.counts, changed)
            )
            sign = sign_of(total, errors, noisy, wrong, floor)
            seen.add(sign[1:] if sign[1] != VALUE else VALUE)
            assert view.was_shown[node, side] == (min(total, noisy) >= floor)
            assert view.was_coded[node, side] == sign[1]
            if sign[0] == NOTHING:
                assert view.totals[node, side] == NOTHING
            shown = view.totals[node, side], view.codes[node, side], view.errors[node, side]
            assert shown in (sign, (sign[0], NOT_SHOWN, NOTHING), (NOTHING, NOT_SHOWN, NOTHING))
    assert len(seen) == 5
