"""Write `audit/evaluation/data/demonyms.csv` and `variants.csv`: names that follow from names by rule.

    python -m tools.name_forms [--to FOLDER]

`demonyms.csv` has the genders and numbers of every demonym, by language. Two tables are written by hand, here:
`demonyms.csv` has the demonyms of countries in ten languages, `endings.csv` what becomes of an ending. The longest
ending of a word counts. A word after `=` has no other form. A row of several countries is a word that they share: its
forms are refused with all of them named. Most German adjectives are those of i18n-nationality.

`variants.csv` has the names of countries in `names.csv` as they are written with abbreviations: `abbreviations.csv`
says, by language, what stands instead of which words ("Saint", "St."). A variant of two countries is in neither.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import defaultdict
from pathlib import Path

from audit.evaluation.meaning import fold
from audit.evaluation.nationality import canonical, countries, data_rows
from audit.evaluation.nationality_words import DemonymRow, NameRow
from tools.refresh_codes import DATA
from tools.refresh_names import write

TOOLS = Path(__file__).resolve().parent
_OFFICIAL = re.compile(
    r"(?P<head>(?:\S+ ){0,3}(?:Republic|Kingdom|State|States|Union|Commonwealth|Sultanate|Principality|República|Reino|"
    r"Estado|République|Royaume|État|Repubblica|Regno) (?:of the|of|del|de la|de|du|della|delle|di)) (?P<rest>[^,]+)"
)


def endings() -> dict[str, dict[str, tuple[str, ...]]]:
    """Read what becomes of an ending, by language and ending."""
    forms_by_ending: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    with (TOOLS / "endings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            forms_by_ending[row["language"]][row["ending"]] = tuple(row["forms"].split())
    return forms_by_ending


def forms(word: str, rules: dict[str, tuple[str, ...]]) -> list[str]:
    """Return every gender and number of a demonym, itself first."""
    if word.startswith("="):
        return [word[1:]]
    ending = max((known for known in rules if word.endswith(known)), key=len, default=None)
    if ending is None:
        return [word]
    stem = word.removesuffix(ending)
    return list(dict.fromkeys([word, *(stem + form for form in rules[ending])]))


def demonyms() -> list[DemonymRow]:
    """Return the forms of all demonyms, by country and language."""
    rules, rows = endings(), []
    with (TOOLS / "demonyms.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            codes = row.pop("codes")
            for language, words in row.items():
                all_forms = dict.fromkeys(
                    form for word in words.split("|") if word for form in forms(word, rules[language])
                )
                if all_forms:
                    rows.append(DemonymRow(codes, language, "|".join(all_forms)))
    return sorted(rows)


def written_otherwise(name: str, rules: list[tuple[str, str]]) -> set[str]:
    """Return a name with any of its words written as the rules say; not the name itself."""
    spellings = {f" {name} "}
    for words, instead in rules:
        spellings |= {other.replace(f" {words} ", f" {instead} ") for other in spellings}
    return {other.strip() for other in spellings} - {name}


def inverted(name: str) -> str | None:
    """Return a name as lists sort it, `Kenya, Republic of`; None where it does not begin with what is put behind."""
    match = _OFFICIAL.fullmatch(name)
    return None if match is None else f"{match['rest']}, {match['head']}"


def variants() -> list[NameRow]:
    """Return the names of each country inverted and with abbreviations."""
    rules: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with (TOOLS / "abbreviations.csv").open(encoding="utf-8", newline="") as file:
        for rule in csv.DictReader(file):
            rules[rule["language"]].append((rule["words"], rule["instead"]))
    names = [NameRow(*row) for row in data_rows("names.csv") if row[0] in countries() and row[1] != "demonym"]
    known = {fold(row.name) for row in names}
    claimed: dict[str, dict[str, NameRow]] = defaultdict(dict)
    for row in names:
        for language in row.languages.split():
            turned = inverted(row.name)
            written = written_otherwise(row.name, rules[language]) | ({turned} if turned else set())
            for other in written | (written_otherwise(turned, rules[language]) if turned else set()):
                if fold(other) not in known and canonical(other) is None:
                    claimed[fold(other)][row.code] = NameRow(row.code, row.kind, other, language, "audit7k")
    return sorted(row for rows in claimed.values() if len(rows) == 1 for row in rows.values())


def main() -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(description="Write the names that follow from names by rule.")
    parser.add_argument("--to", type=Path, default=DATA, help="folder to write into")
    folder = parser.parse_args().to
    write(folder / "demonyms.csv", DemonymRow._fields, demonyms())
    write(folder / "variants.csv", NameRow._fields, variants())


if __name__ == "__main__":
    main()
