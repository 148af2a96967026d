"""The tool that writes the codes: from a taxonomy it writes the files that the package holds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from audit.evaluation.nationality import countries, regions
from tools.refresh_codes import DATA, Country, Region, differences, read_taxonomy, write

COLUMNS = (
    "ISO 3166-1 Alpha 3-Codes", "ISO 3166-1 Alpha 2-Codes", "m49 numerical code", "M49 English",
    "Region Code", "Region Name", "Sub-region Code", "Sub-region Name",
    "Intermediate Region Code", "Intermediate Region Name",
)  # fmt: skip
WIDE = {"011": ("202", "Sub-Saharan Africa"), "029": ("419", "Latin America and the Caribbean")}


def taxonomy(path: Path, **changed: str) -> Path:
    """The table that the tool reads, made from what the package holds: codes without leading zeros, as there."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for country in countries().values():
            place = ["", "", "", "", "", ""]
            if country.subregion:
                finest = regions()[country.subregion]
                region = regions()[finest.region]
                wide = WIDE.get(finest.code)
                below = (*wide, finest.code, finest.name) if wide else (finest.code, finest.name, "", "")
                if country.alpha3 == "JEY":
                    below = (finest.code, finest.name, "830", "Channel Islands")
                place = [region.code.lstrip("0"), region.name, *(text.lstrip("0") for text in below)]
            name = "" if country.alpha3 == "TWN" else country.name
            numeric = changed.get(country.alpha3, country.numeric.lstrip("0"))
            writer.writerow([country.alpha3, country.alpha2, numeric, name, *place])
    return path


def test_it_writes_what_the_package_holds(tmp_path: Path) -> None:
    found_countries, found_regions = read_taxonomy(taxonomy(tmp_path / "taxonomy.csv"))
    write(tmp_path / "countries.csv", Country._fields, found_countries)
    write(tmp_path / "regions.csv", Region._fields, found_regions)
    for name in ("countries.csv", "regions.csv"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()


def test_sources_that_disagree_on_a_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="the sources disagree on the codes of NAM"):
        read_taxonomy(taxonomy(tmp_path / "taxonomy.csv", NAM="999"))


def test_differences_from_a_second_source_are_listed(tmp_path: Path) -> None:
    found = read_taxonomy(taxonomy(tmp_path / "taxonomy.csv"))
    names = {region.code: region.name for region in found[1]}
    rows = [f"{country.alpha3}\t{names.get(country.subregion, '')}" for country in found[0]]
    rows[rows.index("NRU\tMicronesia")] = "NRU\tPolynesia"
    (tmp_path / "other.tsv").write_text("\n".join(("ISO3\tUNregion", *rows)) + "\n", encoding="utf-8")
    assert differences(*found, tmp_path / "other.tsv") == ["NRU: 'Micronesia', there 'Polynesia'"]
