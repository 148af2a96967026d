"""Compare the features of a plan with the columns of a model, and note in which order they were given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.errors import DetectorError
from audit.vocabulary.text import listed

BY_PLAN: Final = "The model does not know the names of its columns; they were given in the order of the plan."
BY_SIGNATURE: Final = (
    "The model does not know the names of its columns; they were given in the order of the signature in its folder."
)
_SHOWN: Final = 10
"""Most column names that an error lists."""


def check_names(features: Sequence[str], wanted: Sequence[str], message: str, *, surplus: str) -> None:
    """Raise DetectorError with `message` if `features` are not the `wanted` columns, in any order.

    The hint lists the missing columns and, after the words `surplus`, those that the model does not take.
    """
    lists = {
        "the model also needs": [name for name in wanted if name not in features],
        surplus: [name for name in features if name not in wanted],
    }
    parts = [f"{words}: {listed(names, _SHOWN)}" for words, names in lists.items() if names]
    if parts:
        raise DetectorError(message, slug="detector-columns", hint="; ".join(parts))


def check_count(features: Sequence[str], count: int, message: str) -> None:
    """Raise DetectorError if there are not as many features as the `count` of columns, which `message` names."""
    if len(features) != count:
        raise DetectorError(
            f"{message}, and `features` names {len(features)}",
            slug="detector-columns",
            hint="name the columns that it was trained on, in the same order",
        )
