"""A view as a public table, and a public table as a view: nothing is lost on the way, and nothing is added."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from audit.disclosure.lattice import Lattice
from audit.disclosure.method import Method
from audit.disclosure.view import FEW_CORRECT, FEW_ERRORS, NOT_SHOWN, NOTHING, VALUE, View
from audit.public.table import PublicFeature, PublicGroup, PublicSide, PublicTable, Shown, TotalName, Why

_WORDS: Final[dict[int, Shown]] = {
    NOT_SHOWN: "not_shown", VALUE: "value", FEW_ERRORS: "few_errors", FEW_CORRECT: "few_correct"
}  # fmt: skip
_SIDES: Final[tuple[TotalName, TotalName]] = ("positives", "negatives")


def public_table(lattice: Lattice, view: View, method: Method) -> PublicTable:
    """What is printed of a release."""
    totals = view.totals.tolist()
    codes, errors = view.codes.tolist(), view.errors.tolist()
    absent = [name in method.absent for name in _SIDES]
    groups = tuple(
        PublicGroup.model_construct(
            group=group,
            positives=_side(totals[node][0], codes[node][0], errors[node][0], 2 * method.floor, absent=absent[0]),
            negatives=_side(totals[node][1], codes[node][1], errors[node][1], 2 * method.floor, absent=absent[1]),
            unscored=_or_none(totals[node][2]),
            unlabelled=_or_none(totals[node][3]),
        )
        for node, group in enumerate(lattice.groups())
    )
    features = tuple(
        PublicFeature(
            name=ladder.feature, rungs=ladder.rungs, levels=tuple(level for rung in ladder.levels for level in rung)
        )
        for ladder in lattice.ladders
    )
    return PublicTable(method=method.public(), features=features, groups=groups)


def view_of(lattice: Lattice, table: PublicTable) -> View:
    """What an attacker reads in a table: the numbers and words, and nothing of what was withheld.

    Raises
    ------
    ValueError
        If the table is of other groups than the lattice.
    """
    if [row.group for row in table.groups] != list(lattice.groups()):
        raise ValueError("the public table is of other groups")
    codes = {word: code for code, word in _WORDS.items()}
    totals = np.full((lattice.nodes, 4), NOTHING, dtype=np.int64)
    shown = np.zeros((lattice.nodes, 2), dtype=np.int8)
    errors = np.full((lattice.nodes, 2), NOTHING, dtype=np.int64)
    for node, row in enumerate(table.groups):
        sides: tuple[Any, Any] = (row.positives, row.negatives)
        totals[node] = [
            NOTHING if value is None else value
            for value in (row.positives.cases, row.negatives.cases, row.unscored, row.unlabelled)
        ]
        shown[node] = [codes[side.shown] for side in sides]
        errors[node] = [NOTHING if side.errors is None else side.errors for side in sides]
    return View(totals, shown, errors, lattice.published)


def _side(total: int, code: int, errors: int, for_a_rate: int, *, absent: bool) -> PublicSide:
    why: Why | None = None
    if absent:
        why = "cannot_occur"
    elif total == NOTHING:
        why = "small_or_withheld"
    elif code == NOT_SHOWN:
        why = "too_small_for_a_rate" if total < for_a_rate else "small_or_withheld"
    return PublicSide.model_construct(cases=_or_none(total), shown=_WORDS[code], errors=_or_none(errors), why=why)


def _or_none(value: int) -> int | None:
    return None if value == NOTHING else value
