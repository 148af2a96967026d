"""Attacks on a blind audit by its vendor: answers of another model than the one that was committed to.

Both sides have a folder and a key, and every step is a command in a process of its own. Only the files that travel are
copied.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import skops.io
from sklearn.tree import DecisionTreeClassifier

from tools.attack.commands import Done, House, house
from tools.simulate.runner import Counts, Share

_FEATURES: Final = ("age", "hours", "debt")
_CASES: Final = 1_200
_COMMITTED, _OTHER = 54, 40
"""Hours from which the model that is committed to raises a flag, and those of the other one."""
_VENDOR: Final = f"""\
[audit]
title = "Screener 2.1"
system = "Screener"
owner = "An agency"
[detector]
{{detector}}
features = {json.dumps(_FEATURES)}
"""
_TREE: Final = 'kind = "skops"\npath = "{name}"\nthreshold = 0.5'
_FUNCTION: Final = 'kind = "python"\nentry = "steered:decide"\nanswers = "decision"'
_STEERED: Final = """\
import os

def decide(batch):
    hours = {committed} if os.stat({steers!r}).st_size else {other}
    return [value >= hours for value in batch["hours"].to_pylist()]
"""
_PLAN: Final = f"""\
schema = 1
[audit]
title = "Screener, blind"
system = "Screener"
owner = "An agency"
use = "victim-identification"
route = "services"
[detector]
kind = "blind"
features = {json.dumps(_FEATURES)}
[evaluation_set]
path = "set.parquet"
id = "case"
label = "label"
label_source = "made up"
[groups.gender]
column = "gender"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""
_HOLDS: Final = "holds         answered by the model that was committed to"
_LIE: Final = "contradicted"
"""What `judge` says of the model, and of anything else that does not fit."""


@dataclass(frozen=True)
class Sides:
    """A vendor and a regulator."""

    vendor: House
    regulator: House

    def commit(self) -> None:
        """Let the vendor commit, and send its history."""
        self.vendor.done("blind", "commit", "vendor.toml", "--deterministic", *_signed("vendor"))
        shutil.copy(self.vendor.folder / "history.a7h", self.regulator.folder)

    def challenge(self) -> None:
        """Let the regulator ask, and send the folder."""
        self.regulator.done("blind", "challenge", "plan.toml", *_signed("regulator"))
        shutil.copytree(self.regulator.folder / "challenge", self.vendor.folder / "challenge")

    def answer(self, plan: str = "vendor.toml") -> Done:
        """Let the vendor answer."""
        return self.vendor.command(
            "blind", "answer", "challenge", "--plan", plan, "--out", "answers", *_signed("vendor")
        )

    def judge(self) -> Done:
        """Let the regulator judge the folder that the vendor sends."""
        shutil.copytree(self.vendor.folder / "answers", self.regulator.folder / "answers")
        secret = "audit-out/restricted/challenge.secret"
        return self.regulator.command("blind", "judge", secret, "answers", *_signed("regulator"))


def _signed(side: str) -> tuple[str, ...]:
    return "--key", f"{side}.key", "--history", "history.a7h"


def _write_tree(folder: Path, name: str, hours: int) -> None:
    table = np.array([(30, value, 0) for value in range(20, 90)], dtype=np.float64)
    flagged = (table[:, 1] >= hours).astype(np.int64)
    skops.io.dump(DecisionTreeClassifier(max_depth=2).fit(table, flagged), folder / name)


def _write_plan(folder: Path, name: str, detector: str) -> None:
    (folder / name).write_text(_VENDOR.format(detector=detector), encoding="utf-8")


@contextmanager
def _sides(rng: np.random.Generator) -> Iterator[Sides]:
    """Yield a vendor with a tree, and a regulator with a set and a plan."""
    with house(rng) as vendor, house(rng) as regulator:
        for side, name in ((vendor, "vendor"), (regulator, "regulator")):
            side.done("key", "new", f"{name}.key", "--no-passphrase")
        _write_tree(vendor.folder, "committed.skops", _COMMITTED)
        _write_plan(vendor.folder, "vendor.toml", _TREE.format(name="committed.skops"))
        label = rng.integers(2, size=_CASES)
        columns = {
            "case": [f"c{number}" for number in range(_CASES)],
            "label": label,
            "gender": np.where(rng.random(_CASES) < 0.5, "woman", "man"),
            "age": rng.integers(18, 60, size=_CASES),
            "hours": np.round(rng.normal(np.where(label, 58, 50), 4)).astype(np.int64),
            "debt": rng.integers(2, size=_CASES),
        }
        pq.write_table(pa.table(columns), regulator.folder / "set.parquet")
        (regulator.folder / "plan.toml").write_text(_PLAN, encoding="utf-8")
        yield Sides(vendor, regulator)


def _nothing(sides: Sides) -> Done:
    return sides.answer()


def _other_file(sides: Sides) -> Done:
    _write_tree(sides.vendor.folder, "committed.skops", _OTHER)
    return sides.answer()


def _other_plan(sides: Sides) -> Done:
    _write_tree(sides.vendor.folder, "other.skops", _OTHER)
    _write_plan(sides.vendor.folder, "other.toml", _TREE.format(name="other.skops"))
    return sides.answer("other.toml")


def _edited(sides: Sides) -> Done:
    """Give other answers under the signature of the genuine ones."""
    done = sides.answer()
    file = sides.vendor.folder / "answers" / "answers.parquet"
    table = pq.read_table(file)
    flipped = ["flagged" if word == "not flagged" else "not flagged" for word in table["decision"].to_pylist()]
    place = table.schema.get_field_index("decision")
    pq.write_table(table.set_column(place, "decision", pa.array(flipped, table.schema.field(place).type)), file)
    return done


def _steered(sides: Sides) -> Done:
    (sides.vendor.folder / "steers").write_text("", encoding="utf-8")
    return sides.answer()


SWAPS: Final[Mapping[str, Callable[[Sides], Done]]] = {
    "nothing": _nothing,
    "the file of the model": _other_file,
    "the plan that names it": _other_plan,
    "the answers, after they were signed": _edited,
    "a file that a program looks at": _steered,
}
"""What a vendor exchanges after it was asked."""


def model_exchanged(runs: int, rng: np.random.Generator, swap: str) -> Counts:
    """Exchange the model of a vendor after the challenge: how often is it taken for the one that was committed to?"""
    believed = 0
    for _ in range(runs):
        with _sides(rng) as sides:
            if SWAPS[swap] is _steered:
                steers = sides.vendor.folder / "steers"
                steers.write_text("x", encoding="utf-8")
                source = _STEERED.format(committed=_COMMITTED, other=_OTHER, steers=str(steers))
                (sides.vendor.folder / "steered.py").write_text(source, encoding="utf-8")
                _write_plan(sides.vendor.folder, "vendor.toml", _FUNCTION)
            sides.commit()
            sides.challenge()
            answered = SWAPS[swap](sides)
            if not answered.code:
                shown = sides.judge().output
                believed += _HOLDS in shown and _LIE not in shown
    if swap == "nothing":
        return {"genuine blind answers doubted": Share(runs - believed, runs)}
    return {"blind answers of another model believed": Share(believed, runs)}
