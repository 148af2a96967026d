"""What may not be loaded is not loaded: pickles, types off the list, crafted trees, damaged files."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from audit.detectors.protocol import RunContext
from audit.detectors.skops_model import SkopsDetector
from audit.detectors.skops_types import ALLOWED, check_trees
from audit.errors import DetectorError
from audit.plan.detectors import SkopsDetector as SkopsSection

RNG = np.random.default_rng(7)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)


def load(path: Path, trusted: tuple[str, ...] = ()) -> SkopsDetector:
    section = SkopsSection(kind="skops", path=Path(path.name), features=("a", "b", "c"), threshold=0.5, trusted=trusted)
    detector = SkopsDetector(section, path.parent)
    try:
        detector.open(RunContext(path.parent, section.features, "score", (0.0, 1.0), 10))
    finally:
        detector.close()
    return detector


def refusal(path: Path, trusted: tuple[str, ...] = ()) -> DetectorError:
    with pytest.raises(DetectorError) as caught:
        load(path, trusted)
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


class Marks:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (os.mkdir, (str(self.marker),))


def with_joblib(thing: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(thing, buffer, **options)
    return buffer.getvalue()


def torch_like(thing: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(thing))
    return buffer.getvalue()


PICKLES: dict[str, Callable[[Any], bytes]] = {
    **{f"pickle{protocol}": lambda thing, p=protocol: pickle.dumps(thing, p) for protocol in range(6)},  # type: ignore[misc]
    "gzip": lambda thing: gzip.compress(pickle.dumps(thing)),
    "bz2": lambda thing: bz2.compress(pickle.dumps(thing)),
    "xz": lambda thing: lzma.compress(pickle.dumps(thing)),
    "lzma": lambda thing: lzma.compress(pickle.dumps(thing), lzma.FORMAT_ALONE),
    "zlib": lambda thing: zlib.compress(pickle.dumps(thing)),
    "joblib": with_joblib,
    "joblib-zlib": lambda thing: with_joblib(thing, compress=3),
    "joblib-lzma": lambda thing: with_joblib(thing, compress=("lzma", 3)),
    "torch": torch_like,
}


@pytest.mark.parametrize("suffix", [".skops", ".pkl", ".joblib", ""])
@pytest.mark.parametrize("how", PICKLES)
def test_a_pickle_is_refused_and_never_opened(tmp_path: Path, how: str, suffix: str) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / f"model{suffix}"
    path.write_bytes(PICKLES[how](Marks(marker)))
    error = refusal(path)
    assert "runs code when loaded" in error.message
    assert 'skops.io.dump(model, "model.skops")' in error.hint
    assert not marker.exists()


def test_the_marker_would_have_been_made(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Marks(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


def test_a_skops_file_named_like_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    skops.io.dump(LogisticRegression().fit(X, Y), path)
    assert "runs code when loaded" in refusal(path).message


def saved(folder: Path, thing: Any) -> Path:
    path = folder / "model.skops"
    skops.io.dump(thing, path)
    return path


def test_a_type_off_the_list_is_named_and_what_to_write(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path, KNeighborsClassifier().fit(X, Y)))
    assert "sklearn.neighbors._kd_tree.KDTree" in error.message
    assert error.hint.startswith("read what they do; if they may run here, write trusted = [")


def test_a_type_that_the_plan_trusts_is_loaded_and_noted(tmp_path: Path) -> None:
    trusted = ("sklearn.neighbors._kd_tree.KDTree", "sklearn.metrics._dist_metrics.EuclideanDistance64")
    path = saved(tmp_path, KNeighborsClassifier().fit(X, Y))
    assert "EuclideanDistance64" in refusal(path, trusted[:1]).message
    assert any("Types trusted by the plan" in note and "KDTree" in note for note in load(path, trusted).info.notes)


@pytest.mark.parametrize("function", [os.system, eval, pickle.loads])
def test_a_function_that_runs_code_is_refused(tmp_path: Path, function: Any) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    model = make_pipeline(FunctionTransformer(function), LogisticRegression())
    path = saved(tmp_path, model)
    assert "types that are not on the allow-list" in refusal(path).message


def test_a_type_name_that_is_none_is_not_repeated(tmp_path: Path) -> None:
    path = saved(tmp_path, KNeighborsClassifier().fit(X, Y))
    rewritten = tmp_path / "rewritten.skops"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(rewritten, "w") as new:
        for member in old.namelist():
            content = old.read(member).replace(b'"KDTree"', b'"canary <b>\\n"')
            new.writestr(member, content)
    error = refusal(rewritten)
    assert "canary" not in str(error)


def test_nothing_on_the_list_can_run_code() -> None:
    assert all(name.startswith("sklearn.") for name in ALLOWED - {"numpy.dtype", "functools.partial"})


def test_a_partial_of_a_function_off_the_list_is_refused(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    path = saved(tmp_path, FunctionTransformer(functools.partial(os.system, "true")))
    assert "system" in refusal(path).message


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 64, b"hello", b"\x93NUMPY", b"{}"],
    ids=["empty", "start", "zeros", "text", "npy", "json"],
)
def test_what_is_no_skops_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    assert "is not a skops file, or is damaged" in refusal(path).message


@pytest.mark.parametrize(
    "members",
    [
        {"other.json": "{}"},
        {"schema.json": "{"},
        {"schema.json": "[" * 100_000},
        {"schema.json": "[]"},
        {"schema.json": "{}"},
        {"schema.json": '{"__class__": "int", "__module__": "builtins", "__loader__": "JsonNode"}'},
        {"schema.json": '{"protocol": 2, "__class__": 1, "__module__": 2, "__loader__": 3}'},
    ],
    ids=range(7),
)
def test_a_damaged_archive_is_refused(tmp_path: Path, members: dict[str, str]) -> None:
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    message = refusal(path).message
    assert "is not a skops file, or is damaged" in message or "cannot be loaded" in message


def test_every_truncation_and_many_flips_are_refused_or_load_the_same(tmp_path: Path) -> None:
    path = saved(tmp_path, LogisticRegression().fit(X, Y))
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:size])
        refusal(path)
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        path.write_bytes(bytes(flipped))
        try:
            load(path)
        except DetectorError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.skops").message == "no model file absent.skops"
    (tmp_path / "folder.skops").mkdir()
    assert "cannot be read (IsADirectoryError)" in refusal(tmp_path / "folder.skops").message


def tampered_tree(tree: Any, field: str, value: int) -> Any:
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    place = int(np.flatnonzero(nodes["left_child"] != -1)[0])
    nodes[field][place] = value
    tree.__setstate__({**state, "nodes": nodes})
    return tree


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 10**6), ("right_child", 10**6), ("left_child", 0), ("right_child", -7), ("feature", 3)],
)
@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(3, random_state=0),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_crafted_tree_is_refused(tmp_path: Path, model: Any, field: str, value: int) -> None:
    model.fit(X, Y)
    check_trees(model, "model.skops")
    trees = [model] if isinstance(model, DecisionTreeClassifier) else list(np.asarray(model.estimators_).flat)
    tampered_tree(trees[-1].tree_, field, value)
    path = saved(tmp_path, model)
    assert "nodes that point where nothing is" in refusal(path).message


def test_a_tree_that_needs_more_columns_than_its_forest_is_refused(tmp_path: Path) -> None:
    model = RandomForestClassifier(3, random_state=0).fit(X, Y)
    wide = RandomForestClassifier(3, random_state=0).fit(np.c_[np.zeros((120, 5)), X], Y)
    model.estimators_[1] = wide.estimators_[1]
    path = saved(tmp_path, model)
    assert "nodes that point where nothing is" in refusal(path).message


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 10**6), ("right", 0), ("feature_idx", 3), ("feature_idx", -1), ("is_categorical", 1)],
)
def test_a_crafted_booster_is_refused(tmp_path: Path, field: str, value: int) -> None:
    model = HistGradientBoostingClassifier(max_iter=3).fit(X, Y)
    check_trees(model, "model.skops")
    nodes = model._predictors[1][0].nodes
    nodes[field][int(np.flatnonzero(nodes["is_leaf"] == 0)[0])] = value
    path = saved(tmp_path, model)
    assert "nodes that point where nothing is" in refusal(path).message


def test_a_crafted_category_is_refused(tmp_path: Path) -> None:
    table = np.c_[RNG.integers(0, 6, 120), X[:, 1:]]
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features=[0], min_samples_leaf=2)
    model.fit(table, np.isin(table[:, 0], [1, 4]))
    check_trees(model, "model.skops")
    nodes = model._predictors[0][0].nodes
    categorical = np.flatnonzero((nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 1))
    nodes["bitset_idx"][categorical[0]] = 900
    path = saved(tmp_path, model)
    assert "nodes that point where nothing is" in refusal(path).message


def test_a_trusted_type_that_is_not_installed(tmp_path: Path) -> None:
    path = saved(tmp_path, LogisticRegression().fit(X, Y))
    elsewhere = tmp_path / "elsewhere.skops"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(elsewhere, "w") as new:
        for member in old.namelist():
            new.writestr(member, old.read(member).replace(b"sklearn.linear_model._logistic", b"not_installed_here"))
    error = refusal(elsewhere, ("not_installed_here.LogisticRegression",))
    assert "from a module that is not installed here" in error.message
