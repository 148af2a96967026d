"""Model folders that a stranger wrote: what runs code is refused before anything runs, and paths stay in the folder."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import skops.io
import yaml
from hypothesis import given
from hypothesis import strategies as st
from made.entry_points import offered_by_this_version
from made.mlflow import CASES, LABELS, ROWS, Audited, pipeline
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.detectors.mlflow_description import read_description
from audit.detectors.mlflow_yaml import LARGEST, NotPlainError, read_plain_yaml
from audit.detectors.model_folder import ModelFolder
from audit.errors import AuditError, DetectorError
from audit.plan.file.plan_file import parse_plan

FEATURES = ("country", "pay", "age")
COLUMNS = [{"type": "string", "name": "country"}, {"type": "double", "name": "pay"}, {"type": "long", "name": "age"}]
DESCRIPTION: dict[str, Any] = {
    "flavors": {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.skops", "predict_fn": "predict"},
        "sklearn": {"code": None, "pickled_model": "model.skops", "serialization_format": "skops"},
    },
    "mlflow_version": "3.17.2",
    "signature": {"inputs": json.dumps(COLUMNS), "outputs": None, "params": None},
}
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def content() -> bytes:
    return bytes(skops.io.dumps(pipeline()))


@pytest.fixture
def model(tmp_path: Path, content: bytes) -> Path:
    """A folder as MLflow writes it, with the least that it needs."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.skops").write_bytes(content)
    describe(folder, lambda _: None)
    return folder


def describe(folder: Path, change: Change) -> None:
    said = json.loads(json.dumps(DESCRIPTION))
    change(said)
    (folder / "MLmodel").write_text(yaml.safe_dump(said), encoding="utf-8")


def set_at(*path: str, value: Any) -> Change:
    def change(said: dict[str, Any]) -> None:
        for key in path[:-1]:
            said = said[key]
        said[path[-1]] = value

    return change


def test_the_folder_that_the_others_are_made_of_is_accepted(model: Path) -> None:
    assert len(set(Audited(model, FEATURES).scores(CASES))) > 10


# What runs code.


class Marks:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


def test_the_marker_does_appear_where_the_pickle_is_loaded(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Marks(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


def disguises(folder: Path, marker: Path) -> dict[str, Callable[[], None]]:
    """Ways to have a pickle, or code, in a folder."""
    bad = pickle.dumps(Marks(marker))
    sk, served = ("flavors", "sklearn"), ("flavors", "python_function")

    def only_python() -> None:
        (folder / "python_model").write_bytes(bad)
        describe(
            folder,
            set_at(
                "flavors",
                value={"python_function": {"loader_module": "mlflow.pyfunc.model", "python_model": "python_model"}},
            ),
        )

    def a_module() -> None:
        (folder / "code").mkdir()
        (folder / "code" / "loads.py").write_text(f"open({str(marker)!r}, 'w')\n", encoding="utf-8")
        describe(folder, set_at(*served, value={"loader_module": "loads", "code": "code"}))

    def named_skops() -> None:
        (folder / "model.skops").write_bytes(bad)

    def named_onnx() -> None:
        (folder / "model.onnx").write_bytes(bad)
        describe(folder, set_at("flavors", value={"onnx": {"data": "model.onnx"}}))

    def said_to_be_pickle() -> None:
        (folder / "model.bin").write_bytes(bad)
        describe(folder, set_at(*sk, value={"pickled_model": "model.bin", "serialization_format": "cloudpickle"}))

    def beside_it() -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "steps.PKL").write_bytes(bad)

    return {one.__name__: one for one in (only_python, a_module, named_skops, named_onnx, said_to_be_pickle, beside_it)}


PLAN = """
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "hotline-triage"
route = "services"
[detector]
kind = "mlflow"
path = "model"
features = ["country", "pay", "age"]
threshold = 0.5
[evaluation_set]
path = "set.csv"
id = "case_id"
label = "exploited"
label_source = "made for a test"
numbers = ["pay", "age"]
[groups.gender]
column = "gender"
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""


@pytest.fixture
def plan(model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(offered_by_this_version(model.parent / "site")))
    rows = CASES.assign(case_id=range(ROWS), exploited=LABELS, gender=["woman", "man"] * (ROWS // 2))
    rows.to_csv(model.parent / "set.csv", index=False)
    (model.parent / "plan.toml").write_text(PLAN, encoding="utf-8")
    return model.parent / "plan.toml"


def command(name: str, plan: Path) -> tuple[int, str]:
    out = ["--out", str(plan.parent / f"out-{name}")] if name == "run" else []
    done = CliRunner().invoke(app, [name, str(plan), *out])
    return done.exit_code, done.output


@pytest.mark.usefixtures("warm_children")
def test_the_commands_do_run_the_model_where_it_is_sound(plan: Path) -> None:
    assert command("gate", plan)[0] in (0, 1, 3)


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize(
    ("disguise", "slug"),
    [
        ("only_python", "detector-pickle"),
        ("a_module", "detector-code"),
        ("named_skops", "detector-pickle"),
        ("named_onnx", "detector-not-onnx"),
        ("said_to_be_pickle", "detector-pickle"),
        ("beside_it", "detector-pickle"),
    ],
)
def test_no_command_runs_what_is_in_the_folder(plan: Path, model: Path, disguise: str, slug: str) -> None:
    marker = model.parent / "marker"
    disguises(model, marker)[disguise]()
    command("check", plan)
    assert not marker.exists()
    for name in ("run", "gate"):
        code, said = command(name, plan)
        assert code == 4, said
        assert "model" in said
        assert not marker.exists()
    assert Audited(model, FEATURES).refusal().slug == slug
    assert not marker.exists()


@pytest.mark.parametrize(
    ("change", "slug", "words"),
    [
        (set_at("flavors", "sklearn", "serialization_format", value=None), "detector-pickle", "takes for pickle"),
        (set_at("flavors", "sklearn", "serialization_format", value="pickle"), "detector-pickle", "saved as pickle"),
        (set_at("flavors", "sklearn", "serialization_format", value=["skops"]), "detector-pickle", "is saved"),
        (set_at("flavors", "sklearn", "code", value="code"), "detector-code", "(sklearn: code)"),
        (set_at("flavors", "python_function", "model_code_path", value="m.py"), "detector-code", "model_code_path"),
        (set_at("flavors", "python_function", "python_model", value="m"), "detector-pickle", "python_model"),
        (set_at("flavors", "python_function", "loader_module", value="own.x"), "detector-code", "what own.x loads"),
        (set_at("flavors", "python_function", "loader_module", value=None), "detector-code", "what nothing loads"),
        (set_at("flavors", "python_function", "model_path", value="MLmodel"), "detector-path", "another file"),
        (set_at("flavors", "python_function", "data", value="other"), "detector-path", "python_function: data"),
        (set_at("flavors", "xgboost", value={"data": "m.json"}), "detector-flavour", "sklearn, xgboost"),
        (set_at("flavors", value={"xgboost": {}}), "detector-flavour", "the flavour is xgboost"),
        (set_at("flavors", value={"onnx": {}, "sklearn": {}}), "detector-flavour", "onnx, sklearn"),
        (set_at("flavors", value={}), "detector-mlflow", "names no flavours"),
        (set_at("flavors", value="sklearn"), "detector-mlflow", "names no flavours"),
        (set_at("flavors", value={"sklearn": "x"}), "detector-mlflow", "a flavour is no table"),
        (set_at("flavors", value={"a" * 500 + "\n": {}}), "detector-flavour", "…"),
        (set_at("signature", value="x"), "detector-mlflow", "no list of inputs"),
        (set_at("signature", "inputs", value="["), "detector-mlflow", "no list of inputs"),
        (set_at("signature", "inputs", value="[" * 100_000), "detector-mlflow", "no list of inputs"),
        (set_at("signature", "inputs", value="[]"), "detector-mlflow", "no list of inputs"),
        (set_at("signature", "inputs", value='[{"type": "array", "name": "a"}]'), "detector-inputs", "type array"),
        (set_at("signature", "inputs", value='[{"type": {}, "name": "a"}]'), "detector-inputs", "type none"),
    ],
)
def test_each_refusal_says_what_was_found(model: Path, change: Change, slug: str, words: str) -> None:
    describe(model, change)
    error = Audited(model, FEATURES).refusal()
    assert error.slug == slug
    assert error.message.startswith("model/MLmodel")
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize(
    "inputs",
    [
        [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": shape}}]
        for shape in ([-1, 0], [3, 3], [-1, 2, 2], [], None, [-1, "2"], [-1, True], [-1, 10**9])
    ]
    + [
        [{"type": "tensor", "tensor-spec": {"dtype": "complex64", "shape": [-1, 3]}}],
        [{"type": "tensor", "tensor-spec": 1}],
        [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 2]}, "name": "a"}, *COLUMNS[:1]],
        [{"type": "double", "name": "a"}, {"type": "double"}],
        [{"type": "double", "name": "a"}, {"type": "double", "name": "a"}],
    ],
)
def test_a_signature_that_fits_no_columns_is_refused(model: Path, inputs: list[Any]) -> None:
    describe(model, set_at("signature", "inputs", value=json.dumps(inputs)))
    assert Audited(model, FEATURES).refusal().slug in ("detector-inputs", "detector-mlflow")


def test_arrays_with_names_are_columns(model: Path) -> None:
    spec = {"dtype": "float64", "shape": [-1, 1]}
    inputs = [{"type": "tensor", "name": name, "tensor-spec": spec} for name in ("pay", "age")]
    text = {"type": "tensor", "name": "country", "tensor-spec": {"dtype": "object", "shape": [-1]}}
    describe(model, set_at("signature", "inputs", value=json.dumps([*inputs, text])))
    assert Audited(model, FEATURES).scores(CASES)
    assert Audited(model, FEATURES[:2]).refusal().slug == "detector-columns"


# Paths.


@pytest.mark.parametrize(
    "written",
    ["../outside.skops", "/etc/passwd", "./model.skops", "sub/../model.skops", "..\\outside.skops", "", None, ["x"]],
)
def test_only_a_file_of_the_folder_is_read(model: Path, content: bytes, written: Any) -> None:
    (model.parent / "outside.skops").write_bytes(content)
    absolute = str(model.parent / "outside.skops") if written == "/etc/passwd" else written

    def change(said: dict[str, Any]) -> None:
        said["flavors"]["sklearn"]["pickled_model"] = absolute
        said["flavors"]["python_function"]["model_path"] = None

    describe(model, change)
    error = Audited(model, FEATURES).refusal()
    assert error.slug == "detector-path"
    assert "names a model file that is not in the folder" in error.message


@pytest.mark.parametrize("where", ["model.skops", "notes.txt", "data"])
def test_links_are_not_followed(model: Path, content: bytes, where: str) -> None:
    target = model.parent / ("folder" if where == "data" else "outside.skops")
    if where == "data":
        target.mkdir()
    else:
        target.write_bytes(content)
    (model / where).unlink(missing_ok=True)
    (model / where).symlink_to(target)
    error = Audited(model, FEATURES).refusal()
    assert error.slug == "detector-path"
    assert error.message == f"model/{where} is a link, and those are not followed"


def test_a_pipe_or_a_name_that_cannot_be_shown_is_refused(model: Path) -> None:
    os.mkfifo(model / "pipe")
    assert "is a pipe or a device" in Audited(model, FEATURES).refusal().message
    (model / "pipe").unlink()
    (model / "a\nb").write_text("", encoding="utf-8")
    assert "a?b" in Audited(model, FEATURES).refusal().message


def test_no_folder_no_description(model: Path) -> None:
    assert Audited(model.parent / "nowhere", FEATURES).refusal().message == "no model folder nowhere"
    (model.parent / "file").write_text("", encoding="utf-8")
    assert Audited(model.parent / "file", FEATURES).refusal().message == "file is no folder"
    (model / "MLmodel").unlink()
    assert Audited(model, FEATURES).refusal().message == "model holds no file MLmodel"


@pytest.mark.parametrize("path", ["runs:/1/model", "models:/screener/3", "s3://bucket/model", "https://host/model"])
def test_an_address_is_refused_in_the_plan(path: str) -> None:
    with pytest.raises(AuditError, match="names a folder on this machine; download the model first") as caught:
        parse_plan(PLAN.replace('path = "model"', f'path = "{path}"'), folder=Path())
    assert "detector" in str(caught.value)


def test_a_file_that_changes_while_it_is_read_is_found(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model, or its description, is exchanged between two looks at it."""
    from audit.detectors.model_folder import ModelFolder

    real = ModelFolder.digest
    for file in ("MLmodel", "model.skops"):
        before = (model / file).read_bytes()

        def exchanged(self: ModelFolder, file: str = file) -> str:
            if file == "MLmodel":
                (model / file).write_bytes((model / file).read_bytes() + b"\n")
                return real(self)
            said = real(self)
            other = pipeline().set_params(logisticregression__C=0.1).fit(CASES, LABELS)
            skops.io.dump(other, model / file)
            return said

        monkeypatch.setattr(ModelFolder, "digest", exchanged)
        error = Audited(model, FEATURES).refusal()
        assert error.message == f"model/{file} changed while it was read"
        (model / file).write_bytes(before)


# Hostile text.


def test_what_the_folder_says_is_shown_on_one_line_and_bounded(model: Path) -> None:
    hostile = "\x1b[31m\n" + "x" * 5000

    def change(said: dict[str, Any]) -> None:
        said["mlflow_version"] = hostile
        said["flavors"]["sklearn"]["skops_trusted_types"] = ["\x1b\n" + "x" * 200] * 500

    describe(model, change)
    notes = " ".join(Audited(model, FEATURES).info().notes)
    assert notes.isprintable()
    assert "and 490 more" in notes
    assert len(notes) < 2500
    for path in (("flavors", "sklearn", "serialization_format"), ("flavors", "python_function", "loader_module")):
        describe(model, set_at(*path, value=hostile))
        assert str(Audited(model, FEATURES).refusal()).isprintable()


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_description_is_one_line_or_the_same_model(model: Path, seed: int) -> None:
    """Bytes changed, lost, doubled or put in, as damage or malice does it."""
    sound, rng = (model / "MLmodel").read_bytes(), random.Random(seed)
    refusals = []
    for _ in range(60):
        content = bytearray(sound)
        for _ in range(rng.randint(1, 3)):
            at, what = rng.randrange(len(content)), rng.randrange(4)
            if what == 0:
                content[at] = rng.choice(b"[]{}:,'\"&*!-\n \x00\xffa0")
            elif what == 1:
                del content[at : at + rng.randint(1, 40)]
            elif what == 2:
                content[at:at] = content[at : at + rng.randint(1, 40)]
            else:
                content[at:at] = rng.choice([b"null", b"../", b"{}", b"[[", b"\n  code: x\n", b"!!int ", b"<<: "])
        (model / "MLmodel").write_bytes(content)
        try:
            description = read_description(ModelFolder(model, "model", "MLmodel"))
        except DetectorError as error:
            refusals.append(str(error))
        else:
            assert (description.flavour, description.file) == ("sklearn", "model.skops")
    assert 20 <= len(refusals) < 60
    assert all(text.isprintable() for text in refusals)


BOMB = "a: &a [x,x]\nb: &b [*a,*a]\nflavors: [*b,*b]\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "it uses an alias (*)"),
        ("a: !!python/object/apply:os.system ['true']", "it uses a tag (!)"),
        ("a: !!binary aGk=", "it uses a tag (!)"),
        ("<<: {a: b}", "it uses <<"),
        ("a: 1\na: 2", "a key stands twice in a table"),
        ("? [a]\n: b", "a key is no text"),
        ("~: b", "a key is no text"),
        ("a: b\n---\nc: d", "it is not one document"),
        ("", "it is not one document"),
        ("a: [", "it is no YAML"),
        ("a: \x01", "it is no YAML"),
        ("- a", "it is no table"),
        ("[" * 30 + "]" * 30, "it is nested more than 20 deep"),
        ("[" + "a," * 30_000 + "]", "it holds more than 20,000 values"),
    ],
)
def test_yaml_that_is_more_than_text_is_refused(model: Path, text: str, why: str) -> None:
    (model / "MLmodel").write_text(text, encoding="utf-8")
    error = Audited(model, FEATURES).refusal()
    assert (error.slug, error.message) == ("detector-mlflow", f"model/MLmodel cannot be read: {why}")


@pytest.mark.parametrize("text", ["[" * LARGEST, "- " * LARGEST, "a:\n" * LARGEST, "1:" * LARGEST, "{a: " * LARGEST])
def test_a_bomb_takes_no_time(text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(NotPlainError):
        read_plain_yaml(text.encode()[: LARGEST - 1])
    assert time.process_time() - began < 5


def test_a_description_that_is_too_large_or_no_text_is_refused(model: Path) -> None:
    (model / "MLmodel").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in Audited(model, FEATURES).refusal().message
    (model / "MLmodel").write_bytes(b"#" * (LARGEST + 1))
    assert Audited(model, FEATURES).refusal().slug == "detector-too-large"


WORDS = ["null", "~", "", "no", "1", "1:30", "2026-11-25", "<<", "=", "*a", "!x", "\n", "\u2028", "Ñandú"]
TEXTS = st.text("a1:-#'\"\n ñ", max_size=8) | st.sampled_from(WORDS)
PLAIN = st.recursive(
    st.none() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_yaml_wrote_is_read_back(value: Any) -> None:
    assert read_plain_yaml(yaml.safe_dump(value, allow_unicode=True).encode()) == value


@given(st.text(alphabet="ab:- \n[]{},&*!|>\"'#?%~<=1", max_size=40))
def test_what_is_accepted_is_what_yaml_reads(text: str) -> None:
    try:
        read = read_plain_yaml(text.encode())
    except NotPlainError:
        return

    def as_text(value: Any) -> Any:
        if isinstance(value, dict):
            return {as_text(key): as_text(inner) for key, inner in value.items()}
        return [as_text(inner) for inner in value] if isinstance(value, list) else value

    def without_nulls(value: Any, like: Any) -> Any:
        if like is None:
            return None if value in ("", "~", "null", "Null", "NULL") else value
        if isinstance(like, dict) and isinstance(value, dict):
            return {key: without_nulls(inner, like.get(key, "")) for key, inner in value.items()}
        if isinstance(like, list) and isinstance(value, list) and len(like) == len(value):
            return [without_nulls(inner, other) for inner, other in zip(value, like, strict=True)]
        return value

    assert without_nulls(as_text(yaml.load(text, Loader=yaml.BaseLoader)), read) == read
