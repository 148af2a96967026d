"""Sensitive features: every raw value gets its canonical code, and every code its name and its place on the ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from audit.engines.protocol import Cases, Found, Holding
from audit.errors import DataError, PlanError
from audit.evaluation import gender, nationality, nationality_words
from audit.evaluation.cell_values import distinct_texts, refuse_suppressed, rows_with
from audit.evaluation.checks import Check, alongside, ask
from audit.evaluation.relation import BETWEEN_ITEMS, Relation, check_text_type, is_list_type, is_number_type, text_of
from audit.evaluation.several import counted_under, nationality_texts, parts_of, read_parts
from audit.evaluation.standing import STANDINGS, Standing, standing, standing_of_all
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.sections import Coding, ControlFeature, GroupFeature, Groups, feature_coding, feature_rungs
from audit.vocabulary.groups import LevelName, SensitiveFeature
from audit.vocabulary.text import rows_text, shown

UNKNOWN = nationality.UNKNOWN
"""Level of a missing value, of a value declared missing, and of the word `unknown` itself."""

_EXPECTED: Mapping[Coding, str] = {
    "gender": "is none of woman, man, non-binary and unknown",
    "nationality": "is read as no nationality",
    "relation": "is none of national, foreign, stateless and unknown",
}
_EXAMPLE: Mapping[Coding, str] = {
    "gender": 'map = { F = "woman", M = "man" }',
    "nationality": 'map = { Congolese = "COD" }',
    "relation": 'map = { 1 = "national", 0 = "foreign" }',
}
_WHY = "; `audit7k codes` shows every value of the column, how it is read or why not, and writes a map to complete"


class CodedFeature(NamedTuple):
    """A sensitive feature as it was found in the set."""

    feature: SensitiveFeature
    """Legend of the feature."""
    codes: Mapping[str | None, str]
    """Canonical code of every raw value found."""
    expression: str
    """SQL of the raw value over the relation: VARCHAR, or NULL."""


def code_features(
    relation: Relation, group_features: Groups, detector: DetectorSection
) -> Check[tuple[CodedFeature, ...]]:
    """Read every sensitive feature of the plan.

    A value in `missing` is missing, and a value in `map` is what the map says. Any other value is read as a code,
    a name or a word. Values of both lists are compared as they stand: spaces around a value make another value. An
    empty cell, NULL and an empty text are missing.

    Raises
    ------
    DataError
        If a cell is a mark of suppression or is not read; with how many and which rows, never with their content.
    PlanError
        If a map names something that is no nationality code.
    """
    return tuple(
        (yield from alongside(*(_code_feature(relation, group_features, detector, name) for name in group_features)))
    )


def check_names(group_features: Groups, control_features: Mapping[str, ControlFeature]) -> None:
    """Raise PlanError if two features differ only in case: the engine would give both the column of the first."""
    for table, names in (("groups", group_features), ("control_features", control_features)):
        folded: dict[str, str] = {}
        for name in names:
            other = folded.setdefault(name.casefold(), name)
            if other != name:
                raise PlanError(
                    f"{table}.{other} and {table}.{name} differ only in upper and lower case", slug="names-alike"
                )


def check_maps(group_features: Groups) -> None:
    """Raise PlanError if a map or an expected level names no code of its feature, or a relation no country."""
    for name, section in group_features.items():
        _check_expected(group_features, name)
        _check_flag(group_features, name)
        if section.holds_nationalities(feature_coding(group_features, name)):
            if section.country is not None and nationality.canonical(section.country) not in nationality.countries():
                raise PlanError(
                    f'groups.{name}.country: "{shown(section.country)}" is no country', slug="country-of-relation"
                )
            for value, target in section.map.items():
                if nationality.map_target(target) is None:
                    raise PlanError(
                        f'groups.{name}.map: {shown(value)} = "{shown(target)}" names no nationality code',
                        slug="map-target",
                    )


def _check_flag(group_features: Groups, name: str) -> None:
    section = group_features[name]
    if feature_coding(group_features, name) != "relation" or section.holds_nationalities("relation"):
        return
    for value, target in section.map.items():
        if target not in STANDINGS:
            raise PlanError(
                f'groups.{name}.map: {shown(value)} = "{shown(target)}" is no standing in a country',
                slug="map-standing",
                hint=f"write {', '.join(STANDINGS)}; or say to which country with `country` or `country_column`",
            )


def _check_expected(group_features: Groups, name: str) -> None:
    coding, known = feature_coding(group_features, name), STANDINGS
    for code in group_features[name].expected:
        if (coding == "nationality" and nationality.map_target(code) is None) or (
            coding == "relation" and code not in known
        ):
            raise PlanError(
                f'groups.{name}.expected: "{shown(code)}" is no level of a {coding}',
                slug="expected-level",
                hint=f"write {', '.join(known)}" if coding == "relation" else "write ISO 3166-1 codes, for example NGA",
            )


def _several_as(section: GroupFeature, coding: Coding) -> Literal["first", "together", "standing"]:
    if section.dual == "primary":
        return "first"
    return "standing" if coding == "relation" else "together"


def list_columns(group_features: Groups) -> frozenset[str]:
    """Columns whose cells may be lists: those of nationalities of which one case may have several."""
    return frozenset(section.column for section in group_features.values() if section.dual is not None)


def expected_codes(section: GroupFeature, coding: Coding) -> tuple[str, ...]:
    """Canonical codes of the levels that the plan expects, each once, in the order of the plan."""
    if coding != "nationality":
        return section.expected
    return tuple(dict.fromkeys(nationality.map_target(code) or code for code in section.expected))


def _code_feature(
    relation: Relation, group_features: Groups, detector: DetectorSection, name: str
) -> Check[CodedFeature]:
    section, coding = group_features[name], feature_coding(group_features, name)
    codes, several = yield from _read_values(relation, group_features, name, section.column)
    expression = text_of(relation.expression(section.column), relation.types[section.column])
    if coding == "relation" and section.holds_nationalities(coding):
        codes, expression = yield from _code_standings(relation, group_features, name, codes)
    expected = expected_codes(section, coding)
    feature = SensitiveFeature(
        name=name,
        column=section.column,
        coding="categorical" if coding == "relation" else coding,  # the derived values are categories
        rungs=feature_rungs(group_features, name),
        levels=_levels(coding, {*codes.values(), *expected}, feature_rungs(group_features, name)),
        given_to_detector=section.column in getattr(detector, "features", ()),
        expected=expected,
        children=section.children,
        several=several,
        several_as=_several_as(section, coding) if several else None,
    )
    return CodedFeature(feature, codes, expression)


def _read_values(
    relation: Relation, group_features: Groups, name: str, column: str
) -> Check[tuple[dict[str | None, str], int]]:
    """Canonical code of every raw value of a column, and the number of rows with several nationalities.

    For a relation these are codes of nationalities.
    """
    section, coding = group_features[name], feature_coding(group_features, name)
    kind = relation.types[column]
    dual = section.dual is not None and column == section.column
    is_list = dual and (is_list_type(kind) or column in relation.lists)
    if not is_list:
        check_text_type(relation.source_name, column, kind, f"the {name}")
        if dual and section.separator is None:
            raise _no_list(relation, name, column)
    codes: dict[str | None, str] = {}
    undeclared: list[str] = []
    as_numbers = is_number_type(kind) or column in relation.all_numbers
    read = _reader(section, coding, as_numbers)
    parted: list[str] = []
    for value in (yield from distinct_texts(relation, column)):
        declared = _declared(value, section, coding)
        is_single = value is not None and not (is_list and BETWEEN_ITEMS in value)
        code = read(value) if declared is None and value is not None and is_single else declared
        if dual and code is None and value is not None:
            parts = read_parts(nationality_texts(value, section, is_list=is_list), read)
            code = None if parts is None else counted_under(parts, section)
            parted += [value] if parts is not None and len(parts) > 1 else []
        if declared is None and value is not None:
            undeclared.append(value)
        if code is not None:
            codes[value] = code
    yield from refuse_suppressed(relation, column, undeclared)
    unread = [value for value in undeclared if value not in codes]
    if unread:
        meant: Coding = "nationality" if section.holds_nationalities(coding) else coding
        raise _unread(relation, name, column, meant, (yield from rows_with(relation, column, unread)))
    return codes, (yield from rows_with(relation, column, parted)).number if parted else 0


def _declared(value: str | None, section: GroupFeature, coding: Coding) -> str | None:
    """Code that the plan itself gives a value; None where it gives none."""
    if not value or value in section.missing:
        return UNKNOWN
    target = section.map.get(value)
    return nationality.map_target(target) if target is not None and section.holds_nationalities(coding) else target


def _reader(section: GroupFeature, coding: Coding, as_numbers: bool) -> Callable[[str], str | None]:
    if coding == "gender":
        return lambda text: gender.read(text, section.codes).code
    if not section.holds_nationalities(coding):
        return lambda text: text if coding != "relation" else text.lower() if text.lower() in STANDINGS else None

    def read(text: str) -> str | None:
        declared = _declared(text, section, "nationality")  # a part of a cell may be declared as well
        return declared or nationality_words.read(text, stored_as_number=as_numbers).code

    return read


def _levels(coding: Coding, codes: set[str], rungs: tuple[str, ...]) -> tuple[LevelName, ...]:
    if coding == "nationality":
        return nationality.levels(codes, rungs)
    return gender.levels(codes, rungs)


def _code_standings(
    relation: Relation, group_features: Groups, name: str, nationalities: Mapping[str | None, str]
) -> Check[tuple[dict[str | None, str], str]]:
    """Standing of every case to the country of exploitation, by a key of both cells, and the SQL of that key."""
    section = group_features[name]
    person = f"COALESCE({text_of(relation.expression(section.column), relation.types[section.column])}, '')"
    country = "''"
    countries: Mapping[str | None, str] = {"": nationality.canonical(section.country or "") or UNKNOWN}
    if section.country_column is not None:
        countries, _ = yield from _read_values(relation, group_features, name, section.country_column)
        country = text_of(relation.expression(section.country_column), relation.types[section.country_column])
        country = f"COALESCE({country}, '')"
    # with the length, no two pairs have one key
    key = f"CAST(length({person}) AS VARCHAR) || ':' || {person} || {country}"
    standings: dict[str | None, Standing | None] = {}
    for pair, _ in (yield from ask(Cases(key))):
        length, _, texts = pair.partition(":")
        of_person, of_place = texts[: int(length)], texts[int(length) :]
        standings[pair] = _standing(nationalities.get(of_person, UNKNOWN), countries.get(of_place, UNKNOWN))
    undecided = [str(pair) for pair, code in standings.items() if code is None]
    if undecided:
        raise _of_one_state(relation, name, (yield from ask(Holding(key, tuple(undecided)))))
    return {pair: code for pair, code in standings.items() if code is not None}, key


def _standing(nationality_code: str, country: str) -> Standing | None:
    return standing_of_all([standing(part, country) for part in parts_of(nationality_code)])


def _no_list(relation: Relation, name: str, column: str) -> DataError:
    return DataError(
        f'{shown(relation.source_name)}: the {name} "{shown(column)}" is a text and no list, and groups.{name} does '
        "not say what stands between several nationalities",
        slug="no-separator",
        hint=f'write separator = "/" or whatever the column uses into [groups.{name}], or take `dual` out',
    )


def _of_one_state(relation: Relation, name: str, rows: Found) -> DataError:
    return DataError(
        f"{shown(relation.source_name)}: the {name}: nationality and country are different codes of one state in "
        f"{rows_text(*rows)}",
        slug="relation-of-one-state",
        hint=f'say in [groups.{name}] how the part of the state is to be read, for example map = {{ PRI = "USA" }}',
    )


def _unread(relation: Relation, name: str, column: str, coding: Coding, rows: Found) -> DataError:
    return DataError(
        f'{shown(relation.source_name)}: the {name} "{shown(column)}" {_EXPECTED[coding]} in {rows_text(*rows)}',
        slug=f"{coding}-values",
        hint=f"say in [groups.{name}] what such a value means, for example {_EXAMPLE[coding]}, or that it is missing: "
        f"missing = [...]{_WHY}",
    )
