"""Check of an audit before the detector is run: which groups could be judged, and how many cases are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audit.analyses.crosscheck.own_measures_fairlearn import check_measures
from audit.analyses.estimates import row_accounts
from audit.counting.count import count_cases, count_moments
from audit.counting.table import ABSTAINED, CountsTable, FamilyCounts, count_families, everyone_as_family, is_finest
from audit.engines.protocol import identifier
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.evaluation.reference_table import read_reference_table
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.plan.evaluation_set import ANSWER
from audit.plan.file.plan_file import AnyPlan, LoadedPlan, loaded_plan
from audit.planning.set_review import review_set
from audit.result.findings.further import PlannedPass
from audit.result.findings.judged import RowAccount
from audit.scoring.probing.probes import check_answers, check_probes, is_unanswered
from audit.stats.template_shifts import least_templates
from audit.verdicts.chance_of_pass import planned_pass
from audit.verdicts.decidability import (
    FamilyDecidability,
    RuleDecidability,
    known_before_scoring,
    missing_expected,
    plan_decidability,
)
from audit.verdicts.planned_people import groups_held_back, share_for_all
from audit.verdicts.side_tests import budget
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import Cell, MetricName

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from audit.counting.moments import Moments
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.planning.set_review import SetReview


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """What a rule could say about a group."""

    group: Group
    cases: int
    """Cases in the denominator of the rule's rate."""
    required: int | None
    """Cases with which it would be judged alone; None where no number would do."""
    needed: int | None
    """Cases still missing for that: 0 where it is judged alone, None where no number would do."""
    evaluable: bool
    """Whether a rate could be stated for it at all."""
    decidable: bool
    """Whether it would be judged alone."""
    judged_as: Group | None
    """If it would not be judged alone: the larger group as a part of which it would be judged."""


@dataclass(frozen=True, slots=True)
class FamilyCheck:
    """What a rule could say about a family."""

    family: Family
    finest: bool
    """Whether it stands on the finest rungs, where coverage is measured."""
    level: float
    """Share of alpha that it could spend on false alarms."""
    groups: tuple[GroupCheck, ...]
    coverage: float | None
    """Share of its people in groups that would be judged, alone or as a part."""
    held_back: tuple[Group, ...]
    """Groups that would be judged alone and cannot pass even if treated like everyone else: too many people are
    unknown, or have their nationality beside others."""
    share_for_all: float | None
    """Largest `max_missing_share` with which none is held back; None where none is, 0 where none would do."""

    @property
    def alone(self) -> int:
        """Number of groups that would be judged alone."""
        return sum(group.decidable for group in self.groups)

    @property
    def as_part(self) -> int:
        """Number of groups that would be judged only as a part of a larger one."""
        return sum(not group.decidable and group.judged_as is not None for group in self.groups)

    @property
    def not_judged(self) -> int:
        """Number of groups that could be judged neither way."""
        return len(self.groups) - self.alone - self.as_part


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """What a rule could say about the set."""

    rule: str
    metric: MetricName
    planned_rate: float
    """Rate that sizes were planned with."""
    known_only_after_scoring: bool
    """Whether the denominator is made of decisions; then nothing is known yet and `families` is empty."""
    families: tuple[FamilyCheck, ...]
    coverage: float | None
    """Smallest coverage over the families on the finest rungs."""
    min_coverage: float
    """Coverage that a pass needs."""
    missing_expected: tuple[Group, ...]
    """Groups that the plan expects and that have too few cases for a rate: no pass without them."""

    @property
    def can_pass(self) -> bool | None:
        """Whether a pass is within reach of this set; None where that is known only after scoring."""
        if self.known_only_after_scoring:
            return None
        judged = any(family.alone for family in self.families)
        covered = self.coverage is not None and self.coverage >= self.min_coverage
        is_held_back = any(family.held_back for family in self.families)
        return judged and covered and not is_held_back and not self.missing_expected


@dataclass(frozen=True, slots=True)
class ProbeCheck:
    """Questions that a probe would ask."""

    probe: str
    variants: int
    """Number of texts or rows to score."""
    changes: int
    """Number of comparisons."""
    templates: int
    """Number of templates, or rows, or clusters of rows."""
    unit: str
    """What a template is: a text, a row or a cluster."""
    templates_needed: int
    """Fewest templates with which its narrowest limit can be passed, where no score moves; 0 without a limit."""
    unused: tuple[str, ...]
    """Words and texts of the operator's own that are not used, and why."""
    unanswered: bool
    """Whether somebody else has still to score them: the detector cannot be called, and no file holds its answers."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Report of `audit7k check`."""

    plan: AuditPlan
    features: tuple[SensitiveFeature, ...]
    """Sensitive features and the names of their levels."""
    everyone: RowAccount
    """All rows; none is scored yet, so all of them count as abstained."""
    positive: int
    """Rows labelled as exploitation."""
    negative: int
    """Rows labelled as no exploitation."""
    rules: tuple[RuleCheck, ...]
    review: SetReview | None = None
    """What is conspicuous about the set itself; None where only counts were checked."""
    probes: tuple[ProbeCheck, ...] = ()
    """Questions that the plan's probes would ask."""
    planned_pass: PlannedPass | None = None
    """Chance that a detector which treats everyone alike passes all rules whose denominators are known from labels;
    None where there is no such rule."""
    added_over: tuple[str, ...] = ()
    """Columns of a table of counts that the plan does not name, and in which rows that are added up differ."""
    model_missing: bool = False
    """Whether the model file or folder that the plan names is not there."""


def check_plan(
    plan: AnyPlan,
    table: pa.Table | pd.DataFrame | None = None,
    *,
    folder: Path | None = None,
) -> CheckReport:
    """Read plan and data and say what would be judged, without loading or running the detector.

    Raises
    ------
    AuditError
        If plan or data are in error, exactly as `run_audit` would say it.
    """
    loaded = loaded_plan(plan, folder)
    with _open_unscored(loaded, table) as evaluation_set:
        counts, moments, features = _count_unscored(evaluation_set)
        families = count_families(loaded.plan.groups, loaded.plan.rules, counts, features)
        unseen = loaded.plan.evaluation_set.is_counted or loaded.plan.engine.kind == "spark"
        review = None if unseen else review_set(evaluation_set, loaded, families.values(), table)
        probes, added = _check_probes(loaded, evaluation_set), evaluation_set.source.added_over
    checked = check_counts(loaded.plan, counts, features, moments)
    return replace(checked, review=review, probes=probes, added_over=added, model_missing=_model_missing(loaded))


def _model_missing(loaded: LoadedPlan) -> bool:
    """Say whether a run would find no model; a file of predictions is looked for where it is read."""
    path = getattr(loaded.plan.detector, "path", None)
    return path is not None and not (loaded.folder / path).exists()


def _check_probes(loaded: LoadedPlan, evaluation_set: EvaluationSet) -> tuple[ProbeCheck, ...]:
    """Design the plan's probes, to see what they would ask; nothing is loaded where the plan has none."""
    if not loaded.plan.probes:
        return ()
    plan, folder = loaded.plan, loaded.folder
    needed = {
        name: least_templates(0.0, rule.margin, plan.verdict.alpha) or 0
        for rule in sorted(plan.named_probe_rules, key=lambda rule: -rule.margin)
        for name in rule.probes
    }
    designs = check_probes(plan, evaluation_set, folder)
    check_answers(plan.evaluation_set, plan.detector, plan.probes, designs, evaluation_set, folder)
    return tuple(
        ProbeCheck(
            probe=probe.id,
            variants=len(design.ids),
            changes=len(design.comparisons),
            templates=design.templates,
            unit=design.unit,
            templates_needed=needed.get(probe.id, 0),
            unused=design.unused,
            unanswered=is_unanswered(probe, plan.detector, folder),
        )
        for probe, design in zip(plan.probes, designs, strict=True)
    )


class LabelCounts(NamedTuple):
    """A set by its labels: every case counted, none scored."""

    table: CountsTable
    moments: Moments | None
    """Where cases have weights or clusters."""
    features: tuple[SensitiveFeature, ...]


def count_labels(loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None = None) -> LabelCounts:
    """Read the data of a plan as `run_audit` would, and count them with every case left unscored.

    Raises
    ------
    AuditError
        As `check_plan` does.
    """
    with _open_unscored(loaded, table) as evaluation_set:
        return _count_unscored(evaluation_set)


def _count_unscored(evaluation_set: EvaluationSet) -> LabelCounts:
    return LabelCounts(count_cases(evaluation_set), count_moments(evaluation_set), tuple(evaluation_set.features))


@contextmanager
def _open_unscored(loaded: LoadedPlan, table: pa.Table | pd.DataFrame | None) -> Iterator[EvaluationSet]:
    """Open the set with every case left unscored; those that a table of counts hides have no label here."""
    with open_evaluation_set(loaded.plan, loaded.folder, table) as evaluation_set:
        taken = dict(evaluation_set.expressions)
        if loaded.plan.evaluation_set.is_counted:
            taken["label"] = f'CASE WHEN "{ANSWER}" IS NOT NULL THEN {taken["label"]} END'
        columns = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in taken.items())
        evaluation_set.engine.execute(
            f"CREATE OR REPLACE TEMP VIEW scored AS SELECT {columns}, {ABSTAINED}::TINYINT AS decision FROM source"  # noqa: S608
        )
        read_reference_table(evaluation_set, loaded.plan.groups, loaded.plan.reference_table, loaded.folder)
        if loaded.plan.measures:
            check_measures(loaded.plan, loaded.folder)
        yield evaluation_set


def check_counts(
    plan: AuditPlan, counts: CountsTable, features: Sequence[SensitiveFeature], moments: Moments | None = None
) -> CheckReport:
    """Check a plan on the counts of a set of which nothing is scored, and on its weights and clusters."""
    families = count_families(plan.groups, plan.rules, counts, features)
    by_name = {feature.name: feature for feature in features}
    everyone = everyone_as_family(counts)
    decided = plan_decidability(plan, families, by_name, moments)
    return CheckReport(
        plan=plan,
        features=tuple(features),
        everyone=row_accounts(counts, [everyone])[0],
        positive=int(everyone.cell(Cell.UNSCORED_POSITIVE)[0]),
        negative=int(everyone.cell(Cell.UNSCORED_NEGATIVE)[0]),
        rules=_check_rules(plan, families, by_name, decided),
        planned_pass=planned_pass(plan, counts, features, moments, decided),
    )


def _check_rules(
    plan: AuditPlan,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    decided: Mapping[str, RuleDecidability],
) -> tuple[RuleCheck, ...]:
    checks: list[RuleCheck] = []
    for rule in plan.named_rules:
        decidability = decided[rule.id] if known_before_scoring(plan.evaluation_set, rule) else None
        later = decidability is None
        checks.append(
            RuleCheck(
                rule=rule.id,
                metric=rule.metric,
                planned_rate=rule.planned_rate,
                known_only_after_scoring=later,
                families=()
                if decidability is None
                else tuple(
                    _check_family(plan, rule, family, decidability) for family in decidability.families if family.places
                ),
                coverage=None if decidability is None else decidability.lowest_coverage,
                min_coverage=plan.verdict.min_coverage,
                missing_expected=() if later else missing_expected(plan.groups, plan.verdict, rule, families, features),
            )
        )
    return tuple(checks)


def _check_family(
    plan: AuditPlan, rule: NamedRule, family: FamilyDecidability, decidability: RuleDecidability
) -> FamilyCheck:
    is_held_back = family.decidable & groups_held_back(
        plan.audit.route, plan.verdict, plan.sensitivity, rule, family.planned
    )
    return FamilyCheck(
        family=family.family,
        finest=is_finest(plan.groups, family.family),
        level=budget(plan).names,
        groups=tuple(_check_group(family, decidability, index) for index in family.places),
        coverage=decidability.coverage[family.family],
        held_back=tuple(group for group, is_held in zip(family.groups, is_held_back, strict=True) if is_held),
        share_for_all=share_for_all(
            plan.audit.route, plan.verdict, plan.sensitivity, rule, family.planned, family.decidable
        )
        if is_held_back.any()
        else None,
    )


def _check_group(family: FamilyDecidability, decidability: RuleDecidability, index: int) -> GroupCheck:
    group, cases = family.groups[index], int(family.cases[index])
    required = family.required_cases(index)
    decidable = bool(family.decidable[index])
    needed = 0 if decidable else None if required is None else max(required - cases, 0)
    return GroupCheck(
        group=group,
        cases=cases,
        required=required,
        needed=needed,
        evaluable=bool(family.evaluable[index]),
        decidable=decidable,
        judged_as=decidability.judged_as.get(group),
    )
