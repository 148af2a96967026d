"""Trains detector.skops on training.parquet: an ordinary scikit-learn model, saved with skops so that it runs no code.

Gender and nationality are in the file, and the detector never sees them. It learns the gaps all the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import skops.io
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = [
    "movement_controlled",
    "documents_withheld",
    "debt_to_recruiter",
    "threats_reported",
    "contact_restricted",
    "answers_coached",
    "injuries_seen",
    "travel_arranged",
    "pay_withheld",
    "hours_per_week",
]


def main(folder: Path) -> None:
    """Read training.parquet in `folder`, write detector.skops there."""
    cases = pd.read_parquet(folder / "training.parquet")
    labelled = cases[cases["exploited"].notna()]
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    model.fit(labelled[FEATURES].astype("float64"), labelled["exploited"].astype("int64"))
    skops.io.dump(model, folder / "detector.skops")
    print(f"trained on {len(labelled)} labelled cases")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
