"""Look at the change since the last audit: for whom the system is worse, for whom not, for whom it is unknown."""

from __future__ import annotations

from audit.result.findings.change import ChangeVerdict
from audit.result.reading import changed_worst_first
from reports.change_words import ChangeWords
from reports.html.looks.parts import Cell, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN


class ChangeWriter(LookWriter):
    """Writer of the look at the change from an earlier audit, where one was named."""

    anchor = "change"

    def look(self) -> Look:
        """The look."""
        change, words = self.result.change, ChangeWords(self.result, self.language)
        if change is None:
            return self.absent()
        sentences = filter(None, (words.sentence(), words.compared(), words.differs(), *self._limits()))
        return self.tabled([self._row(one, words) for one in changed_worst_first(change)], sentences, by_result=True)

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

    def _row(self, one: ChangeVerdict, words: ChangeWords) -> Row:
        rules = {rule.rule: rule.metric for rule in (self.result.change.rules if self.result.change else ())}
        metric = self.reading.metrics.get(rules[one.rule])
        return (
            self.group_cell(one.group),
            Cell(self.t.gettext("Rate"), one.rule if metric is None else metric.plain, number=False),
            Cell(self.t.gettext("What became of it"), words.outcome(one), number=False),
            Cell(self.t.gettext("Then"), self._share(one.then_numerator, one.then_denominator)),
            Cell(self.t.gettext("Now"), self._share(one.now_numerator, one.now_denominator)),
            Cell(
                self.t.gettext("Change in points (likely range)"),
                self.n.points_with_range(one.difference, one.difference_low, one.difference_high),
            ),
            Cell(self.t.gettext("Cases changed for the worse"), self._count(one.lost)),
            Cell(self.t.gettext("Cases changed for the better"), self._count(one.gained)),
            Cell(self.t.gettext("Cases compared"), self._count(one.n)),
        )

    def _share(self, numerator: int, denominator: int) -> str:
        return self.n.percent(numerator / denominator) if denominator else NOT_KNOWN

    def _count(self, count: int | None) -> str:
        return NOT_KNOWN if count is None else self.n.count(count)
