"""Kinds of evidence that a plan asks for. No report shows a kind that the plan does not ask for.

A public report that does not show a piece of evidence says why. "Not asked for" follows from the plan. Of evidence that
is asked for, the public report says only that the restricted report has it, or may have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from audit.plan.audit_plan import AuditPlan
from audit.plan.probes import TextProbe
from audit.plan.sections import feature_coding
from audit.safeguards.result_view import features_coded, features_meaning
from audit.vocabulary.metrics import MISSED

NATIONALITY_SLOTS: Final = frozenset({"demonym", "country"})
"""Slots of a text probe whose words name a nationality."""


def asks_for(plan: AuditPlan, key: str) -> bool:
    """Say whether an audit by this plan can find evidence of this key."""
    condition = _ASKED.get(key)
    return condition is None or condition(plan)


def changes_nationality(plan: AuditPlan, probe: object, slot: str) -> bool:
    """Say whether a probe that changes this slot or column changes a nationality."""
    if isinstance(probe, TextProbe):
        return slot in NATIONALITY_SLOTS
    return slot in {plan.groups[feature].column for feature in features_coded(plan.groups, "nationality")}


def _religion(plan: AuditPlan) -> bool:
    columns = {plan.groups[feature].column for feature in features_meaning(plan.groups, plan.governance, "religion")}
    return any(column in columns for probe in plan.probes if probe.kind == "columns" for column in probe.changed)


def _children(plan: AuditPlan) -> bool:
    return any(feature.children for feature in plan.groups.values())


def _forms_outside(plan: AuditPlan) -> bool:
    return plan.reference_table is not None and plan.reference_table.feature == plan.governance.features.get("form")


def _by_gender(plan: AuditPlan) -> bool:
    return bool(features_coded(plan.groups, "gender"))


def _by_nationality(plan: AuditPlan) -> bool:
    return bool(features_coded(plan.groups, "nationality"))


def _by_both(plan: AuditPlan) -> bool:
    """Say whether a rule counts gender and nationality together. Nothing else counts them together."""
    sets = (features for rule in plan.rules for features in rule.feature_sets)
    return any(
        sorted(feature_coding(plan.groups, name) for name in features) == ["gender", "nationality"] for features in sets
    )


_ASKED: Final[Mapping[str, Callable[[AuditPlan], bool]]] = {
    "missed": lambda plan: any(rule.metric in MISSED for rule in plan.rules),
    "gender": _by_gender,
    "nationalities": _by_nationality,
    "children": _children,
    "present": lambda plan: _by_gender(plan) or _children(plan),
    "forms": lambda plan: "form" in plan.governance.features,
    "forced_criminality": lambda plan: bool(
        plan.governance.forced_criminality and features_meaning(plan.groups, plan.governance, "form")
    ),
    "legal_status": lambda plan: bool(features_meaning(plan.groups, plan.governance, "legal_status")),
    "drift": lambda plan: bool(features_meaning(plan.groups, plan.governance, "period", "language", "site")),
    "perpetuate": lambda plan: plan.reference_table is not None,
    "forms_outside": _forms_outside,
    "like_cases": lambda plan: bool(plan.control_features),
    "clusters": lambda plan: plan.evaluation_set.cluster is not None,
    "weighed": lambda plan: plan.costs is not None,
    "at_work": lambda plan: plan.deployment is not None,
    "calibration": lambda plan: plan.detector.has_scores,
    "unnamed_groups": lambda plan: plan.scan is not None,
    "swaps": lambda plan: bool(plan.probes),
    "nationality_word": lambda plan: any(
        changes_nationality(plan, probe, slot) for probe in plan.probes for slot in probe.changed
    ),
    "religion": _religion,
    "ratios_gender": _by_gender,
    "ratios_nationality": _by_nationality,
    "ratios_both": _by_both,
    "ratios_unknown": lambda plan: _by_gender(plan) or _by_nationality(plan),
}
"""Tests of a plan, by the key of the evidence. Every plan asks for a key that is not here."""
