"""`kind = "skops"`: real scikit-learn models saved with skops answer as they do where they were trained."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn.base
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from audit.detectors.protocol import RunContext
from audit.detectors.skops_model import SkopsDetector
from audit.errors import DetectorError
from audit.plan.detectors import SkopsDetector as SkopsSection

ROWS = 200
CANARY = "canary-90ab"


def cases() -> pd.DataFrame:
    rng = np.random.default_rng(20240412)
    words = np.array(["visa", "paid", "debt", "hotel", "free", "passport", "urgent", "farm"])
    texts = [" ".join(rng.choice(words, 4)) for _ in range(ROWS)]
    country = pd.Series(rng.choice(["NGA", "NA", "THA"], ROWS)).mask(rng.random(ROWS) < 0.2, None)
    pay = np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS))
    return pd.DataFrame({"text": texts, "country": country, "pay": pay, "age": rng.integers(18, 60, ROWS)})


CASES = cases()
LABELS = np.array([1 if "debt" in text or "passport" in text else 0 for text in CASES["text"]])
NUMBERS = CASES[["pay", "age"]].fillna(0.0)


def mixed(last: Any) -> Any:
    parts = [
        ("text", TfidfVectorizer(), "text"),
        ("country", OneHotEncoder(handle_unknown="ignore"), ["country"]),
        ("pay", make_pipeline(SimpleImputer(), StandardScaler()), ["pay", "age"]),
    ]
    return make_pipeline(ColumnTransformer(parts), last)


class Run:
    """A model, saved and audited on all cases at once."""

    def __init__(self, folder: Path, model: Any, features: tuple[str, ...], **section: Any) -> None:
        path = folder / "model.skops"
        skops.io.dump(model, path)
        cut = {} if section.get("answers") == "decision" else {"threshold": 0.5}
        self.section = SkopsSection.model_validate(
            {"kind": "skops", "path": "model.skops", "features": features, **cut, **section}
        )
        self.detector = SkopsDetector(self.section, folder)
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.folder = folder

    def scores(self, table: pd.DataFrame = CASES) -> list[Any]:
        try:
            return list(self.answer(table).column("score").to_pylist())
        finally:
            self.detector.close()

    def answer(self, table: pd.DataFrame = CASES) -> pa.RecordBatch:
        section = self.section
        self.detector.open(RunContext(self.folder, section.features, section.answers, section.score_range, len(table)))
        columns = pa.RecordBatch.from_pandas(table[list(section.features)], preserve_index=False)
        row_ids = pa.array(range(len(table)), type=pa.int64())
        return self.detector.score(
            pa.RecordBatch.from_arrays([row_ids, *columns.columns], names=["row_id", *section.features])
        )


@pytest.mark.parametrize(
    "last",
    [LogisticRegression(), RandomForestClassifier(10, random_state=0, n_jobs=2), MLPClassifier(max_iter=400, tol=0.1)],
    ids=lambda last: type(last).__name__,
)
def test_a_pipeline_over_text_categories_and_numbers(tmp_path: Path, last: Any) -> None:
    model = mixed(last).fit(CASES, LABELS)
    scores = Run(tmp_path, model, ("age", "text", "pay", "country")).scores()
    assert scores == pytest.approx(model.predict_proba(CASES)[:, 1], abs=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        GaussianNB(),
        DecisionTreeClassifier(max_leaf_nodes=6, random_state=0),
        RandomForestClassifier(10, random_state=0),
        ExtraTreesClassifier(10, random_state=0),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5),
        AdaBoostClassifier(n_estimators=5, random_state=0),
        BaggingClassifier(n_estimators=5, max_features=0.5, random_state=0),
        VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"),
        StackingClassifier([("a", DecisionTreeClassifier(random_state=0)), ("b", GaussianNB())]),
        CalibratedClassifierCV(LinearSVC()),
        CalibratedClassifierCV(GaussianNB(), method="isotonic"),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}),
        MLPClassifier(max_iter=400, tol=0.1, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_common_estimators_need_no_trust_from_the_plan(tmp_path: Path, model: Any) -> None:
    model = sklearn.base.clone(model).fit(NUMBERS, LABELS)
    scores = Run(tmp_path, model, ("pay", "age")).scores(NUMBERS)
    assert scores == pytest.approx(model.predict_proba(NUMBERS)[:, 1], abs=1e-12)


def test_boosting_with_categories_of_pandas(tmp_path: Path) -> None:
    table = CASES[["country", "pay"]].astype({"country": "category"})
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=["country"], min_samples_leaf=5)
    encoder = make_pipeline(
        ColumnTransformer(
            [("country", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["country"])],
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas"),
        model,
    )
    plain = table.astype({"country": "str"})
    fitted = encoder.fit(plain, plain["country"] == "NA")
    scores = Run(tmp_path, fitted, ("country", "pay"), positive_class="true").scores(plain)
    assert scores == pytest.approx(fitted.predict_proba(plain)[:, 1], abs=1e-12)


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), HashingVectorizer(n_features=32)], ids=["tfidf", "hashing"])
def test_a_text_model_is_given_the_text_and_not_the_name_of_its_column(tmp_path: Path, vectorizer: Any) -> None:
    model = make_pipeline(vectorizer, LogisticRegression()).fit(CASES["text"], LABELS)
    expected = model.predict_proba(CASES["text"])[:, 1]
    run = Run(tmp_path, model, ("text",))
    assert run.scores() == pytest.approx(expected, abs=1e-12)
    assert run.scores(CASES[:1]) == pytest.approx(expected[:1], abs=1e-12)


def test_a_model_trained_on_an_array_is_given_one(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS.to_numpy(), LABELS)
    run = Run(tmp_path, model, ("pay", "age"))
    assert run.scores(NUMBERS) == pytest.approx(model.predict_proba(NUMBERS.to_numpy())[:, 1], abs=1e-12)
    assert any("given in the order of the plan" in note for note in run.detector.info.notes)
    with pytest.raises(DetectorError, match="the model takes 2 columns, and `features` names 1"):
        Run(tmp_path, model, ("pay",)).scores(NUMBERS)


def test_missing_text_is_the_missing_value_the_model_was_trained_on(tmp_path: Path) -> None:
    as_none = CASES[["country"]].astype(object)
    as_none = as_none.where(as_none.notna(), None)
    model = make_pipeline(OneHotEncoder(handle_unknown="error"), LogisticRegression()).fit(as_none, LABELS)
    as_nan = CASES[["country"]].astype("str")
    assert Run(tmp_path, model, ("country",)).scores(as_nan) == pytest.approx(
        model.predict_proba(as_none)[:, 1], abs=1e-12
    )


def test_the_same_scores_every_time_and_one_job(tmp_path: Path) -> None:
    model = RandomForestClassifier(10, n_jobs=2, random_state=0).fit(NUMBERS, LABELS)
    run = Run(tmp_path, model, ("pay", "age"))
    first = run.scores(NUMBERS)
    assert all(run.scores(NUMBERS) == first for _ in range(5))
    run.answer(NUMBERS)
    assert run.detector._model.n_jobs == 1
    run.detector.close()


def test_one_job_reaches_the_fitted_parts_of_a_column_transformer(tmp_path: Path) -> None:
    inner = make_pipeline(SimpleImputer(), StandardScaler())
    model = make_pipeline(
        ColumnTransformer([("pay", inner, ["pay"])]),
        VotingClassifier([("forest", RandomForestClassifier(3, random_state=0))], voting="soft"),
    ).fit(NUMBERS, LABELS)
    model[0].n_jobs = model[1].estimators_[0].n_jobs = 2
    run = Run(tmp_path, model, ("pay", "age"))
    run.answer(NUMBERS)
    loaded = run.detector._model
    assert loaded[0].n_jobs == 1
    assert loaded[1].estimators_[0].n_jobs == 1
    run.detector.close()


def test_threads_are_limited_while_the_model_runs_and_given_back(tmp_path: Path) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]

    def most() -> int:
        return max((int(pool["num_threads"]) for pool in threadpool_info()), default=1)

    with threadpool_limits(limits=2):  # the tests themselves have one
        assert most() == 2
        run = Run(tmp_path, LogisticRegression().fit(NUMBERS, LABELS), ("pay", "age"))
        run.answer(NUMBERS)
        assert most() == 1
        run.detector.close()
        assert most() == 2
    assert any("one thread" in note for note in run.detector.info.notes)


@pytest.mark.parametrize(
    ("labels", "positive", "place"),
    [
        (LABELS, "1", 1),
        (LABELS, "0", 0),
        (LABELS.astype(float), "1", 1),
        (LABELS.astype(bool), "true", 1),
        (np.where(LABELS == 1, "labour", "none"), "labour", 0),
        (np.where(LABELS == 1, "Labour", "none"), "labour", 0),
        (np.where(LABELS == 1, "a", np.where(CASES["age"] > 40, "b", "c")), "b", 1),
    ],
)
def test_the_positive_class_is_found_as_text(tmp_path: Path, labels: Any, positive: str, place: int) -> None:
    model = LogisticRegression().fit(NUMBERS, labels)
    run = Run(tmp_path, model, ("pay", "age"), positive_class=positive)
    assert run.scores(NUMBERS) == pytest.approx(model.predict_proba(NUMBERS)[:, place], abs=1e-12)
    deciding = Run(tmp_path, model, ("pay", "age"), positive_class=positive, answers="decision")
    expected = (model.predict(NUMBERS) == model.classes_[place]).astype(float)
    assert deciding.scores(NUMBERS) == list(expected)


def test_a_class_that_the_model_does_not_know(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, np.where(LABELS == 1, "labour", "none"))
    with pytest.raises(DetectorError, match="the model has no class '1'") as caught:
        Run(tmp_path, model, ("pay", "age")).scores(NUMBERS)
    assert caught.value.hint == "write positive_class = one of: labour, none"


def test_classes_that_differ_only_in_case_are_told_apart_or_refused(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, np.where(LABELS == 1, "Yes", np.where(CASES["age"] > 40, "YES", "no")))
    assert Run(tmp_path, model, ("pay", "age"), positive_class="YES").scores(NUMBERS) == pytest.approx(
        model.predict_proba(NUMBERS)[:, 0], abs=1e-12
    )
    with pytest.raises(DetectorError, match="the model has no class 'yes'"):
        Run(tmp_path, model, ("pay", "age"), positive_class="yes").scores(NUMBERS)


def test_a_decision_function_needs_its_range_in_the_plan(tmp_path: Path) -> None:
    model = RidgeClassifier().fit(NUMBERS, LABELS)
    with pytest.raises(DetectorError, match="only a decision function") as caught:
        Run(tmp_path, model, ("pay", "age")).scores(NUMBERS)
    assert "score_range" in caught.value.hint
    for positive, sign in (("1", 1.0), ("0", -1.0)):
        run = Run(tmp_path, model, ("pay", "age"), positive_class=positive, score_range=[-9.0, 9.0])
        assert run.scores(NUMBERS) == pytest.approx(sign * model.decision_function(NUMBERS), abs=1e-12)
        assert any("decision function, not probabilities" in note for note in run.detector.info.notes)


def test_an_outlier_detector_decides(tmp_path: Path) -> None:
    model = IsolationForest(n_estimators=5, random_state=0).fit(NUMBERS)
    run = Run(tmp_path, model, ("pay", "age"), positive_class="-1", answers="decision")
    assert run.scores(NUMBERS) == list((model.predict(NUMBERS) == -1).astype(float))


def test_a_regressor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="no classifier with one list of classes"):
        Run(tmp_path, LinearRegression().fit(NUMBERS, LABELS), ("pay", "age")).scores(NUMBERS)


def test_features_must_be_those_of_the_training(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, LABELS)
    with pytest.raises(DetectorError, match="does not name the columns that the model was trained on") as caught:
        Run(tmp_path, model, ("age", "text")).scores(CASES)
    assert caught.value.hint == "the model also needs: pay; it was not trained on: text"


def test_what_a_model_raises_is_named_by_type_only(tmp_path: Path) -> None:
    model = make_pipeline(OneHotEncoder(handle_unknown="error"), LogisticRegression()).fit(CASES[["country"]], LABELS)
    with pytest.raises(DetectorError, match=r"model\.skops, batch 1: the model raised ValueError") as caught:
        Run(tmp_path, model, ("country",)).scores(pd.DataFrame({"country": [CANARY]}))
    assert CANARY not in str(caught.value)


def test_what_a_model_warns_of_is_named_by_type_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_pipeline(OneHotEncoder(handle_unknown="infrequent_if_exist", drop="first"), LogisticRegression()).fit(
        CASES[["country"]], LABELS
    )
    run = Run(tmp_path, model, ("country",))
    run.scores(pd.DataFrame({"country": [CANARY]}))
    notes = " ".join(run.detector.info.course)
    assert "scikit-learn warned while scoring: UserWarning (texts withheld)." in notes
    assert CANARY not in notes + "".join(capsys.readouterr())


def test_another_version_of_scikit_learn_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = LogisticRegression().fit(NUMBERS, LABELS)
    with monkeypatch.context() as patch:
        patch.setattr(sklearn.base, "__version__", "0.0.1")
        run = Run(tmp_path, model, ("pay", "age"))
    run.scores(NUMBERS)
    assert any("saved with another version of scikit-learn" in note for note in run.detector.info.notes)


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    run = Run(tmp_path, LogisticRegression().fit(NUMBERS, LABELS), ("pay", "age"))
    run.scores(NUMBERS)
    assert run.detector.info.artefact_sha256 == run.sha256
    assert run.detector.info.name == "model.skops"


def test_decimals_are_given_as_floats(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, LABELS)
    run = Run(tmp_path, model, ("pay", "age"))
    section = run.section
    run.detector.open(RunContext(tmp_path, section.features, section.answers, section.score_range, ROWS))
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([0, 1]),
            pa.array([0.25, 1.5]).cast(pa.decimal128(5, 2)),
            pa.array([30, 40]),
        ],
        names=["row_id", "pay", "age"],
    )
    expected = model.predict_proba(pd.DataFrame({"pay": [0.25, 1.5], "age": [30, 40]}))[:, 1]
    assert run.detector.score(batch).column("score").to_pylist() == pytest.approx(expected, abs=1e-12)
    run.detector.close()
