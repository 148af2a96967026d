"""Nothing is done twice: answers in a cache, and the verdict of a plan whose inputs are the same to the last byte."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import skops.io
from made.runs import Made, made_run
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner, Result

from audit.cli.commands.app import app
from audit.cli.outputs import kept_verdict as unchanged
from audit.cli.outputs.kept_verdict import inputs_digest
from audit.cli.outputs.made_from import path_sha256
from audit.cli.outputs.run_request import RunRequest, plan_with
from audit.detectors.skops_model import SkopsDetector
from audit.scoring.answer_cache import AnswerCache
from audit.stages import Scope

PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "predictions"
path = "answers.csv"
score = "score"
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "sex"
map = { F = "woman", M = "man" }
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""


SKOPS = '"skops"\npath = "model.skops"'
ANSWERS = 'kind = "predictions"\npath = "answers.csv"\nscore = "score"'


def digest_of(plan: Path, *options: str) -> str | None:
    return inputs_digest(RunRequest(plan, plan_with(plan), scope=Scope.RECORDS), options)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    made = made_run(tmp_path / "audit")
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cases = [(f"{sex}{n}", n % 5 > 0) for sex in "FM" for n in range(300)]
    rows = [f"{case},1,{case[0]}" for case, _ in cases]
    Path("cases.csv").write_text("\n".join(["case,label,sex", *rows]) + "\n", encoding="utf-8")
    answers = [f"{case},{0.9 if found else 0.1}" for case, found in cases]
    Path("answers.csv").write_text("\n".join(["case,score", *answers]) + "\n", encoding="utf-8")
    Path("plan.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {one.name: (one.stat().st_mtime_ns, one.read_bytes()) for one in folder.iterdir() if one.is_file()}


def kept_line(done: Result) -> bool:
    return "nothing was scored or judged" in done.stdout


@pytest.fixture
def scored(made: Made, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each batch that a model file, whose digest is all of it, is asked about."""
    model = LogisticRegression().fit(np.array([[1.0], [2000.0]]), [0, 1])
    skops.io.dump(model, made.folder / "model.skops")
    text = made.plan.read_text(encoding="utf-8").replace('"python"\nentry = "own_detector:score"', SKOPS)
    made.plan.write_text(text.replace('["pay", "text"]', '["pay"]'), encoding="utf-8")
    asked: list[int] = []
    own = SkopsDetector.score

    def score(self: SkopsDetector, batch: pa.RecordBatch) -> pa.RecordBatch:
        asked.append(batch.num_rows)
        return own(self, batch)

    monkeypatch.setattr(SkopsDetector, "score", score)
    return asked


def gated(*options: str) -> Result:
    return invoke("gate", "plan.toml", "--cache", "cache", "--sandbox", "none", *options)


def test_an_unchanged_detector_and_set_score_nothing_also_under_other_limits(made: Made, scored: list[int]) -> None:
    first = gated()
    assert len(scored) == 10
    assert (Path("cache").stat().st_mode & 0o777) == 0o700
    again = gated()
    assert (again.exit_code, again.stdout) == (first.exit_code, first.stdout)
    made.plan.write_text(made.plan.read_text().replace("margin = 0.1", "margin = 0.3"), encoding="utf-8")
    assert gated().exit_code in (0, 3)
    assert len(scored) == 10


def test_another_set_has_a_key_of_its_own_and_the_oldest_go(made: Made, scored: list[int]) -> None:
    plan = made.plan.read_text(encoding="utf-8")
    gated()
    for rows, asked in ((240, 10 + 6), (400, 10 + 6)):
        made_run(made.folder, rows)
        made.plan.write_text(plan, encoding="utf-8")
        gated()
        assert len(scored) == asked
    assert len(list(Path("cache").iterdir())) == 2


def test_what_no_digest_covers_is_asked_anew(made: Made) -> None:
    """A helper of a function that leaves the first batches alike must not give the verdict of what it was."""
    assert gated().exit_code == gated().exit_code
    assert made.calls == 2 * 10
    code = (made.folder / "own_detector.py").read_text(encoding="utf-8")
    (made.folder / "own_detector.py").write_text(f"import own_rule\n{code}", encoding="utf-8")
    (made.folder / "own_rule.py").write_text("FOUND = 1\n", encoding="utf-8")
    gated()
    (made.folder / "own_rule.py").write_text("FOUND = 0\n", encoding="utf-8")
    gated()
    assert made.calls == 4 * 10


def test_only_the_keys_used_last_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    tmp_path.chmod(0o700)
    for number in range(5):
        with AnswerCache(tmp_path, most=3) as cache:
            cache.begin({"set": number, "plan": "p"})
            cache.row_file.write_bytes(b"")
        for place, one in enumerate(sorted(tmp_path.iterdir())):
            if one.is_dir() and one != cache._folder:
                os.utime(one, ns=(place, place))
    names = {one.name for one in tmp_path.iterdir()}
    assert "mine.txt" in names
    assert len(names) == 4


def test_a_key_that_another_run_is_using_is_kept(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with AnswerCache(tmp_path, most=1) as used:
        used.begin({"set": 0, "plan": "p"})
        used.row_file.write_bytes(b"")
        os.utime(used._folder, ns=(0, 0))
        with AnswerCache(tmp_path, most=1) as another:
            another.begin({"set": 1, "plan": "p"})
            another.row_file.write_bytes(b"")
        assert used.row_file.exists()
        assert another.row_file.exists()
    with AnswerCache(tmp_path, most=1) as third:
        third.begin({"set": 2, "plan": "p"})
        third.row_file.write_bytes(b"")
    assert [one.name for one in tmp_path.iterdir()] == [third._folder.name]


def test_a_cache_that_others_can_write_into_is_refused(made: Made) -> None:
    Path("cache").mkdir()
    Path("cache").chmod(0o777)
    done = invoke("gate", "plan.toml", "--cache", "cache")
    assert done.exit_code == 4
    assert "plant answers" in done.stderr
    assert made.calls == 0 or not any(Path("cache").iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_cache_of_another_user_is_refused(made: Made) -> None:
    Path("cache").mkdir(mode=0o700)
    os.chown("cache", 12345, -1)
    for more in ((), ("--changed-only",)):
        done = invoke("gate", "plan.toml", "--cache", "cache", *more)
        assert done.exit_code == 4
        assert "belongs to another user" in done.stderr
    assert made.calls == 0
    assert not any(Path("cache").iterdir())


def test_an_outage_is_not_kept(made: Made) -> None:
    code = (made.folder / "own_detector.py").read_text(encoding="utf-8")
    (made.folder / "own_detector.py").write_text(code.replace("/ 101", '/ float("nan")'), encoding="utf-8")
    # the detector notes its calls beside the plan
    assert invoke("gate", "plan.toml", "--cache", "cache", "--sandbox", "none").exit_code == 3
    assert not any(Path("cache").iterdir())


def test_the_verdict_of_unchanged_inputs_is_given_again(answered: Path) -> None:
    options = ("gate", "plan.toml", "--cache", "cache", "--changed-only")
    first = invoke(*options)
    assert first.exit_code == 0
    assert not kept_line(first)
    again = invoke(*options)
    assert (again.exit_code, kept_line(again)) == (0, True)
    assert json.loads(invoke(*options, "--json").stdout) == {"headline": {"outcome": "pass"}, "kept": True}
    assert invoke(*options, "--quiet").output == ""
    with Path("cases.csv").open("a", encoding="utf-8") as opened:
        opened.write("\n")
    assert not kept_line(invoke(*options))


@pytest.mark.parametrize("file", ["plan.toml", "cases.csv", "answers.csv"])
def test_one_byte_more_counts_as_changed(answered: Path, file: str) -> None:
    before = digest_of(Path("plan.toml"))
    with (answered / file).open("a", encoding="utf-8") as opened:
        opened.write("\n")
    assert digest_of(Path("plan.toml")) not in (before, None)


def test_a_plan_that_changed_after_it_was_read_cannot_be_known(answered: Path) -> None:
    plan = answered / "plan.toml"
    request = RunRequest(plan, plan_with(plan), scope=Scope.RECORDS)
    assert inputs_digest(request) is not None
    plan.write_text(PLAN + "\n", encoding="utf-8")
    assert inputs_digest(request) is None


def test_a_link_to_a_folder_within_a_model_cannot_be_known(tmp_path: Path) -> None:
    model, elsewhere = tmp_path / "model", tmp_path / "elsewhere"
    model.mkdir()
    elsewhere.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    assert path_sha256(model)
    (model / "weights").symlink_to(elsewhere)
    with pytest.raises(OSError, match="link to a folder"):
        path_sha256(model)


def test_a_damaged_verdict_is_none(answered: Path) -> None:
    options = ("gate", "plan.toml", "--cache", "cache", "--changed-only")
    invoke(*options)
    (place,) = Path("cache").glob("verdict-*.json")
    place.write_text(place.read_text(encoding="utf-8").replace('"pass"', '"fail"'), encoding="utf-8")
    assert not kept_line(invoke(*options))


def test_a_run_gives_the_verdict_of_its_folder_again_and_touches_nothing(answered: Path) -> None:
    options = ("run", "plan.toml", "--changed-only", "--restricted", "--no-crosscheck", "--report", "junit")
    assert not kept_line(invoke(*options))
    before = files_of(Path("audit-out"))
    again = invoke(*options)
    assert (again.exit_code, kept_line(again)) == (0, True)
    assert files_of(Path("audit-out")) == before
    assert json.loads(invoke(*options, "--json").stdout)["status"] == "complete"
    assert not kept_line(invoke(*options, "--report", "html")), "another report is asked for"
    with Path("audit-out/result.json").open("a", encoding="utf-8") as opened:
        opened.write("\n")
    assert not kept_line(invoke(*options))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ANSWERS, 'kind = "python"\nentry = "m:f"\nfeatures = ["sex"]'),
        ("[[rules]]", '[governance]\ndeclared_on = "2020-01-01"\nvalid_until = "2020-02-01"\n[[rules]]'),
        ('path = "answers.csv"', 'path = "nowhere.csv"'),
    ],
)  # fmt: skip
def test_what_cannot_be_known_counts_as_changed(answered: Path, old: str, new: str) -> None:
    plan = Path("plan.toml")
    assert digest_of(plan) is not None
    plan.write_text(PLAN.replace(old, new), encoding="utf-8")
    assert digest_of(plan) is None


def test_a_day_to_come_is_no_change_and_another_package_is(answered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Path("plan.toml")
    until = '[governance]\nvalid_until = "2999-01-01"\n[[rules]]'
    plan.write_text(PLAN.replace("[[rules]]", until), encoding="utf-8")
    before = digest_of(plan)
    assert before == digest_of(plan) is not None
    assert before != digest_of(plan, "html")
    monkeypatch.setattr(unchanged, "_installed_packages", lambda: ["numpy 0"])
    assert before != digest_of(plan)


@pytest.mark.parametrize(
    "arguments",
    [
        ("gate", "plan.toml", "--changed-only"),
        ("gate", "audit-out", "--cache", "cache"),
        ("gate", "plan.toml", "--cache", "cache", "--changed-only", "--sequential", "state.json"),
        ("run", "plan.toml", "--changed-only", "--fresh"),
    ],
)
def test_what_makes_no_sense_together_is_refused(answered: Path, arguments: tuple[str, ...]) -> None:
    Path("audit-out").mkdir()
    Path("audit-out", "result.json").write_text("{}", encoding="utf-8")
    assert invoke(*arguments).exit_code == 2
