"""What a reader must know before using the numbers: said by the result itself, so that no report can leave it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import Notice, OverallVerdict, SystemDescription
from audit.result.findings import RowAccount
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import METRICS
from audit.vocabulary.numbers import exact_percent, percent

__all__ = ["notices"]

_LIMITS_HARM = {
    "missed": ("true_positive_rate", "false_negative_rate"),
    "wrongly_flagged": ("false_positive_rate", "true_negative_rate"),
}
_MANY = 0.10
"""Share of rows without a label or an attribute from which on the reader is told."""
_FAR_FROM_PLAN = 0.15
"""How far a rate may lie from the one that was planned with before the reader is told."""


def notices(
    plan: AuditPlan,
    system: SystemDescription,
    overall: OverallVerdict,
    everyone: FamilyCounts,
    rows: Sequence[RowAccount],
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
) -> tuple[Notice, ...]:
    """Everything a reader must know, the most important first."""
    found = [
        Notice(
            code="restricted",
            text="Restricted, not for publication: the counts are exact and can single out people.",
        ),
        Notice(
            code="labels",
            text=f"Labels are not truth. These come from: {plan.evaluation_set.label_source}. A bias in how they were "
            "made can hide a disparity of the detector or look like one.",
        ),
    ]
    found.extend(_harm_not_limited(plan, overall))
    found.extend(_rows_as_they_are(plan))
    found.extend(_pickled(system))
    found.extend(_given(system))
    found.extend(_unscored(plan, rows[0]))
    found.extend(_unlabelled(plan, rows))
    found.extend(_unknown(plan, families))
    found.extend(_several(features))
    found.extend(_far_from_plan(plan, everyone))
    found.extend(_borders(system))
    found.extend(_after_scoring(plan))
    return tuple(found)


def _rows_as_they_are(plan: AuditPlan) -> list[Notice]:
    section = plan.evaluation_set
    if section.weight is None and section.cluster is None:
        return []
    ground = " and ".join(
        words for words, column in (("design weights", section.weight), ("clusters", section.cluster)) if column
    )
    return [
        Notice(
            code="rows_as_they_are",
            text=f"Rates, disparities and verdicts take {ground} into account. Scores, like with like, amplification, "
            "the random sample and the subgroup search take each row once, and most of them as independent.",
        )
    ]


def _harm_not_limited(plan: AuditPlan, overall: OverallVerdict) -> list[Notice]:
    limited = {rule.metric for rule in plan.rules}
    harms = list(_LIMITS_HARM) if overall.primary_harm == "both" else [overall.primary_harm]
    open_harms = [harm for harm in harms if not limited.intersection(_LIMITS_HARM[harm])]
    words = {"missed": "victims missed", "wrongly_flagged": "people wrongly flagged"}
    return [
        Notice(
            code=f"no_limit_on_{harm}",
            text=f"No rule of this plan limits {words[harm]}, which is the primary harm where flags go to "
            f"{plan.audit.route}. The verdict says nothing about it.",
        )
        for harm in open_harms
    ]


def _pickled(system: SystemDescription) -> list[Notice]:
    if system.kind != "pickle":
        return []
    return [
        Notice(
            code="pickle",
            text="A pickled model was executed: its file can hold any program, and whoever ran this audit let it run. "
            "What such a program does beside scoring is not seen here.",
        )
    ]


def _given(system: SystemDescription) -> list[Notice]:
    if not system.sensitive_features_used:
        return []
    named = ", ".join(system.sensitive_features_used)
    return [Notice(code="sensitive_features_given", text=f"The detector is given: {named}.")]


def _unscored(plan: AuditPlan, account: RowAccount) -> list[Notice]:
    unscored = account.abstained + account.failed
    if not unscored:
        return []
    text = (
        f"{unscored} of {account.read} rows were not scored ({account.abstained} abstained, {account.failed} without "
        "a usable answer). Rates are over the others; verdicts hold whatever these would have been."
    )
    if plan.detector.top_k is not None:
        text += " Within a capacity one of them could also have displaced another case, and that is not bounded."
    return [Notice(code="unscored_cases", text=text)]


def _unlabelled(plan: AuditPlan, rows: Sequence[RowAccount]) -> list[Notice]:
    """Rows without a label are in no rate of victims or others: who they are decides what the rates are about."""
    everyone, *groups = rows
    found = []
    if everyone.unlabelled >= _MANY * everyone.read:
        found.append(
            Notice(
                code="unlabelled",
                text=f"{everyone.unlabelled} of {everyone.read} rows have no label ({_share(everyone)}). They are in "
                "the share flagged and in no other rate.",
            )
        )
    shown = [
        account
        for account in groups
        if len(account.group.levels) == 1
        and account.group.levels[0].rung == plan.rungs(account.group.levels[0].feature)[0]
        and account.unlabelled >= max(_MANY * account.read, 5)
        and account.unlabelled * everyone.read > 2 * everyone.unlabelled * account.read
    ]
    if shown:
        worst = sorted(shown, key=lambda account: (-account.unlabelled, account.group.levels))
        named = "; ".join(f"{account.group.levels[0].code} ({_share(account)})" for account in worst[:5])
        more = f" and {len(worst) - 5} more" if len(worst) > 5 else ""
        found.append(
            Notice(
                code="unlabelled_groups",
                text=f"In some groups far more rows than elsewhere have no label: {named}{more}. Their rates are "
                "about the rows that have one.",
            )
        )
    return found


def _share(account: RowAccount) -> str:
    return percent(account.unlabelled / account.read)


def _unknown(plan: AuditPlan, families: Mapping[Family, FamilyCounts]) -> list[Notice]:
    found: list[Notice] = []
    for feature in plan.groups:
        for family, counts in families.items():
            axes = family.axes
            if len(axes) != 1 or axes[0].feature != feature or axes[0].rung != plan.rungs(feature)[0]:
                continue
            total = int(counts.everyone.sum())
            unknown = sum(
                int(counts.cells[place].sum())
                for place, group in enumerate(counts.groups)
                if group.levels[0].code == "unknown"
            )
            if total and unknown >= _MANY * total:
                found.append(
                    Notice(
                        code=f"unknown_{feature}",
                        text=f"{feature} is unknown for {unknown} of {total} rows ({percent(unknown / total)}). They "
                        "are shown as a group of their own; what holds for the others need not hold for them.",
                    )
                )
    return found


_COUNTED: Final = {
    "first": "counted under the first that is written; the others are not looked at",
    "together": "counted under all of them together, and a group passes only if it would pass whichever of them "
    "belonged to it",
    "standing": "counted as nationals where any of them is that of the country of exploitation",
}


def _several(features: Sequence[SensitiveFeature]) -> list[Notice]:
    found = []
    for feature in features:
        if feature.several_as is not None:
            cases = f"{feature.several:,} {'case has' if feature.several == 1 else 'cases have'} several"
            text = f"{feature.name}: {cases} in one cell, {_COUNTED[feature.several_as]}."
            found.append(Notice(code=f"several_{feature.name}", text=text))
    return found


def _far_from_plan(plan: AuditPlan, everyone: FamilyCounts) -> list[Notice]:
    found: list[Notice] = []
    for rule in plan.named_rules:
        metric = METRICS[rule.metric]
        x, n = int(everyone.numerator(metric)[0]), int(everyone.denominator(metric)[0])
        if n and abs(x / n - rule.planned_rate) > _FAR_FROM_PLAN:
            found.append(
                Notice(
                    code=f"planned_rate_{rule.id}",
                    text=f"Group sizes for rule {rule.id} were planned for a rate of "
                    f"{exact_percent(rule.planned_rate)}; measured "
                    f"overall was {percent(x / n)}. Set expected_rate before the next audit.",
                )
            )
    return found


def _borders(system: SystemDescription) -> list[Notice]:
    found: list[Notice] = []
    if system.near_threshold:
        found.append(
            Notice(
                code="near_threshold",
                text=f"{system.near_threshold} rows have a score at the threshold or within 1e-6 of it. The smallest "
                "change of a score or of the threshold decides them.",
            )
        )
    if system.ties_at_capacity and system.ties_at_capacity > 1:
        found.append(
            Notice(
                code="ties_at_capacity",
                text=f"{system.ties_at_capacity} rows share the lowest flagged score; which of them are flagged was "
                "decided by the order of their ids.",
            )
        )
    return found


def _after_scoring(plan: AuditPlan) -> list[Notice]:
    rules = [rule.id for rule in plan.named_rules if METRICS[rule.metric].denominator_is == "decisions"]
    return [
        Notice(
            code=f"decided_after_scoring_{rule}",
            text=f"Rule {rule}: which groups are large enough depends on how many were flagged, so it was known only "
            "after scoring.",
        )
        for rule in rules
    ]
