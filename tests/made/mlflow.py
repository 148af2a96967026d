"""Model folders that MLflow itself saved, with the answers that MLflow gives for them.

Run as a program, `made/mlflow.py FOLDER`, so that MLflow is never imported in the tests: it puts import hooks, loggers
and a client that reports its use into a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from audit.detectors.mlflow_model import MlflowDetector
from audit.detectors.protocol import DetectorInfo, RunContext
from audit.errors import DetectorError
from audit.plan.detectors import MlflowDetector as MlflowSection

if TYPE_CHECKING:
    from made.warm_children import Nursery

ROWS = 240


def cases() -> pd.DataFrame:
    """Three columns, of which those of numbers matter in opposite directions: swapped, they give other scores."""
    rng = np.random.default_rng(20261125)
    return pd.DataFrame(
        {
            "country": rng.choice(["NGA", "NA", "THA"], ROWS),
            "pay": rng.normal(size=ROWS).astype(np.float32).astype(float),
            "age": rng.integers(18, 60, ROWS),
        }
    )


CASES = cases()
LABELS = ((CASES["pay"] - CASES["age"] / 20 + (CASES["country"] == "NA")) > -1.6).to_numpy().astype(int)
NUMBERS = CASES[["pay", "age"]].astype(float)


def pipeline() -> Any:
    """A fitted model of text and numbers that knows the names of its columns."""
    parts = [("country", OneHotEncoder(handle_unknown="ignore"), ["country"]), ("rest", "passthrough", ["pay", "age"])]
    return make_pipeline(ColumnTransformer(parts), LogisticRegression(max_iter=1000)).fit(CASES, LABELS)


@dataclass
class Audited:
    """One of the folders, or a copy that was changed, as a detector."""

    path: Path
    features: tuple[str, ...]
    more: dict[str, Any] = field(default_factory=dict)

    def open(self) -> MlflowDetector:
        cut = {} if self.more.get("answers") == "decision" else {"threshold": 0.5}
        section = MlflowSection.model_validate(
            {"kind": "mlflow", "path": self.path.name, "features": list(self.features), **cut, **self.more}
        )
        detector = MlflowDetector(section, self.path.parent)
        try:
            detector.open(RunContext(self.path.parent, self.features, section.answers, section.score_range, ROWS))
        except BaseException:
            detector.close()
            raise
        return detector

    def scores(self, table: pd.DataFrame | pa.Table = CASES) -> list[float]:
        """Open, ask once, close."""
        detector = self.open()
        given = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
        (columns,) = given.select(list(self.features)).combine_chunks().to_batches()
        ids = pa.array(range(len(given)), type=pa.int64())
        batch = pa.RecordBatch.from_arrays([ids, *columns.columns], names=["row_id", *self.features])
        try:
            answered: list[float] = detector.score(batch)["score"].to_pylist()
            return answered
        finally:
            detector.close()

    def info(self) -> DetectorInfo:
        detector = self.open()
        detector.close()
        return detector.info

    def refusal(self, table: pd.DataFrame | pa.Table | None = None) -> DetectorError:
        """The one line with which it is refused, on opening or at its first batch."""
        with pytest.raises(DetectorError) as caught:
            self.info() if table is None else self.scores(table)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 600
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        return caught.value


def saved(folder: Path, program: str, warm: Nursery | None) -> dict[str, list[float]]:
    """Have every model saved in `folder` by MLflow; the probabilities of the class 1 by the models that it loads.

    A program that saves more is run there, by the same Python: to import MLflow takes seconds, and scikit-learn too,
    which a warm process has loaded.
    """
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": str(folder), "GIT_PYTHON_REFRESH": "quiet"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    if warm is not None:
        warm.run(__file__, [str(folder), program], folder, environment)
    else:
        command = [sys.executable, "-P", __file__, str(folder), program]  # -P: beside this file, `mlflow` would be it
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
    served: dict[str, list[float]] = json.loads((folder / "served.json").read_text(encoding="utf-8"))
    return served


def _save_sklearn(folder: Path) -> dict[str, list[float]]:
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature

    def save(name: str, model: BaseEstimator, given: Any, **more: Any) -> list[float]:
        more = {"pip_requirements": ["scikit-learn"], "pyfunc_predict_fn": "predict_proba", **more}
        mlflow.sklearn.save_model(model, str(folder / name), **more)
        served = mlflow.pyfunc.load_model(str(folder / name)).predict(given)
        return [float(one) for one in np.asarray(served)[:, 1]]

    model, signature = pipeline(), infer_signature(CASES, LABELS)
    booster = HistGradientBoostingClassifier(max_iter=5).fit(NUMBERS, LABELS)
    booster_types = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
    nameless = LogisticRegression(max_iter=1000).fit(NUMBERS.to_numpy(), LABELS)
    neighbours = KNeighborsClassifier(algorithm="kd_tree").fit(NUMBERS.to_numpy(), LABELS)
    neighbour_types = ["sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree"]
    numbers = infer_signature(NUMBERS, LABELS)
    tensor = infer_signature(NUMBERS.to_numpy(), LABELS)
    code = folder / "own_code.py"
    code.write_text("", encoding="utf-8")
    return {
        "skops": save("skops", model, CASES, signature=signature, input_example=CASES.head(2)),
        "booster": save("booster", booster, NUMBERS, signature=numbers, skops_trusted_types=booster_types),
        "nameless": save("nameless", nameless, NUMBERS, signature=numbers),
        "tensor": save("tensor", nameless, NUMBERS.to_numpy(), signature=tensor),
        "unsigned": save("unsigned", model, CASES),
        "neighbours": save("neighbours", neighbours, NUMBERS, signature=numbers, skops_trusted_types=neighbour_types),
        "cloudpickle": save("cloudpickle", model, CASES, serialization_format="cloudpickle"),
        "pickle": save("pickle", model, CASES, serialization_format="pickle"),
        "code": save("code", model, CASES, code_paths=[str(code)]),
    }


def _save_onnx(folder: Path) -> dict[str, list[float]]:
    import mlflow.onnx
    import mlflow.pyfunc
    import onnx
    from made.onnx import converted
    from mlflow.models import infer_signature

    def save(name: str, model: bytes, given: pd.DataFrame, **more: Any) -> list[float]:
        saving = {"pip_requirements": ["onnxruntime"], "signature": infer_signature(given), **more}
        mlflow.onnx.save_model(onnx.load_from_string(model), str(folder / name), **saving)
        session = mlflow.pyfunc.load_model(str(folder / name)).get_raw_model()
        types: dict[str, Any] = {"country": object, "pay": np.float32, "age": np.int64}
        feeds = (
            {"X": given.to_numpy(np.float32)}
            if len(session.get_inputs()) == 1
            else {column: given[[column]].to_numpy(types[str(column)]) for column in given}
        )
        return [float(one[1]) for one in session.run(["probabilities"], feeds)[0]]

    mixed = converted(pipeline(), CASES, zipmap=False)
    nameless = LogisticRegression(max_iter=1000).fit(NUMBERS.to_numpy(), LABELS)
    one_input = converted(nameless, NUMBERS, zipmap=False, one_input=True)
    net = MLPClassifier((200, 20), max_iter=20).fit(NUMBERS.to_numpy(), LABELS)
    external = onnx.load_from_string(converted(net, NUMBERS, zipmap=False, one_input=True))
    for weights in external.graph.initializer:  # as bytes, which is how other converters write them
        weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights), weights.name))
    return {
        "onnx": save("onnx", mixed, CASES),
        "one_input": save("one_input", one_input, NUMBERS, onnx_session_options={"intra_op_num_threads": 1}),
        "external": save("external", external.SerializeToString(), NUMBERS),
    }


def _save_function(folder: Path) -> None:
    import mlflow.pyfunc

    def constant(model_input: list[str]) -> list[float]:
        return [1.0] * len(model_input)

    mlflow.pyfunc.save_model(str(folder / "function"), python_model=constant, pip_requirements=["cloudpickle"])


if __name__ == "__main__":
    import importlib_metadata

    warnings.simplefilter("ignore")
    # It looks at every file of every package, for MLflow to warn of versions that are others here.
    importlib_metadata.packages_distributions = dict
    where = Path(sys.argv[1])
    answers = {**_save_sklearn(where), **_save_onnx(where)}
    _save_function(where)
    exec(sys.argv[2], {"__name__": "__main__"})
    (where / "served.json").write_text(json.dumps(answers), encoding="utf-8")
