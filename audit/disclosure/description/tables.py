"""What a description can count: tables whose cells follow from the plan and from fixed lists, never from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from audit.disclosure.vocabulary import UNLISTED, Ladder, public_ladder
from audit.errors import PlanError
from audit.evaluation.nationality import COUNTRY, REGION, SUBREGION
from audit.evaluation.sensitive import expected_codes
from audit.evaluation.standing import STANDINGS
from audit.plan.audit_plan import AuditPlan
from audit.vocabulary.groups import SensitiveFeature

__all__ = ["LABEL", "Axis", "Table", "possible_tables", "without_list"]

LABEL: Final = "label"
LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "1": ("positive", "exploitation"),
    "0": ("negative", "no exploitation"),
    "": ("unlabelled", "no label"),
}
"""Code and name of the levels of the label, by 1, 0 and nothing as text."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What rows are told apart by, with every level that a row can have."""

    name: str
    """`label`, a feature, or a feature and the rung that it is counted on."""
    feature: str | None
    """The feature of the plan; None for the label."""
    levels: tuple[tuple[str, str], ...]
    """Code and name of each level, in their order."""
    _places: Mapping[str, int] = field(repr=False)
    """The place of the level of each code that can be read."""

    def place(self, code: str) -> int:
        """The place of the level that a code belongs to: `unlisted` for one that stands in no list."""
        found = self._places.get(code)
        return self._places[UNLISTED] if found is None else found


@dataclass(frozen=True, slots=True)
class Table:
    """Counts over one axis or two: each row of the set is in exactly one cell."""

    axes: tuple[Axis, ...]

    @property
    def name(self) -> str:
        """The axes by name, as in `gender+label`."""
        return "+".join(axis.name for axis in self.axes)

    @property
    def cells(self) -> tuple[tuple[int, ...], ...]:
        """The places on the axes of each cell, in the order of the cells."""
        return tuple(product(*(range(len(axis.levels)) for axis in self.axes)))


def possible_tables(plan: AuditPlan) -> tuple[Table, ...]:
    """The tables of a plan: the label, each feature with a fixed list, and the first gender by label.

    A nationality is counted by region of UN M49, whatever its ladder: in most countries of the list there would be
    more noise than rows.

    Raises
    ------
    PlanError
        If a feature is called as the label is.
    """
    if LABEL in plan.groups:
        raise PlanError(
            f"groups.{LABEL}: a description could not tell this feature from the label",
            slug="feature-called-label",
            hint="give the feature another name",
        )
    label = Axis(LABEL, None, tuple(LABELS.values()), {code: place for place, code in enumerate(LABELS)})
    axes = [_axis(plan, name) for name in plan.groups if _has_list(plan, name)]
    genders = [axis for axis in axes if plan.coding(axis.feature or "") == "gender"][:1]
    return (Table((label,)), *(Table((axis,)) for axis in axes), *(Table((axis, label)) for axis in genders))


def without_list(plan: AuditPlan) -> tuple[str, ...]:
    """The features that no description counts: their levels are known from the data alone."""
    return tuple(name for name in plan.groups if not _has_list(plan, name))


def _has_list(plan: AuditPlan, name: str) -> bool:
    return plan.coding(name) != "categorical" or bool(plan.groups[name].expected)


def _axis(plan: AuditPlan, name: str) -> Axis:
    ladder = _ladder(plan, name)
    by_region = plan.coding(name) == "nationality"
    levels = tuple((level.code, level.name) for level in ladder.levels[-1])
    climb = ladder.climbs[-1]
    places = {level.code: int(climb[place]) for place, level in enumerate(ladder.levels[0])}
    return Axis(f"{name}:{REGION}" if by_region else name, name, levels, places)


def _ladder(plan: AuditPlan, name: str) -> Ladder:
    section, coding = plan.groups[name], plan.coding(name)
    feature = SensitiveFeature(
        name=name,
        column=section.column,
        coding="categorical" if coding == "relation" else coding,
        rungs=(COUNTRY, SUBREGION, REGION) if coding == "nationality" else plan.rungs(name),
        levels=(),
        given_to_detector=False,
        expected=expected_codes(section, coding),
    )
    return public_ladder(feature, STANDINGS if coding == "relation" else None)
