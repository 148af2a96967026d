"""Write the given names of `audit/scoring/probing/data/given_names.csv` from the locales of Faker.

    pip install faker
    python -m tools.refresh_given_names [--to FILE]

Faker is needed here and nowhere else: the names are data of the package, so that a probe is the same on every machine
and whatever release of Faker there is. From each locale below, ten names for women and ten for men, spread evenly over
its list as it stands. Names that a locale lists for both, and names in another than the Latin script, are left out: a
probe changes a word in an English, French or Spanish text, not its script. `zu_ZA` is left out because its list of
women's names holds men's names.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import unicodedata
from pathlib import Path
from typing import Any

PLACE = Path(__file__).resolve().parent.parent / "audit" / "scoring" / "probing" / "data" / "given_names.csv"
EACH = 10
LOCALES = [
    "az_AZ",
    "cs_CZ",
    "de_DE",
    "en_GB",
    "en_IN",
    "en_KE",
    "en_NG",
    "en_US",
    "es_AR",
    "es_CL",
    "es_CO",
    "es_ES",
    "es_MX",
    "fi_FI",
    "fr_DZ",
    "fr_FR",
    "ha_NG",
    "hr_HR",
    "hu_HU",
    "id_ID",
    "ig_NG",
    "it_IT",
    "nl_NL",
    "no_NO",
    "pl_PL",
    "pt_BR",
    "pt_PT",
    "ro_RO",
    "sv_SE",
    "sw",
    "tr_TR",
    "tw_GH",
    "uz_UZ",
    "vi_VN",
    "yo_NG",
]


def rows() -> list[tuple[str, str, str]]:
    """Return locale, gender and name, in the order of the file."""
    names_of_locales: list[tuple[str, str, str]] = []
    for locale in LOCALES:
        provider: Any = importlib.import_module(f"faker.providers.person.{locale}").Provider
        lists = {
            "woman": list(dict.fromkeys(provider.first_names_female)),
            "man": list(dict.fromkeys(provider.first_names_male)),
        }
        shared = set(lists["woman"]) & set(lists["man"])
        for gender, names in lists.items():
            usable = [name for name in names if name not in shared and is_latin(name)]
            if len(usable) < EACH:
                raise SystemExit(f"{locale}: {len(usable)} names for a {gender}, {EACH} are needed")
            names_of_locales += [(locale, gender, usable[number * len(usable) // EACH]) for number in range(EACH)]
    return names_of_locales


def is_latin(name: str) -> bool:
    """Say whether a name is one word in Latin letters."""
    return all("LATIN" in unicodedata.name(letter, "") or letter in "-'’" for letter in name)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=PLACE)
    options = parser.parse_args()
    with options.to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("locale", "gender", "name"))
        writer.writerows(rows())


if __name__ == "__main__":
    main()
