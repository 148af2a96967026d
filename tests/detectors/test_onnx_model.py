"""`kind = "onnx"`: models of scikit-learn answer in ONNX as they do in Python, read from the right output and class."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from made.entry_points import offered_by_this_version
from made.onnx import BOOL, DOUBLE, FLOAT, INT64, TEXT, Run, built, converted, identity, node
from onnx import ModelProto, helper
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from audit.detectors.one_thread import NOTE
from audit.detectors.onnx_file import OnnxGraph
from audit.detectors.onnx_outputs import classes_of_scores
from audit.plan.audit_plan import AuditPlan
from audit.run import run_audit
from audit.stages import Scope

ROWS = 600


def cases() -> pd.DataFrame:
    rng = np.random.default_rng(20240412)
    return pd.DataFrame(
        {
            "country": rng.choice(["NGA", "NA", "THA"], ROWS),
            "pay": rng.normal(size=ROWS).astype(np.float32).astype(float),
            "age": rng.integers(18, 60, ROWS),
        }
    )


CASES = cases()
LABELS = ((CASES["pay"] > 0) ^ (CASES["country"] == "NA") ^ (CASES["age"] < 21)).to_numpy().astype(int)
NUMBERS = CASES[["pay", "age"]].astype(float)


def mixed(last: Any) -> Any:
    """Categories and numbers. A forest gets them unscaled: scaled in 32 bits, some cross a cut of its trees."""
    steps = [SimpleImputer(), *([StandardScaler()] if isinstance(last, LogisticRegression) else [])]
    parts = [
        ("country", OneHotEncoder(handle_unknown="ignore"), ["country"]),
        ("numbers", make_pipeline(*steps), ["pay", "age"]),
    ]
    return make_pipeline(ColumnTransformer(parts), last).fit(CASES, LABELS)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry points of pyproject.toml, as this version installs them."""
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path / "site")))


def audited(folder: Path, detector: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    """Every row's score and decision, and the rates of a whole audit."""
    table = CASES.assign(
        case_id=[f"c{row}" for row in range(ROWS)],
        exploited=LABELS,
        gender=np.where(np.arange(ROWS) % 3 == 0, "man", "woman"),
    )
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), folder / "set.parquet")
    plan = AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"},
            "detector": {
                "features": ["age", "country", "pay"],
                "threshold": 0.5,
                "score_range": [0.0, 1.00001],
                **detector,
            },
            "evaluation_set": {"path": "set.parquet", "id": "case_id", "label": "exploited", "label_source": "files"},
            "groups": {"gender": {"column": "gender"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
            "scoring": {"batch_size": 250},
        }
    )
    out = folder / f"{detector['kind']}.parquet"
    result = run_audit(plan, folder=folder, predictions_to=out, crosscheck=False, scope=Scope.RECORDS)
    return pq.read_table(out).to_pandas(), result


ONCE = """
import os, sys
from pathlib import Path
import pandas as pd
from made.onnx import Run, identity
assert Run(Path(sys.argv[1]), identity(), ["x"]).scores(pd.DataFrame({"x": [0.25]}).astype("float32")) == [0.25]
"""


def test_onnxruntime_keeps_no_record_of_its_use_to_send_to_its_maker(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    quiet = {"CI", "DO_NOT_TRACK", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "TF_BUILD", "GITHUB_ACTIONS"}
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    environment |= {"HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", ONCE, str(tmp_path)], env=environment, check=True, timeout=120)
    assert list(home.rglob("*")) == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("zipmap", [True, False], ids=["zipmap", "columns"])
@pytest.mark.parametrize("last", [LogisticRegression(), RandomForestClassifier(25, random_state=0)], ids=["lr", "rf"])
def test_an_audit_of_the_same_pipeline_by_skops_and_by_onnx(tmp_path: Path, last: Any, zipmap: bool) -> None:
    model = mixed(clone(last))
    skops.io.dump(model, tmp_path / "model.skops")
    (tmp_path / "model.onnx").write_bytes(converted(model, CASES, zipmap=zipmap))
    by_skops, of_skops = audited(tmp_path, {"kind": "skops", "path": "model.skops"})
    by_onnx, of_onnx = audited(tmp_path, {"kind": "onnx", "path": "model.onnx"})
    assert by_onnx["score"].to_numpy() == pytest.approx(by_skops["score"].to_numpy(), abs=1e-6)
    assert list(by_onnx["decision"]) == list(by_skops["decision"])
    assert set(by_onnx["decision"]) == {"flagged", "not flagged"}
    assert of_onnx.estimates == of_skops.estimates
    assert of_onnx.verdicts == of_skops.verdicts
    assert of_onnx.system.kind == "onnx"
    digest = hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()
    assert of_onnx.provenance.detector_sha256 == digest


@pytest.mark.parametrize(
    ("labels", "positive", "place"),
    [
        (LABELS, "1", 1),
        (LABELS, "0", 0),
        (np.where(LABELS == 1, "labour", "none"), "Labour", 0),
        (np.where(LABELS == 1, 7, 3), "3", 0),
        (np.where(LABELS == 1, 1, 2), "1", 0),
        (np.where(LABELS == 1, "a", np.where(CASES["age"] > 40, "b", "c")), "b", 1),
    ],
    ids=["1", "0", "text", "7", "swapped", "three"],
)
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        DecisionTreeClassifier(max_leaf_nodes=6, random_state=0),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        MLPClassifier(max_iter=400, tol=0.1, random_state=0),
        StackingClassifier([("a", DecisionTreeClassifier(max_depth=2, random_state=0)), ("b", GaussianNB())], cv=2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_class_is_found_in_the_model(tmp_path: Path, model: Any, labels: Any, positive: str, place: int) -> None:
    scaled = pd.DataFrame(StandardScaler().fit_transform(NUMBERS), columns=NUMBERS.columns).astype(np.float32)
    fitted = clone(model).fit(scaled, labels)
    expected = fitted.predict_proba(scaled)[:, place]
    for zipmap in (True, False):
        made = converted(fitted, scaled, zipmap=zipmap, one_input=True)
        run = Run(tmp_path, made, ("pay", "age"), positive_class=positive)
        assert run.scores(scaled) == pytest.approx(expected, abs=1e-5)
        deciding = Run(tmp_path, made, ("pay", "age"), positive_class=positive, answers="decision")
        flagged = np.asarray(deciding.scores(scaled))
        assert list(flagged) == list((fitted.predict(scaled) == fitted.classes_[place]).astype(float))


def test_where_the_graph_does_not_say_the_plan_does(tmp_path: Path) -> None:
    model = GaussianNB().fit(NUMBERS, np.where(LABELS == 1, "labour", "none"))
    made = converted(model, NUMBERS, zipmap=False, one_input=True)
    error = Run(tmp_path, made, ("pay", "age"), positive_class="labour").refusal()
    assert error.message == "model.onnx: the model does not say which classes its output 'probabilities' has"
    assert "classes = [...]" in error.hint
    run = Run(tmp_path, made, ("pay", "age"), positive_class="labour", classes=["labour", "none"])
    assert run.scores(NUMBERS) == pytest.approx(model.predict_proba(NUMBERS)[:, 0], abs=1e-4)


def test_a_classifier_node_whose_label_is_renamed_is_not_believed(tmp_path: Path) -> None:
    """The node says 0 and 1, the model 1 and 2: `positive_class = "1"` is the first column and not the second."""
    model = classifier(label=[node("Add", ["raw", "one"], ["label"])])
    error = Run(tmp_path, model, ("a", "b")).refusal()
    assert "does not say which classes its output 'p' has" in error.message
    shown = Run(tmp_path, model, ("a", "b"), classes=["1", "2"])
    assert shown.scores(pd.DataFrame({"a": [0.0], "b": [4.0]})) == pytest.approx([1 / (1 + np.exp(8.0))])


def classifier(label: list[Any], probabilities: str = "p") -> ModelProto:
    """Logistic regression on `b`; the classes of its node are 0 and 1, and `label` makes the label from `raw`."""
    linear = node(
        "LinearClassifier",
        ["x"],
        ["raw", probabilities],
        coefficients=[0.0, -1.0, 0.0, 1.0],
        intercepts=[0.0, 0.0],
        classlabels_ints=[0, 1],
        multi_class=0,
        post_transform="SOFTMAX",
    )
    halved = node("Mul", ["x", "half"], ["unused"])
    return built(
        [linear, halved, *label],
        [("x", FLOAT, ["N", 2])],
        [("label", INT64, ["N"]), (probabilities, FLOAT, ["N", 2])],
        {"one": np.array([1]), "half": np.array([0.5], np.float32)},
    )


def test_a_classifier_node_that_its_label_confirms(tmp_path: Path) -> None:
    model = classifier(label=[node("Identity", ["raw"], ["label"])])
    table = pd.DataFrame({"a": [0.0, 1.0], "b": [2.0, -2.0]})
    expected = 1 / (1 + np.exp(-2 * table["b"]))
    assert Run(tmp_path, model, ("a", "b")).scores(table) == pytest.approx(expected, abs=1e-6)


def test_a_classifier_node_without_a_label_to_confirm_it_is_not_believed(tmp_path: Path) -> None:
    model = classifier(label=[node("Identity", ["raw"], ["label"])])
    del model.graph.output[0]
    error = Run(tmp_path, model, ("a", "b")).refusal()
    assert "does not say which classes its output 'p' has" in error.message


@pytest.mark.parametrize(("axis", "found"), [(1, True), (-1, True), (0, False), (None, False)])
def test_a_label_at_the_place_of_the_largest_column(tmp_path: Path, axis: int | None, found: bool) -> None:
    """The largest of a row says which class its column is; the largest of a column says nothing of classes."""
    way = {} if axis is None else {"axis": axis}
    nodes = [
        node("Identity", ["x"], ["p"]),
        node("ArgMax", ["x"], ["place"], keepdims=0, **way),
        node("Gather", ["names", "place"], ["label"]),
    ]
    outputs: list[tuple[str, int, list[Any] | None]] = [("label", TEXT, ["M"]), ("p", FLOAT, ["N", 2])]
    model = built(nodes, [("x", FLOAT, ["N", 2])], outputs, {"names": np.array(["yes", "no"], dtype=object)})
    run = Run(tmp_path, model, ("a", "b"), positive_class="yes")
    if found:
        assert run.scores(pd.DataFrame({"a": [0.25], "b": [0.75]})) == [0.25]
    else:
        assert "does not say which classes its output 'p' has" in run.refusal().message


def test_what_a_function_of_the_model_makes_is_not_read_as_an_operator() -> None:
    """A model can bring functions of its own, called like an operator and doing something else."""
    model = classifier(label=[node("Identity", ["raw"], ["label"])])
    assert classes_of_scores(OnnxGraph(model.SerializeToString(), "m"), "p", ["label"]) == ["0", "1"]
    own = helper.make_function("", "Identity", ["a"], ["b"], [node("Neg", ["a"], ["b"])], [helper.make_opsetid("", 17)])
    model.functions.append(own)
    assert classes_of_scores(OnnxGraph(model.SerializeToString(), "m"), "p", ["label"]) == []


def test_one_column_for_each_class_by_name(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, LABELS)
    made = converted(model, NUMBERS, zipmap="columns", one_input=True)
    error = Run(tmp_path, made, ("pay", "age")).refusal()
    assert error.message == "model.onnx: 2 outputs of the model could hold a score a row"
    assert error.hint == "write output = one of: i0, i1"
    run = Run(tmp_path, made, ("pay", "age"), output="i1")
    assert run.scores(NUMBERS) == pytest.approx(model.predict_proba(NUMBERS)[:, 1], abs=1e-6)


@pytest.mark.parametrize("kind", [FLOAT, DOUBLE], ids=["float", "double"])
@pytest.mark.parametrize("width", [None, 1, "K"], ids=["N", "N1", "NK"])
def test_a_single_score_needs_no_class(tmp_path: Path, width: Any, kind: int) -> None:
    shape = ["N"] if width is None else ["N", width]
    given = ["N"] if width is None else ["N", 1]
    model = built([node("Identity", ["x"], ["y"])], [("x", kind, given)], [("y", kind, shape)])
    assert Run(tmp_path, model, ("pay",)).scores(pd.DataFrame({"pay": [0.25, 1.0]})) == [0.25, 1.0]
    error = Run(tmp_path, model, ("pay",), positive_class="0").refusal()
    assert error.message == "model.onnx: the output 'y' has no classes, and the plan says positive_class"


def test_a_score_of_32_bits_reaches_the_threshold_that_it_is_written_as(tmp_path: Path) -> None:
    written = [0.7, 0.1, 0.3, 1e-8, 1.0, 0.0, 0.123456]
    assert Run(tmp_path, identity(given="pay"), ("pay",)).scores(pd.DataFrame({"pay": written})) == written
    random = np.sort(np.random.default_rng(1).random(2000).astype(np.float32))
    back = Run(tmp_path, identity(given="pay"), ("pay",)).scores(pd.DataFrame({"pay": random}))
    assert list(np.asarray(back, np.float32)) == list(random)
    assert back == sorted(back)


def test_a_score_that_is_out_of_range_or_no_number_is_counted_and_never_clipped(tmp_path: Path) -> None:
    run = Run(tmp_path, identity(given="pay"), ("pay",))
    run.open()
    answer = run.answer(pd.DataFrame({"pay": [0.5, 1.5, float("inf"), None]}))
    assert answer.column("score").to_pylist() == [0.5, None, None, None]
    assert answer.column("reason").to_pylist() == [None, "out_of_range", "not_finite", "not_finite"]


def test_sums_that_pass_one_by_rounding_are_told_before_they_are_failures(tmp_path: Path) -> None:
    model = RandomForestClassifier(25, random_state=0).fit(NUMBERS, LABELS)
    made = converted(model, NUMBERS, one_input=True)
    error = Run(tmp_path, made, ("pay", "age")).refusal(NUMBERS)
    assert "some scores pass score_range in their last digits" in error.message
    assert error.hint.startswith("write score_range = [0.0, 1.00001]")
    run = Run(tmp_path, made, ("pay", "age"), score_range=[0.0, 1.00001])
    assert run.scores(NUMBERS) == pytest.approx(model.predict_proba(NUMBERS)[:, 1], abs=1e-6)
    assert max(run.scores(NUMBERS)) > 1


def test_decisions_of_texts_and_truth_values(tmp_path: Path) -> None:
    flags = identity(kind=BOOL, given="flag")
    table = pa.table({"flag": [True, False], "word": ["yes", "no"]})
    assert Run(tmp_path, flags, ("flag",), answers="decision", positive_class="true").scores(table) == [1.0, 0.0]
    words = identity(kind=TEXT, given="word")
    error = Run(tmp_path, words, ("word",), answers="decision", positive_class="yes").refusal()
    assert "does not say which classes" in error.message
    shown = Run(tmp_path, words, ("word",), answers="decision", positive_class="yes", classes=["yes", "no"])
    assert shown.scores(table) == [1.0, 0.0]
    shown.open()
    answer = shown.answer(pa.table({"word": ["yes", "neither"]}))
    assert answer.column("reason").to_pylist() == [None, "not_a_decision"]


def test_the_same_bits_every_time_in_any_batch(tmp_path: Path) -> None:
    model = RandomForestClassifier(50, random_state=0).fit(NUMBERS, LABELS)
    made = converted(model, NUMBERS, one_input=True)
    run = Run(tmp_path, made, ("pay", "age"), score_range=[0.0, 1.00001])
    first = run.scores(NUMBERS)
    assert all(run.scores(NUMBERS) == first for _ in range(5))
    assert run.detector.info.deterministic
    assert NOTE in run.detector.info.notes
    run.open()
    parts = [run.answer(NUMBERS[at : at + 7]).column("score").to_pylist() for at in range(0, ROWS, 7)]
    assert [score for part in parts for score in part] == first
    options = run.detector._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert run.detector._session.get_providers() == ["CPUExecutionProvider"]
    run.detector.close()


def test_a_model_that_draws_random_numbers_says_so(tmp_path: Path) -> None:
    nodes = [node("RandomUniformLike", ["x"], ["r"]), node("Mul", ["r", "x"], ["y"])]
    run = Run(tmp_path, built(nodes, [("x", FLOAT, ["N", 1])], [("y", FLOAT, ["N", 1])]), ("x",))
    run.open()
    assert not run.detector.info.deterministic
    assert "The model draws random numbers: another run can give other scores." in run.detector.info.notes
    assert NOTE not in run.detector.info.notes


def test_columns_by_name_and_by_place(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, LABELS)
    expected = model.predict_proba(NUMBERS)[:, 1]
    pipeline = mixed(LogisticRegression())
    named = Run(tmp_path, converted(pipeline, CASES), ("age", "pay", "country"))
    assert named.scores(CASES) == pytest.approx(pipeline.predict_proba(CASES)[:, 1], abs=1e-6)
    placed = Run(tmp_path, converted(model, NUMBERS, one_input=True), ("pay", "age"))
    assert placed.scores(NUMBERS) == pytest.approx(expected, abs=1e-6)
    assert any("given in the order of the plan" in note for note in placed.detector.info.notes)
    single = Run(tmp_path, identity(given="X"), ("pay",))
    single.open()
    assert "The one input of the model is called X; it was given pay." in single.detector.info.notes


def test_a_missing_number_is_nan_and_told(tmp_path: Path) -> None:
    model = mixed(LogisticRegression())
    table = CASES.assign(pay=CASES["pay"].where(CASES["age"] > 30))
    run = Run(tmp_path, converted(model, CASES), ("country", "pay", "age"))
    assert run.scores(table) == pytest.approx(model.predict_proba(table)[:, 1], abs=1e-6)
    assert "Empty cells were given to the model as NaN: pay." in run.detector.info.course


def test_what_a_model_says_of_itself(tmp_path: Path) -> None:
    run = Run(tmp_path, identity(given="pay"), ("pay",))
    run.open()
    info = run.detector.info
    assert (info.name, info.kind, info.needs) == ("model.onnx", "onnx", ("pay",))
    assert info.artefact_sha256 == hashlib.sha256(run.path.read_bytes()).hexdigest()
