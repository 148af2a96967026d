"""Makes calls.csv and predictions.csv beside this file, or in the folder given. Every call is made up."""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

CALLS = 1_500
CITIZENSHIPS = {"PH": 30, "ID": 18, "ET": 14, "KE": 11, "IN": 9, "NP": 6, "UG": 4, "NA": 2, "LK": 2, "TO": 1, "": 3}
SEXES = {"F": 62, "M": 33, "X": 1, "": 4}


def main(folder: Path) -> None:
    """Write both files into `folder`."""
    rng = random.Random(20240412)
    calls, answers = [], []
    for number in range(1, CALLS + 1):
        call = f"call-{number:04d}"
        exploited = rng.random() < 0.30
        open_case = rng.random() < 0.03
        outcome = "open" if open_case else "referred" if exploited else "closed"
        calls.append([call, outcome, _one_of(SEXES, rng), _one_of(CITIZENSHIPS, rng)])
        risk = min(max(rng.gauss(66 if exploited else 32, 16), 0), 100)
        answers.append([call, f"{risk:.1f}"])
    rng.shuffle(answers)  # the order of the rows does not matter: they are joined by id
    _write(folder / "calls.csv", ["call", "outcome", "sex", "citizenship"], calls)
    _write(folder / "predictions.csv", ["call", "risk"], answers)
    print(f"{CALLS} synthetic calls and as many answers")


def _one_of(weights: dict[str, int], rng: random.Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
