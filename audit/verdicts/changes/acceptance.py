"""Conditions for a baseline: an earlier result may differ from this one in the detector and in wording, and in no more.

A gate that compares with another question, or with other people, would pass what became worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from audit.errors import ResultError
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.vocabulary.groups import SensitiveFeature

NOT_TOLD: Final = ("baseline", "audit.respond_by")
"""Parts that differ from audit to audit, which nobody needs to be told."""
MAY_DIFFER: Final = (
    *("detector", "audit.title", "scoring", "sandbox", "disclosure", "governance", "waivers"),
    *NOT_TOLD,
)
"""Parts of a plan that may differ: the model, how it is run, what it is called, and what decides no verdict."""
_OFF: Final[tuple[Any, ...]] = ("", [], {})


def question_of(plan: AuditPlan) -> dict[str, Any]:
    """Return all that a plan asks, as plain JSON: two plans with equal values ask the same.

    Left out are what may differ, the place where the set lies, and what is off: an option that a later version adds
    would else change the question of every plan that knows nothing of it.
    """
    question: dict[str, Any] = _without_off(plan.model_dump(mode="json", by_alias=True))
    for key_path in MAY_DIFFER:
        _drop_key(question, key_path)
    for rule in question.get("rules", ()):
        rule.pop("regression_margin", None)
    # the same file under another name is the same set; its digest is compared
    for key in ("path", "sha256"):
        question["evaluation_set"].pop(key, None)
    return question


def _without_off(value: Any) -> Any:
    if isinstance(value, dict):
        without_off = {key: _without_off(part) for key, part in value.items()}
        return {
            key: part
            for key, part in without_off.items()
            if part is not None and part is not False and part not in _OFF
        }
    return [_without_off(part) for part in value] if isinstance(value, list) else value


def check_plans(then: AuditPlan, now: AuditPlan) -> None:
    """Raise ResultError, with the keys that differ, where two plans do not ask the same."""
    before, after = question_of(then), question_of(now)
    if before != after:
        raise ResultError(
            f"the baseline is of another plan: {', '.join(_differing_keys(before, after))} differ",
            slug="baseline-other-plan",
        )


def check_earlier(then: AuditResult, now: AuditResult) -> None:
    """Raise ResultError where the baseline did not end before the result: compared with itself, nothing became
    worse.
    """
    ended = [datetime.fromisoformat(audited.provenance.finished) for audited in (then, now)]
    if ended[0] >= ended[1]:
        raise ResultError(
            "the baseline did not end before this result",
            slug="baseline-not-earlier",
            hint="name the result of an earlier audit; compare shows two results in any order",
        )


def permitted_differences(then: AuditResult, now: AuditPlan, detector_sha256: str | None) -> tuple[str, ...]:
    """List the parts among `MAY_DIFFER` that do differ; the detector also where only its file does."""
    before = then.plan.model_dump(mode="json", by_alias=True)
    after = now.model_dump(mode="json", by_alias=True)
    differences = [
        key_path
        for key_path in MAY_DIFFER
        if key_path not in NOT_TOLD and _value_at(before, key_path) != _value_at(after, key_path)
    ]
    if "detector" not in differences and then.provenance.detector_sha256 != detector_sha256:
        differences.insert(0, "detector")
    return tuple(differences)


def check_sets(then: AuditResult, now_sha256: str | None, *, only_the_same: bool) -> bool:
    """Say whether both results are of the same evaluation set.

    Raises
    ------
    ResultError
        If one of them was a table in memory, which has no digest; or, where `only_the_same`, if the sets differ.
    """
    before = then.provenance.evaluation_set_sha256
    if before is None or now_sha256 is None:
        raise ResultError(
            "a table that was passed in memory has no digest, so nothing says that both audits are of the same set",
            slug="baseline-no-digest",
        )
    if before != now_sha256 and only_the_same:
        raise ResultError("the baseline is of another evaluation set", slug="baseline-other-set")
    return before == now_sha256


def check_features(then: AuditResult, features: Sequence[SensitiveFeature]) -> None:
    """Raise ResultError where the baseline reads the groups of the same set otherwise: another version made it."""
    if list(map(_without_detector_use, then.features)) != list(map(_without_detector_use, features)):
        raise ResultError(
            "the baseline reads the groups of this set otherwise, and was made by another version of this tool",
            slug="baseline-other-groups",
        )


def _without_detector_use(feature: SensitiveFeature) -> SensitiveFeature:
    return feature.model_copy(update={"given_to_detector": False})


def _drop_key(section: dict[str, Any], key_path: str) -> None:
    *path, last = key_path.split(".")
    for name in path:
        section = section[name]
    section.pop(last, None)


def _value_at(section: dict[str, Any], key_path: str) -> object:
    value: object = section
    for name in key_path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _differing_keys(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """List the keys that differ, at most two levels deep: names of the plan's own format, and no value."""
    differing = []
    for key in {**before, **after}:
        earlier, later = before.get(key), after.get(key)
        if earlier == later:
            continue
        if isinstance(earlier, dict) and isinstance(later, dict) and key not in ("groups", "control_features"):
            differing += [f"{key}.{name}" for name in {**earlier, **later} if earlier.get(name) != later.get(name)]
        else:
            differing.append(key)
    return differing
