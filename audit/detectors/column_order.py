"""Notes for the reader on the order of columns, for a model that does not know their names."""

from __future__ import annotations

from typing import Final

BY_PLAN: Final = "The model does not know the names of its columns; they were given in the order of the plan."
BY_SIGNATURE: Final = (
    "The model does not know the names of its columns; they were given in the order of the signature in its folder."
)
