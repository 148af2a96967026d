"""Match the classes in a plan with the classes of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.errors import DetectorError
from audit.plan.answers import ModelDetector
from audit.vocabulary.text import listed, shown

_SHOWN: Final = 10
"""Most classes that an error lists."""


def find_class(classes: Sequence[str], wanted: str, file: str) -> int:
    """Find the place of `wanted` among `classes`: as written, or regardless of case if that leaves only one.

    Raises
    ------
    DetectorError
        There is no such class, or more than one that differ only in case.
    """
    for same in (str, str.casefold):
        indices = [index for index, name in enumerate(classes) if same(name) == same(wanted)]
        if len(indices) == 1:
            return indices[0]
    raise DetectorError(
        f"{file}: the model has no class {shown(wanted)!r}",
        slug="detector-positive-class",
        hint=f"write positive_class = one of: {listed(classes, _SHOWN)}",
    )


def check_every_class(classes: Sequence[str], section: ModelDetector, file: str) -> None:
    """Raise DetectorError if a model has a class that the plan does not list under `classes`.

    A plan may list more classes, which another version of the model answers with.
    """
    unknown = [name for name in classes if name not in section.classes]
    if unknown:
        raise DetectorError(
            f"{file}: the model can answer with classes that the plan does not list",
            slug="detector-classes",
            hint=f"add to `classes`, and to `positive_classes` what means flagged: {listed(unknown, _SHOWN)}",
        )
    if "positive_class" in section.model_fields_set:
        raise DetectorError(
            f'{file}: `positive_class` is for a score or a decision, and the plan says answers = "class"',
            slug="detector-positive-class",
            hint="name the classes that mean flagged under `positive_classes`, and leave it out",
        )
