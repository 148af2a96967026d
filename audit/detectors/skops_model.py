"""`kind = "skops"`: a scikit-learn estimator saved with skops, loaded only if every type in it is on a list.

The model is given each batch as a pandas DataFrame with the columns of `features`: in the order of its training if it
knows their names, else in the order of the plan. Missing values are NaN. The score is the probability that
`predict_proba` gives to `positive_class`. Without that method, `decision_function` is used if the plan states its
`score_range`; with `answers = "decision"`, `predict` is used.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from audit.detectors.answers import protocol_answer
from audit.detectors.column_order import BY_PLAN, differences
from audit.detectors.error_names import error_name
from audit.detectors.model_file import ModelOfPath
from audit.detectors.one_thread import NOTE, OneThread
from audit.detectors.protocol import DetectorInfo, RunContext
from audit.detectors.skops_file import load_model, read_skops_file
from audit.detectors.skops_positive import PositiveClass
from audit.detectors.skops_types import check_trees, objects_of
from audit.errors import DetectorError
from audit.plan.detectors import PickleDetector as PickleSection
from audit.plan.detectors import SkopsDetector as SkopsSection


class SkopsDetector(ModelOfPath[SkopsSection | PickleSection]):
    """A scikit-learn estimator that is run over the batches, on one thread."""

    def __init__(self, section: SkopsSection | PickleSection, folder: Path) -> None:
        super().__init__(section, folder)
        self._model: Any = None
        self._positive: PositiveClass | None = None
        self._columns: tuple[str, ...] = ()
        self._warned: set[str] = set()
        self._threads: OneThread | None = None

    @property
    def info(self) -> DetectorInfo:
        """Name of the file and its digest, which does not cover types of other packages; notes on how it was run."""
        is_whole = self._digest_is_whole and not getattr(self._section, "trusted", ())
        return replace(super().info, digest_is_whole=is_whole, notes=(*self._notes, NOTE))

    def _course_notes(self) -> list[str]:
        warned = ", ".join(sorted(self._warned))
        return [f"scikit-learn warned while scoring: {warned} (texts withheld)."] if warned else []

    def open(self, ctx: RunContext) -> None:
        """Check and load the file. Raises DetectorError if it is no skops file, is not allowed, or does not fit."""
        self._context = ctx
        self._model, notes = self._loaded()
        self._notes.extend(notes)
        check_trees(self._model, self._name)
        _set_one_job(self._model)
        self._positive = PositiveClass(self._model, self._section, self._name)
        self._notes.extend(self._positive.notes)
        self._columns = self._column_order()
        self._threads = OneThread()

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask the model for one batch. Raises DetectorError if it raises, or its answers cannot be used."""
        assert self._positive is not None  # noqa: S101 - the harness opens before it scores
        assert self._context is not None  # noqa: S101
        where = self._next_batch()
        table = self._table(batch)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                returned = self._positive.ask(table)
        except Exception as error:
            raise DetectorError(
                f"{where}: the model raised {error_name(error)}",
                slug="detector-raised",
                hint="its text is withheld because it can quote a row; check that the columns have the types it was "
                "trained on (numbers of a CSV file are named under `numbers`), and that it takes missing values",
            ) from None
        self._warned.update(error_name(warning.message) for warning in caught if isinstance(warning.message, Warning))
        return protocol_answer(batch, returned, self._context, where=where)

    def close(self) -> None:
        """Forget the model and restore the threads."""
        if self._threads is not None:
            self._threads.release()
            self._threads = None
        self._model = self._positive = None

    def _loaded(self) -> tuple[Any, list[str]]:
        """Load the model. Returns it, and notes for the reader on how it was loaded."""
        content = read_skops_file(self._path, self._name)
        self._sha256 = hashlib.sha256(content).hexdigest()
        assert isinstance(self._section, SkopsSection)  # noqa: S101 - a pickle is loaded otherwise
        return load_model(content, self._name, self._section.trusted)

    def _column_order(self) -> tuple[str, ...]:
        """The features in the order of the training. Raises DetectorError if they do not fit the model."""
        features = self._section.features
        trained = getattr(self._model, "feature_names_in_", None)
        if trained is None:
            count = getattr(self._model, "n_features_in_", None)
            if count is not None and count != len(features):
                raise DetectorError(
                    f"{self._name}: the model takes {count} columns, and `features` names {len(features)}",
                    slug="detector-columns",
                )
            if len(features) > 1:
                self._notes.append(BY_PLAN)
            return features
        wanted = tuple(str(name) for name in trained)
        hint = differences(features, wanted, surplus="it was not trained on")
        if hint:
            raise DetectorError(
                f"{self._name}: `features` does not name the columns that the model was trained on",
                slug="detector-columns",
                hint=hint,
            )
        return wanted

    def _table(self, batch: pa.RecordBatch) -> Any:
        """Convert the batch to the input of the model: a DataFrame, an array without names, or one column of text."""
        columns = []
        for name in self._columns:
            column = batch.column(name)
            columns.append(column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column)
        table = pa.RecordBatch.from_arrays(columns, names=list(self._columns)).to_pandas()
        if self._positive is not None and self._positive.missing_is_none:
            texts = [name for name in self._columns if not pa.types.is_primitive(batch.column(name).type)]
            table[texts] = table[texts].astype(object).where(table[texts].notna(), None)
        if getattr(self._model, "feature_names_in_", None) is not None:
            return table
        if getattr(self._model, "n_features_in_", None) is not None:
            return np.asarray(table)
        return table[self._columns[0]] if len(self._columns) == 1 else table


def _set_one_job(model: Any) -> None:
    """Set `n_jobs` of every estimator in the model to one, fitted parts included."""
    from sklearn.base import BaseEstimator

    for part, _ in objects_of(model):
        if isinstance(part, BaseEstimator) and "n_jobs" in vars(part):
            part.n_jobs = 1
