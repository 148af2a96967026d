"""Choose the output of an ONNX model that holds the answers, and read one score or decision a row from it.

If several outputs are possible, or the class of a column is unknown, the model is refused: then the plan has to say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from audit.detectors.class_names import check_every_class, find_class
from audit.detectors.onnx_classes import classes_of_labels, classes_of_scores
from audit.detectors.onnx_file import OnnxGraph
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
            labels = [one.name for one in outputs if one.type in _LABELS]
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
        fits = [one for one in outputs if _can_be(one, decision=self._decides)]
        what = "a decision" if self._decides else "a score"
        if section.output is not None:
            named = [one for one in outputs if one.name == section.output]
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
        names = listed([one.name for one in candidates], _SHOWN)
        return DetectorError(
            f"{self._file}: {why}",
            slug="detector-output",
            hint=f"write output = one of: {names}" if names else "none of its outputs is one",
        )

    def _agreed(self, known: list[str], section: OnnxSection) -> list[str]:
        given = list(section.classes)
        if self._names:
            # here `classes` says what the answers may be, in no order
            return known or given
        if known and given and known != given:
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
        return known or given

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
    import pyarrow as pa

    if scores.dtype != np.float32:
        return scores.astype(np.float64)
    return np.asarray(pa.array(scores).cast(pa.string()).cast(pa.float64()))


def _form(where: str) -> DetectorError:
    return DetectorError(
        f"{where}: the answer of the model has another form than the model says",
        slug="answers-shape",
        hint="the output must have one row for each row that was given; export the model again",
    )
