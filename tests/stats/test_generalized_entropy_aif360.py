"""Our generalised entropy from four counts per group, against AIF360 on single cases."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made.aif360_import import quiet_import

from audit.stats.heterogeneity import Entropy, entropy_interval, generalized_entropy


def entropy_of(counts: np.ndarray, alpha: float) -> Entropy:
    tp, fn, fp, tn = np.moveaxis(counts, -1, 0)
    return generalized_entropy(tp, fn, fp, tn, alpha)


def of_aif360(counts: np.ndarray, alpha: float) -> tuple[float, float]:
    with quiet_import():
        from aif360.datasets import BinaryLabelDataset
        from aif360.metrics import ClassificationMetric

    label, decision = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])
    group = np.repeat(np.arange(counts.shape[0]), counts.sum(axis=1)).astype(float)
    cell = np.concatenate([np.repeat(np.arange(4), row) for row in counts])

    def dataset(answer: np.ndarray) -> Any:
        return BinaryLabelDataset(
            favorable_label=1.0,
            unfavorable_label=0.0,
            df=pd.DataFrame({"group": group, "answer": answer}),
            label_names=["answer"],
            protected_attribute_names=["group"],
            privileged_protected_attributes=[[0.0]],
            unprivileged_protected_attributes=[list(np.unique(group[group > 0]))],
        )

    logging.disable(logging.WARNING)
    try:
        metric = ClassificationMetric(dataset(label[cell]), dataset(decision[cell]))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return (
                float(metric.generalized_entropy_index(alpha)),
                float(metric.between_all_groups_generalized_entropy_index(alpha)),
            )
    finally:
        logging.disable(logging.NOTSET)


@given(arrays(np.int64, (4, 4), elements=st.integers(0, 12)), st.sampled_from([2.0, 1.0, 0.5, 3.0]))
def test_total_and_between_are_those_of_aif360(counts: np.ndarray, alpha: float) -> None:
    counts[0, 0] += 1
    found = entropy_of(counts, alpha)
    total, between = of_aif360(counts, alpha)
    assert float(found.total) == pytest.approx(total, abs=1e-12)
    # AIF360 takes a power of each benefit before its logarithm, which is 0/0 for a group that was missed altogether
    if np.isfinite(between):
        assert float(found.between) == pytest.approx(between, abs=1e-12)
    assert float(found.within) == pytest.approx(float(found.total) - float(found.between), abs=1e-12)


@given(arrays(np.int64, (3, 5, 4), elements=st.integers(0, 30)), st.floats(0.3, 3.0))
def test_parts_are_never_negative_and_tables_are_independent(counts: np.ndarray, alpha: float) -> None:
    counts[:, 0, 0] += 1
    together = entropy_of(counts, alpha)
    for place in range(3):
        alone = entropy_of(counts[place], alpha)
        assert float(alone.total) == pytest.approx(float(together.total[place]), rel=1e-12, abs=1e-15)
        assert float(alone.between) == pytest.approx(float(together.between[place]), rel=1e-12, abs=1e-15)
    assert (together.total >= -1e-12).all()
    assert (together.between >= -1e-12).all()
    assert (together.within >= -1e-12).all()


def test_everybody_missed_has_no_index() -> None:
    assert np.isnan(generalized_entropy([0, 0], [4, 5], [0, 0], [0, 0]).total)
    assert np.isnan(generalized_entropy([], [], [], []).total)
    assert entropy_interval(np.array([[0, 4, 0, 0], [0, 5, 0, 0]]), np.random.default_rng(1)) is None
    with pytest.raises(ValueError, match="above 0"):
        generalized_entropy([1], [1], [1], [1], 0.0)


def test_a_detector_without_errors_has_none_to_divide() -> None:
    counts = np.array([[10, 0, 0, 40], [5, 0, 0, 20]])
    assert [float(part) for part in generalized_entropy(*counts.T)] == [0.0, 0.0, 0.0]
    interval = entropy_interval(counts, np.random.default_rng(1), replicates=99)
    assert interval == ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), 0.0)


@pytest.mark.parametrize("gap", [0.0, 0.06])
def test_intervals_hold_the_indices(gap: float) -> None:
    rng, runs, n = np.random.default_rng(23), 200, np.full(20, 400)
    missed = 0.04 + gap * (np.arange(20) % 5 == 0)
    shares = np.stack([0.15 - missed, missed, np.full(20, 0.1), np.full(20, 0.75)], axis=1)
    truth = generalized_entropy(*(shares * n[:, np.newaxis]).T)
    held, reaches_zero = np.zeros(3), 0
    for _ in range(runs):
        interval = entropy_interval(rng.multinomial(n, shares), rng, replicates=199)
        assert interval is not None
        for place, (value, (low, high)) in enumerate(
            zip(truth, (interval.total, interval.between, interval.within), strict=True)
        ):
            held[place] += low - 1e-12 <= float(value) <= high + 1e-12
        reaches_zero += interval.between[0] == 0.0
    # the replicates of the bootstrap cost a point or two of the nominal 95 %
    assert (held / runs >= 0.93 - 3.0 * np.sqrt(0.95 * 0.05 / runs)).all()
    assert (reaches_zero / runs >= 0.9) == (gap == 0.0)
