"""What the log of the restricted folder keeps of a release, and how it is read again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audit.disclosure.attack import AttackReport
from audit.disclosure.exact import ExactCounts, KeyedBy, from_finest
from audit.disclosure.lattice import Lattice
from audit.disclosure.method import Method
from audit.disclosure.noise import UIntArray
from audit.disclosure.protect import Seen
from audit.disclosure.restricted import Entry
from audit.disclosure.table import view_of
from audit.disclosure.view import BOUNDED, View
from audit.public.table import PublicTable
from audit.stats.arrays import BoolArray, IntArray
from audit.version import __version__


def parameters(lattice: Lattice, method: Method, keyed_by: KeyedBy) -> dict[str, Any]:
    """What must be the same in every release of a data set."""
    # Folders of the first versions do not say that they count rows.
    return {
        **({} if method.unit == "row" else {"unit": method.unit}),
        "method": method.public().model_dump(mode="json"),
        "noise": [list(row) for row in method.noise.thresholds],
        "keyed_by": keyed_by,
        "features": [[ladder.feature, ladder.rungs, *([level.code for level in rung] for rung in ladder.levels)]
                     for ladder in lattice.ladders],
    }  # fmt: skip


def told_of_counts(
    exact: ExactCounts, table: PublicTable, view: View, found_told: Sequence[BoolArray] = ()
) -> dict[str, Any]:
    """Exact counts, their keys, the table made of them, what was withheld, and for what programs found told."""
    assert view.was_shown is not None  # noqa: S101 - `protect` knows what it withheld
    assert view.was_coded is not None  # noqa: S101 - the same
    return {
        "keyed_by": exact.keyed_by,
        "counts": _sparse(exact.finest),
        "keys": _sparse(exact.finest_keys),
        "table": table.model_dump(mode="json"),
        "was_shown": _sparse(view.was_shown.astype(np.int64)),
        "was_coded": _sparse(view.was_coded.astype(np.int64)),
        **({"found_told": [_sparse(found.astype(np.int64)) for found in found_told]} if found_told else {}),
        "tool": __version__,
    }


def is_of(entry: Entry, exact: ExactCounts) -> bool:
    """Whether a release is of exactly these counts, protected and attacked by this version of the tool."""
    told = entry.told
    return bool(
        told["tool"] == __version__
        and told["keyed_by"] == exact.keyed_by
        and told["counts"] == _sparse(exact.finest)
        and told["keys"] == _sparse(exact.finest_keys)
    )


def table_told(told: Mapping[str, Any]) -> PublicTable:
    """The table of a release."""
    return PublicTable.model_validate_json(json.dumps(told["table"]))


def found_told_again(told: Mapping[str, Any], lattice: Lattice) -> tuple[BoolArray, ...]:
    """What attacks on a release found told before more was withheld."""
    shape = (lattice.nodes, len(BOUNDED))
    return tuple(_dense(found, shape).astype(np.bool_) for found in told.get("found_told", ()))


def attack_again(told: Mapping[str, Any]) -> AttackReport:
    """What the attack on a release found; nothing was told, or there were no release."""
    return AttackReport(**told["attack"], told=())


def seen(entry: Entry, lattice: Lattice, secret: bytes) -> Seen:
    """A release as far as it tells something of later ones."""
    told = entry.told
    view = view_of(lattice, table_told(told))
    shown = _dense(told["was_shown"], (lattice.nodes, 4)).astype(np.bool_)
    coded = _dense(told["was_coded"], (lattice.nodes, 2)).astype(np.int8)
    keys = exact_again(told, lattice, secret).keys
    return Seen(View(view.totals, view.codes, view.errors, view.published, shown, coded), keys)


def exact_again(told: Mapping[str, Any], lattice: Lattice, secret: bytes) -> ExactCounts:
    """The exact counts of a release."""
    shape = (lattice.finest, 6)
    keys: UIntArray = np.zeros(shape, dtype=np.uint64)
    for row, column, value in told["keys"]:
        keys[row, column] = value
    return from_finest(lattice, _dense(told["counts"], shape), keys, told["keyed_by"], secret)


def _sparse(values: IntArray | UIntArray) -> list[list[int]]:
    return [[int(row), int(column), int(values[row, column])] for row, column in zip(*np.nonzero(values), strict=True)]


def _dense(told: Sequence[Sequence[int]], shape: tuple[int, int]) -> IntArray:
    dense = np.zeros(shape, dtype=np.int64)
    for row, column, value in told:
        dense[row, column] = value
    return dense
