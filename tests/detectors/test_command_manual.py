"""The programs of docs/how-to/command.md do what the page says, as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pyarrow as pa
import pytest

from audit.detectors.command import CommandDetector
from audit.detectors.command_process import Ending
from audit.detectors.protocol import RunContext
from audit.plan.detectors import CommandDetector as CommandSection

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "command.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one block of the page in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert isinstance(found, str)
    return found


def section() -> CommandSection:
    return CommandSection.model_validate(tomllib.loads(block("toml"))["detector"])


@pytest.mark.parametrize(
    ("language", "command"), [("python", ("python3", "screener.py")), ("javascript", ("node", "screener.js"))]
)
def test_the_programs_answer(tmp_path: Path, language: str, command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    plan = section().model_copy(update={"command": command})
    assert f'"{command[0]}", "{command[1]}"' in PAGE
    (tmp_path / command[1]).write_text(block(language), encoding="utf-8")
    detector = CommandDetector(plan, tmp_path)
    detector.open(RunContext(tmp_path, plan.features, "score", plan.score_range, 3))
    texts = ["Dishwasher; the passport will be kept", None, "Waiter — señor"]
    try:
        for first in (0, 3):
            ids = pa.array(range(first, first + 3), type=pa.int64())
            answer = detector.score(pa.record_batch({"row_id": ids, "advert_text": texts, "pay_offered": [7.5] * 3}))
            assert answer["score"].to_pylist() == [0.9, 0.1, 0.1]
        notes = " ".join((*detector.info.notes, *detector.info.course))
    finally:
        detector.close()
    assert not any(ending.value in notes for ending in Ending)


def test_the_plan_is_that_of_the_program() -> None:
    assert section().command == ("python3", "screener.py")


def test_the_digest_can_be_computed_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "screener.py").write_text(block("python"), encoding="utf-8")
    (line,) = re.findall(r"^  `(sha256sum .*)`\.", PAGE, flags=re.MULTILINE)
    said = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=True
    ).stdout.split()[0]
    detector = CommandDetector(section(), tmp_path)
    detector.open(RunContext(tmp_path, section().features, "score", (0.0, 1.0), 3))
    detector.close()
    assert detector.info.artefact_sha256 == said


def test_the_page_names_the_limits_of_the_plan() -> None:
    fields = CommandSection.model_fields
    assert f"`timeout` ({fields['timeout'].default:g} s)" in PAGE
    assert f"`start_timeout` ({fields['start_timeout'].default:g} s)" in PAGE
    assert f"`most_restarts` ({fields['most_restarts'].default})" in PAGE
    assert fields["longest_line"].default == 2**20
    assert "`longest_line` (1 MiB)" in PAGE
