"""What the protected figures say about each group under each rule: below the limit, meets it, or cannot tell.

`below` accuses, and is held to one budget of false alarms over all groups of a rule (Bonferroni over those whose figures
can be compared); `meets` is held to the plan's level group by group. No exact count enters, so that a word tells nothing
that the table does not. The one word for the whole set, the headline, comes from the exact counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.counting.table import IntArray
from audit.disclosure.rates import DRAWN, RATES, RateOf, drawn_counts, effective, few_of, public_rates, side_of, why_no_rate
from audit.public_table import (
    PublicGroup,
    PublicHeadline,
    PublicMethod,
    PublicRelease,
    PublicRule,
    PublicTable,
    PublicWord,
)
from audit.stats.intervals import wilson
from audit.stats.mover import Limits, difference_of_limits, ratio_of_limits

__all__ = ["public_release", "public_words"]

FloatArray = npt.NDArray[np.float64]


def public_release(
    table: PublicTable,
    outcome: Literal["pass", "fail", "inconclusive"],
    rules: Sequence[PublicRule],
    *,
    level: float = 0.95,
    alpha: float = 0.05,
) -> PublicRelease:
    """All that a public report prints. Of the exact audit only `outcome` enters, one word for the whole set."""
    words = tuple(word for rule in rules for word in public_words(table, rule, alpha=alpha))
    named = any(word.word == "below" for word in words)
    return PublicRelease(
        table=table,
        headline=PublicHeadline(outcome=outcome, too_small_to_name=outcome == "fail" and not named),
        rules=tuple(rules),
        rates=public_rates(table, level=level),
        words=words,
    )


def public_words(table: PublicTable, rule: PublicRule, *, alpha: float = 0.05) -> tuple[PublicWord, ...]:
    """The word on every group but everyone, from the table alone."""
    of, method = RATES[rule.metric], table.method
    everyone, rows = table.groups[0], table.groups[1:]
    compared = [] if why_no_rate(everyone, of, method) else [_compared(row, everyone, rule, method) for row in rows]
    judged = {place: pair for place, pair in enumerate(compared) if pair is not None}
    accusing = 1.0 - 2.0 * alpha / max(len(judged), 1)
    gaps_below = dict(zip(judged, _gaps(list(judged.values()), rule, of, method.variance, accusing), strict=True))
    gaps_meets = dict(zip(judged, _gaps(list(judged.values()), rule, of, method.variance, 1.0 - 2 * alpha), strict=True))
    words = []
    for place, row in enumerate(rows):
        below = place in judged and any(_is_beyond(gaps_below[place], rule, side) for side in rule.worse)
        meets = place in judged and all(_is_within(gaps_meets[place], rule, side) for side in rule.worse)
        words.append(_word(rule, row, judged=place in judged, below=below, meets=meets and not below))
    return tuple(words)


class _Pair(NamedTuple):
    """Drawn counts of a group and of everyone else: the least and the most that they can be where errors are few."""

    own: tuple[IntArray, IntArray]
    rest: tuple[IntArray, IntArray]


def _compared(row: PublicGroup, everyone: PublicGroup, rule: PublicRule, method: PublicMethod) -> _Pair | None:
    """What is compared; None where too little is shown, or everyone else has no rate between 0 and 1."""
    of = RATES[rule.metric]
    if why_no_rate(row, of, method) is None:
        own = (drawn_counts(row), drawn_counts(row))
    else:
        few = _few_counts(row, rule, method)
        if few is None:
            return None
        own = few
    rest = (drawn_counts(everyone) - own[0], drawn_counts(everyone) - own[1])
    return _Pair(own, rest) if all(_has_rate(counts, of) for counts in rest) else None


def _few_counts(row: PublicGroup, rule: PublicRule, method: PublicMethod) -> tuple[IntArray, IntArray] | None:
    """Drawn counts with none and with all of the few."""
    at = side_of(rule.metric)
    few = None if at is None else few_of((row.positives, row.negatives)[at], method)
    if at is None or few is None:
        return None
    side = (row.positives, row.negatives)[at]
    most, fewest = few
    ends = []
    for count in (0, most):
        counts = np.zeros(len(DRAWN), dtype=np.int64)
        counts[2 * at] = fewest
        counts[2 * at + 1] = count if side.shown == "few_errors" else fewest - count
        ends.append(counts)
    return ends[0], ends[1]


def _has_rate(counts: IntArray, of: RateOf) -> bool:
    top, bottom = int(counts @ np.array(of.top)), int(counts @ np.array(of.bottom))
    return 0 < top < bottom


def _gaps(pairs: list[_Pair], rule: PublicRule, of: RateOf, variance: float, level: float) -> list[tuple[float, float]]:
    """Limits of difference or ratio of each group against everyone else."""
    if not pairs:
        return []
    own = [_limits(np.stack([pair.own[end] for pair in pairs]), of, variance, level) for end in (0, 1)]
    rest = [_limits(np.stack([pair.rest[end] for pair in pairs]), of, 2.0 * variance, level) for end in (0, 1)]
    exact = np.array([np.array_equal(*pair.own) for pair in pairs])
    if rule.scale == "difference":
        low, high = difference_of_limits(own[0], rest[0])
    else:
        low, high = ratio_of_limits(own[0], rest[0])
    own_low, own_high = np.minimum(own[0].low, own[1].low), np.maximum(own[0].high, own[1].high)
    rest_low, rest_high = np.minimum(rest[0].low, rest[1].low), np.maximum(rest[0].high, rest[1].high)
    if rule.scale == "difference":
        widest = own_low - rest_high, own_high - rest_low
    else:
        widest = own_low / rest_high, own_high / rest_low
    return list(zip(np.where(exact, low, widest[0]).tolist(), np.where(exact, high, widest[1]).tolist(), strict=True))


def _limits(counts: IntArray, of: RateOf, variance: float, level: float) -> Limits:
    """Rates and their limits. A rate of exactly none or all has the limits of a sample of that size."""
    top, bottom = counts @ np.array(of.top, dtype=np.float64), counts @ np.array(of.bottom, dtype=np.float64)
    rate = top / bottom
    inside = (top > 0) & (top < bottom)
    successes, size = top.copy(), bottom.copy()
    moves = np.array(of.top)[np.newaxis] - rate[:, np.newaxis] * np.array(of.bottom)[np.newaxis]
    if inside.any():
        successes[inside], size[inside] = effective(top[inside], bottom[inside], moves[inside], variance)
    low, high = wilson(successes, size, level)
    return Limits(rate, low, high)


def _is_beyond(gap: tuple[float, float], rule: PublicRule, side: Literal["low", "high"]) -> bool:
    low, high = gap
    if rule.scale == "difference":
        return high < -rule.limit if side == "low" else low > rule.limit
    return high < rule.limit if side == "low" else low > 1.0 / rule.limit


def _is_within(gap: tuple[float, float], rule: PublicRule, side: Literal["low", "high"]) -> bool:
    low, high = gap
    if rule.scale == "difference":
        return low > -rule.limit if side == "low" else high < rule.limit
    return low > rule.limit if side == "low" else high < 1.0 / rule.limit


def _word(rule: PublicRule, row: PublicGroup, *, judged: bool, below: bool, meets: bool) -> PublicWord:
    if below:
        return PublicWord.model_construct(rule=rule.rule, group=row.group, word="below", why="beyond_limit")
    if meets:
        return PublicWord.model_construct(rule=rule.rule, group=row.group, word="meets", why="within_limit")
    why = "limit_not_excluded" if judged else "rate_not_shown"
    return PublicWord.model_construct(rule=rule.rule, group=row.group, word="cannot_tell", why=why)
