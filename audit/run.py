"""The whole story on one page: a plan, an evaluation set and a detector go in; one result comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from audit.analyses.disparities import disparities
from audit.analyses.estimates import estimates, everyone_as_family, group_counts, row_accounts
from audit.analyses.families import count_families, is_finest, plan_families, rule_families
from audit.analyses.impact_ratios import impact_ratios
from audit.analyses.notices import notices
from audit.analyses.swaps import swap_probes
from audit.counting.table import CountsTable, FamilyCounts
from audit.detectors.isolation.options import Isolating, IsolationOptions
from audit.errors import DataError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import LoadedPlan, loaded_plan
from audit.result.audit_result import (
    SCHEMA_VERSION,
    AuditResult,
    MetricDefinition,
    Notice,
    Provenance,
    SystemDescription,
    Waiver,
)
from audit.result.findings import Estimate, OwnMeasure, RuleResult, Verdict
from audit.result.waivers_file import read_plan_waivers
from audit.safeguards import with_safeguards
from audit.safeguards.catalogue import catalogue
from audit.scoring.provenance import digests_of, provenance, scoring_identity
from audit.verdicts.changes.baseline import Baseline, baseline_for, check_baseline, join_answers, with_change_from
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

__all__ = ["run_audit", "summarise"]


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
        What paths in the plan are relative to; the folder of the plan file where one is read.
    progress, predictions_to
        Where progress is told, and `predictions.parquet` written of a detector that is run; nowhere by default.
    crosscheck
        Whether to ask fairlearn and AIF360 for the same numbers. Where one of them disagrees, there is no result.
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
        If plan, data or detector are in error: nothing was judged, and nothing left but what a checkpoint keeps.
    """
    started, isolating, loaded = datetime.now(UTC), Isolating(**isolation), loaded_plan(plan, folder)
    earlier = baseline_for(loaded, baseline)
    with _opened(loaded, table) as evaluation_set:
        waivers, designs = _check_before(loaded, evaluation_set, earlier, details=details)
        scored = _scored(loaded, evaluation_set, progress, predictions_to, checkpoint, isolating, details=details)
        counted = _counted(loaded, evaluation_set, scored, details=details)
        answered = _answered(loaded, designs, evaluation_set, progress, checkpoint, isolating)
        pairs = join_answers(earlier, loaded, evaluation_set)
        rows = _single_rows(loaded.plan, evaluation_set) if crosscheck else None
        asked = (_own_measures(loaded, evaluation_set) if details else (), answered)
        evaluation_set.check_unchanged()
        digests = digests_of(evaluation_set, scored, predictions_to)
        features = evaluation_set.features
    families = _families(loaded.plan, counted.table, features)
    origin = provenance(loaded, digests, started, scored)
    result = summarise(loaded, features, counted, families, scored.system, details=details, asked=asked, origin=origin)
    result = _with_opinions(result, counted, families, rows).model_copy(update={"waivers": waivers})
    return with_safeguards(with_change_from(result, earlier, pairs))


def _opened(loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None) -> EvaluationSet:
    from audit.evaluation.evaluation_set import open_evaluation_set

    return open_evaluation_set(loaded.plan, loaded.folder, table)


def _counted(loaded: LoadedPlan, evaluation_set: EvaluationSet, scored: Scored, *, details: bool) -> Counted:
    from audit.counting.counted import count_everything

    return count_everything(evaluation_set, loaded.plan, loaded.folder, details=details, rounds=scored.rounds)


def _families(plan: AuditPlan, counts: CountsTable, features: Sequence[SensitiveFeature]) -> dict[Family, FamilyCounts]:
    """The families of a plan. Raises DataError where the set lacks a level that the plan compares with."""
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
    """Whatever of tables, measures, probes and a baseline can be told before a night; waivers, and what probes ask."""
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
    """The plan's probes with the detector's answers; nothing is loaded where it has none."""
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
    """The plan's own measures; the libraries they need are not loaded where it has none."""
    if not loaded.plan.measures:
        return ()
    from audit.analyses.crosscheck.own_measures_fairlearn import own_measures

    return own_measures(loaded.plan, loaded.folder, evaluation_set, evaluation_set.features)


def summarise(
    loaded: LoadedPlan,
    features: Sequence[SensitiveFeature],
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    system: SystemDescription,
    *,
    details: bool = True,
    asked: tuple[tuple[OwnMeasure, ...], tuple[Answered, ...]] = ((), ()),
    origin: Provenance,
) -> AuditResult:
    """Everything below the waist: counts become a result. No file, no clock, no model.

    `asked` are the plan's own measures and its probes, with what was answered to them.
    """
    plan = loaded.plan
    by_name = {feature.name: feature for feature in features}
    rules, verdicts, overall = judge(plan, families, by_name, counted.moments)
    own_measures, answered = asked
    probes = swap_probes(answered, plan.verdict.level)
    probe_rules, probe_verdicts = judge_probes(plan, answered)
    if probe_rules:
        overall = overall_verdict(plan, (*rules, *probe_rules))
    everyone = everyone_as_family(counted.table)
    shown = [everyone, *families.values()]
    rows = row_accounts(counted.table, shown)
    shown_rates = _rates(plan, shown, counted)
    further, doubts = (
        _further(plan, counted, families, features, (rules, verdicts), shown_rates) if details else ({}, ())
    )
    return AuditResult.model_construct(
        schema_version=SCHEMA_VERSION,
        status="complete",
        release="restricted",
        plan_as_asked=loaded.as_asked,
        plan=plan,
        system=system,
        features=tuple(features),
        metrics=_definitions(plan),
        overall=overall,
        rules=rules,
        verdicts=verdicts,
        rows=rows,
        counts=group_counts(shown),
        estimates=shown_rates,
        disparities=disparities(plan, list(families.values()), counted.moments),
        probes=probes,
        probe_rules=probe_rules,
        probe_verdicts=probe_verdicts,
        waivers=(),
        safeguards=(),
        impact_ratios=impact_ratios(plan, shown_rates),
        notices=(*notices(plan, system, overall, everyone, rows, families, features), *doubts),
        provenance=origin,
        own_measures=own_measures,
        **_ground(plan, counted, families, by_name),
        **further,
    )


def _further(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
    judged: tuple[Sequence[RuleResult], Sequence[Verdict]],
    rates: Sequence[Estimate],
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Every finding that decides nothing. A gate, which leaves them out, does not load what answers them."""
    from audit.analyses.control_sample import Verdicts
    from audit.analyses.further import further_findings

    sampled = _judged_sample(plan, counted, families, features)
    return further_findings(plan, counted, families, features, Verdicts(*judged), rates, sampled)


def _judged_sample(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
) -> JudgedSample | None:
    """The cases drawn at random, judged by themselves; None where the set has no control sample."""
    from audit.analyses.control_sample import JudgedSample, Verdicts

    sample = counted.control_sample
    if sample is None:
        return None
    by_name = {feature.name: feature for feature in features}
    drawn = {family: sample.family(family, by_name) for family in families}
    rules, verdicts, _ = judge(plan, drawn, by_name, counted.control_moments)
    return JudgedSample(drawn, Verdicts(rules, verdicts))


def _rates(plan: AuditPlan, shown: Sequence[FamilyCounts], counted: Counted) -> tuple[Estimate, ...]:
    least = plan.verdict.min_denominator
    return estimates(shown, level=plan.verdict.level, min_denominator=least, moments=counted.moments)


def _ground(
    plan: AuditPlan,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> dict[str, Any]:
    """Counts of the finest groups of a public table, which a gate, too, writes down."""
    from audit.disclosure.ground import ground

    return ground(plan, counted, families, features)


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

    return group_rows(evaluation_set, _compared_families(plan))


def _compared_families(plan: AuditPlan) -> tuple[Family, ...]:
    """Every feature by itself, then every family that a rule names, those on the finest rungs first."""
    alone = [family for family in plan_families(plan) if len(family.axes) == 1 and is_finest(plan, family)]
    named = dict.fromkeys([*alone, *(family for rule in plan.rules for family in rule_families(plan, rule))])
    return tuple(sorted(named, key=lambda family: not is_finest(plan, family)))


def _with_opinions(
    result: AuditResult,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    rows: Mapping[Group, Rows] | None,
) -> AuditResult:
    """The result with what other libraries say; `rows` is None where they are not asked. Raises CrosscheckError."""
    if rows is None:
        from audit.analyses.crosscheck.unasked import UNASKED

        return result.model_copy(update={"notices": (*result.notices, UNASKED)})
    from audit.analyses.crosscheck.agreement import opinions

    compared = [
        everyone_as_family(counted.table),
        *(families[family] for family in _compared_families(result.plan)),
    ]
    said = opinions(result.plan, compared, (*result.estimates, *result.disparities), rows, counted.moments)
    return result.model_copy(
        update={
            "crosscheck": said.agreements,
            "crosscheck_state": said.state,
            "notices": (*result.notices, *said.notices),
        }
    )


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
