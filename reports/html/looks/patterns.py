"""Looks at patterns: what the system meets at work, what it adds to patterns that exist, and what labels hold."""

from __future__ import annotations

from collections.abc import Iterator

from audit.result.findings.patterns import (
    Deployed,
    DeployedGroup,
    GroupAmplification,
    ReferenceComparison,
    ReferenceShare,
)
from reports.html.looks.parts import Fold, Look, LookWriter, Row, SmallTable
from reports.numbers import NOT_KNOWN

_RARELY = 0.05


class DeployedWriter(LookWriter):
    """Writer of the look at precision and flags at the deployed base rate."""

    anchor = "deployed"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        records = [record for record in self.result.further.deployed if len(record.family.axes) <= 1]
        if not records:
            return self.absent()
        groups = [group for record in records for group in record.groups if group.reason is None]
        groups = self.without_repeats(groups, lambda group: group.group)
        groups.sort(key=lambda group: (bool(group.group.root), group.precision if group.precision is not None else 1))
        return self.tabled(map(self._row, groups), self._sentences(records[0], groups), by_result=True)

    def _sentences(self, record: Deployed, groups: list[DeployedGroup]) -> Iterator[str]:
        everyone = next((group for group in groups if not group.group.root), None)
        values = {
            "share": self.n.percent_pattern.format(self.n.points(record.prevalence)),
            "source": record.source,
        }
        if everyone is None or everyone.flags_per_1000 is None or everyone.right_per_1000 is None:
            yield self.t.gettext("At work %(share)s of cases are exploitation (%(source)s).") % values
            return
        values |= {
            "flags": self.n.about(everyone.flags_per_1000),
            "right": self.n.about(everyone.right_per_1000),
            "set": self.n.percent(everyone.set_precision),
        }
        yield self.said("at_work", **values)

    def _row(self, group: DeployedGroup) -> Row:
        return (
            self.group_cell(group.group),
            self.cell("right_in_set", self.n.percent(group.set_precision)),
            self.cell("right_at_work", self.share(group.precision, group.precision_low, group.precision_high)),
            self.cell(
                "flags_per_thousand", NOT_KNOWN if group.flags_per_1000 is None else self.n.about(group.flags_per_1000)
            ),
            self.cell(
                "right_of_these", NOT_KNOWN if group.right_per_1000 is None else self.n.about(group.right_per_1000)
            ),
        )


class PatternWriter(LookWriter):
    """Writer of the look at patterns that exist already: does the system facilitate or perpetuate them?"""

    anchor = "patterns"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        if not self.result.further.amplification and not self.result.further.label_gaps:
            return self.absent()
        telling = map(self._row, self._groups(telling=True))
        sentences = (*self._sentences(), *self.unweighted_notes())
        return self.tabled(telling, sentences, self._reference(), by_result=True)

    def _groups(self, *, telling: bool) -> list[GroupAmplification]:
        """Return each group once: first of families of one feature, then of families of several."""
        every = (
            group
            for record in sorted(self.result.further.amplification, key=lambda record: len(record.family.axes))
            for group in record.groups
        )
        groups = [
            group
            for group in self.without_repeats(every, lambda group: group.group)
            if (group.outcome != "cannot_tell") == telling
        ]
        order = {"adds": 0, "removes": 1, "repeats": 2}
        return sorted(groups, key=lambda group: (order.get(group.outcome, 3), len(group.group.root)))

    def _sentences(self) -> Iterator[str]:
        counts = {"adds": 0, "repeats": 0, "removes": 0, "cannot_tell": 0}
        for record in self.result.further.amplification:
            for outcome, count in record.outcomes.items():
                counts[outcome] += count
        everyone = {"all": self.n.count(sum(counts.values()))}
        values = [
            self.language.counted("amplification_counted", outcome, count) for outcome, count in counts.items() if count
        ]
        if counts["cannot_tell"] == sum(counts.values()):
            yield self.said("cannot_tell", **everyone)
        else:
            yield self.said("outcomes", **everyone, what=self.t.gettext("; ").join(values))
        overall = next(iter(self.result.further.amplification), None)
        if overall is not None and overall.label_rate is not None and overall.flag_rate is not None:
            yield self.said(
                "overall", labelled=self.n.percent(overall.label_rate), flagged=self.n.percent(overall.flag_rate)
            )
        reference = self.result.further.reference_comparison
        if reference is not None and reference.p is not None:
            yield self._against(reference)

    def _against(self, reference: ReferenceComparison) -> str:
        values = {"feature": self.names.feature(reference.feature), "source": reference.source}
        if reference.p is not None and reference.p <= _RARELY:
            return self.said("differs", **values)
        return self.said("not_shown", **values)

    def _row(self, group: GroupAmplification) -> Row:
        return (
            self.group_cell(group.group),
            self.cell("labelled", self.n.percent(group.label_rate)),
            self.cell("flagged", self.n.percent(group.flag_rate)),
            self.cell("added_in_points", self.n.points_with_range(group.added, group.added_low, group.added_high)),
            self.cell("system", self._word(group), number=False),
        )

    def _word(self, group: GroupAmplification) -> str:
        if group.outcome == "adds" and group.added is not None and group.labelled_above == (group.added < 0):
            return self.t.gettext("turns it round")
        return self.language.word("amplification", group.outcome)

    def _reference(self) -> Iterator[Fold]:
        reference = self.result.further.reference_comparison
        if reference is None:
            return
        rows = tuple(map(self._reference_row, reference.levels))
        table = SmallTable(self.said("title", "reference"), rows[:30], self.more_in_result(len(rows) - 30))
        yield self.fold("reference", [table], left=self.n.count(reference.left_out))

    def _reference_row(self, level: ReferenceShare) -> Row:
        return (
            self.group_cell(level.group),
            self.cell("labelled_here", self.n.count(level.labelled)),
            self.cell("share_here", self.share(level.share, level.low, level.high)),
            self.cell("share_in_table", self.n.percent(level.reference)),
            self.cell(
                "difference_in_points",
                self.n.points_with_range(level.difference, level.difference_low, level.difference_high),
            ),
        )
