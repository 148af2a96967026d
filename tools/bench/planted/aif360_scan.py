"""Scan with `bias_scan` of AIF360: the subset in whom victims are missed, or others wrongly flagged, most surely.

One scan of the victims for "fewer flagged than expected" and one of the others for "more flagged than expected", over
gender and nationality, where everybody is expected to have the mean rate (`expectations=None`). A group is called
worse off where the subset that is returned names it: each of the subset's features is one of the group's, with its
value among those named. A scan names one subset, so that of several findings it can only name the strongest. To its
favour, what it finds is asked of sets in which nothing else is planted, and half of the group's cases in the subset
are enough. Nothing is named where the score is 0. With the default penalty, and with a penalty of 1 for each value,
which its documentation leaves to the user.
"""

from __future__ import annotations

import logging
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd

from audit.vocabulary.metrics import MetricName
from audit.worlds.truth import RATES
from tools.bench.planted.sets import Flag

__all__ = ["PENALTIES", "finds", "flagged", "subset"]

PENALTIES: Final = {"default penalty": 1e-17, "penalty 1": 1.0}
FEATURES: Final = ("gender", "nationality")
STARTS: Final = 10
"""Number of ascents of a scan, as many as the library makes by itself."""
_SEED: Final = 20240412
"""Seed of numpy's global stream, from whose random subsets the scan starts."""


def flagged(rows: pd.DataFrame, penalty: float) -> frozenset[Flag]:
    """Return every gender, nationality and combination that the two subsets name."""
    flags: set[Flag] = set()
    for metric in RATES:
        flags |= {(metric, key) for key in _named(subset(rows, metric, penalty), rows)}
    return frozenset(flags)


def finds(rows: pd.DataFrame, flag: Flag, penalty: float) -> bool:
    """Say whether a scan finds a group: the subset names its levels, and at least half of its cases are in it."""
    metric, key = flag
    values_by_feature = subset(rows, metric, penalty)
    if not values_by_feature or not all(code in values_by_feature.get(feature, [code]) for feature, code in key):
        return False
    of_group = _of_label(rows, metric)
    for feature, code in key:
        of_group = of_group[of_group[feature] == code]
    inside = of_group
    for feature, values in values_by_feature.items():
        inside = inside[inside[feature].isin(values)]
    restricted = {feature for feature, _ in key} & set(values_by_feature)
    return bool(restricted) and 2 * len(inside) >= len(of_group) > 0


def subset(rows: pd.DataFrame, metric: MetricName, penalty: float) -> dict[str, list[str]]:
    """Return the values that the best subset names, by feature; empty where it is everybody or nobody."""
    logging.getLogger().addHandler(logging.NullHandler())  # AIF360 lists the packages that it could use besides
    from aif360.detectors import bias_scan

    missed = metric == "true_positive_rate"
    of_label = _of_label(rows, metric)
    state: Any = np.random.get_state()  # noqa: NPY002 - it takes no generator
    np.random.seed(_SEED)  # noqa: NPY002
    try:
        values_by_feature, score = bias_scan(
            data=of_label[list(FEATURES)],
            observations=of_label["decision"],
            favorable_value=1,
            overpredicted=missed,
            scoring="Bernoulli",
            num_iters=STARTS,
            penalty=penalty,
        )
    finally:
        np.random.set_state(state)  # noqa: NPY002
    if score <= 0.0:
        return {}
    # a feature of which every value is named is none by which anybody is singled out
    return {
        feature: values for feature, values in values_by_feature.items() if len(values) < of_label[feature].nunique()
    }


def _of_label(rows: pd.DataFrame, metric: MetricName) -> pd.DataFrame:
    return rows[rows["label"] == int(metric == "true_positive_rate")].reset_index(drop=True)


def _named(values_by_feature: dict[str, list[str]], rows: pd.DataFrame) -> set[tuple[tuple[str, str], ...]]:
    if not values_by_feature:
        return set()
    levels = {feature: sorted(rows[feature].unique()) for feature in FEATURES}
    keys: list[tuple[tuple[str, str], ...]] = [((feature, code),) for feature in FEATURES for code in levels[feature]]
    keys += [tuple(zip(FEATURES, codes, strict=True)) for codes in product(*levels.values())]
    return {
        key for key in keys if all(dict(key).get(feature) in values for feature, values in values_by_feature.items())
    }
