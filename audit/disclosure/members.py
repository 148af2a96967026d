"""Who stands in a row of a release, by the levels that its parts name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.disclosure.rows import SideRows
from audit.disclosure.vocabulary import UNLISTED
from audit.public.release import PublicPart, PublicRow
from audit.vocabulary.groups import Group, Level


@dataclass(frozen=True, slots=True)
class Members:
    """Who stands in a row: groups of the audit by the levels of a row."""

    above: Mapping[str, Mapping[tuple[str, str], frozenset[str]]]
    """Of each feature, the finest codes under a level of any rung."""
    others: Mapping[tuple[str, str, str, tuple[str, ...]], frozenset[str]]
    """Codes of others by side, feature, rung and place."""

    @classmethod
    def of(cls, sides: Sequence[SideRows]) -> Members:
        """Read the levels of both sides."""
        above: dict[str, dict[tuple[str, str], frozenset[str]]] = {}
        others: dict[tuple[str, str, str, tuple[str, ...]], frozenset[str]] = {}
        for side in sides:
            for ladder, rows in zip(side.counts.ladders, side.made.rows, strict=True):
                finest = [level.code for level in ladder.levels[0]]
                found: dict[tuple[str, str], set[str]] = {}
                for at, rung in enumerate(ladder.rungs):
                    for code, climbed in zip(finest, ladder.climbs[at], strict=True):
                        found.setdefault((rung, ladder.levels[at][climbed].code), set()).add(code)
                above[ladder.feature] = {key: frozenset(codes) for key, codes in found.items()}
                for row in rows:
                    if row.kind == "others":
                        key = (side.side, ladder.feature, row.rung or ladder.rungs[0], (row.code,) if row.code else ())
                        others[key] = frozenset(finest[member] for member in row.members)
        return cls(above, others)

    def holds(self, row: PublicRow, group: Group) -> bool:
        """Return whether all people of a group stand in a row."""
        levels = {level.feature: level for level in group.levels}
        return all(
            part.feature in levels and self._placed(levels[part.feature]) <= self._of_part(row, part)
            for part in row.parts
        )

    def within(self, row: PublicRow, group: Group) -> bool:
        """Return whether all people of a row stand in a group."""
        parts = {part.feature: part for part in row.parts}
        return all(
            level.feature in parts and self._of_part(row, parts[level.feature]) <= self._finest(level)
            for level in group.levels
        )

    def _placed(self, level: Level) -> frozenset[str]:
        """The finest codes under a level; several nationalities at once stand among those of no list."""
        known = self.above.get(level.feature, {})
        other = UNLISTED if (level.rung, UNLISTED) in known else level.code
        return known.get((level.rung, level.code), frozenset({other}))

    def _finest(self, level: Level) -> frozenset[str]:
        known = self.above.get(level.feature, {})
        return known.get((level.rung, level.code), frozenset({level.code}))

    def _of_part(self, row: PublicRow, part: PublicPart) -> frozenset[str]:
        if part.kind == "others":
            sides = ("positives", "negatives") if row.side == "both" else (row.side,)
            return frozenset.intersection(
                *(self.others.get((side, part.feature, part.rung, part.codes), frozenset()) for side in sides)
            )
        levels = self.above.get(part.feature, {})
        return frozenset().union(*(levels.get((part.rung, code), frozenset({code})) for code in part.codes))
