"""Run of a whole audit on one page: a plan, an evaluation set and a detector go in, one result comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from audit.analyses.control_sample import Verdicts
from audit.analyses.probe_shifts import swap_probes
from audit.counting.counted import Counted, count_everything
from audit.counting.probed import Answered
from audit.counting.table import FamilyCounts, compared_families, count_families
from audit.detectors.isolation.options import Isolating, IsolationOptions
from audit.errors import check_choice
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.audit_plan import Rule
from audit.plan.file.plan_file import AnyPlan, LoadedPlan, loaded_plan
from audit.plan.sections import Groups
from audit.result.audit_result import SCHEMA_VERSION, AuditResult, Provenance, Waiver
from audit.result.findings.further import Further, OwnMeasure
from audit.result.findings.system import SystemDescription
from audit.result.waivers_file import read_plan_waivers
from audit.scoring import Keeping, Progress, Scored, score
from audit.scoring.provenance import provenance, scoring_identity
from audit.stages import Scope, stage
from audit.verdicts.changes.baseline import (
    AcceptedBaselines,
    AcceptedVersions,
    Baseline,
    Joined,
    JoinedVersions,
    answer_files,
    baseline_for,
    check_baseline,
    join_answers,
    join_versions,
)
from audit.verdicts.decision import Decision, decide
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import metric_definitions

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.analyses.crosscheck.libraries import SecondProcess
    from audit.analyses.crosscheck.questions import Rows
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.probing.text_design import DesignWithRows


def run_audit(  # noqa: PLR0913 - what an audit can be given
    plan: AnyPlan,
    table: pa.Table | pd.DataFrame | None = None,
    *,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    predictions_to: Path | None = None,
    crosscheck: bool = True,
    scope: Scope | str = Scope.DETAILS,
    checkpoint: Checkpoint | None = None,
    baseline: Baseline | AcceptedVersions | str | Path | None = None,
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
    crosscheck, scope
        Whether to ask fairlearn and AIF360, and how much is computed: "details", "records" or "verdicts"; see `Scope`.
    checkpoint, begins, baseline
        Where answers are kept, to go on with an interrupted run; what is called before the first row is scored; an
        earlier `result.json` of the same plan and set, or its folder, in place of the plan's; or accepted versions.
    isolation
        `sandbox` and `allow_pickle`: where the detector runs; see `audit.detectors.isolation.options.IsolationOptions`.

    Raises
    ------
    AuditError
        If plan, data or detector are in error, or another library disagrees. Only a checkpoint keeps anything then.
    """
    started = datetime.now(UTC)
    check_choice(scope, tuple(Scope), "scope")
    scope, loaded = Scope(scope), loaded_plan(plan, folder)
    access = Access(loaded, Isolating(**isolation), progress, checkpoint, begins)
    with _libraries(wanted=crosscheck) as libraries:
        against = baseline if isinstance(baseline, AcceptedVersions) else baseline_for(loaded, baseline)
        with _opened(loaded, table, against) as evaluation_set:
            earlier = against.of_set(evaluation_set.sha256) if isinstance(against, AcceptedVersions) else against
            waivers, designs = _check_before(loaded, evaluation_set, earlier, scope)
            scored = access.scored(evaluation_set, predictions_to, scope)
            answered = access.answered(designs, evaluation_set)
            counted = _counted(loaded, evaluation_set, scored, scope)
            joined = _joined(earlier, loaded, evaluation_set, scope)
            rows = _single_rows(loaded.plan.groups, loaded.plan.rules, evaluation_set) if crosscheck else {}
            measures = _own_measures(loaded, evaluation_set, scope)
            evaluation_set.check_unchanged()
            origin = provenance(loaded, evaluation_set, scored, predictions_to, started, scope)
            features = evaluation_set.features
        families = count_families(loaded.plan.groups, loaded.plan.rules, counted.table, features)
        gathered = Gathered(loaded, features, counted, families, scored.system, origin, waivers, measures, answered)
        return summarise(gathered._replace(libraries=libraries, rows=rows, joined=joined, scope=scope))


def _libraries(*, wanted: bool) -> AbstractContextManager[SecondProcess | None]:
    """Start the process that asks other libraries: it loads them while the set is scored, and ends with the block."""
    if not wanted:
        return nullcontext()
    from audit.analyses.crosscheck.libraries import second_process

    return second_process()


class Access(NamedTuple):
    """Way to ask the detector of a plan."""

    loaded: LoadedPlan
    isolating: Isolating
    progress: Progress | None
    checkpoint: Checkpoint | None
    begins: Callable[[], None] | None
    """Called before the first row is scored."""

    @property
    def keeping(self) -> Keeping | None:
        """Where answers are kept; None if they are not."""
        return None if self.checkpoint is None else Keeping(self.checkpoint, scoring_identity(self.loaded.plan))

    def scored(self, evaluation_set: EvaluationSet, predictions_to: Path | None, scope: Scope) -> Scored:
        """Ask about every case of the set, and create the view `scored`. Raises AuditError."""
        stage("scoring")
        if self.begins is not None:
            self.begins()
        return score(
            self.loaded.plan,
            evaluation_set,
            self.loaded.folder,
            progress=self.progress,
            predictions_to=predictions_to,
            keeping=self.keeping,
            rounds=self.loaded.plan.scoring.repeat if scope.has_details else 1,
            isolating=self.isolating,
        )

    def answered(self, designs: Sequence[DesignWithRows], evaluation_set: EvaluationSet) -> tuple[Answered, ...]:
        """Ask what the probes of the plan ask. Raises AuditError."""
        if not designs:
            return ()
        from audit.scoring.probing.probes import ask_probes

        return ask_probes(
            self.loaded.plan,
            designs,
            evaluation_set,
            self.loaded.folder,
            progress=self.progress,
            isolating=self.isolating,
            keeping=self.keeping,
        )


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
    joined: Joined | JoinedVersions | None = None
    """Baseline or accepted versions, and the decisions of both audits; None without a baseline."""
    scope: Scope = Scope.DETAILS


def _opened(
    loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None, against: Baseline | AcceptedVersions | None
) -> EvaluationSet:
    """Open the set, so that the answers of earlier audits can be read beside it."""
    if isinstance(against, Baseline):
        files = answer_files(against.result, against.beside, loaded.folder)
    else:
        files = [] if against is None else against.answer_files
    return open_evaluation_set(loaded.plan, loaded.folder, table, files=files)


def _joined(
    earlier: Baseline | AcceptedBaselines | None, loaded: LoadedPlan, evaluation_set: EvaluationSet, scope: Scope
) -> Joined | JoinedVersions | None:
    """Join the answers of accepted versions, or of a baseline, to the scored set; None without one."""
    if isinstance(earlier, AcceptedBaselines):
        return join_versions(earlier, loaded, evaluation_set, whole=scope.has_records)
    return None if earlier is None else join_answers(earlier, loaded, evaluation_set, whole=scope.has_records)


def _check_before(
    loaded: LoadedPlan, evaluation_set: EvaluationSet, earlier: Baseline | AcceptedBaselines | None, scope: Scope
) -> tuple[tuple[Waiver, ...], tuple[DesignWithRows, ...]]:
    """Check everything that can fail before the long scoring run. Returns the waivers and the probe designs."""
    if scope.has_records:
        from audit.safeguards.catalogue import catalogue

        catalogue()
    waivers = read_plan_waivers(loaded, evaluation_set.features)
    for baseline in earlier.both if isinstance(earlier, AcceptedBaselines) else filter(None, [earlier]):
        check_baseline(baseline, evaluation_set)
    if scope.has_details and loaded.plan.measures:
        from audit.analyses.crosscheck.own_measures_fairlearn import check_measures

        check_measures(loaded.plan, loaded.folder)
    if not loaded.plan.probes:
        return waivers, ()
    from audit.scoring.probing.probes import check_answerable, check_probes

    check_answerable(loaded.plan.detector, loaded.plan.probes, loaded.plan.named_probe_rules, scope)
    return waivers, check_probes(loaded.plan, evaluation_set, loaded.folder, scope)


def _counted(loaded: LoadedPlan, evaluation_set: EvaluationSet, scored: Scored, scope: Scope) -> Counted:
    """Count the scored set for every question of the scope. From here on there are only numbers."""
    stage("counting")
    plan, answers = loaded.plan, scored.answers
    counted = count_everything(evaluation_set, plan, loaded.folder, scope, rounds=scored.rounds)
    asked = plan.decisions or plan.forms or plan.exposure if scope.has_details else plan.people_count
    if not asked:
        return counted
    assert answers is not None  # noqa: S101 - whatever scores a set says where its answers are
    from audit.scoring.second_questions import second_questions

    if not scope.has_details:
        # what is no part of the verdict is left out
        plan = plan.model_copy(update={"forms": None, "exposure": None})
    return counted._replace(second=second_questions(plan, evaluation_set, loaded.folder, answers))


def _own_measures(loaded: LoadedPlan, evaluation_set: EvaluationSet, scope: Scope) -> tuple[OwnMeasure, ...]:
    """Compute the plan's own measures; none without details."""
    if not (scope.has_details and loaded.plan.measures):
        return ()
    from audit.analyses.crosscheck.own_measures_fairlearn import own_measures

    return own_measures(loaded.plan, loaded.folder, evaluation_set, evaluation_set.features)


def summarise(gathered: Gathered) -> AuditResult:
    """Turn counts into a result, without any file, clock or model. Raises CrosscheckError."""
    plan, scope, features = gathered.loaded.plan, gathered.scope, gathered.features
    stage("judging")
    decision = decide(
        plan,
        features,
        gathered.counted,
        gathered.families,
        gathered.answered,
        gathered.joined,
        detector_sha256=gathered.origin.detector_sha256,
        scope=scope,
    )
    stated: dict[str, Any] = dict.fromkeys(("rows", "counts", "estimates", "disparities", "notices"), ())
    further: dict[str, Any] = {}
    if scope.has_records:
        stage("estimating")
        stated, further = _findings(gathered, decision)
    further |= {"not_judged_alone": decision.not_alone, "second_verdicts": decision.second}
    further |= {"own_measures": gathered.measures, "planned_pass": decision.planned}
    further |= {"held_against": decision.held_against}
    result = AuditResult.model_construct(
        schema_version=SCHEMA_VERSION,
        status="complete",
        release="restricted",
        plan_as_asked={key: value for key, value in gathered.loaded.as_asked.items() if key != "engine"},
        plan=plan,
        system=gathered.system,
        features=tuple(features),
        metrics=metric_definitions(plan.metrics.values(), plan.audit.route),
        overall=decision.overall,
        rules=decision.rules,
        verdicts=decision.verdicts,
        probes=swap_probes(gathered.answered, plan.verdict.level),
        probe_rules=decision.probe_rules,
        probe_verdicts=decision.probe_verdicts,
        waivers=gathered.waivers,
        safeguards=(),
        change=decision.change,
        further=Further.model_construct(**further),
        provenance=gathered.origin,
        **stated,
    )
    if not scope.has_records:
        return result
    from audit.safeguards import with_safeguards

    return with_safeguards(result)


def _findings(gathered: Gathered, decision: Decision) -> tuple[dict[str, Any], dict[str, Any]]:
    """State what a result holds beside its verdicts: by its own fields, and by those of `Further`."""
    from audit.analyses.records import records
    from audit.disclosure.shape import publication_counts

    plan, families, counted, features = gathered.loaded.plan, gathered.families, gathered.counted, gathered.features
    fields = records(
        plan,
        gathered.system,
        features,
        counted,
        families,
        Verdicts(decision.rules, decision.verdicts),
        decision.sample,
        libraries=gathered.libraries,
        rows=gathered.rows,
        scope=gathered.scope,
    )._asdict()
    finest = publication_counts(
        plan.groups,
        plan.evaluation_set,
        plan.disclosure,
        counted,
        families,
        {feature.name: feature for feature in features},
    )
    return fields, {**fields.pop("further"), **finest}


def _single_rows(group_features: Groups, rules: Sequence[Rule], evaluation_set: EvaluationSet) -> Mapping[Group, Rows]:
    """Read the cases of single groups, for other libraries."""
    from audit.analyses.crosscheck.agreement import group_rows

    return group_rows(evaluation_set, compared_families(group_features, rules))
