"""Audit by aequitas of every Parquet file in a folder, in an environment of its own with an older pandas.

`aequitas_rules.py FOLDER` prints one JSON document: for each file and each reading the groups that are called worse
off, as `[metric, attribute, value]`. A group is so where its disparity to the largest group (the default) is outside
the tolerance of .8 that the documentation gives, on the harmful side: `tpr_disparity` below .8, or `fpr_disparity`
above 1.25. The second reading takes only those whose difference aequitas' own test calls significant. Only groups
with 30 cases in the denominator count, which aequitas does not ask: to its favour.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

TAU = 0.8
FEWEST = 30
ATTRIBUTES = ["gender", "nationality", "both"]
SIGNIFICANCE = {
    "check_significance": True,
    "mask_significance": True,
    "selected_significance": ["tpr", "fpr"],
    "alpha": 0.05,
}


def flagged(path: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Return the groups of one file that are called worse off, by reading."""
    rows = pd.read_parquet(path).rename(columns={"label": "label_value", "decision": "score"})
    rows[ATTRIBUTES] = rows[ATTRIBUTES].astype(object)
    plain, tested = _disparities(rows, {}), _disparities(rows, SIGNIFICANCE)
    return {
        "tolerance .8": _worse(plain, tested=False),
        "tolerance .8, significant": _worse(tested, tested=True),
    }


def _disparities(rows: pd.DataFrame, bias_args: dict[str, Any]) -> pd.DataFrame:
    aequitas = importlib.import_module("aequitas")
    audit = aequitas.Audit(
        rows[[*ATTRIBUTES, "label_value", "score"]],
        score_column="score",
        label_column="label_value",
        sensitive_attribute_column=ATTRIBUTES,
    )
    audit.audit(bias_args=bias_args)
    disparities: pd.DataFrame = audit.disparity_df
    return disparities


def _worse(disparities: pd.DataFrame, *, tested: bool) -> list[tuple[str, str, str]]:
    worse_groups = []
    for metric, column, cases in (
        ("true_positive_rate", "tpr", "group_label_pos"),
        ("false_positive_rate", "fpr", "group_label_neg"),
    ):
        ratio = disparities[f"{column}_disparity"]
        worse = ((ratio < TAU) if column == "tpr" else (ratio > 1.0 / TAU)) & (disparities[cases] >= FEWEST)
        if tested:
            worse &= disparities[f"{column}_significance"].astype(str) == "True"
        named = disparities.loc[worse, ["attribute_name", "attribute_value"]]
        worse_groups += [(metric, str(name), str(value)) for name, value in named.itertuples(index=False)]
    return worse_groups


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(json.dumps({path.stem: flagged(path) for path in sorted(Path(sys.argv[1]).glob("*.parquet"))}))
