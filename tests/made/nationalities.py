"""Countries in their UN M49 sub-regions and regions, for made-up results: enough of the world to fill a report."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from audit.vocabulary.groups import LevelName

REGIONS = {"002": "Africa", "019": "Americas", "142": "Asia", "150": "Europe", "009": "Oceania"}
SUBREGIONS = {
    "015": ("Northern Africa", "002", "DZ EG LY MA SD TN"),
    "014": ("Eastern Africa", "002", "BI KM DJ ER ET KE MG MW MU MZ RW SC SO SS TZ UG ZM ZW"),
    "017": ("Middle Africa", "002", "AO CM CF TD CG CD GQ GA ST"),
    "018": ("Southern Africa", "002", "BW SZ LS NA ZA"),
    "011": ("Western Africa", "002", "BJ BF CV CI GM GH GN GW LR ML MR NE NG SN SL TG"),
    "029": ("Caribbean", "019", "AG BS BB CU DM DO GD HT JM KN LC VC TT"),
    "013": ("Central America", "019", "BZ CR SV GT HN MX NI PA"),
    "005": ("South America", "019", "AR BO BR CL CO EC GY PY PE SR UY VE"),
    "021": ("Northern America", "019", "CA US"),
    "143": ("Central Asia", "142", "KZ KG TJ TM UZ"),
    "030": ("Eastern Asia", "142", "CN JP KP KR MN"),
    "035": ("South-eastern Asia", "142", "BN KH ID LA MY MM PH SG TH TL VN"),
    "034": ("Southern Asia", "142", "AF BD BT IN IR MV NP PK LK"),
    "145": ("Western Asia", "142", "AM AZ BH CY GE IQ IL JO KW LB OM QA SA SY TR AE YE PS"),
    "151": ("Eastern Europe", "150", "BY BG CZ HU PL MD RO RU SK UA"),
    "154": ("Northern Europe", "150", "DK EE FI IS IE LV LT NO SE GB"),
    "039": ("Southern Europe", "150", "AL AD BA HR GR VA IT MT ME MK PT SM RS SI ES"),
    "155": ("Western Europe", "150", "AT BE FR DE LI LU MC NL CH"),
    "053": ("Australia and New Zealand", "009", "AU NZ"),
    "054": ("Melanesia", "009", "FJ PG SB VU"),
    "057": ("Micronesia", "009", "FM KI MH NR PW"),
    "061": ("Polynesia", "009", "WS TO TV"),
}


@cache
def _countries() -> tuple[tuple[str, str, str], ...]:
    """Alpha-3 code, name and sub-region of every country."""
    import pycountry

    found = []
    for subregion, (_, _, codes) in SUBREGIONS.items():
        for code in codes.split():
            country = pycountry.countries.get(alpha_2=code)
            assert country is not None
            found.append((country.alpha_3, getattr(country, "common_name", country.name), subregion))
    return tuple(sorted(found))


def nationality_levels(wanted: Collection[str] = ()) -> tuple[LevelName, ...]:
    """Levels of a nationality with its ladder; only the countries in `wanted`, where it is not empty."""
    countries = [country for country in _countries() if not wanted or country[0] in wanted]
    subregions = sorted({subregion for _, _, subregion in countries})
    regions = sorted({SUBREGIONS[subregion][1] for subregion in subregions})
    levels = [LevelName(rung="country", code=code, name=name, parent=up) for code, name, up in countries]
    levels += [
        LevelName(rung="m49-subregion", code=code, name=SUBREGIONS[code][0], parent=SUBREGIONS[code][1])
        for code in subregions
    ]
    levels += [LevelName(rung="m49-region", code=code, name=REGIONS[code]) for code in regions]
    levels += [
        LevelName(rung="country", code="unknown", name="unknown", parent="unknown"),
        LevelName(rung="m49-subregion", code="unknown", name="unknown", parent="unknown"),
        LevelName(rung="m49-region", code="unknown", name="unknown"),
    ]
    return tuple(levels)
