"""Look at the search for subgroups that nobody named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.result.findings.subgroup_scan import ScanHalf, ScanValues, SubgroupScan
from audit.vocabulary.groups import Group, Level
from reports.html.looks.parts import Cell, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class SearchWriter(LookWriter):
    """Writer of the look at subgroups over declared columns."""

    anchor = "search"

    def look(self) -> Look:
        """The look."""
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
        held = {
            "confirmed": self.t.gettext("yes"),
            "not_confirmed": self.t.gettext("no"),
        }.get(scan.outcome, NOT_KNOWN)
        return (
            Cell(self.t.gettext("Subgroup"), self.t.gettext("; ").join(map(self._values, scan.subset)), number=False),
            Cell(self.t.gettext("Where it was found: it, and everyone else"), self._half(scan.search)),
            Cell(self.t.gettext("In the other half: it, and everyone else"), self._half(scan.confirmation)),
            Cell(self.t.gettext("Held up"), held, number=False),
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
