"""Test whether some groups of a family are beyond the margin, and how many at least, even where none can be named.

Fisher's combination of the groups that point towards harm (verdict "several are beyond the margin; none can be named").
A sum over all groups would drown in those that are well within the margin, whose p-values lie near 1. The sum over the
groups in the worse half of their own null distribution, each corrected for its selection, does not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc

from audit.stats.arrays import FloatArray
from audit.stats.rates.binomial import Counts, binomial_cdf, checked_counts, largest_count
from audit.stats.rates.boundaries import Boundary

EXACT_BELOW = 0.1
"""P-values below this number must be exact, as those of `audit.stats.margins.score_test.screened_p` are."""

_SMALLEST_P = 1e-300


class UnnamedTest(NamedTuple):
    """Outcome of the test of one family.

    Attributes
    ----------
    p : float
        P-value of "no group of the family lies beyond the margin"; 1 where no group survives.
    survivors : int
        Number of groups that point towards harm; the sum is over these.
    evidence : tuple of float
        ``-ln q`` of each of them, the smallest first.
    """

    p: float
    survivors: int
    evidence: tuple[float, ...] = ()

    def at_least(self, level: float) -> int:
        """Return a number of groups of which at least so many lie beyond the margin, but for a chance of `level`.

        Notes
        -----
        By closed testing (Marcus, Peritz & Gabriel 1976) with this test for every set of groups: at most as many groups
        are within the margin as the largest set has whose test does not reject (Goeman & Solari 2011). Who does not
        survive adds nothing to a sum, and of all sets with so many survivors the one with the weakest evidence has the
        smallest, so that one set of each number is enough. A set with one survivor is never rejected, as that would
        name it: the number is smaller than that of survivors.
        """
        sums = np.cumsum(self.evidence)[1:]
        kept = np.flatnonzero(gammaincc(np.arange(2, self.survivors + 1), sums) > level)
        return self.survivors - (2 + int(kept[-1]) if kept.size else 1) if self.survivors else 0


def unnamed_p(p: Counts, x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> UnnamedTest:
    """Test whether any group of a family lies beyond the margin, without saying which.

    Parameters
    ----------
    p, x, n, y, m : array_like, shape (G,)
        P-values, those below `EXACT_BELOW` exact; and counted outcomes and totals of each group and of its own rest,
        as given to the test. The groups share no row.
    boundary : Boundary
        Edge of the hypothesis "group rate >= edge(rest rate)".

    Returns
    -------
    UnnamedTest
        Groups without cases, without a rest or with nothing below the edge take no part.

    Raises
    ------
    ValueError
        If counts or p-values are impossible.

    Notes
    -----
    A group survives when ``x <= k``, the largest count with ``P(X <= k; n, e) <= 1/2``, and ``w`` is that probability.
    Then ``T = -2 sum ln q`` over the survivors, ``q = min(1, p/w)``, is held against a chi-squared distribution with
    twice as many degrees of freedom as there are survivors. Where p is 0.1 or more, and so may be a screened one,
    ``P(X <= x; n, e)`` is taken if that is larger: an asymptotic p-value is about half a step too small, which the sum
    adds up over the family (up to 1.4 % of families at a level of 1 % without it).

    ``e`` is the edge at the rest's rate that the *total* suggests for a group on the edge, ``n e(r) + m r = x + y``.
    The rest's own rate would let a group's count decide on its own threshold: with 200 groups of 5, of which half lie
    on a ratio of 0.8, groups with one count more then dropped out and the others were not made up for it (an error of
    2 % at a level of 1 %; none with the total, 2,000 runs).

    Given a known rest this is valid: a group at or within the edge has, given survival, a ``q`` that is stochastically
    no smaller than uniform (monotone likelihood ratio; Zhao, Small & Su 2019), and groups that share no row are
    independent. That the rest is shared makes the groups' scores correlate, as a rule negatively, at low rates also
    positively; what that does to ``T`` is measured (`tools.simulate.many_groups`), not proved.
    """
    p_, x_, n_, y_, m_ = np.broadcast_arrays(
        np.asarray(p, dtype=np.float64), *checked_counts(x, n), *checked_counts(y, m)
    )
    if not ((p_ >= 0.0) & (p_ <= 1.0)).all():
        raise ValueError("p-values must lie in [0, 1]")
    testable = (n_ > 0) & (m_ > 0)
    testable &= boundary.edge(y_ / np.where(m_ > 0, m_, 1.0)) > 0.0
    p_, x_, n_, y_, m_ = (values[testable] for values in (p_, x_, n_, y_, m_))
    edge = boundary.edge(_rest_rate(x_ + y_, n_, m_, boundary))
    survivor_top = largest_count(np.full(n_.shape, 0.5), n_, edge)
    survival = binomial_cdf(survivor_top, n_, edge)
    survives = (x_ <= survivor_top) & (survival > 0.0)
    if not survives.any():
        return UnnamedTest(1.0, 0)
    tail = np.where(p_ < EXACT_BELOW, 0.0, binomial_cdf(x_, n_, edge))
    q = np.minimum(1.0, np.maximum(p_, tail)[survives] / survival[survives])
    # Sums in order of size, so that the order of the groups changes no bit.
    evidence = np.sort(-np.log(np.maximum(q, _SMALLEST_P)))
    count = int(survives.sum())
    return UnnamedTest(float(gammaincc(count, np.cumsum(evidence)[-1])), count, tuple(evidence.tolist()))


def _rest_rate(total: FloatArray, n: FloatArray, m: FloatArray, boundary: Boundary) -> FloatArray:
    """Rate of the rest if the group lies on the edge, from the counts of both together."""
    cases = n + m
    expected = (total + 0.5) * cases / (cases + 1.0)
    return np.clip((expected - n * boundary.offset) / (n * boundary.slope + m), 0.0, 1.0)
