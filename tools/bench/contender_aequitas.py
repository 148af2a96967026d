"""Audit by aequitas over gender, nationality and both in a Parquet file. It prints the number of groups.

It runs in an environment of its own (tools/requirements/bench-aequitas.txt): aequitas needs a pandas older than ours.
aequitas looks at one attribute at a time, so the combination is handed to it as a third one.
"""

from __future__ import annotations

import importlib
import sys
import warnings

import pandas as pd


def groups(path: str) -> int:
    """Return how many groups the audit has disparities for."""
    aequitas = importlib.import_module("aequitas")
    table = pd.read_parquet(path, columns=["gender", "nationality", "label", "decision"])
    table[["gender", "nationality"]] = table[["gender", "nationality"]].fillna("unknown")
    table["both"] = table["gender"] + " " + table["nationality"]
    audit = aequitas.Audit(
        table,
        score_column="decision",
        label_column="label",
        sensitive_attribute_column=["gender", "nationality", "both"],
    )
    audit.audit()
    return len(audit.disparity_df)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(groups(sys.argv[1]))
