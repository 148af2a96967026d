"""Makes adverts.csv, reference.csv and truth.json beside this file, or in the folder given.

Every row is made up and describes nobody. The same as `audit7k synthesise adverts` writes;
detector and plan are here.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from audit.worlds.folder import synthesise
from audit.worlds.planting import WORLDS, findings_asked

WORLD = WORLDS["adverts"]
SEED = 7
FILES = ("adverts.csv", "reference.csv", "truth.json")


def main(folder: Path) -> None:
    """Write the files into `folder`."""
    everything = findings_asked(WORLD, [possible.finding for possible in WORLD.findings])
    with tempfile.TemporaryDirectory() as made:
        written = synthesise(WORLD, Path(made) / "world", seed=SEED, findings=everything)
        for name in FILES:
            (folder / name).write_bytes((written.folder / name).read_bytes())
    print(f"{written.rows} {WORLD.rows_are}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
