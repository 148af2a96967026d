"""Order in which findings are shown: what is most urgent first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from audit.result.findings.judged import Outcome
from audit.result.reading import Finding, Reading, each_once
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, MetricName

State = Outcome | Literal["as_part"]

_URGENCY: Final[Mapping[State, int]] = {"fail": 0, "inconclusive": 1, "as_part": 2, "pass": 3, "not_evaluable": 4}
_PRIMARY: Final[Mapping[str, tuple[MetricName, ...]]] = {
    "missed": MISSED,
    "wrongly_flagged": WRONGLY_FLAGGED,
    "both": (*MISSED, *WRONGLY_FLAGGED),
}


def state_of(finding: Finding) -> State:
    """Return the outcome, with groups that were judged only as a part of a larger one apart."""
    return "as_part" if finding.verdict.because == "judged_as_part" else finding.outcome


def most_urgent_first(reading: Reading) -> list[Finding]:
    """Return every finding, the most urgent first; the same people once for each rule.

    Within a state the primary harm comes first, then groups with enough cases to be judged alone: they are what stands
    between the audit and a verdict, and a handful of people with an extreme rate is no finding.
    """
    primary = _PRIMARY[reading.result.overall.primary_harm]
    return each_once(sorted(reading.findings, key=lambda each: _urgency(each, primary)), lambda each: each.verdict)


def _urgency(finding: Finding, primary: tuple[MetricName, ...]) -> tuple[int, bool, bool, float]:
    return (
        _URGENCY[state_of(finding)],
        finding.metric not in primary,
        not finding.verdict.decidable,
        -finding.excess,
    )
