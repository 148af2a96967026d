"""Both sides of a blind audit, in two folders with two keys, between which only the files that travel are copied."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from made.sealed import signer_in
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.evidence.blind.terms import SECRET, Secret, read_part
from audit.evidence.history import History, read_history

MODEL = """\
def decide(batch):
    cells = zip(batch["hours"].to_pylist(), batch["debt"].to_pylist())
    return [hours + 2 * debt >= {threshold} for hours, debt in cells]
"""
VENDOR = """\
[audit]
title = "Screener 2.1"
system = "Screener"
owner = "An agency"
[detector]
kind = "python"
entry = "{module}:decide"
features = ["age", "hours", "debt"]
answers = "decision"
"""
PLAN = """\
schema = 1
[audit]
title = "Screener, blind"
system = "Screener"
owner = "An agency"
use = "victim-identification"
route = "services"
[detector]
kind = "blind"
features = ["age", "hours", "debt"]
[evaluation_set]
path = "set.parquet"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "gender"
map = { CANARY-F = "woman", CANARY-M = "man" }
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""
CASES = 1_500


def cell(chance: random.Random, label: bool) -> dict[str, int]:
    """The cells of one case: hours and debt say something of the label, age nothing."""
    return {
        "age": chance.randrange(18, 60),
        "hours": round(chance.gauss(58 if label else 50, 4)),
        "debt": int(chance.random() < (0.7 if label else 0.2)),
    }


def flagged(row: dict[str, int], threshold: int = 54) -> bool:
    """What the model of a vendor decides."""
    return row["hours"] + 2 * row["debt"] >= threshold


def write_cases(folder: Path, start: int = 0, rows: int = CASES, fewer_hours: int = 0) -> None:
    """Write a set of `rows` cases; ids, genders and an unused column hold words that must not leave the house.

    Women worked `fewer_hours` than men: a model by hours misses them.
    """
    chance, made = random.Random(start), []
    for number in range(start, start + rows):
        label = chance.random() < 0.5
        gender = chance.choice(["CANARY-F", "CANARY-M"])
        case = {"case": f"CANARY-{number}", "label": int(label), "gender": gender, "note": "CANARY-NOTE"}
        cells = cell(chance, label)
        made.append({**case, **cells, "hours": cells["hours"] - fewer_hours * (gender == "CANARY-F")})
    pq.write_table(pa.Table.from_pylist(made), folder / "set.parquet")


def write_production(folder: Path, rows: int = 200, threshold: int = 54) -> None:
    """Write cases from production, with what the system at work decided."""
    chance = random.Random("production")
    cells = [cell(chance, chance.random() < 0.5) for _ in range(rows)]
    lines = [",".join(map(str, [*row.values(), int(flagged(row, threshold))])) for row in cells]
    (folder / "production.csv").write_text("\n".join(["age,hours,debt,decision", *lines]) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Sides:
    """A vendor and a regulator."""

    vendor: Path
    regulator: Path

    @property
    def history(self) -> History:
        """The regulator's history."""
        return read_history((self.regulator / "h.a7h").read_bytes(), "h.a7h")

    @property
    def kinds(self) -> list[str]:
        """What it says happened."""
        return [entry.kind for entry in self.history.entries]

    @property
    def secret(self) -> Secret:
        """The secret of the first challenge."""
        return read_part(self.regulator / "audit-out/restricted/challenge.secret" / SECRET, Secret)

    def vend(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the vendor in its folder; returns what it printed."""
        return _run(self.vendor, [*arguments, *_signed("vendor.key")], code)

    def regulate(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the regulator in its folder; returns what it printed."""
        return _run(self.regulator, [*arguments, *_signed("regulator.key")], code)

    def see(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the vendor that signs nothing."""
        return _run(self.vendor, list(arguments), code)

    def show(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the regulator that signs nothing."""
        return _run(self.regulator, list(arguments), code)

    def copied_to(self, folder: Path) -> Sides:
        """Both sides as they are, in folders of their own."""
        return Sides(*(shutil.copytree(side, folder / side.name) for side in (self.vendor, self.regulator)))

    def commit(self, *more: str) -> None:
        """The vendor commits, and sends its history."""
        self.vend("commit", "vendor.toml", "--sandbox", "none", *(more or ("--deterministic",)))
        shutil.copy(self.vendor / "h.a7h", self.regulator / "h.a7h")

    def challenge(self, *more: str, out: str = "challenge", plan: str = "plan.toml") -> None:
        """The regulator asks, by the history that the vendor sent last, and sends the folder."""
        self.regulate("challenge", plan, "--out", out, *more)
        shutil.copytree(self.regulator / out, self.vendor / out)

    def answer(self, plan: str = "vendor.toml", *, folder: str = "challenge", out: str = "answers") -> None:
        """The vendor answers, and sends the folder."""
        self.vend("answer", folder, "--plan", plan, "--out", out, "--sandbox", "none")
        shutil.copytree(self.vendor / out, self.regulator / out)

    def judge(self, *more: str, code: int = 0, answers: str = "answers") -> str:
        """The regulator judges."""
        return self.regulate("judge", "audit-out/restricted/challenge.secret", answers, *more, code=code)


def _signed(key: str) -> list[str]:
    return ["--key", key, "--history", "h.a7h"]


def _run(folder: Path, arguments: list[str], code: int) -> str:
    import os

    before = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(app, ["blind", *arguments])
    finally:
        os.chdir(before)
    assert done.exit_code == code, (arguments, done.exit_code, done.output)
    return done.output


def two_sides(folder: Path, threshold: int = 54) -> Sides:
    """Two folders: a vendor with a model, a regulator with a set and a plan."""
    sides = Sides(folder / "vendor", folder / "regulator")
    for place, key in ((sides.vendor, "vendor.key"), (sides.regulator, "regulator.key")):
        place.mkdir()
        signer_in(place, key)
    write_model(sides, "vendor.toml", threshold)
    write_cases(sides.regulator)
    (sides.regulator / "plan.toml").write_text(PLAN, encoding="utf-8")
    return sides


def write_model(sides: Sides, plan: str, threshold: int) -> None:
    """Write a model of the vendor, and a plan that names it."""
    module = f"model_{abs(hash((str(sides.vendor), plan)))}"
    (sides.vendor / f"{module}.py").write_text(MODEL.format(threshold=threshold), encoding="utf-8")
    (sides.vendor / plan).write_text(VENDOR.format(module=module), encoding="utf-8")
