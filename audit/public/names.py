"""English names of rows, for files that machines read and people open: "Nigeria, women", "Others of Western Africa"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.public.release import PublicPart, PublicRelease
from audit.vocabulary.text import harmless

_GENDERS: Final[Mapping[str, str]] = {"woman": "women", "man": "men", "non-binary": "non-binary people"}
_YOUNG: Final[Mapping[str, str]] = {"woman": "girls", "man": "boys", "non-binary": "non-binary children"}
_PLURALS: Final[Mapping[str, str]] = {
    "XXA": "stateless people",
    "XXB": "refugees (1951 Convention)",
    "XXC": "refugees (other)",
    "XXX": "unspecified nationality",
}
_OTHERS: Final[Mapping[str | None, str]] = {"nationality": "other nationalities", "gender": "other genders"}
_UNKNOWN: Final[Mapping[str, str]] = {"unknown": "unknown", "unlisted": "not listed"}


class RowNames:
    """Names of the rows of one release: those that its page has in English."""

    def __init__(self, release: PublicRelease) -> None:
        self._codings = {coding.name: coding.coding for coding in release.about.codings}
        self._children = {coding.name: coding.children for coding in release.about.codings}
        self._levels = {
            (feature.name, level.rung, level.code): level.name
            for feature in release.features
            for level in feature.levels
        }

    def of(self, parts: tuple[PublicPart, ...]) -> str:
        """Name who a row is, nationality first and gender last: "Everyone" for no part."""
        order = {"nationality": 0, "categorical": 1, "gender": 2}
        levels = [part for part in parts if part.kind == "level"]
        ages = [part for part in levels if part.codes[0] in self._children.get(part.feature, ())]
        genders = [part.codes[0] for part in levels if self._codings.get(part.feature) == "gender"]
        young = bool(ages) and any(code in _YOUNG for code in genders)
        # the words girl and boy already say the age band, unless there are several bands of children
        said = [part for part in parts if not (young and part in ages and len(self._children[part.feature]) == 1)]
        ordered = sorted(said, key=lambda part: order[self._codings.get(part.feature, "categorical")])
        name = ", ".join(self._part(part, young=young) for part in ordered) or "everyone"
        return name[:1].upper() + name[1:]

    def _part(self, part: PublicPart, *, young: bool) -> str:
        names = " or ".join(self._level(part, code, young=young) for code in part.codes)
        if part.kind != "others":
            return names
        others = _OTHERS.get(self._codings.get(part.feature), f"other values of {_feature(part)}")
        return f"others of {names}" if names else others

    def _level(self, part: PublicPart, code: str, *, young: bool) -> str:
        if code in _UNKNOWN:
            return f"{_feature(part)} {_UNKNOWN[code]}"
        name = harmless(self._levels.get((part.feature, part.rung, code), code))
        match self._codings.get(part.feature):
            case "gender":
                return (_YOUNG if young else _GENDERS).get(code, name)
            case "nationality":
                return _PLURALS.get(code, name)
            case _:  # a value of a column, such as "1", says nothing without the column's name
                return f"{_feature(part)} = {name}"


def _feature(part: PublicPart) -> str:
    return harmless(part.feature.replace("_", " "))
