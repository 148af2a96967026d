"""Ask the detector of a plan about every variant of its probes, or read its answers from a file."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import pyarrow as pa

from audit.counting.probed import Answered
from audit.counting.table import FLAGGED
from audit.detectors.answers import ABSTAIN, NO_REASON, OK, CheckedAnswers
from audit.detectors.isolation.options import IN_PROCESS, Isolating
from audit.detectors.isolation.placement import place_restartable_detector
from audit.detectors.predictions import attached_answers, checked_answer
from audit.detectors.protocol import ROW_ID, Detector
from audit.engines.protocol import identifier
from audit.engines.read_errors import reading
from audit.errors import DataError, PlanError
from audit.evaluation.relation import check_text_type
from audit.plan.answers import ModelDetector, PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.probes import ColumnsProbe, NamedProbeRule, Probe, TextProbe
from audit.scoring.batches import check_features
from audit.scoring.probing.column_design import cast_value, column_design
from audit.scoring.probing.text_design import DesignWithRows, ProbeTexts, variant_id, write_probe_texts
from audit.scoring.progress import NoProgress, Progress
from audit.scoring.rounds import Rounds
from audit.scoring.rules import decision_rule
from audit.scoring.runner import run_rounds
from audit.stages import Scope
from audit.stats.arrays import FloatArray
from audit.vocabulary.text import count_of, shown

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.scoring import Keeping


_ANSWERS: Final = "probe_answers"
"""Name of the relation with a file of answers."""


def probes_to_ask(probes: Sequence[Probe], probe_rules: Sequence[NamedProbeRule], scope: Scope) -> tuple[Probe, ...]:
    """Return the probes of a plan; those without a rule are asked for details alone."""
    limited = {name for rule in probe_rules for name in rule.probes}
    return tuple(probe for probe in probes if scope.has_details or probe.id in limited)


def is_unanswered(probe: Probe, detector: DetectorSection, folder: Path) -> bool:
    """Whether a probe of a detector known by its predictions has no file of answers yet."""
    if not isinstance(detector, PredictionsDetector):
        return False
    return probe.answers is None or not os.path.lexists(folder / probe.answers)


def check_probes(
    plan: AuditPlan, evaluation_set: EvaluationSet, folder: Path, scope: Scope = Scope.DETAILS
) -> tuple[DesignWithRows, ...]:
    """Design the probes of a plan before anything is scored, so that no mistake costs a night of scoring.

    Parameters
    ----------
    plan : AuditPlan
    evaluation_set : EvaluationSet
        Open; it need not be scored.
    folder : Path
        The folder of the plan.
    scope : Scope
        Probes without a rule are designed for details alone.

    Raises
    ------
    AuditError
        A probe cannot be designed.
    """
    probes = probes_to_ask(plan.probes, plan.named_probe_rules, scope)
    return tuple(design_probe(probe, plan.evaluation_set, plan.detector, evaluation_set, folder) for probe in probes)


def check_answers(
    set_section: EvaluationSetSection,
    detector: DetectorSection,
    probes: Sequence[Probe],
    designs: Sequence[DesignWithRows],
    evaluation_set: EvaluationSet,
    folder: Path,
) -> None:
    """Raise DataError where an existing file of answers does not fit. Call it once for an open set."""
    for probe, design in zip(probes, designs, strict=True):
        if isinstance(detector, PredictionsDetector) and not is_unanswered(probe, detector, folder):
            _from_file(set_section, detector, probe, design, evaluation_set, folder)


def check_answerable(
    detector: DetectorSection, probes: Sequence[Probe], probe_rules: Sequence[NamedProbeRule], scope: Scope
) -> None:
    """Raise PlanError where nothing can answer a probe."""
    for probe in probes_to_ask(probes, probe_rules, scope):
        if isinstance(detector, PredictionsDetector) and probe.answers is None:
            raise PlanError(
                f"probe {probe.id}: a detector known by its predictions cannot be asked", slug="probe-needs-answers"
            )


def ask_probes(
    plan: AuditPlan,
    designs: Sequence[DesignWithRows],
    evaluation_set: EvaluationSet,
    folder: Path,
    *,
    progress: Progress | None = None,
    isolating: Isolating = IN_PROCESS,
    keeping: Keeping | None = None,
) -> tuple[Answered, ...]:
    """Get the answers of the detector to every probe, after the set was scored.

    Parameters
    ----------
    plan : AuditPlan
    designs : sequence of DesignWithRows
        The designs of the probes, from `check_probes`.
    evaluation_set : EvaluationSet
        Open, with the view `scored`.
    folder : Path
        The folder of the plan.
    progress : Progress, optional
        Shows progress.
    keeping : Keeping, optional
        Where the answers to the set are kept. Answers to probes are kept beside them.
    isolating : Isolating, optional
        Where the detector is run.

    Raises
    ------
    AuditError
        The detector cannot answer, or a file of answers does not fit.
    """
    if not designs:
        return ()
    cut, words = _cut(plan.detector, evaluation_set)
    probes = {probe.id: probe for probe in plan.probes}
    answered = []
    for design in designs:
        if isinstance(plan.detector, PredictionsDetector):
            answers = _from_file(
                plan.evaluation_set, plan.detector, probes[design.probe], design, evaluation_set, folder
            )
        else:
            answers = score_variants(plan, design, folder, progress or NoProgress(), isolating, keeping)
        answered.append(_answered(design, answers, plan.detector.score_range, cut, words))
    return tuple(answered)


def design_probe(
    probe: Probe,
    set_section: EvaluationSetSection,
    detector: DetectorSection,
    evaluation_set: EvaluationSet,
    folder: Path,
) -> DesignWithRows:
    """Make the design of a probe: everything that it asks. Raises AuditError, one line."""
    features = _features(probe, detector)
    check_features(features)
    if isinstance(probe, ColumnsProbe):
        return column_design(probe, features, evaluation_set, cluster=set_section.cluster is not None)
    text = write_probe_texts(probe, folder)
    return DesignWithRows(
        probe=probe.id,
        kind="text",
        unit="text",
        slots=text.slots,
        comparisons=text.comparisons,
        pairs=text.pairs,
        ids=tuple(
            variant_id(probe.id, variant.template, index, variant.text) for index, variant in enumerate(text.variants)
        ),
        batch=_texts(probe, text, features, _types(detector, evaluation_set)),
        templates=len(text.templates.templates),
        source=text.templates.source,
        words=text.words.source,
        alike=text.alike,
        unused=text.unused,
        digests={
            name: digest
            for name, digest in (("templates", text.templates.sha256), ("words", text.words.sha256))
            if digest is not None
        },
        languages=probe.languages,
        columns=(probe.column,),
    )


def _features(probe: Probe, detector: DetectorSection) -> tuple[str, ...]:
    if not isinstance(detector, PredictionsDetector):
        return detector.features
    return probe.features if isinstance(probe, ColumnsProbe) else (probe.column, *probe.fixed)


def _types(detector: DetectorSection, evaluation_set: EvaluationSet) -> pa.Schema:
    """The types of the columns that the detector is given; nothing for predictions."""
    if isinstance(detector, PredictionsDetector):
        return pa.schema([])
    columns = ", ".join(
        f"{evaluation_set.feature_expression(name)} AS {identifier(name)}" for name in detector.features
    )
    query = f"SELECT {columns} FROM {evaluation_set.source.name} LIMIT 0"  # noqa: S608 - quoted identifiers
    return evaluation_set.table_of(query).schema


def _texts(probe: TextProbe, text: ProbeTexts, features: tuple[str, ...], types: pa.Schema) -> pa.RecordBatch:
    columns = []
    for name in features:
        kind = types.field(name).type if name in types.names else None
        if name == probe.column:
            cast_value(text.variants[0].text, kind, probe=probe.id, column=name)
            columns.append(pa.array([variant.text for variant in text.variants], type=kind or pa.string()))
        else:
            cell = cast_value(probe.fixed[name], kind, probe=probe.id, column=name)
            columns.append(pa.array([cell] * len(text.variants), type=kind))
    return pa.RecordBatch.from_arrays(columns, names=list(features))


def _cut(detector_section: DetectorSection, evaluation_set: EvaluationSet) -> tuple[float | None, str]:
    """The lowest score that counts as flagged, or None if the answer is the decision; and the rule in words."""
    detector = detector_section
    if detector.threshold is not None:
        return detector.threshold, decision_rule(detector).words
    if not detector.has_scores or detector.top_k is None:
        return None, decision_rule(detector).words
    query = f"SELECT min(score) FROM scored WHERE decision = {FLAGGED}"  # noqa: S608 - a number
    ((border,),) = evaluation_set.connection.execute(query).fetchall()
    words = (
        "flagged when the score is at least the lowest that was flagged in the set, within its capacity of "
        f"{detector.top_k}"
    )
    return float("inf") if border is None else float(border), words


def _from_file(
    set_section: EvaluationSetSection,
    section: PredictionsDetector,
    probe: Probe,
    design: DesignWithRows,
    evaluation_set: EvaluationSet,
    folder: Path,
) -> CheckedAnswers:
    """Read the answers to the variants of a design from a file with their ids."""
    assert probe.answers is not None  # noqa: S101 - `check_answerable` has checked it
    identity, name = section.id or set_section.id, f"{_ANSWERS}_{probe.id}"
    relation = attached_answers(evaluation_set, name, folder / probe.answers, section, identity)
    check_text_type(relation.source_name, identity, relation.types[identity], "the id")
    key, value = evaluation_set.text_expression(relation, identity), checked_answer(evaluation_set, relation, section)
    query = f"SELECT {key}, CAST({value} AS DOUBLE) FROM {identifier(relation.name)}"  # noqa: S608 - checked expressions
    with reading(relation.source_name):
        rows = evaluation_set.connection.execute(query).fetchall()
    answers = dict(rows)
    missing = sum(design_id not in answers for design_id in design.ids)
    surplus = len(answers.keys() - set(design.ids))
    repeated = len(rows) - len(answers)
    if missing or surplus or repeated:
        raise DataError(
            f"{shown(relation.source_name)}: the ids are not those of probe {probe.id}: {count_of(missing, 'variant')} "
            f"without an answer, {count_of(surplus, 'answer')} to no variant, {count_of(repeated, 'answer')} repeating "
            "an id",
            slug="probe-answers-ids",
        )
    scores = np.array(
        [np.nan if answers[design_id] is None else answers[design_id] for design_id in design.ids], dtype=np.float64
    )
    status = np.where(np.isnan(scores), ABSTAIN, OK).astype(np.int8)
    return CheckedAnswers(scores, status, np.full(len(scores), NO_REASON, dtype=np.int8))


def _answered(
    design: DesignWithRows, answers: CheckedAnswers, score_range: tuple[float, float], cut: float | None, words: str
) -> Answered:
    """Join a design with its answers: scores as shares of the range, decisions, and failures."""
    low, high = score_range if cut is not None else (0.0, 1.0)
    reasons = {
        str(status) if reason is None else f"{status}: {reason}": count
        for (status, reason), count in answers.failures.items()
    }
    with np.errstate(invalid="ignore"):
        flagged = answers.scores >= (1.0 if cut is None else cut)
    return Answered(
        design=design,
        scores=(answers.scores - low) / (high - low),
        flagged=flagged,
        abstained=int((answers.status == ABSTAIN).sum()),
        failed=answers.failed,
        failures=dict(sorted(reasons.items())),
        decision=words,
    )


def score_variants(
    plan: AuditPlan,
    design: DesignWithRows,
    folder: Path,
    progress: Progress,
    isolating: Isolating,
    keeping: Keeping | None,
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

    def __init__(self, design: DesignWithRows, size: int) -> None:
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


def _digest(design: DesignWithRows) -> str:
    """Digest of everything that is asked: ids stand for texts and templates, columns are what the detector is given."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, design.batch.schema) as writer:
        writer.write_batch(design.batch)
    digest = hashlib.sha256("\0".join(design.ids).encode())
    digest.update(sink.getvalue())
    return digest.hexdigest()


def _as_decisions(codes: FloatArray, section: ModelDetector) -> FloatArray:
    """Turn places of classes into 1 if the class means flagged and 0 if not; NaN without an answer."""
    means = [float(name in section.positive_classes) for name in section.classes]
    return np.array([math.nan if math.isnan(code) else means[int(code)] for code in codes])
