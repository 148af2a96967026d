"""ONNX models for the tests: scikit-learn's by skl2onnx, and small ones built node by node."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper

from audit.detectors.onnx_model import OnnxDetector
from audit.detectors.protocol import RunContext
from audit.errors import DetectorError
from audit.plan.detectors import OnnxDetector as OnnxSection

FLOAT, DOUBLE, INT64, TEXT, BOOL = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.BOOL,
)
IR_VERSION = 10
"""Old enough for any onnxruntime that the extra allows."""


def converted(model: Any, table: pd.DataFrame, *, zipmap: bool | str | None = None, one_input: bool = False) -> bytes:
    """A fitted estimator as skl2onnx writes it: with an input for each column of `table`, or one of floats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

        types = {"f": FloatTensorType, "i": Int64TensorType}
        inputs = [(name, types.get(table[name].dtype.kind, StringTensorType)([None, 1])) for name in table]
        if one_input:
            inputs = [("X", FloatTensorType([None, table.shape[1]]))]
        options = None if zipmap is None else {id(model): {"zipmap": zipmap}}
        made: bytes = to_onnx(model, initial_types=inputs, options=options).SerializeToString()
        return made


def built(
    nodes: Sequence[Any],
    inputs: Sequence[tuple[str, int, list[Any]]],
    outputs: Sequence[tuple[str, int, list[Any] | None]],
    constants: dict[str, Any] | None = None,
) -> ModelProto:
    """A model of these nodes; inputs and outputs by name, type and shape, constants as arrays."""
    graph = helper.make_graph(
        list(nodes),
        "built",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def node(op: str, given: Sequence[str], made: Sequence[str], **attributes: Any) -> Any:
    """A node, of the domain `ai.onnx.ml` where that has the operator."""
    ml = op in {"LinearClassifier", "ArrayFeatureExtractor", "ZipMap"}
    return helper.make_node(op, list(given), list(made), domain="ai.onnx.ml" if ml else "", **attributes)


def identity(
    width: Any = 1, *, kind: int = FLOAT, rows: Any = "N", given: str = "score_in", made: str = "score"
) -> ModelProto:
    """A model that answers with what it is given."""
    shape = [rows] if width is None else [rows, width]
    return built([node("Identity", [given], [made])], [(given, kind, shape)], [(made, kind, shape)])


class Run:
    """A model, saved and opened, that answers tables."""

    def __init__(self, folder: Path, model: bytes | ModelProto, features: Sequence[str], **section: Any) -> None:
        content = model if isinstance(model, bytes) else model.SerializeToString()
        self.path = folder / "model.onnx"
        self.path.write_bytes(content)
        cut = {} if section.get("answers") == "decision" else {"threshold": 0.5}
        self.section = OnnxSection.model_validate(
            {"kind": "onnx", "path": "model.onnx", "features": list(features), **cut, **section}
        )
        self.folder = folder
        self.detector = OnnxDetector(self.section, folder)

    def open(self, rows: int = 10) -> None:
        section = self.section
        self.detector.open(RunContext(self.folder, section.features, section.answers, section.score_range, rows))

    def answer(self, table: pd.DataFrame | pa.Table) -> pa.RecordBatch:
        """What an opened model answers."""
        given = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
        (columns,) = given.select(list(self.section.features)).combine_chunks().to_batches()
        row_ids = pa.array(range(len(given)), type=pa.int64())
        names = ["row_id", *self.section.features]
        return self.detector.score(pa.RecordBatch.from_arrays([row_ids, *columns.columns], names=names))

    def scores(self, table: pd.DataFrame | pa.Table) -> list[Any]:
        """Open, ask once, close."""
        self.open(len(table))
        try:
            return list(self.answer(table).column("score").to_pylist())
        finally:
            self.detector.close()

    def refusal(self, table: pd.DataFrame | pa.Table | None = None) -> DetectorError:
        """The one line with which the model is refused, on opening or at its first batch."""
        with pytest.raises(DetectorError) as caught:
            self.scores(table) if table is not None else self.open()
        assert "\n" not in str(caught.value)
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        return caught.value


def external(model: ModelProto, location: str) -> ModelProto:
    """The same, with its first constant said to stand at `location`."""
    moved = ModelProto()
    moved.CopyFrom(model)
    _to_external(moved.graph.initializer[0], location)
    return moved


def external_in_a_branch(location: str) -> ModelProto:
    """A model whose only external constant stands in a branch of an `If`."""
    tensor = numpy_helper.from_array(np.ones((1, 1), np.float32), "far")
    _to_external(tensor, location)
    branches = [
        helper.make_graph(
            [node("Constant", [], ["c"], value=constant)], "b", [], [helper.make_tensor_value_info("c", FLOAT, None)]
        )
        for constant in (tensor, numpy_helper.from_array(np.ones((1, 1), np.float32), "near"))
    ]
    nodes = [
        node("If", ["yes"], ["w"], then_branch=branches[0], else_branch=branches[1]),
        node("MatMul", ["x", "w"], ["score"]),
    ]
    assert nodes[0].attribute[0].type == AttributeProto.GRAPH
    return built(nodes, [("x", FLOAT, ["N", 1])], [("score", FLOAT, ["N", 1])], {"yes": np.array(True)})


def _to_external(tensor: TensorProto, location: str) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
