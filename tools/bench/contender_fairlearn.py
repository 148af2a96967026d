"""MetricFrame of fairlearn over gender x nationality in a Parquet file: five rates without intervals.

It prints the number of groups, and the seconds from the file to them, without the imports.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import pandas as pd
from fairlearn import metrics
from sklearn.metrics import precision_score


def by_group(path: str) -> pd.DataFrame:
    """Compute five rates of every combination that occurs. A missing gender becomes `unknown`: fairlearn takes none."""
    table = pd.read_parquet(path, columns=["gender", "nationality", "label", "decision"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = metrics.MetricFrame(
            metrics={
                "selection_rate": metrics.selection_rate,
                "true_positive_rate": metrics.true_positive_rate,
                "false_positive_rate": metrics.false_positive_rate,
                "false_negative_rate": metrics.false_negative_rate,
                "precision": precision_score,
            },
            y_true=table["label"],
            y_pred=table["decision"],
            sensitive_features=table[["gender", "nationality"]].fillna("unknown"),
        )
    found: pd.DataFrame = frame.by_group
    return found.dropna(how="all")


if __name__ == "__main__":
    began = time.perf_counter()
    groups = len(by_group(sys.argv[1]))
    print(json.dumps({"groups": groups, "seconds": time.perf_counter() - began}))
