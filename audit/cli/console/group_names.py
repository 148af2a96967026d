"""Names of groups for the terminal: plain, on one line, and as wide as their column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len, set_cell_size

from audit.vocabulary.groups import CHILDREN, Family, Group, Level, SensitiveFeature, without_age
from audit.vocabulary.text import printable

_IS: Final = " = "
"""What stands between a feature and a value that says nothing by itself."""


class GroupNames:
    """Names of the groups of one result or check."""

    def __init__(self, features: Iterable[SensitiveFeature]) -> None:
        features = list(features)
        self._features = {feature.name: feature for feature in features}
        last = {feature.name: 1 if feature.coding == "gender" else 0 for feature in features}
        self._place = {name: (last[name], index) for index, name in enumerate(last)}
        self._rungs = {feature.name: feature.rungs[0] for feature in features}
        self._names = {
            Level(feature.name, level.rung, level.code): level.name for feature in features for level in feature.levels
        }

    def finest_rung(self, feature: str) -> str:
        """Return the rung on which the values of a feature stand."""
        return self._rungs[feature]

    def name(self, group: Group) -> str:
        """Name a group, as in "Nigeria, woman", "disability = 1" or "nationality unknown"."""
        return ", ".join(self._parts(group)) or "everyone"

    def name_within(self, group: Group, width: int, ellipsis: str = "…") -> str:
        """Name a group in at most `width` cells: its longest part is cut, so that the others can still be read."""
        parts = self._parts(group)
        excess = cell_len(", ".join(parts)) - width
        if excess > 0:
            longest = max(range(len(parts)), key=lambda index: cell_len(parts[index]))
            room = max(cell_len(parts[longest]) - excess, 2 + len(ellipsis))
            parts[longest] = _cut(parts[longest], room, ellipsis)
        return fit(", ".join(parts) or "everyone", width, ellipsis).rstrip()

    def _parts(self, group: Group) -> list[str]:
        ordered = sorted(group.levels, key=lambda level: self._place.get(level.feature, (0, 0)))
        levels, young = without_age(ordered, self._features)
        return [printable(self._level(level, young=young)) for level in levels]

    def family(self, family: Family) -> str:
        """Name the groups of a family: "nationality (sub-region), gender"."""
        rungs = {"m49-subregion": " (sub-region)", "m49-region": " (region)"}
        ordered = sorted(family.axes, key=lambda axis: self._place.get(axis.feature, (0, 0)))
        return ", ".join(f"{axis.feature.replace('_', ' ')}{rungs.get(axis.rung, '')}" for axis in ordered)

    def _level(self, level: Level, *, young: bool) -> str:
        if level.code == "unknown":
            return f"{level.feature.replace('_', ' ')} unknown"
        if young and self._features[level.feature].coding == "gender":
            return CHILDREN.get(level.code, level.code)
        name = self._names.get(level, level.code)
        if level.feature in self._features and self._features[level.feature].coding == "categorical":
            return f"{level.feature.replace('_', ' ')}{_IS}{name}"
        return name


def _cut(part: str, width: int, ellipsis: str) -> str:
    """Cut a part of a name, at the end; of "feature = value" the feature, as long as two letters of it are left."""
    feature, is_, value = part.partition(_IS)
    room = width - cell_len(is_ + value)
    if is_ and room >= 2 + len(ellipsis):
        return f"{fit(feature, room, ellipsis).rstrip()}{is_}{value}"
    return fit(part, width, ellipsis).rstrip()


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Fit `text` into exactly `width` terminal cells: padded, or cut with an ellipsis. Wide characters count as two."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - cell_len(ellipsis)).rstrip() + ellipsis, width)
