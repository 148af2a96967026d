"""Write the names of nationalities and the withdrawn codes of `audit/evaluation/data/` from maintained sources.

    python -m tools.refresh_names --taxonomy CSV --countries JSON --nationalities FOLDER [--to FOLDER]

- `--taxonomy`: OCHA's taxonomy of countries and territories, the CSV file in the folder `hdx/location` of the package
  hdx-python-country: names of UN M49 and short names in the six UN languages, formal names in English.
- the installed babel: names of territories and regions in Unicode CLDR, in the six UN languages and eight others, and
  of each country in its own languages.
- `--countries`: `countries.json` of the npm package world-countries (ODbL): official names in the six UN languages,
  demonyms in English and French. What it gives stands in a file of its own, names_odbl.csv, under that licence.
- `--nationalities`: the folder `langs` of the npm package i18n-nationality: demonyms in English, French and Spanish.
- the installed pycountry: the withdrawn codes of ISO 3166-3; and its translations of official names, to compare.

Sources err. So a name that two countries claim belongs to neither: the package refuses it, and collisions.csv lists
it. Where pycountry gives a name to another country and not to this one, the claim is dropped. Of i18n-nationality only
states are taken: for territories it often names something else (Wallis and Futuna: "Welsh").
"""

from __future__ import annotations

import argparse
import csv
import gettext
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from audit.evaluation.meaning import fold
from audit.evaluation.nationality import countries
from audit.evaluation.nationality_words import HistoricCode, NameRow, claims
from tools.refresh_codes import DATA

UN_LANGUAGES = {"ar": "Arabic", "en": "English", "es": "Spanish", "fr": "French", "ru": "Russian", "zh": "Chinese"}
CLDR_LANGUAGES = (*UN_LANGUAGES, "zh_Hant", "de", "it", "nl", "pl", "pt", "ro", "tr", "uk")
THREE_LETTERS = {"ara": "ar", "eng": "en", "fra": "fr", "rus": "ru", "spa": "es", "zho": "zh"}
TERMS = (
    "Preferred Term", "ISO Alt Term", "DGACM Alt Term", "HPC Tools Alt Term", "RW Short Name", "RW API Alt Term",
)  # fmt: skip
CLDR_BLOCS = {"EU", "EZ", "UN"}

SAME_NATIONALITY = {"ATF": "FRA", "BES": "NLD", "IOT": "IND", "MNP": "USA", "SJM": "NOR"}
"""Territories that the source gives the demonym of a state whose nationals their people are, or that have no people.
That demonym is claimed for the state alone."""
NOBODY = {"ATA", "HMD", "UMI"}
"""Places without a people, whose demonyms in the source are invented."""
SEVERAL_SUCCESSORS = {
    "ANT": "ABW BES CUW SXM",
    "ATB": "",
    "ATF": "ATA ATF",
    "ATN": "",
    "BUR": "BFA MMR",
    "CSK": "CZE SVK",
    "CTE": "",
    "GEL": "KIR TUV",
    "JTN": "",
    "MID": "",
    "NTZ": "IRQ SAU",
    "PCI": "FSM MHL MNP PLW",
    "PCZ": "",
    "PUS": "",
    "SCG": "MNE SRB",
    "SUN": "ARM AZE BLR EST GEO KAZ KGZ LTU LVA MDA RUS TJK TKM UKR UZB",
    "WAK": "",
    "YUG": "BIH HRV MKD MNE SRB SVN",
}
"""Successors where ISO 3166-3 names not exactly one. BUR was Burma's and is Burkina Faso's in the list of the IOC.
None if a territory made no nationality: claims on Antarctica, islets, the Canal Zone."""

Claim = tuple[str, str, str, str]
"""Claim on a name: code, kind, name, language."""


def without_article(name: str) -> list[str]:
    """Return a name as it is written, and with and without the English article that lists put before or behind it."""
    plain = name.strip()
    bare = plain.removesuffix(" (the)").removeprefix("the ").removeprefix("The ").replace("(the ", "(")
    return [plain] if bare == plain else [plain, bare, f"the {bare}"]


def taxonomy_claims(path: Path) -> Iterator[Claim]:
    """Read names in OCHA's taxonomy, of the countries that ISO 3166-1 knows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            code = row["ISO 3166-1 Alpha 3-Codes"]
            if code not in countries():
                continue
            for column in TERMS:
                if len(row.get(column, "")) > 4 or fold(row.get(column, "")) == fold(row["Preferred Term"]):
                    yield from ((code, "short", name, "en") for name in without_article(row[column]))
            for language, word in UN_LANGUAGES.items():
                for column in (f"M49 {word}", f"{word} Short"):
                    yield from ((code, "short", name, language) for name in without_article(row[column]))
            yield from ((code, "official", name, "en") for name in without_article(row["English Formal"]))


def cldr_claims() -> Iterator[Claim]:
    """Read names of territories and regions in Unicode CLDR."""
    from babel import Locale

    alpha3 = {country.alpha2: country.alpha3 for country in countries().values()} | {"XK": "XKX"}
    for locale in CLDR_LANGUAGES:
        for territory, name in Locale.parse(locale).territories.items():
            language = locale.replace("_", "-")
            if territory.isdigit() or territory in CLDR_BLOCS:
                yield territory, "region", name, language
            elif territory in alpha3:
                yield alpha3[territory], "short", name, language
    yield from endonym_claims()


def endonym_claims() -> Iterator[Claim]:
    """Read what each country calls itself in its official languages, in Unicode CLDR."""
    from babel import Locale, UnknownLocaleError
    from babel.languages import get_official_languages

    for country in countries().values():
        for language in get_official_languages(country.alpha2, de_facto=True):
            try:
                name = Locale.parse(language).territories.get(country.alpha2)
            except UnknownLocaleError:
                continue
            if name is not None and language not in CLDR_LANGUAGES:
                yield country.alpha3, "short", name, language.replace("_", "-")


def world_countries_claims(entries: list[dict[str, object]]) -> Iterator[Claim]:
    """Read official names in the six UN languages, and demonyms, from world-countries."""
    for entry in entries:
        code = str(entry["cca3"])
        if code not in countries():
            continue
        names = {"eng": entry["name"], **dict(entry["translations"])}  # type: ignore[call-overload]
        for letters, language in THREE_LETTERS.items():
            yield from ((code, "official", name, language) for name in without_article(names[letters]["official"]))
        if code in NOBODY:
            continue
        for letters, forms in dict(entry["demonyms"]).items():  # type: ignore[call-overload]
            whose = SAME_NATIONALITY.get(code, code)
            yield from ((whose, "demonym", name, THREE_LETTERS[letters]) for name in forms.values() if name)


def nationality_claims(folder: Path, states: set[str]) -> Iterator[Claim]:
    """Read demonyms of states from i18n-nationality."""
    alpha3 = {country.alpha2: country.alpha3 for country in countries().values()}
    for language in ("en", "es", "fr"):
        text = (folder / f"{language}.json").read_text(encoding="utf-8")
        for alpha2, name in json.loads(text)["nationalities"].items():
            if alpha3.get(alpha2) in states and "\ufffd" not in name:
                yield alpha3[alpha2], "demonym", name.strip(), language


def names_elsewhere() -> dict[str, set[str]]:
    """Return folded names of countries in pycountry's English and its translations, with the codes that have them."""
    import pycountry

    codes_by_name: dict[str, set[str]] = defaultdict(set)
    for language in ("ar", "en", "es", "fr", "ru", "zh_CN"):
        words = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language], fallback=True)
        for entry in pycountry.countries:
            for field in ("name", "official_name", "common_name"):
                if name := getattr(entry, field, ""):
                    codes_by_name[fold(words.gettext(name))].add(entry.alpha_3)
    return dict(codes_by_name)


def rows_of(claims_of_source: Iterable[Claim], source: str, elsewhere: dict[str, set[str]]) -> list[NameRow]:
    """Write claims as rows, one for each name of a code. A name that pycountry gives to another code is dropped."""
    languages: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for code, kind, name, language in claims_of_source:
        others = elsewhere.get(fold(name), {code})
        if not fold(name):
            continue
        if code in countries() and code not in others:
            print(f"dropped from {source}: {code} {name!r} ({' '.join(sorted(others))})")
            continue
        languages[code, kind, name].add(language)
    return sorted(NameRow(*claim, " ".join(sorted(spoken)), source) for claim, spoken in languages.items())


def historic() -> list[HistoricCode]:
    """Return withdrawn codes of ISO 3166-3, without those that a country of today has."""
    import pycountry

    today = countries().values()
    alpha3 = {country.alpha2: country.alpha3 for country in today}
    taken = {code for country in today for code in (country.alpha3, country.alpha2, country.numeric)}
    rows = []
    for entry in pycountry.historic_countries:
        renamed = entry.alpha_4[2:].replace("AA", entry.alpha_2)  # AA: the letters stayed
        successors = SEVERAL_SUCCESSORS.get(entry.alpha_3, alpha3.get(renamed))
        if successors is None:
            sys.exit(f"who succeeded {entry.alpha_3}? Say so in SEVERAL_SUCCESSORS")
        codes = (entry.alpha_3, entry.alpha_2, getattr(entry, "numeric", ""))
        free_codes = [code if code not in taken else "" for code in codes]
        if any(free_codes):
            rows.append(HistoricCode(free_codes[0], free_codes[1], free_codes[2], entry.name, successors))
    return sorted(rows)


def collisions(rows: Iterable[NameRow]) -> list[tuple[str, str, str]]:
    """Return spellings that more than one country or region claims: folded, the codes, and the claims."""
    rows = list(rows)
    claims_by_spelling: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        claims_by_spelling[fold(row.name)].add(f"{row.code} {row.kind} {row.languages} {row.source}")
    shared = [(spelling, codes) for spelling, codes in claims(rows).items() if len(codes) > 1]
    return sorted(
        (spelling, " ".join(sorted(codes)), "; ".join(sorted(claims_by_spelling[spelling])))
        for spelling, codes in shared
    )


def write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Write a CSV file with line feeds, so that it is the same everywhere."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Read, compare, write."""
    parser = argparse.ArgumentParser(description="Write the names of nationalities and the withdrawn codes.")
    parser.add_argument("--taxonomy", type=Path, required=True, help="the CSV file of hdx-python-country")
    parser.add_argument("--countries", type=Path, required=True, help="countries.json of world-countries")
    parser.add_argument("--nationalities", type=Path, required=True, help="the folder langs of i18n-nationality")
    parser.add_argument("--to", type=Path, default=DATA, help="folder to write into")
    arguments = parser.parse_args()
    entries = json.loads(arguments.countries.read_text(encoding="utf-8"))
    states = {entry["cca3"] for entry in entries if entry["independent"]}
    elsewhere = names_elsewhere()
    names = [
        *rows_of(taxonomy_claims(arguments.taxonomy), "OCHA", elsewhere),
        *rows_of(cldr_claims(), "CLDR", elsewhere),
        *rows_of(nationality_claims(arguments.nationalities, states), "i18n-nationality", elsewhere),
    ]
    odbl = rows_of(world_countries_claims(entries), "world-countries", elsewhere)
    shared = collisions([*names, *odbl])
    arguments.to.mkdir(parents=True, exist_ok=True)
    write(arguments.to / "names.csv", NameRow._fields, sorted(names))
    write(arguments.to / "names_odbl.csv", NameRow._fields, odbl)
    write(arguments.to / "historic.csv", HistoricCode._fields, historic())
    write(arguments.to / "collisions.csv", ("spelling", "codes", "claims"), shared)
    print(f"{len(names)} names, {len(odbl)} under ODbL, {len(shared)} collisions")


if __name__ == "__main__":
    main()
