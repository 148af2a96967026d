"""Makes cases.csv beside this file, or in the folder given. Every case is made up."""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

CASES = 1_400
FORMS = ("sexual", "labour")
FOUND = {("woman", "sexual"): 0.86, ("woman", "labour"): 0.58, ("man", "sexual"): 0.58, ("man", "labour"): 0.86}
"""Planted: each gender is found less often in one of the two forms, and both are found alike in all."""
WRONGLY = 0.12
DISMISSED = {"woman": 0.04, "man": 0.40}
"""Planted: officers dismiss flags of men."""


def main(folder: Path) -> None:
    """Write the file into `folder`."""
    rng = random.Random(20250311)
    with (folder / "cases.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "gender", "form", "score", "answer", "officer"])
        for number in range(CASES):
            writer.writerow([number, *_case(rng)])
    print(f"{CASES} synthetic cases")


def _case(rng: random.Random) -> tuple[str, ...]:
    gender = "woman" if rng.random() < 0.55 else "man"
    form = rng.choice(FORMS) if rng.random() < 0.5 else "none"
    flagged = rng.random() < FOUND.get((gender, form), WRONGLY)
    score = rng.uniform(0.5, 1.0) if flagged else rng.uniform(0.0, 0.49)
    answer = "none" if not flagged else form if form != "none" and rng.random() < 0.9 else rng.choice(FORMS)
    officer = "refer" if flagged and rng.random() >= DISMISSED[gender] else "close"
    return gender, form, f"{score:.2f}", answer, "pending" if rng.random() < 0.01 else officer


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
