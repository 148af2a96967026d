"""What a plan declares of a column: whose codes it holds, which of several nationalities counts, which country."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.sets import made_cells, made_plan, write_set
from pydantic import ValidationError

from audit.errors import DataError, PlanError
from audit.evaluation import gender, nationality
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.nationality import TRAVEL_DOCUMENT_CODES, countries
from audit.evaluation.standing import STANDINGS, standing

Columns = dict[str, list[str | None]]


def opened_codes(folder: Path, name: str, feature: dict[str, Any], columns: Columns) -> dict[str | None, str]:
    rows = len(next(iter(columns.values())))
    write_set(folder / "set.csv", {**made_cells(rows), **columns})
    with open_evaluation_set(made_plan(groups={name: feature}), folder) as opened:
        return dict(opened.codes[name])


def rows_by_level(folder: Path, feature: dict[str, Any], columns: Columns) -> list[str]:
    """The level of every row, in the order of the file."""
    rows = len(next(iter(columns.values())))
    write_set(folder / "set.csv", {**made_cells(rows), **columns})
    with open_evaluation_set(made_plan(groups={"relation": feature}), folder) as opened:
        key, table = opened.expressions["group_relation"], opened.source.name
        raw = opened.connection.execute(f"SELECT {key} FROM {table} ORDER BY __row__").fetchall()
        assert {level.code for level in opened.features[0].levels} == {opened.codes["relation"][row[0]] for row in raw}
        return [opened.codes["relation"][row[0]] for row in raw]


@pytest.mark.parametrize(
    ("codes", "values"),
    [
        ("iso-5218", {"0": "unknown", "1": "man", "2": "woman", "Woman": "woman", None: "unknown"}),
        ("icao-9303", {"F": "woman", "m": "man", "Ｆ": "woman", " M": "man"}),
        ("unodc", {"Female": "woman", "MALE": "man", "Other": "non-binary", "Unknown": "unknown"}),
    ],
)
def test_declared_codes_of_gender_are_read(tmp_path: Path, codes: str, values: dict[str | None, str]) -> None:
    feature = {"column": "g", "codes": codes}
    assert opened_codes(tmp_path, "gender", feature, {"g": list(values)}) == values


@pytest.mark.parametrize(
    ("codes", "value"),
    [
        (None, "1"), (None, "F"), (None, "Female"), ("iso-5218", "9"), ("iso-5218", "F"), ("icao-9303", "X"),
        ("icao-9303", "<"), ("icao-9303", "1"), ("unodc", "Total"), ("unodc", "F"), ("unodc", "Girls"),
    ],
)  # fmt: skip
def test_what_no_list_or_another_list_says_is_refused(tmp_path: Path, codes: str | None, value: str) -> None:
    with pytest.raises(DataError, match="is none of woman, man, non-binary and unknown in row 1"):
        opened_codes(tmp_path, "gender", {"column": "g", "codes": codes}, {"g": [value]})


def test_a_map_comes_before_declared_codes(tmp_path: Path) -> None:
    feature = {"column": "g", "codes": "icao-9303", "map": {"X": "non-binary", "M": "woman"}}
    assert opened_codes(tmp_path, "gender", feature, {"g": ["X", "M", "F"]}) == {
        "X": "non-binary", "M": "woman", "F": "woman",
    }  # fmt: skip


def test_every_declared_code_is_a_known_gender() -> None:
    for codes, words in gender.CODES.items():
        for text, word in words.items():
            assert gender.read(text, codes).code == word
            assert gender.canonical(word) == word


def test_the_first_of_several_nationalities_is_taken_where_the_plan_says_so(tmp_path: Path) -> None:
    feature = {"column": "n", "separator": "/", "dual": "primary", "map": {"Congolese": "COD"}, "missing": ["?"]}
    values = {
        "Nigerian/Ghanaian": "NGA", "GHA / NGA": "GHA", "NA": "NAM", "Congolese/FRA": "COD", "XXA/NGA": "XXA",
        "?/NGA": "unknown", "GHA/?": "GHA", "Guinea-Bissau/Côte d’Ivoire": "GNB",
    }  # fmt: skip
    assert opened_codes(tmp_path, "nationality", feature, {"n": list(values)}) == values


@pytest.mark.parametrize("value", ["NGA/Dominican", "Dominican/NGA", "/NGA", "NGA/", "NGA//GHA", "NGA;GHA", "<5/NGA"])
def test_several_of_which_one_cannot_be_read_are_refused(tmp_path: Path, value: str) -> None:
    feature = {"column": "n", "separator": "/", "dual": "primary"}
    with pytest.raises(DataError, match='the nationality "n" is read as no nationality in row 2'):
        opened_codes(tmp_path, "nationality", feature, {"n": ["NGA", value]})


def test_several_nationalities_are_a_group_of_their_own_where_the_plan_says_any(tmp_path: Path) -> None:
    feature = {"column": "n", "separator": "/", "dual": "any", "map": {"Congolese": "COD"}, "missing": ["?"]}
    values = {
        "Nigerian/Ghanaian": "GHA+NGA", "GHA / NGA": "GHA+NGA", "NGA/Nigerian": "NGA", "Congolese/FRA": "COD+FRA",
        "XXA/NGA": "NGA+XXA", "?/NGA": "NGA+unknown", "?/unknown": "unknown", "NGA/GHA/FRA": "FRA+GHA+NGA",
    }  # fmt: skip
    assert opened_codes(tmp_path, "nationality", feature, {"n": list(values)}) == values


def test_who_has_several_nationalities_climbs_the_ladder_with_all_of_them() -> None:
    rungs = ("country", "m49-subregion", "m49-region")
    found = {(level.rung, level.code): level for level in nationality.levels(["GHA+NGA", "FRA+NGA", "NGA"], rungs)}
    assert found["country", "FRA+NGA"].parts == ("FRA", "NGA")
    assert found["country", "FRA+NGA"].name == "France + Nigeria"
    assert found["country", "FRA+NGA"].parent == "011+155"
    assert found["m49-subregion", "011+155"].parts == ("011", "155")
    assert found["country", "GHA+NGA"].parent == "011", "both are in Western Africa"
    assert found["m49-subregion", "011"].parts == ()
    assert found["m49-region", "002+150"].name == "Africa + Europe"


def test_who_is_a_national_by_any_nationality_is_a_national(tmp_path: Path) -> None:
    feature = {"column": "n", "coding": "relation", "country": "it", "separator": "/", "dual": "any"}
    cases = {
        "Italian": "national", "NGA/ITA": "national", "NGA/GHA": "foreign", "XXA/GHA": "foreign", "XXA": "stateless",
        "XXB/GHA": "unknown", "XXB/ITA": "national",
    }  # fmt: skip
    assert rows_by_level(tmp_path, feature, {"n": list(cases)}) == list(cases.values())


def test_a_separator_that_stands_in_a_name_does_not_split_it(tmp_path: Path) -> None:
    feature = {"column": "n", "separator": ",", "dual": "primary"}
    values = {"Korea, Republic of": "KOR", "NGA, GHA": "NGA", "Bolivia, Plurinational State of": "BOL"}
    assert opened_codes(tmp_path, "nationality", feature, {"n": list(values)}) == values


def test_several_in_a_cell_are_refused_without_a_declaration(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is read as no nationality in row 1"):
        opened_codes(tmp_path, "nationality", {"column": "n"}, {"n": ["NGA/GHA"]})


def test_a_relation_is_derived_from_nationality_and_country(tmp_path: Path) -> None:
    cases = [
        ("Nigerian", "IT", "foreign"), ("ITA", "Italy", "national"), ("stateless", "ITA", "stateless"),
        ("XXB", "ITA", "unknown"), ("XXX", "ITA", "unknown"), (None, "ITA", "unknown"), ("NGA", None, "unknown"),
        ("XXA", None, "stateless"), ("NA", "Namibia", "national"), ("?", "ITA", "unknown"), ("NGA", "?", "unknown"),
        ("Kosovar", "ITA", "foreign"), ("unknown", "ITA", "unknown"), ("HKG", "ITA", "foreign"),
    ]  # fmt: skip
    feature = {
        "column": "n", "coding": "relation", "country_column": "c", "map": {"Kosovar": "XKX"}, "missing": ["?"],
    }  # fmt: skip
    columns: Columns = {"n": [case[0] for case in cases], "c": [case[1] for case in cases]}
    assert rows_by_level(tmp_path, feature, columns) == [case[2] for case in cases]


def test_a_relation_to_one_country_needs_no_column(tmp_path: Path) -> None:
    feature = {"column": "n", "coding": "relation", "country": "it", "separator": "/", "dual": "primary"}
    columns: Columns = {"n": ["Italian", "NGA/ITA", "ITA/NGA", "XXA", None]}
    assert rows_by_level(tmp_path, feature, columns) == ["national", "foreign", "national", "stateless", "unknown"]


def test_no_two_pairs_of_cells_are_one(tmp_path: Path) -> None:
    feature = {"column": "n", "coding": "relation", "country_column": "c", "map": {"1:IT": "ITA", "A1": "NGA"}}
    columns: Columns = {"n": ["IT", "1:IT", "NA", "A1"], "c": ["A1", "A1", "IT", "NA"]}
    assert rows_by_level(tmp_path, feature, columns) == ["foreign", "foreign", "foreign", "foreign"]


def test_codes_of_one_state_are_refused_until_the_plan_says_how_to_read_them(tmp_path: Path) -> None:
    feature = {"column": "n", "coding": "relation", "country_column": "c"}
    columns: Columns = {"n": ["USA", "PRI", "GUM"], "c": ["USA", "USA", "PRI"]}
    with pytest.raises(DataError, match="different codes of one state in rows 2 and 3") as caught:
        rows_by_level(tmp_path, feature, columns)
    assert caught.value.slug == "relation-of-one-state"
    mapped = {**feature, "map": {"PRI": "USA", "GUM": "USA"}}
    assert rows_by_level(tmp_path, mapped, columns) == ["national", "national", "national"]


def test_an_unread_country_is_refused_by_its_column(tmp_path: Path) -> None:
    feature = {"column": "n", "coding": "relation", "country_column": "c"}
    with pytest.raises(DataError, match='the relation "c" is read as no nationality in row 2'):
        rows_by_level(tmp_path, feature, {"n": ["NGA", "NGA"], "c": ["ITA", "Congo"]})


def test_a_country_that_is_none_is_an_error_of_the_plan(tmp_path: Path) -> None:
    for country in ("XXA", "Congo", "011"):
        with pytest.raises(PlanError, match=f'groups.relation.country: "{country}" is no country'):
            rows_by_level(tmp_path, {"column": "n", "coding": "relation", "country": country}, {"n": ["NGA"]})


def test_a_flag_of_citizenship_is_a_relation_with_a_map(tmp_path: Path) -> None:
    feature = {"column": "citizen", "coding": "relation", "map": {"1": "national", "0": "foreign"}, "missing": ["9"]}
    flags = ["1", "0", "9", None, "Stateless", "0"]
    assert rows_by_level(tmp_path, feature, {"citizen": flags}) == [
        "national", "foreign", "unknown", "unknown", "stateless", "foreign",
    ]  # fmt: skip


def test_a_flag_is_never_guessed(tmp_path: Path) -> None:
    feature = {"column": "citizen", "coding": "relation", "map": {"1": "national"}}
    with pytest.raises(DataError, match='the relation "citizen" is none of national, foreign, stateless and unknown'):
        rows_by_level(tmp_path, feature, {"citizen": ["1", "0"]})
    with pytest.raises(PlanError, match=r'groups\.relation\.map: 1 = "ITA" is no standing in a country'):
        rows_by_level(tmp_path, {**feature, "map": {"1": "ITA"}}, {"citizen": ["1", "0"]})


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"coding": "nationality", "codes": "unodc"}, "only a gender has them"),
        ({"coding": "nationality", "separator": "/"}, "say with `dual` what is done with several"),
        ({"coding": "gender", "dual": "primary"}, "only a nationality has several"),
        ({"coding": "gender", "separator": "/", "dual": "primary"}, "only a nationality has several"),
        ({"coding": "relation"}, "needs one of `country_column` and `country`"),
        ({"coding": "relation", "map": {"1": "national"}, "dual": "any"}, "only a nationality has several"),
        ({"coding": "relation", "country": "ITA", "country_column": "c"}, "needs one of"),
        ({"coding": "nationality", "country": "ITA"}, "a relation, and nothing else"),
        ({"coding": "relation", "country": "ITA", "ladder": ["country"]}, "only a nationality has a ladder"),
        ({"coding": "relation", "country_column": "exploited"}, "is also the id or the label"),
        ({"coding": "nationality", "separator": "/", "dual": "first"}, "primary"),
    ],
)
def test_keys_that_mean_nothing_together_are_errors(feature: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        made_plan(groups={"n": {"column": "n", **feature}})


CODES = st.sampled_from([*countries(), *TRAVEL_DOCUMENT_CODES, "unknown"])


@given(CODES, CODES)
def test_a_standing_is_one_of_four_or_none_and_the_same_both_ways(nationality: str, country: str) -> None:
    stands = standing(nationality, country)
    assert stands in (*STANDINGS, None)
    if nationality in countries() and country in countries():
        assert standing(country, nationality) == stands
        assert (stands == "national") == (nationality == country)
    else:
        assert stands in ("stateless", "unknown")
