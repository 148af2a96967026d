"""Words for waived findings: who waived them and until when, beside a verdict that stays as it is.

The day on which the audit ended decides whether a waiver has expired. So a report of one result is always the same, at
any time and by anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.result.audit_result import AuditResult, Waiver
from audit.result.waivers import WaiverOnDay, day_of, held_by_finding, waivers_on_day
from audit.vocabulary.groups import Group
from audit.vocabulary.names import Names
from audit.vocabulary.text import harmless
from reports.language import ENGLISH, Language, Wording


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """A waiver in a table."""

    group: str
    rule: str
    who: str
    why: str
    until: str
    state: str
    """The state of the waiver when the audit ended."""


class WaiverWords(Wording):
    """Words for the waivers of one result, in one language."""

    def __init__(self, result: AuditResult, language: Language = ENGLISH) -> None:
        super().__init__(language)
        self._waivers = waivers_on_day(result, day_of(result))
        self._by_finding = held_by_finding(result)

    def mark(self, rule: str, group: Group) -> str:
        """Return the text beside a finding that is waived, or an empty text."""
        waiver_on_day = self._by_finding.get((rule, group))
        if waiver_on_day is None:
            return ""
        values = {
            "who": harmless(waiver_on_day.waiver.who),
            "day": self._language.date(waiver_on_day.waiver.expires),
            "why": harmless(waiver_on_day.waiver.why),
        }
        if waiver_on_day.state == "expired":
            return self._t.gettext("waiver by %(who)s until %(day)s, expired when the audit was run: %(why)s") % values
        return self._t.gettext("waived by %(who)s until %(day)s: %(why)s") % values

    def listed(self, names: Names) -> Sequence[WaiverLine]:
        """Return every waiver, in the order of its file."""
        return [self._line(waiver_on_day, names) for waiver_on_day in self._waivers]

    def _line(self, waiver_on_day: WaiverOnDay, names: Names) -> WaiverLine:
        waiver = waiver_on_day.waiver
        return WaiverLine(
            group=names.group(waiver.group),
            rule=waiver.rule,
            who=waiver.who,
            why=waiver.why,
            until=self._language.date(waiver.expires),
            state=self._language.word("waivers", waiver_on_day.state),
        )


def plain_words(result: AuditResult, waiver: Waiver) -> str:
    """Return a waiver for machines that read English: "waived by WHO until DATE: WHY"."""
    until = f"until {harmless(waiver.expires)}"
    if waiver.expires < day_of(result):
        until += ", expired when the audit was run"
    return f"waived by {harmless(waiver.who)} {until}: {harmless(waiver.why)}"
