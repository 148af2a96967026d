"""Search for a feature of a challenge that repeats what is withheld: the label, the id, or the column of a group.

A feature repeats a column where its value follows from it in every case: it is equal, has other names, or is coarser.
One that tells the label in every case repeats it too, unless nearly each case has a value of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.errors import DataError
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

_AGREE: Final = 5
"""Cases of a value that agree with another of the same cause, for two values: fewer may agree by chance."""
_CASES_OF_A_VALUE: Final = 20
"""Cases that share a value, on average: with fewer, it can tell a label because it is of one case and its copies."""
_SHORTEST_ID: Final = 4
"""Characters of an id that are looked for within a cell."""


def refuse_repeats(features: pa.Table, ids: Sequence[str], labels: Sequence[str], withheld: pa.Table) -> None:
    """Refuse features that repeat what is withheld; all arguments have the same cases in the same order.

    Raises
    ------
    DataError
        With the names of the feature and of what it repeats.
    """
    known = np.array([label != "" for label in labels], dtype=bool)
    answers = np.unique(np.array(labels, dtype=np.str_)[known], return_inverse=True)[1]
    groups = {name: _codes(withheld[name]) for name in withheld.column_names}
    for name in features.column_names:
        column = features[name]
        values = _codes(column)
        few = len(np.unique(values)) * _CASES_OF_A_VALUE <= len(values)
        if _follows(values[known], answers) or (few and _follows(answers, values[known])):
            raise _repeats(name, "the label")
        if _holds_ids(column.to_pylist(), ids):
            raise _repeats(name, "the id")
        for group, codes in groups.items():
            if _follows(values, codes):
                raise _repeats(name, f'the column "{shown(group)}", which is withheld')


def _follows(values: Codes, causes: Codes) -> bool:
    """Say whether each value follows from its cause, and more often than by chance; both of shape (cases,)."""
    pairs = np.unique(np.stack([causes, values]), axis=1)
    if pairs.shape[1] > len(np.unique(causes)):
        return False
    kinds, cases = np.unique(values, return_counts=True)
    agree = cases - np.array([(pairs[1] == kind).sum() for kind in kinds], dtype=np.int64)
    return int((agree >= _AGREE).sum()) > 1


def _holds_ids(cells: Sequence[Any], ids: Sequence[str]) -> bool:
    """Say whether every cell is the id of its case, or holds it; a number is one with the digits of the id."""
    texts = [_plain(cell) for cell in cells]
    plain = [_plain(case_id) for case_id in ids]
    if len(plain) < _AGREE:
        return False
    numbers = [_digits(case_id) for case_id in plain]
    if texts == plain or (len(set(numbers)) > 1 and all(numbers) and [_digits(text) for text in texts] == numbers):
        return True
    is_long = all(len(case_id) >= _SHORTEST_ID for case_id in plain)
    return is_long and all(case_id in text for case_id, text in zip(plain, texts, strict=True))


def _plain(cell: object) -> str:
    return re.sub(r"[\W_]+", "", str(cell).removesuffix(".0").casefold())


def _digits(text: str) -> str:
    return re.sub(r"\D+", "", text).lstrip("0")


def _codes(column: pa.ChunkedArray) -> Codes:
    """Return a code for each cell; an empty one has its own."""
    coded: Any = column.combine_chunks().dictionary_encode(null_encoding="encode")
    codes: Codes = np.asarray(coded.indices.fill_null(-1), dtype=np.int64)
    return codes


def _repeats(name: str, what: str) -> DataError:
    return DataError(f'the feature "{shown(name)}" repeats {what}', slug="features-repeat")
