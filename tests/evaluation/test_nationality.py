"""Nationality codes and the ladder of UN M49."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.evaluation.nationality import TRAVEL_DOCUMENT_CODES, canonical, countries, levels, map_target, regions

LADDER = ("country", "m49-subregion", "m49-region")


def test_the_tables_hold_249_codes_22_subregions_and_5_regions() -> None:
    assert len(countries()) == 249
    assert len({country.alpha2 for country in countries().values()}) == 249
    assert len({country.numeric for country in countries().values()}) == 249
    assert sum(1 for region in regions().values() if region.region) == 22
    assert sorted(region.name for region in regions().values() if not region.region) == [
        "Africa",
        "Americas",
        "Asia",
        "Europe",
        "Oceania",
    ]


def test_every_country_has_a_subregion_and_a_region_but_antarctica() -> None:
    without = [country.alpha3 for country in countries().values() if country.subregion not in regions()]
    assert without == ["ATA"]
    for region in regions().values():
        assert region.region == "" or regions()[region.region].region == ""
    in_regions = Counter(
        regions()[regions()[country.subregion].region].name for country in countries().values() if country.subregion
    )
    assert in_regions == {"Africa": 60, "Americas": 57, "Asia": 51, "Europe": 51, "Oceania": 29}


def test_the_codes_are_those_of_the_standard() -> None:
    import pycountry

    assert {(entry.alpha_3, entry.alpha_2, entry.numeric) for entry in pycountry.countries} == {
        (country.alpha3, country.alpha2, country.numeric) for country in countries().values()
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NA", "NAM"),
        ("na", "NAM"),
        ("NGA", "NGA"),
        ("nga", "NGA"),
        ("004", "AFG"),
        ("NO", "NOR"),
        ("XXA", "XXA"),
        ("xxx", "XXX"),
        ("TWN", "TWN"),
        ("4", None),
        ("04", None),
        ("", None),
        (" NGA", None),
        ("Nigeria", None),
        ("Nigerian", None),
        ("Nationals", None),
        ("SUN", None),
        ("YUG", None),
        ("D", None),
        ("XKX", None),
        ("GBD", None),
        ("fıj", None),  # the dotless i, which becomes an I in upper case
        ("ＮＧＡ", None),  # full width
        ("٠٠٤", None),  # Arabic digits
        ("²04", None),
    ],
)
def test_only_codes_are_read(text: str, code: str | None) -> None:
    assert canonical(text) == code


@pytest.mark.parametrize(("text", "code"), [("4", "AFG"), ("36", "AUS"), ("516", "NAM"), ("-99", None), ("0", None)])
def test_a_column_of_numbers_has_lost_its_zeros(text: str, code: str | None) -> None:
    assert canonical(text, stored_as_number=True) == code


def test_a_map_can_also_name_codes_that_iso_leaves_to_users() -> None:
    assert map_target("xkx") == "XKX"
    assert map_target("QZZ") == "QZZ"
    assert map_target("GB") == "GBR"
    assert map_target("Unknown") == "unknown"
    assert map_target("Kosovo") is None
    assert map_target("QLZ") is None
    assert map_target("SUN") is None


@given(st.text(max_size=4))
def test_reading_never_fails_and_gives_a_known_code(text: str) -> None:
    code = canonical(text)
    assert code is None or code in countries() or code in TRAVEL_DOCUMENT_CODES


def test_the_ladder_climbs_from_the_country_to_western_africa_and_africa() -> None:
    found = {
        (level.rung, level.code): (level.name, level.parent) for level in levels({"NGA", "XXA", "unknown"}, LADDER)
    }
    assert found == {
        ("country", "NGA"): ("Nigeria", "011"),
        ("m49-subregion", "011"): ("Western Africa", "002"),
        ("m49-region", "002"): ("Africa", None),
        ("country", "XXA"): ("stateless person", "XXA"),
        ("m49-subregion", "XXA"): ("stateless person", "XXA"),
        ("m49-region", "XXA"): ("stateless person", None),
        ("country", "unknown"): ("unknown", "unknown"),
        ("m49-subregion", "unknown"): ("unknown", "unknown"),
        ("m49-region", "unknown"): ("unknown", None),
    }


def test_a_ladder_can_leave_the_subregion_out() -> None:
    assert {(level.code, level.parent) for level in levels({"BRA"}, ("country", "m49-region"))} == {
        ("BRA", "019"),
        ("019", None),
    }


@pytest.mark.parametrize(
    ("code", "subregion"),
    [
        ("JEY", "154"),
        ("TWN", "030"),
        ("NRU", "057"),
        ("MEX", "013"),
        ("BRA", "005"),
        ("JAM", "029"),
        ("COD", "017"),
        ("ATA", "ATA"),
    ],
)
def test_subregions_are_the_finest_of_m49(code: str, subregion: str) -> None:
    assert {level.parent for level in levels({code}, LADDER) if level.rung == "country"} == {subregion}
