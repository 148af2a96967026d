"""How many cases a group needs to show that a new model did not become worse by the margin."""

from __future__ import annotations

import math
from statistics import NormalDist

from audit.stats.pairs.paired_score import BETA
from audit.stats.rates.binomial import checked_fraction

__all__ = ["pairs_to_pass"]


def pairs_to_pass(differing: float, margin: float, level: float, power: float) -> float:
    """Smallest number of pairs with which a model that is no worse passes the paired test with the given probability.

    Parameters
    ----------
    differing : float
        Share of cases on which the two models differ, lost and gained in equal numbers.
    margin, level, power : float
        Margin and level of the test, and the probability asked for.

    Returns
    -------
    float
        A whole number; no less than the pairs with which two equal models would pass.

    Raises
    ------
    ValueError
        If one of them is not in (0, 1).

    Notes
    -----
    Large sample: ``sqrt(n) margin >= z_level sd_0 + z_power sd_1`` with ``sd_1^2 = differing`` and ``sd_0^2`` the
    variance at the likeliest shares on the margin (Nam 1997, Biometrics 53, 1422-1430). Two equal models pass from
    ``(1 - margin)^n + beta <= level`` on.
    """
    for name, value in (("differing", differing), ("margin", margin), ("level", level), ("power", power)):
        checked_fraction(value, name)
    equal = math.ceil(math.log(max(level - BETA, 1e-12)) / math.log1p(-margin))
    change = -margin
    linear = 2.0 * change - differing
    root = math.sqrt(max(linear * linear + 4.0 * differing * change * (1.0 - change), 0.0))
    q = max((root - linear) / 4.0, margin)
    null = math.sqrt(max(2.0 * q + change - change * change, 0.0))
    normal = NormalDist()
    wanted = -normal.inv_cdf(level) * null + normal.inv_cdf(power) * math.sqrt(differing)
    return float(max(math.ceil((wanted / margin) ** 2), equal))
