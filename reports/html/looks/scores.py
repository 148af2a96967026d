"""Looks at scores: how well they rank, whether they mean what they say, and what other thresholds would have done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.result.findings.scores import Calibration, GroupAuc, Sweep, SweepGap, SweepStep
from reports.html.looks.parts import Look, LookWriter, Row

_CLEARLY = 0.05


class RankingWriter(LookWriter):
    """Writer of the look at the AUC, group by group and within groups."""

    anchor = "ranking"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        if not self.result.further.aucs:
            return self.absent()
        stated = [auc for auc in self.result.further.aucs if auc.status == "estimated"]
        stated = self.without_repeats(stated, lambda auc: auc.group)
        stated.sort(key=lambda auc: (bool(auc.group.root), len(auc.group.root), auc.auc or 0.0))
        return self.tabled(map(self._row, stated), self._sentences(), by_result=True)

    def _sentences(self) -> Iterator[str]:
        pooled = next((auc for auc in self.result.further.aucs if not auc.group.root), None)
        if pooled is not None and pooled.auc is not None:
            yield self.said("pooled", share=self.share(pooled.auc, pooled.low, pooled.high))
        for split in self.result.further.auc_decompositions:
            axes = self.names.axes(split.family.axes)
            if split.pooled_exceeds_all and split.highest is not None:
                yield self.said("simpson", axes=axes, highest=self.n.percent(split.highest_auc))
        yield from self._missing()
        if any(auc.unused for auc in self.result.further.aucs):
            yield self.unweighted_note()

    def _missing(self) -> Iterator[str]:
        """Say why groups have no AUC."""
        further = self.result.further
        reasons: set[str | None] = {auc.reason for auc in further.aucs}
        reasons |= {decomposition.reason for decomposition in further.auc_decompositions}
        if reasons & {"no_cases", "too_few_cases"}:
            yield self.t.gettext("Groups with fewer than five victims or five others with a score have no AUC.")
        if "bins_too_coarse" in reasons:
            yield self.said("coarse")

    def _row(self, auc: GroupAuc) -> Row:
        return (
            self.group_cell(auc.group),
            self.cell("auc", self.decimal(auc.auc, auc.low, auc.high)),
            self.cell("victims_and_others", f"{self.n.count(auc.positives)}; {self.n.count(auc.negatives)}"),
        )


class CalibrationWriter(LookWriter):
    """Writer of the look at calibration: whether scores mean what they say."""

    anchor = "calibration"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        stated = [calibration for calibration in self.result.further.calibrations if calibration.status == "estimated"]
        stated = self.without_repeats(stated, lambda calibration: calibration.group)
        if not stated:
            return self.absent(self._why_absent())
        stated.sort(
            key=lambda calibration: (
                bool(calibration.group.root),
                not _is_miscalibrated(calibration),
                -abs(calibration.gap or 0.0),
            )
        )
        unweighted = [self.unweighted_note()] if any(calibration.unused for calibration in stated) else []
        sentences = self._sentence(stated), *unweighted
        return self.tabled(map(self._row, stated), sentences, by_result=True)

    def _why_absent(self) -> str:
        if any(calibration.reason == "not_a_share" for calibration in self.result.further.calibrations):
            return "absent_not_a_share"
        return "absent_too_few" if self.result.further.aucs else "absent"

    def _sentence(self, stated: Sequence[Calibration]) -> str:
        groups = [calibration for calibration in stated if calibration.group.root]
        off = [calibration for calibration in groups if _is_miscalibrated(calibration)]
        if not off:
            return self.said("none_off", all=self.n.count(len(groups)))
        return self.counted("some_off", len(off), all=self.n.count(len(groups)))

    def _row(self, calibration: Calibration) -> Row:
        return (
            self.group_cell(calibration.group),
            self.cell("scores_say", self.n.percent(calibration.mean_score)),
            self.cell("labelled", self.n.percent(calibration.observed)),
            self.cell(
                "gap_in_points", self.n.points_with_range(calibration.gap, calibration.gap_low, calibration.gap_high)
            ),
            self.cell("scores_are", self._word(calibration), number=False),
        )

    def _word(self, calibration: Calibration) -> str:
        if not _is_miscalibrated(calibration):
            return self.t.gettext("not clearly wrong")
        if calibration.gap_low is not None and calibration.gap_low > 0:
            return self.t.gettext("too low")
        if calibration.gap_high is not None and calibration.gap_high < 0:
            return self.t.gettext("too high")
        return self.t.gettext("too high in places, too low in others")


def _is_miscalibrated(calibration: Calibration) -> bool:
    return calibration.p_adjusted is not None and calibration.p_adjusted <= _CLEARLY


class SweepWriter(LookWriter):
    """Writer of the look at other thresholds and capacities."""

    anchor = "thresholds"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        sweeps = sorted(
            self.result.further.sweeps, key=lambda sweep: (sweep.over != "threshold", len(sweep.family.axes))
        )
        if not sweeps:
            return self.absent()
        first = [sweep for sweep in sweeps if sweep.over == sweeps[0].over and len(sweep.family.axes) == 1][:1]
        unweighted = [self.unweighted_note()] if any(sweep.unused for sweep in sweeps) else []
        return self.answer((*self._sentences(first), *unweighted))

    def _sentences(self, sweeps: Sequence[Sweep]) -> Iterator[str]:
        if self._audit_threshold is not None:
            yield self.said("own", threshold=self.n.plain(self._audit_threshold))
        for sweep in sweeps:
            surely = sum(_surely(_gap(step, "true_positive_rate")) for step in sweep.steps)
            if not surely:
                yield self.said("no_gap", axes=self.names.axes(sweep.family.axes), all=self.n.count(len(sweep.steps)))
                continue
            yield self.said(
                "some_gap",
                axes=self.names.axes(sweep.family.axes),
                count=self.n.count(surely),
                all=self.n.count(len(sweep.steps)),
            )

    @property
    def _audit_threshold(self) -> float | None:
        """Return the threshold of the audit, or None where it flags by a capacity or without scores."""
        return getattr(self.result.plan.detector, "threshold", None)


def _gap(step: SweepStep, rate: str) -> SweepGap | None:
    return next((gap for gap in step.gaps if gap.rate == rate), None)


def _surely(gap: SweepGap | None) -> bool:
    return gap is not None and gap.low is not None and gap.high is not None and (gap.low > 0 or gap.high < 0)
