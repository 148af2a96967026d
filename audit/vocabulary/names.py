"""Names of groups in the reader's language: "Ghana, women". Codes are for machines; a reader sees names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from gettext import NullTranslations
from types import MappingProxyType
from typing import Final

from audit.vocabulary.groups import Axis, Group, Level, LevelName, NamedFeature, without_age

UNKNOWN: Final = "unknown"
"""The code of a missing attribute, in every feature."""
UNLISTED: Final = "unlisted"
"""The code of everyone who is in no list of a public table."""


def reading_order(features: Sequence[NamedFeature]) -> list[str]:
    """Return features in the order in which a group's name lists them: nationality first, gender last."""
    rank = {"nationality": 0, "categorical": 1, "gender": 2}
    return [feature.name for feature in sorted(features, key=lambda feature: rank[feature.coding])]


class Names:
    """The names of levels, groups and families of one result, or of one public release.

    In English, or as `translations` say and with the names of countries and regions in `places`, by their codes.
    """

    def __init__(
        self,
        features: Sequence[NamedFeature],
        translations: NullTranslations | None = None,
        places: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._t = translations or NullTranslations()
        self._codings = {feature.name: feature.coding for feature in features}
        self._order = {name: index for index, name in enumerate(reading_order(features))}
        self._levels = {
            Level(feature.name, level.rung, level.code): self._place(feature.coding, level, places)
            for feature in features
            for level in feature.levels
            if level.code != UNKNOWN
        }
        self._genders = {
            "woman": self._t.gettext("women"),
            "man": self._t.gettext("men"),
            "non-binary": self._t.gettext("non-binary people"),
        }
        self._young = {
            "woman": self._t.gettext("girls"),
            "man": self._t.gettext("boys"),
            "non-binary": self._t.gettext("non-binary children"),
        }
        self._features = {feature.name: feature for feature in features}
        self._plurals = {
            "XXA": self._t.gettext("stateless people"),
            "XXB": self._t.gettext("refugees (1951 Convention)"),
            "XXC": self._t.gettext("refugees (other)"),
            "XXX": self._t.gettext("unspecified nationality"),
        }
        self._groups: dict[tuple[Level, ...], str] = {}

    def group(self, group: Group) -> str:
        """Return the name of a group; "everyone" for the group without levels."""
        key = group.root
        if key not in self._groups:
            self._groups[key] = self._name(key)
        return self._groups[key]

    def whole(self, group: Group, same_people: Sequence[Group]) -> str:
        """Return the name of a group and of others with the same people: "Nigeria (in this set: all of Africa)"."""
        wider = [self.group(other) for other in same_people if len(other.root) == len(group.root) and other != group]
        wider = [name for name in dict.fromkeys(wider) if name != self.group(group)]
        inside = [set(other.root) - set(group.root) for other in same_people if set(group.root) < set(other.root)]
        only = [self._level(level) for level in sorted(set().union(*inside))]
        words = {"group": self.group(group), "wider": self._listed(wider), "levels": self._listed(only)}
        if wider and only:
            text = self._t.gettext("%(group)s (in this set: all of %(wider)s, and only %(levels)s)")
        elif wider:
            text = self._t.gettext("%(group)s (in this set: all of %(wider)s)")
        elif only:
            text = self._t.gettext("%(group)s (in this set: only %(levels)s)")
        else:
            return words["group"]
        return text % words

    def _listed(self, names: Sequence[str]) -> str:
        listed = "".join(names[:1])
        for name in names[1:]:
            listed = self._t.gettext("%(first)s, %(other)s") % {"first": listed, "other": name}
        return listed

    def _name(self, key: tuple[Level, ...]) -> str:
        if not key:
            return self._t.gettext("Everyone")
        named = key if len(key) == 1 else sorted(key, key=lambda level: self._order.get(level.feature, len(key)))
        ordered, young = without_age(named, self._features)
        name = self._level(ordered[0], young=young)
        name = name[:1].upper() + name[1:]
        for level in ordered[1:]:
            name = self._t.gettext("%(first)s, %(other)s") % {"first": name, "other": self._level(level, young=young)}
        return name

    def _level(self, level: Level, *, young: bool = False) -> str:
        if level.code == UNKNOWN:
            return self._unknown(level.feature)
        if level.code == UNLISTED:
            return self._t.gettext("%(feature)s not listed") % {"feature": self.feature(level.feature)}
        if self._codings.get(level.feature) == "gender" and level.code in self._genders:
            return (self._young if young else self._genders)[level.code]
        if self._codings.get(level.feature) == "nationality" and level.code in self._plurals:
            return self._plurals[level.code]
        if not self.is_categorical(level):
            return self.value(level)
        # a value of a column, such as "1", says nothing without the column's name
        named = {"feature": self.feature(level.feature), "level": self.value(level)}
        return self._t.gettext("%(feature)s = %(level)s") % named

    def _unknown(self, feature: str) -> str:
        usual = {
            "age": self._t.gettext("age unknown"),
            "gender": self._t.gettext("gender unknown"),
            "nationality": self._t.gettext("nationality unknown"),
            "sex": self._t.gettext("sex unknown"),
        }
        return usual.get(feature) or self._t.gettext("%(feature)s unknown") % {"feature": self.feature(feature)}

    def value(self, level: Level) -> str:
        """Return the name of a level where its feature is named beside it."""
        return self._levels.get(level, level.code)

    @staticmethod
    def _place(coding: str, level: LevelName, places: Mapping[str, str]) -> str:
        """Return the name of a country or region in the language, or of several together. Otherwise, the name in the
        result.
        """
        if coding != "nationality":
            return level.name
        if level.parts:
            parts = [places.get(part, "") for part in level.parts]
            return " + ".join(parts) if all(parts) else level.name
        return places.get(level.code, level.name)

    def feature(self, feature: str) -> str:
        """Return the name of a feature in running text: the plan's name, or the language's name for a usual feature."""
        usual = {
            "age": self._t.gettext("age"),
            "gender": self._t.gettext("gender"),
            "nationality": self._t.gettext("nationality"),
            "sex": self._t.gettext("sex"),
        }
        return usual.get(feature) or feature.replace("_", " ")

    def quoted(self, text: str) -> str:
        """Return words of others as they stand in a sentence."""
        return text

    def axis(self, axis: Axis) -> str:
        """Return what an axis breaks people down by: "gender", "sub-region of nationality"."""
        feature = self.feature(axis.feature)
        if axis.rung == "m49-subregion":
            return self._t.gettext("sub-region of %(feature)s") % {"feature": feature}
        if axis.rung == "m49-region":
            return self._t.gettext("region of %(feature)s") % {"feature": feature}
        return feature

    def level(self, level: Level) -> str:
        """Return the name of one level, with a capital where it is not a value of a column."""
        return self.group(Group((level,)))

    def axes(self, axes: tuple[Axis, ...]) -> str:
        """Return the axes of a family: "nationality and gender"."""
        ordered = sorted(axes, key=lambda axis: self._order.get(axis.feature, len(axes)))
        first, *others = [self.axis(axis) for axis in ordered]
        for other in others:
            first = self._t.gettext("%(first)s and %(other)s") % {"first": first, "other": other}
        return first

    def features(self, axes: tuple[Axis, ...]) -> str:
        """Return the features of a family, without their rungs: "nationality and gender"."""
        return self.axes(tuple(Axis(axis.feature, "") for axis in axes))

    def is_categorical(self, level: Level) -> bool:
        """Say whether a level is a plain value of a column, known or not listed."""
        return self._codings.get(level.feature) == "categorical" and level.code not in (UNKNOWN, UNLISTED)

    def is_nationality(self, axis: Axis) -> bool:
        """Say whether an axis is a rung of a nationality."""
        return self._codings.get(axis.feature) == "nationality"
