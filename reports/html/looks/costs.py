"""Looks at costs of errors, at the operator's own measures, and at who else computed the numbers."""

from __future__ import annotations

from functools import partial

from audit.result.findings.further import CostOfErrors, OwnMeasure
from reports.html.looks.parts import Look, LookWriter, Row
from reports.language import WORDS
from reports.numbers import NOT_KNOWN


class CostWriter(LookWriter):
    """Writer of the look at the cost of errors, group by group."""

    anchor = "costs"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        costs, weighed = self.result.further.costs, self.result.plan.costs
        if not costs or weighed is None:
            return self.absent()
        stated = sorted(
            (cost for cost in self.without_repeats(costs, lambda cost: cost.group) if cost.per_1000 is not None),
            key=lambda cost: (bool(cost.group.root), len(cost.group.root), -(cost.difference or 0.0)),
        )
        values = {"missed": self.n.plain(weighed.cost_missed), "flagged": self.n.plain(weighed.cost_flagged)}
        first = self.t.gettext("The plan lets a missed victim cost %(missed)s and a wrong flag %(flagged)s.") % values
        surely = [cost for cost in stated if cost.difference_low is not None and cost.difference_low > 0]
        second = self.said("no_range")
        if any(cost.difference_low is not None for cost in stated) and not surely:
            second = self.t.gettext("In no group do errors surely cost more than among everyone else.")
        elif surely:
            second = self.counted("surely", len(surely))
        sure = any(cost.difference_low is not None for cost in stated)
        return self.tabled(map(self._row, stated), (first, second), by_result=sure)

    def _row(self, cost: CostOfErrors) -> Row:
        return (
            self.group_cell(cost.group),
            self.cell("per_thousand", self.ranged(self._whole, cost.per_1000, cost.low, cost.high, between=" … ")),
            self.cell("everyone_else", NOT_KNOWN if cost.rest_per_1000 is None else self._whole(cost.rest_per_1000)),
            self.cell(
                "difference",
                self.ranged(self._whole, cost.difference, cost.difference_low, cost.difference_high, between=" … "),
            ),
            self.cell("both_errors", f"{self.n.count(cost.missed)}; {self.n.count(cost.wrongly_flagged)}"),
        )

    def _whole(self, value: float) -> str:
        return self.n.whole(value) if abs(value) >= 10 else self.decimal(value).replace("-", "−")


class MeasureWriter(LookWriter):
    """Writer of the look at the operator's own measures."""

    anchor = "measures"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        measures = self.result.further.own_measures
        if not measures:
            return self.absent()
        names = self.listed(list(dict.fromkeys(measure.measure for measure in measures)))
        sentence = self.t.gettext("%(names)s: shown for each group as the operator’s code computed it.") % {
            "names": names
        }
        return self.tabled(map(self._row, measures), [sentence])

    def _row(self, measure: OwnMeasure) -> Row:
        return (
            self.group_cell(measure.group),
            self.cell("measure", measure.measure, number=False),
            self.cell("value", self._value(measure)),
            self.cell("cases", self.n.count(measure.n)),
        )

    def _value(self, measure: OwnMeasure) -> str:
        if measure.value is not None:
            return self.ranged(
                partial(self.n.significant, digits=4), measure.value, measure.low, measure.high, between=" … "
            )
        known = measure.reason in WORDS["own_measures"]
        return self.language.word("own_measures", str(measure.reason)) if known else NOT_KNOWN


class OpinionWriter(LookWriter):
    """Writer of the look at the second and third opinion."""

    anchor = "opinions"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        opinions = self.result.further.crosscheck
        if not opinions:
            no_answer = self.result.further.crosscheck_state == "no_answer"
            return self.absent("absent_no_answer" if no_answer else "absent")
        agree = self.said("agree", names=self.listed([opinion.library for opinion in opinions]))
        return self.answer([agree])
