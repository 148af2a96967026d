"""Reading and writing `result.json`: the same bytes for the same result, and nothing read that is not understood."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audit.errors import ResultError
from audit.result.audit_result import SCHEMA_VERSION, AuditResult
from audit.result.change_follows import change_contradiction, worse_of
from audit.result.findings import ChangeOutcome, FamilyResult, ProbeRuleResult, RuleResult, Verdict
from audit.result.json_text import result_sha256, result_to_json
from audit.result.probes_follow import probe_contradiction, rejected_as_said
from audit.result.waivers import waiver_contradiction

__all__ = ["load_result", "parse_result", "result_schema", "result_sha256", "result_to_json"]

MAX_BYTES = 512 * 1024 * 1024


def load_result(path: str | Path) -> AuditResult:
    """Read a `result.json`.

    Raises
    ------
    ResultError
        If it is no result, is damaged, contradicts itself, or was written by a newer version of this tool.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ResultError(f"{path.name} is no file", slug="no-result", hint="check the path")
        if path.stat().st_size > MAX_BYTES:
            raise ResultError(f"{path.name} is larger than a result can be", slug="not-a-result")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultError(
            f"{path.name} cannot be read ({error.strerror or 'storage error'})", slug="no-result", hint="check the path"
        ) from None
    except UnicodeDecodeError:
        raise ResultError(f"{path.name} is not UTF-8 text", slug="not-a-result") from None
    return parse_result(text, path.name)


def parse_result(text: str, name: str = "result") -> AuditResult:
    """Read a result from JSON text; `name` is what errors call it. Raises ResultError as `load_result` does."""
    document = _strict_json(text, name)
    version = document.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        raise ResultError(
            f"{name} has schema version {version}; this audit7k reads up to version {SCHEMA_VERSION}",
            slug="newer-result",
            hint="update audit7k",
        )
    if version != SCHEMA_VERSION:
        raise ResultError(f"{name} has no schema version that is known", slug="not-a-result")
    try:
        result = AuditResult.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ResultError(
            f"{name} does not follow schema version {SCHEMA_VERSION} at {where}", slug="not-a-result"
        ) from None
    if not all(map(_is_moment, (result.provenance.started, result.provenance.finished))):
        raise ResultError(f"{name} does not follow schema version {SCHEMA_VERSION} at provenance", slug="not-a-result")
    contradiction = _contradiction(result)
    if contradiction is not None:
        raise ResultError(
            f"{name} contradicts itself: {contradiction} does not follow from the verdicts",
            slug="contradictory-result",
            hint="it was changed after the audit; run the audit again",
        )
    unfounded = _unfounded(result)
    if unfounded is not None:
        raise ResultError(
            f"{name} contradicts itself: {unfounded} does not follow from what it holds",
            slug="contradictory-result",
            hint="it was changed after the audit; run the audit again",
        )
    return result


def _is_moment(stamp: str) -> bool:
    """Whether a stamp is a moment of a known zone: baselines are ordered by it, and waivers end by it."""
    try:
        return datetime.fromisoformat(stamp).tzinfo is not None
    except ValueError:
        return False


def _contradiction(result: AuditResult) -> str | None:
    """Where the result says what does not follow from its verdicts; None where it is consistent."""
    verdicts: dict[str, list[Verdict]] = {rule.rule: [] for rule in result.rules}
    for verdict in result.verdicts:
        if verdict.rule not in verdicts:
            return "rules"
        verdicts[verdict.rule].append(verdict)
    asked = [(rule.id, rule.metric, rule.scale, rule.limit) for rule in result.plan.named_rules]
    told = [(rule.rule, rule.metric, rule.scale, rule.limit) for rule in result.rules]
    if asked != told or not all(verdicts.values()):
        return "rules"
    for place, rule in enumerate(result.rules):
        part = _rule_contradiction(rule, verdicts[rule.rule], result.plan.verdict.alpha)
        if part is not None:
            return f"rules.{place}.{part}"
    waived = waiver_contradiction(result)
    return probe_contradiction(result) or change_contradiction(result) or _overall_contradiction(result) or waived


def _rule_contradiction(rule: RuleResult, verdicts: list[Verdict], alpha: float) -> str | None:
    counted = Counter(verdict.outcome for verdict in verdicts)
    if counted != Counter(rule.groups_by_outcome) or not all(_follows_from_p(verdict, alpha) for verdict in verdicts):
        return "groups_by_outcome"
    if not all(map(_unnamed_follows_from_p, rule.families)):
        return "families"
    fails = counted["fail"] > 0 or any(family.unnamed_beyond for family in rule.families)
    if (rule.outcome == "fail") != fails or (rule.outcome == "pass" and not _may_pass(rule, verdicts)):
        return "outcome"
    return None


def _follows_from_p(verdict: Verdict, alpha: float) -> bool:
    """Whether a verdict is what its p-values say."""
    if not rejected_as_said(verdict.p_fail, verdict.level_fail, said=verdict.outcome == "fail"):
        return False
    if verdict.outcome != "pass":
        return True
    passes = verdict.decidable and verdict.p_pass is not None and verdict.p_pass <= alpha
    return passes and verdict.p_fail is not None and verdict.level_fail is not None


def _unnamed_follows_from_p(family: FamilyResult) -> bool:
    return rejected_as_said(family.unnamed_p, family.unnamed_level, said=family.unnamed_beyond)


def _may_pass(rule: RuleResult, verdicts: list[Verdict]) -> bool:
    judged = [verdict.outcome for verdict in verdicts if verdict.decidable]
    enough = rule.coverage is not None and rule.coverage >= rule.min_coverage
    return enough and set(judged) == {"pass"} and not rule.missing_expected


def _overall_contradiction(result: AuditResult) -> str | None:
    rules: list[RuleResult | ProbeRuleResult] = [*result.rules, *result.probe_rules]
    failing = [rule.rule for rule in rules if rule.outcome == "fail"]
    undecided = [rule.rule for rule in rules if rule.outcome not in ("fail", "pass")]
    follows: ChangeOutcome = "fail" if failing else "inconclusive" if undecided or not rules else "pass"
    if result.change is not None:
        follows = worse_of(follows, result.change.outcome)
    if result.overall.outcome != follows:
        return "overall.outcome"
    if sorted(result.overall.failing_rules) != sorted(failing):
        return "overall.failing_rules"
    return None if sorted(result.overall.undecided_rules) == sorted(undecided) else "overall.undecided_rules"


def _unfounded(result: AuditResult) -> str | None:
    """The first safeguard that claims evidence which this result does not hold; None where all is as it says."""
    for place, one in enumerate(result.safeguards):
        given_by = {"measured": "audit", "declared": "operator", "not_shown": "nobody"}[one.state]
        founded = bool(one.rests_on) == (one.state != "not_shown") and all(_holds(result, at) for at in one.rests_on)
        if one.given_by is not None and (one.given_by != given_by or not founded):
            return f"safeguards.{place}"
    return None


def _holds(result: AuditResult, field: str) -> bool:
    value: object = result
    for name in field.split("."):
        value = getattr(value, name, None)
    return value is not None and value not in ("", (), {})


def _strict_json(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ResultError(
            f"{name} is not the JSON of a result", slug="not-a-result", hint="it may be cut short; run the audit again"
        ) from None
    if not isinstance(document, dict):
        raise ResultError(f"{name} is not the JSON of a result", slug="not-a-result")
    return document


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        raise ValueError("a key stands twice")
    return keys


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def result_schema() -> dict[str, Any]:
    """The JSON Schema of `result.json`."""
    schema = AuditResult.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
