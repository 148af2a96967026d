"""Looks at the system's answers: what failed and why, and whether it says the same when it is asked again."""

from __future__ import annotations

from audit.result.findings.further import FailedRows, SelfDisagreement
from audit.vocabulary.groups import Group
from reports.answer_words import AnswerWords
from reports.html.looks.parts import Cell, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN

_TWO_DECIMALS = 0.01


class FailuresWriter(LookWriter):
    """Writer of the look at rows without a usable answer, by what went wrong."""

    anchor = "failures"

    def look(self) -> Look:
        """The look."""
        everyone = next(account for account in self.result.rows if not account.group.root)
        if not self.result.further.failures:
            return self.absent("absent_unknown" if everyone.failed else "absent")
        values = {
            "failed": self.part(everyone.failed, everyone.read),
            "share": self.n.percent(everyone.failed / everyone.read, digits=1),
        }
        sentences = (
            self.t.gettext("On %(failed)s rows (%(share)s) the system gave no answer that can be used.") % values,
            self.t.gettext(
                "The plan allows %(most)s. Above that no limit on a rate is decided; below it verdicts hold "
                "whatever these answers would have been."
            )
            % {"most": self.n.percent_of_the_plan(self.result.plan.verdict.max_failed)},
        )
        return self.tabled(map(self._row, self._ordered()), sentences)

    def _ordered(self) -> list[FailedRows]:
        alone = [each for each in self.result.further.failures if len(each.group.root) <= 1]
        return sorted(alone, key=lambda each: (bool(each.group.root), -each.rows))

    def _row(self, each: FailedRows) -> Row:
        read = {account.group.root: account.read for account in self.result.rows}.get(each.group.root)
        return (
            self.group_cell(each.group),
            Cell(
                self.t.gettext("What went wrong"),
                AnswerWords(self.language).why(each.status, each.reason),
                number=False,
            ),
            Cell(self.t.gettext("Rows"), self.n.count(each.rows)),
            Cell(
                self.t.gettext("Share of its rows"),
                NOT_KNOWN if not read else self.n.percent(each.rows / read, digits=1),
            ),
        )


class AskedAgainWriter(LookWriter):
    """Writer of the look at the system's disagreement with itself."""

    anchor = "asked-again"

    def look(self) -> Look:
        """The look."""
        found = {each.group.root: each for each in self.result.further.self_disagreement}
        everyone = found.get(Group(()).root)
        if everyone is None:
            return self.absent()
        return self.tabled(map(self._row, self._ordered()), self._sentences(everyone), by_result=True)

    def _sentences(self, everyone: SelfDisagreement) -> tuple[str, ...]:
        times = self.n.count(self.result.plan.scoring.repeat)
        first = self.t.gettext(
            "Asked %(times)s times about every case, the system contradicted its first decision on %(differ)s: "
            "%(share)s."
        ) % {
            "times": times,
            "differ": self.part(everyone.decisions_differ, everyone.answered),
            "share": self.share(everyone.share, everyone.low, everyone.high),
        }
        if not everyone.answered_sometimes:
            return (first,)
        return (
            first,
            self.t.ngettext(
                "On %(count)s more it answered sometimes, and sometimes not.",
                "On %(count)s more it answered sometimes, and sometimes not.",
                everyone.answered_sometimes,
            )
            % {"count": self.n.count(everyone.answered_sometimes)},
        )

    def _ordered(self) -> list[SelfDisagreement]:
        alone = [each for each in self.result.further.self_disagreement if len(each.group.root) <= 1]
        return sorted(alone, key=lambda each: (bool(each.group.root), -(each.share or 0.0), -each.answered))

    def _row(self, each: SelfDisagreement) -> Row:
        moved = NOT_KNOWN if each.largest_difference is None else self.part(each.scores_differ, each.answered)
        largest = NOT_KNOWN if not each.scores_differ else self._difference(each.largest_difference or 0.0)
        return (
            self.group_cell(each.group),
            Cell(self.t.gettext("Decided otherwise"), self.part(each.decisions_differ, each.answered)),
            Cell(self.t.gettext("Share (likely range)"), self.share(each.share, each.low, each.high)),
            Cell(self.t.gettext("Score moved"), moved),
            Cell(self.t.gettext("By at most"), largest),
        )

    def _difference(self, value: float) -> str:
        return self.n.ratio(value) if value >= _TWO_DECIMALS else self.n.probability(value)
