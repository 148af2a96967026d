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
            (each for each in self.without_repeats(costs, lambda each: each.group) if each.per_1000 is not None),
            key=lambda each: (bool(each.group.root), len(each.group.root), -(each.difference or 0.0)),
        )
        values = {"missed": self.n.plain(weighed.cost_missed), "flagged": self.n.plain(weighed.cost_flagged)}
        first = self.t.gettext("The plan lets a missed victim cost %(missed)s and a wrong flag %(flagged)s.") % values
        surely = [each for each in stated if each.difference_low is not None and each.difference_low > 0]
        second = self.said("no_range")
        if any(each.difference_low is not None for each in stated) and not surely:
            second = self.t.gettext("In no group do errors surely cost more than among everyone else.")
        elif surely:
            second = self.counted("surely", len(surely))
        sure = any(each.difference_low is not None for each in stated)
        return self.tabled(map(self._row, stated), (first, second), by_result=sure)

    def _row(self, each: CostOfErrors) -> Row:
        return (
            self.group_cell(each.group),
            self.cell("per_thousand", self.ranged(self._whole, each.per_1000, each.low, each.high, between=" … ")),
            self.cell("everyone_else", NOT_KNOWN if each.rest_per_1000 is None else self._whole(each.rest_per_1000)),
            self.cell(
                "difference",
                self.ranged(self._whole, each.difference, each.difference_low, each.difference_high, between=" … "),
            ),
            self.cell("both_errors", f"{self.n.count(each.missed)}; {self.n.count(each.wrongly_flagged)}"),
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
        names = self.listed(list(dict.fromkeys(each.measure for each in measures)))
        said = self.t.gettext("%(names)s: shown for each group as the operator’s code computed it.") % {"names": names}
        return self.tabled(map(self._row, measures), [said])

    def _row(self, each: OwnMeasure) -> Row:
        return (
            self.group_cell(each.group),
            self.cell("measure", each.measure, number=False),
            self.cell("value", self._value(each)),
            self.cell("cases", self.n.count(each.n)),
        )

    def _value(self, each: OwnMeasure) -> str:
        if each.value is not None:
            return self.ranged(partial(self.n.significant, digits=4), each.value, each.low, each.high, between=" … ")
        known = each.reason in WORDS["own_measures"]
        return self.language.word("own_measures", str(each.reason)) if known else NOT_KNOWN


class OpinionWriter(LookWriter):
    """Writer of the look at the second and third opinion."""

    anchor = "opinions"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        said = self.result.further.crosscheck
        if not said:
            no_answer = self.result.further.crosscheck_state == "no_answer"
            return self.absent("absent_no_answer" if no_answer else "absent")
        agree = self.said("agree", names=self.listed([each.library for each in said]))
        return self.answer([agree])
