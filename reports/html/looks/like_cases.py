"""Look at like cases: what is left of a gap when cases are compared only with cases of the same kind.

Look at the search for subgroups that nobody named.

Look at people of several nationalities: every nationality with all who hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from audit.result.findings.judged import Estimate, Membership
from audit.result.findings.like_with_like import ConditionalGap, LikeWithLike
from audit.result.findings.like_with_like import Note as ConditionalNote
from audit.result.findings.subgroup_scan import ScanHalf, ScanValues, SubgroupScan
from audit.vocabulary.groups import Group, Level
from reports.html.looks.parts import Cell, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN


class SeveralNationalitiesWriter(LookWriter):
    """Writer of the look at nationalities that people hold beside others."""

    anchor = "several"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        if not self.result.further.memberships:
            return self._absent()
        counted = sum(feature.several for feature in self.result.features if feature.several_as == "together")
        return self.tabled(map(self._row, self._ordered()), [self.counted("together", counted)])

    def _absent(self) -> Look:
        ways = {feature.several_as for feature in self.result.features if feature.several_as is not None}
        if "first" in ways:
            counted = max(feature.several for feature in self.result.features if feature.several_as == "first")
            return Look(self.anchor, self.title, absent=self.counted("absent_first", counted))
        if "standing" in ways:
            return self.absent("absent_standing")
        return self.absent("absent_not_counted" if ways else "absent")

    def _ordered(self) -> Sequence[Membership]:
        return sorted(self.result.further.memberships, key=lambda membership: -membership.beside_others)

    def _row(self, membership: Membership) -> Row:
        holders = membership.estimate
        alone = next(
            (
                estimate
                for estimate in self.result.estimates
                if estimate.metric == holders.metric and estimate.group == holders.group
            ),
            None,
        )
        return (
            self.group_cell(holders.group),
            self.cell("rate", self.words.rate(holders.metric), number=False),
            *self._rate(self.t.gettext("All who hold it"), holders),
            *self._rate(self.t.gettext("Those who hold it alone"), alone),
        )

    def _rate(self, head: str, estimate: Estimate | None) -> Row:
        share = NOT_KNOWN if estimate is None else self.share(estimate.value, estimate.low, estimate.high)
        cases = self.n.count(0 if estimate is None else estimate.denominator)
        return Cell(head, share), self.cell("cases", cases)


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class SearchWriter(LookWriter):
    """Writer of the look at subgroups over declared columns."""

    anchor = "search"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        scans = self.result.further.subgroup_scan
        if not scans:
            return self.absent()
        return self.tabled([self._row(scan) for scan in scans if scan.subset], self._sentences(scans))

    def _sentences(self, scans: Sequence[SubgroupScan]) -> Iterator[str]:
        yield from map(self._sentence, scans)
        if any(scan.leaves_out_weights for scan in scans):
            yield self.t.gettext("Design weights have no part in this search: it is about the rows of the set.")

    def _sentence(self, scan: SubgroupScan) -> str:
        searched = {
            "count": self._power(scan.subsets_power_of_ten),
            "over": self.listed([self.names.feature(attribute) for attribute in scan.attributes]),
        }
        outcome = self.language.word(
            f"search_{'missed' if scan.question == 'missed' else 'wrongly_flagged'}", scan.outcome
        )
        return self.t.gettext("Of about %(count)s subgroups by %(over)s, %(what)s.") % {**searched, "what": outcome}

    def _power(self, power: int) -> str:
        return self.n.count(10**power) if power <= 6 else f"10{str(power).translate(_RAISED)}"

    def _row(self, scan: SubgroupScan) -> Row:
        confirmed = {
            "confirmed": self.t.gettext("yes"),
            "not_confirmed": self.t.gettext("no"),
        }.get(scan.outcome, NOT_KNOWN)
        return (
            self.cell("subgroup", self.t.gettext("; ").join(map(self._values, scan.subset)), number=False),
            self.cell("where_found", self._half(scan.search)),
            self.cell("other_half", self._half(scan.confirmation)),
            self.cell("held_up", confirmed, number=False),
        )

    def _values(self, part: ScanValues) -> str:
        names = list(self._names(part))
        if part.others:
            names.append(self.t.gettext("%(count)s more") % {"count": self.n.count(part.others)})
        return self.t.gettext("%(attribute)s: %(values)s") % {
            "attribute": self.names.feature(part.attribute),
            "values": self.listed(names),
        }

    def _names(self, part: ScanValues) -> Iterator[str]:
        finest = {feature.name: feature.rungs[0] for feature in self.result.features}
        for value in part.values:
            level = Level(part.attribute, finest.get(part.attribute, ""), value)
            if part.kind != "feature" or part.attribute not in finest:
                yield value
            elif self.names.is_categorical(level):
                yield self.names.value(level)
            else:
                yield self.group(Group((level,)))

    def _half(self, half: ScanHalf | None) -> str:
        if half is None or not half.cases or not half.rest_cases:
            return NOT_KNOWN
        return self.t.gettext("%(own)s (%(counts)s); %(rest)s") % {
            "own": self.n.percent(half.harmed / half.cases),
            "counts": self.part(half.harmed, half.cases),
            "rest": self.n.percent(half.rest_harmed / half.rest_cases),
        }


_TELLING: Final[tuple[ConditionalNote, ...]] = ("vanishes", "appears", "reverses")


class LikeCasesWriter(LookWriter):
    """Writer of the look at gaps within strata."""

    anchor = "like"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        if not self.result.further.conditional:
            return self.absent()
        telling = [self._row(record, gap) for record, gap in self._gaps(telling=True)]
        return self.tabled(telling, (*self._sentences(), *self.unweighted_notes()), by_result=True)

    @property
    def _has_several_ways(self) -> bool:
        """Say whether cases are compared within strata in more than one way, so that a row has to say in which."""
        return len({record.controls for record in self.result.further.conditional}) > 1

    def _kinds(self, controls: tuple[str, ...]) -> str:
        return self.listed([control.replace("_", " ") for control in controls])

    def _sentences(self) -> Iterator[str]:
        for controls in dict.fromkeys(record.controls for record in self.result.further.conditional):
            kinds = self._kinds(controls)
            changes = list(
                self._changes([record for record in self.result.further.conditional if record.controls == controls])
            )
            if changes:
                yield self.said("changes", kinds=kinds, what=self.listed(changes))
            else:
                yield self.said("no_changes", kinds=kinds)

    def _changes(self, records: list[LikeWithLike]) -> Iterator[str]:
        vanish, appear, turn = (sum(record.notes.get(note, 0) for record in records) for note in _TELLING)
        if vanish:
            yield self.counted("vanish", vanish)
        if appear:
            yield self.counted("appear", appear)
        if turn:
            yield self.counted("turn", turn)

    def _gaps(self, *, telling: bool) -> Iterator[tuple[LikeWithLike, ConditionalGap]]:
        for record in self.result.further.conditional:
            for gap in record.groups:
                if (gap.note in _TELLING) == telling and gap.reason is None:
                    yield record, gap

    def _row(self, record: LikeWithLike, gap: ConditionalGap) -> Row:
        if record.scale == "ratio":
            crude = self.n.ratio_with_range(gap.crude_ratio, gap.crude_ratio_low, gap.crude_ratio_high)
            within = self.n.ratio_with_range(gap.ratio, gap.ratio_low, gap.ratio_high)
            crude, within = (self.t.gettext("ratio %(ratio)s") % {"ratio": text} for text in (crude, within))
        else:
            crude = self.n.points_with_range(gap.crude_difference, gap.crude_difference_low, gap.crude_difference_high)
            within = self.n.points_with_range(gap.difference, gap.difference_low, gap.difference_high)
        alike = self.cell("of_the_same", self._kinds(record.controls), number=False)
        return (
            self.group_cell(gap.group),
            self.cell("rate", self.words.rate(record.metric), number=False),
            *([alike] if self._has_several_ways else []),
            self.cell("gap_in_points", crude),
            self.cell("gap_among_like", within),
            self.cell("what_that_does", self.language.word("like_with_like", gap.note), number=False),
        )
