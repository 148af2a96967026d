"""Looks at the system's answers: what failed and why, and whether it says the same when it is asked again.

Look at the change since the last audit: for whom the system is worse, for whom not, for whom it is unknown.
"""

from __future__ import annotations

from markupsafe import Markup

from audit.result.findings.change import ChangeVerdict
from audit.result.findings.further import FailedRows, SelfDisagreement
from audit.result.reading import changed_groups, changed_worst_first
from audit.vocabulary.groups import Group
from reports.change_words import ChangeWords
from reports.html.charts import slope
from reports.html.looks.parts import MOST, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN


class ChangeWriter(LookWriter):
    """Writer of the look at the change from an earlier audit, where one was named."""

    anchor = "change"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        change, words = self.result.change, ChangeWords(self.result, self.language)
        if change is None:
            return self.absent()
        sentences = filter(None, (words.sentence(), words.compared(), words.differs(), *self._limits()))
        worst_first = changed_worst_first(changed_groups(change))
        shares = [share for verdict in worst_first for share in _then_and_now(verdict) if share is not None]
        ends = (min(shares, default=0.0), max(shares, default=1.0))
        return self.tabled(
            [self._row(verdict, words, ends) for verdict in worst_first], sentences, by_result=True, most=MOST
        )

    def _limits(self) -> tuple[str, ...]:
        """Return how much worse each rate may have become."""
        change = self.result.change
        if change is None or not change.rules:
            return ()
        margins = list(dict.fromkeys(rule.margin for rule in change.rules))
        points = self.listed([self.n.points(margin) for margin in margins])
        return (
            self.t.gettext("It may have become worse by %(points)s percentage points at most.") % {"points": points},
        )

    def _row(self, verdict: ChangeVerdict, words: ChangeWords, ends: tuple[float, float]) -> Row:
        rules = {rule.rule: rule.metric for rule in (self.result.change.rules if self.result.change else ())}
        metric = self.reading.metrics.get(rules[verdict.rule])
        then, now = _then_and_now(verdict)
        return (
            self.group_cell(verdict.group),
            self.cell("rate", verdict.rule if metric is None else metric.plain, number=False),
            self.cell("became", words.outcome(verdict), number=False),
            self.cell("then", self.n.percent(then)),
            self.cell("now", self.n.percent(now)),
            self.cell("then_to_now", self._drawn(verdict, then, now, ends), number=False),
            self.cell(
                "change_in_points",
                self.n.points_with_range(verdict.difference, verdict.difference_low, verdict.difference_high),
            ),
            self.cell("changed_for_worse", self._count(verdict.lost)),
            self.cell("changed_for_better", self._count(verdict.gained)),
            self.cell("cases_compared", self._count(verdict.n)),
        )

    def _drawn(
        self, verdict: ChangeVerdict, then: float | None, now: float | None, ends: tuple[float, float]
    ) -> Markup | str:
        if then is None or now is None:
            return NOT_KNOWN
        return slope(then, now, verdict.outcome, ends, f"{self.n.percent(then)} → {self.n.percent(now)}")

    def _count(self, count: int | None) -> str:
        return NOT_KNOWN if count is None else self.n.count(count)


def _then_and_now(verdict: ChangeVerdict) -> tuple[float | None, float | None]:
    then = verdict.then_numerator / verdict.then_denominator if verdict.then_denominator else None
    now = verdict.now_numerator / verdict.now_denominator if verdict.now_denominator else None
    return then, now


_TWO_DECIMALS = 0.01


class FailuresWriter(LookWriter):
    """Writer of the look at rows without a usable answer, by what went wrong."""

    anchor = "failures"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        everyone = next(account for account in self.result.rows if not account.group.root)
        if not self.result.further.failures:
            return self.absent("absent_unknown" if everyone.failed else "absent")
        values = {
            "failed": self.part(everyone.failed, everyone.read),
            "share": self.n.percent(everyone.failed / everyone.read, digits=1),
        }
        sentences = (
            self.t.gettext("On %(failed)s rows (%(share)s) the system gave no answer that can be used.") % values,
            self.said("allowed", most=self.n.percent_of_the_plan(self.result.plan.verdict.max_failed)),
        )
        return self.tabled(map(self._row, self._ordered()), sentences)

    def _ordered(self) -> list[FailedRows]:
        alone = [failed_rows for failed_rows in self.result.further.failures if len(failed_rows.group.root) <= 1]
        return sorted(alone, key=lambda failed_rows: (bool(failed_rows.group.root), -failed_rows.rows))

    def _row(self, failed_rows: FailedRows) -> Row:
        read = {account.group.root: account.read for account in self.result.rows}.get(failed_rows.group.root)
        return (
            self.group_cell(failed_rows.group),
            self.cell(
                "went_wrong", self.language.word("answers", failed_rows.reason or failed_rows.status), number=False
            ),
            self.cell("rows", self.n.count(failed_rows.rows)),
            self.cell("share_of_rows", NOT_KNOWN if not read else self.n.percent(failed_rows.rows / read, digits=1)),
        )


class AskedAgainWriter(LookWriter):
    """Writer of the look at the system's disagreement with itself."""

    anchor = "asked-again"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        by_group = {disagreement.group.root: disagreement for disagreement in self.result.further.self_disagreement}
        everyone = by_group.get(Group(()).root)
        if everyone is None:
            return self.absent()
        return self.tabled(map(self._row, self._ordered()), self._sentences(everyone), by_result=True)

    def _sentences(self, everyone: SelfDisagreement) -> tuple[str, ...]:
        times = self.n.count(self.result.plan.scoring.repeat)
        first = self.said(
            "first",
            times=times,
            differ=self.part(everyone.decisions_differ, everyone.answered),
            share=self.share(everyone.share, everyone.low, everyone.high),
        )
        if not everyone.answered_sometimes:
            return (first,)
        return (
            first,
            self.counted("sometimes", everyone.answered_sometimes),
        )

    def _ordered(self) -> list[SelfDisagreement]:
        alone = [
            disagreement for disagreement in self.result.further.self_disagreement if len(disagreement.group.root) <= 1
        ]
        return sorted(
            alone,
            key=lambda disagreement: (
                bool(disagreement.group.root),
                -(disagreement.share or 0.0),
                -disagreement.answered,
            ),
        )

    def _row(self, disagreement: SelfDisagreement) -> Row:
        moved = (
            NOT_KNOWN
            if disagreement.largest_difference is None
            else self.part(disagreement.scores_differ, disagreement.answered)
        )
        largest = (
            NOT_KNOWN if not disagreement.scores_differ else self._difference(disagreement.largest_difference or 0.0)
        )
        return (
            self.group_cell(disagreement.group),
            self.cell("decided_otherwise", self.part(disagreement.decisions_differ, disagreement.answered)),
            self.cell("share_likely", self.share(disagreement.share, disagreement.low, disagreement.high)),
            self.cell("score_moved", moved),
            self.cell("by_at_most", largest),
        )

    def _difference(self, value: float) -> str:
        return self.n.ratio(value) if value >= _TWO_DECIMALS else self.n.probability(value)
