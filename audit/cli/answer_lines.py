"""How the detector answered, in the summary of a terminal: a line each, and none where there is nothing to say."""

from __future__ import annotations

from audit.result.audit_result import AuditResult
from audit.vocabulary.numbers import percent

_MOST = 3
"""Reasons that are named; the report has all."""


def answer_lines(result: AuditResult) -> list[str]:
    """Why answers failed, and how often the detector contradicts itself."""
    return [*_failed(result), *_asked_again(result)]


def _failed(result: AuditResult) -> list[str]:
    everyone = [each for each in result.failures if not each.group.root]
    if not everyone:
        return []
    told = sorted(everyone, key=lambda each: -each.rows)
    reasons = [f"{each.reason or each.status} {each.rows:,}" for each in told[:_MOST]]
    more = f", {len(told) - _MOST} more reasons" if len(told) > _MOST else ""
    return [f"Failed: {sum(each.rows for each in told):,} rows ({', '.join(reasons)}{more})"]


def _asked_again(result: AuditResult) -> list[str]:
    for each in result.self_disagreement:
        if not each.group.root:
            differ = f"{each.decisions_differ:,} of {each.answered:,} decisions differ"
            share = f" ({percent(each.share)})" if each.share else ""
            return [f"Asked {result.plan.scoring.repeat} times: {differ}{share}"]
    return []
