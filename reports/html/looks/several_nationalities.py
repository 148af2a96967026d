"""Look at people of several nationalities: every nationality with all who hold it."""

from __future__ import annotations

from collections.abc import Sequence

from audit.result.findings.judged import Estimate, Membership
from reports.html.looks.parts import Cell, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN


class SeveralNationalitiesWriter(LookWriter):
    """Writer of the look at nationalities that people hold beside others."""

    anchor = "several"

    def look(self) -> Look:
        """The look."""
        if not self.result.further.memberships:
            return self._absent()
        counted = sum(feature.several for feature in self.result.features if feature.several_as == "together")
        said = self.t.ngettext(
            "%(count)s case of the set has several nationalities. It is counted as a group of its own.",
            "%(count)s cases of the set have several nationalities. They are counted as groups of their own.",
            counted,
        )
        return self.tabled(map(self._row, self._ordered()), [said % {"count": self.n.count(counted)}])

    def _absent(self) -> Look:
        ways = {feature.several_as for feature in self.result.features if feature.several_as is not None}
        if "first" in ways:
            counted = max(feature.several for feature in self.result.features if feature.several_as == "first")
            why = self.t.ngettext(
                "%(count)s case has several and is counted under the first, as the plan asks",
                "%(count)s cases have several and are counted under the first, as the plan asks",
                counted,
            ) % {"count": self.n.count(counted)}
            return Look(self.anchor, self.title, absent=why)
        if "standing" in ways:
            return self.absent("absent_standing")
        return self.absent("absent_not_counted" if ways else "absent")

    def _ordered(self) -> Sequence[Membership]:
        return sorted(self.result.further.memberships, key=lambda each: -each.beside_others)

    def _row(self, each: Membership) -> Row:
        held = each.estimate
        alone = next(
            (one for one in self.result.estimates if one.metric == held.metric and one.group == held.group), None
        )
        return (
            self.group_cell(held.group),
            Cell(self.t.gettext("Rate"), self.words.rate(held.metric), number=False),
            *self._rate(self.t.gettext("All who hold it"), held),
            *self._rate(self.t.gettext("Those who hold it alone"), alone),
        )

    def _rate(self, head: str, estimate: Estimate | None) -> Row:
        share = NOT_KNOWN if estimate is None else self.share(estimate.value, estimate.low, estimate.high)
        cases = self.n.count(0 if estimate is None else estimate.denominator)
        return Cell(head, share), Cell(self.t.gettext("Cases"), cases)
