"""Prepare a batch for an ONNX model: all features as columns of one input, or each feature for the input of its name.

A cell keeps its type: a number goes to an input of numbers, text to an input of text. An empty cell becomes NaN in an
input of floats. No other type can express an empty cell, so there it ends the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from audit.detectors.column_order import BY_PLAN, differences
from audit.errors import DetectorError
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import numpy.typing as npt

_ELEMENTS: Final = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "text",
}
"""By type of an input in onnxruntime: the elements that it takes."""


class OnnxInputs:
    """The inputs of a model, and the columns that each of them takes."""

    def __init__(self, inputs: Sequence[Any], features: tuple[str, ...], file: str) -> None:
        """Match inputs, each with `name`, `type` and `shape`, with the features. Raises DetectorError if they do not
        fit.
        """
        self._file = file
        self._features = features
        self._elements = {model_input.name: self._element(model_input) for model_input in inputs}
        self.notes: list[str] = []
        """Notes for the reader on the order and names of the columns."""
        self.missing: set[str] = set()
        """Columns in which empty cells became NaN."""
        self._table: str | None = None
        """The input that takes all features as its columns; None if each feature has an input of its own."""
        self._rank = {model_input.name: len(model_input.shape) for model_input in inputs}
        if len(inputs) == 1 and (len(features) > 1 or inputs[0].name != features[0]):
            self._one_input(inputs[0])
        else:
            self._by_name(inputs)

    def feed(self, batch: pa.RecordBatch, where: str) -> dict[str, npt.NDArray[Any]]:
        """Make the arrays for a batch of n rows, by input: [n, columns], [n, 1] or [n].

        Raises
        ------
        DetectorError
            A column has cells that its input cannot take. The message begins with `where`.
        """
        feeds = {}
        for name, element in self._elements.items():
            columns = self._features if self._table == name else (name,)
            arrays = [self._cells(batch.column(column), column, element, where) for column in columns]
            feeds[name] = arrays[0] if self._rank[name] == 1 else np.column_stack(arrays)
        return feeds

    def _element(self, model_input: Any) -> str:
        element = _ELEMENTS.get(model_input.type)
        shape = model_input.shape
        if element is None or len(shape) not in (1, 2):
            raise self._refused(f"its input {shown(model_input.name)!r} is no column or table of numbers or texts")
        if isinstance(shape[0], int):
            raise self._refused(f"its input {shown(model_input.name)!r} takes exactly {shape[0]} rows at a time")
        return element

    def _one_input(self, only: Any) -> None:
        width = 1 if len(only.shape) == 1 else only.shape[1]
        if not isinstance(width, int):
            raise self._refused(f"it does not say how many columns its input {shown(only.name)!r} takes")
        if width != len(self._features):
            raise DetectorError(
                f"{self._file}: the model takes {width} columns, and `features` names {len(self._features)}",
                slug="detector-columns",
            )
        self._table = only.name
        self.notes.append(
            BY_PLAN
            if width > 1
            else f"The one input of the model is called {shown(only.name)}; it was given {shown(self._features[0])}."
        )

    def _by_name(self, inputs: Sequence[Any]) -> None:
        hint = differences(self._features, [model_input.name for model_input in inputs], surplus="it has no input for")
        if hint:
            raise DetectorError(
                f"{self._file}: `features` does not name the inputs of the model", slug="detector-columns", hint=hint
            )
        for model_input in inputs:
            if len(model_input.shape) == 2 and model_input.shape[1] != 1:
                width = model_input.shape[1] if isinstance(model_input.shape[1], int) else "an unknown number of"
                raise self._refused(f"its input {shown(model_input.name)!r} takes {width} columns, not one")

    def _refused(self, why: str) -> DetectorError:
        return DetectorError(
            f"{self._file}: the model cannot be given these columns: {why}",
            slug="detector-inputs",
            hint="export it for any number of rows, with one input [rows, columns] or one input [rows, 1] a column",
        )

    def _cells(self, column: pa.Array, name: str, element: str, where: str) -> npt.NDArray[Any]:
        """Convert the cells of a column to an array of `element`. Raises DetectorError for a cell of another type."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if element.startswith("float"):
            return self._floats(column, name, element, where)
        if column.null_count:
            raise DetectorError(
                f"{where}: the column {shown(name)!r} has empty cells, and the model takes {element} there",
                slug="detector-missing-cells",
            )
        if element == "text":
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                raise _other_type(where, name, "text")
            return _as_numpy(column)
        if element == "bool":
            if not pa.types.is_boolean(column.type):
                raise _other_type(where, name, "true and false")
            return _as_numpy(column)
        if not _is_number(column.type):
            raise _other_type(where, name, "whole numbers")
        try:
            return _as_numpy(column.cast(element))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise _other_type(where, name, f"whole numbers ({element})") from None

    def _floats(self, column: pa.Array, name: str, element: str, where: str) -> npt.NDArray[Any]:
        if column.null_count:
            self.missing.add(name)
        if not (_is_number(column.type) or pa.types.is_null(column.type)):
            raise _other_type(where, name, "numbers")
        doubles = column.cast(pa.float64(), safe=False).fill_null(float("nan"))
        with np.errstate(over="ignore"):
            return _as_numpy(doubles).astype(element)


def _as_numpy(column: pa.Array) -> npt.NDArray[Any]:
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _is_number(kind: pa.DataType) -> bool:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return any(is_kind(kind) for is_kind in kinds)


def _other_type(where: str, name: str, wanted: str) -> DetectorError:
    return DetectorError(
        f"{where}: the column {shown(name)!r} holds something else than {wanted}, which the model takes there",
        slug="detector-cell-type",
        hint="numbers of a CSV file are named under `numbers`; text is given to a model only as text",
    )
