"""Read the graph of an .onnx file: which node makes which value, and whether the whole model is in the file.

onnxruntime shows the inputs and outputs of a model, but not the names of its classes. The graph shows them. It is read
with protobuf, which onnxruntime needs too, by the field numbers of onnx.proto (the standard of ONNX; its own package is
not needed). Only the fields used here are declared; protobuf skips the rest. Nothing of the model is run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from audit.detectors.extras import import_extra
from audit.errors import DetectorError

LARGEST: Final = 2**31
"""Most bytes of a file: protobuf reads no larger file."""

_TYPES: Final = {"int32": 5, "int64": 3, "bytes": 12}
_MESSAGE: Final = 11
"""Types of a field, as descriptor.proto numbers them."""
_RANDOM: Final = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
_TENSOR_INT32, _TENSOR_INT64, _TENSOR_STRING = 6, 7, 8
"""Types of a tensor, as onnx.proto numbers them."""


class OnnxGraph:
    """The nodes of a model, by the values that they make."""

    def __init__(self, content: bytes, name: str) -> None:
        """Read the bytes of a file. Messages call the file `name`.

        Raises
        ------
        DetectorError
            The bytes are no ONNX model, or weights of the model are in other files, which are not opened.
        """
        model = _read(content, name)
        if any(tensor.external_data or tensor.data_location for tensor in _all_of("Tensor", model)):
            raise DetectorError(
                f"{name} keeps weights in other files, and those are not opened", slug="detector-external-data"
            )
        local_functions = {(function.domain, function.name) for function in model.functions}
        self._makers = {
            output: node
            for node in model.graph.node
            if (node.domain, node.op_type) not in local_functions
            for output in node.output
        }
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self.random = any(_text(node.op_type) in _RANDOM for node in _all_of("Node", model))
        """Whether the model draws random numbers."""

    def maker(self, value: str) -> Any | None:
        """The node that makes `value`; None for an input, a constant, or the output of a function of the model."""
        return self._makers.get(value.encode())

    def constant(self, value: str) -> list[str] | None:
        """The whole numbers or texts of a constant, as text; None if it is no constant, or of another type."""
        tensor = self._constants.get(value.encode())
        if tensor is None:
            return None
        if tensor.data_type == _TENSOR_STRING:
            return [_text(encoded) for encoded in tensor.string_data]
        if tensor.data_type not in (_TENSOR_INT32, _TENSOR_INT64):
            return None
        if tensor.raw_data:
            width = 4 if tensor.data_type == _TENSOR_INT32 else 8
            raw = tensor.raw_data
            return [
                str(int.from_bytes(raw[at : at + width], "little", signed=True)) for at in range(0, len(raw), width)
            ]
        return [str(number) for number in (*tensor.int32_data, *tensor.int64_data)]


def operator(node: Any) -> str:
    """Name of the operator of a node, with its domain if that is not the standard one."""
    domain = _text(node.domain)
    return _text(node.op_type) if domain in ("", "ai.onnx") else f"{domain}:{_text(node.op_type)}"


def inputs_of(node: Any) -> list[str]:
    """Names of the inputs of a node."""
    return [_text(name) for name in node.input]


def place_of(node: Any, value: str) -> int:
    """The place of `value` among the outputs of a node."""
    return [_text(name) for name in node.output].index(value)


def attribute(node: Any, name: str) -> Any | None:
    """An attribute of a node, with fields `i`, `ints` and `strings`; None if the node does not have it."""
    return next((candidate for candidate in node.attribute if _text(candidate.name) == name), None)


def labels_of(node: Any) -> list[str]:
    """The classes that a classifier node names, as text; may be empty."""
    for name in ("classlabels_strings", "classlabels_int64s", "classlabels_ints"):
        labels = attribute(node, name)
        if labels is not None and (labels.strings or labels.ints):
            return [_text(label) for label in labels.strings] or [str(label) for label in labels.ints]
    return []


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _read(content: bytes, name: str) -> Any:
    decode_error = import_extra("google.protobuf.message", kind="onnx", extra="onnx").DecodeError
    model = _message_class()()
    try:
        model.ParseFromString(content)
    except (decode_error, RecursionError):
        raise _not_onnx(name) from None
    if not model.HasField("graph") or not model.graph.node:
        raise _not_onnx(name)
    return model


def _not_onnx(name: str) -> DetectorError:
    return DetectorError(
        f"{name} is not an ONNX file, or is damaged",
        slug="detector-not-onnx",
        hint='`path` names an .onnx file; a scikit-learn model saved with skops is kind = "skops"',
    )


def _message_class() -> Any:
    """Make the message class `Model` in a pool of its own, so that the `onnx` package can be loaded too."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="audit7k/onnx.proto", package="audit7k", syntax="proto2")
    messages = tomllib.loads(Path(__file__).with_name("onnx_fields.toml").read_text(encoding="utf-8"))
    for message, fields in messages.items():
        described = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            type_name = kind.rstrip("*")
            added = described.field.add(name=field, number=number, label=1 if kind == type_name else 3)
            added.type = _TYPES.get(type_name, _MESSAGE)
            if added.type == _MESSAGE:
                added.type_name = f".audit7k.{type_name}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("audit7k.Model"))


def _all_of(kind: str, message: Any) -> Iterator[Any]:
    """Yield every message of a kind inside a message, at any depth."""
    if message.DESCRIPTOR.name == kind:
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for nested in [value] if hasattr(value, "ListFields") else value:
                yield from _all_of(kind, nested)
