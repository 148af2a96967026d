"""May an earlier result be the baseline of this one? Only where nothing differs but the detector, and words.

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

__all__ = ["MAY_DIFFER", "check_earlier", "check_features", "check_plans", "check_sets", "question_of"]

MAY_DIFFER: Final = ("detector", "audit.title", "scoring", "sandbox", "disclosure", "governance", "baseline", "waivers")
"""What of a plan may differ: which model, how it is run, what it is called, and what decides no verdict."""


def question_of(plan: AuditPlan) -> dict[str, Any]:
    """All that a plan asks, without what may differ and where its set lies: two plans with the same ask the same."""
    asked: dict[str, Any] = plan.model_dump(mode="json", by_alias=True)
    for place in MAY_DIFFER:
        _without(asked, place)
    for rule in asked["rules"]:
        rule.pop("regression_margin", None)
    # the same file under another name is the same set; its digest is compared
    for key in ("path", "sha256"):
        asked["evaluation_set"].pop(key, None)
    return asked


def check_plans(then: AuditPlan, now: AuditPlan) -> None:
    """Raise ResultError where the two plans do not ask the same; it names the keys."""
    before, after = question_of(then), question_of(now)
    if before != after:
        raise ResultError(
            f"the baseline is of another plan: {', '.join(_differing(before, after))} differ",
            slug="baseline-other-plan",
            hint="run the earlier model with this plan, and name that result",
        )


def check_earlier(then: AuditResult, now: AuditResult) -> None:
    """Raise ResultError where the baseline did not end before the result: held against itself, nothing became worse."""
    ended = [datetime.fromisoformat(one.provenance.finished) for one in (then, now)]
    if ended[0] >= ended[1]:
        raise ResultError(
            "the baseline did not end before this result",
            slug="baseline-not-earlier",
            hint="name the result of an earlier audit; compare shows two results in any order",
        )


def differing(then: AuditResult, now: AuditPlan, detector_sha256: str | None) -> tuple[str, ...]:
    """What differs of what may; the detector also where only its file does."""
    before = then.plan.model_dump(mode="json", by_alias=True)
    after = now.model_dump(mode="json", by_alias=True)
    found = [place for place in MAY_DIFFER if _at(before, place) != _at(after, place) and place != "baseline"]
    if "detector" not in found and then.provenance.detector_sha256 != detector_sha256:
        found.insert(0, "detector")
    return tuple(found)


def check_sets(then: AuditResult, now_sha256: str | None, *, only_the_same: bool) -> bool:
    """Whether both are of the same evaluation set.

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
            hint="let the plan read the set from a file",
        )
    if before != now_sha256 and only_the_same:
        raise ResultError(
            "the baseline is of another evaluation set",
            slug="baseline-other-set",
            hint="run the earlier model over this set, and name that result",
        )
    return before == now_sha256


def check_features(then: AuditResult, features: Sequence[SensitiveFeature]) -> None:
    """Raise ResultError where groups of the same set are read otherwise than in the baseline, by another version."""
    if list(map(_as_read, then.features)) != list(map(_as_read, features)):
        raise ResultError(
            "the baseline reads the groups of this set otherwise, and was made by another version of this tool",
            slug="baseline-other-groups",
            hint="run the earlier model again with this version",
        )


def _as_read(feature: SensitiveFeature) -> SensitiveFeature:
    return feature.model_copy(update={"given_to_detector": False})


def _without(asked: dict[str, Any], place: str) -> None:
    *path, last = place.split(".")
    for name in path:
        asked = asked[name]
    asked.pop(last, None)


def _at(asked: dict[str, Any], place: str) -> object:
    found: object = asked
    for name in place.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The keys that differ, two deep at most: names of the plan's own format, and no value."""
    found = []
    for key in {**before, **after}:
        one, other = before.get(key), after.get(key)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict) and key not in ("groups", "control_features"):
            found += [f"{key}.{name}" for name in {**one, **other} if one.get(name) != other.get(name)]
        else:
            found.append(key)
    return found
