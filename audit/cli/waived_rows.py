"""Waived findings in the summary: each keeps its place and its FAIL, with a word beside it, and a line counts them."""

from __future__ import annotations

from audit.cli.group_names import printable
from audit.result.audit_result import AuditResult
from audit.result.findings import Verdict
from audit.result.waivers import day_of, standing


class Waived:
    """The waivers of a result as they stood when the audit ended."""

    def __init__(self, result: AuditResult) -> None:
        self._held = standing(result, day_of(result)).held if result.waivers else ()
        self._covered = {(held.waiver.rule, held.waiver.group) for held in self._held if held.state == "in_force"}
        failing = [each for each in result.verdicts if each.outcome == "fail"]
        # a code that stands on every rung of a ladder is the same people, as in the line of counts
        self._failing = {(each.rule, each.group.people) for each in failing}
        self._left = {(each.rule, each.group.people) for each in failing if not self.covers(each)}

    def covers(self, verdict: Verdict) -> bool:
        """Whether a finding is waived, by a waiver that holds."""
        return (verdict.rule, verdict.group) in self._covered

    def line(self) -> list[str]:
        """One line where there are waivers: how many findings they cover, until when, and which have expired."""
        if not self._held:
            return []
        expired = sum(held.state == "expired" for held in self._held)
        unused = sum(held.state == "unused" for held in self._held)
        told = [f"{len(self._failing - self._left):,} of {len(self._failing):,} findings"]
        days = sorted({held.waiver.expires for held in self._held if held.state == "in_force"})
        if days:
            told[0] += f" until {days[0]}" if len(days) == 1 else f" until {days[0]} or later"
        told += [f"{expired:,} expired"] if expired else []
        told += [f"{unused:,} unused"] if unused else []
        who = sorted({printable(held.waiver.who) for held in self._held})
        by = f", by {who[0]}" if len(who) == 1 else ""
        return [f"Waived: {'; '.join(told)}{by}"]
