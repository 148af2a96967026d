"""The contract test-suite: detectors of ours keep every promise, and one that breaks any of them is found."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
import skops.io
from detectors.broken_detectors import BROKEN, LeavesAProcess, NeverOpens, Scores, Sound
from detectors.chat_server import chatting, prompt_of, reply_of
from detectors.fault_server import Asked, serving
from made.onnx import converted
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit.detectors.isolation.options import Isolating, Sandbox
from audit.detectors.isolation.placement import place_detector
from audit.detectors.protocol import Detector
from audit.detectors.testing import DetectorContract, Promise, check_detector, detector_maker, examine_detector
from audit.detectors.testing.surroundings import Surroundings
from audit.plan.audit_plan import AuditPlan

TEXTS: dict[str, list[Any]] = {
    "text": ["passport", "a room", "", "work", "pay later", "four words"],
    "pay": [1.0, 2.5, 3.0, 4.0, 5.0, 6.0],
}
PLAN: dict[str, Any] = {
    "schema": 1,
    "audit": {"title": "T", "owner": "O", "use": "moderation", "route": "services"},
    "evaluation_set": {"path": "set.csv", "id": "id", "label": "label", "label_source": "made up"},
    "groups": {"gender": {"column": "gender"}},
    "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
}
ONLY_WITH_WORKERS = {Promise.AT_ONCE, Promise.CLOSE_ENDS_CALLS}
PROGRAMS = Path(__file__).parent / "programs"


def numbers() -> pa.RecordBatch:
    rng = np.random.default_rng(20240412)
    return pa.record_batch({"pay": rng.normal(size=30), "age": rng.uniform(18, 60, size=30)})


def model() -> Any:
    cases = numbers().to_pandas()
    scaled = ColumnTransformer([("numbers", StandardScaler(), ["pay", "age"])])
    return make_pipeline(scaled, LogisticRegression()).fit(cases, (cases["pay"] > 0).astype(int))


def by_words(asked: Asked) -> None:
    """A language model that answers by the length of the advert."""
    asked.reply(reply_of(json.dumps({"score": min(len(prompt_of(asked)), 50) / 50})))


def by_length(asked: Asked) -> None:
    scores = [{"row_id": row["row_id"], "score": min(len(row["text"] or ""), 10) / 10} for row in asked.rows]
    asked.reply({"predictions": scores})


@contextlib.contextmanager
def of_kind(kind: str, folder: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """A `[detector]` section with a working model, function, program or service, and example rows."""
    cut = {"kind": kind, "features": ["text"], "threshold": 0.5}
    of_numbers = {**cut, "features": ["pay", "age"]}
    if kind == "python":
        code = "def score(batch):\n    return [min(len(t or ''), 10) / 10 for t in batch['text'].to_pylist()]\n"
        (folder / "own.py").write_text(code, encoding="utf-8")
        yield {**cut, "entry": "own:score"}, {"text": TEXTS["text"]}
    elif kind == "skops":
        skops.io.dump(model(), folder / "model.skops")
        yield {**of_numbers, "path": "model.skops"}, numbers()
    elif kind == "onnx":
        content = converted(model(), numbers().to_pandas(), zipmap=False)
        (folder / "model.onnx").write_bytes(content)
        yield {**of_numbers, "path": "model.onnx", "score_range": (0.0, 1.00001)}, numbers()
    elif kind == "pickle":
        (folder / "model.pkl").write_bytes(pickle.dumps(model()))
        yield {**of_numbers, "path": "model.pkl"}, numbers()
    elif kind == "chat":
        with chatting(by_words) as server:
            asked = {"url": server.url, "model": "model-1", "prompt": "Advert: {text}", "allow_local": True}
            yield {**cut, **asked}, {"text": TEXTS["text"]}
    elif kind == "command":
        yield {**cut, "command": [sys.executable, str(PROGRAMS / "answers.py")]}, {"text": TEXTS["text"]}
    else:
        with serving(by_length) as server:
            answers = {"answers_at": "predictions", "score_at": "score", "id_at": "row_id"}
            yield {**cut, "url": server.url, "allow_local": True, **answers}, {"text": TEXTS["text"]}


@pytest.mark.parametrize("kind", ["python", "skops", "onnx", "command", "http", "chat"])
def test_our_own_kinds_keep_every_promise(kind: str, tmp_path: Path) -> None:
    with of_kind(kind, tmp_path) as (section, rows):
        report = check_detector(detector_maker(section, tmp_path), rows, folder=tmp_path)
    untested = {finding.promise for finding in report.findings if finding.outcome == "not tested"}
    text = set() if "text" in section["features"] else {Promise.ANY_TEXT}
    at_once = set() if kind == "http" else ONLY_WITH_WORKERS
    # none of these claims it, and each does it
    claimed = {Promise.SAME_AGAIN} if kind in {"python", "command", "http", "chat"} else set()
    assert untested - {Promise.SAME_AGAIN} == at_once | text
    assert claimed <= untested
    assert any("the same answers" in words for words in report.of(Promise.SAME_AGAIN).words) or not claimed


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize("kind", ["python", "skops", "pickle"])
def test_what_stands_for_a_detector_in_a_child_keeps_every_promise(kind: str, tmp_path: Path) -> None:
    with of_kind(kind, tmp_path) as (section, rows):
        plan = AuditPlan.model_validate({**PLAN, "detector": section})

        def make() -> Detector:
            return cast(
                "Detector",
                place_detector(plan, tmp_path, Isolating(Sandbox.AUTO, allow_pickle=kind == "pickle")),
            )

        report = check_detector(make, rows, folder=tmp_path)
    assert {finding.outcome for finding in report.findings} <= {"kept", "not tested"}


def test_classes_and_levels_are_checked_as_such() -> None:
    class Names(Scores):
        def values(self, batch: pa.RecordBatch) -> list[float | None]:
            return [None if value is None else float(value > 0.3) for value in super().values(batch)]

    class Halves(Scores):
        def values(self, batch: pa.RecordBatch) -> list[float | None]:
            return [None if value is None else 0.5 for value in super().values(batch)]

    assert not examine_detector(Names, TEXTS, answers=("none", "labour")).broken
    assert not examine_detector(Names, TEXTS, answers="ordinal", score_range=(0.0, 4.0)).broken
    for answers in (("none", "labour"), "ordinal"):
        broken = examine_detector(Halves, TEXTS, answers=answers).broken
        assert [finding.promise for finding in broken] == [Promise.SCORES]


def test_a_sound_detector_keeps_every_promise() -> None:
    report = check_detector(Sound, TEXTS)
    assert {finding.promise for finding in report.findings if finding.outcome != "kept"} == ONLY_WITH_WORKERS
    assert [line for line in report.lines() if line.startswith("schema")] == ["schema: kept"]


@pytest.mark.parametrize(("promise", "made"), BROKEN, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_broken_promise_is_found_and_no_other(promise: Promise, made: type[Sound]) -> None:
    patience = 0.3 if promise in {Promise.LEFT_BEHIND, Promise.CLOSE_ENDS_CALLS} else 10.0
    report = examine_detector(made, TEXTS, patience=patience)
    found = {finding.promise for finding in report.broken}
    if promise is Promise.CLOSE_ENDS_CALLS:
        found.discard(Promise.LEFT_BEHIND)  # the calls that do not return are threads that are left
    assert found == {promise}
    with pytest.raises(AssertionError, match=rf"breaks its contract:\n(.*\n)*{promise}: broken\n    "):
        report.raise_if_broken()
    assert "canary" not in "\n".join(report.lines())


def test_every_promise_can_be_seen_to_be_broken() -> None:
    assert {promise for promise, _ in BROKEN} == set(Promise)


@pytest.fixture(autouse=True)
def _no_program_is_left() -> Iterator[None]:
    yield
    for process in LeavesAProcess.kept:
        process.communicate()
    LeavesAProcess.kept.clear()


def test_the_same_detector_made_twice_is_found() -> None:
    one = Sound()
    report = examine_detector(lambda: one, TEXTS)
    assert report.of(Promise.OPENS).words == ("the same detector is made twice",)


@pytest.mark.parametrize(("given", "right"), [(0.0, True), (1.0, True), (0.5, False), (2.0, False)])
def test_a_decision_is_nought_or_one(given: float, right: bool) -> None:
    class Decides(Scores):
        def values(self, batch: pa.RecordBatch) -> list[float | None]:
            return [None if value is None else float(value > 0.3) for value in super().values(batch)]

    made = type("Decides", (Decides,), {"given": given})
    broken = [finding.promise for finding in examine_detector(made, TEXTS, answers="decision").broken]
    assert broken == ([] if right else [Promise.SCORES])


def test_what_was_raised_is_the_cause_and_its_text_no_part_of_the_message() -> None:
    class Raises(Sound):
        def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
            raise KeyError(batch["text"][0].as_py())

    with pytest.raises(AssertionError, match="`score` raised KeyError") as caught:
        check_detector(Raises, TEXTS)
    assert TEXTS["text"][0] not in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


def test_leaving_the_process_is_an_error_like_any_other() -> None:
    class Leaves(Sound):
        def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
            sys.exit(0)

    assert [finding.promise for finding in examine_detector(Leaves, TEXTS).broken] == [Promise.ANSWERS]


def test_one_that_never_answers_twice_alike_says_nothing_about_batches() -> None:
    class Wavers(Sound):
        deterministic = False
        calls = 0

        def values(self, batch: pa.RecordBatch) -> list[float | None]:
            Wavers.calls += 1
            return [None if value is None else value / Wavers.calls for value in super().values(batch)]

    report = check_detector(Wavers, TEXTS)
    assert report.of(Promise.ANY_CUT).outcome == "not tested"
    assert report.of(Promise.SAME_AGAIN).words == ("not claimed; the same batch got other answers the second time",)


def test_the_tolerance_is_for_cuts_and_not_for_the_same_batch() -> None:
    class Rounds(Sound):
        def values(self, batch: pa.RecordBatch) -> list[float | None]:
            return [None if value is None else value * (1 - 1e-9 * batch.num_rows) for value in super().values(batch)]

    assert "differ by up to" in " ".join(check_detector(Rounds, TEXTS).of(Promise.ANY_CUT).words)
    assert [one.promise for one in examine_detector(Rounds, TEXTS, tolerance=1e-12).broken] == [Promise.ANY_CUT]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"text": ["a", "b", "c"]}, "at least 4 example rows"),
        ({"row_id": [1, 2, 3, 4]}, "row_id is added to them"),
        ({}, "at least 4 example rows"),
    ],
)
def test_an_example_that_is_too_small_is_refused(rows: dict[str, list[Any]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_detector(Sound, rows)


def test_answers_in_a_table_are_not_for_this_suite(tmp_path: Path) -> None:
    section = {"kind": "predictions", "score": "score", "threshold": 0.5}
    with pytest.raises(TypeError, match="for detectors that are run"):
        check_detector(detector_maker(section, tmp_path), TEXTS)


def test_logging_and_output_are_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    level, handlers = logging.getLogger().level, list(logging.getLogger().handlers)
    check_detector(Sound, TEXTS)
    assert (logging.getLogger().level, logging.getLogger().handlers) == (level, handlers)
    subprocess.run([sys.executable, "-c", "print('heard again')"], check=True)
    assert capfd.readouterr().out == "heard again\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are seen in /proc")
def test_a_grandchild_whose_parent_has_ended_is_seen() -> None:
    before = Surroundings()
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'], stdin=0); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        while len(before.left(0.0)[1]) < 2:
            pass
        child.kill()
        child.wait()
        assert before.left(0.0) == (0, (Path(sys.executable).name,))
        child.stdin.close()
        assert before.left(10.0) == (0, ())


class TestSound(DetectorContract):
    """As a third party writes it."""

    def make(self) -> Sound:
        return Sound()

    def rows(self) -> dict[str, Any]:
        return TEXTS


def test_the_class_has_a_test_for_each_promise_and_examines_once() -> None:
    assert {name.removeprefix("test_") for name in dir(DetectorContract) if name.startswith("test_")} == set(Promise)
    made = []

    class Counting(DetectorContract):
        def make(self) -> Sound:
            made.append(1)
            return NeverOpens()

        def rows(self) -> dict[str, Any]:
            return TEXTS

    with pytest.raises(AssertionError, match="opens: broken"):
        Counting().test_opens()  # type: ignore[attr-defined]
    calls = len(made)
    Counting().test_schema()  # type: ignore[attr-defined]
    assert len(made) == calls
    with pytest.raises(AssertionError, match="has no method `make`"):
        type("Without", (DetectorContract,), {"rows": lambda self: TEXTS})().report()


def test_it_needs_no_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "import audit.detectors.testing as suite\n"
        "assert not {'_pytest', 'hypothesis', 'sklearn', 'duckdb'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
