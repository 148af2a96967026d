"""Audit by aequitas over gender, nationality and both in a Parquet file.

It prints the number of groups, and the seconds from the file to them, without the imports.

It runs in an environment of its own (tools/requirements/bench-aequitas.txt): aequitas needs a pandas older than ours.
aequitas looks at one attribute at a time, so the combination is handed to it as a third one.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings

import pandas as pd


def groups(path: str) -> int:
    """Return how many groups the audit has disparities for."""
    table = pd.read_parquet(path, columns=["gender", "nationality", "label", "decision"])
    table[["gender", "nationality"]] = table[["gender", "nationality"]].fillna("unknown")
    table["both"] = table["gender"] + " " + table["nationality"]
    audit = importlib.import_module("aequitas").Audit(
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
        importlib.import_module("aequitas")
        began = time.perf_counter()
        found = groups(sys.argv[1])
        print(json.dumps({"groups": found, "seconds": time.perf_counter() - began}))
