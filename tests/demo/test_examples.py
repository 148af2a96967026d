"""Every example runs from end to end as its README says, through the command that a user would type."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from made.scripts import carry_out
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.worlds.strengths import WORLDS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
pytestmark = pytest.mark.usefixtures("warm_children_of_module")
COMMAND = Path(sys.executable).with_name("audit7k")

OTHERS = {"pipelines", "notebook", "published-audit"}
"""Recipes, which tests/recipes carries out, and what test_notebook.py and tests/evidence/test_recheck.py do."""

SCRIPTS = {
    "victim-triage": ["make_data.py", "train_detector.py"],
    "predictions-file": ["make_files.py"],
    "python-function": ["make_adverts.py"],
    "table-of-counts": [],
    "people-and-forms": ["make_cases.py"],
}
COMMITTED = {
    "predictions-file": ["calls.csv", "predictions.csv"],
    "table-of-counts": ["table.csv"],
    "python-function": ["adverts.jsonl"],
}
EXPECTED = {
    "victim-triage": (1, "fail"),
    "predictions-file": (3, "inconclusive"),
    "python-function": (0, "pass"),
    "table-of-counts": (1, "fail"),
    "people-and-forms": (0, "pass"),
    "offensive-language-filter": (3, "inconclusive"),
    "weighted-adverts": (1, "fail"),
    **{f"synthetic-{world}": (1, "fail") for world in WORLDS},
}

ELSEWHERE = {
    "people-and-forms",
    "weighted-adverts",
    "offensive-language-filter",
    *(f"synthetic-{world}" for world in WORLDS),
}
"""Examples that other tests run from end to end, to look for what their READMEs say: one below,
test_weighted_example.py, test_third_party_model.py and tests/worlds/test_found.py."""

EXACT_ALONE = ("--restricted", "--no-crosscheck")


def audit7k(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )


def in_this_process(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same without a new Python. The folder is the current one."""
    assert Path.cwd() == folder
    done = CliRunner().invoke(app, list(arguments))
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives an example in a folder of its own, with its data made anew by its own scripts."""

    @cache
    def make(example: str) -> Path:
        folder = tmp_path_factory.mktemp("examples") / example
        made_anew = ("*.parquet", "*.skops", "*.csv", "*.jsonl") if SCRIPTS[example] else ()
        data = shutil.ignore_patterns("__pycache__", "audit-out", *made_anew)
        shutil.copytree(EXAMPLES / example, folder, ignore=data)
        for script in SCRIPTS[example]:
            carry_out(folder / script)
        return folder

    return make


TYPED = "python-function"
"""The example whose audit is typed word by word, for the public and cross-checked. The others take longer that way:
they are audited in this process, for those who may see exact counts. The tutorial's test publishes the demonstration.
"""


def test_every_example_is_tested_and_has_a_readme() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()} - OTHERS
    assert folders == set(EXPECTED)
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for folder in (*folders, *OTHERS):
        _, _, first, *_ = (EXAMPLES / folder / "README.md").read_text(encoding="utf-8").splitlines()
        learned = re.fullmatch(r"You learn (.{40,})\.", first)
        assert learned, f"the first line of {folder} does not say what a reader learns"
        assert f"({folder}/README.md)" in index
        assert folder == "pipelines" or f" | {learned[1]} | " in index, folder


@pytest.mark.parametrize("example", [example for example in EXPECTED if example not in ELSEWHERE])
def test_an_example_runs_from_end_to_end(
    example: str, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(example)
    monkeypatch.chdir(folder)
    code, outcome = EXPECTED[example]
    command = audit7k if example == TYPED else in_this_process

    checked = in_this_process("check", "plan.toml", folder=folder)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout

    ran = command("run", "plan.toml", *([] if example == TYPED else EXACT_ALONE), folder=folder)
    assert ran.returncode == code, ran.stderr
    result = json.loads((folder / "audit-out" / "result.json").read_text(encoding="utf-8"))
    assert result["overall"]["outcome"] == outcome
    out = folder / "audit-out" / "public" if example == TYPED else folder / "audit-out"
    assert {"junit.xml", "release.json" if example == TYPED else "report.html"} <= {path.name for path in out.iterdir()}
    if example == TYPED:
        assert json.loads((out / "release.json").read_text(encoding="utf-8"))["rows"]

    assert in_this_process("gate", "audit-out", "--inputs-elsewhere", folder=folder).returncode == code


@pytest.mark.parametrize("example", EXPECTED)
def test_the_readme_tells_the_exit_code(example: str) -> None:
    code, outcome = EXPECTED[example]
    text = (EXAMPLES / example / "README.md").read_text(encoding="utf-8")
    assert outcome.upper() in text
    assert f"exit code {code}" in text


@pytest.mark.parametrize("example", COMMITTED)
def test_committed_data_is_what_the_script_makes(example: str, made: Callable[[str], Path]) -> None:
    for name in COMMITTED[example]:
        assert (made(example) / name).read_bytes() == (EXAMPLES / example / name).read_bytes()


def test_committed_data_is_small() -> None:
    sizes = [(EXAMPLES / example / name).stat().st_size for example, names in COMMITTED.items() for name in names]
    assert sum(sizes) < 200_000


def test_a_pass_hides_what_people_do_and_which_form_is_missed(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made("people-and-forms")
    monkeypatch.chdir(folder)
    for plan, second in (
        ("plan", {("decisions", ""): "fail"}),
        ("forms", {("decisions", ""): "fail", ("form", "sexual"): "fail", ("form", "labour"): "fail"}),
    ):
        ran = in_this_process("run", f"{plan}.toml", "--out", plan, *EXACT_ALONE, folder=folder)
        assert ran.returncode == 0, ran.stderr
        assert "People after it: FAIL" in ran.stdout
        assert ("FAIL sexual; FAIL labour" in ran.stdout) == (plan == "forms")
        further = json.loads((folder / plan / "result.json").read_text(encoding="utf-8"))["further"]
        assert {(one["kind"], one["name"]): one["outcome"] for one in further["second_verdicts"]} == second
        flags = [one for one in further["after_detector"]["overrides"] if one["detector"] == "flagged" and one["group"]]
        said = [f"{one['changed']} of {one['decided']}" for one in flags]
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert f"dismissed {said[0]} flags of men, and {said[1]} of women" in text
        (widened,) = (one for one in further["after_detector"]["gaps"] if one["outcome"] == "adds" and one["added"] < 0)
        assert f"by {-100 * widened['high']:.0f} to {-100 * widened['low']:.0f} points" in text
        first = {one["first"] for one in further["exposures"]}
        assert first == ({50, 200} if plan == "plan" else set())


def test_the_plan_of_the_demonstration_is_the_one_to_read() -> None:
    shown = (EXAMPLES / "victim-triage" / "plan.toml").read_bytes()
    assert shown == (ROOT / "audit" / "worlds" / "demo" / "plan.toml").read_bytes()


def test_the_example_trains_the_detector_of_the_demonstration(made: Callable[[str], Path]) -> None:
    import pyarrow.parquet as pq
    import skops.io

    from audit.worlds.demo.detector import FEATURES, train_detector

    folder = made("victim-triage")
    loaded = skops.io.load(folder / "detector.skops", trusted=["numpy.dtype"])
    signs = pq.read_table(folder / "evaluation.parquet").select(FEATURES).to_pandas().astype("float64")
    ours = train_detector(pq.read_table(folder / "training.parquet"))
    theirs = loaded.predict_proba(signs)[:, 1]
    assert abs(theirs - ours.predict_proba(signs)[:, 1]).max() < 1e-4
