"""Limits on made-up texts in which one word is changed, and the part of them that the public may read.

The texts are about nobody. So a limit on them, and the fact that they were scored, say nothing about a person. The
answers of the detector stay in the restricted report. Whether the limit is kept is public as far as the headline says
it.
"""

from __future__ import annotations

from collections.abc import Iterator

from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.result.findings.swaps import SwapProbe
from audit.safeguards.plan_scope import NATIONALITY_SLOTS, changes_nationality


def is_limited(result: AuditResult, key: str) -> bool:
    """Tell whether a rule of the plan limits texts that change such a word, and whether these texts were scored."""
    limited = {probe for probe, kind, slot in _limited(result.plan) if kind == "text" and _is_of(key, slot)}
    return any(probe.probe in limited and _scored(probe, key) for probe in result.probes)


def headline_key(result: AuditResult, key: str) -> str | None:
    """Return the key in `headline` of the table for what the headline says of such a limit, or None where it says
    nothing.
    """
    if result.overall.outcome == "pass":
        return "kept"
    if all(rule.outcome != "fail" for rule in result.probe_rules):
        return None
    probes = {probe.id: probe for probe in result.plan.probes}
    alone = key == "swaps" or all(
        kind == "text" and changes_nationality(result.plan, probes[probe], slot)
        for probe, kind, slot in _limited(result.plan)
    )
    return "exceeded" if alone else "exceeded_among"


def _limited(plan: AuditPlan) -> Iterator[tuple[str, str, str]]:
    """Yield each probe that a rule limits: its id, its kind, and one slot or column that it changes."""
    for rule in plan.named_probe_rules:
        for probe in plan.probes:
            if not rule.probes or probe.id in rule.probes:
                yield from ((probe.id, probe.kind, slot) for slot in probe.changed)


def _is_of(key: str, slot: str) -> bool:
    return key == "swaps" or slot in NATIONALITY_SLOTS


def _scored(probe: SwapProbe, key: str) -> bool:
    """Tell whether this probe holds measured evidence, by the test that `of_changes` uses."""
    if key == "swaps":
        return any(slot.pairs for slot in probe.slots)
    return any(
        _is_of(key, one.slot) and one.given_slot is None and one.shift is not None and one.reason is None
        for one in probe.shifts
    )
