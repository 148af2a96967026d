"""The score and the search against those of AIF360's `bias_scan`, which works on rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made.aif360_import import quiet_import

from audit.stats.arrays import IntArray
from audit.stats.subset_scan import MOST_TRIES, SubsetSearch, bernoulli_score, random_starts

with quiet_import():
    from aif360.detectors import bias_scan
    from aif360.detectors.mdss.ScoringFunctions import Bernoulli

LEVELS = (6, 3, 4)


@pytest.mark.parametrize("seed", range(20))
def test_the_score_of_a_subset_is_aif360s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(2, 4000)), float(rng.uniform(0.02, 0.98))
    h = int(rng.integers(int(n * p), n))
    rate = min(max(h, 1), n - 1) / n
    h = round(rate * n)
    q = (rate / (1 - rate)) / (p / (1 - p))
    more = Bernoulli(direction="positive").score(h, np.full(n, p), 0.0, q)
    # as many too few among those not harmed, which is how AIF360 is asked about flags that are missing
    fewer = Bernoulli(direction="negative").score(n - h, np.full(n, 1 - p), 0.0, 1 / q)
    ours = float(bernoulli_score(h, n, p))
    if rate > p:
        assert ours == pytest.approx(more, abs=1e-9)
        assert ours == pytest.approx(fewer, abs=1e-9)
    else:
        assert ours == 0.0


def aif360s_best(codes: IntArray, harmed: IntArray, penalty: float) -> float:
    """The exact score of the subset that `bias_scan` returns: it rounds its own, and finds q to three digits."""
    frame = pd.DataFrame({f"a{column}": [f"v{code}" for code in codes[:, column]] for column in range(codes.shape[1])})
    subset, _ = bias_scan(
        frame, pd.Series(harmed), overpredicted=False, scoring="Bernoulli", num_iters=10, penalty=penalty
    )
    inside = np.ones(len(frame), dtype=np.bool_)
    for name, values in subset.items():
        inside &= frame[name].isin(values).to_numpy()
    named = sum(len(values) for values in subset.values())
    return float(bernoulli_score(harmed[inside].sum(), inside.sum(), harmed.mean())) - penalty * named


@pytest.mark.parametrize("penalty", [0.2, 1.0])
def test_the_search_on_counts_finds_as_good_a_subset_as_bias_scan_on_rows(penalty: float) -> None:
    rng = np.random.default_rng(31)
    for _ in range(2):
        codes = np.stack([rng.integers(0, count, 250) for count in LEVELS], axis=1)
        harmed = (rng.random(250) < np.where((codes[:, 0] < 2) & (codes[:, 1] == 0), 0.5, 0.25)).astype(np.int64)
        distinct, place = np.unique(codes, axis=0, return_inverse=True)
        cases, by_cell = np.bincount(place), np.bincount(place, harmed).astype(np.int64)
        search = SubsetSearch(distinct, LEVELS, cases, penalty)
        ours = float(search.search(by_cell[None], random_starts(LEVELS, MOST_TRIES, rng)).score[0])
        assert ours >= aif360s_best(codes, harmed, penalty) - 1e-9


def test_on_noise_with_200_nationalities_bias_scan_always_names_a_subset() -> None:
    """What calibration is for: peers.md P10 as a fact about AIF360 0.6.1, not a figure of ours."""
    rng = np.random.default_rng(1)
    nationality = rng.integers(0, 200, 2_000)
    frame = pd.DataFrame({"nationality": [f"n{code}" for code in nationality]})
    subset, score = bias_scan(frame, pd.Series((rng.random(2_000) < 0.3).astype(int)), overpredicted=False, num_iters=1)
    assert len(subset["nationality"]) > 10
    assert score > 5
