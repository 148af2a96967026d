"""Document of `audit7k power --json`, in which an unknown number is null and has a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audit.cli.console.group_names import GroupNames

if TYPE_CHECKING:
    from audit.cli.pages.power_flags import PowerFlags
    from audit.planning.power import Answer, PowerReport, RulePower
    from audit.verdicts.decidable_gaps import FamilyPower, GroupPower, Smallest

SCHEMA_VERSION = 1


def set_document(report: PowerReport) -> str:
    """Write what a set can decide."""
    names = GroupNames(report.features)
    return _text(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": "power_of_a_set",
            "release": "restricted",
            "title": report.plan.audit.title,
            "alpha": report.plan.verdict.alpha,
            "power": report.plan.verdict.power,
            "rules": [_rule(rule, names) for rule in report.rules],
        }
    )


def _rule(rule: RulePower, names: GroupNames) -> dict[str, Any]:
    return {
        "rule": rule.rule.id,
        "metric": rule.rule.metric,
        "scale": rule.rule.scale,
        "limit": rule.rule.limit,
        "sides": list(rule.sides),
        "expected_rate": rule.rule.planned_rate,
        "family_level": _rounded(rule.level),
        "known_only_after_scoring": rule.known_only_after_scoring,
        "families": [_family(family, names) for family in rule.families],
    }


def _family(family: FamilyPower, names: GroupNames) -> dict[str, Any]:
    return {
        "family": [list(axis) for axis in family.family.axes],
        "exact": family.exact,
        "groups": [_group(group, names) for group in family.groups],
    }


def _group(group: GroupPower, names: GroupNames) -> dict[str, Any]:
    return {
        "group": [list(level) for level in group.group.levels],
        "name": names.name(group.group),
        "cases": group.cases,
        "worth": round(group.worth, 3),
        "cases_required": group.required,
        "decidable": group.decidable,
        "judged_as": None if group.judged_as is None else [list(level) for level in group.judged_as.levels],
        "fails_from": [_smallest(side) for side in group.fails_from],
        "passes_at": [_smallest(side) for side in group.passes_at],
    }


def _smallest(side: Smallest) -> dict[str, Any]:
    return {
        "side": side.side,
        "disparity": _rounded(side.disparity),
        "rate": _rounded(side.rate),
        "level": _rounded(side.level),
        "reason": side.reason,
    }


def cases_document(flags: PowerFlags, answers: Sequence[Answer]) -> str:
    """Write how many cases would be needed."""
    limit = flags.asked.limit
    return _text(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": "cases_for_power",
            "metric": flags.metric.name,
            "scale": limit.scale,
            "limit": limit.limit,
            "side": "low" if limit.low_is_worse else "high",
            "expected_rate": limit.rate,
            "groups": flags.asked.groups,
            "rest_cases": flags.asked.rest_cases,
            "alpha": flags.asked.alpha,
            "power": flags.asked.power,
            "gap": flags.gap,
            "prevalence": flags.prevalence,
            "answers": [
                {
                    "wanted": answer.wanted,
                    "cases": answer.cases,
                    "rows": flags.rows(answer.cases),
                    "reason": answer.reason,
                    "group_power": _rounded(answer.group_power),
                    "enumerated_power": _rounded(answer.enumerated_power),
                    "level": _rounded(answer.level),
                    "judged_alone_from": answer.judged_alone_from,
                }
                for answer in answers
            ],
        }
    )


def _rounded(value: float | None) -> float | None:
    """Round to six significant digits: more would differ between machines."""
    return None if value is None else float(f"{value:.6g}")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
