"""Run of a whole audit on one page: a plan, an evaluation set and a detector go in, one result comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from audit.counting.table import FamilyCounts, compared_families, count_families
from audit.detectors.isolation.options import Isolating, IsolationOptions
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import AnyPlan, LoadedPlan, loaded_plan
from audit.result.audit_result import SCHEMA_VERSION, AuditResult, Provenance, Waiver
from audit.result.findings.further import Further, OwnMeasure
from audit.result.findings.swaps import SwapProbe
from audit.result.findings.system import SystemDescription
from audit.result.waivers_file import read_plan_waivers
from audit.scoring.provenance import provenance, scoring_identity
from audit.stages import stage
from audit.verdicts.decision import decide
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import METRICS, MetricDefinition, worse_direction

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.analyses.control_sample import JudgedSample, Verdicts
    from audit.analyses.crosscheck.libraries import SecondProcess
    from audit.analyses.crosscheck.questions import Rows
    from audit.counting.counted import Counted
    from audit.counting.probed import Answered
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.scoring import Keeping, Progress, Scored
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.probing.text_design import DesignWithRows
    from audit.verdicts.changes.baseline import Baseline, Joined


def run_audit(  # noqa: PLR0913 - what an audit can be given
    plan: AnyPlan,
    table: pa.Table | pd.DataFrame | None = None,
    *,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    predictions_to: Path | None = None,
    crosscheck: bool = True,
    details: bool = True,
    records: bool = True,
    checkpoint: Checkpoint | None = None,
    baseline: Baseline | str | Path | None = None,
    begins: Callable[[], None] | None = None,
    **isolation: Unpack[IsolationOptions],
) -> AuditResult:
    """Run an audit: read and check the set, score it, count, estimate, judge.

    Parameters
    ----------
    plan
        A plan, a dict with the keys of a plan file, or the text or the path of one.
    table, folder
        The set in place of the plan's file (a DataFrame or Arrow table); where paths start, by default beside the plan.
    progress, predictions_to
        Where progress is shown, and where a detector's `predictions.parquet` is written; nowhere by default.
    crosscheck, details, records
        Whether to ask fairlearn and AIF360, to answer what decides no verdict, and to keep more than verdicts.
    checkpoint, begins, baseline
        Where answers are kept, to go on with an interrupted run; what is called before the first row is scored; an
        earlier `result.json` of the same plan and set, or its folder, in place of the plan's.
    isolation
        `sandbox` and `allow_pickle`: where the detector runs; see `audit.detectors.isolation.options.IsolationOptions`.

    Raises
    ------
    AuditError
        If plan, data or detector are in error, or another library disagrees. Only a checkpoint keeps anything then.
    """
    started, isolating, loaded = datetime.now(UTC), Isolating(**isolation), loaded_plan(plan, folder)
    with _libraries(wanted=crosscheck) as libraries:
        earlier = earlier_audit(loaded, baseline)
        with _opened(loaded, table, earlier) as evaluation_set:
            waivers, designs = _check_before(loaded, evaluation_set, earlier, details=details, records=records)
            scored = _scored(
                loaded, evaluation_set, progress, predictions_to, checkpoint, isolating, begins, details=details
            )
            answered = _answered(loaded, designs, evaluation_set, progress, checkpoint, isolating)
            counted = _counted(loaded, evaluation_set, scored, details=details)
            joined = _joined(earlier, loaded, evaluation_set, records=records)
            rows = _single_rows(loaded.plan, evaluation_set) if crosscheck else {}
            measures = _own_measures(loaded, evaluation_set) if details else ()
            evaluation_set.check_unchanged()
            origin = provenance(loaded, evaluation_set, scored, predictions_to, started, whole=records)
            features = evaluation_set.features
        families = count_families(loaded.plan, counted.table, features)
        gathered = Gathered(
            loaded, features, counted, families, scored.system, origin, waivers, measures, answered, libraries, rows
        )
        return summarise(gathered._replace(joined=joined, details=details, records=records))


def _libraries(*, wanted: bool) -> AbstractContextManager[SecondProcess | None]:
    """Start the process that asks other libraries: it loads them while the set is scored, and ends with the block."""
    if not wanted:
        return nullcontext()
    from audit.analyses.crosscheck.libraries import second_process

    return second_process()


def earlier_audit(loaded: LoadedPlan, named: Baseline | str | Path | None) -> Baseline | None:
    """Return the baseline of a run: the one that was named, else the plan's; None where there is neither.

    Raises ResultError where it cannot be read, or is of another plan.
    """
    if named is None and loaded.plan.baseline.result is None:
        return None
    from audit.verdicts.changes.baseline import baseline_for

    return baseline_for(loaded, named)


def _joined(
    earlier: Baseline | None, loaded: LoadedPlan, evaluation_set: EvaluationSet, *, records: bool
) -> Joined | None:
    if earlier is None:
        return None
    from audit.verdicts.changes.baseline import join_answers

    return join_answers(earlier, loaded, evaluation_set, whole=records)


class Gathered(NamedTuple):
    """Material of a result: everything that was read, asked and counted."""

    loaded: LoadedPlan
    features: Sequence[SensitiveFeature]
    counted: Counted
    families: Mapping[Family, FamilyCounts]
    system: SystemDescription
    origin: Provenance
    waivers: tuple[Waiver, ...] = ()
    measures: tuple[OwnMeasure, ...] = ()
    answered: tuple[Answered, ...] = ()
    libraries: SecondProcess | None = None
    """Process that asks other libraries; None if these are not asked."""
    rows: Mapping[Group, Rows] = MappingProxyType({})
    """Cases of single groups for them."""
    joined: Joined | None = None
    details: bool = True
    """Whether questions that decide nothing are answered."""
    records: bool = True
    """Whether anything is stated but verdicts."""


def _opened(loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None, earlier: Baseline | None) -> EvaluationSet:
    from audit.evaluation.evaluation_set import open_evaluation_set

    if earlier is None:
        return open_evaluation_set(loaded.plan, loaded.folder, table)
    from audit.verdicts.changes.baseline import answer_files

    files = answer_files(earlier.result, earlier.beside, loaded.folder)
    return open_evaluation_set(loaded.plan, loaded.folder, table, files=files)


def _counted(loaded: LoadedPlan, evaluation_set: EvaluationSet, scored: Scored, *, details: bool) -> Counted:
    from audit.counting.counted import count_everything

    stage("counting")
    counted = count_everything(evaluation_set, loaded.plan, loaded.folder, details=details, rounds=scored.rounds)
    plan, answers = loaded.plan, scored.answers
    if not details or not (plan.decisions or plan.forms or plan.exposure):
        return counted
    assert answers is not None  # noqa: S101 - whatever scores a set says where its answers are
    from audit.scoring.second_questions import second_questions

    return counted._replace(second=second_questions(plan, evaluation_set, loaded.folder, answers))


def _scored(
    loaded: LoadedPlan,
    evaluation_set: EvaluationSet,
    progress: Progress | None,
    predictions_to: Path | None,
    checkpoint: Checkpoint | None,
    isolating: Isolating,
    begins: Callable[[], None] | None,
    *,
    details: bool,
) -> Scored:
    from audit.scoring import score

    stage("scoring")
    if begins is not None:
        begins()
    return score(
        loaded.plan,
        evaluation_set,
        loaded.folder,
        progress=progress,
        predictions_to=predictions_to,
        keeping=_keeping(loaded.plan, checkpoint),
        rounds=loaded.plan.scoring.repeat if details else 1,
        isolating=isolating,
    )


def _keeping(plan: AuditPlan, checkpoint: Checkpoint | None) -> Keeping | None:
    from audit.scoring import Keeping

    return None if checkpoint is None else Keeping(checkpoint, scoring_identity(plan))


def _check_before(
    loaded: LoadedPlan, evaluation_set: EvaluationSet, earlier: Baseline | None, *, details: bool, records: bool
) -> tuple[tuple[Waiver, ...], tuple[DesignWithRows, ...]]:
    """Check everything that can fail before the long scoring run. Returns the waivers and the probe designs."""
    if records:
        from audit.safeguards.catalogue import catalogue

        catalogue()
    waivers = read_plan_waivers(loaded, evaluation_set.features)
    if earlier is not None:
        from audit.verdicts.changes.baseline import check_baseline

        check_baseline(earlier, evaluation_set)
    if details and loaded.plan.measures:
        from audit.analyses.crosscheck.own_measures_fairlearn import check_measures

        check_measures(loaded.plan, loaded.folder)
    if not loaded.plan.probes:
        return waivers, ()
    from audit.scoring.probing.probes import check_answerable, check_probes

    check_answerable(loaded.plan, details=details)
    return waivers, check_probes(loaded.plan, evaluation_set, loaded.folder, details=details)


def _answered(
    loaded: LoadedPlan,
    designs: tuple[DesignWithRows, ...],
    evaluation_set: EvaluationSet,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
    isolating: Isolating,
) -> tuple[Answered, ...]:
    """Return the plan's probes with the detector's answers. Nothing is loaded if the plan has no probes."""
    if not designs:
        return ()
    from audit.scoring.probing.probes import ask_probes

    return ask_probes(
        loaded.plan,
        designs,
        evaluation_set,
        loaded.folder,
        progress=progress,
        isolating=isolating,
        keeping=_keeping(loaded.plan, checkpoint),
    )


def _own_measures(loaded: LoadedPlan, evaluation_set: EvaluationSet) -> tuple[OwnMeasure, ...]:
    """Compute the plan's own measures. Their libraries are not loaded if the plan has none."""
    if not loaded.plan.measures:
        return ()
    from audit.analyses.crosscheck.own_measures_fairlearn import own_measures

    return own_measures(loaded.plan, loaded.folder, evaluation_set, evaluation_set.features)


def summarise(gathered: Gathered) -> AuditResult:
    """Turn counts into a result, without any file, clock or model. Raises CrosscheckError."""
    plan, families, counted, features = gathered.loaded.plan, gathered.families, gathered.counted, gathered.features
    details, detector = gathered.details, gathered.origin.detector_sha256
    stage("judging")
    decision = decide(
        plan, features, counted, families, gathered.answered, gathered.joined, detector_sha256=detector, details=details
    )
    stated: dict[str, Any] = dict.fromkeys(("rows", "counts", "estimates", "disparities", "notices"), ())
    further: dict[str, Any] = {}
    if gathered.records:
        from audit.analyses.control_sample import Verdicts

        judged = Verdicts(decision.rules, decision.verdicts)
        stage("estimating")
        stated, further = _records(gathered, judged, decision.sample)
    further |= {"not_judged_alone": decision.not_alone, "second_verdicts": decision.second}
    further |= {"own_measures": gathered.measures, "planned_pass": decision.planned}
    result = AuditResult.model_construct(
        schema_version=SCHEMA_VERSION,
        status="complete",
        release="restricted",
        plan_as_asked={key: value for key, value in gathered.loaded.as_asked.items() if key != "engine"},
        plan=plan,
        system=gathered.system,
        features=tuple(features),
        metrics=_definitions(plan),
        overall=decision.overall,
        rules=decision.rules,
        verdicts=decision.verdicts,
        probes=_swaps(gathered),
        probe_rules=decision.probe_rules,
        probe_verdicts=decision.probe_verdicts,
        waivers=gathered.waivers,
        safeguards=(),
        change=decision.change,
        further=Further.model_construct(**further),
        provenance=gathered.origin,
        **stated,
    )
    if not gathered.records:
        return result
    from audit.safeguards import with_safeguards

    return with_safeguards(result)


def _records(
    gathered: Gathered, judged: Verdicts, sample: JudgedSample | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """State what a result holds beside its verdicts: by its own fields, and by those of `Further`."""
    from audit.analyses.records import records
    from audit.disclosure.shape import publication_counts

    plan, families, counted, features = gathered.loaded.plan, gathered.families, gathered.counted, gathered.features
    found = records(
        plan,
        gathered.system,
        features,
        counted,
        families,
        judged,
        sample,
        libraries=gathered.libraries,
        rows=gathered.rows,
        details=gathered.details,
    )
    finest = publication_counts(plan, counted, families, {feature.name: feature for feature in features})
    stated = found._asdict()
    return stated, {**stated.pop("further"), **finest}


def _swaps(gathered: Gathered) -> tuple[SwapProbe, ...]:
    if not gathered.answered:
        return ()
    from audit.analyses.probe_shifts import swap_probes

    return swap_probes(gathered.answered, gathered.loaded.plan.verdict.level)


def _definitions(plan: AuditPlan) -> tuple[MetricDefinition, ...]:
    return tuple(
        MetricDefinition(
            name=metric.name,
            plain=metric.plain,
            counted=metric.counted,
            among=metric.among,
            definition=metric.definition,
            formula=metric.formula,
            worse=worse_direction(metric.name, plan.audit.route).value,
        )
        for metric in METRICS.values()
    )


def _single_rows(plan: AuditPlan, evaluation_set: EvaluationSet) -> Mapping[Group, Rows]:
    from audit.analyses.crosscheck.questions import group_rows

    return group_rows(evaluation_set, compared_families(plan))
