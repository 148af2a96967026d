"""English names of public groups, for files that machines read and people open in a spreadsheet."""

from __future__ import annotations

from audit.public.table import PublicRelease
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.text import harmless


class PlainNames:
    """The names of the groups of one release."""

    def __init__(self, release: PublicRelease) -> None:
        self._categorical = {coding.name for coding in release.about.codings if coding.coding == "categorical"}
        self._levels = {
            Level(feature.name, level.rung, level.code): level.name
            for feature in release.table.features
            for level in feature.levels
        }

    def group(self, group: Group) -> str:
        """What a group is called: "Nigeria, woman", "disability = 1"; "everyone" where it has no levels."""
        return ", ".join(map(self._level, reversed(group.levels))) or "everyone"

    def _level(self, level: Level) -> str:
        if level.code in ("unknown", "unlisted"):
            return f"{level.feature} {'unknown' if level.code == 'unknown' else 'not listed'}"
        name = harmless(self._levels.get(level, level.code))
        return f"{level.feature} = {name}" if level.feature in self._categorical else name
