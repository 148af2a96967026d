"""Run the detector over the variants of a probe."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from audit.counting.probed import Design
from audit.detectors.answers import CheckedAnswers
from audit.detectors.isolation.options import Isolating
from audit.detectors.isolation.placement import place_restartable_detector
from audit.detectors.protocol import ROW_ID, Detector
from audit.plan.answers import ModelDetector
from audit.plan.audit_plan import AuditPlan
from audit.scoring.progress import Progress
from audit.scoring.rounds import Rounds
from audit.scoring.runner import run_rounds
from audit.stats.arrays import FloatArray

if TYPE_CHECKING:
    from audit.scoring import Keeping


def score_variants(
    plan: AuditPlan, design: Design, folder: Path, progress: Progress, isolating: Isolating, keeping: Keeping | None
) -> CheckedAnswers:
    """Ask the detector about every variant of a probe, except those whose answers an earlier run has kept.

    With `answers = "class"` an answer is 1 if the class means flagged, and 0 if it does not. Raises AuditError.
    """
    section = plan.detector
    assert isinstance(section, ModelDetector)  # noqa: S101 - a file of answers is read elsewhere
    detector = cast("Detector", place_restartable_detector(plan, folder, isolating))
    gathered = _Gathered()
    batches = Rounds(plan, detector, _Variants(design, plan.scoring.batch_size))
    if keeping is not None:
        keeping = keeping._replace(checkpoint=keeping.checkpoint.beside(f"probe-{design.probe}"))
    run_rounds(batches, [gathered], folder, progress, keeping)
    scores = np.concatenate([part.scores for part in gathered.parts])
    return CheckedAnswers(
        _as_decisions(scores, section) if section.answers == "class" else scores,
        np.concatenate([part.status for part in gathered.parts]),
        np.concatenate([part.reason for part in gathered.parts]),
    )


class _Gathered:
    """The answers to the variants of a probe, in their order."""

    def __init__(self) -> None:
        self.parts: list[CheckedAnswers] = []

    def add(self, rows: pa.Array, checked: CheckedAnswers) -> None:  # noqa: ARG002 - they come in order
        self.parts.append(checked)


class _Variants:
    """A source of batches: the variants of a probe."""

    def __init__(self, design: Design, size: int) -> None:
        self._variants = design.batch
        self._size = size
        self.rows = len(design.ids)
        self.name = f"probe {design.probe}"
        self.sha256 = _digest(design)

    def batches(self, first: int) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
        for start in range(0, self.rows, self._size):
            piece = self._variants.slice(start, self._size)
            numbers = np.arange(start, start + piece.num_rows, dtype=np.int64)
            columns = [pa.array(first + numbers), *piece.columns]
            yield pa.array(numbers), pa.RecordBatch.from_arrays(columns, names=[ROW_ID, *piece.schema.names])


def _digest(design: Design) -> str:
    """Digest of everything that is asked: ids stand for texts and templates, columns are what the detector is given."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, design.batch.schema) as writer:
        writer.write_batch(design.batch)
    found = hashlib.sha256("\0".join(design.ids).encode())
    found.update(sink.getvalue())
    return found.hexdigest()


def _as_decisions(places: FloatArray, section: ModelDetector) -> FloatArray:
    """Turn places of classes into 1 if the class means flagged and 0 if not; NaN without an answer."""
    means = [float(name in section.positive_classes) for name in section.classes]
    return np.array([math.nan if math.isnan(place) else means[int(place)] for place in places])
