"""What is wrong with an ONNX model, or does not fit the columns, stands in one line before any score is used."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from made.onnx import BOOL, FLOAT, INT64, TEXT, Run, built, external, external_in_a_branch, identity, node
from onnx import TensorProto, helper

import audit.detectors.onnx_model
from audit.errors import DetectorError
from audit.plan.detectors import OnnxDetector as OnnxSection

CANARY = "canary-90ab"
PAY = pd.DataFrame({"pay": [0.5, 0.25]})


def weighted() -> Any:
    """A model with one constant."""
    return built(
        [node("MatMul", ["pay", "w"], ["score"])],
        [("pay", FLOAT, ["N", 1])],
        [("score", FLOAT, ["N", 1])],
        {"w": np.ones((1, 1), np.float32)},
    )


def two(first: tuple[str, int, list[Any]], second: tuple[str, int, list[Any]], kind: int = FLOAT) -> Any:
    """A model with two inputs; it answers with the first."""
    return built([node("Identity", [first[0]], ["y"])], [first, second], [("y", kind, first[2])])


@pytest.mark.parametrize(
    ("location", "where"),
    [("weights.bin", "plan/weights.bin"), ("../../weights.bin", "weights.bin"), ("/etc/passwd", None)],
    ids=["beside", "traversal", "absolute"],
)
def test_weights_in_another_file_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, where: str | None
) -> None:
    folder = tmp_path / "deep" / "plan"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    if where is not None:
        (tmp_path / ("deep" if where.startswith("plan/") else ".") / where).write_bytes(np.float32(1).tobytes())
        assert (folder / location).exists()
    for model in (external(weighted(), location), external_in_a_branch(location)):
        error = Run(folder, model, ("pay",)).refusal()
        assert str(error) == (
            "model.onnx keeps weights in other files, and those are not opened — "
            "have the model saved as one file: onnx.save(onnx.load(PATH), ONE_FILE)"
        )
        assert error.slug == "detector-external-data"


def test_the_same_with_its_weights_inside(tmp_path: Path) -> None:
    assert Run(tmp_path, weighted(), ("pay",)).scores(PAY) == [0.5, 0.25]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 40,
        b"not a model",
        pickle.dumps({"a": 1}),
        b"PK\x03\x04" + b"\0" * 30,
        b"\x08\x0a",
        b"\x3a\x02\x0a\x00",
    ],
    ids=["empty", "zeros", "text", "pickle", "zip", "no graph", "no inputs"],
)
def test_what_is_no_onnx_file(tmp_path: Path, content: bytes) -> None:
    error = Run(tmp_path, content, ("pay",)).refusal()
    assert error.slug == "detector-not-onnx"
    assert error.message.startswith("model.onnx ")


def test_a_damaged_file_is_one_line_or_a_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Cut anywhere, or with any byte changed: refused in one line, unless what is left is a whole model."""
    whole = weighted().SerializeToString()
    refused = []
    changed = [whole[:cut] for cut in range(len(whole))]
    changed += [whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :] for at in range(len(whole))]
    for content in changed:
        run = Run(tmp_path, content, ("pay",))
        try:
            run.scores(PAY)
        except DetectorError as error:
            refused.append(str(error))
    assert len(refused) > len(whole)
    assert "\n" not in "".join(refused)
    assert "".join(capfd.readouterr()) == ""


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tmp_path, weighted(), ("pay",))
    with monkeypatch.context() as patch:
        patch.setattr(audit.detectors.onnx_model, "LARGEST", 10)
        assert run.refusal().slug == "detector-too-large"
    run.path.unlink()
    assert run.refusal().message == "no model file model.onnx"
    run.path.mkdir()
    assert run.refusal().message == "the model file model.onnx cannot be read (IsADirectoryError)"
    run.path.rmdir()
    os.mkfifo(run.path)
    assert str(run.refusal()) == "the model file model.onnx is a pipe or a device — `path` names a .onnx file"


def test_an_operator_that_nobody_has(tmp_path: Path) -> None:
    model = built(
        [node("NoSuchOperator", ["pay"], ["score"])], [("pay", FLOAT, ["N", 1])], [("score", FLOAT, ["N", 1])]
    )
    error = Run(tmp_path, model, ("pay",)).refusal()
    assert error.message.startswith("model.onnx cannot be loaded by onnxruntime (")


@pytest.mark.parametrize(
    ("model", "features", "message"),
    [
        (identity(3), ("a", "b"), "the model takes 3 columns, and `features` names 2"),
        (identity(None), ("a", "b"), "the model takes 1 columns, and `features` names 2"),
        (identity("F"), ("a", "b"), "it does not say how many columns its input 'score_in' takes"),
        (identity("F"), ("a",), "it does not say how many columns its input 'score_in' takes"),
        (identity("F"), ("score_in",), "its input 'score_in' takes an unknown number of columns, not one"),
        (identity(2, rows=1), ("a", "b"), "its input 'score_in' takes exactly 1 rows at a time"),
        (
            built([node("ReduceMax", ["x"], ["y"], axes=[1, 2])], [("x", FLOAT, ["N", 3, 3])], [("y", FLOAT, None)]),
            ("x",),
            "its input 'x' is no column or table of numbers or texts",
        ),
        (identity(kind=TensorProto.FLOAT16), ("score_in",), "its input 'score_in' is no column or table"),
        (two(("a", FLOAT, ["N", 2]), ("b", FLOAT, ["N", 1])), ("a", "b"), "its input 'a' takes 2 columns, not one"),
    ],
)
def test_inputs_that_do_not_fit(tmp_path: Path, model: Any, features: tuple[str, ...], message: str) -> None:
    error = Run(tmp_path, model, features).refusal()
    assert message in error.message
    assert error.slug in ("detector-inputs", "detector-columns")


def test_inputs_are_matched_by_name_or_not_at_all(tmp_path: Path) -> None:
    model = two(("pay", FLOAT, ["N", 1]), ("age", FLOAT, ["N", 1]))
    error = Run(tmp_path, model, ("pay", "text")).refusal()
    assert error.message == "model.onnx: `features` does not name the inputs of the model"
    assert error.hint == "the model also needs: age; it has no input for: text"


INPUTS = {"float": FLOAT, "int64": INT64, "text": TEXT, "bool": BOOL}


@pytest.mark.parametrize(
    ("element", "column", "message"),
    [
        ("int64", pa.array([1, None]), "has empty cells, and the model takes int64 there"),
        ("text", pa.array([CANARY, None]), "has empty cells, and the model takes text there"),
        ("bool", pa.array([True, None]), "has empty cells, and the model takes bool there"),
        ("float", pa.array([CANARY, "1"]), "holds something else than numbers"),
        ("float", pa.array([0, 1], pa.date32()), "holds something else than numbers"),
        ("int64", pa.array(["1", "2"]), "holds something else than whole numbers"),
        ("int64", pa.array([1.0, 2.5]), "holds something else than whole numbers (int64)"),
        ("int64", pa.array([1.0, float("nan")]), "holds something else than whole numbers (int64)"),
        ("int64", pa.array([1, 2**63], pa.uint64()), "holds something else than whole numbers (int64)"),
        ("text", pa.array([1, 2]), "holds something else than text"),
        ("bool", pa.array([1, 0]), "holds something else than true and false"),
    ],
)
def test_cells_that_an_input_cannot_take(tmp_path: Path, element: str, column: pa.Array, message: str) -> None:
    model = two(("score", FLOAT, ["N", 1]), ("other", INPUTS[element], ["N", 1]))
    table = pa.table({"score": [0.5, 0.5], "other": column})
    error = Run(tmp_path, model, ("score", "other")).refusal(table)
    assert error.message.startswith("model.onnx, batch 1: the column 'other' ")
    assert message in error.message
    assert CANARY not in str(error)


@pytest.mark.parametrize(
    ("element", "column", "given"),
    [
        ("int64", pa.array([1.0, 0.0]), [1, 0]),
        ("int64", pa.array([True, False]), [1, 0]),
        ("int64", pa.array([1, 0], pa.int8()), [1, 0]),
        ("float", pa.array([1, 0]), [1, 0]),
        ("float", pa.array([True, False]), [1, 0]),
        ("float", pa.array([1.0, 0.0]).cast(pa.decimal128(5, 2)), [1, 0]),
        ("float", pa.array([None, None]), [None, None]),
        ("text", pa.array(["1", "0"]).dictionary_encode(), [1, 0]),
        ("text", pa.array(["1", "0"], pa.large_string()), [1, 0]),
    ],
)
def test_cells_that_are_what_an_input_takes(
    tmp_path: Path, element: str, column: pa.Array, given: list[float | None]
) -> None:
    cast = node("Cast", ["x"], ["score"], to=FLOAT)
    model = built([cast], [("x", INPUTS[element], ["N"])], [("score", FLOAT, ["N"])])
    assert Run(tmp_path, model, ("x",)).scores(pa.table({"x": column})) == given


def outputs(*names: str, kind: int = FLOAT) -> Any:
    return built(
        [node("Identity", ["x"], [name]) for name in names],
        [("x", kind, ["N", 1])],
        [(name, kind, ["N", 1]) for name in names],
    )


def test_outputs_are_chosen_by_the_plan_where_there_are_several(tmp_path: Path) -> None:
    model = outputs("a", "b")
    error = Run(tmp_path, model, ("x",)).refusal()
    assert str(error) == ("model.onnx: 2 outputs of the model could hold a score a row — write output = one of: a, b")
    error = Run(tmp_path, model, ("x",), output="c").refusal()
    assert str(error) == "model.onnx: the model has no output 'c' — write output = one of: a, b"
    assert Run(tmp_path, model, ("x",), output="b").scores(pd.DataFrame({"x": [0.5]})) == [0.5]
    labels = outputs("a", "b", kind=INT64)
    error = Run(tmp_path, labels, ("x",), answers="decision").refusal()
    assert error.message == "model.onnx: 2 outputs of the model could hold a decision a row"


def test_scores_and_decisions_are_not_taken_for_each_other(tmp_path: Path) -> None:
    labels = outputs("label", kind=INT64)
    error = Run(tmp_path, labels, ("x",)).refusal()
    assert error.message == "model.onnx: no output of the model holds a score a row"
    assert 'answers = "decision"' in error.hint
    scores = outputs("score")
    error = Run(tmp_path, scores, ("x",), answers="decision").refusal()
    assert error.message == "model.onnx: no output of the model holds a decision a row"
    error = Run(tmp_path, scores, ("x",), answers="decision", output="score").refusal()
    assert error.message == "model.onnx: the output 'score' is none that holds a decision a row"


def test_classes_of_the_plan_that_do_not_fit(tmp_path: Path) -> None:
    error = Run(tmp_path, identity(2), ("a", "b")).refusal()
    assert error.message == "model.onnx: the model does not say which classes its output 'score' has"
    error = Run(tmp_path, identity(2), ("a", "b"), classes=["0", "1", "2"]).refusal()
    assert error.message == "model.onnx: the output 'score' has 2 columns, and there are 3 classes"
    error = Run(tmp_path, identity(2), ("a", "b"), classes=["no", "yes"]).refusal()
    assert str(error) == "model.onnx: the model has no class '1' — write positive_class = one of: no, yes"
    table = pd.DataFrame({"a": [0.25], "b": [0.75]})
    assert Run(tmp_path, identity(2), ("a", "b"), classes=["0", "1"]).scores(table) == [0.75]
    with pytest.raises(ValueError, match="`classes` names a class twice"):
        OnnxSection(kind="onnx", path=Path("m"), features=("a",), threshold=0.5, classes=("1", "1"))


def zipped(labels: list[int]) -> Any:
    """A model that gives its two columns as a map from class to probability."""
    graph = helper.make_graph(
        [node("ZipMap", ["x"], ["p"], classlabels_int64s=labels)],
        "zipped",
        [helper.make_tensor_value_info("x", FLOAT, ["N", 2])],
        [
            helper.make_value_info(
                "p",
                helper.make_sequence_type_proto(
                    helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, []))
                ),
            )
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def test_classes_against_what_the_model_says(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [0.25], "b": [0.75]})
    assert Run(tmp_path, zipped([1, 0]), ("a", "b")).scores(table) == [0.25]
    assert Run(tmp_path, zipped([1, 0]), ("a", "b"), classes=["1", "0"]).scores(table) == [0.25]
    error = Run(tmp_path, zipped([1, 0]), ("a", "b"), classes=["0", "1"]).refusal()
    assert str(error) == "model.onnx: `classes` is not what the model says — leave it out; the model says: 1, 0"
    run = Run(tmp_path, zipped([1, 0]), ("a", "b"))
    run.open()
    assert run.detector._output is not None
    with pytest.raises(DetectorError, match="has another form than the model says"):
        run.detector._output.read([{1: 0.25, 0: 0.75}, {1: 0.25, 2: 0.75}], "batch 1")
    error = Run(tmp_path, zipped([1, 1]), ("a", "b")).refusal()
    assert error.message == "model.onnx: the model names a class twice"


def test_an_answer_of_another_form_than_said(tmp_path: Path) -> None:
    """The width is left open, and turns out to be two; the rows are not those that were given."""
    wide = built([node("Concat", ["x", "x"], ["y"], axis=1)], [("x", FLOAT, ["N", 1])], [("y", FLOAT, ["N", "K"])])
    error = Run(tmp_path, wide, ("x",)).refusal(pd.DataFrame({"x": [0.5]}))
    assert "does not say which classes its output 'y' has" in error.message
    longer = built([node("Concat", ["x", "x"], ["y"], axis=0)], [("x", FLOAT, ["N", 1])], [("y", FLOAT, ["M", 1])])
    error = Run(tmp_path, longer, ("x",)).refusal(pd.DataFrame({"x": [0.5]}))
    assert "1 rows were given and 2 answers came back" in error.message


def test_what_a_model_raises_is_named_by_type_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cast = node("Cast", ["text"], ["score"], to=FLOAT)
    model = built([cast], [("text", TEXT, ["N"])], [("score", FLOAT, ["N"])])
    error = Run(tmp_path, model, ("text",)).refusal(pa.table({"text": [CANARY]}))
    assert error.message.startswith("model.onnx, batch 1: the model raised ")
    assert CANARY not in str(error) + "".join(capfd.readouterr())


def test_a_locale_that_is_not_installed_is_named_as_what_is_missing(tmp_path: Path) -> None:
    """A vectoriser with lowercase becomes such a node; its locale is not on every machine."""
    lower = node("StringNormalizer", ["text"], ["label"], case_change_action="LOWER", locale="xx_XX.UTF-8")
    model = built([lower], [("text", TEXT, ["N"])], [("label", TEXT, ["N"])])
    error = Run(tmp_path, model, ("text",), answers="decision", classes=["a", "b"], positive_class="a").refusal()
    assert error.slug == "detector-locale"
    assert error.message.endswith("by the rules of a locale that this machine does not have")
