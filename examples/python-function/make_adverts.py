"""Makes adverts.jsonl beside this file, or in the folder given. Every advert is made up."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

ADVERTS = 600
JOBS = ["Kitchen help", "Hotel cleaner", "Fruit picker", "Care assistant", "Deck hand", "Warehouse packer"]
ADDRESSED_TO = {"anyone": "", "women": " Women only.", "men": " Men only."}
ORDINARY = {
    "Written contract.": 0.7,
    "Forty hours a week.": 0.6,
    "Training on the first day.": 0.5,
    "Travel paid in advance.": 0.15,
    "Rooms near by, or live where you work.": 0.12,
    "Bring your passport to the interview.": 0.10,
}
TELLING = {
    "No contract needed.": 0.55,
    "We keep your passport for you.": 0.55,
    "Travel paid in advance, work it off later.": 0.50,
    "No experience, high pay.": 0.50,
    "Live where you work.": 0.40,
    "Discreet.": 0.30,
    "Tell nobody where you go.": 0.20,
}


def main(folder: Path) -> None:
    """Write the file into `folder`."""
    rng = random.Random(20240412)
    lines = []
    for number in range(1, ADVERTS + 1):
        exploitative = rng.random() < 0.45
        addressed_to = rng.choice(list(ADDRESSED_TO))
        phrases = [phrase for phrase, often in (TELLING if exploitative else ORDINARY).items() if rng.random() < often]
        text = f"{rng.choice(JOBS)}.{ADDRESSED_TO[addressed_to]} {' '.join(phrases)}".strip()
        advert = {
            "advert": f"ad-{number:04d}",
            "text": text,
            "addressed_to": addressed_to,
            "exploitative": exploitative,
        }
        lines.append(json.dumps(advert))
    (folder / "adverts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    print(f"{ADVERTS} synthetic adverts")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
