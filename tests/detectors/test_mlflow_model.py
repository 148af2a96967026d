"""`kind = "mlflow"`: models that MLflow saved answer as MLflow has them answer, and as `skops` and `onnx` do.

The page about it is followed too: what it has saved is what its plan audits, and the digest is that of its command.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.entry_points import offered_by_this_version
from made.mlflow import CASES, LABELS, NUMBERS, ROWS, Audited, saved

from audit.detectors.column_order import BY_PLAN, BY_SIGNATURE
from audit.detectors.mlflow_model import MlflowDetector
from audit.detectors.protocol import RunContext
from audit.detectors.testing import Promise, check_detector, detector_maker
from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import MlflowDetector as MlflowSection
from audit.run import run_audit
from audit.stages import Scope

MIXED = ("age", "country", "pay")
"""The columns, in another order than that in which the models were trained."""
TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
FILES = (Path(__file__).parents[2] / "docs" / "how-to" / "model-files.md").read_text(encoding="utf-8")
PAGE = FILES.partition("\n## An MLflow folder\n")[2].partition("\n## ")[0]
MODEL = """
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
cases = pd.DataFrame({"country": ["NGA", "THA"] * 10, "pay_offered": [float(n) for n in range(20)]})
columns = make_column_transformer((OneHotEncoder(), ["country"]), remainder="passthrough")
pipeline = make_pipeline(columns, LogisticRegression()).fit(cases, [0] * 10 + [1] * 10)
"""


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert isinstance(found, str)
    return found


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, _nursery: Any) -> tuple[Path, dict[str, list[float]]]:
    folder = tmp_path_factory.mktemp("mlflow")
    code = MODEL + block("python").replace("signature=", "pip_requirements=['scikit-learn'], signature=")
    return folder, saved(folder, code, _nursery)


@pytest.fixture
def folder(models: tuple[Path, dict[str, list[float]]]) -> Path:
    return models[0]


@pytest.fixture
def served(models: tuple[Path, dict[str, list[float]]]) -> dict[str, list[float]]:
    return models[1]


@pytest.mark.parametrize("name", ["skops", "unsigned", "booster", "nameless"])
def test_scikit_learn_models_answer_as_mlflow_loads_them(folder: Path, served: Any, name: str) -> None:
    features = MIXED if name in ("skops", "unsigned") else ("age", "pay")
    assert Audited(folder / name, features).scores() == served[name]


def test_it_keeps_every_promise(folder: Path) -> None:
    section = {"kind": "mlflow", "path": "skops", "features": list(MIXED), "threshold": 0.5}
    rows = pa.RecordBatch.from_pandas(CASES[:30], preserve_index=False).select(list(MIXED))
    report = check_detector(detector_maker(section, folder), rows, folder=folder)
    untested = {finding.promise for finding in report.findings if finding.outcome == "not tested"}
    assert untested == {Promise.AT_ONCE, Promise.CLOSE_ENDS_CALLS}


@pytest.mark.parametrize("name", ["onnx", "one_input"])
def test_onnx_models_answer_as_mlflow_loads_them(folder: Path, served: Any, name: str) -> None:
    features = MIXED if name == "onnx" else ("age", "pay")
    scores = Audited(folder / name, features).scores()
    assert [np.float32(score) for score in scores] == [np.float32(score) for score in served[name]]


@pytest.mark.parametrize("name", ["nameless", "one_input"])
def test_a_model_without_names_is_given_its_columns_in_the_order_of_the_signature(
    folder: Path, served: Any, name: str
) -> None:
    """In the order of the plan it would answer with numbers, and all of them wrong."""
    notes = Audited(folder / name, ("age", "pay")).info().notes
    assert BY_SIGNATURE in notes
    assert BY_PLAN not in notes
    kind, file = ("skops", "model.skops") if name == "nameless" else ("onnx", "model.onnx")
    directly = decided(folder / name, {"kind": kind, "path": file, "features": ["age", "pay"]})
    assert directly["score"].to_numpy() != pytest.approx(served[name], abs=0.01)


def test_a_signature_without_names_counts_columns_and_leaves_the_order_to_the_plan(folder: Path, served: Any) -> None:
    tensor = Audited(folder / "tensor", ("pay", "age"))
    assert tensor.scores(NUMBERS) == served["tensor"]
    assert BY_PLAN in tensor.info().notes
    error = Audited(folder / "tensor", MIXED).refusal()
    assert error.message == "tensor: the signature of the model has 2 columns, and `features` names 3"


def decided(folder: Path, detector: dict[str, Any]) -> pd.DataFrame:
    """Every row's score and decision in a whole run; `detector.result` is left beside it."""
    return whole_run(folder, detector)[0]


def whole_run(folder: Path, detector: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    table = CASES.assign(
        case_id=[f"c{row}" for row in range(ROWS)],
        exploited=LABELS,
        gender=np.where(np.arange(ROWS) % 3 == 0, "man", "woman"),
    )
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), folder.parent / "set.parquet")
    plan = AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"},
            "detector": {"threshold": 0.5, **detector, "path": f"{folder.name}/{detector['path']}".rstrip("/")},
            "evaluation_set": {"path": "set.parquet", "id": "case_id", "label": "exploited", "label_source": "files"},
            "groups": {"gender": {"column": "gender"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
            "scoring": {"batch_size": 100},
        }
    )
    out = folder.parent / "predictions.parquet"
    result = run_audit(plan, folder=folder.parent, predictions_to=out, crosscheck=False, scope=Scope.RECORDS)
    return pq.read_table(out).to_pandas(), result


@pytest.mark.parametrize("kind", ["skops", "onnx"])
@pytest.mark.parametrize("answers", ["score", "decision"])
def test_an_audit_of_the_folder_is_that_of_the_file_in_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, answers: str
) -> None:
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path / "site")))
    asked: dict[str, Any] = {"features": list(MIXED), "answers": answers}
    if answers == "decision":
        asked["threshold"] = None
    rows, result = whole_run(folder / kind, {"kind": "mlflow", "path": "", **asked})
    file_rows, of_file = whole_run(folder / kind, {"kind": kind, "path": f"model.{kind}", **asked})
    pd.testing.assert_frame_equal(rows, file_rows)
    assert set(rows["decision"]) == {"flagged", "not flagged"}
    assert result.estimates == of_file.estimates
    assert result.verdicts == of_file.verdicts
    assert (result.system.kind, result.system.name) == ("mlflow", kind)
    assert result.provenance.detector_sha256 != of_file.provenance.detector_sha256
    saved_as = "sklearn, saved with skops" if kind == "skops" else "onnx"
    (about,) = [note for note in result.system.notes if note.startswith("Saved by MLflow")]
    assert re.fullmatch(
        rf"Saved by MLflow 3\.\d+\.\d+, flavour {saved_as}; model\.{kind} was run without MLflow\.", about
    )


def test_mlflow_itself_is_never_imported(folder: Path) -> None:
    """Not even to load a model; and the YAML reader only when a folder is opened."""
    code = (
        "import sys; from pathlib import Path\n"
        "import audit.detectors.mlflow_model\n"
        "assert not {'mlflow', 'yaml', 'skops', 'onnxruntime'} & set(sys.modules)\n"
        "import pyarrow as pa\n"
        "from audit.detectors.protocol import RunContext\n"
        "from audit.plan.detectors import MlflowDetector as Section\n"
        "folder, features = Path(sys.argv[1]), ('age', 'country', 'pay')\n"
        "row = pa.RecordBatch.from_pydict({'row_id': [0], 'age': [30], 'country': ['NGA'], 'pay': [0.5]})\n"
        "for name in ('skops', 'onnx'):\n"
        "    section = Section(kind='mlflow', path=name, features=features, threshold=0.5)\n"
        "    detector = audit.detectors.mlflow_model.MlflowDetector(section, folder)\n"
        "    detector.open(RunContext(folder, features, 'score', (0.0, 1.0), 1))\n"
        "    assert 0.0 < detector.score(row)['score'][0].as_py() < 1.0\n"
        "    detector.close()\n"
        "assert 'mlflow' not in sys.modules and 'yaml' in sys.modules\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=root, timeout=240, check=True)


def test_the_digest_is_that_of_all_files_and_of_their_names(folder: Path, tmp_path: Path) -> None:
    def digest(of: Path) -> str | None:
        return Audited(of, MIXED).info().artefact_sha256

    model = tmp_path / "model"
    shutil.copytree(folder / "skops", model)
    before = digest(model)
    files = sorted((path for path in model.rglob("*") if path.is_file()), key=lambda path: str(path).encode())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(model)}\n" for path in files]
    assert before == hashlib.sha256("".join(lines).encode()).hexdigest() == digest(folder / "skops")
    assert len(files) == 7
    (model / "extra").mkdir()
    (model / "extra" / "notes.txt").write_text("a", encoding="utf-8")
    second = digest(model)
    (model / "extra" / "notes.txt").rename(model / "extra" / "note.txt")
    third = digest(model)
    (model / "requirements.txt").write_text("", encoding="utf-8")
    assert len({before, second, third, digest(model)}) == 4


def test_what_the_folder_lists_as_trusted_is_no_permission(folder: Path) -> None:
    listed = ("sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree")
    neighbours = Audited(folder / "neighbours", ("age", "pay"))
    error = neighbours.refusal()
    assert error.slug == "detector-untrusted-type"
    assert all(name in error.message for name in listed)
    assert "trusted = [" in error.hint
    assert error.hint.endswith("what the model folder itself lists as trusted is no permission")


def test_what_the_plan_trusts_is_loaded_and_what_the_folder_asks_for_is_told(folder: Path, served: Any) -> None:
    listed = ("sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree")
    neighbours = Audited(folder / "neighbours", ("age", "pay"), {"trusted": listed})
    assert neighbours.scores() == served["neighbours"]
    notes = neighbours.info().notes
    assert any(
        note.startswith(f"The model folder asks for trust in {', '.join(listed)}. That was not") for note in notes
    )
    assert any(note.startswith("Types trusted by the plan") for note in notes)
    assert any(TREE in note for note in Audited(folder / "booster", ("age", "pay")).info().notes)


def test_what_a_reader_must_know(folder: Path) -> None:
    notes = Audited(folder / "unsigned", MIXED).info().notes
    assert "The model folder has no signature; columns were not checked against one." in notes
    notes = Audited(folder / "one_input", ("pay", "age")).info().notes
    assert any("onnx_session_options" in note for note in notes)
    assert any("one thread" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "features", "hint"),
    [
        ("skops", ("age", "country"), "the model also needs: pay"),
        ("onnx", ("age", "country", "pay", "sex"), "it does not take: sex"),
        ("onnx", ("age", "land", "pay"), "the model also needs: country; it does not take: land"),
        ("nameless", ("age", "sex"), "the model also needs: pay; it does not take: sex"),
    ],
)
def test_the_features_are_the_columns_of_the_signature(
    folder: Path, name: str, features: tuple[str, ...], hint: str
) -> None:
    error = Audited(folder / name, features).refusal()
    assert error.message == f"{name}: `features` does not name the columns of the model's signature"
    assert (error.slug, error.hint) == ("detector-columns", hint)


@pytest.mark.parametrize(
    ("name", "column", "cells", "wanted"),
    [
        ("skops", "pay", ["1"] * ROWS, "numbers"),
        ("skops", "pay", [True] * ROWS, "numbers"),
        ("skops", "country", [1] * ROWS, "text"),
        ("skops", "age", [20.5] * ROWS, "whole numbers"),
        ("onnx", "age", ["canary"] * ROWS, "whole numbers"),
    ],
)
def test_the_cells_are_of_the_types_of_the_signature(
    folder: Path, name: str, column: str, cells: list[Any], wanted: str
) -> None:
    error = Audited(folder / name, MIXED).refusal(CASES.assign(**{column: cells}))
    assert error.slug == "detector-cell-type"
    assert error.message == (
        f"{name}, batch 1: the column '{column}' holds something else than {wanted}, which the model's signature says"
    )
    assert "canary" not in str(error)


def test_numbers_of_a_file_of_text_fit_a_column_of_whole_numbers(folder: Path, served: Any) -> None:
    table = CASES.assign(age=CASES["age"].astype(float))
    assert Audited(folder / "skops", MIXED).scores(table) == served["skops"]
    words = pa.Table.from_pandas(table, preserve_index=False)
    words = words.set_column(0, "country", words["country"].combine_chunks().dictionary_encode())
    assert Audited(folder / "skops", MIXED).scores(words) == served["skops"]


@pytest.mark.parametrize(("name", "key", "value"), [("onnx", "trusted", ["a.B"]), ("skops", "output", "p")])
def test_a_key_that_means_nothing_here_is_refused(folder: Path, name: str, key: str, value: Any) -> None:
    error = Audited(folder / name, MIXED, {key: value}).refusal()
    assert (error.slug, f"the plan says `{key}`" in error.message) == ("detector-key", True)


@pytest.mark.parametrize("name", ["skops", "onnx"])
def test_the_positive_class_is_the_plans(folder: Path, served: Any, name: str) -> None:
    scores = Audited(folder / name, MIXED, {"positive_class": "0"}).scores()
    assert scores == pytest.approx([1 - score for score in served[name]], abs=1e-6)
    assert "no class 'yes'" in Audited(folder / name, MIXED, {"positive_class": "yes"}).refusal().message


@pytest.mark.parametrize("name", ["cloudpickle", "pickle", "function"])
def test_pickles_that_mlflow_saved_are_refused(folder: Path, name: str) -> None:
    error = Audited(folder / name, MIXED).refusal()
    assert error.slug == "detector-pickle"
    assert re.fullmatch(
        rf"{name} holds (python_)?model\.pkl: such a model runs code when it is loaded, and is never opened",
        error.message,
    )
    assert 'serialization_format="skops"' in error.hint
    assert "ONNX" in error.hint


def test_code_that_mlflow_saved_beside_a_skops_model_is_refused(folder: Path) -> None:
    error = Audited(folder / "code", MIXED).refusal()
    assert error.slug == "detector-code"
    assert error.message == (
        "code/MLmodel: the model brings Python files that run when it is loaded (python_function: code)"
    )


def test_weights_in_other_files_are_refused_in_words_of_mlflow(folder: Path) -> None:
    """MLflow writes large weights so unless it is asked not to."""
    assert len(list((folder / "external").glob("*"))) == 6
    error = Audited(folder / "external", ("age", "pay")).refusal()
    assert error.slug == "detector-external-data"
    assert "save_as_external_data=False" in error.hint


@pytest.mark.skipif(sys.platform != "linux", reason="the find of other systems knows no -printf")
def test_what_the_page_saves_its_plan_audits_and_its_command_names(folder: Path) -> None:
    section = MlflowSection.model_validate(tomllib.loads(block("toml"))["detector"])
    detector = MlflowDetector(section, folder)
    detector.open(RunContext(folder, section.features, "score", section.score_range, 10))
    detector.close()
    assert any("flavour sklearn, saved with skops" in note for note in detector.info.notes)
    said = subprocess.run(
        ["sh", "-c", block("sh")], cwd=folder / "screener", capture_output=True, text=True, timeout=240, check=True
    )
    assert said.stdout.split()[0] == detector.info.artefact_sha256
