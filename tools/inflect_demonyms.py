"""Write `audit/evaluation/data/demonyms.csv`: the genders and numbers of every demonym, by language.

    python -m tools.inflect_demonyms [--to FOLDER]

Two tables are written by hand, here: `demonyms.csv` has the demonyms of countries in eight languages, `endings.csv`
what becomes of an ending. The longest ending of a word counts. A word after `=` has no other form. A row of several
countries is a word that they share: its forms are refused with all of them named. Most German adjectives are those of
i18n-nationality.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from audit.evaluation.nationality_words import DemonymRow
from tools.refresh_codes import DATA
from tools.refresh_names import write

TOOLS = Path(__file__).resolve().parent


def endings() -> dict[str, dict[str, tuple[str, ...]]]:
    """Read what becomes of an ending, by language and ending."""
    found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    with (TOOLS / "endings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["language"]][row["ending"]] = tuple(row["forms"].split())
    return found


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
                found = dict.fromkeys(
                    form for word in words.split("|") if word for form in forms(word, rules[language])
                )
                if found:
                    rows.append(DemonymRow(codes, language, "|".join(found)))
    return sorted(rows)


def main() -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(description="Write the genders and numbers of demonyms.")
    parser.add_argument("--to", type=Path, default=DATA, help="folder to write into")
    write(parser.parse_args().to / "demonyms.csv", DemonymRow._fields, demonyms())


if __name__ == "__main__":
    main()
