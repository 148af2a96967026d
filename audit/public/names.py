"""English names of rows, for files that machines read and people open: "Nigeria, women", "others of Western Africa"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.public.release import PublicPart, PublicRelease
from audit.vocabulary.text import harmless

_GENDERS: Final[Mapping[str, str]] = {"woman": "women", "man": "men", "non-binary": "non-binary people"}
_UNKNOWN: Final[Mapping[str, str]] = {"unknown": "unknown", "unlisted": "not listed"}


class RowNames:
    """Names of the rows of one release."""

    def __init__(self, release: PublicRelease) -> None:
        self._codings = {coding.name: coding.coding for coding in release.about.codings}
        self._levels = {
            (feature.name, level.rung, level.code): level.name
            for feature in release.features
            for level in feature.levels
        }

    def of(self, parts: tuple[PublicPart, ...]) -> str:
        """Name who a row is: gender last, "everyone" for no part."""
        ordered = sorted(parts, key=lambda part: self._codings.get(part.feature) == "gender")
        return ", ".join(map(self._part, ordered)) or "everyone"

    def _part(self, part: PublicPart) -> str:
        names = [self._level(part, code) for code in part.codes]
        if part.kind == "others":
            return f"others of {names[0]}" if names else f"others by {_feature(part)}"
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

    def _level(self, part: PublicPart, code: str) -> str:
        if code in _UNKNOWN:
            return f"{_feature(part)} {_UNKNOWN[code]}"
        coding = self._codings.get(part.feature)
        if coding == "gender" and code in _GENDERS:
            return _GENDERS[code]
        name = harmless(self._levels.get((part.feature, part.rung, code), code))
        # a value of a column, such as "1", says nothing without the column's name
        return name if coding in ("gender", "nationality") else f"{_feature(part)} = {name}"


def _feature(part: PublicPart) -> str:
    return harmless(part.feature.replace("_", " "))
