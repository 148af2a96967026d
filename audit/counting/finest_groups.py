"""The finest groups of a set: every combination of codes of the sensitive features that occurs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from audit.engines.protocol import identifier
from audit.stats.arrays import IntArray

LABELLED: Final = "label IS NOT NULL AND score IS NOT NULL"
"""SQL of the rows that are ranked."""
_MOST_LISTED: Final = 1 << 20
"""Most keys whose places stand in a list; among more, and most of them of no group, one is searched for."""


@dataclass(frozen=True, slots=True)
class FinestGroups:
    """K finest groups, sorted by their codes, and the raw values that they are made of."""

    codes: tuple[tuple[str, ...], ...]
    """A code of each feature on its finest rung."""
    features: Mapping[str, Mapping[Any, str]]
    """Code of each raw value, or of what stands for it in rows, by feature."""
    _places: tuple[Callable[[IntArray], IntArray], ...]
    """For each feature: the place of codes so far, as one integer, among those that occur."""

    @classmethod
    def of(cls, counted: Any, codes: Mapping[str, Mapping[str | None, str]]) -> tuple[Self, IntArray]:
        """Find the groups of an Arrow table with a column `group_<feature>` of each of `codes`, and each row's place.

        `codes` maps the raw values of each feature to codes.
        """
        place = np.zeros(counted.num_rows, dtype=np.int64)
        found: list[tuple[str, ...]] = [()]
        places: list[Callable[[IntArray], IntArray]] = []
        for name in codes:
            levels = _levels(codes[name])
            size = len(found) * len(levels)
            # codes are ranked and added from the first feature on, so that the order of numbers is that of tuples
            distinct, place = np.unique(place * len(levels) + _ranks(counted, name, codes[name]), return_inverse=True)
            found = [(*found[key // len(levels)], levels[key % len(levels)]) for key in distinct.tolist()]
            at = distinct.searchsorted
            places.append(at if size > _MOST_LISTED else at(np.arange(size)).take)
        return cls(tuple(found), codes, tuple(places)), place

    def places(self, rows: Any) -> IntArray:
        """int64[E]: the place of the group of each row of an Arrow batch, whose groups are all known."""
        place = np.zeros(rows.num_rows, dtype=np.int64)
        for (name, codes), at in zip(self.features.items(), self._places, strict=True):
            place = at(place * len(_levels(codes)) + _ranks(rows, name, codes))
        return place


def group_columns(finest: FinestGroups) -> str:
    """SQL of the columns with the raw values of the groups, each with a comma after it."""
    return "".join(f"{identifier(f'group_{name}')}, " for name in finest.features)


def _levels(codes: Mapping[Any, str]) -> list[str]:
    return sorted(set(codes.values()))


def _ranks(rows: Any, name: str, codes: Mapping[Any, str]) -> IntArray:
    """int64[E]: rank of the code of each row among all codes of the feature."""
    column = rows.column(f"group_{name}")
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    column = column.dictionary_encode(null_encoding="encode")
    rank = {code: at for at, code in enumerate(_levels(codes))}
    ranks = np.array([rank[codes[value]] for value in column.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(ranks[column.indices.to_numpy()])
