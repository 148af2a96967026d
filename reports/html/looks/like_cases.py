"""Look at like cases: what is left of a gap when cases are compared only with cases of the same kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit.result.findings.like_with_like import ConditionalGap, LikeWithLike
from audit.result.findings.like_with_like import Note as ConditionalNote
from reports.html.looks.parts import Cell, Fold, Look, LookWriter, Row, SmallTable

_TELLING: Final[tuple[ConditionalNote, ...]] = ("vanishes", "appears", "reverses")


class LikeCasesWriter(LookWriter):
    """Writer of the look at gaps within strata."""

    anchor = "like"

    def look(self) -> Look:
        """The look."""
        if not self.result.further.conditional:
            return self.absent()
        telling = [self._row(record, gap) for record, gap in self._gaps(telling=True)]
        return self.tabled(telling, (*self._sentences(), *self.unweighted_notes()), self._others(), by_result=True)

    @property
    def _has_several_ways(self) -> bool:
        """Tell whether cases are compared within strata in more than one way, so that a row has to say in which."""
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
                yield self.t.gettext("Compared only with cases of the same %(kinds)s, %(what)s.") % {
                    "kinds": kinds,
                    "what": self.listed(changes),
                }
            else:
                yield self.t.gettext(
                    "Compared only with cases of the same %(kinds)s, no gap is seen to vanish and none to appear."
                ) % {"kinds": kinds}

    def _changes(self, records: list[LikeWithLike]) -> Iterator[str]:
        vanish, appear, turn = (sum(record.notes.get(note, 0) for record in records) for note in _TELLING)
        if vanish:
            yield self.t.ngettext("%(count)s gap vanishes", "%(count)s gaps vanish", vanish) % {
                "count": self.n.count(vanish)
            }
        if appear:
            yield self.t.ngettext("%(count)s gap appears", "%(count)s gaps appear", appear) % {
                "count": self.n.count(appear)
            }
        if turn:
            yield self.t.ngettext("%(count)s gap turns round", "%(count)s gaps turn round", turn) % {
                "count": self.n.count(turn)
            }

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
        alike = Cell(self.t.gettext("Cases of the same"), self._kinds(record.controls), number=False)
        return (
            self.group_cell(gap.group),
            Cell(self.t.gettext("Rate"), self.words.rate(record.metric), number=False),
            *([alike] if self._has_several_ways else []),
            Cell(self.t.gettext("Gap in points"), crude),
            Cell(self.t.gettext("Gap among like cases"), within),
            Cell(self.t.gettext("What that does"), self.language.word("like_with_like", gap.note), number=False),
        )

    def _others(self) -> Iterator[Fold]:
        rows = tuple(self._row(record, gap) for record, gap in self._gaps(telling=False))
        if rows:
            left = self.more_in_result(len(rows) - 30)
            yield self.fold("like-others", [SmallTable(self.said("title", "like-others"), rows[:30], left)])
