"""Write the country and region codes of `audit/evaluation/data/` from maintained sources.

    python tools/refresh_codes.py --taxonomy CSV [--compare TSV] [--to FOLDER]

Codes come from the installed pycountry (ISO 3166-1). Names and the tree of UN M49 come from the country taxonomy that
the package hdx-python-country carries: the CSV file in its folder `hdx/location`. `--compare` checks the sub-regions
against a second source, the file `country_data.tsv` of the package country-converter. Neither package is a
dependency of this project; install them somewhere to run this.

Sub-regions are the finest M49 rung: where M49 has intermediate regions (Western Africa 011, Caribbean 029) they are
used: Sub-Saharan Africa (202) and Latin America and the Caribbean (419) are too wide to stand for a nationality.
The Channel Islands (830) hold two islands and are left in Northern Europe (154). That makes 22 sub-regions.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parent.parent / "audit" / "evaluation" / "data"
CHANNEL_ISLANDS = "830"


class Country(NamedTuple):
    """Row of countries.csv."""

    alpha3: str
    alpha2: str
    numeric: str
    name: str
    subregion: str


class Region(NamedTuple):
    """Row of regions.csv. A region of the world has no parent."""

    code: str
    name: str
    region: str


def three_digits(code: str) -> str:
    """Write `2` as `002`; an empty text stays empty."""
    return code.zfill(3) if code else ""


def read_taxonomy(path: Path) -> tuple[list[Country], list[Region]]:
    """Read countries and regions, sorted by their codes. Raises SystemExit if the two sources disagree on a code."""
    import pycountry

    with path.open(encoding="utf-8-sig", newline="") as file:
        entries = {row["ISO 3166-1 Alpha 3-Codes"]: row for row in csv.DictReader(file)}
    countries, regions = [], {}
    for country in pycountry.countries:
        entry = entries.get(country.alpha_3)
        if entry is None:
            sys.exit(f"the taxonomy has no {country.alpha_3}")
        codes = entry["ISO 3166-1 Alpha 2-Codes"], three_digits(entry["m49 numerical code"])
        if codes != (country.alpha_2, country.numeric):
            sys.exit(f"the sources disagree on the codes of {country.alpha_3}")
        name = entry["M49 English"] or getattr(country, "common_name", country.name)
        region, subregion = three_digits(entry["Region Code"]), _subregion(entry)
        countries.append(Country(country.alpha_3, country.alpha_2, country.numeric, name, subregion[0]))
        if region:
            regions[region] = Region(region, entry["Region Name"], "")
            regions[subregion[0]] = Region(*subregion, region)
    return sorted(countries), sorted(regions.values())


def _subregion(entry: dict[str, str]) -> tuple[str, str]:
    code = three_digits(entry["Intermediate Region Code"])
    if code and code != CHANNEL_ISLANDS:
        return code, entry["Intermediate Region Name"]
    return three_digits(entry["Sub-region Code"]), entry["Sub-region Name"]


def differences(countries: list[Country], regions: list[Region], path: Path) -> list[str]:
    """Find countries whose sub-region has another name in the second source."""
    with path.open(encoding="utf-8", newline="") as file:
        other = {row["ISO3"]: row["UNregion"] for row in csv.DictReader(file, delimiter="\t")}
    names = {region.code: region.name for region in regions}
    return [
        f"{country.alpha3}: {names.get(country.subregion, '')!r}, there {other.get(country.alpha3, '')!r}"
        for country in countries
        if names.get(country.subregion, "").casefold() != other.get(country.alpha3, "").casefold()
    ]


def write(path: Path, header: tuple[str, ...], rows: list[Country] | list[Region]) -> None:
    """Write a CSV file with line feeds, so that it is the same everywhere."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Read, compare, write."""
    parser = argparse.ArgumentParser(description="Write the country and region codes.")
    parser.add_argument("--taxonomy", type=Path, required=True, help="the CSV file of hdx-python-country")
    parser.add_argument("--compare", type=Path, help="country_data.tsv of country-converter")
    parser.add_argument("--to", type=Path, default=DATA, help="folder to write into")
    arguments = parser.parse_args()
    countries, regions = read_taxonomy(arguments.taxonomy)
    if arguments.compare:
        for line in differences(countries, regions, arguments.compare):
            print(line)
    arguments.to.mkdir(parents=True, exist_ok=True)
    write(arguments.to / "countries.csv", Country._fields, countries)
    write(arguments.to / "regions.csv", Region._fields, regions)
    print(f"{len(countries)} countries, {len(regions)} regions")


if __name__ == "__main__":
    main()
