"""Intervals and words of public figures, beside the formulas of the design written out once more, without our code.

Tables are drawn so that many of their groups stand close to the limit, where a level, a variance or a side that is
wrong says another word.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from made.disclosure import RULE
from scipy.stats import norm

from audit.disclosure.rates import intervals
from audit.disclosure.words import public_words
from audit.public.figures import RATES
from audit.public.table import PublicGroup, PublicMethod, PublicRule, PublicSide, PublicTable
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS, MetricName

Counts = tuple[int, int, int, int]
"""Positives, missed, negatives, wrongly flagged."""
Ends = tuple[float, float, float]
"""A rate, its lower and its upper limit."""

VARIANCE, ALPHA = 3.0, 0.05
METHOD = PublicMethod(version=1, floor=10, largest_change=5, variance=VARIANCE, absent=("unscored", "unlabelled"))


def cells(counts: Counts) -> dict[str, int]:
    positives, missed, negatives, wrong = counts
    return {
        "true_positive": positives - missed,
        "false_negative": missed,
        "false_positive": wrong,
        "true_negative": negatives - wrong,
    }


def quotient(metric: MetricName, counts: Counts) -> float:
    """The rate as `audit.vocabulary.metrics` defines it, of the cells of a table of two by two."""
    of = cells(counts)
    top, bottom = (
        sum(of.get(cell.value, 0) for cell in part) for part in (METRICS[metric].numerator, METRICS[metric].denominator)
    )
    return top / bottom


def size(metric: MetricName, counts: Counts) -> int:
    return sum(cells(counts).get(cell.value, 0) for cell in METRICS[metric].denominator)


def spread_of_noise(metric: MetricName, counts: Counts, variance: float) -> float:
    """How far noise on each drawn count moves the rate: by differences, where the code has a formula."""
    step, total = 1e-4, 0.0
    for place in range(len(counts)):
        up, down = ([*counts], [*counts])
        up[place] += step  # type: ignore[call-overload]
        down[place] -= step  # type: ignore[call-overload]
        slope = (quotient(metric, tuple(up)) - quotient(metric, tuple(down))) / (2 * step)  # type: ignore[arg-type]
        total += variance * slope * slope
    return total


@cache
def quantile(level: float) -> float:
    """How many standard errors an interval of a level reaches to each side."""
    return float(norm.ppf(1 - (1 - level) / 2))


def limits(metric: MetricName, counts: Counts, variance: float, level: float) -> Ends:
    """Wilson's interval at the size at which sampling alone would be as unsure as sampling and noise together."""
    rate, cases = quotient(metric, counts), size(metric, counts)
    n = rate * (1 - rate) / (rate * (1 - rate) / cases + spread_of_noise(metric, counts, variance))
    z = quantile(level)
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return rate, middle - half, middle + half


def gap(own: Ends, rest: Ends, scale: str) -> tuple[float, float]:
    """Limits of a difference (Newcombe 1998) or of a ratio (Donner and Zou 2012) from those of its parts."""
    (p, lower, upper), (q, m, v) = own, rest
    if scale == "difference":
        return p - q - math.hypot(p - lower, v - q), p - q + math.hypot(upper - p, q - m)
    low = (p * q - math.sqrt((p * q) ** 2 - lower * v * (2 * p - lower) * (2 * q - v))) / (v * (2 * q - v))
    high = (p * q + math.sqrt((p * q) ** 2 - upper * m * (2 * p - upper) * (2 * q - m))) / (m * (2 * q - m))
    return low, high


def passes(rule: PublicRule, everyone: Counts, own: Counts, moved: Counts) -> bool:
    """Whether a group is within the limit on each side, with these people of unknown features counted as its own."""
    there: Counts = tuple(map(sum, zip(own, moved, strict=True)))  # type: ignore[assignment]
    rest: Counts = tuple(whole - part for whole, part in zip(everyone, there, strict=True))  # type: ignore[assignment]
    ends = limits(rule.metric, there, VARIANCE, 1 - 2 * ALPHA), limits(rule.metric, rest, 2 * VARIANCE, 1 - 2 * ALPHA)
    low, high = gap(*ends, rule.scale)
    return low > -rule.limit if rule.worse == ("low",) else high < rule.limit


def word(rule: PublicRule, everyone: Counts, own: Counts, groups: int) -> str:
    rest: Counts = tuple(whole - part for whole, part in zip(everyone, own, strict=True))  # type: ignore[assignment]
    below, meets = False, size(rule.metric, own) - METHOD.largest_change >= rule.least_cases
    lowest, highest = (-rule.limit, rule.limit) if rule.scale == "difference" else (rule.limit, 1 / rule.limit)
    for side in rule.worse:
        (low, high), (low_alone, high_alone) = (
            # Of everyone else both counts have noise: everyone's own and that of the group.
            gap(limits(rule.metric, own, VARIANCE, level), limits(rule.metric, rest, 2 * VARIANCE, level), rule.scale)
            for level in (1 - 2 * ALPHA / groups, 1 - 2 * ALPHA)
        )
        below = below or (high < lowest if side == "low" else low > highest)
        meets = meets and (low_alone > lowest if side == "low" else high_alone < highest)
    return "below" if below else "meets" if meets else "cannot_tell"


def drawn(rng: np.random.Generator, most: int = 900) -> Counts:
    positives, negatives = (int(rng.integers(40, most)) for _ in range(2))
    return (
        positives, int(positives * rng.uniform(0.1, 0.5)) + 10, negatives, int(negatives * rng.uniform(0.05, 0.4)) + 10
    )  # fmt: skip


def table(everyone: Counts, groups: list[Counts]) -> PublicTable:
    rows = [((), everyone), *(((Level("age", "level", f"g{place}"),), one) for place, one in enumerate(groups))]
    return PublicTable(
        method=METHOD,
        features=(),
        groups=tuple(
            PublicGroup(
                group=Group(levels),
                positives=PublicSide(cases=positives, shown="value", errors=missed, why=None),
                negatives=PublicSide(cases=negatives, shown="value", errors=wrong, why=None),
                unscored=None,
                unlabelled=None,
            )
            for levels, (positives, missed, negatives, wrong) in rows
        ),
    )


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_intervals_are_those_of_the_design_for_every_rate(metric: MetricName) -> None:
    rng = np.random.default_rng(1)
    for counts in [drawn(rng) for _ in range(20)]:
        if metric == "base_rate" and counts[0] == counts[2]:
            continue
        value, low, high, cases = intervals(np.array([counts]), RATES[metric], VARIANCE, 0.95)
        assert cases[0] == size(metric, counts)
        np.testing.assert_allclose([value[0], low[0], high[0]], limits(metric, counts, VARIANCE, 0.95), rtol=1e-6)


@pytest.mark.parametrize("scale", ["difference", "ratio"])
@pytest.mark.parametrize("metric", ["true_positive_rate", "false_positive_rate", "precision", "selection_rate"])
def test_words_are_those_of_the_design_at_the_very_limit(metric: MetricName, scale: str) -> None:
    rng = np.random.default_rng(2)
    said: Counter[str] = Counter()
    for _ in range(6):
        groups = [drawn(rng) for _ in range(int(rng.integers(1, 4)))]
        everyone: Counts = tuple(sum(part) for part in zip(*groups, drawn(rng, most=80), strict=True))
        sides = (("low",), ("high",), ("low", "high"))[int(rng.integers(3))]
        for limit in np.linspace(0.01, 0.2, 20) if scale == "difference" else np.linspace(0.6, 0.98, 20):
            rule = RULE.model_copy(
                update={
                    "metric": metric, "scale": scale, "limit": float(limit), "worse": sides,
                    "least_cases": int(rng.integers(0, 500)),
                }
            )  # fmt: skip
            stated = [each.word for each in public_words(table(everyone, groups), rule, alpha=ALPHA)]
            assert stated == [word(rule, everyone, one, len(groups)) for one in groups]
            said.update(stated)
    assert min(said[each] for each in ("below", "meets", "cannot_tell")) > 5, said


UNKNOWN_SIDES: dict[str, tuple[dict[str, object], int, int]] = {
    "nothing shown": ({"cases": None, "shown": "not_shown", "errors": None, "why": "small_or_withheld"}, 14, 14),
    "a size alone": ({"cases": 40, "shown": "not_shown", "errors": None, "why": "small_or_withheld"}, 45, 45),
    "few errors": ({"cases": 40, "shown": "few_errors", "errors": None, "why": None}, 14, 45),
    "few right": ({"cases": 40, "shown": "few_correct", "errors": None, "why": None}, 45, 19),
    "numbers": ({"cases": 40, "shown": "value", "errors": 12, "why": None}, 17, 38),
    "cannot occur": ({"cases": None, "shown": "not_shown", "errors": None, "why": "cannot_occur"}, 0, 0),
}
"""What is shown of people of unknown age, and how many of them can be errors or right at most: floor 10, change 5."""


@pytest.mark.parametrize("shown", UNKNOWN_SIDES)
@pytest.mark.parametrize(
    ("metric", "side", "errors_harm"),
    [
        ("true_positive_rate", "low", True),
        ("true_positive_rate", "high", False),
        ("false_positive_rate", "high", True),
        ("false_positive_rate", "low", False),
    ],
)
def test_a_group_passes_only_if_it_would_with_the_most_that_the_unknown_can_be(
    shown: str, metric: MetricName, side: str, errors_harm: bool
) -> None:
    unknown, errors, right = UNKNOWN_SIDES[shown]
    most = errors if errors_harm else right
    moved_side = (most, most if errors_harm else 0)
    moved: Counts = (*moved_side, 0, 0) if metric == "true_positive_rate" else (0, 0, *moved_side)
    everyone: Counts = (4_000, 1_200, 4_000, 1_200)
    rule = RULE.model_copy(update={"metric": metric, "worse": (side,)})
    row = PublicGroup(
        group=Group((Level("age", "level", "unknown"),)),
        positives=PublicSide.model_validate(unknown),
        negatives=PublicSide.model_validate(unknown),
        unscored=None,
        unlabelled=None,
    )
    owns: list[Counts] = [(200, missed, 200, missed) for missed in range(25, 110)]
    expected = [passes(rule, everyone, own, moved) for own in owns]
    (turn,) = [place for place, pair in enumerate(pairwise(expected)) if pair[0] != pair[1]]
    for place in range(turn - 3, turn + 5):
        made = table(everyone, [owns[place]])
        made = made.model_copy(update={"groups": (*made.groups, row)})
        stated = next(each.word for each in public_words(made, rule) if each.group == made.groups[1].group)
        assert (stated == "meets") == expected[place], owns[place]


def plain_or_noisy(metric: MetricName, counts: Counts, variance: float, level: float) -> tuple[float, float]:
    """Limits of a rate; of none or of all it is Wilson's own, since noise moves no count of none."""
    if 0.0 < quotient(metric, counts) < 1.0:
        return limits(metric, counts, variance, level)[1:]
    n, z = size(metric, counts), quantile(level)
    far = z * z / (n + z * z)
    return (0.0, far) if quotient(metric, counts) == 0.0 else (1 - far, 1.0)


@pytest.mark.parametrize("scale", ["difference", "ratio"])
@pytest.mark.parametrize("shown", ["few_errors", "few_correct"])
def test_few_say_a_word_where_it_holds_from_none_of_them_to_all(shown: str, scale: str) -> None:
    """Of 95 to 105 at most 14 are missed, or at most 19 found: the word takes whichever end is the worse one."""
    everyone: Counts = (1_500, 600, 0, 0)
    few = 14 if shown == "few_errors" else 19
    rule = RULE.model_copy(update={"scale": scale})
    said: Counter[str] = Counter()
    for cases in range(40, 400, 24):
        fewest = cases - METHOD.largest_change
        owns: list[Counts] = [(fewest, count if shown == "few_errors" else fewest - count, 0, 0) for count in (0, few)]
        rests: list[Counts] = [(everyone[0] - own[0], everyone[1] - own[1], 0, 0) for own in owns]
        ends: dict[float, tuple[float, float]] = {}
        for level in (1 - 2 * ALPHA, 1 - 2 * ALPHA / 2):
            mine = [plain_or_noisy(rule.metric, own, VARIANCE, level) for own in owns]
            theirs = [plain_or_noisy(rule.metric, rest, 2 * VARIANCE, level) for rest in rests]
            low, high = min(end for end, _ in mine), max(end for _, end in mine)
            least, most = min(end for end, _ in theirs), max(end for _, end in theirs)
            ends[level] = (low - most, high - least) if scale == "difference" else (low / most, high / least)
        made = table(everyone, [everyone, everyone])  # two groups that are judged, so that a word below costs half
        side = made.groups[1].positives.model_copy(update={"cases": cases, "shown": shown, "errors": None})
        few_row = made.groups[1].model_copy(update={"positives": side})
        half = made.groups[2].positives.model_copy(update={"cases": 300, "errors": 120})
        other = made.groups[2].model_copy(update={"positives": half})
        made = made.model_copy(update={"groups": (made.groups[0], few_row, other)})
        for limit in np.linspace(0.02, 0.4, 39) if scale == "difference" else np.linspace(0.3, 0.98, 35):
            stated = public_words(made, rule.model_copy(update={"limit": float(limit)}), alpha=ALPHA)[0].word
            lowest = -limit if scale == "difference" else limit
            below, meets = ends[1 - ALPHA][1] < lowest, ends[1 - 2 * ALPHA][0] > lowest
            assert stated == ("below" if below else "meets" if meets else "cannot_tell"), (cases, limit)
            said[stated] += 1
    assert said["below" if shown == "few_correct" else "meets"] > 30, said
    assert said["cannot_tell"] > 10, said
