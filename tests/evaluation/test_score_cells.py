"""Scores are finite, in range and numbers before SQL compares them; or they are refused by row."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.sets import made_cells, made_plan, write_set

from audit.detectors.predictions import PredictionsDetector as Predictions
from audit.errors import DataError
from audit.evaluation.checks import run_check
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.scores import check_scores
from audit.plan.answers import PredictionsDetector

DETECTOR = {"kind": "predictions", "score": "score", "threshold": 0.5}


def checked(scores: pa.Array, score_range: tuple[float, float] = (0.0, 1.0), **section: str) -> list[float | None]:
    """The scores of a table in memory, after the check."""
    cells = {name: pa.array(column, pa.string()) for name, column in made_cells(len(scores)).items()}
    table = pa.table({**cells, "score": scores})
    with open_evaluation_set(made_plan(None, detector=DETECTOR, evaluation_set=section), Path(), table) as opened:
        expression = run_check(opened.engine, opened.source, check_scores(opened.source, "score", score_range))
        rows = opened.connection.sql(
            f"SELECT {expression}, typeof({expression}) FROM source ORDER BY __row__"
        ).fetchall()
    assert {kind for _, kind in rows} == {"DOUBLE"}
    return [score for score, _ in rows]


def test_texts_integers_floats_and_decimals_are_scores_and_empty_cells_abstain() -> None:
    assert checked(pa.array(["0.25", "1", "", None, "1e-3", ".5", "+0.5"])) == [0.25, 1, None, None, 0.001, 0.5, 0.5]
    assert checked(pa.array([1, 0, None], pa.int32())) == [1, 0, None]
    assert checked(pa.array([0.1, None])) == [0.1, None]
    assert checked(pa.array([0.5, None], pa.float32())) == [0.5, None]
    assert checked(pa.array([0.5, None], pa.float16())) == [0.5, None]
    assert checked(pa.nulls(2)) == [None, None]


def test_decimal_commas_and_signs_of_per_cent_are_read_where_the_plan_says_so() -> None:
    assert checked(pa.array(["0,25", "1", "", ",5", "1,5e-3"]), decimal=",") == [0.25, 1, None, 0.5, 0.0015]
    assert checked(pa.array(["70.1 %", "5%", "", "100 %"]), (0.0, 100.0)) == [70.1, 5, None, 100]
    assert checked(pa.array(["70,1 %", "5%"]), (0.0, 100.0), decimal=",") == [70.1, 5]
    with pytest.raises(DataError, match=r"has no sign of per cent, as others have, in row 3"):
        checked(pa.array(["70.1 %", "", "0.05"]), (0.0, 100.0))
    for text in ("0.5", "1.204,5", "1,2,3"):
        with pytest.raises(DataError, match="is no number in row 2"):
            checked(pa.array(["0", text]), (0.0, 100.0), decimal=",")
    with pytest.raises(DataError, match=r"lies outside \[0, 100\] in row 1"):
        checked(pa.array(["100.1 %"]), (0.0, 100.0))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_not_finite_is_told_by_its_row_also_from_parquet(tmp_path: Path, bad: float) -> None:
    """Statistics of row groups leave NaN out: a comparison that is decided by them would not see it."""
    cells = {name: pa.array(column, pa.string()) for name, column in made_cells(50).items()}
    scores = [0.25] * 50
    scores[3] = bad
    pq.write_table(pa.table({**cells, "score": scores}), tmp_path / "set.parquet")
    with (
        open_evaluation_set(made_plan("set.parquet", detector=DETECTOR), tmp_path) as opened,
        pytest.raises(DataError, match=r"not finite \(NaN or infinite\) in row 4"),
    ):
        run_check(opened.engine, opened.source, check_scores(opened.source, "score", (0.0, 1.0)))


def test_a_file_of_predictions_has_decimals_of_its_own(tmp_path: Path) -> None:
    write_set(tmp_path / "set.csv", {**made_cells(4), "pay": ["1.5", "2", "", "3"]})
    (tmp_path / "answers.csv").write_text("case_id;score\ncase 1;70,1 %\ncase 2;\ncase 3;5%\ncase 4;100 %\n")
    section = {"path": "answers.csv", "delimiter": ";", "decimal": ",", "score_range": (0, 100), "threshold": 70.1}
    plan = made_plan(detector={**DETECTOR, **section}, evaluation_set={"numbers": ["pay"]})
    assert isinstance(plan.detector, PredictionsDetector)
    with open_evaluation_set(plan, tmp_path) as opened:
        found = Predictions(plan.detector, tmp_path).find_answers(opened, "case_id")
        query = f"SELECT {found.score} FROM {found.relation} ORDER BY __row__"
        assert [score for (score,) in opened.connection.sql(query).fetchall()] == [70.1, None, 5, 100]
        pay = opened.feature_expression("pay")
        assert opened.connection.sql(f"SELECT sum({pay}) FROM source").fetchall() == [(6.5,)]


NUMBERS = (
    "is no number in row 2 — write numbers without spaces, "
    'and with a decimal point unless decimal = ","; only scores may '
    'be in per cent, with score_range = [0, 100]; "nan" and "inf" are no numbers, and an empty cell is a missing one'
)
FINITE = (
    "is not finite (NaN or infinite) in row 2 — find out why; leave the cell empty only where there truly is no answer"
)
RANGE = "lies outside [0, 1] in row 2 — write the detector's own score_range in [detector]; scores are never clipped"


@pytest.mark.parametrize(
    ("scores", "line"),
    [
        *(
            (pa.array(["0", text]), NUMBERS)
            for text in ("nan", "inf", "0,5", " 0.5", "1_0", "0x1", "high", "-", "٠", "1 %", "0.5%")
        ),
        (pa.array(["0", "1e999"]), FINITE),
        (pa.array([0, math.nan]), FINITE),
        (pa.array([0, math.inf], pa.float32()), FINITE),
        (pa.array([0, -math.inf]), FINITE),
        (pa.array([0, 5]), RANGE),
        (pa.array([0.0, math.nextafter(1, 2)]), RANGE),
        (pa.array(["0", "-0.001"]), RANGE),
    ],
)
def test_a_score_that_cannot_be_used(scores: pa.Array, line: str) -> None:
    with pytest.raises(DataError) as caught:
        checked(scores)
    assert str(caught.value) == f'the table: the score "score" {line}'


def test_suppressed_scores_and_scores_that_are_no_numbers() -> None:
    with pytest.raises(
        DataError, match=r'^the table: "score" holds marks of suppression such as <5 instead of values in rows 1 and 3'
    ):
        checked(pa.array(["<5", "1", ".."]))
    with pytest.raises(
        DataError, match=r'^the table: the score column "score" is stored as BOOLEAN — store it as numbers'
    ):
        checked(pa.array([True, False]))


def test_the_range_is_the_plans() -> None:
    assert checked(pa.array([-3.5, 700.0]), (-3.5, 700.0)) == [-3.5, 700.0]
    with pytest.raises(DataError, match=r"lies outside \[-3\.5, 700\] in rows 2 and 3"):
        checked(pa.array([-3.5, 700.1, -3.6]), (-3.5, 700.0))


@given(st.lists(st.none() | st.floats(width=64), min_size=1, max_size=5))
def test_any_floats_are_kept_bit_by_bit_or_refused(scores: list[float | None]) -> None:
    usable = all(score is None or (math.isfinite(score) and 0 <= score <= 1) for score in scores)
    if usable:
        assert checked(pa.array(scores, pa.float64())) == scores
        assert checked(pa.array([None if score is None else repr(score) for score in scores], pa.string())) == scores
    else:
        with pytest.raises(DataError):
            checked(pa.array(scores, pa.float64()))


def test_a_csv_score_is_read_as_python_reads_it() -> None:
    with TemporaryDirectory() as folder:
        written = [
            "0.1",
            "0.30000000000000004",
            "5e-324",
            "0.7",
            "0.999999999999999944488848768742172978818416595458984375",
        ]
        write_set(Path(folder) / "set.csv", {**made_cells(5), "score": written})
        with open_evaluation_set(made_plan(detector=DETECTOR), Path(folder)) as opened:
            expression = run_check(opened.engine, opened.source, check_scores(opened.source, "score", (0, 1)))
            scores = opened.connection.sql(f"SELECT {expression} FROM source ORDER BY __row__").fetchall()
    assert [score for (score,) in scores] == [float(text) for text in written]
