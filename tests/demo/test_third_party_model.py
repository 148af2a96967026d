"""The example that audits a model from the package index: it finds what its README says.

The package is no part of the lock: it is fetched by its hash, beside the packages that are there.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from audit.cli.commands.app import app

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAME = "offensive-language-filter"
README = (EXAMPLES / NAME / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model's package."""
    place = tmp_path_factory.mktemp("package")
    command = next(line for line in README.splitlines() if line.startswith("pip install"))
    options = [*command.split()[1:], "--quiet", "--disable-pip-version-check", "--target", str(place)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *options],
        cwd=EXAMPLES / NAME,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if done.returncode and not os.environ.get("CI"):
        pytest.skip("alt-profanity-check is not to be had here")
    assert done.returncode == 0, done.stderr
    return place


def test_the_package_is_for_the_libraries_that_are_locked(package: Path) -> None:
    """A newer scikit-learn takes a newer release of the package, and new numbers in the README."""
    (metadata,) = package.glob("alt_profanity_check-*.dist-info/METADATA")
    for line in re.findall(r"^Requires-Dist: (.+)$", metadata.read_text(encoding="utf-8"), re.MULTILINE):
        asked = Requirement(line)
        assert asked.specifier.contains(importlib.metadata.version(asked.name)), line


def test_the_model_is_audited_and_the_readme_says_what_was_measured(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES / NAME, tmp_path / NAME, ignore=shutil.ignore_patterns("__pycache__", "audit-out"))
    shutil.copytree(EXAMPLES / "python-function", tmp_path / "python-function")
    monkeypatch.chdir(tmp_path / NAME)
    monkeypatch.syspath_prepend(package)
    typed = [line.split()[1:] for line in README.splitlines() if line.startswith("audit7k ")]
    # here the package lies in no environment, and a model that is kept in reads no other folder of libraries
    here = {"check": [], "run": ["--sandbox", "none"], "gate": []}
    assert [CliRunner().invoke(app, [*line, *here[line[0]]]).exit_code for line in typed] == [0, 3, 3]
    result = json.loads((tmp_path / NAME / "audit-out" / "result.json").read_text(encoding="utf-8"))
    (probe,) = result["probes"]
    assert (probe["templates"], probe["scored"], probe["failed"]) == (100, 100 * 179, 0)
    assert {row["true_positive"] + row["false_positive"] for row in result["counts"]} == {0}
    shifts = {shift["name"]: shift for shift in probe["shifts"]}
    for name, points in (("Filipino", 4.5), ("Mexican", 3.6), ("Costa Rican", -4.9)):
        assert 100 * shifts[name]["shift"] == pytest.approx(points, abs=0.05)
        assert shifts[name]["raised" if points > 0 else "lowered"] == 100
        assert f"*{name}*" in README
        assert f"{abs(points)}" in README
    assert all(abs(shifts[name]["shift"]) < 0.011 for name in ("woman", "man"))
    changed = sum(shift["to_flagged"] + shift["to_not_flagged"] for shift in probe["shifts"])
    assert f"{changed} of {sum(shift['pairs'] for shift in probe['shifts']):,} swaps" in README
    outcomes = [(one["slot"], one["outcome"]) for one in result["probe_verdicts"]]
    within, unknown = outcomes.count(("demonym", "pass")), outcomes.count(("demonym", "inconclusive"))
    assert f"{within} of {within + unknown} words" in README
    assert f"For {unknown} nobody can tell" in README
    (needed,) = (one["templates_needed"] for one in result["probe_verdicts"] if one["level"] == "PHL")
    assert needed == pytest.approx(620, abs=10)
