"""Number of cases from which on a group is decided with a given power, by the exact test itself.

`audit.stats.sizes.approximate_power` gives a first answer from the large-sample power. The exact test is then computed
around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from audit.stats.rates.binomial import checked_fraction
from audit.stats.rates.boundaries import Boundary, counted_rate
from audit.stats.sizes.approximate_power import rejection_power
from audit.stats.sizes.decidable_disparity import LARGEST_SHARE
from audit.stats.sizes.enumerated_power import critical_counts, enumerated_power

MOST_CASES = 2**24
"""Largest number that is tried."""
_BELOW, _ABOVE = 0.7, 1.25
_LOOKS = 60


class Design(NamedTuple):
    """Design of one question about a group of n cases: how often does the test separate a true rate from an edge?"""

    rate_group: float
    rate_rest: float
    boundary: Boundary
    beta: float
    rest: Callable[[int], int]
    """Cases of the rest, for a group of n."""
    level: Callable[[int], float]
    """Level of the test, for a group of n."""


class RequiredCases(NamedTuple):
    """An answer of `required_cases`."""

    cases: int
    power: float
    """Enumerated power at that number."""
    level: float
    """Level of the test at that number."""


def required_cases(design: Design, power: float) -> RequiredCases | None:
    """Number of cases from which on the exact test rejects with at least the given probability.

    Parameters
    ----------
    design : Design
        Rates, edge, rest and level.
    power : float
        Probability wanted.

    Returns
    -------
    RequiredCases or None
        None where no number up to 20 times the rest is enough.

    Raises
    ------
    ValueError
        If the power is not in (0, 1).

    Notes
    -----
    Power rises with the number of cases like the teeth of a saw. The answer lies after the last tooth that falls
    short: of all numbers from .7 to 1.25 times the large-sample one, or of 60 of them where they are more. A group
    is tried up to 20 times its rest, as everywhere in planning: beyond that the rest is what is missing.
    """
    checked_fraction(power, "power")
    start = _large_sample(design, power)
    if start is None:
        return None
    most = min(MOST_CASES, LARGEST_SHARE * design.rest(MOST_CASES))
    first, last = max(1, math.floor(_BELOW * start)), math.ceil(_ABOVE * start) + 5
    while first <= most:
        last = min(last, most)
        stride = max(1, (last - first) // _LOOKS)
        found = None
        for n in range(last, first - 1, -stride):
            reached = exact_power(design, n)
            if reached < power:
                break
            found = RequiredCases(n, reached, design.level(n))
        if found is not None:
            return found
        first, last = last + 1, 2 * last
    return None


def exact_power(design: Design, n: int) -> float:
    """Probability that the exact test rejects with n cases; 0 where beta would use up the whole level."""
    level, rest = design.level(n), design.rest(n)
    if level <= design.beta:
        return 0.0
    critical = critical_counts(n, rest, design.rate_rest, design.boundary, level, design.beta)
    return float(enumerated_power(critical, counted_rate(design.rate_group, design.boundary)))


def _large_sample(design: Design, power: float) -> int | None:
    """Smallest number that is enough by the large-sample power, found by bisection."""

    def enough(n: int) -> bool:
        level, rest = design.level(n), design.rest(n)
        reached = rejection_power(design.rate_group, n, design.rate_rest, rest, design.boundary, level)
        return float(reached) >= power

    if not enough(MOST_CASES):
        return None
    low, high = 0, MOST_CASES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
