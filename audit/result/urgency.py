"""Order in which findings are shown: what is most urgent first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from audit.result.findings.judged import Outcome
from audit.result.reading import JudgedRate, Reading, each_once
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, MetricName

State = Outcome | Literal["as_part"]

_URGENCY: Final[Mapping[State, int]] = {"fail": 0, "inconclusive": 1, "as_part": 2, "pass": 3, "not_evaluable": 4}


def primary_metrics(reading: Reading) -> tuple[MetricName, ...]:
    """Return the rates of the harm that is shown first: of both, victims missed."""
    return WRONGLY_FLAGGED if reading.result.overall.primary_harm == "wrongly_flagged" else MISSED


def state_of(finding: JudgedRate) -> State:
    """Return the outcome, with groups that were judged only as a part of a larger one apart."""
    return "as_part" if finding.verdict.because == "judged_as_part" else finding.outcome


def most_affected_first(reading: Reading, findings: Iterable[JudgedRate]) -> list[JudgedRate]:
    """Sort groups that fail: those in which most people are harmed first, then those furthest apart.

    A region that fails together with one of its countries stands behind the groups that hold none: what fails in it may
    be that country alone.
    """
    return sorted(
        findings, key=lambda finding: (reading.holds_failing(finding), -max(finding.more_harmed, 0.0), -finding.apart)
    )


def most_urgent_first(reading: Reading) -> list[JudgedRate]:
    """Return every finding, the most urgent first; the same people once for each rule.

    Within a state the primary harm comes first. Groups that fail stand as `most_affected_first` has them. Of others
    those with enough cases to be judged alone come first: they are what stands between the audit and a verdict, and a
    handful of people with an extreme rate is no finding.
    """
    primary = primary_metrics(reading)
    ordered = sorted(most_affected_first(reading, reading.judged_rates), key=lambda finding: _urgency(finding, primary))
    return each_once(ordered, lambda finding: finding.verdict)


def widest_gap(reading: Reading) -> JudgedRate | None:
    """Return the group that is worst off beside everyone else, of those large enough for a row of a public page.

    It is what a public page shows first where nobody is beyond a limit. None where groups of a family are beyond it
    together, of which none may be named, and where no such group is worse off.
    """
    if reading.unnamed:
        return None
    fewest = 2 * reading.result.plan.disclosure.floor
    worse_off = [
        judged
        for judged in reading.each_once
        if judged.more_harmed > 0 and judged.denominator >= fewest and judged.error is not None
    ]
    return max(worse_off, key=lambda judged: abs((judged.error or 0.0) - (judged.rest_error or 0.0)), default=None)


def _urgency(finding: JudgedRate, primary: tuple[MetricName, ...]) -> tuple[int, bool, bool, float]:
    rank = _URGENCY[state_of(finding)], finding.metric not in primary
    return (*rank, False, 0.0) if finding.outcome == "fail" else (*rank, not finding.verdict.decidable, -finding.excess)
