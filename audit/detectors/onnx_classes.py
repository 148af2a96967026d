"""Find the class of each column of an output in an ONNX graph. Without evidence in the graph it stays unknown.

Two patterns are recognised, as converters write them for classifiers:

- A classifier node of `ai.onnx.ml`, or the `ZipMap` after one, names its classes in the order of its columns.
- The label is taken from a constant list at the place of the largest column: then that list is in the order of the
  columns.

Between these and the output stand only operators that leave every value in its column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from audit.detectors.onnx_file import OnnxGraph, attribute, inputs_of, labels_of, operator, place_of

_CLASSIFIERS: Final = frozenset(
    f"ai.onnx.ml:{name}" for name in ("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier")
)
_ZIP: Final = "ai.onnx.ml:ZipMap"
_SAME_COLUMNS: Final = frozenset({"Identity", "Cast", "ai.onnx.ml:Normalizer"})
"""Operators that leave every value in its row and column."""
_SAME_ROWS: Final = frozenset({"Identity", "Cast", "Reshape", "Squeeze"})
"""Operators that leave a value for each row what it is, and in its order."""
_PICKS: Final = frozenset({"ai.onnx.ml:ArrayFeatureExtractor", "Gather"})
"""Operators that take from their first input what stands at the places of the second."""


def classes_of_scores(graph: OnnxGraph, output: str, labels: Sequence[str]) -> list[str]:
    """The classes of the columns of an output, in order; empty if the graph does not show them.

    Parameters
    ----------
    graph : OnnxGraph
    output : str
        The output with a column, or a key, for each class.
    labels : sequence of str
        The outputs of the model that can be labels. A classifier node is used only if they have the same classes: a
        stacked model ends in a classifier that numbers the classes, and renames them in its label.
    """
    source, node = _back(graph, output, _SAME_COLUMNS)
    if node is not None and operator(node) == _ZIP:
        return labels_of(node)
    for label in labels:
        classes, largest_of = _picked(graph, label)
        if largest_of is not None and _back(graph, largest_of, _SAME_COLUMNS)[0] == source:
            return classes
    if node is None or operator(node) not in _CLASSIFIERS or place_of(node, source) != 1:
        return []
    classes = labels_of(node)
    confirmed = bool(labels) and all(classes_of_labels(graph, label) == classes for label in labels)
    return classes if confirmed else []


def classes_of_labels(graph: OnnxGraph, output: str) -> list[str]:
    """The classes of an output with one label a row; empty if the graph does not show them."""
    source, node = _back(graph, output, _SAME_ROWS)
    if node is not None and operator(node) in _CLASSIFIERS and place_of(node, source) == 0:
        return labels_of(node)
    return _picked(graph, output)[0]


def _picked(graph: OnnxGraph, output: str) -> tuple[list[str], str | None]:
    """The constant list from which an output takes labels, and the value whose largest column is the place in it."""
    _, node = _back(graph, output, _SAME_ROWS)
    if node is None or operator(node) not in _PICKS or len(inputs_of(node)) != 2:
        return [], None
    listed, place = inputs_of(node)
    labels = graph.constant(listed)
    _, largest = _back(graph, place, _SAME_ROWS)
    if labels is None or largest is None or operator(largest) != "ArgMax":
        return [], None
    axis = attribute(largest, "axis")
    if axis is None or axis.i not in (1, -1):
        return [], None
    return labels, inputs_of(largest)[0]


def _back(graph: OnnxGraph, value: str, through: frozenset[str]) -> tuple[str, Any]:
    """Follow `value` back through operators that keep columns or rows. Returns its source and the node that makes
    it.
    """
    seen: set[str] = set()
    node = graph.maker(value)
    while node is not None and operator(node) in through and inputs_of(node) and value not in seen:
        seen.add(value)
        value = inputs_of(node)[0]
        node = graph.maker(value)
    return value, node
