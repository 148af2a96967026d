"""Run of a whole audit on one page: a plan, an evaluation set and a detector go in, one result comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from audit.analyses.disparities import disparities
from audit.analyses.estimates import estimates, everyone_as_family, group_counts, row_accounts
from audit.analyses.families import compared_families, count_families
from audit.analyses.impact_ratios import impact_ratios
from audit.analyses.notices import UNASKED, notices
from audit.analyses.swaps import swap_probes
from audit.counting.table import CountsTable, FamilyCounts
from audit.detectors.isolation.options import Isolating, IsolationOptions
from audit.errors import DataError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import LoadedPlan, loaded_plan
from audit.result.audit_result import SCHEMA_VERSION, AuditResult, Provenance, Waiver
from audit.result.findings.change import Change
from audit.result.findings.further import Further, OwnMeasure
from audit.result.findings.judged import Disparity, Estimate, GroupCounts, MetricDefinition, RuleResult, Verdict
from audit.result.findings.system import Notice, SystemDescription
from audit.result.waivers_file import read_plan_waivers
from audit.safeguards import with_safeguards
from audit.safeguards.catalogue import catalogue
from audit.scoring.provenance import digests_of, provenance, scoring_identity
from audit.verdicts.changes.baseline import (
    Baseline,
    Joined,
    Judged,
    baseline_for,
    change_from,
    check_baseline,
    join_answers,
    overall_with,
)
from audit.verdicts.judge import judge, overall_verdict
from audit.verdicts.probe_rules import judge_probes
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import METRICS, worse_direction

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.analyses.control_sample import JudgedSample
    from audit.analyses.crosscheck.tables import Rows
    from audit.counting.counted import Counted
    from audit.counting.probed import Answered, Design
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.scoring import Keeping, Progress, Scored
    from audit.scoring.checkpoint import Checkpoint


def run_audit(  # noqa: PLR0913 - what an audit can be given
    plan: AuditPlan | LoadedPlan | str | Path,
    table: pa.Table | pd.DataFrame | None = None,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    predictions_to: Path | None = None,
    crosscheck: bool = True,
    details: bool = True,
    checkpoint: Checkpoint | None = None,
    baseline: Baseline | Path | None = None,
    **isolation: Unpack[IsolationOptions],
) -> AuditResult:
    """Run an audit: read and check the set, score it, count, estimate, judge.

    Parameters
    ----------
    plan
        A plan, or the path of a plan file.
    table
        The evaluation set, where the plan names no file: a pandas DataFrame or an Arrow table.
    folder
        Folder that paths in the plan are relative to; the folder of the plan file if one is read.
    progress, predictions_to
        Where progress is shown, and where a detector's `predictions.parquet` is written; nowhere by default.
    crosscheck
        Whether to ask fairlearn and AIF360 for the same numbers. If one of them disagrees, there is no result.
    details
        Whether to answer the questions that decide no verdict. A gate leaves them out; the verdicts are the same.
    checkpoint
        Where answers of a detector that is run are kept, so that an interrupted run goes on later.
    baseline
        An earlier `result.json` of the same plan and set, or its folder, in place of the one that the plan names.
    isolation
        `sandbox` and `allow_pickle`: where the detector runs; see `audit.detectors.isolation.options.IsolationOptions`.

    Raises
    ------
    AuditError
        If plan, data or detector are in error. Then nothing was judged, and only a checkpoint keeps anything.
    """
    started, isolating, loaded = datetime.now(UTC), Isolating(**isolation), loaded_plan(plan, folder)
    earlier = baseline_for(loaded, baseline)
    with _opened(loaded, table) as evaluation_set:
        waivers, designs = _check_before(loaded, evaluation_set, earlier, details=details)
        scored = _scored(loaded, evaluation_set, progress, predictions_to, checkpoint, isolating, details=details)
        counted = _counted(loaded, evaluation_set, scored, details=details)
        answered = _answered(loaded, designs, evaluation_set, progress, checkpoint, isolating)
        joined = join_answers(earlier, loaded, evaluation_set)
        rows = _single_rows(loaded.plan, evaluation_set) if crosscheck else None
        measures = _own_measures(loaded, evaluation_set) if details else ()
        evaluation_set.check_unchanged()
        digests = digests_of(evaluation_set, scored, predictions_to)
        features = evaluation_set.features
    families = _families(loaded.plan, counted.table, features)
    origin = provenance(loaded, digests, started, scored)
    gathered = Gathered(loaded, features, counted, families, scored.system, origin)
    gathered = replace(gathered, waivers=waivers, measures=measures, answered=answered, rows=rows, details=details)
    return summarise(replace(gathered, baseline=earlier, joined=joined))


@dataclass(frozen=True, slots=True)
class Gathered:
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
    rows: Mapping[Group, Rows] | None = None
    """Cases of single groups for other libraries; None if these are not asked."""
    baseline: Baseline | None = None
    joined: Joined | None = None
    details: bool = True
    """Whether questions that decide nothing are answered."""


def _opened(loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None) -> EvaluationSet:
    from audit.evaluation.evaluation_set import open_evaluation_set

    return open_evaluation_set(loaded.plan, loaded.folder, table)


def _counted(loaded: LoadedPlan, evaluation_set: EvaluationSet, scored: Scored, *, details: bool) -> Counted:
    from audit.counting.counted import count_everything

    return count_everything(evaluation_set, loaded.plan, loaded.folder, details=details, rounds=scored.rounds)


def _families(plan: AuditPlan, counts: CountsTable, features: Sequence[SensitiveFeature]) -> dict[Family, FamilyCounts]:
    """Count the families of a plan. Raises DataError if the set lacks a level that the plan compares with."""
    families = count_families(plan, counts, features)
    _check_references(plan, features)
    return families


def _scored(
    loaded: LoadedPlan,
    evaluation_set: EvaluationSet,
    progress: Progress | None,
    predictions_to: Path | None,
    checkpoint: Checkpoint | None,
    isolating: Isolating,
    *,
    details: bool,
) -> Scored:
    from audit.scoring import score

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
    loaded: LoadedPlan, evaluation_set: EvaluationSet, earlier: Baseline | None, *, details: bool
) -> tuple[tuple[Waiver, ...], tuple[Design, ...]]:
    """Check everything that can fail before the long scoring run. Returns the waivers and the probe designs."""
    catalogue()
    waivers = read_plan_waivers(loaded, evaluation_set.features)
    if earlier is not None:
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
    designs: tuple[Design, ...],
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
    plan, families, counted = gathered.loaded.plan, gathered.families, gathered.counted
    rules, verdicts, overall = judge(plan, families, _by_name(gathered.features), counted.moments)
    probe_rules, probe_verdicts = judge_probes(plan, gathered.answered)
    if probe_rules:
        overall = overall_verdict(plan, (*rules, *probe_rules))
    everyone = everyone_as_family(counted.table)
    shown = [everyone, *families.values()]
    counts, rows = group_counts(shown), row_accounts(counted.table, shown)
    least = plan.verdict.min_denominator
    rates = estimates(shown, level=plan.verdict.level, min_denominator=least, moments=counted.moments)
    gaps = disparities(plan, list(families.values()), counted.moments)
    change = _change(gathered, counts, rules)
    further, doubts = _further(gathered, everyone, (rules, verdicts), rates)
    crosscheck, opinions = _crosscheck(gathered, everyone, (*rates, *gaps))
    known = notices(plan, gathered.system, overall, everyone, rows, families, gathered.features)
    return with_safeguards(
        AuditResult.model_construct(
            schema_version=SCHEMA_VERSION,
            status="complete",
            release="restricted",
            plan_as_asked=gathered.loaded.as_asked,
            plan=plan,
            system=gathered.system,
            features=tuple(gathered.features),
            metrics=_definitions(plan),
            overall=overall if change is None else overall_with(overall, change),
            rules=rules,
            verdicts=verdicts,
            rows=rows,
            counts=counts,
            estimates=rates,
            disparities=gaps,
            probes=swap_probes(gathered.answered, plan.verdict.level),
            probe_rules=probe_rules,
            probe_verdicts=probe_verdicts,
            waivers=gathered.waivers,
            safeguards=(),
            change=change,
            notices=(*known, *doubts, *opinions),
            further=Further.model_construct(**further, **crosscheck),
            provenance=gathered.origin,
        )
    )


def _by_name(features: Sequence[SensitiveFeature]) -> dict[str, SensitiveFeature]:
    return {feature.name: feature for feature in features}


def _change(gathered: Gathered, counts: tuple[GroupCounts, ...], rules: tuple[RuleResult, ...]) -> Change | None:
    """Return what changed from the baseline; None if there is no baseline."""
    if gathered.baseline is None or gathered.joined is None:
        return None
    detector = gathered.origin.detector_sha256
    now = Judged(gathered.loaded.plan, gathered.features, counts, rules, detector)
    return change_from(gathered.baseline, now, gathered.joined)


def _further(
    gathered: Gathered,
    everyone: FamilyCounts,
    judged: tuple[Sequence[RuleResult], Sequence[Verdict]],
    rates: Sequence[Estimate],
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return findings that decide nothing, by field of `Further`, and their notices. A gate answers few of them."""
    from audit.disclosure.ground import ground

    plan, counted, families, features = gathered.loaded.plan, gathered.counted, gathered.families, gathered.features
    found = {
        "own_measures": gathered.measures,
        "impact_ratios": impact_ratios(plan, rates),
        **ground(plan, counted, families, _by_name(features)),
    }
    if not gathered.details:
        return found, ()
    from audit.analyses.control_sample import Verdicts
    from audit.analyses.further import further_findings

    sampled = _judged_sample(plan, counted, families, features)
    verdicts = Verdicts(*judged)
    answers, doubts = further_findings(plan, counted, families, features, everyone, verdicts, rates, sampled)
    return {**found, **answers}, doubts


def _judged_sample(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
) -> JudgedSample | None:
    """Judge the cases drawn at random by themselves; None if the set has no control sample."""
    from audit.analyses.control_sample import JudgedSample, Verdicts

    sample = counted.control_sample
    if sample is None:
        return None
    by_name = _by_name(features)
    drawn = {family: sample.family(family, by_name) for family in families}
    rules, verdicts, _ = judge(plan, drawn, by_name, counted.control_moments)
    return JudgedSample(drawn, Verdicts(rules, verdicts))


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
    from audit.analyses.crosscheck.single_rows import group_rows

    return group_rows(evaluation_set, compared_families(plan))


def _crosscheck(
    gathered: Gathered, everyone: FamilyCounts, numbers: Sequence[Estimate | Disparity]
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return other libraries' numbers, by field of `Further`, and notices for the reader. Raises CrosscheckError."""
    if gathered.rows is None:
        return {}, (UNASKED,)
    from audit.analyses.crosscheck.agreement import opinions

    plan = gathered.loaded.plan
    compared = [everyone, *(gathered.families[family] for family in compared_families(plan))]
    said = opinions(plan, compared, numbers, gathered.rows, gathered.counted.moments)
    return {"crosscheck": said.agreements, "crosscheck_state": said.state}, said.notices


def _check_references(plan: AuditPlan, features: Sequence[SensitiveFeature]) -> None:
    for feature in features:
        reference = plan.groups[feature.name].reference
        levels = [level.code for level in feature.levels if level.rung == feature.rungs[0]]
        if reference is not None and reference not in levels:
            raise DataError(
                f"groups.{feature.name}.reference names a level that nobody in the set has",
                slug="no-reference",
                hint=f"write one of the levels as reports name them by code; the set has {len(levels)}",
            )
