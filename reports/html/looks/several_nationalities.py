"""Look at people of several nationalities: every nationality with all who hold it."""

from __future__ import annotations

from collections.abc import Sequence

from audit.result.findings.judged import Estimate, Membership
from reports.html.looks.parts import Column, Look, LookWriter
from reports.numbers import NOT_KNOWN


class SeveralNationalitiesWriter(LookWriter):
    """Writer of the look at nationalities that people hold beside others."""

    def look(self) -> Look:
        """The look."""
        title = self.t.gettext("People of several nationalities")
        counted = sum(feature.several for feature in self.result.features if feature.several_as == "together")
        if not self.result.further.memberships:
            return Look("several", title, absent=self._absent())
        columns = (
            self.group_column(),
            Column(self.t.gettext("Rate"), number=False),
            Column(self.t.gettext("All who hold it")),
            Column(self.t.gettext("Cases")),
            Column(self.t.gettext("Those who hold it alone")),
            Column(self.t.gettext("Cases")),
        )
        tables, folds = self.split(
            self.t.gettext("With all who hold a nationality, and with those who hold no other"),
            columns,
            map(self._row, self._ordered()),
            "several-more",
        )
        return Look(
            "several",
            title,
            sentences=(
                self.t.ngettext(
                    "%(count)s case of the set has several nationalities. It is counted as a group of its own.",
                    "%(count)s cases of the set have several nationalities. They are counted as groups of their own.",
                    counted,
                )
                % {"count": self.n.count(counted)},
            ),
            note=self.t.gettext(
                "A person stands here once for each nationality, so that the cases add up to more than there are "
                "people. Verdicts are about those who hold a nationality alone; a group passes only if it would "
                "pass whichever of the others belonged to it."
            ),
            tables=tables,
            folds=folds,
            terms=("several nationalities",),
        )

    def _absent(self) -> str:
        ways = {feature.several_as for feature in self.result.features if feature.several_as is not None}
        if "first" in ways:
            counted = max(feature.several for feature in self.result.features if feature.several_as == "first")
            return self.t.ngettext(
                "%(count)s case has several and is counted under the first, as the plan asks",
                "%(count)s cases have several and are counted under the first, as the plan asks",
                counted,
            ) % {"count": self.n.count(counted)}
        if "standing" in ways:
            return self.t.gettext("whoever has several is a national here if by any of them, as the plan asks")
        if ways:
            return self.t.gettext("nobody's nationalities are counted here: the plan limits no rate")
        return self.t.gettext("the set names no case with several")

    def _ordered(self) -> Sequence[Membership]:
        return sorted(self.result.further.memberships, key=lambda each: -each.beside_others)

    def _row(self, each: Membership) -> tuple[str, ...]:
        held = each.estimate
        alone = next(
            (one for one in self.result.estimates if one.metric == held.metric and one.group == held.group), None
        )
        return (
            self.group(held.group),
            self.words.rate(held.metric),
            *self._rate(held),
            *((NOT_KNOWN, self.n.count(0)) if alone is None else self._rate(alone)),
        )

    def _rate(self, estimate: Estimate) -> tuple[str, str]:
        return self.share(estimate.value, estimate.low, estimate.high), self.n.count(estimate.denominator)
