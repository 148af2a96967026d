"""Names of groups for the terminal: plain, on one line, and as wide as their column."""

from __future__ import annotations

from collections.abc import Iterable

from audit.groups import Family, Group, Level, SensitiveFeature


class GroupNames:
    """The names of the groups of one result or check."""

    def __init__(self, features: Iterable[SensitiveFeature]) -> None:
        features = list(features)
        last = {feature.name: 1 if feature.coding == "gender" else 0 for feature in features}
        self._place = {name: (last[name], place) for place, name in enumerate(last)}
        self._names = {
            Level(feature.name, level.rung, level.code): level.name for feature in features for level in feature.levels
        }

    def name(self, group: Group) -> str:
        """As in "Nigeria, woman"; a missing attribute is named with its feature: "nationality unknown"."""
        ordered = sorted(group.levels, key=lambda level: self._place.get(level.feature, (0, 0)))
        return printable(", ".join(self._level(level) for level in ordered)) or "everyone"

    def family(self, family: Family) -> str:
        """What the groups of a family are: "nationality (sub-region), gender"."""
        rungs = {"m49-subregion": " (sub-region)", "m49-region": " (region)"}
        ordered = sorted(family.axes, key=lambda axis: self._place.get(axis.feature, (0, 0)))
        return ", ".join(f"{axis.feature.replace('_', ' ')}{rungs.get(axis.rung, '')}" for axis in ordered)

    def _level(self, level: Level) -> str:
        if level.code == "unknown":
            return f"{level.feature.replace('_', ' ')} unknown"
        return self._names.get(level, level.code)


def printable(text: str) -> str:
    """`text` without what could move the cursor or change colours: levels of a plain column are anybody's text."""
    return "".join(character if character.isprintable() else "?" for character in text)


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in exactly `width` terminal cells: padded, or cut with an ellipsis. Wide characters count as two."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - cell_len(ellipsis)).rstrip() + ellipsis, width)
