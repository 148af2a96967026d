"""Columns that a plan takes from its evaluation set."""

from __future__ import annotations

from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.probes import ColumnsProbe


def asked_columns(plan: AuditPlan) -> dict[str, str]:
    """Columns that a plan takes from its evaluation set, each with the first key of the plan that asks for it."""
    keys: dict[str, str] = {}
    for column, key in every_asked_column(plan):
        keys.setdefault(column, key)
    return keys


def every_asked_column(plan: AuditPlan) -> list[tuple[str, str]]:
    """Columns that a plan takes from its evaluation set, with every key of the plan that asks for one."""
    section, detector = plan.evaluation_set, plan.detector
    pairs = [(section.id, "evaluation_set.id"), (section.label, "evaluation_set.label")]
    pairs += [(feature.column, f"groups.{name}.column") for name, feature in plan.groups.items()]
    pairs += [
        (feature.country_column, f"groups.{name}.country_column")
        for name, feature in plan.groups.items()
        if feature.country_column is not None
    ]
    pairs += [(column, "detector.features") for column in getattr(detector, "features", ())]
    if isinstance(detector, PredictionsDetector) and detector.stands_in_set:
        pairs.append((detector.answer, f"detector.{detector.answer_key}"))
    pairs += [
        (column, f"probes.{probe.id}.features")
        for probe in plan.probes
        if isinstance(probe, ColumnsProbe)
        for column in probe.features
    ]
    pairs += _design_columns(plan)
    return pairs + [(column, "evaluation_set.numbers") for column in section.numbers]


def _design_columns(plan: AuditPlan) -> list[tuple[str, str]]:
    section = plan.evaluation_set
    pairs = [(getattr(section, key), f"evaluation_set.{key}") for key in ("weight", "stratum", "cluster")]
    pairs += [(control.column, f"control_features.{name}.column") for name, control in plan.control_features.items()]
    pairs += [(column, "scan.columns") for column in (plan.scan.columns if plan.scan else ())]
    if plan.control_sample is not None:
        pairs.append((plan.control_sample.column, "control_sample.column"))
    if plan.decisions is not None:
        pairs.append((plan.decisions.column, "decisions.column"))
    return [(column, key) for column, key in pairs if column is not None]
