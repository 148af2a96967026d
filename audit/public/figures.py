"""Functions of a release: what a public page prints beside the numbers in it, and nothing that needs more."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from audit.public.release import PublicRelease, PublicRow, PublicRule, PublicWord
from audit.vocabulary.metrics import SHARES_OF_GOOD, MetricName
from audit.vocabulary.numbers import Frequency, frequencies, hundredfold, rounded_up

State = Literal["beyond", "smaller_beyond", "cannot_tell", "within", "not_judged"]
STATES: Final[tuple[State, ...]] = ("beyond", "smaller_beyond", "cannot_tell", "within", "not_judged")
"""States of a row under a rule, worst first: its word, and where no word is beyond, that a group within it is."""

Harm = Literal["missed", "wrongly_flagged", "flagged", "flagged_less", "wrong", "apart"]
"""Harm of which a group beyond a limit suffers more; `apart` if the limit holds on both sides."""


def state_of(word: PublicWord) -> State:
    """Return the state of a row under a rule."""
    if word.word == "beyond":
        return "beyond"
    if word.smaller_beyond:
        return "smaller_beyond"
    return word.word or "not_judged"


def per_cent(share: float) -> Decimal:
    """Convert a share to per cent without rounding, by the shortest decimal of this float: .6315 gives 63.15."""
    return hundredfold(share)


def limits_beside(rest: float, rule: PublicRule) -> tuple[float | None, float | None]:
    """Return the smallest and largest rate within a rule's limit beside a rate; None for a side without limit."""
    if rule.scale == "difference":
        low, high = rest - rule.limit, rest + rule.limit
    else:
        low, high = rest * rule.limit, rest / rule.limit
    return (
        max(low, 0.0) if "low" in rule.worse else None,
        min(high, 1.0) if "high" in rule.worse else None,
    )


def error_of(metric: MetricName, rate: float) -> float:
    """State a rate as a share of errors: victims missed, people wrongly flagged, flags that are wrong."""
    return 1 - rate if metric in SHARES_OF_GOOD else rate


def natural(metric: MetricName, rate: float, other: float | None) -> tuple[Frequency, Frequency | None]:
    """State the error of a rate, and of another beside it, as counts of 10, 100 or 1,000."""
    return frequencies(error_of(metric, rate), None if other is None else error_of(metric, other))


def people_apart(row: PublicRow, metric: MetricName) -> int | None:
    """Return about how many of a row would fare otherwise at the rest's rate, rounded up to two digits."""
    rate = next((each for each in row.rates if each.metric == metric), None)
    if rate is None or rate.value is None or rate.rest is None:
        return None
    return rounded_up(abs(rate.value - rate.rest) * row.people)


def harm_of(rule: PublicRule) -> Harm:
    """Return the harm of which a group beyond the limit of a rule suffers more."""
    if len(rule.worse) > 1:
        return "apart"
    match rule.metric:
        case "true_positive_rate" | "false_negative_rate":
            return "missed"
        case "false_positive_rate" | "true_negative_rate":
            return "wrongly_flagged"
        case "selection_rate":
            return "flagged" if rule.worse == ("high",) else "flagged_less"
        case _:
            return "wrong"


def state_tally(release: PublicRelease, rule: str) -> dict[State, int]:
    """Count the rows in each state under a rule, in the order of `STATES`; totals of other rows are left out."""
    states = [state_of(word) for row in release.rows if not row.total for word in row.words if word.rule == rule]
    return {state: states.count(state) for state in STATES}
