"""A detector that is run sees its features and nothing else, and every row of the set is accounted for."""

from __future__ import annotations

import itertools
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.detectors.protocol import DetectorInfo, Reason, RunContext, Status, answer_batch
from audit.errors import DetectorError
from audit.plan.answers import ModelDetector
from audit.scoring.scored import Tally

if TYPE_CHECKING:
    from scoring.conftest import Scene

CANARY = "canary-e19d"
HALF = "def score(batch):\n    return [0.5] * batch.num_rows\n"
BY_PAY = "def score(batch):\n    return [pay / 6 for pay in batch['pay'].to_pylist()]\n"


class Spy:
    """A third party's detector that remembers everything it was given."""

    api_version = 1
    seen: ClassVar[list[pa.RecordBatch]] = []
    contexts: ClassVar[list[RunContext]] = []
    events: ClassVar[list[str]] = []
    answer: ClassVar[Callable[[pa.RecordBatch], Any]]

    def __init__(self, section: Any, folder: Path) -> None:
        self.section, self.folder = section, folder

    @property
    def info(self) -> DetectorInfo:
        return DetectorInfo("spy", "spy", None, deterministic=True, needs=self.section.features)

    def open(self, ctx: RunContext) -> None:
        self.events.append("open")
        self.contexts.append(ctx)

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.events.append("score")
        self.seen.append(batch)
        return type(self).answer(batch)

    def close(self) -> None:
        self.events.append("close")


def ok(batch: pa.RecordBatch) -> pa.RecordBatch:
    return answer_batch(batch.column("row_id"), [0.75] * batch.num_rows)


class SpySection(ModelDetector):
    """What a plan says of the spy."""

    kind: Literal["spy"]


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpySection:
    """Install the spy as another distribution would be, and return its section of a plan."""
    site = tmp_path / "site"
    metadata = site / "spying-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: spying\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[audit.detectors]\nspy = spying_module:Spy\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setitem(sys.modules, "spying_module", SimpleNamespace(Spy=Spy))
    for remembered in (Spy.seen, Spy.contexts, Spy.events):
        remembered.clear()
    Spy.answer = staticmethod(ok)
    return SpySection(kind="spy", features=("text",), threshold=0.5)


ANY: dict[str, Any] = {"kind": "python", "entry": "m:f", "features": ["text", "pay"], "threshold": 0.5}


def with_features(spy: SpySection, *features: str) -> tuple[dict[str, Any], SpySection]:
    return {**ANY, "features": list(features)}, spy.model_copy(update={"features": features})


def test_label_gender_and_nationality_are_withheld(scene: Scene, spy: SpySection) -> None:
    plan, section = with_features(spy, "text")
    outcome = scene.score(plan, section=section)
    assert [batch.schema.names for batch in Spy.seen] == [["row_id", "text"]] * 2
    given_away = {str(value) for batch in Spy.seen for column in batch.columns for value in column.to_pylist()}
    hidden = {"woman", "man", "NGA", "FRA", "THA", *scene.columns["case_id"]}
    assert not hidden & given_away
    assert outcome.scored.system.sensitive_features_used == ()
    assert Spy.contexts[0].columns == ("text",)


def test_sensitive_columns_are_given_when_the_plan_names_them_and_it_says_so(scene: Scene, spy: SpySection) -> None:
    plan, section = with_features(spy, "pay", "citizenship", "exploited", "case_id")
    outcome = scene.score(plan, section=section)
    assert [batch.schema.names for batch in Spy.seen] == [["row_id", "pay", "citizenship", "exploited", "case_id"]] * 2
    assert outcome.scored.system.sensitive_features_used == ("nationality", "label")
    assert "The detector is given the column that names the cases." in outcome.scored.system.notes


def test_row_ids_say_nothing_but_the_place_in_the_order(scene: Scene, spy: SpySection) -> None:
    scene.score(ANY, section=spy)
    assert [batch.column("row_id").to_pylist() for batch in Spy.seen] == [[0, 1, 2, 3], [4, 5]]
    assert Spy.events == ["open", "score", "score", "close"]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 100])
def test_batches_have_exactly_the_size_of_the_plan(scene: Scene, spy: SpySection, size: int) -> None:
    scene.scoring = {"batch_size": size}
    scene.score(ANY, section=spy)
    sizes = [batch.num_rows for batch in Spy.seen]
    assert sum(sizes) == 6
    assert set(sizes[:-1]) <= {size}
    assert sizes[-1] <= size


def test_many_rows_are_cut_exactly_too(scene: Scene, spy: SpySection) -> None:
    rows = 30_000
    scene.columns = {name: (values * rows)[:rows] for name, values in scene.columns.items()}
    scene.columns["case_id"] = [f"c{n}" for n in range(rows)]
    scene.scoring = {"batch_size": 1000}
    outcome = scene.score(ANY, section=spy)
    assert [batch.num_rows for batch in Spy.seen] == [1000] * 30
    assert outcome.scored.tally == Tally(rows, 0, 0, 0)


def test_rows_come_in_the_order_of_their_ids_or_of_the_file(scene: Scene, spy: SpySection) -> None:
    plan, section = with_features(spy, "case_id")
    scene.score(plan, section=section)
    by_id = [value for batch in Spy.seen for value in batch.column("case_id").to_pylist()]
    assert by_id == sorted(scene.columns["case_id"]) == ["c1", "c10", "c2", "c3", "c4", "c5"]
    Spy.seen.clear()
    scene.scoring = {"batch_size": 4, "order": "file"}
    scene.score(plan, section=section)
    assert [value for batch in Spy.seen for value in batch.column("case_id").to_pylist()] == scene.columns["case_id"]


def test_ids_are_ordered_by_their_bytes(scene: Scene, spy: SpySection) -> None:
    scene.columns["case_id"] = ["é", "Z", "a", "𝄞", "ﬀ", "10"]
    plan, section = with_features(spy, "case_id")
    scene.score(plan, section=section)
    given_ids = [value for batch in Spy.seen for value in batch.column("case_id").to_pylist()]
    assert given_ids == sorted(scene.columns["case_id"], key=lambda text: text.encode())


def test_the_order_of_the_file_changes_no_decision_and_no_byte(scene: Scene) -> None:
    detector = scene.function(BY_PAY)
    expected: Any = None
    for order in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 0, 5, 1, 4, 3]):
        path = scene.folder / "predictions.parquet"
        outcome = scene.score(detector, order=order, predictions_to=path)
        got = (outcome.rows, outcome.scored, path.read_bytes())
        expected = expected or got
        assert got == expected


def test_the_view_has_the_agreed_columns(scene: Scene) -> None:
    outcome = scene.score(scene.function(BY_PAY))
    assert outcome.columns == ["case_id", "label", "group_gender", "group_nationality", "score", "decision"]
    assert outcome.rows == [
        ("c1", 0, "man", "FRA", 2 / 6, 1),
        ("c10", 1, "woman", None, 4 / 6, 0),
        ("c2", None, None, "NGA", 3 / 6, 0),
        ("c3", 1, "woman", "NGA", 1 / 6, 1),
        ("c4", 1, "woman", "FRA", 1.0, 0),
        ("c5", 0, "man", "THA", 5 / 6, 0),
    ]
    assert outcome.scored.system.decision == "flagged when the score is at least 0.5"
    assert outcome.scored.system.near_threshold == 1


def types(evaluation_set: Any) -> None:
    described = evaluation_set.connection.execute("DESCRIBE scored").fetchall()
    assert [row[1] for row in described] == ["VARCHAR", "TINYINT", "VARCHAR", "VARCHAR", "DOUBLE", "TINYINT"]


def test_the_view_has_the_agreed_types(scene: Scene) -> None:
    scene.look = types
    scene.score(scene.function(BY_PAY))
    scene.columns["p"] = [0.5] * 6
    scene.score({"kind": "predictions", "score": "p", "threshold": 0.5})
    scene.score({"kind": "predictions", "score": "p", "top_k": 2})


def test_nan_is_failed_and_never_flagged(scene: Scene) -> None:
    code = "def score(batch):\n    return [float('nan') if pay < 4 else 0.9 for pay in batch['pay'].to_pylist()]\n"
    outcome = scene.score(scene.function(code))
    assert outcome.decisions == {"c3": 3, "c1": 3, "c2": 3, "c10": 0, "c5": 0, "c4": 0}
    assert outcome.scored.failures == {(Status.INVALID_OUTPUT, Reason.NOT_FINITE): 3}
    assert outcome.scored.tally == Tally(3, 0, 3, 0)


@given(st.lists(st.floats() | st.none() | st.sampled_from([0.5, 0.5 - 1e-7, 0.5 + 2e-6]), min_size=6, max_size=6))
def test_every_row_is_decided_abstained_or_failed(scene: Scene, values: list[float | None]) -> None:
    literal = ["None" if value is None else f"float({str(value)!r})" for value in values]
    scene.columns["place"] = list(range(6))
    code = (
        f"VALUES = [{', '.join(literal)}]\n"
        "def score(batch):\n    return [VALUES[n] for n in batch['place'].to_pylist()]\n"
    )
    outcome = scene.score(scene.function(code, features=["place"]))
    expected = {}
    for case_id, value in zip(scene.columns["case_id"], values, strict=True):
        usable = value is not None and 0.0 <= value <= 1.0
        expected[case_id] = 2 if value is None else 3 if not usable else 0 if value >= 0.5 else 1
    assert outcome.decisions == expected
    tally = outcome.scored.tally
    decided = list(expected.values())
    assert (tally.scored, tally.abstained, tally.failed) == (
        decided.count(0) + decided.count(1),
        decided.count(2),
        decided.count(3),
    )
    assert tally.near_threshold == sum(
        1 for value in values if value is not None and 0.0 <= value <= 1.0 and abs(value - 0.5) <= 1e-6
    )
    assert sum(outcome.scored.failures.values()) == tally.failed


def test_decisions_of_the_detector_itself(scene: Scene) -> None:
    code = (
        "SAID = {1.0: True, 2.0: None, 3.0: 'x'}\n"
        "def score(batch):\n    return [SAID.get(pay, False) for pay in batch['pay'].to_pylist()]\n"
    )
    outcome = scene.score(scene.function(code, answers="decision"))
    assert outcome.decisions == {"c3": 0, "c1": 2, "c2": 3, "c10": 1, "c5": 1, "c4": 1}
    assert outcome.scored.system.decision == "flagged when the detector says so"
    assert outcome.scored.system.near_threshold is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def score(batch):\n    raise ValueError(batch['text'][0])\n", "batch 1: the function raised ValueError"),
        ("def score(batch):\n    return [0.5] * 3\n", "batch 1: 4 rows were given and 3 answers came back"),
        ("def score(batch):\n    return batch['text'][0].as_py()\n", "batch 1: got something else than answers"),
        ("def score(batch):\n    return [0.5] * 4\n", "batch 2: 2 rows were given and 4 answers came back"),
    ],
)
def test_a_function_that_answers_amiss_ends_the_run(scene: Scene, code: str, message: str) -> None:
    target = scene.folder / "predictions.parquet"
    assert message in scene.refusal(scene.function(code), predictions_to=target).message
    assert not list(scene.folder.glob("*predictions*"))


def test_predictions_are_written_in_words(scene: Scene) -> None:
    target = scene.folder / "predictions.parquet"
    code = (
        "def score(batch):\n    return [{1.0: None, 2.0: 7.0}.get(pay, pay / 6) for pay in batch['pay'].to_pylist()]\n"
    )
    scene.score(scene.function(code), predictions_to=target)
    assert pq.read_table(target).to_pydict() == {
        "case_id": ["c1", "c10", "c2", "c3", "c4", "c5"],
        "score": [None, 4 / 6, 0.5, None, 1.0, 5 / 6],
        "decision": ["failed", "flagged", "flagged", "abstained", "flagged", "flagged"],
        "status": ["invalid_output", "ok", "ok", "abstain", "ok", "ok"],
        "reason": ["out_of_range", None, None, None, None, None],
    }
    assert target.stat().st_mode & 0o077 == 0
    assert [path.name for path in scene.folder.glob("*predictions*")] == ["predictions.parquet"]


def test_predictions_that_cannot_be_written_leave_nothing_behind(scene: Scene) -> None:
    from audit.errors import ExitCode, StorageError

    target = scene.folder / "absent" / "predictions.parquet"
    with pytest.raises(StorageError, match=r"predictions\.parquet could not be written") as caught:
        scene.score(scene.function(HALF), predictions_to=target)
    assert caught.value.exit_code is ExitCode.STORAGE_FAILED
    kept = scene.folder / "kept.parquet"
    kept.mkdir()
    with pytest.raises(StorageError):
        scene.score(scene.function(HALF), predictions_to=kept)
    assert not list(scene.folder.glob(".*partial"))


def answer(**columns: Any) -> Callable[[pa.RecordBatch], Any]:
    def made(batch: pa.RecordBatch) -> pa.RecordBatch:
        given_columns = ok(batch)
        arrays = {name: given_columns.column(name) for name in given_columns.schema.names}
        for name, change in columns.items():
            if change is None:
                del arrays[name]
            else:
                arrays[name] = change(batch, arrays.get(name))
        return pa.record_batch(arrays)

    return made


def shuffled(batch: pa.RecordBatch, ids: pa.Array) -> pa.Array:
    return pa.array(list(reversed(ids.to_pylist())))


AMISS: list[tuple[Callable[[pa.RecordBatch], Any], str]] = [
    (lambda _: None, "no RecordBatch with the columns row_id, score, status and reason"),
    (answer(reason=None), "no RecordBatch with the columns"),
    (answer(extra=lambda batch, _: batch.column(0)), "no RecordBatch with the columns"),
    (answer(row_id=shuffled), "the rows came back in another order"),
    (
        answer(row_id=lambda batch, _: pa.array([9, 9, 1, 1][: batch.num_rows])),
        "3 row ids are missing, 1 were never given, 1 are repeated",
    ),
    (answer(row_id=lambda batch, _: pa.array([CANARY] * batch.num_rows)), "row_id holds no whole numbers"),
    (lambda batch: ok(batch.slice(1)), "1 row ids are missing, 0 were never given, 0 are repeated"),
    (answer(status=lambda batch, _: pa.array([CANARY] * batch.num_rows)), "4 rows have a status that the protocol"),
    (answer(reason=lambda batch, _: pa.array([CANARY] * batch.num_rows)), "4 rows have a reason that the protocol"),
    (answer(status=lambda batch, _: pa.nulls(batch.num_rows)), "4 rows have no status"),
    (answer(status=lambda batch, _: pa.array([1] * batch.num_rows)), "status holds no words"),
    (answer(score=lambda batch, _: pa.array([CANARY] * batch.num_rows)), "the score column holds no numbers"),
]


@pytest.mark.parametrize(("answered", "message"), AMISS, ids=range(len(AMISS)))
def test_an_answer_that_breaks_the_protocol_ends_the_run(
    scene: Scene, spy: SpySection, answered: Callable[[pa.RecordBatch], Any], message: str
) -> None:
    Spy.answer = staticmethod(answered)
    error = scene.refusal(ANY, section=spy)
    assert error.message.startswith("detector kind spy, batch 1: ")
    assert message in error.message
    assert Spy.events == ["open", "score", "close"]


def test_a_third_party_can_fail_rows_with_the_words_of_the_protocol(scene: Scene, spy: SpySection) -> None:
    words = itertools.cycle([Status.TIMEOUT, Status.REFUSED, Status.ERROR, Status.ABSTAIN, Status.OK])

    def answered(batch: pa.RecordBatch) -> pa.RecordBatch:
        return answer_batch(
            batch.column("row_id"), [0.9] * batch.num_rows, [next(words) for _ in range(batch.num_rows)]
        )

    Spy.answer = staticmethod(answered)
    outcome = scene.score(ANY, section=spy)
    assert outcome.decisions == {"c1": 3, "c10": 3, "c2": 3, "c3": 2, "c4": 0, "c5": 3}
    assert outcome.scored.failures == {(Status.TIMEOUT, None): 2, (Status.REFUSED, None): 1, (Status.ERROR, None): 1}


def test_the_harness_checks_the_scores_of_a_third_party_itself(scene: Scene, spy: SpySection) -> None:
    scores = iter([float("nan"), float("inf"), 1.5, 0.5, None, 0.25])

    def answered(batch: pa.RecordBatch) -> pa.RecordBatch:
        return answer_batch(batch.column("row_id"), [next(scores) for _ in range(batch.num_rows)])

    Spy.answer = staticmethod(answered)
    outcome = scene.score(ANY, section=spy)
    assert outcome.decisions == {"c1": 3, "c10": 3, "c2": 3, "c3": 0, "c4": 3, "c5": 1}
    assert outcome.scored.failures == {
        (Status.INVALID_OUTPUT, Reason.NOT_FINITE): 2,
        (Status.INVALID_OUTPUT, Reason.OUT_OF_RANGE): 1,
        (Status.INVALID_OUTPUT, Reason.NOT_A_NUMBER): 1,
    }


@pytest.mark.parametrize("moment", ["open", "score", "info", "close"])
@pytest.mark.parametrize("error", [ValueError(CANARY), SystemExit(0), MemoryError(CANARY)])
def test_whatever_a_third_party_raises_is_withheld(
    scene: Scene, spy: SpySection, monkeypatch: pytest.MonkeyPatch, moment: str, error: BaseException
) -> None:
    def raises(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(Spy, moment, property(raises) if moment == "info" else raises)
    assert f"raised {type(error).__name__}" in scene.refusal(ANY, section=spy).message


def test_an_interrupt_closes_the_detector_and_goes_on_its_way(scene: Scene, spy: SpySection) -> None:
    def answered(_: pa.RecordBatch) -> Any:
        raise KeyboardInterrupt

    Spy.answer = staticmethod(answered)
    with pytest.raises(KeyboardInterrupt):
        scene.score(ANY, section=spy)
    assert Spy.events == ["open", "score", "close"]


class Recorder:
    """Remembers what it is given."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def kept(self, rows: int) -> None:
        self.said.append(("kept", rows))

    def stop_asked(self) -> bool:
        return False

    def begin(self, rows: int) -> None:
        self.said.append(("begin", rows))

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        self.said.append(rows)

    def end(self) -> None:
        self.said.append("end")


def test_progress_is_told_and_ended_also_after_an_error(scene: Scene) -> None:
    shown = Recorder()
    scene.score(scene.function(HALF), progress=shown)
    assert shown.said == [("begin", 6), 4, 2, "end"]
    shown = Recorder()
    scene.refusal(scene.function("def score(batch):\n    return [0.5] * 4\n"), progress=shown)
    assert shown.said == [("begin", 6), 4, "end"]


def test_a_feature_that_a_batch_has_no_room_for(scene: Scene) -> None:
    scene.columns["row_id"] = list(range(6))
    refused = scene.refusal(scene.function(HALF, features=["row_id"]))
    assert "a column named row_id cannot be among `features`" in refused.message


def test_a_detector_file_that_is_not_there(scene: Scene) -> None:
    detector = {"kind": "skops", "path": "absent.skops", "features": ["pay"], "threshold": 0.5}
    assert scene.refusal(detector).message == "no model file absent.skops"


def test_a_model_of_scikit_learn_end_to_end(scene: Scene) -> None:
    import pandas as pd
    import skops.io
    from sklearn.linear_model import LogisticRegression

    table = pd.DataFrame({"pay": scene.columns["pay"]})
    model = LogisticRegression().fit(table, [0, 0, 0, 1, 1, 1])
    skops.io.dump(model, scene.folder / "model.skops")
    detector = {"kind": "skops", "path": "model.skops", "features": ["pay"], "threshold": 0.5}
    outcome = scene.score(detector)
    assert outcome.decisions == dict(
        zip(scene.columns["case_id"], [0 if p >= 0.5 else 1 for p in model.predict_proba(table)[:, 1]], strict=True)
    )
    assert outcome.scored.system.kind == "skops"
    assert outcome.scored.detector_sha256 is not None


def test_scoring_the_same_set_twice_replaces_the_view(scene: Scene) -> None:
    from audit.evaluation.evaluation_set import open_evaluation_set
    from audit.scoring import score

    (scene.folder / "p.csv").write_text("case_id,p\nc1,0\nc2,0\nc3,0\nc4,1\nc5,1\nc10,1\n", encoding="utf-8")
    pq.write_table(pa.table({"case_id": scene.columns["case_id"], "p": [0.5] * 6}), scene.folder / "p.parquet")
    in_file = {"kind": "predictions", "score": "p", "threshold": 0.5}
    for detector in (scene.function(HALF), *({**in_file, "path": name} for name in ("p.csv", "p.parquet"))):
        scene.score(detector)
        plan = scene.plan(detector)
        with open_evaluation_set(plan, scene.folder) as evaluation_set:
            for _ in range(2):
                assert score(plan, evaluation_set, scene.folder).tally.rows == 6
            assert evaluation_set.connection.execute("SELECT count(*) FROM scored").fetchone() == (6,)


def test_shuffled_rows_with_random_scores_keep_their_decisions(scene: Scene) -> None:
    draw = random.Random(11)
    scene.columns["p"] = [draw.choice([0.2, 0.5, 0.5, 0.8, None]) for _ in range(6)]
    detector = {"kind": "predictions", "score": "p", "top_k": 2}
    expected = scene.score(detector).decisions
    for _ in range(5):
        order = draw.sample(range(6), 6)
        assert scene.score(detector, order=order).decisions == expected


def test_an_error_is_never_a_detector_error_without_a_hint(scene: Scene) -> None:
    error = scene.refusal(scene.function("def score(batch):\n    return None\n"))
    assert isinstance(error, DetectorError)
    assert error.hint
    assert error.slug


def test_a_third_partys_detector_may_answer_several_batches_at_once(
    scene: Scene, spy: SpySection, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(3, timeout=60)

    def answered(batch: pa.RecordBatch) -> Any:
        together.wait()
        return answer_batch(batch.column("row_id"), [pay / 6 for pay in batch["pay"].to_pylist()])

    Spy.answer = staticmethod(answered)
    scene.scoring = {"batch_size": 2}
    monkeypatch.setattr(Spy, "workers", 3, raising=False)
    plan, section = with_features(spy, "pay")
    at_once = scene.score(plan, section=section)
    assert at_once.decisions == scene.score(scene.function(BY_PAY)).decisions
    assert Spy.events == ["open", "score", "score", "score", "close"]


def test_an_impossible_number_of_workers_is_refused(
    scene: Scene, spy: SpySection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spy, "workers", "many", raising=False)
    assert "`workers` is no whole number" in scene.refusal(ANY, section=spy).message
    assert Spy.events == ["open", "close"]
