"""Simulation of how often the verdict procedure errs, and what it can find: seeded, of the statistics alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import Boundary, counted_outcome, margin_boundary
from audit.stats.multiplicity import Method, method_by_sizes, reject_family, unnamed_p
from audit.stats.score_test import FAIL_BETA, PASS_BETA, screened_p
from audit.verdicts.side_tests import NAMES, UNNAMED

NATIONALITIES = 200
PASS_LEVEL = 0.05
NAMES_LEVEL = NAMES * PASS_LEVEL
UNNAMED_LEVEL = UNNAMED * PASS_LEVEL
FOUR_FIFTHS = 0.8
FOUR_FIFTHS_MIN_CASES = 30
RATIO_MARGIN = 0.8
_PASS_RUNS = 20
"""Factor for runs of a PASS: it needs no family, so many more can be simulated in the same time."""
_AT_ONCE = 60
"""Families whose p-values are computed in one call, which costs half."""


@dataclass(frozen=True)
class Measured:
    """A share of simulated audits, with what it should be."""

    setting: str
    event: str
    events: int
    runs: int
    expected: str

    @property
    def share(self) -> float:
        """Fraction of runs with the event."""
        return self.events / self.runs

    @property
    def standard_error(self) -> float:
        """Monte Carlo standard error of the share."""
        return float(np.sqrt(self.share * (1.0 - self.share) / self.runs))


def zipf_sizes(cases: int, groups: int = NATIONALITIES) -> IntArray:
    """Split cases over groups in proportion to 1, 1/2, 1/3, ...; every group gets at least one."""
    weights = 1.0 / np.arange(1, groups + 1)
    return np.asarray(np.maximum(1, np.round(cases * weights / weights.sum())), dtype=np.int64)


def rates_on_edge(sizes: IntArray, on_edge: BoolArray, overall: float, boundary: Boundary) -> FloatArray:
    """Put some groups exactly on the edge to their own rest, in counted rates, and the others equally far off it.

    Raises
    ------
    ValueError
        If that would need a rate outside [0, 1].
    """
    total = sizes.sum()
    edge = (boundary.offset * (total - sizes) + boundary.slope * overall * total) / (
        total - sizes + boundary.slope * sizes
    )
    others = 0.0
    if not on_edge.all():
        others = float((overall * total - (sizes * edge)[on_edge].sum()) / sizes[~on_edge].sum())
    rates = np.where(on_edge, edge, others)
    if (rates < 0.0).any() or (rates > 1.0).any():
        raise ValueError(f"rates from {rates.min():.3f} to {rates.max():.3f} would be needed")
    return np.asarray(rates)


class Failed(NamedTuple):
    """Answer of the FAIL procedure on one family."""

    named: BoolArray
    """bool[G]: groups that are named."""
    together: bool
    """Whether some are beyond the limit, whoever they are."""

    @property
    def anyhow(self) -> bool:
        """A FAIL, with a name or without."""
        return self.together or bool(self.named.any())


def method_of(sizes: IntArray, rate: float, boundary: Boundary) -> Method:
    """Choose as a plan does that expects this rate."""
    return method_by_sizes(sizes, sizes.sum() - sizes, rate, boundary, NAMES_LEVEL)


def families_failed(families: IntArray, sizes: IntArray, boundary: Boundary, method: Method) -> Iterator[Failed]:
    """Judge families of nationalities, int64[R, G], as a plan with one rule over one family does."""
    for start in range(0, len(families), _AT_ONCE):
        counted = counted_outcome(families[start : start + _AT_ONCE], sizes, boundary)
        rest, rest_sizes = counted.sum(axis=1, keepdims=True) - counted, sizes.sum() - sizes
        n, m = (np.broadcast_to(of, counted.shape).ravel() for of in (sizes, rest_sizes))
        p = screened_p(counted.ravel(), n, rest.ravel(), m, boundary, FAIL_BETA).p.reshape(counted.shape)
        for own, x, y in zip(p, counted, rest, strict=True):
            named = reject_family(own, x, sizes, y, rest_sizes, boundary, NAMES_LEVEL, method).rejected
            yield Failed(named, unnamed_p(own, x, sizes, y, rest_sizes, boundary).p <= UNNAMED_LEVEL)


def four_fifths_alarm(successes: IntArray, sizes: IntArray) -> bool:
    """Apply the rule of thumb: smallest over largest rate below .8, among groups of at least 30 cases."""
    rates = successes[sizes >= FOUR_FIFTHS_MIN_CASES] / sizes[sizes >= FOUR_FIFTHS_MIN_CASES]
    return bool(rates.size > 1 and rates.min() < FOUR_FIFTHS * rates.max())


def equal_detector(runs: int, rng: np.random.Generator, cases: int, rate: float) -> tuple[Measured, Measured]:
    """Return how often anyone is named, or the four-fifths rule raises an alarm, if everyone has the same rate."""
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=RATIO_MARGIN)
    sizes = zipf_sizes(cases)
    method = method_of(sizes, rate, boundary)
    families = rng.binomial(sizes, rate, (runs, sizes.size))
    named = sum(found.anyhow for found in families_failed(families, sizes, boundary, method))
    alarms = sum(four_fifths_alarm(successes, sizes) for successes in families)
    setting = f"equal detector, rate {rate:g}, {cases} cases"
    return (
        Measured(setting, "any FAIL", named, runs, "<= 5 %"),
        Measured(setting, "four-fifths alarm (n >= 30)", alarms, runs, "no guarantee"),
    )


def half_on_margin(runs: int, rng: np.random.Generator, cases: int, rate: float, method: Method) -> Measured:
    """Return how often anyone is named, if every second nationality is exactly on the margin and the others better."""
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=RATIO_MARGIN)
    sizes = zipf_sizes(cases)
    rates = rates_on_edge(sizes, np.arange(sizes.size) % 2 == 0, rate, boundary)
    families = rng.binomial(sizes, rates, (runs, sizes.size))
    named = sum(found.anyhow for found in families_failed(families, sizes, boundary, method))
    return Measured(f"half on the margin, rate {rate:g}, {cases} cases, {method}", "any FAIL", named, runs, "<= 5 %")


def small_family_on_margin(runs: int, rng: np.random.Generator, groups: int, cases: int) -> Measured:
    """Few small groups of one size, half of them on the margin: the hardest case for discarding."""
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=RATIO_MARGIN)
    sizes = np.full(groups, cases, dtype=np.int64)
    rates = rates_on_edge(sizes, np.arange(groups) % 2 == 0, 0.7, boundary)
    method = method_of(sizes, 0.7, boundary)
    families = rng.binomial(sizes, rates, (runs, sizes.size))
    named = sum(found.anyhow for found in families_failed(families, sizes, boundary, method))
    return Measured(f"half on the margin, {groups} groups of {cases}", "any FAIL", named, runs, "<= 5 %")


def large_family_on_margin(
    runs: int, rng: np.random.Generator, sizes: IntArray, on_margin: BoolArray, boundary: Boundary
) -> tuple[Measured, Measured]:
    """Return how often anyone is named, or failed at all, in a family of about twenty large groups around .70."""
    rates = rates_on_edge(sizes, on_margin, 0.7, boundary)
    method = method_of(sizes, 0.7, boundary)
    names = fails = 0
    for found in families_failed(rng.binomial(sizes, rates, (runs, sizes.size)), sizes, boundary, method):
        names += bool(found.named.any())
        fails += found.anyhow
    limit = f"ratio {boundary.slope:g}" if boundary.slope != 1.0 else f"margin {-boundary.offset:g}"
    setting = f"{on_margin.sum()} of {sizes.size} on {limit}, {sizes.max()} and {sizes.min()} cases, {method}"
    return (
        Measured(setting, "any name", names, runs, "<= 3.75 %"),
        Measured(setting, "any FAIL", fails, runs, "<= 5 %"),
    )


def false_pass(
    runs: int, rng: np.random.Generator, cases: int, rest_rate: float, scale: str, margin: float
) -> Measured:
    """Return how often one group passes that is worse by exactly the margin."""
    ratio = scale == "ratio"
    boundary = margin_boundary("pass", True, "ratio" if ratio else "difference", margin)
    rest_total = 20 * cases
    successes = rng.binomial(cases, rest_rate * margin if ratio else rest_rate - margin, runs)
    rest = rng.binomial(rest_total, rest_rate, runs)
    p, _ = screened_p(
        counted_outcome(successes, cases, boundary),
        cases,
        counted_outcome(rest, rest_total, boundary),
        rest_total,
        boundary,
        PASS_BETA,
    )
    setting = f"group of {cases} at the margin, {scale} {margin:g}, rate {rest_rate:g}"
    return Measured(setting, "PASS", int((p <= PASS_LEVEL).sum()), runs, "<= 5 %")


def one_bad_group(runs: int, rng: np.random.Generator, cases: int) -> Measured:
    """Return how often one nationality at .42 against .70 elsewhere (199 groups of 2,000) is named."""
    boundary = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=RATIO_MARGIN)
    sizes = np.full(NATIONALITIES, 2_000, dtype=np.int64)
    sizes[0] = cases
    rates = np.where(np.arange(NATIONALITIES) == 0, 0.42, 0.70)
    method = method_of(sizes, 0.7, boundary)
    families = rng.binomial(sizes, rates, (runs, sizes.size))
    named = sum(bool(found.named[0]) for found in families_failed(families, sizes, boundary, method))
    return Measured(f"one group of {cases} at .42 against .70", "that group FAILs", named, runs, "power")


_RATIO = margin_boundary("fail", low_is_worse=True, scale="ratio", margin=RATIO_MARGIN)
_MARGINS = [margin_boundary("fail", low_is_worse=True, scale="difference", margin=margin) for margin in (0.05, 0.1)]


def _beside_one(largest: int, groups: int, size: int) -> tuple[IntArray, BoolArray]:
    return np.array([largest] + [size] * groups), np.arange(groups + 1) > 0


LARGE_FAMILIES: Final = (
    (*_beside_one(20_000, 21, 900), _RATIO),
    (np.full(20, 1_000), np.arange(20) % 2 == 0, _RATIO),
    (np.full(22, 3_000), np.arange(22) % 2 == 0, _RATIO),
    (*_beside_one(10_000, 19, 3_000), _MARGINS[0]),
    (*_beside_one(60_000, 21, 3_000), _MARGINS[1]),
)
"""Sizes, who of them lies on the limit, and the limit: with names by discarding up to 4.5 % of such families err."""


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(64))
    for cases, rate in ((20_000, 0.7), (20_000, 0.1), (200_000, 0.7)):
        yield from equal_detector(runs, next(streams), cases, rate)
    for cases, rate in ((2_000, 0.7), (20_000, 0.7), (20_000, 0.2), (200_000, 0.7)):
        yield half_on_margin(runs, next(streams), cases, rate, "discarding")
    yield half_on_margin(runs, next(streams), 20_000, 0.7, "any_dependence")
    for groups, size in ((20, 10), (22, 30), (22, 100)):
        yield small_family_on_margin(runs, next(streams), groups, size)
    for sizes, on_margin, limit in LARGE_FAMILIES:
        yield from large_family_on_margin(10 * runs, next(streams), sizes, on_margin, limit)
    for size, rate, scale, margin in (
        (30, 0.7, "ratio", 0.8),
        (100, 0.7, "ratio", 0.8),
        (1_000, 0.1, "ratio", 0.8),
        (300, 0.9, "difference", 0.05),
        (1_000, 0.7, "difference", 0.05),
    ):
        yield false_pass(_PASS_RUNS * runs, next(streams), size, rate, scale, margin)
    for size in (30, 100, 300):
        yield one_bad_group(runs, next(streams), size)
