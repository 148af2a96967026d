"""Names of the rows of a public release: "Nigeria, women", "Others of Western Africa"."""

from __future__ import annotations

from collections.abc import Mapping
from gettext import NullTranslations
from types import MappingProxyType

from audit.public.release import PublicPart, PublicRelease
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.names import Names


class RowNames(Names):
    """Names of rows, and of the groups that waivers name. Languages are as in `Names`."""

    def __init__(
        self,
        release: PublicRelease,
        translations: NullTranslations | None = None,
        places: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(release.features, translations, places)

    def row(self, parts: tuple[PublicPart, ...]) -> str:
        """Return who a row is: "Nigeria, women", "Others of Western Africa, men", "Everyone"."""
        if all(part.kind == "level" for part in parts):
            return self.group(Group(tuple(_level(part, part.codes[0]) for part in parts)))
        first, *others = sorted(parts, key=lambda part: self._order.get(part.feature, len(parts)))
        name = self._part(first)
        name = name[:1].upper() + name[1:]
        for part in others:
            name = self._t.gettext("%(first)s, %(other)s") % {"first": name, "other": self._part(part)}
        return name

    def _part(self, part: PublicPart) -> str:
        names = [self._level(_level(part, code)) for code in part.codes]
        if not names:
            return self._others(part.feature)
        name = names[0]
        for other in names[1:]:
            name = self._t.gettext("%(first)s or %(other)s") % {"first": name, "other": other}
        if part.kind == "nearly":
            return self._t.gettext("%(level)s and few others") % {"level": name}
        return self._t.gettext("others of %(place)s") % {"place": name} if part.kind == "others" else name

    def _others(self, feature: str) -> str:
        match self._codings.get(feature):
            case "nationality":
                return self._t.gettext("other nationalities")
            case "gender":
                return self._t.gettext("other genders")
            case _:
                return self._t.gettext("other values of %(feature)s") % {"feature": self.feature(feature)}


def _level(part: PublicPart, code: str) -> Level:
    return Level(part.feature, part.rung, code)
