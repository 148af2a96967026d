"""Families of groups, of the statistics alone: how often somebody within the limit is failed, and what is found.

Groups lie exactly on the limit to their own rest, by name or together without a name. Then statements on all groups at
once: the test of equal rates, the spread between groups and generalized entropy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import Boundary, Scale, counted_outcome, margin_boundary
from audit.stats.heterogeneity import entropy_interval, equality_p, generalized_entropy, spread_between
from audit.stats.multiplicity import Method, UnnamedTest, method_by_sizes, reject_family, unnamed_p
from audit.stats.score_test import FAIL_BETA, PASS_BETA, screened_p
from tools.simulate.audited import NAMES, SUBREGIONS, UNNAMED
from tools.simulate.runner import Counts, Share

NATIONALITIES: Final = 200
LEVEL: Final = 0.05
NAMES_LEVEL: Final = NAMES * LEVEL
UNNAMED_LEVEL: Final = UNNAMED * LEVEL
TOGETHER_LEVEL: Final = 0.01
SPREAD_LEVEL: Final = 0.95
RATIO: Final = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=0.8)
_FOUR_FIFTHS_MIN_CASES: Final = 30
_AT_ONCE: Final = 60
"""Families whose p-values are computed in one call, which costs half."""


def zipf_sizes(cases: int, groups: int = NATIONALITIES) -> IntArray:
    """Split cases over groups in proportion to 1, 1/2, 1/3, ...; every group gets at least one."""
    weights = 1.0 / np.arange(1, groups + 1)
    return np.asarray(np.maximum(1, np.round(cases * weights / weights.sum())), dtype=np.int64)


def on_limit(groups: int, which: str) -> BoolArray:
    """bool[G]: groups on the limit: `half`, `90 %`, `half of the sub-regions`, or `all but the first`."""
    number = np.arange(groups)
    chosen: BoolArray = {
        "half": number % 2 == 0,
        "90 %": number % 10 != 0,
        "half of the sub-regions": number % SUBREGIONS % 2 == 0,
        "all but the first": number > 0,
    }[which]
    return chosen


def rates_on_edge(sizes: IntArray, overall: float, *edges: tuple[BoolArray, Boundary]) -> FloatArray:
    """Put some groups exactly on an edge to their own rest, in counted rates, and the others equally far off it.

    Raises
    ------
    ValueError
        If that would need a rate outside [0, 1].
    """
    total, rates, is_other = sizes.sum(), np.zeros(sizes.shape), np.ones(sizes.shape, dtype=np.bool_)
    for on_edge, edge in edges:
        exactly = (edge.offset * (total - sizes) + edge.slope * overall * total) / (total - sizes + edge.slope * sizes)
        rates, is_other = np.where(on_edge, exactly, rates), is_other & ~on_edge
    if is_other.any():
        rates[is_other] = (overall * total - (sizes * rates).sum()) / sizes[is_other].sum()
    if (rates < 0.0).any() or (rates > 1.0).any():
        raise ValueError(f"rates from {rates.min():.3f} to {rates.max():.3f} would be needed")
    return rates


class Tested(NamedTuple):
    """A simulated family: p-values of its groups, counted cases and sizes of each and of its rest, shape (G,)."""

    p: FloatArray
    x: FloatArray | IntArray
    n: IntArray
    y: FloatArray | IntArray
    m: IntArray

    def together(self, boundary: Boundary) -> UnnamedTest:
        """Test the family without a name."""
        return unnamed_p(*self, boundary=boundary)

    def named(self, boundary: Boundary, method: Method) -> BoolArray:
        """bool[G]: groups that are named."""
        return reject_family(*self, boundary, NAMES_LEVEL, method).rejected


def tested(counted: FloatArray | IntArray, sizes: IntArray, boundary: Boundary) -> Iterator[Tested]:
    """Test families of counted cases, shape (R, G), each group against its rest."""
    rest_sizes = sizes.sum() - sizes
    for start in range(0, len(counted), _AT_ONCE):
        x = counted[start : start + _AT_ONCE]
        y = x.sum(axis=1, keepdims=True) - x
        n, m = (np.broadcast_to(size, x.shape).ravel() for size in (sizes, rest_sizes))
        p = screened_p(x.ravel(), n, y.ravel(), m, boundary, FAIL_BETA).p.reshape(x.shape)
        yield from (Tested(p[run], x[run], sizes, y[run], rest_sizes) for run in range(len(x)))


def method_of(sizes: IntArray, rate: float = 0.7, boundary: Boundary = RATIO) -> Method:
    """Choose as a plan does that expects this rate."""
    return method_by_sizes(sizes, sizes.sum() - sizes, rate, boundary, NAMES_LEVEL)


def failed(families: IntArray, sizes: IntArray, boundary: Boundary, method: Method) -> tuple[BoolArray, BoolArray]:
    """Judge families as a plan with one rule over one of them does.

    Returns bool[R, G], who is named, and bool[R], whether anybody fails, by name or without.
    """
    names, fails = np.zeros(families.shape, dtype=np.bool_), np.zeros(len(families), dtype=np.bool_)
    for run, family in enumerate(tested(counted_outcome(families, sizes, boundary), sizes, boundary)):
        names[run] = family.named(boundary, method)
        fails[run] = names[run].any() or family.together(boundary).p <= UNNAMED_LEVEL
    return names, fails


def alike(runs: int, rng: np.random.Generator, cases: int, rate: float) -> Counts:
    """Count alarms where everyone has the same rate: of the verdict, and of the rule of thumb of four fifths."""
    sizes = zipf_sizes(cases)
    families = rng.binomial(sizes, rate, (runs, sizes.size))
    rates = (families / sizes)[:, sizes >= _FOUR_FIFTHS_MIN_CASES]
    alarms = (rates.min(axis=1) < 0.8 * rates.max(axis=1)).sum()
    fails = failed(families, sizes, RATIO, method_of(sizes, rate))[1]
    return {"any FAIL": Share(int(fails.sum()), runs), "four-fifths alarm": Share(int(alarms), runs)}


def errors(
    runs: int,
    rng: np.random.Generator,
    sizes: IntArray,
    which: str,
    rate: float = 0.7,
    boundary: Boundary = RATIO,
    method: Method | None = None,
) -> Counts:
    """Count families in which anyone is named, or failed at all, though nobody is beyond the limit."""
    rates = rates_on_edge(sizes, rate, (on_limit(sizes.size, which), boundary))
    method = method or method_of(sizes, rate, boundary)
    names, fails = failed(rng.binomial(sizes, rates, (runs, sizes.size)), sizes, boundary, method)
    return {"any name": Share(int(names.any(axis=1).sum()), runs, method), "any FAIL": Share(int(fails.sum()), runs)}


def one_bad_group(runs: int, rng: np.random.Generator, cases: int) -> Counts:
    """Count how often one nationality at .42 against .70 elsewhere (199 groups of 2,000) is named."""
    first = np.arange(NATIONALITIES) == 0
    sizes = np.where(first, cases, 2_000)
    families = rng.binomial(sizes, np.where(first, 0.42, 0.70), (runs, sizes.size))
    return {"that group FAILs": Share(int(failed(families, sizes, RATIO, method_of(sizes))[0][:, 0].sum()), runs)}


def false_pass(runs: int, rng: np.random.Generator, cases: int, rate: float, scale: Scale, margin: float) -> Counts:
    """Count how often one group passes that is worse than a rest twenty times as large by exactly the margin."""
    boundary = margin_boundary("pass", True, scale, margin)
    x = rng.binomial(cases, rate * margin if scale == "ratio" else rate - margin, runs)
    y = rng.binomial(20 * cases, rate, runs)
    counted, rest = counted_outcome(x, cases, boundary), counted_outcome(y, 20 * cases, boundary)
    p = screened_p(counted, cases, rest, 20 * cases, boundary, PASS_BETA).p
    return {"PASS on the limit": Share(int((p <= LEVEL).sum()), runs)}


def together(
    runs: int, rng: np.random.Generator, sizes: IntArray, rates: FloatArray, boundary: Boundary = RATIO
) -> int:
    """Count families that fail as a whole, without a name, at `TOGETHER_LEVEL`; rates are counted ones."""
    families = tested(rng.binomial(sizes, rates, (runs, sizes.size)), sizes, boundary)
    return sum(family.together(boundary).p <= TOGETHER_LEVEL for family in families)


def unnamed_false(
    runs: int,
    rng: np.random.Generator,
    sizes: IntArray,
    which: str,
    rate: float,
    *,
    low: bool,
    scale: Scale,
    limit: float,
) -> Counts:
    """Count how often some groups are said to be beyond the limit, although all lie on it or within.

    Nothing is counted where no rates lie so.
    """
    boundary = margin_boundary("fail", low, scale, limit)
    overall = rate if boundary.counts_success else 1.0 - rate
    try:
        rates = rates_on_edge(sizes, overall, (on_limit(sizes.size, which), boundary))
    except ValueError:
        return {}
    return {"unnamed FAIL at 1 %": Share(together(runs, rng, sizes, rates, boundary), runs)}


def unnamed_power(runs: int, rng: np.random.Generator, cases: int, every: int, rate: float) -> Counts:
    """Put every so-manieth of 200 nationalities at a lower rate than the .7 of the others, ratio .8."""
    sizes = zipf_sizes(cases)
    rates = np.where(np.arange(sizes.size) % every == every - 1, rate, 0.7)
    return {"true unnamed FAIL": Share(together(runs, rng, sizes, rates), runs)}


def beside_large(groups: int, size: int) -> IntArray:
    """int64[G]: a large group, and others of one size."""
    return np.array([20 * groups * size] + [size] * groups)


def at_least(runs: int, rng: np.random.Generator, groups: int, size: int, every: int, low: float) -> Counts:
    """Put every so-manieth group at `low` against .7 of the first, and the others exactly on a ratio of .8.

    Counted is how often more groups are said to be beyond the limit than are, and how often two, or a quarter of them.
    """
    sizes = beside_large(groups, size)
    beyond = np.arange(sizes.size) % every == every - 1
    rates = np.where(beyond, low, 0.7)
    for _ in range(200):
        rest = ((sizes * rates).sum() - sizes * rates) / (sizes.sum() - sizes)
        rates = np.where(beyond, low, RATIO.edge(rest))
        rates[0] = 0.7
    families = tested(rng.binomial(sizes, rates, (runs, sizes.size)), sizes, RATIO)
    numbers = np.array([family.together(RATIO).at_least(UNNAMED_LEVEL) for family in families])
    truth = int(beyond.sum())
    return {
        "too many said to be beyond": Share(int((numbers > truth).sum()), runs),
        "at least two": Share(int((numbers >= 2).sum()), runs),
        "at least a quarter of them": Share(int((4 * numbers >= truth).sum()), runs),
    }


def equality_size(runs: int, rng: np.random.Generator, sizes: IntArray, rate: float) -> Counts:
    """Count how often the permutation test finds different rates, although all groups have the same rate."""
    tests = (equality_p(rng.binomial(sizes, rate), sizes, rng, replicates=199) for _ in range(runs))
    return {"equality rejected": Share(sum(test is not None and test.p <= LEVEL for test in tests), runs)}


def spread_covers(runs: int, rng: np.random.Generator, sizes: IntArray, rate: float, deviation: float) -> Counts:
    """Count how often the interval misses the spread of true rates from a beta distribution."""
    missed, share = 0, sizes / sizes.sum()
    strength = rate * (1.0 - rate) / deviation**2 - 1.0 if deviation else np.inf
    for _ in range(runs):
        rates = np.full(sizes.shape, rate)
        if deviation:
            rates = rng.beta(rate * strength, (1.0 - rate) * strength, sizes.shape)
        truth = float(np.sqrt((share * (rates - (share * rates).sum()) ** 2).sum()))
        spread = spread_between(rng.binomial(sizes, rates), sizes, SPREAD_LEVEL)
        # Without any variation no interval is stated, which is no error.
        missed += spread is not None and not spread.low - 1e-9 <= truth <= spread.high + 1e-9
    return {"spread missed": Share(missed, runs)}


def entropy_covers(runs: int, rng: np.random.Generator, sizes: IntArray, deviation: float) -> Counts:
    """Count how often the intervals miss the indices of true shares of errors from log-normal distributions."""
    missed = dict.fromkeys(("entropy missed", "its part between groups missed", "its part within groups missed"), 0)
    for _ in range(runs):
        misses = np.minimum(0.03 * np.exp(3.0 * deviation * rng.normal(size=sizes.size)), 0.1)
        extra = np.minimum(0.1 * np.exp(deviation * rng.normal(size=sizes.size)), 0.5)
        rates = np.stack([0.1 - misses, misses, extra, 0.9 - extra], axis=1)
        truth = generalized_entropy(*(rates * sizes[:, np.newaxis]).T)
        interval = entropy_interval(rng.multinomial(sizes, rates), rng, SPREAD_LEVEL, 499)
        ends = (None,) * 3 if interval is None else (interval.total, interval.between, interval.within)
        for name, value, limits in zip(missed, truth, ends, strict=True):
            missed[name] += limits is None or not limits[0] - 1e-12 <= float(value) <= limits[1] + 1e-12
    return {name: Share(count, runs) for name, count in missed.items()}
