"""Text, categories and numbers of synthetic worlds: one scikit-learn pipeline, the same audit by skops and by ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from audit.plan.detectors import OnnxDetector, SkopsDetector
from audit.plan.file.plan_file import load_plan
from audit.run import run_audit
from audit.stages import Scope
from audit.worlds.folder import Synthesised, synthesise
from audit.worlds.strengths import WORLDS
from audit.worlds.world import WorldName

ROWS = 800
TOKENS = r"[\p{L}\p{N}_]{2,}"
"""scikit-learn's own tokens as RE2 writes them. Without it the export cuts words at every accented letter."""
FEATURES: dict[WorldName, tuple[list[str], list[str], list[str]]] = {
    "adverts": (["text"], ["channel", "language"], ["pay_offered"]),
    "triage": ([], ["interview", "form"], ["movement_controlled", "documents_withheld", "contact_restricted"]),
}
"""Texts, categories and numbers of a world; cells of the numbers are missing in both."""


def trained(world: WorldName, rows: pd.DataFrame) -> Any:
    texts, categories, numbers = FEATURES[world]
    parts = [
        *((name, TfidfVectorizer(lowercase=False), name) for name in texts),
        ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
    ]
    labelled = rows[rows["exploited"].notna()]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression(C=10, max_iter=1000, class_weight="balanced"))
    return model.fit(labelled[[*texts, *categories, *numbers]], labelled["exploited"].astype(int))


def exported(world: WorldName, model: Any, **options: str) -> bytes:
    texts, categories, numbers = FEATURES[world]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType

        inputs = [(name, StringTensorType([None, 1])) for name in (*texts, *categories)]
        inputs += [(name, FloatTensorType([None, 1])) for name in numbers]
        asked = {id(model[0].named_transformers_[name]): options for name in texts}
        made: bytes = to_onnx(model, initial_types=inputs, options=asked).SerializeToString()
        return made


def audited(made: Synthesised, detector: SkopsDetector | OnnxDetector, numbers: list[str]) -> tuple[pd.DataFrame, Any]:
    """A whole audit by the plan of the world, without its probes, and with another detector."""
    plan = load_plan(made.plan)
    of_set = plan.evaluation_set.model_copy(update={"numbers": tuple(numbers)})
    changed = {"detector": detector, "evaluation_set": of_set, "probes": (), "every_rule": plan.rules}
    out = made.folder / f"{detector.kind}.parquet"
    result = run_audit(
        plan.model_copy(update=changed), folder=made.folder, predictions_to=out, crosscheck=False, scope=Scope.RECORDS
    )
    return pq.read_table(out).to_pandas(), result


@pytest.mark.parametrize("world", FEATURES)
def test_one_pipeline_by_skops_and_by_onnx(tmp_path: Path, world: WorldName) -> None:
    made = synthesise(WORLDS[world], tmp_path / world, rows=ROWS, seed=5)
    rows = pd.read_csv(made.data, keep_default_na=False, na_values=[""])
    texts, categories, numbers = FEATURES[world]
    assert rows[numbers].isna().to_numpy().any()
    model = trained(world, rows)
    skops.io.dump(model, made.folder / "model.skops")
    (made.folder / "model.onnx").write_bytes(exported(world, model, tokenexp=TOKENS))
    asked: dict[str, Any] = {"features": (*numbers, *categories, *texts), "threshold": 0.5}
    by_skops, of_skops = audited(made, SkopsDetector(kind="skops", path=Path("model.skops"), **asked), numbers)
    by_onnx, of_onnx = audited(made, OnnxDetector(kind="onnx", path=Path("model.onnx"), **asked), numbers)
    assert by_onnx["score"].to_numpy() == pytest.approx(by_skops["score"].to_numpy(), abs=1e-6)
    assert list(by_onnx["decision"]) == list(by_skops["decision"])
    assert set(by_skops["decision"]) == {"flagged", "not flagged"}
    assert (by_skops["decision"] == "flagged").mean() > 0.05
    assert of_onnx.estimates == of_skops.estimates
    assert of_onnx.verdicts == of_skops.verdicts


def test_an_export_that_cuts_words_at_accents_is_another_model(tmp_path: Path) -> None:
    """What the page says of `tokenexp`; the test above could not tell, did its texts hold no such words."""
    made = synthesise(WORLDS["adverts"], tmp_path / "adverts", rows=ROWS, seed=5)
    rows = pd.read_csv(made.data, keep_default_na=False, na_values=[""])
    texts, categories, numbers = FEATURES["adverts"]
    model = trained("adverts", rows)
    scores = []
    for options in ({"tokenexp": TOKENS}, {}):
        import onnxruntime

        session = onnxruntime.InferenceSession(exported("adverts", model, **options))
        given = {name: rows[[name]].to_numpy(object) for name in (*texts, *categories)}
        given |= {name: rows[[name]].to_numpy(np.float32) for name in numbers}
        scores.append([row[1] for row in session.run(None, given)[1]])
    expected = model.predict_proba(rows[[*texts, *categories, *numbers]])[:, 1]
    assert np.abs(np.array(scores[0]) - expected).max() < 1e-6
    assert np.abs(np.array(scores[1]) - expected).max() > 0.01
