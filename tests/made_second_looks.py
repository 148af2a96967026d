"""Made-up answers to the further questions of a plan, put into the made-up results of `made_results`.

As there: reports read what a result says, and that a result is right is tested elsewhere.
"""

from __future__ import annotations

import json
from typing import Any

from audit.result import AuditResult

NATIONALITIES = [["nationality", "country"]]


def unnamed_result(base: AuditResult, *, metric: str | None = None, keep_names: bool = False) -> AuditResult:
    """`base` with a FAIL of all nationalities together on one rule, and nobody named for it (or, with names, some)."""
    result = base.model_dump(mode="json", by_alias=True)
    rule = next(rule for rule in result["rules"] if metric in (None, rule["metric"]))
    for verdict in result["verdicts"]:
        mine = verdict["rule"] == rule["rule"]
        nationality = [level[:2] for level in verdict["group"]] == NATIONALITIES
        if verdict["outcome"] == "fail" and (not keep_names or (mine and nationality)):
            verdict.update(outcome="inconclusive", because="limit_not_excluded", cases_needed=40)
    for each in result["rules"]:
        outcomes = [verdict["outcome"] for verdict in result["verdicts"] if verdict["rule"] == each["rule"]]
        each["groups_by_outcome"] = {name: outcomes.count(name) for name in each["groups_by_outcome"]}
        if "fail" not in outcomes:
            each.update(outcome="inconclusive", because="group_undecided")
    if rule["outcome"] != "fail":
        rule.update(outcome="fail", because="unnamed_beyond_limit")
    for family in rule["families"]:
        if family["family"] == NATIONALITIES:
            family.update(unnamed_p=1.3e-5, unnamed_level=0.01, unnamed_survivors=61, unnamed_beyond=True)
    _overall(result)
    return AuditResult.model_validate_json(json.dumps(result))


def _overall(result: dict[str, Any]) -> None:
    outcomes = {rule["rule"]: rule["outcome"] for rule in result["rules"]}
    failing = [rule for rule, outcome in outcomes.items() if outcome == "fail"]
    undecided = [rule for rule, outcome in outcomes.items() if outcome not in ("fail", "pass")]
    outcome = "fail" if failing else "inconclusive" if undecided else "pass"
    result["overall"].update(outcome=outcome, failing_rules=failing, undecided_rules=undecided)
