"""The group that a failing audit affects most, and at most how many more people than at the rate of everyone else."""

from __future__ import annotations

from collections.abc import Sequence

from audit.result.reading import JudgedRate, Reading, people_beyond
from audit.result.urgency import most_affected_first, primary_metrics
from audit.vocabulary.metrics import ERROR_RATES
from audit.vocabulary.numbers import rounded_up
from reports.language import Language
from reports.unnamed_words import Kind, kind_of


def kind_of_finding(finding: JudgedRate) -> Kind:
    """Return what a failing group suffers, and whether it suffers more or less of it than everyone else."""
    return kind_of(finding.definition, low=finding.verdict.side == "low")


class MostAffected:
    """The failing groups of one result for the harm that comes first."""

    def __init__(self, reading: Reading, failing: Sequence[JudgedRate]) -> None:
        self._reading = reading
        self._failing = failing

    def worst(self) -> JudgedRate | None:
        """The failing group to name: the smallest in which most people are harmed. None where those that fail are
        better off.
        """
        shown = self.shown()
        return None if shown is None or shown.more_harmed <= 0 else shown

    def shown(self) -> JudgedRate | None:
        """The group to show: the one to name, or else the one furthest apart."""
        primary = self._primary()
        return primary[0] if primary else None

    @property
    def larger_too(self) -> bool:
        """Whether more people are harmed in a larger group that is beyond the limit with a part of it."""
        first, *others = self._primary()
        return any(finding.more_harmed > first.more_harmed for finding in others)

    def _primary(self) -> list[JudgedRate]:
        """Return the failing findings about the primary harm, or all of them where none is about it. Where any failing
        group is harmed, groups that are better off do not count.
        """
        wanted = primary_metrics(self._reading)
        harmed = [finding for finding in self._failing if finding.more_harmed > 0]
        for findings in (harmed, self._failing):
            primary = [finding for finding in findings if finding.metric in wanted]
            if primary or findings:
                return most_affected_first(self._reading, primary or findings)
        return []


def people_more(reading: Reading, failing: Sequence[JudgedRate], language: Language) -> str:
    """Return at most how many more people met an error in groups that fail on it than at the rate of everyone else."""
    harmed = [finding for finding in failing if finding.more_harmed > 0] or list(failing)
    if not harmed:
        return ""
    kind = kind_of_finding(harmed[0])
    count = _at_most(reading, [finding for finding in harmed if kind_of_finding(finding) == kind], kind)
    return language.counted("people_more", kind.key, count)


def _at_most(reading: Reading, affected: list[JudgedRate], kind: Kind) -> int:
    """Return an upper bound: no more people can be harmed beyond a rate than were harmed at all."""
    beyond = people_beyond(affected, reading.result.features)
    everyone = reading.everyone.get(ERROR_RATES.get(kind.what, ""))
    if kind.often == "more" and everyone is not None and everyone.numerator < beyond:
        return everyone.numerator
    return rounded_up(beyond)
