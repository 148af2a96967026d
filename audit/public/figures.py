"""What a row of a release says by a rate: its state under a rule, its errors, its limit, and how far it is from them.

Numbers are those of the release, or functions of them. Every rate is stated as an error, so that more is worse: victims
missed, people wrongly flagged, flags that are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from audit.public.release import PublicRate, PublicRow, PublicRule, PublicWord
from audit.vocabulary.metrics import Metric, Suffered, error_of
from audit.vocabulary.numbers import half_up, rounded_up

State = Literal["beyond", "smaller_beyond", "cannot_tell", "within", "not_judged"]
STATES: Final[tuple[State, ...]] = ("beyond", "smaller_beyond", "cannot_tell", "within", "not_judged")
"""States of a row under a rule, worst first: its word, and where no word is beyond, that a group within it is."""

LOOKS: Final[Mapping[State, str]] = {
    "beyond": "fail",
    "smaller_beyond": "smaller",
    "cannot_tell": "inconclusive",
    "within": "pass",
    "not_judged": "not_evaluable",
}
"""Look of each state: shape and colour are those of the restricted report."""

Harm = Suffered | Literal["flagged_less", "apart"]
"""Harm of which a group beyond a limit suffers more; `apart` if the limit holds on both sides, or the rate counts
neither errors nor flags."""


def state_of(word: PublicWord) -> State:
    """Return the state of a row under a rule."""
    if word.word == "beyond":
        return "beyond"
    if word.smaller_beyond:
        return "smaller_beyond"
    return word.word or "not_judged"


def limits_beside(rest: float, rule: PublicRule) -> tuple[float | None, float | None]:
    """Return the smallest and largest rate within a rule's limit beside a rate; None for a side without limit."""
    if rule.scale == "difference":
        low, high = rest - rule.limit, rest + rule.limit
    else:
        low, high = rest * rule.limit, rest / rule.limit
    return max(low, 0.0) if "low" in rule.worse else None, min(high, 1.0) if "high" in rule.worse else None


def harm_of(rule: PublicRule, metric: Metric) -> Harm:
    """Return the harm of which a group beyond the limit of a rule on `metric` suffers more."""
    suffered = metric.suffered
    if len(rule.worse) > 1 or suffered is None:
        return "apart"
    return "flagged_less" if suffered == "flagged" and rule.worse == ("low",) else suffered


@dataclass(frozen=True, slots=True)
class PublicFinding:
    """A rate of a row, and what a rule says of it."""

    row: PublicRow
    rate: PublicRate
    metric: Metric
    rule: PublicRule | None
    """The rule; None where the plan sets no limit on the rate."""
    word: PublicWord | None
    """What the rule says; None for everyone, and where there is no rule."""

    @property
    def state(self) -> State | None:
        """State under the rule; None where there is no rule, or the row is everyone."""
        return None if self.word is None else state_of(self.word)

    @property
    def look(self) -> str:
        """Outcome in whose look a report shows the state; empty where there is no state."""
        return "" if self.state is None else LOOKS[self.state]

    @property
    def error(self) -> float | None:
        """Share of errors; None where only a bound is known."""
        return self._error(self.rate.value)

    @property
    def rest(self) -> float | None:
        """Share of errors among everyone else; None for everyone, and where it is not known."""
        return self._error(self.rate.rest)

    @property
    def span(self) -> tuple[float, float] | None:
        """Likely range of the share of errors; None where only a bound is known."""
        low, high = self._error(self.rate.low), self._error(self.rate.high)
        return None if low is None or high is None else (min(low, high), max(low, high))

    @property
    def at_most(self) -> float | None:
        """Most that the share of errors can be, where few errors are printed as such."""
        return self._bound("at_most", "at_least")

    @property
    def at_least(self) -> float | None:
        """Least that the share of errors can be, where few right answers are printed as such."""
        return self._bound("at_least", "at_most")

    @property
    def is_known(self) -> bool:
        """Whether the rate, or a bound on it, is printed."""
        return any(share is not None for share in (self.error, self.at_most, self.at_least))

    def _bound(self, of_errors: str, of_good: str) -> float | None:
        return self._error(getattr(self.rate, of_good if self.metric.is_told_as_errors else of_errors))

    def _error(self, share: float | None) -> float | None:
        """State a share of this rate as a share of errors, without the noise of floats."""
        return None if share is None else float(half_up(error_of(self.metric, share), 9))

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Smallest and largest share of errors within the row's own limit; None for a side without one."""
        if self.rule is None or self.rate.rest is None:
            return None, None
        low, high = limits_beside(self.rate.rest, self.rule)
        ends = (high, low) if self.metric.is_told_as_errors else (low, high)
        return self._error(ends[0]), self._error(ends[1])

    @property
    def gap(self) -> float | None:
        """Share of errors less that of everyone else; None where either is not known."""
        return None if self.error is None or self.rest is None else self.error - self.rest

    @property
    def to_limit(self) -> int | None:
        """About how many errors fewer (or more, where the row is within it) put the row at its own limit.

        Rounded up to two digits; None where the rate or the limit is not known.
        """
        gaps = [abs(self.error - end) for end in self.limits if end is not None and self.error is not None]
        return rounded_up(min(gaps) * self.row.people) if gaps else None

    @property
    def is_outside(self) -> bool:
        """Whether the printed rate has more errors than the row's own limit."""
        high = self.limits[1]
        return self.error is not None and high is not None and self.error > high

    @property
    def apart(self) -> int | None:
        """About how many people of the row would fare otherwise at everyone else's rate, rounded up to two digits."""
        rate, rest = self.rate.value, self.rate.rest
        return None if rate is None or rest is None else rounded_up(abs(rate - rest) * self.row.people)


def finding_of(row: PublicRow, metric: Metric, rule: PublicRule | None) -> PublicFinding | None:
    """Return what a row says by a rate, and by a rule on it; None where the row has no such rate."""
    rate = next((rate for rate in row.rates if rate.metric == metric.name), None)
    word = None if rule is None else next((word for word in row.words if word.rule == rule.rule), None)
    return None if rate is None else PublicFinding(row, rate, metric, rule, word)
