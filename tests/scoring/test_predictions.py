"""`kind = "predictions"`: a file joined by id or columns of the set; every cell checked, every id counted."""

from __future__ import annotations

import hashlib
import math
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.scoring.scored import Tally

if TYPE_CHECKING:
    from scoring.conftest import Scene

CANARY = "canary-e19d"
IDS = ["c3", "c1", "c2", "c10", "c5", "c4"]
SCORES: list[float | None] = [0.1, 0.5, None, 0.7, 0.5, 0.5]
IN_SET = {"kind": "predictions", "score": "p", "threshold": 0.5}
IN_FILE = {**IN_SET, "path": "predictions.parquet"}
DECIDED = {"c3": 1, "c1": 0, "c2": 2, "c10": 0, "c5": 0, "c4": 0}


def write(scene: Scene, ids: list[Any], answers: list[Any], *, id_name: str = "case_id", name: str = "p") -> None:
    pq.write_table(pa.table({id_name: ids, name: answers}), scene.folder / "predictions.parquet")


def test_a_column_of_the_set_is_read_in_place(scene: Scene) -> None:
    scene.columns["p"] = SCORES

    def look(evaluation_set: Any) -> None:
        tables = evaluation_set.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert tables == []

    scene.look = look
    outcome = scene.score(IN_SET)
    assert outcome.decisions == DECIDED
    assert outcome.scored.tally == Tally(5, 1, 0, 3)
    assert outcome.scored.detector_sha256 is None
    assert outcome.scored.system.name == "column p of the evaluation set"
    assert outcome.scored.system.features == ()


def test_a_file_is_joined_by_id(scene: Scene) -> None:
    write(scene, IDS, SCORES)
    outcome = scene.score(IN_FILE)
    assert outcome.decisions == DECIDED
    content = (scene.folder / "predictions.parquet").read_bytes()
    assert outcome.scored.detector_sha256 == hashlib.sha256(content).hexdigest()
    assert outcome.scored.system.name == "column p of predictions.parquet"


def test_the_order_of_both_files_changes_nothing(scene: Scene) -> None:
    draw = random.Random(3)
    for _ in range(4):
        shuffled = draw.sample(range(6), 6)
        write(scene, [IDS[n] for n in shuffled], [SCORES[n] for n in shuffled])
        assert scene.score(IN_FILE, order=draw.sample(range(6), 6)).decisions == DECIDED


def test_a_csv_file_with_its_own_id_column(scene: Scene) -> None:
    lines = ["ref;p", "c1;0.5", "c2;", "c3;.1", "c4;5e-1", "c5;0.50", "c10;7E-1"]
    (scene.folder / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    outcome = scene.score({**IN_SET, "path": "predictions.csv", "id": "ref", "delimiter": ";"})
    assert outcome.decisions == DECIDED


def test_ids_are_text_whatever_they_were_stored_as(scene: Scene) -> None:
    scene.columns["case_id"] = ["11", "12", "13", "21", "15", "9007199254740993"]
    write(scene, [11, 12, 13, 21, 15, 9007199254740993], SCORES)
    assert scene.score(IN_FILE).scored.tally == Tally(5, 1, 0, 3)
    write(scene, [11, 12, 13, 21, 15, 9007199254740992], SCORES)
    assert "1 case without a prediction, 1 prediction for no case" in scene.refusal(IN_FILE).message


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (IDS[:4], "2 cases without a prediction, 0 predictions for no case of the set, 0 predictions repeating an id"),
        ([*IDS, "x1", "x1"], "0 cases without a prediction, 2 predictions for no case of the set, 0 predictions"),
        ([*IDS, "c1", "c1"], "0 cases without a prediction, 0 predictions for no case of the set, 2 predictions"),
        (["x1", "c1", "c1"], "5 cases without a prediction, 1 prediction for no case of the set, 1 prediction rep"),
        (["C1", *IDS[:1], *IDS[2:]], "1 case without a prediction, 1 prediction for no case of the set"),
        (["c1 ", *IDS[:1], *IDS[2:]], "1 case without a prediction, 1 prediction for no case of the set"),
    ],
)
def test_ids_that_do_not_match_are_counted(scene: Scene, ids: list[str], message: str) -> None:
    write(scene, ids, [0.5] * len(ids))
    error = scene.refusal(IN_FILE)
    assert error.slug == "predictions-ids"
    assert message in error.message


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_prediction_without_an_id(scene: Scene, nothing: str | None) -> None:
    write(scene, [*IDS[:5], nothing], [0.5] * 6)
    assert "no id in row 6" in scene.refusal(IN_FILE).message


@pytest.mark.parametrize("where", ["set", "file"])
@pytest.mark.parametrize(
    ("cell", "message"),
    [(math.nan, "row 2"), (math.inf, "row 2"), (-math.inf, "row 2"), (1.5, "row 2"), (-0.001, "row 2")],
)
def test_a_score_that_cannot_be_used_is_refused_by_row(scene: Scene, where: str, cell: float, message: str) -> None:
    scores = [0.5, cell, 0.5, None, 0.5, 0.5]
    scene.columns["p"] = scores
    write(scene, IDS, scores)
    detector = IN_SET if where == "set" else IN_FILE
    for cut in ({}, {"threshold": None, "top_k": 1}):
        assert message in scene.refusal({**detector, **cut}).message


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "inf", "1_0", " 0.5", "0,5", "0x1", CANARY, "1.01", "1e400", "<5", "NA", "None", "½", "-1"]
)
def test_a_text_that_is_no_score_is_refused_by_row(scene: Scene, cell: str) -> None:
    lines = ["case_id,p", *(f"{case_id},0.5" for case_id in IDS[:5]), f'c4,"{cell}"']
    (scene.folder / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "row 6" in scene.refusal({**IN_SET, "path": "predictions.csv"}).message


@given(st.lists(st.floats() | st.none(), min_size=6, max_size=6))
def test_scores_are_used_exactly_or_refused(scene: Scene, scores: list[float | None]) -> None:
    scene.columns["p"] = pa.array(scores, type=pa.float64())
    if any(score is not None and not 0.0 <= score <= 1.0 for score in scores):
        scene.refusal(IN_SET)
    else:
        expected = [2 if score is None else 0 if score >= 0.5 else 1 for score in scores]
        assert scene.score(IN_SET).decisions == dict(zip(IDS, expected, strict=True))


DECIDING = {"kind": "predictions", "decision": "d"}


@pytest.mark.parametrize("where", ["set", "file"])
@pytest.mark.parametrize(
    "cells",
    [
        ["1", "0", "", "TRUE", "False", None],
        [True, False, None, True, False, None],
        [1, 0, None, 1, 0, None],
        [1.0, 0.0, None, 1.0, 0.0, math.nan],
    ],
    ids=["text", "bool", "int", "float"],
)
def test_decisions(scene: Scene, where: str, cells: list[Any]) -> None:
    scene.columns["d"] = cells
    write(scene, IDS, cells, name="d")
    detector = DECIDING if where == "set" else {**DECIDING, "path": "predictions.parquet"}
    outcome = scene.score(detector)
    assert outcome.decisions == {"c3": 0, "c1": 1, "c2": 2, "c10": 0, "c5": 1, "c4": 2}
    assert outcome.scored.tally == Tally(4, 2, 0, None)
    assert outcome.scored.system.decision == "flagged when the column d says so"


def test_decisions_in_words_of_the_plan(scene: Scene) -> None:
    scene.columns["d"] = ["Straße", "non", "STRASSE", "NON", "strasse", None]
    words = {"decision_positive": ["strasse"], "decision_negative": ["Non"]}
    assert scene.score({**DECIDING, **words}).decisions == {"c3": 0, "c1": 1, "c2": 0, "c10": 1, "c5": 0, "c4": 2}


@pytest.mark.parametrize("cell", [CANARY, "2", " 1", "yes", "NA", "<5"])
def test_a_decision_that_is_not_declared_is_refused_by_row(scene: Scene, cell: str) -> None:
    scene.columns["d"] = ["1", "0", cell, None, cell, "0"]
    assert "rows 3 and 5" in scene.refusal(DECIDING).message


def test_a_predictions_file_that_is_not_there(scene: Scene) -> None:
    assert "predictions.parquet does not exist" in scene.refusal(IN_FILE).message


def test_a_predictions_file_without_the_column(scene: Scene) -> None:
    write(scene, IDS, SCORES, name="q")
    assert 'predictions.parquet has no column "p" (detector.score)' in scene.refusal(IN_FILE).message


@pytest.mark.parametrize("where", ["set", "file"])
@pytest.mark.parametrize(
    ("top_k", "flagged", "ties"),
    [
        (1, {"c10"}, 0),
        (2, {"c10", "c1"}, 3),
        (3, {"c10", "c1", "c4"}, 3),
        (4, {"c10", "c1", "c4", "c5"}, 0),
        (5, {"c10", "c1", "c4", "c5", "c3"}, 0),
        (99, {"c10", "c1", "c4", "c5", "c3"}, 0),
    ],
)
def test_a_capacity(scene: Scene, where: str, top_k: int, flagged: set[str], ties: int) -> None:
    scene.columns["p"] = SCORES
    write(scene, IDS, SCORES)
    detector = {**(IN_SET if where == "set" else IN_FILE), "threshold": None, "top_k": top_k}
    for order in (None, [5, 3, 1, 0, 2, 4], [1, 2, 0, 4, 5, 3]):
        outcome = scene.score(detector, order=order)
        assert {case_id for case_id, code in outcome.decisions.items() if code == 0} == flagged
        assert outcome.decisions["c2"] == 2
        assert outcome.scored.system.ties_at_capacity == ties
        assert outcome.scored.system.near_threshold is None
        unreached = any("was not reached: all 5 cases" in note for note in outcome.scored.system.notes)
        assert unreached == (top_k > 5)


@given(
    st.lists(st.sampled_from([0.0, -0.0, 0.25, 0.25 + 2**-54, 1.0, None]), min_size=6, max_size=6),
    st.integers(1, 7),
    st.permutations(range(6)),
)
def test_a_capacity_is_the_first_k_by_score_then_id(
    scene: Scene, scores: list[float | None], top_k: int, order: list[int]
) -> None:
    scene.columns["p"] = pa.array(scores, type=pa.float64())
    outcome = scene.score({**IN_SET, "threshold": None, "top_k": top_k}, order=order)
    ranked = sorted((-score, case_id) for case_id, score in zip(IDS, scores, strict=True) if score is not None)
    assert {case_id for case_id, code in outcome.decisions.items() if code == 0} == {
        case_id for _, case_id in ranked[:top_k]
    }


def test_rows_near_the_threshold_are_counted(scene: Scene) -> None:
    scene.columns["p"] = [0.7, 0.7 - 9e-7, 0.7 + 9e-7, 0.7 + 2e-6, 0.699, None]
    outcome = scene.score({**IN_SET, "threshold": 0.7})
    assert outcome.scored.system.near_threshold == 3
    assert outcome.decisions == {"c3": 0, "c1": 1, "c2": 0, "c10": 0, "c5": 1, "c4": 2}


@pytest.mark.parametrize(
    ("threshold", "score_range", "words"),
    [(0.1, (0.0, 1.0), "0.1"), (1 / 3, (0.0, 1.0), "0.3333333333333333"), (50, (0.0, 100.0), "50"), (0, (-1, 1), "0")],
)
def test_the_threshold_is_compared_and_said_exactly(
    scene: Scene, threshold: float, score_range: tuple[float, float], words: str
) -> None:
    below, above = math.nextafter(threshold, -math.inf), math.nextafter(threshold, math.inf)
    scene.columns["p"] = [threshold, below, above, threshold, below, above]
    outcome = scene.score({**IN_SET, "threshold": threshold, "score_range": score_range})
    assert outcome.scored.system.decision == f"flagged when the score is at least {words}"
    assert [outcome.decisions[case_id] for case_id in IDS] == [0, 1, 0, 0, 1, 0]


def test_a_column_with_any_name(scene: Scene) -> None:
    for name in ('score"; DROP TABLE x --', "decision", "label", "answer", "row number", "__answers__"):
        scene.columns = {**scene.columns, name: SCORES}
        assert scene.score({**IN_SET, "score": name}).decisions == DECIDED
        write(scene, IDS, SCORES, name=name)
        assert scene.score({**IN_FILE, "score": name}).decisions == DECIDED
        del scene.columns[name]


def test_a_set_whose_columns_are_called_like_the_canonical_ones(scene: Scene) -> None:
    scene.columns["decision"] = ["x"] * 6
    scene.columns["label"] = ["y"] * 6
    scene.columns["score"] = [0.9] * 6
    code = "def score(batch):\n    return [0.25 if s else 0.75 for s in batch['score'].to_pylist()]\n"
    outcome = scene.score(scene.function(code, features=["score", "decision", "label"]))
    assert set(outcome.decisions.values()) == {1}
