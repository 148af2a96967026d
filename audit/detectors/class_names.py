"""Finds the class that a plan calls positive among those that a model knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.errors import DetectorError
from audit.evaluation.quoting import shown

_SHOWN: Final = 10
"""At most so many classes are listed in an error."""


def find_class(classes: Sequence[str], wanted: str, file: str) -> int:
    """The place of `wanted` among `classes`: as written, or in another case if only one is left.

    Raises
    ------
    DetectorError
        There is none, or more than one that differ only in case.
    """
    for same in (str, str.casefold):
        places = [place for place, name in enumerate(classes) if same(name) == same(wanted)]
        if len(places) == 1:
            return places[0]
    more = f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else ""
    raise DetectorError(
        f"{file}: the model has no class {shown(wanted)!r}",
        slug="detector-positive-class",
        hint=f"write positive_class = one of: {', '.join(map(shown, classes[:_SHOWN]))}{more}",
    )
