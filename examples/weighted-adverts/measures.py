"""A measure of our own, with the signature of a scikit-learn metric: it is shown by group, and never judged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def youden_index(y_true: npt.NDArray[np.int64], y_pred: npt.NDArray[np.int64]) -> float:
    """Share of victims found minus share of non-victims wrongly flagged (Youden 1950)."""
    recall = y_pred[y_true == 1].mean() if (y_true == 1).any() else np.nan
    flagged = y_pred[y_true == 0].mean() if (y_true == 0).any() else np.nan
    return float(recall - flagged)
