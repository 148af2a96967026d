"""`kind = "pickle"`: nothing in such a file runs until somebody says so, and then it runs shut in."""

from __future__ import annotations

import os
import pickle
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from made.children import BATCH, Listener, descendants, opened, plan_of
from made.runs import PLAN, made_run
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.detectors.pickle_model import PickleDetector
from audit.errors import DetectorError
from audit.plan.detectors import PickleDetector as PickleSection
from audit.planning.check import check_plan
from audit.run import run_audit
from audit.scoring.runner import run_context

ROOT = Path(__file__).resolve().parents[2]
SECTION = {"kind": "pickle", "path": "model.pkl", "features": ["pay"]}
ROWS = pd.DataFrame({"pay": [float(place) for place in range(40)]})
MODEL = LogisticRegression().fit(ROWS, [int(place > 20) for place in range(40)])


class Runs:
    """Pickles as a call of Python's own `eval`, and is unpickled as what that gives."""

    def __init__(self, expression: str) -> None:
        self._expression = expression

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return eval, (f"[({self._expression}), __import__('pickle').loads({pickle.dumps(MODEL)!r})][1]",)


def plan_in(folder: Path, expression: str) -> Path:
    """A folder with a set, a crafted pickle that does something and is then a model, and a plan for it."""
    made = made_run(folder, 80)
    table = pq.read_table(folder / "set.parquet")
    pay = pa.array([float(place) for place in range(80)])
    pq.write_table(table.set_column(table.schema.get_field_index("pay"), "pay", pay), folder / "set.parquet")
    (folder / "model.pkl").write_bytes(pickle.dumps(Runs(expression)))
    python = 'kind = "python"\nentry = "own_detector:score"\nfeatures = ["pay", "text"]'
    text = PLAN.replace(python, 'kind = "pickle"\npath = "model.pkl"\nfeatures = ["pay"]')
    assert text != PLAN
    made.plan.write_text(text, encoding="utf-8")
    return made.plan


def marking(folder: Path) -> tuple[str, Path]:
    """An expression that leaves a mark, and the mark."""
    mark = folder / "mark"
    return f"open({str(mark)!r}, 'w').close()", mark


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize("dump", [joblib.dump, lambda model, path: Path(path).write_bytes(pickle.dumps(model))])
def test_a_pickled_model_answers_as_the_same_model_in_skops(tmp_path: Path, dump: Callable[..., Any]) -> None:
    dump(MODEL, tmp_path / "model.pkl")
    skops.io.dump(MODEL, tmp_path / "model.skops")
    with opened(tmp_path, {**SECTION, "kind": "skops", "path": "model.skops"}, sandbox="none") as detector:
        expected = detector.score(BATCH.select(["row_id", "pay"]))
    with opened(tmp_path, SECTION, allow_pickle=True) as detector:
        assert detector.score(BATCH.select(["row_id", "pay"])).equals(expected)
        assert not detector.info.digest_is_whole
        assert any("runs whatever code" in note for note in detector.info.notes)


@pytest.mark.usefixtures("warm_children")
def test_a_compressed_joblib_file_is_read_too(tmp_path: Path) -> None:
    joblib.dump(MODEL, tmp_path / "model.pkl", compress=("gzip", 3))
    with opened(tmp_path, SECTION, allow_pickle=True) as detector:
        scores = detector.score(BATCH.select(["row_id", "pay"])).column("score").to_numpy()
    assert np.array_equal(scores, MODEL.predict_proba(ROWS[1:4])[:, 1])


@pytest.mark.parametrize("sandbox", ["none", "auto"])
def test_nothing_in_the_file_runs_without_the_flag(tmp_path: Path, sandbox: str) -> None:
    expression, mark = marking(tmp_path)
    plan = plan_in(tmp_path, expression)
    check_plan(plan)
    with pytest.raises(DetectorError, match="--allow-pickle") as caught:
        run_audit(plan, crosscheck=False, sandbox=sandbox)
    assert (caught.value.slug, caught.value.exit_code) == ("pickle-not-allowed", 4)
    assert not mark.exists()


@pytest.mark.usefixtures("warm_children")
def test_the_flag_stands_on_the_command_line_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expression, mark = marking(tmp_path)
    plan = plan_in(tmp_path, expression)
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["run", "--restricted", str(plan)])
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "--allow-pickle" in refused.stderr.splitlines()[-1]
    assert not mark.exists()
    allowed = CliRunner().invoke(app, ["gate", "--restricted", str(plan), "--allow-pickle", "--sandbox", "none"])
    assert allowed.exit_code in {0, 1, 3}, allowed.stderr
    assert mark.exists()
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace('path = "model.pkl"', 'path = "model.pkl"\nallow_pickle = true'), encoding="utf-8")
    assert CliRunner().invoke(app, ["check", str(plan)]).exit_code == 4, "no key of a plan allows it"


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize("sandbox", ["none", "auto"])
def test_it_never_runs_in_the_process_of_the_audit(tmp_path: Path, sandbox: str) -> None:
    plan = plan_in(tmp_path, f"1 // (__import__('os').getpid() != {os.getpid()})")
    result = run_audit(plan, crosscheck=False, sandbox=sandbox, allow_pickle=True)
    assert result.provenance.ran_in is not None
    assert result.provenance.ran_in.kind != "in_process"
    assert (result.provenance.ran_in.memory_limit_mib is None) == (sandbox == "none")
    assert any(notice.code == "pickle" for notice in result.notices)


@pytest.mark.parametrize("sandbox", ["none", "auto"])
def test_what_it_holds_reaches_the_network_only_where_that_is_let(
    tmp_path: Path, sandbox: str, request: pytest.FixtureRequest
) -> None:
    if sandbox == "none":
        request.getfixturevalue("warm_children")
    server = Listener()
    calls = f"__import__('socket').create_connection(('127.0.0.1', {server.port}), timeout=5)"
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Runs(calls)))
    blocked = False
    try:
        with opened(tmp_path, SECTION, sandbox=sandbox, allow_pickle=True):
            pass
    except DetectorError as error:
        assert "PermissionError" in str(error)  # noqa: PT017 - with none it must not be raised
        blocked = True
    finally:
        server.close()
    assert blocked == (sandbox == "auto")
    assert server.calls == int(sandbox == "none")


def test_the_plan_of_the_page_is_one() -> None:
    page = (ROOT / "docs" / "how-to" / "model-files.md").read_text(encoding="utf-8").partition("\n## A pickle\n")[2]
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    PickleSection.model_validate(tomllib.loads(block)["detector"])


def test_what_it_started_ends_with_it_in_a_plain_child_too(tmp_path: Path) -> None:
    starts = "__import__('subprocess').Popen(['sleep', '300'])"
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Runs(starts)))
    with opened(tmp_path, SECTION, sandbox="none", allow_pickle=True) as detector:  # which sees that nothing is left
        assert len(descendants(detector.pid)) == 1  # type: ignore[attr-defined]


def test_it_cannot_be_opened_here_by_hand(tmp_path: Path) -> None:
    expression, mark = marking(tmp_path)
    plan_in(tmp_path, expression)
    section, plan = PickleSection.model_validate({**SECTION, "threshold": 0.5}), plan_of(SECTION)
    with pytest.raises(DetectorError, match="only run in a process of its own"):
        PickleDetector(section, tmp_path).open(run_context(plan.detector, plan.scoring, tmp_path))
    assert not mark.exists()


@pytest.mark.usefixtures("warm_children")
def test_a_file_that_lies_about_its_digest_is_found_out(tmp_path: Path) -> None:
    forging = (
        "[setattr(one, '_sha256', '0' * 64) for one in __import__('gc').get_objects() "
        "if type(one).__name__ == 'PickleDetector']"
    )
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Runs(forging)))
    with (
        pytest.raises(DetectorError, match="not the one that was there before"),
        opened(tmp_path, SECTION, allow_pickle=True),
    ):
        pass


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be loaded"),
        (b"no pickle", "cannot be loaded"),
        (pickle.dumps(MODEL)[:-20], "cannot be loaded"),
        (pickle.dumps({"a": 1}), "no scikit-learn estimator"),
        (b"cno_such_module_at_all\nname\n.", "a module that is not installed"),
        (pickle.dumps(Runs("1/0")), "ZeroDivisionError"),
        (pickle.dumps(Runs("__import__('sys').exit(0)")), "SystemExit"),
        (pickle.dumps(Runs("__import__('os')._exit(0)")), "ended with exit code 0"),
        (pickle.dumps(Runs("bytearray(2**40)")), "more memory than its limit"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "model.pkl").write_bytes(content)
    with pytest.raises(DetectorError, match=words) as caught, opened(tmp_path, SECTION, allow_pickle=True):
        pass
    assert "\n" not in str(caught.value)
