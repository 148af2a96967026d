"""Functions of a protected table: all that a public page may show beside the counts and rates in the table.

A page shows more than rates: the rate of everyone else, the limit beside it, "about 5 in 10", places in a chart. Every
such number is computed by a function here, from protected counts alone. The page calls it to print. The gate that
explains every number (`audit.disclosure.explain`) calls it to check, and refuses a number that no function gives in
its row. A new function here must take nothing but a `PublicRelease`, and must round what it gives.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from audit.public.table import PublicGroup, PublicRate, PublicRelease, PublicRule, PublicWord
from audit.vocabulary.metrics import SHARES_OF_GOOD, MetricName
from audit.vocabulary.numbers import Frequency, frequencies, half_up, hundredfold, rounded_up

State = Literal["below", "meets", "cannot_tell", "not_shown"]
STATES: Final[tuple[State, ...]] = ("below", "meets", "cannot_tell", "not_shown")
"""States of a group under a rule on a page: a word, or that its rate is not shown, which is a state of its own."""

_WORST_FIRST: Final[tuple[State, ...]] = ("below", "cannot_tell", "not_shown", "meets")

Harm = Literal["missed", "wrongly_flagged", "flagged", "flagged_less", "wrong", "apart"]
"""Harm of which a group beyond a limit suffers more; `apart` if the limit holds on both sides."""

FUNNEL_SIZES: Final = (10, 100_000)
"""Ends of the funnel's logarithmic axis of sizes. The axis is equal for every set, so it discloses no size."""
FUNNEL_DEVIATIONS: Final = (1.96, 3.09)
"""Standard deviations of the funnel's curves: 19 of 20 groups, and 998 of 1,000, lie between by chance."""
_LEAST_LENGTH: Final = 0.012
"""Least length in a bar: four pixels on a phone, so that one group of a thousand is visible on paper too."""
_CURVE: Final = tuple(round(20 * 10 ** (step / 9)) for step in range(34))


@dataclass(frozen=True, slots=True)
class RateOf:
    """Rate as sums of drawn counts: positives, missed, negatives, wrongly flagged."""

    top: tuple[int, int, int, int]
    """Factor of each drawn count in the numerator."""
    bottom: tuple[int, int, int, int]
    """Factor of each drawn count in the denominator."""
    needs: tuple[str, ...] = ()
    """Totals that must be absent from the set: otherwise the rate counts people who are in no drawn count."""


RATES: Final[Mapping[MetricName, RateOf]] = {
    "true_positive_rate": RateOf((1, -1, 0, 0), (1, 0, 0, 0)),
    "false_negative_rate": RateOf((0, 1, 0, 0), (1, 0, 0, 0)),
    "false_positive_rate": RateOf((0, 0, 0, 1), (0, 0, 1, 0)),
    "true_negative_rate": RateOf((0, 0, 1, -1), (0, 0, 1, 0)),
    "precision": RateOf((1, -1, 0, 0), (1, -1, 0, 1)),
    "accuracy": RateOf((1, -1, 1, -1), (1, 0, 1, 0)),
    "selection_rate": RateOf((1, -1, 0, 1), (1, 0, 1, 0), ("unlabelled",)),
    "base_rate": RateOf((1, 0, 0, 0), (1, 0, 1, 0), ("unscored",)),
}
"""Every metric, in counts that a public table has."""


class Place(NamedTuple):
    """Point of the funnel: per cent of its width from the left and of its height from above, to one decimal."""

    x: Decimal
    y: Decimal


class Span(NamedTuple):
    """Part of the bar of states: where it begins and how long it is, in per cent to one decimal."""

    start: Decimal
    length: Decimal


def per_cent(share: float) -> Decimal:
    """Convert a share to per cent without rounding, by the shortest decimal of this float: .6315 gives 63.15."""
    return hundredfold(share)


def whole_per_cent(share: float) -> int:
    """Convert a share to whole per cents; a half is rounded upwards."""
    return int(half_up(per_cent(share), 0))


def per_cent_text(share: float) -> str:
    """Write a share as "12%"; "<1%" and ">99%" if it would otherwise read as none or all (`reports.numbers`)."""
    whole = whole_per_cent(share)
    if whole == 0 < share:
        return "<1%"
    return ">99%" if whole == 100 and share < 1 else f"{whole}%"


def tenth(share: float) -> Decimal:
    """Convert a share to per cent with one decimal, a half upwards: for tables, and places from an axis' start."""
    return half_up(per_cent(share), 1)


def tenth_from_end(share: float) -> Decimal:
    """Convert the rest of a share to per cent with one decimal, a half upwards: for places from an axis' end."""
    return half_up(100 - per_cent(share), 1)


def of_share(share: float, digits: int) -> Decimal:
    """Round a share, a number from 0 to 1, to so many decimals, a half upwards."""
    return half_up(share, digits)


def size_of(row: PublicGroup, metric: MetricName) -> int | None:
    """Return the protected denominator of a rate; None if the row does not show it."""
    counts = _drawn(row, RATES[metric].bottom)
    return None if counts is None else _sum(counts, RATES[metric].bottom)


def everyone_else(everyone: PublicGroup, row: PublicGroup, metric: MetricName) -> float | None:
    """Return the rate of everyone else: protected counts of everyone less those of the group, as words compare them.

    None if one of the counts is not shown, or if the rate would be exactly none or all: noise alone can make it so.
    """
    of = RATES[metric]
    uses = [top or bottom for top, bottom in zip(of.top, of.bottom, strict=True)]
    all_of, own = _drawn(everyone, uses), _drawn(row, uses)
    if all_of is None or own is None or not row.group.levels:
        return None
    rest = [whole - part for whole, part in zip(all_of, own, strict=True)]
    top, bottom = _sum(rest, of.top), _sum(rest, of.bottom)
    return top / bottom if 0 < top < bottom else None


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


def people_apart(everyone: PublicGroup, row: PublicGroup, rate: PublicRate) -> int | None:
    """Return at most how many of a group would fare otherwise at the rest's rate, rounded up to two digits."""
    rest, size = everyone_else(everyone, row, rate.metric), size_of(row, rate.metric)
    if rest is None or size is None or rate.value is None:
        return None
    return rounded_up(abs(rate.value - rest) * size)


def state_of(word: PublicWord) -> State:
    """Return the state of a group under a rule."""
    return "not_shown" if word.why == "rate_not_shown" else word.word


def each_people_once(words: Iterable[PublicWord]) -> list[PublicWord]:
    """Return the words with the same people once for each rule: in their worst state, and there on the finest rung.

    People without a country, or without a known or listed one, have one code on every rung of a ladder.
    """
    once: dict[tuple[str, frozenset[tuple[str, str]]], PublicWord] = {}
    for word in words:
        people = word.rule, word.group.people
        known = once.get(people)
        if known is None or _WORST_FIRST.index(state_of(word)) <= _WORST_FIRST.index(state_of(known)):
            once[people] = word
    return list(once.values())


def state_tally(words: Sequence[PublicWord]) -> dict[State, int]:
    """Count the groups in each state, in the order of `STATES`; the same people count once."""
    counts = Counter(map(state_of, each_people_once(words)))
    return {state: counts[state] for state in STATES}


def groups_open(release: PublicRelease) -> int:
    """Count the groups that may or may not be within every limit on them; the same people count once."""
    return len({word.group.people for word in release.words if state_of(word) in ("cannot_tell", "not_shown")})


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


def below_by_harm(release: PublicRelease) -> dict[Harm, int]:
    """Count the groups beyond a limit by their harm, in the order of the rules; the same people count once.

    Two rules may be about one harm, such as the difference of a rate and its ratio: a group beyond both is one.
    """
    harms = {rule.rule: harm_of(rule) for rule in release.rules}
    groups: dict[Harm, set[object]] = {harm: set() for harm in harms.values()}
    for word in each_people_once(release.words):
        if state_of(word) == "below" and word.rule in harms:
            groups[harms[word.rule]].add(word.group.people)
    return {harm: len(of_it) for harm, of_it in groups.items() if of_it}


def spans_of(tally: Mapping[State, int]) -> dict[State, Span]:
    """Return the bar of states: each as long as its share of the groups; none for a state without groups.

    Groups of which nothing is shown are a part of it: a bar without them would say that nearly all are known.
    """
    present = [state for state in STATES if tally[state]]
    lengths = lengths_of([tally[state] for state in present])
    return {
        state: Span(tenth(sum(lengths[:place])), tenth(length))
        for place, (state, length) in enumerate(zip(present, lengths, strict=True))
    }


def lengths_of(counts: Sequence[int]) -> list[float]:
    """Return the parts of a bar for these counts, as shares of it. Parts too short to be seen are made longer."""
    total = sum(counts)
    is_short = [count < total * _LEAST_LENGTH for count in counts]
    room = 1.0 - _LEAST_LENGTH * sum(is_short)
    long = sum(count for count, short in zip(counts, is_short, strict=True) if not short)
    return [_LEAST_LENGTH if short else room * count / long for count, short in zip(counts, is_short, strict=True)]


def funnel_place(cases: int, rate: float) -> Place:
    """Return the place in the funnel of a group of this protected size, with this protected rate."""
    first, last = map(math.log10, FUNNEL_SIZES)
    share = (math.log10(max(cases, 1)) - first) / (last - first)
    return Place(tenth(min(max(share, 0.0), 1.0)), tenth_from_end(min(max(rate, 0.0), 1.0)))


def funnel_curve(rate: PublicRate, variance: float, deviations: float) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Return the lower and the upper curve round everyone's rate: where chance and noise alone would carry a group.

    A group of n cases lies within `rate ± deviations * sqrt(r (1 - r) / n + V m / n^2)`; m is the sum of squares of how
    much each drawn count moves the rate (docs/disclosure.md). Empty if everyone has no rate.
    """
    if rate.value is None:
        return (), ()
    of, r = RATES[rate.metric], rate.value
    moves = sum((top - r * bottom) ** 2 for top, bottom in zip(of.top, of.bottom, strict=True))
    lower, upper = [], []
    for cases in _CURVE:
        apart = deviations * math.sqrt(r * (1 - r) / cases + variance * moves / cases**2)
        lower.append(funnel_place(cases, r - apart))
        upper.append(funnel_place(cases, r + apart))
    return tuple(lower), tuple(upper)


def _drawn(row: PublicGroup, uses: Sequence[int]) -> list[int] | None:
    """Return the drawn counts of a row, 0 for unused ones; None if a used one is not shown."""
    counts = (row.positives.cases, row.positives.errors, row.negatives.cases, row.negatives.errors)
    if any(use and count is None for use, count in zip(uses, counts, strict=True)):
        return None
    return [count if use and count is not None else 0 for use, count in zip(uses, counts, strict=True)]


def _sum(counts: Sequence[int], times: Sequence[int]) -> int:
    return sum(count * often for count, often in zip(counts, times, strict=True))


ROW: Final = "data-g"
"""Attribute that holds the short name of a row; on a path, the names of its points, in their order."""
_LETTERS: Final = "bcdfghjklmnpqrstvwxz"


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Make a short name for each key, by its place among them."""
    return {key: _name(place) for place, key in enumerate(keys)}


def _name(place: int) -> str:
    rest, letter = divmod(place, len(_LETTERS))
    return (_name(rest - 1) if rest else "") + _LETTERS[letter]
