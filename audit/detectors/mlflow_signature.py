"""Read the signature in an MLflow model folder: the columns that the model takes, and their types."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from audit.detectors.column_order import differences
from audit.detectors.mlflow_yaml import unreadable
from audit.errors import DetectorError
from audit.vocabulary.text import shown

_KINDS: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    Path(__file__).with_name("mlflow_kinds.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True)
class Signature:
    """The columns of a model, in its order."""

    names: tuple[str, ...] | None
    """Names of the columns; None if the signature has none."""
    kinds: tuple[str, ...]
    """Kind of the cells of each column."""

    def ordered(self, features: tuple[str, ...], file: str) -> tuple[str, ...]:
        """Put the features of a plan into the order of the signature; without names there, the order of the plan.

        Raises
        ------
        DetectorError
            The features are other columns, or fewer or more. The message begins with `file`.
        """
        if self.names is None:
            if len(features) != len(self.kinds):
                raise DetectorError(
                    f"{file}: the signature of the model has {len(self.kinds)} columns, and `features` names "
                    f"{len(features)}",
                    slug="detector-columns",
                )
            return features
        hint = differences(features, self.names, surplus="it does not take")
        if hint:
            raise DetectorError(
                f"{file}: `features` does not name the columns of the model's signature",
                slug="detector-columns",
                hint=hint,
            )
        return self.names

    def check(self, batch: pa.RecordBatch, columns: Sequence[str], where: str) -> None:
        """Check the cells of a batch; `columns` names its columns in the order of the signature.

        Raises
        ------
        DetectorError
            A column does not fit the signature. The message begins with `where`, and quotes no cell.
        """
        for name, kind in zip(columns, self.kinds, strict=True):
            if not _holds(batch.column(name), kind):
                raise DetectorError(
                    f"{where}: the column {shown(name)!r} holds something else than {kind}, which the model's "
                    "signature says",
                    slug="detector-cell-type",
                    hint="numbers of a CSV file are named under `numbers`; a text is never read as a number here",
                )


def read_signature(signature: object, name: str) -> Signature | None:
    """Read the signature in MLmodel; None if it states no inputs. `name` is the name of the file in errors.

    Raises
    ------
    DetectorError
        It cannot be read, or it asks for inputs that no column of a set can be.
    """
    if signature is None:
        return None
    inputs = signature.get("inputs") if isinstance(signature, dict) else ""
    if inputs is None:
        return None
    try:
        columns = json.loads(inputs) if isinstance(inputs, str) else None
    except (ValueError, RecursionError):
        columns = None
    if not isinstance(columns, list) or not columns or not all(isinstance(column, dict) for column in columns):
        raise unreadable(name, "its signature is no list of inputs")
    if any(column.get("type") == "tensor" for column in columns):
        return _of_tensors(columns, name)
    return Signature(_names(columns, name), tuple(_kind(column, name) for column in columns))


def _names(columns: Sequence[dict[str, Any]], name: str) -> tuple[str, ...] | None:
    names = [column.get("name") for column in columns]
    if all(text is None for text in names):
        return None
    texts = tuple(text for text in names if isinstance(text, str))
    if len(texts) < len(names) or len(set(texts)) < len(texts):
        raise unreadable(name, "its signature names columns twice, or only some of them")
    return texts


def _kind(column: dict[str, Any], name: str) -> str:
    type_name = column.get("type")
    kind = _KINDS["types"].get(type_name) if isinstance(type_name, str) else None
    if kind is None:
        raise _unfit(name, f"a column of the type {shown(type_name) if isinstance(type_name, str) else 'none'}")
    return kind


def _of_tensors(tensors: Sequence[dict[str, Any]], name: str) -> Signature:
    """Read a signature of arrays: one [rows, columns] for all features, or a named [rows] or [rows, 1] for each."""
    read = [_tensor(tensor, name) for tensor in tensors]
    if len(read) == 1 and read[0][0] != 1:
        width, kind = read[0]
        return Signature(None, (kind,) * width)
    if any(width != 1 for width, _ in read):
        raise _unfit(name, "several arrays of more than one column")
    names = _names(tensors, name)
    if names is None and len(read) > 1:
        raise unreadable(name, "its signature has several arrays without names")
    return Signature(names if len(read) > 1 else None, tuple(kind for _, kind in read))


def _tensor(tensor: dict[str, Any], name: str) -> tuple[int, str]:
    """Number of columns of an array, and the kind of its elements."""
    spec = tensor.get("tensor-spec")
    shape: Any = spec.get("shape") if isinstance(spec, dict) else None
    element = spec.get("dtype") if isinstance(spec, dict) else None
    begun = _KINDS["elements"].items() if isinstance(element, str) else ()
    kind = next((is_ for begins, is_ in begun if str(element).startswith(begins)), None)
    has_sizes = isinstance(shape, list) and all(type(size) is int for size in shape)
    if (
        kind is None
        or not has_sizes
        or len(shape) not in (1, 2)
        or shape[0] != -1
        or not 1 <= (*shape, 1)[1] <= 100_000
    ):
        raise _unfit(name, "an array that is no table of numbers or texts for any number of rows")
    return (*shape, 1)[1], kind


def _holds(column: pa.Array, kind: str) -> bool:
    cell_type = column.type.value_type if types.is_dictionary(column.type) else column.type
    if kind == "anything" or types.is_null(cell_type):
        return True
    if kind in ("numbers", "whole numbers"):
        is_number = types.is_integer(cell_type) or types.is_floating(cell_type) or types.is_decimal(cell_type)
        return is_number and (kind == "numbers" or types.is_integer(cell_type) or _all_whole(column))
    of_kind = {
        "text": (types.is_string, types.is_large_string, types.is_string_view),
        "true and false": (types.is_boolean,),
        "times": (types.is_temporal,),
        "bytes": (types.is_binary, types.is_large_binary),
    }
    return any(is_of_kind(cell_type) for is_of_kind in of_kind[kind])


def _all_whole(column: pa.Array) -> bool:
    """Whether every number of a column is whole. An empty cell and NaN are no numbers."""
    doubles = column.cast(pa.float64(), safe=False)
    is_whole = pc.or_(pc.is_nan(doubles), pc.equal(pc.floor(doubles), doubles))
    return pc.all(is_whole, min_count=0).as_py() is not False


def _unfit(name: str, why: str) -> DetectorError:
    return DetectorError(
        f"{name}: the signature of the model asks for {why}",
        slug="detector-inputs",
        hint="a model can be audited here if each input is a column of texts, numbers, truth values or times",
    )
