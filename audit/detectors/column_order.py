"""Compare the features of a plan with the columns of a model, and note in which order they were given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.vocabulary.text import listed

BY_PLAN: Final = "The model does not know the names of its columns; they were given in the order of the plan."
BY_SIGNATURE: Final = (
    "The model does not know the names of its columns; they were given in the order of the signature in its folder."
)
_SHOWN: Final = 10
"""Most column names that an error lists."""


def differences(features: Sequence[str], wanted: Sequence[str], *, surplus: str) -> str:
    """List the missing columns of a model and, after the words `surplus`, columns that it does not take; else empty."""
    lists = {
        "the model also needs": [name for name in wanted if name not in features],
        surplus: [name for name in features if name not in wanted],
    }
    return "; ".join(f"{words}: {listed(names, _SHOWN)}" for words, names in lists.items() if names)
