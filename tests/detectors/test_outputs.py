"""Levels, classes and rankings: what else than a score or a decision a detector may answer with."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.detectors.answers import CheckedAnswers, read_answers
from audit.detectors.command_reply import Reply
from audit.detectors.protocol import REASONS, STATUSES
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.run import run_audit

FORMS = ("none", "sexual", "labour", "domestic")
POSITIVE = ["sexual", "labour", "domestic"]
SCALE = (0.0, 4.0)
CANARY = "canary-51ab"


def words(checked: CheckedAnswers) -> list[str]:
    """One word a row: the number, `abstain`, or the reason of the failure."""
    said = []
    for score, status, reason in zip(checked.scores, checked.status, checked.reason, strict=True):
        ok = STATUSES[status] == "ok"
        assert ok != bool(np.isnan(score))
        said.append(f"{score:g}" if ok else str(REASONS[reason] if reason >= 0 else STATUSES[status]))
    return said


def named(returned: Any) -> list[str]:
    rows = len(returned)
    places = (0.0, len(FORMS) - 1.0)
    return words(read_answers(returned, rows, "class", places, where="model:score, batch 3", classes=FORMS))


CONTAINERS: list[Any] = [
    ["none", None, "domestic", "forced"],
    pa.array(["none", None, "domestic", "forced"]),
    pa.array(["none", None, "domestic", "forced"]).dictionary_encode(),
    pa.chunked_array([["none"], [None, "domestic", "forced"]]),
    pd.Series(["none", None, "domestic", "forced"], dtype=object),
    pd.Series(["none", pd.NA, "domestic", "forced"], dtype="string"),
    np.array(["none", None, "domestic", "forced"], dtype=object),
    np.ma.MaskedArray(["none", "labour", "domestic", "forced"], mask=[False, True, False, False]),
]


@pytest.mark.parametrize("returned", CONTAINERS, ids=lambda value: type(value).__name__)
def test_classes_are_read_by_name_from_every_container(returned: Any) -> None:
    assert named(returned) == ["0", "abstain", "3", "unknown_class"]


def test_only_a_name_is_a_class() -> None:
    assert named([0, 1.0, True, "None", "NONE", " none", ["none"], float("nan"), b"none", {}]) == ["unknown_class"] * 10


def test_whole_numbers_are_the_classes_that_they_write() -> None:
    read = read_answers([0, 1.0, "2", 3, 1.5, True], 6, "class", (0.0, 2.0), where="w", classes=("0", "1", "2"))
    assert words(read) == ["0", "1", "2", "unknown_class", "unknown_class", "unknown_class"]


def test_a_level_is_a_whole_number_in_range() -> None:
    returned = [0, 4, 2.0, None, 2.5, 5, -1, float("nan"), "3"]
    read = read_answers(returned, len(returned), "ordinal", SCALE, where="w")
    expected = ["0", "4", "2", "abstain", "not_a_level", "out_of_range", "out_of_range", "not_finite", "not_a_number"]
    assert words(read) == expected


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(-9, 9), st.text(max_size=3), st.booleans())))
def test_whatever_comes_every_row_is_accounted_for(returned: list[Any]) -> None:
    mixed = [*returned, 1, None]
    for answers, span in (("ordinal", SCALE), ("class", (0.0, 3.0))):
        read = read_answers(mixed, len(mixed), answers, span, where="w", classes=FORMS)  # type: ignore[arg-type]
        assert len(words(read)) == len(mixed)
        kept = read.scores[~np.isnan(read.scores)]
        assert set(kept.tolist()) <= {0.0, 1.0, 2.0, 3.0, 4.0}


def test_a_program_answers_with_the_name() -> None:
    reply = Reply([0, 1, 2, 3, 4], "class", FORMS)
    reply.asked = 5
    lines: list[dict[str, Any]] = [
        {"class": "labour"},
        {"class": "Labour"},
        {"class": 1},
        {"abstain": True},
        {"score": 1.0},
    ]
    for row_id, line in enumerate(lines):
        reply.take(json.dumps({"row_id": row_id, **line}).encode())
    assert words(reply.checked((0.0, 3.0))) == ["2", "unknown_class", "unknown_class", "abstain", "unreadable"]


# ---------------------------------------------------------------- whole audits

ROWS = 120
SIGNS = [FORMS[n % 4] if n % 7 else "none" for n in range(ROWS)]
LEVELS = [n % 5 for n in range(ROWS)]


def make_set(folder: Path, **columns: list[Any]) -> None:
    table = {
        "case_id": [f"c{n:03}" for n in range(ROWS)],
        "exploited": [int(n % 3 == 0) for n in range(ROWS)],
        "gender": ["woman" if n % 2 else "man" for n in range(ROWS)],
        "sign": SIGNS,
        "level": LEVELS,
        **columns,
    }
    pq.write_table(pa.table(table), folder / "set.parquet")


def plan(detector: dict[str, Any]) -> AuditPlan:
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"},
            "detector": detector,
            "evaluation_set": {
                "path": "set.parquet",
                "id": "case_id",
                "label": "exploited",
                "label_source": "files",
            },
            "groups": {"gender": {"column": "gender"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
        }
    )


def audited(folder: Path, detector: dict[str, Any], sandbox: Literal["auto", "none"] = "none") -> AuditResult:
    return run_audit(plan(detector), folder=folder, crosscheck=False, sandbox=sandbox)


def table(result: AuditResult) -> dict[str, Any]:
    """What every way of asking has to agree on."""
    said = result.model_dump(mode="json")
    return {name: said[name] for name in ("rows", "counts", "estimates", "verdicts", "overall")}


BY_NAME = {"answers": "class", "classes": list(FORMS), "positive_classes": POSITIVE}


def functions(folder: Path, code: str) -> None:
    (folder / "outputs_model.py").write_text(code, encoding="utf-8")


def test_the_same_classes_one_result_three_ways(tmp_path: Path) -> None:
    make_set(tmp_path)
    functions(tmp_path, "def score(batch):\n    return batch['sign']\n")
    program = (
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    row = json.loads(line)\n"
        "    print(json.dumps({'row_id': row['row_id'], 'class': row['features']['sign']}), flush=True)\n"
    )
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    asked = {"kind": "python", "entry": "outputs_model:score", "features": ["sign"], **BY_NAME}
    command = {"kind": "command", "command": [sys.executable, "program.py"], "features": ["sign"], **BY_NAME}
    declared = {
        "kind": "predictions",
        "decision": "sign",
        "decision_positive": POSITIVE,
        "decision_negative": ["none"],
    }
    one, two, three = (audited(tmp_path, each) for each in (asked, command, declared))
    assert table(one) == table(two) == table(three)
    for detector, here in ((asked, one), (command, two)):
        assert table(audited(tmp_path, detector, "auto")) == table(here)
    assert one.system.decision == "flagged when the detector's answer is one of: sexual, labour, domestic"
    flagged = sum(sign != "none" for sign in SIGNS)
    everyone = one.counts[0]
    assert everyone.true_positive + everyone.false_positive == flagged
    assert not one.further.sweeps
    assert not one.further.calibrations


def test_the_file_of_predictions_names_the_class(tmp_path: Path) -> None:
    make_set(tmp_path)
    functions(tmp_path, "def score(batch):\n    return [None, 'other', *batch['sign'].to_pylist()[2:]]\n")
    asked = plan({"kind": "python", "entry": "outputs_model:score", "features": ["sign"], **BY_NAME})
    run_audit(asked, folder=tmp_path, crosscheck=False, predictions_to=tmp_path / "predictions.parquet")
    found = pq.read_table(tmp_path / "predictions.parquet")
    assert found.column_names == ["case_id", "score", "class", "decision", "status", "reason"]
    assert found.column("class").to_pylist() == [None, None, *SIGNS[2:]]
    assert found.column("score").null_count == ROWS
    flagged = ["flagged" if sign != "none" else "not flagged" for sign in SIGNS]
    assert found.column("decision").to_pylist() == ["abstained", "failed", *flagged[2:]]


def test_an_answer_outside_the_classes_is_a_failure_and_counted(tmp_path: Path) -> None:
    make_set(tmp_path)
    functions(tmp_path, f"def score(batch):\n    return ['none'] * (batch.num_rows - 1) + ['{CANARY}']\n")
    result = audited(tmp_path, {"kind": "python", "entry": "outputs_model:score", "features": ["sign"], **BY_NAME})
    assert result.rows[0].failed == 1
    assert CANARY not in result.model_dump_json()


def test_levels_are_cut_and_the_same_from_a_function_and_a_column(tmp_path: Path) -> None:
    make_set(tmp_path)
    functions(tmp_path, "def score(batch):\n    return batch['level']\n")
    scale = {"answers": "ordinal", "score_range": [0, 4], "threshold": 3}
    asked = audited(tmp_path, {"kind": "python", "entry": "outputs_model:score", "features": ["level"], **scale})
    declared = audited(tmp_path, {"kind": "predictions", "score": "level", **scale})
    assert table(asked) == table(declared)
    assert asked.system.decision == "flagged when the level is at least 3"
    assert asked.counts[0].true_positive + asked.counts[0].false_positive == sum(level >= 3 for level in LEVELS)
    assert {one.reason for one in asked.further.calibrations} == {"not_a_share"} or not asked.further.calibrations


def test_a_column_of_half_levels_is_refused_without_its_cells(tmp_path: Path) -> None:
    make_set(tmp_path, level=[2.5 if n == 7 else 1.0 for n in range(ROWS)])
    detector = {"kind": "predictions", "score": "level", "answers": "ordinal", "score_range": [0, 4], "threshold": 3}
    with pytest.raises(Exception, match=r'the level "level" is no whole number in row 8') as caught:
        audited(tmp_path, detector)
    assert "2.5" not in str(caught.value)


def test_a_ranking_flags_its_first(tmp_path: Path) -> None:
    places: list[int | None] = [ROWS - n for n in range(ROWS)]
    places[0] = None
    make_set(tmp_path, place=places)
    result = audited(tmp_path, {"kind": "predictions", "rank": "place", "top_k": 30})
    everyone = result.counts[0]
    assert everyone.true_positive + everyone.false_positive == 30
    assert result.rows[0].abstained == 1
    assert result.system.decision == "flagged when the column place puts it among the first 30"
    assert not result.further.sweeps
    same = audited(
        tmp_path,
        {
            "kind": "predictions",
            "decision": "place",
            "decision_positive": [str(n) for n in range(1, 31)],
            "decision_negative": [str(n) for n in range(31, ROWS + 1)],
        },
    )
    assert table(result) == table(same)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, "is no whole number from 1"),
        (2.5, "is no whole number from 1"),
        (2.0**60, "is no whole number from 1"),
        (9, "is given to more than one case in rows? "),
    ],
)
def test_a_place_that_cannot_be_is_refused(tmp_path: Path, place: float, wrong: str) -> None:
    make_set(tmp_path, place=[float(place) if n == 3 else float(n + 1) for n in range(ROWS)])
    with pytest.raises(Exception, match=f'the place "place" {wrong}'):
        audited(tmp_path, {"kind": "predictions", "rank": "place", "top_k": 30})


FUNCTION = {"kind": "python", "entry": "m:f", "features": ["sign"]}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({**FUNCTION, "answers": "class"}, "needs `classes`"),
    ({**FUNCTION, **BY_NAME, "threshold": 0.5}, "takes neither"),
    ({**FUNCTION, **BY_NAME, "positive_classes": []}, "at least one, and not all"),
    ({**FUNCTION, **BY_NAME, "positive_classes": list(FORMS)}, "at least one, and not all"),
    ({**FUNCTION, **BY_NAME, "positive_classes": ["other"]}, "at least one, and not all"),
    ({**FUNCTION, **BY_NAME, "classes": ["none", "none", "sexual"]}, "twice"),
    ({**FUNCTION, "positive_classes": ["a"], "threshold": 0.5}, 'goes with answers = "class"'),
    ({**FUNCTION, "answers": "ordinal", "threshold": 3}, "write score_range"),
    ({**FUNCTION, "answers": "ordinal", "threshold": 2.5, "score_range": [0, 4]}, "one of its levels"),
    ({**FUNCTION, "answers": "ordinal", "threshold": 2, "score_range": [0, 4.5]}, "write score_range"),
    ({**FUNCTION, "answers": "ordinal", "threshold": 1, "score_range": [0, 1]}, "is a decision"),
    ({"kind": "predictions", "rank": "place"}, "write `top_k`"),
    ({"kind": "predictions", "rank": "place", "top_k": 3, "score": "s"}, "no score or threshold"),
    ({"kind": "predictions", "rank": "place", "top_k": 3, "score_range": [0, 4]}, "goes with `score`"),
    ({**FUNCTION, "classes": ["a", "b"], "threshold": 0.5}, 'goes with answers = "class"'),
    ({**FUNCTION, **BY_NAME, "score_range": [0, 4]}, "no range"),
    ({"kind": "predictions", "rank": "place", "decision": "d"}, "leave out"),
]


@pytest.mark.parametrize(("detector", "wrong"), WRONG, ids=map(str, itertools.count()))
def test_a_plan_that_cannot_be_meant_is_refused(detector: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        plan(detector)


def test_a_ranking_says_nothing_of_the_texts_of_a_probe() -> None:
    """A probe's variants ranked among themselves would all be within the capacity of the set."""
    probe = {"id": "words", "kind": "text", "column": "text", "slots": ["demonym"], "languages": ["en"]}
    asked = plan({"kind": "predictions", "rank": "place", "top_k": 30}).model_dump(by_alias=True, exclude_unset=True)
    with pytest.raises(ValidationError, match="no place in the ranking"):
        AuditPlan.model_validate({**asked, "probes": [probe]})
