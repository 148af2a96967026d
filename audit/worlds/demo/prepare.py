"""Fill the folder of the demonstration with cases, detector, plan and planted findings. A seed decides every byte."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.parquet as pq

from audit.errors import StorageError
from audit.storage import written_whole
from audit.worlds.demo.detector import saved_detector, train_detector
from audit.worlds.demo.referral_cases import PLANTED, PlantedFinding, referral_cases
from audit.worlds.world import writing_into

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_SEED: Final = 7
EVALUATION_CASES: Final = 20_000
TRAINING_CASES: Final = 12_000

MARKER: Final = "planted.json"
"""File that marks a folder which the demonstration may fill again."""


@dataclass(frozen=True, slots=True)
class PreparedDemo:
    """A folder that is ready for an audit, and the planted findings."""

    folder: Path
    """The folder."""
    plan: Path
    """The plan file in the folder, for `audit7k run`."""
    seed: int
    """The seed of the cases."""
    evaluation_cases: int
    """Rows of the evaluation set."""
    planted: tuple[PlantedFinding, ...]
    """Gaps that an audit should find, and controls that it must not accuse."""


def prepare_demo(folder: Path, *, seed: int = DEFAULT_SEED) -> PreparedDemo:
    """Make the cases, train the detector, and write them with the plan into `folder`, which is made if needed.

    Parameters
    ----------
    folder
        A folder that does not exist, is empty, or was filled by an earlier demonstration; its files are written anew.
    seed
        Not negative. It decides every byte, for given versions of numpy, scikit-learn, skops and pyarrow.

    Raises
    ------
    StorageError
        The folder holds something else, or cannot be written to.
    """
    _check_folder(folder)
    evaluation, training = make_cases(seed)
    files = {
        "evaluation.parquet": _parquet(evaluation),
        "training.parquet": _parquet(training),
        "detector.skops": saved_detector(train_detector(training)),
        "plan.toml": _text("plan.toml"),
        "README.txt": _text("README.txt"),
        MARKER: _planted_json(seed),
    }
    _write(folder, files)
    return PreparedDemo(folder, folder / "plan.toml", seed, evaluation.num_rows, PLANTED)


def make_cases(seed: int) -> tuple[pa.Table, pa.Table]:
    """Draw the evaluation set and the training set of a seed, from two independent streams."""
    streams = [np.random.Generator(np.random.PCG64(stream)) for stream in np.random.SeedSequence(seed).spawn(2)]
    evaluation = referral_cases(EVALUATION_CASES, streams[0])
    return evaluation, referral_cases(TRAINING_CASES, streams[1], prefix="training")


def _parquet(table: pa.Table) -> bytes:
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd")
    return written.getvalue()


def _text(name: str) -> bytes:
    return resources.files("audit.worlds.demo").joinpath(name).read_bytes()


def _planted_json(seed: int) -> bytes:
    planted = [
        {
            "kind": finding.kind,
            "metric": finding.metric,
            "group": finding.group.model_dump(mode="json"),
            "effect": finding.effect,
            "cause": finding.cause,
        }
        for finding in PLANTED
    ]
    document = {"made_by": "audit7k demo", "seed": seed, "rows_are": "synthetic cases", "planted": planted}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _check_folder(folder: Path) -> None:
    with writing_into(folder):
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
            raise StorageError(
                f"{folder.name or folder} is not empty and was not made by a demonstration", slug="demo-folder"
            )
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write each file whole or not at all. Data and detector come before the plan, so that no plan lacks its data."""
    with writing_into(folder):
        for name, content in files.items():
            with written_whole(folder / name, 0o644) as file:
                file.write(content)
