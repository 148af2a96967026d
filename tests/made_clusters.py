"""The chance of so few bad clusters, written out for one group: what tests of clusters compare with."""

from __future__ import annotations

import numpy as np
from scipy import stats


def chance_written_out(number: float, alike: float, true: float, seen: float) -> float:
    """P(Bin(K, v) <= K u), with bad clusters counted whole and the others at the rate that `alike` says."""
    if seen >= true - 1e-12:
        return 1.0
    good = seen * (1 - alike)
    u, v = (seen - good) / (1 - good), (true - good) / (1 - good)
    return float(stats.beta.sf(v, number * u + 1.0, number * (1 - u)))


def chance_of_both(
    own: tuple[float, float], rest: tuple[float, float], seen: float, rest_seen: float, margin: float
) -> float:
    """The same of group and rest, each a number of clusters and a correlation, at the worst rate for a margin."""
    rates = np.linspace(max(seen - margin, 0.0), rest_seen, 21)
    return max(
        chance_written_out(*own, rate + margin, seen) * chance_written_out(*rest, 1 - rate, 1 - rest_seen)
        for rate in rates
    )


def highest(rate: float, factor: float, power: float = 0.8) -> float:
    """The rate that planning lets a group come out at: half of the risk is left for the correlation."""
    return float(rate + stats.norm.ppf((1 + power) / 2) * np.sqrt(rate * (1 - rate) * factor))
