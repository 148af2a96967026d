"""Detector and question that a history belongs to: evidence for one says nothing about another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from audit.analyses.sides import questions
from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.verdicts.nights.state import State
from audit.vocabulary.groups import SensitiveFeature

_WORDS: Final[Mapping[str, str]] = {
    "detector": "the detector",
    "asked": "how the detector is asked, or when it flags",
    "labels": "how labels are read",
    "groups": "how groups are read",
    "rules": "the rules",
    "alpha": "alpha",
}
_NO_ANSWER_DEPENDS_ON: Final = {
    "path", "timeout", "start_timeout", "try_timeout", "most_restarts", "longest_line", "workers", "most_bytes",
    "token",
}  # fmt: skip
"""Keys of a detector that change no answer: where its file lies (its digest is compared), and how patiently it is
asked.
"""
_LABELS: Final = {"id", "label", "label_positive", "label_negative", "label_missing", "numbers"}
_NOT_THE_READING: Final = {"min_cases", "reference", "expected"}
"""Keys of a group that say who is judged and compared, and change no group."""


def identity(plan: AuditPlan, detector_sha256: str | None) -> dict[str, Any]:
    """Return what must stay as it is for a history to go on, as plain JSON.

    The detector is known by its digest. Where nothing but its answers can be had (predictions, a service) it is known
    by the title of the audit, which names the system and its version. Keys at their default are left out, so that a key
    that a later version adds ends no history, and no FAIL that stands.
    """
    answers_alone = detector_sha256 is None or plan.detector.kind == "predictions"
    factors = plan.sensitivity.model_dump(include={"unknown_share_factor", "unknown_odds_factor"})
    kept = {
        "detector": {"title": plan.audit.title} if answers_alone else {"sha256": detector_sha256},
        "asked": plan.detector.model_dump(
            mode="json", by_alias=True, exclude=_NO_ANSWER_DEPENDS_ON, exclude_defaults=True
        ),
        "labels": plan.evaluation_set.model_dump(mode="json", by_alias=True, include=_LABELS, exclude_defaults=True),
        "groups": {
            "features": {
                name: feature.model_dump(mode="json", by_alias=True, exclude=_NOT_THE_READING, exclude_defaults=True)
                for name, feature in plan.groups.items()
            },
            "order": list(plan.groups),
            "max_missing_share": plan.sensitivity.max_missing_share,
            # histories that begin before there were factors supposed nothing
            **{key: value for key, value in factors.items() if value != "worst"},
        },
        "rules": [
            {
                "metric": rule.metric,
                "scale": rule.scale,
                "limit": rule.limit,
                "sides": [question.side for question in questions(plan, rule)],
                "groups": [list(features) for features in rule.feature_sets],
            }
            for rule in plan.rules
        ],
        "alpha": plan.verdict.alpha,
    }
    plain: dict[str, Any] = json.loads(json.dumps(kept))
    return plain


def changed_parts(state: State, now: Mapping[str, Any], features: Sequence[SensitiveFeature]) -> tuple[str, ...]:
    """Name in words what changed since the nights that `state` has taken in; empty where the history goes on."""
    words = [words for key, words in _WORDS.items() if state.identity.get(key) != now.get(key)]
    held = {(name, seen.level.rung, seen.level.code): seen.level for name, of in state.levels.items() for seen in of}
    for feature in features:
        for level in feature.levels:
            before = held.get((feature.name, level.rung, level.code), level)
            if (before.parent, before.parts) != (level.parent, level.parts):
                return (*words, "what a region holds")
    return tuple(words)


def check_plan(plan: AuditPlan) -> None:
    """Raise PlanError where nights of this plan cannot be added up."""
    section = plan.evaluation_set
    if section.is_weighted or section.cluster is not None:
        raise _refused("it is for independent cases without design weights, and this plan has weights or clusters")
    if plan.detector.top_k is not None:
        raise _refused("with top_k one case is flagged in the place of another, so that cases are not independent")
    if plan.named_probe_rules:
        raise _refused("a rule on probes asks the same texts every night, and no night adds to it")


def _refused(why: str) -> PlanError:
    return PlanError(f"--sequential: {why}", slug="sequential-plan")
