"""Choose the output of an ONNX model that holds the answers, and read one score or decision a row from it.

If several outputs are possible, or the class of a column is unknown, the model is refused: then the plan has to say it.

Find the class of each column of an output in an ONNX graph. Without evidence in the graph it stays unknown.

Two patterns are recognised, as converters write them for classifiers:

- A classifier node of `ai.onnx.ml`, or the `ZipMap` after one, names its classes in the order of its columns.
- The label is taken from a constant list at the place of the largest column: then that list is in the order of the
  columns.

Between these and the output stand only operators that leave every value in its column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.detectors.class_names import check_every_class, find_class
from audit.detectors.onnx_file import OnnxGraph, attribute, inputs_of, labels_of, operator, place_of
from audit.errors import DetectorError
from audit.plan.detectors import OnnxDetector as OnnxSection
from audit.stats.arrays import FloatArray
from audit.vocabulary.text import listed, shown

_SCORES: Final = ("tensor(float)", "tensor(double)")
_MAPS: Final = ("seq(map(string,tensor(float)))", "seq(map(int64,tensor(float)))")
"""Types of the output of `ZipMap`: for each row, the probability of each class by its name."""
_LABELS: Final = ("tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)")
_SHOWN: Final = 10
_ROUNDING: Final = 1e-5
"""Largest error of sums of 32-bit numbers, as a share of the range."""


class OnnxOutput:
    """The output with the answers, and the way to read it."""

    def __init__(self, outputs: Sequence[Any], graph: OnnxGraph, section: OnnxSection, file: str) -> None:
        """Choose among outputs, each with `name`, `type` and `shape`. Raises DetectorError if none is the one to
        read.
        """
        self._file = file
        self._names = section.answers == "class"
        self._decides = self._names or section.answers == "decision"
        self._score_range = section.score_range
        chosen = self._choose(outputs, section)
        self.name: str = chosen.name
        """Name of the output to ask for."""
        self._is_map = chosen.type in _MAPS
        if self._decides:
            known = ["false", "true"] if chosen.type == "tensor(bool)" else classes_of_labels(graph, chosen.name)
        else:
            labels = [output.name for output in outputs if output.type in _LABELS]
            known = classes_of_scores(graph, chosen.name, labels)
        self._classes = self._agreed(known, section)
        self._check_columns(chosen, section)
        self._place: int | None = None
        if self._names:
            check_every_class(self._classes, section, file)
        elif self._classes:
            self._place = find_class(self._classes, section.positive_class, file)

    def read(self, answer: Any, where: str) -> Any:
        """Read one answer a row from the output for a batch; with `answers = "class"` it is the label.

        A score becomes a double. A score of 32 bits is read as the shortest decimal that names it, as programs print
        and compare it: 0.7 reaches a threshold of 0.7. Raises DetectorError if the output has another form.
        """
        if self._names:
            return self._labels(answer, where)
        if self._decides:
            return self._decisions(answer, where)
        scores = self._from_maps(answer, where) if self._is_map else self._column(answer, where)
        doubles = _doubles(scores)
        if scores.dtype == np.float32:
            self._check_rounding(doubles, where)
        return doubles

    def _check_rounding(self, scores: FloatArray, where: str) -> None:
        """Refuse scores that exceed the range by rounding alone: they would be failures, and there can be very many.

        A forest adds 32-bit shares of its trees, and for half of the rows the sum can be 1.0000001.
        """
        low, high = self._score_range
        margin = _ROUNDING * (high - low)
        below = bool(((scores < low) & (scores >= low - margin)).any())
        above = bool(((scores > high) & (scores <= high + margin)).any())
        if below or above:
            wider = [low - margin if below else low, high + margin if above else high]
            raise DetectorError(
                f"{where}: some scores pass score_range in their last digits, as sums of 32-bit numbers do",
                slug="detector-rounding",
                hint=f"write score_range = [{wider[0]!r}, {wider[1]!r}]; scores are never clipped",
            )

    def _choose(self, outputs: Sequence[Any], section: OnnxSection) -> Any:
        fits = [output for output in outputs if _can_be(output, decision=self._decides)]
        what = "a decision" if self._decides else "a score"
        if section.output is not None:
            named = [output for output in outputs if output.name == section.output]
            if not named:
                raise self._unclear(f"the model has no output {shown(section.output)!r}", outputs)
            if named[0] not in fits:
                raise self._unclear(f"the output {shown(section.output)!r} is none that holds {what} a row", fits)
            return named[0]
        if not fits:
            raise DetectorError(
                f"{self._file}: no output of the model holds {what} a row",
                slug="detector-output",
                hint='write answers = "decision" if it gives labels, and leave out threshold and top_k'
                if not self._decides
                else "leave out answers if it gives scores, and write a threshold or top_k",
            )
        if len(fits) > 1:
            raise self._unclear(f"{len(fits)} outputs of the model could hold {what} a row", fits)
        return fits[0]

    def _unclear(self, why: str, candidates: Sequence[Any]) -> DetectorError:
        names = listed([output.name for output in candidates], _SHOWN)
        return DetectorError(
            f"{self._file}: {why}",
            slug="detector-output",
            hint=f"write output = one of: {names}" if names else "none of its outputs is one",
        )

    def _agreed(self, known: list[str], section: OnnxSection) -> list[str]:
        plan_classes = list(section.classes)
        if self._names:
            # here `classes` says what the answers may be, in no order
            return known or plan_classes
        if known and plan_classes and known != plan_classes:
            raise DetectorError(
                f"{self._file}: `classes` is not what the model says",
                slug="detector-classes",
                hint=f"leave it out; the model says: {', '.join(map(shown, known[:_SHOWN]))}",
            )
        if len(set(known)) < len(known):
            raise DetectorError(
                f"{self._file}: the model names a class twice",
                slug="detector-classes",
                hint="the file is damaged or crafted; have the model exported again",
            )
        return known or plan_classes

    def _check_columns(self, chosen: Any, section: OnnxSection) -> None:
        if self._is_map or self._decides:
            if not self._classes:
                raise self._unknown_classes()
            return
        width = 1 if len(chosen.shape) == 1 else chosen.shape[1]
        if isinstance(width, int):
            self._check_width(width)
        if not self._classes and "positive_class" in section.model_fields_set:
            raise DetectorError(
                f"{self._file}: the output {shown(self.name)!r} has no classes, and the plan says positive_class",
                slug="detector-positive-class",
                hint="leave it out if the output is the score; write `classes` if its columns are classes",
            )

    def _check_width(self, width: int) -> None:
        if self._classes and width != len(self._classes):
            raise DetectorError(
                f"{self._file}: the output {shown(self.name)!r} has {width} columns, and there are "
                f"{len(self._classes)} classes",
                slug="detector-classes",
                hint="`output` names the output with a column for each class, and `classes` each of them in order",
            )
        if not self._classes and width != 1:
            raise self._unknown_classes()

    def _unknown_classes(self) -> DetectorError:
        return DetectorError(
            f"{self._file}: the model does not say which classes its output {shown(self.name)!r} has",
            slug="detector-classes",
            hint="write classes = [...] with all of them, in the order of its columns, and positive_class",
        )

    def _column(self, answer: Any, where: str) -> npt.NDArray[Any]:
        if not isinstance(answer, np.ndarray) or answer.ndim not in (1, 2):
            raise _form(where)
        table = answer.reshape(-1, 1) if answer.ndim == 1 else answer
        self._check_width(table.shape[1])
        return table[:, 0 if self._place is None else self._place]

    def _from_maps(self, answer: Any, where: str) -> npt.NDArray[Any]:
        assert self._place is not None  # noqa: S101 - an output of maps has classes
        expected = set(self._classes)
        if not all({str(key) for key in row} == expected for row in answer):
            raise _form(where)
        return np.array([self._of_positive(row) for row in answer], dtype=np.float32)

    def _of_positive(self, row: Mapping[Any, float]) -> float:
        return next(value for key, value in row.items() if str(key) == self._classes[self._place or 0])

    def _decisions(self, answer: Any, where: str) -> FloatArray:
        """float64[n]: 1 if the label is the positive class, 0 if it is another class, NaN if it is no class."""
        assert self._place is not None  # noqa: S101 - labels have classes
        labels = self._labels(answer, where)
        positive, known = self._classes[self._place], set(self._classes)
        return np.array([float(label == positive) if label in known else np.nan for label in labels])

    def _labels(self, answer: Any, where: str) -> list[str]:
        if not isinstance(answer, np.ndarray) or answer.size != len(answer):
            raise _form(where)
        return [str(label).casefold() if answer.dtype.kind == "b" else str(label) for label in answer.reshape(-1)]


def _can_be(output: Any, *, decision: bool) -> bool:
    if output.type in _MAPS:
        return not decision
    if output.type not in (_LABELS if decision else _SCORES) or len(output.shape) not in (1, 2):
        return False
    return not decision or len(output.shape) == 1 or output.shape[1] == 1


def _doubles(scores: npt.NDArray[Any]) -> FloatArray:
    if scores.dtype != np.float32:
        return scores.astype(np.float64)
    return np.asarray(pa.array(scores).cast(pa.string()).cast(pa.float64()))


def _form(where: str) -> DetectorError:
    return DetectorError(
        f"{where}: the answer of the model has another form than the model says",
        slug="answers-shape",
        hint="the output must have one row for each row that was given; export the model again",
    )


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
    listed, index = inputs_of(node)
    labels = graph.constant(listed)
    _, largest = _back(graph, index, _SAME_ROWS)
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
