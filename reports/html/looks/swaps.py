"""Look at swaps: one word or one column is changed, and everything else stays. Does the score move?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from markupsafe import Markup

from audit.result.findings.judged import Outcome
from audit.result.findings.swaps import ChangedSlot, ProbeVerdict, SwapProbe, SwapShift
from reports.html.charts import shift_axis, shift_chart
from reports.html.looks.parts import MOST, Cell, Fold, Look, LookWriter, Row, SmallTable
from reports.html.resolution import NOT_ASSOCIATED
from reports.numbers import NOT_KNOWN
from reports.swap_words import SwapWords
from reports.writer import Report

_ORDER: Final[Mapping[Outcome, int]] = {"fail": 0, "inconclusive": 1, "not_evaluable": 2, "pass": 3}


class SwapsWriter(LookWriter):
    """Writer of the look at counterfactual probes."""

    anchor = "swaps"

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self._swap_words = SwapWords(self.result, self.language)
        self._verdicts: dict[tuple[str, str, str | None, str | None, str], list[ProbeVerdict]] = {}
        for verdict in self.result.probe_verdicts:
            key = (verdict.probe, verdict.slot, verdict.given_slot, verdict.given, verdict.level)
            self._verdicts.setdefault(key, []).append(verdict)

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        if not self.result.probes:
            return self.absent()
        tables: list[SmallTable] = []
        folds: list[Fold] = []
        for probe in self.result.probes:
            for number, family in enumerate(self._families(probe), start=1):
                shown = self._table(probe, family)
                if family[0].given_slot is None:
                    tables += shown
                else:
                    anchor = f"swaps-{probe.probe}-{number}-held"
                    folds.append(Fold(anchor, self._caption(probe, family[0]), tables=shown))
        return self.answer(self._sentences(), tuple(tables), folds, self._note())

    def _families(self, probe: SwapProbe) -> list[list[SwapShift]]:
        families: dict[tuple[str, str | None], list[SwapShift]] = {}
        for shift in probe.shifts:
            families.setdefault((shift.slot, shift.given_slot), []).append(shift)
        return list(families.values())

    def _sentences(self) -> Iterator[str]:
        for probe in self.result.probes:
            for slot in probe.slots:
                yield from self._of_slot(probe, slot)
            yield self._account(probe)
            if probe.unused:
                yield self.said("unused", unused="; ".join(probe.unused))
        sentence = self._swap_words.sentence()
        if sentence:
            yield sentence

    def _of_slot(self, probe: SwapProbe, slot: ChangedSlot) -> Iterator[str]:
        what = self._swap_words.slot(slot.slot, probe)
        if not slot.pairs:
            yield self.t.gettext("When only %(what)s was changed, nothing was scored.") % {"what": what}
            return
        yield self.said(
            "of_slot",
            what=what,
            share=self._of_hundred(slot),
            flipped=self.n.count(slot.flipped),
            pairs=self.n.count(slot.pairs),
        )
        most = max(
            (shift for shift in probe.shifts if shift.slot == slot.slot and shift.given_slot is None),
            key=lambda shift: shift.to_flagged + shift.to_not_flagged,
        )
        if slot.levels > 1 and most.to_flagged + most.to_not_flagged:
            yield self.said(
                "most_often",
                change=self._swap_words.change(probe, most),
                flipped=self.n.count(most.to_flagged + most.to_not_flagged),
                pairs=self.n.count(most.pairs),
            )
        if slot.spread_max == 0:
            yield self._none_moved(probe, slot)
        elif slot.spread_mean is not None and slot.spread_max is not None:
            mean, most_apart = map(self.n.points_to_a_tenth, (slot.spread_mean, slot.spread_max))
            yield self.said(f"spread_{probe.kind}", mean=mean, most=most_apart)

    def _none_moved(self, probe: SwapProbe, slot: ChangedSlot) -> str:
        """Return the sentence that no score moved, over no more texts than were scored."""
        counts = {
            "scored": self._swap_words.counted(slot.templates_scored, probe),
            "templates": self.n.count(slot.templates),
            "those": self._those(probe),
            "share": self.n.percent(slot.undetected_share),
            "unscored": self.n.count(slot.pairs_unscored),
            "pairs": self.n.count(slot.pairs + slot.pairs_unscored),
        }
        if slot.pairs_unscored:
            return self.said("none_moved_unscored", **counts)
        return self.said("none_moved", **counts)

    def _those(self, probe: SwapProbe) -> str:
        return self.language.word("probed", probe.unit)

    def _of_hundred(self, slot: ChangedSlot) -> str:
        """Return how many of 100. Rounding never makes none out of one."""
        share = slot.flipped / slot.pairs
        if 0 < share < 0.01:
            return self.t.gettext("fewer than 1")
        if 0.99 < share < 1:
            return self.t.gettext("more than 99")
        return self.n.of(100, share)

    def _account(self, probe: SwapProbe) -> str:
        return self.said(
            f"account_{probe.kind}",
            variants=self.n.count(probe.variants),
            source=probe.source,
            scored=self.n.count(probe.scored),
            abstained=self.n.count(probe.abstained),
            failed=self.n.count(probe.failed),
        )

    @property
    def title(self) -> str:
        """Title of the look, which names what was changed."""
        kinds = {probe.kind for probe in self.result.probes}
        if "columns" not in kinds:
            return self.said("title_words")
        return self.said("title" if "text" in kinds else "title_columns")

    def _note(self) -> str:
        texts = [probe for probe in self.result.probes if probe.kind == "text"]
        of_rows = self.said("note_rows")
        if not texts:
            return of_rows
        about = self.said("note")
        if len(texts) < len(self.result.probes):
            about = self.t.gettext("%(first)s %(more)s") % {"first": about, "more": of_rows}
        if not any(slot.slot in ("demonym", "country") for probe in texts for slot in probe.slots):
            return about
        drafted = self.said("note_draft", words=NOT_ASSOCIATED)
        return self.t.gettext("%(first)s %(more)s") % {"first": drafted, "more": about}

    def _table(self, probe: SwapProbe, family: list[SwapShift]) -> tuple[SmallTable, ...]:
        judged = any(self._verdicts_of(probe, shift) for shift in family)
        ends = [end for shift in family for end in (shift.low, shift.high, shift.shift) if end is not None]
        end = shift_axis(ends)
        ordered = sorted(family, key=lambda shift: (self._urgency(probe, shift), -abs(shift.shift or 0.0)))
        rows = [self._row(probe, shift, end, judged=judged) for shift in ordered]
        return self.first(self._caption(probe, family[0]), rows, by_result=True, most=MOST)

    def _caption(self, probe: SwapProbe, first: SwapShift) -> str:
        slot = next(slot for slot in probe.slots if slot.slot == first.slot)
        caption = self.said(
            "compared", probe=probe.probe, what=self._swap_words.slot(first.slot, probe), anchor=slot.anchor
        )
        if first.given_slot is None:
            return caption
        given_slot = self._swap_words.slot(first.given_slot, probe)
        return self.t.gettext("%(caption)s, within each level of %(held)s") % {"caption": caption, "held": given_slot}

    def _row(self, probe: SwapProbe, shift: SwapShift, end: float, *, judged: bool) -> Row:
        text = self.n.points_with_range(shift.shift, shift.low, shift.high)
        if shift.shift is not None and not shift.pairs_moved:
            text = self.t.gettext("none: exactly 0")
        verdicts = self._verdicts_of(probe, shift)
        signs = " / ".join(self.n.count(count) for count in (shift.raised, shift.lowered, shift.unmoved))
        both_ways = shift.templates - shift.raised - shift.lowered - shift.unmoved
        if both_ways:
            signs = self.t.gettext("%(signs)s; %(count)s up and down alike") % {
                "signs": signs,
                "count": self.n.count(both_ways),
            }
        if shift.pairs_unscored:
            signs = self.t.gettext("%(signs)s; %(unscored)s not scored") % {
                "signs": signs,
                "unscored": self.n.count(shift.pairs_unscored),
            }
        against = self.cell("against_limit", self._judged(probe, verdicts), number=False)
        return (
            self.cell("changed_to", self._swap_words.change(probe, shift), number=False),
            self.cell("shift_of_score", text),
            Cell(
                self.t.gettext("Drawn, from −%(end)s to +%(end)s points") % {"end": self.n.points(end)},
                self._drawn(shift, min(verdicts, key=self._strictest, default=None), end, text),
                number=False,
            ),
            Cell(self.language.word("probe_signs", probe.unit), signs),
            self.cell("decisions_changed", f"{self.n.count(shift.to_flagged)} / {self.n.count(shift.to_not_flagged)}"),
            *([against] if judged else []),
        )

    def _drawn(self, shift: SwapShift, verdict: ProbeVerdict | None, end: float, text: str) -> Markup | str:
        if shift.shift is None:
            return NOT_KNOWN
        low, high = (shift.shift if value is None else value for value in (shift.low, shift.high))
        outcome = "" if verdict is None else verdict.outcome
        return shift_chart((shift.shift, low, high), self._margin(verdict), outcome, end, text)

    def _margin(self, verdict: ProbeVerdict | None) -> float | None:
        if verdict is None:
            return None
        return next(rule.margin for rule in self.result.probe_rules if rule.rule == verdict.rule)

    def _verdicts_of(self, probe: SwapProbe, shift: SwapShift) -> list[ProbeVerdict]:
        """Return one verdict for each rule that limits the probe."""
        return self._verdicts.get((probe.probe, shift.slot, shift.given_slot, shift.given, shift.level), [])

    def _strictest(self, verdict: ProbeVerdict) -> tuple[int, float]:
        """Return the place of a verdict in an order: the gravest first, and among equals the narrowest limit."""
        return _ORDER[verdict.outcome], self._margin(verdict) or 0.0

    def _urgency(self, probe: SwapProbe, shift: SwapShift) -> int:
        return min((_ORDER[verdict.outcome] for verdict in self._verdicts_of(probe, shift)), default=_ORDER["pass"])

    def _judged(self, probe: SwapProbe, verdicts: Sequence[ProbeVerdict]) -> str:
        """Return what the rule says. Where there are several rules, each stands under its name."""
        reasons = [self._because(verdict, {"those": self._those(probe)}) for verdict in verdicts]
        if len(reasons) < 2:
            return reasons[0] if reasons else NOT_KNOWN
        return "; ".join(
            self.t.gettext("%(rule)s: %(judged)s") % {"rule": verdict.rule, "judged": because}
            for verdict, because in zip(verdicts, reasons, strict=True)
        )

    def _because(self, verdict: ProbeVerdict, values: Mapping[str, str]) -> str:
        needed = self.n.count(self._swap_words.needed(verdict))
        return self.language.word("probe_because", verdict.because) % {**values, "needed": needed}
