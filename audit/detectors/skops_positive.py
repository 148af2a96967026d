"""Find the score or decision for the positive class of the plan among the answers of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from audit.detectors.class_names import check_every_class, find_class
from audit.detectors.skops_types import objects_of
from audit.errors import DetectorError
from audit.plan.detectors import PickleDetector as PickleSection
from audit.plan.detectors import SkopsDetector as SkopsSection


class PositiveClass:
    """The way to ask a fitted estimator for the score, or the decision, of one class."""

    def __init__(self, model: Any, section: SkopsSection | PickleSection, file: str) -> None:
        """Find the class. Raises DetectorError if the model has no such class, or cannot answer as the plan asks."""
        self._model = model
        self._file = file
        self.notes: list[str] = []
        """Notes for the reader on the answers."""
        self.missing_is_none = _trained_on_none(model)
        """Whether the model was trained on tables in which missing text is None, as before pandas 3, and not NaN."""
        self._classes = self._class_names()
        self._place = -1
        if section.answers == "class":
            check_every_class(self._classes, section, file)
        else:
            self._place = find_class(self._classes, section.positive_class, file)
        self.ask = self._way_to_ask(section)
        """Function that takes a table of n rows and returns n answers."""

    def _class_names(self) -> list[str]:
        classes = getattr(self._model, "classes_", None)
        if classes is None and _is_outlier_detector(self._model):
            classes = np.array([-1, 1])
        if not isinstance(classes, np.ndarray) or classes.ndim != 1:
            raise DetectorError(
                f"{self._file}: the model is no classifier with one list of classes", slug="detector-no-classes"
            )
        return [_as_text(value) for value in classes]

    def _way_to_ask(self, section: SkopsSection | PickleSection) -> Callable[[Any], Any]:
        if section.answers == "class":
            return self._name
        if section.answers == "decision":
            return self._decide
        if hasattr(self._model, "predict_proba"):
            return self._probability
        if not hasattr(self._model, "decision_function") or len(self._classes) != 2:
            raise DetectorError(
                f"{self._file}: the model gives no probabilities",
                slug="detector-no-score",
                hint='write answers = "decision" and leave out threshold and top_k, or calibrate the model',
            )
        if "score_range" not in section.model_fields_set:
            raise DetectorError(
                f"{self._file}: the model gives no probabilities, only a decision function",
                slug="detector-no-score",
                hint='write score_range = [lowest, highest] for its values, or answers = "decision"',
            )
        self.notes.append("The scores are values of the model's decision function, not probabilities.")
        return self._margin

    def _probability(self, table: Any) -> Any:
        probabilities = self._model.predict_proba(table)
        return probabilities[:, self._place]

    def _margin(self, table: Any) -> Any:
        margin = self._model.decision_function(table)
        return margin if self._place == 1 else -margin

    def _name(self, table: Any) -> list[str]:
        return [_as_text(answer) for answer in np.asarray(self._model.predict(table))]

    def _decide(self, table: Any) -> list[bool | None]:
        positive = self._classes[self._place]
        return [_as_text(answer) == positive for answer in np.asarray(self._model.predict(table))]


def _as_text(value: Any) -> str:
    """Name of a class as a person writes it: 1 and 1.0 are `1`."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _is_outlier_detector(model: Any) -> bool:
    from sklearn.base import is_outlier_detector

    return bool(is_outlier_detector(model))


def _trained_on_none(model: Any) -> bool:
    """Whether an encoder in the model learnt None as a category; then NaN would be an unseen value."""
    for part, _ in objects_of(model):
        categories = getattr(part, "__dict__", {}).get("categories_")
        if isinstance(categories, list) and any(
            value is None
            for column in categories
            if isinstance(column, np.ndarray) and column.dtype == np.dtype(object)
            for value in column
        ):
            return True
    return False
