"""Fill a folder with a synthetic world: rows, detector, plan, reference table and truth. A seed decides every byte."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, get_args

from audit.errors import StorageError
from audit.worlds.mechanism import Mechanism
from audit.worlds.phrases import NATIONALITY_WORDS
from audit.worlds.plan_text import plan_text
from audit.worlds.probe_texts import TEXTS, template_file
from audit.worlds.set_file import DataFormat, write_rows
from audit.worlds.strengths import WORLDS, PlantingError, plant
from audit.worlds.truth import MADE_BY, true_composition, truth_document
from audit.worlds.world import Finding, World, WorldName, template, writing_into

TRUTH: Final = "truth.json"
"""File that marks a folder which may be filled again."""
REFERENCE: Final = "reference.csv"
USUAL_SEED: Final = 7
MOST_ROWS: Final = 50_000_000
"""Most rows: more than an audit needs, and few enough that a slip of the key fills no disk."""

_README: Final = template("readme.template")


@dataclass(frozen=True, slots=True)
class Synthesised:
    """A folder that is ready for an audit."""

    folder: Path
    data: Path
    plan: Path
    mechanism: Mechanism
    """The process that made its rows, from which every true rate follows."""
    findings: tuple[Finding, ...]
    rows: int
    seed: int


def synthesise(
    world: World,
    folder: Path,
    *,
    rows: int | None = None,
    seed: int = 0,
    findings: Sequence[Finding] = (),
    data_format: DataFormat = "csv",
    as_typed: bool = False,
) -> Synthesised:
    """Draw the rows of a world and write them with plan, detector and truth into `folder`.

    Parameters
    ----------
    world
        One of `audit.worlds.strengths.WORLDS`.
    folder
        A folder that does not exist, is empty, or was filled by this function. All files are written, or none.
    rows
        Number of rows, from 1 to 50,000,000; by default the number of the world.
    seed
        Not negative. A CSV file has the same bytes on every machine; the bytes of Parquet also depend on pyarrow.
    findings
        Findings to plant; without any, every group is a control.
    as_typed
        Whether genders and nationalities are words that people type, some of them in no table, and not codes. The plan
        then maps these words, so that the same people are in the same groups.

    Raises
    ------
    PlantingError
        A finding cannot have its size, or there cannot be so many rows.
    StorageError
        The folder holds something else, or cannot be written to.
    """
    size = world.rows if rows is None else rows
    if not 1 <= size <= MOST_ROWS:
        raise PlantingError(f"{size} rows cannot be made", slug="rows-of-world", hint=f"name 1 to {MOST_ROWS:,}")
    mechanism = plant(world, findings)
    _check_folder(folder)
    data = f"{world.file}.{data_format}"
    with writing_into(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".audit7k-", dir=folder.parent))
        try:
            write_rows(staging / data, mechanism, size, seed, data_format, as_typed=as_typed)
            for name, text in companion_files(mechanism, data, size, seed, as_typed=as_typed).items():
                (staging / name).write_text(text, encoding="utf-8", newline="\n")
            for file in staging.iterdir():  # its detector runs: nobody else writes it, whatever the umask
                file.chmod(file.stat().st_mode & 0o644)
            _publish(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return Synthesised(folder, folder / data, folder / "plan.toml", mechanism, tuple(findings), size, seed)


def make_example(name: WorldName, folder: Path) -> str:
    """Fill the folder of an example, which has its own detector and plan, with rows, reference table and truth.

    The rows are those of `audit7k synthesise` without options: every finding is planted, each in its default size.

    Returns
    -------
    str
        Number and kind of the rows.
    """
    world = WORLDS[name]
    everything = tuple(Finding(possible, possible.size) for possible in world.findings)
    with tempfile.TemporaryDirectory() as temporary:
        written = synthesise(world, Path(temporary) / name, seed=USUAL_SEED, findings=everything)
        for file in (written.data.name, REFERENCE, TRUTH):
            (folder / file).write_bytes((written.folder / file).read_bytes())
    return f"{written.rows} {world.rows_are}"


def companion_files(mechanism: Mechanism, data: str, rows: int, seed: int, *, as_typed: bool = False) -> dict[str, str]:
    """Write every file beside the rows, by name. They depend on the world, and not on the drawn rows."""
    truth = truth_document(mechanism, seed, rows)
    probed = {TEXTS: template_file(mechanism.world)} if mechanism.world.name == "adverts" else {}
    return {
        "detector.py": _detector(mechanism),
        "plan.toml": plan_text(mechanism, data, as_typed=as_typed),
        REFERENCE: _reference(mechanism),
        **probed,
        TRUTH: json.dumps(truth, indent=1, ensure_ascii=False) + "\n",
        "README.txt": _readme(mechanism, data, rows),
    }


def _detector(mechanism: Mechanism) -> str:
    """The source of the detector; with the word that has leaked into it, if any."""
    name = mechanism.world.name
    source = resources.files("audit.worlds.detectors").joinpath(f"{name}.py").read_text(encoding="utf-8")
    leak = mechanism.strength("word-leak")
    if leak is None:
        return source
    possible, tenths = leak
    words = sorted({word.casefold() for word in NATIONALITY_WORDS[possible.group.levels[0].code].values()})
    learned = ", ".join(f'"{word}": {tenths / 10.0:.1f}' for word in words)
    empty = "LEARNED_WORDS: dict[str, float] = {}"
    assert source.count(empty) == 1  # noqa: S101 - a detector of this package
    return source.replace(empty, f"LEARNED_WORDS: dict[str, float] = {{{learned}}}")


def _reference(mechanism: Mechanism) -> str:
    shares = true_composition(mechanism, "nationality")
    return "".join(("level,share\n", *(f"{code},{share:.9f}\n" for code, share in shares.items())))


def _readme(mechanism: Mechanism, data: str, rows: int) -> str:
    world = mechanism.world
    planted = [possible for possible in world.findings if possible.finding in mechanism.strengths]
    sentence = (
        "Planted: " + ", ".join(possible.finding for possible in planted) + "."
        if planted
        else "Nothing is planted: every group is a control."
    )
    heading = f"audit7k synthesise {world.name}"
    return _README.format(
        name=world.name,
        line="=" * len(heading),
        rows=rows,
        rows_are=world.rows_are,
        data=data,
        detector="detector.py",
        plan="plan.toml",
        reference=REFERENCE,
        probed=f"  {TEXTS:<18}adverts in which the nationality word is changed, and nothing else\n"
        if world.name == "adverts"
        else "",
        truth=TRUTH,
        planted=sentence,
    )


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder.name} is a file, not a folder", slug="not-a-folder", hint="name a new folder")
    if folder.is_dir() and any(folder.iterdir()) and not _is_ours(folder / TRUTH):
        raise StorageError(
            f"{folder.name or folder} is not empty and was not made by `audit7k synthesise`", slug="world-folder"
        )


def _is_ours(truth: Path) -> bool:
    """Whether a file is a truth that this module wrote: other tools use this file name too."""
    try:
        document = json.loads(truth.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("made_by") == MADE_BY


def _publish(staging: Path, folder: Path) -> None:
    """Move everything into place, and remove the rows of an earlier world, which the new truth is not about."""
    if not folder.exists():
        staging.chmod(0o755)
        staging.rename(folder)
        return
    (folder / TRUTH).unlink(missing_ok=True)
    data = [f"{other.file}.{ending}" for other in WORLDS.values() for ending in get_args(DataFormat)]
    for name in (*data, TEXTS):
        (folder / name).unlink(missing_ok=True)
    # the truth comes last: it marks the folder as whole
    for path in sorted(staging.iterdir(), key=lambda path: path.name == TRUTH):
        path.replace(folder / path.name)
