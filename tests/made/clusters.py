"""The chance of so few bad clusters, written out for one group: what tests of clusters compare with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

Side = tuple[float, float]
"""A number of clusters, and how alike their rows are."""


def chance_written_out(number: float, alike: float, shown: float, shift: float) -> float:
    """P(Bin(K, v) <= K u), with bad clusters counted whole and the others at the rate that `alike` says.

    All rows are in the clusters, which show a rate and have one that is higher by `shift`.
    """
    if shift <= 1e-12:
        return 1.0
    if shown + shift >= 1.0:
        return 0.0
    good = shown * (1 - alike)
    u, v = (shown - good) / (1 - good), (shown + shift - good) / (1 - good)
    return float(stats.beta.sf(v, number * u + 1.0, number * (1 - u)))


def chance_of_both(
    own: Side,
    rest: Side,
    seen: float,
    rest_seen: float,
    edge: Callable[[float], float],
    lowest: float,
    *,
    shown: float | None = None,
    joint: bool = False,
) -> float:
    """The same of group and rest at the worst rate of the rest, from the `lowest` on: of 21, and of 21 around it."""
    clusters = seen if shown is None else shown

    def chance(rate: float) -> float:
        first = chance_written_out(*own, clusters, edge(rate) - seen)
        second = chance_written_out(*rest, 1 - rest_seen, rest_seen - rate)
        return min(first, second) if joint else first * second

    rates = np.linspace(lowest, rest_seen, 21)
    worst = rates[np.argmax([chance(rate) for rate in rates])]
    step = (rest_seen - lowest) / 20
    around = np.linspace(max(worst - step, lowest), min(worst + step, rest_seen), 21)
    return max(chance(rate) for rate in (worst, *around))


def over_rows(chance: Callable[[float], float], noise: float) -> float:
    """The chance at a rate that rows moved up by a normal variable's standard errors, by none where it is below 0.

    By Gauss and Hermite's seven places, which numpy knows.
    """
    places, weights = np.polynomial.hermite_e.hermegauss(7)
    averaged = sum(
        share * chance(max(place, 0.0) * noise) for place, share in zip(places, weights / weights.sum(), strict=True)
    )
    return max(chance(0.0), float(averaged))


def highest(rate: float, factor: float, power: float = 0.8) -> float:
    """The rate that planning lets a group come out at: half of the risk is left for the correlation."""
    return float(rate + stats.norm.ppf((1 + power) / 2) * np.sqrt(rate * (1 - rate) * factor))
