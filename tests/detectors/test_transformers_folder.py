"""What is in the folder of a text classifier is looked at before anything is loaded; torch is not needed for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from made.children import opened, plan_of
from made.transformers import looks_like_a_model

from audit.detectors.transformers_folder import check_folder
from audit.detectors.transformers_model import TransformersDetector
from audit.errors import DetectorError
from audit.plan.detectors import TransformersDetector as TransformersSection
from audit.scoring.runner import run_context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return looks_like_a_model(tmp_path / "model")


def refusal(folder: Path) -> DetectorError:
    with pytest.raises(DetectorError) as caught:
        check_folder(folder, "model")
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_folder_of_data_is_taken_and_its_digest_is_that_of_its_files(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "A.txt").write_text("a", encoding="utf-8")
    digest, files = check_folder(folder, "model")
    assert files == 3
    if shutil.which("sha256sum") is not None:
        line = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
        said = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True).stdout
        assert said.split()[0] == digest
    (folder / "sub" / "A.txt").write_text("b", encoding="utf-8")
    assert check_folder(folder, "model")[0] != digest


@pytest.mark.parametrize(
    "name",
    ["pytorch_model.bin", "x.pt", "sub/x.PKL", "training_args.bin", "modeling.py", "tf_model.h5", "a.so"],
)
def test_a_file_that_can_run_code_is_refused_wherever_it_lies(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    error = refusal(folder)
    assert error.slug == "transformers-code"
    assert name in str(error)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "content",
    [
        {"auto_map": {}},
        {"a": [{"b": {"auto_map": {"AutoModel": "x.Y"}}}]},
        {"attn_implementation": "owner/kernel"},
        {"text_config": {"_attn_implementation": {"": "owner/kernel@main:layer"}}},
        {"base_model_name_or_path": "another"},
        {"metadata": {}, "weight_map": {"a.weight": "model.safetensors", "b.weight": "../another.safetensors"}},
        {"transformers_weights": "/another.safetensors"},
        {"vocab_file": "vocab.txt"},
    ],
)
def test_a_model_that_asks_for_code_of_its_own_is_refused(folder: Path, file: str, content: object) -> None:
    (folder / file).write_text(json.dumps(content), encoding="utf-8")
    assert refusal(folder).slug == "transformers-code"


def test_a_configuration_of_files_of_the_folder_is_taken(folder: Path) -> None:
    weights = {"weight_map": {"a.weight": "model.safetensors"}, "transformers_weights": None}
    named = {"attn_implementation": "sdpa", "vocab_file": None, "model": {"vocab": {"tokenizer_file": 5}}}
    (folder / "index.json").write_text(json.dumps({**weights, **named}), encoding="utf-8")
    check_folder(folder, "model")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_configuration_that_cannot_be_read_is_refused(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert refusal(folder).slug == "transformers-folder"


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "weights.safetensors").write_bytes(b"")
    for target in (tmp_path / "elsewhere" / "weights.safetensors", tmp_path / "elsewhere", tmp_path / "nothing"):
        link = folder / "link"
        link.symlink_to(target)
        assert refusal(folder).slug == "detector-path"
        link.unlink()
    (folder / "sub").mkdir()
    (folder / "again").symlink_to("sub")
    assert refusal(folder).slug == "detector-path"


def test_a_folder_that_is_none_is_refused(tmp_path: Path, folder: Path) -> None:
    assert refusal(tmp_path / "nothing").slug == "detector-file"
    assert refusal(folder / "config.json").slug == "detector-file"
    (folder / "model.safetensors").unlink()
    assert refusal(folder).slug == "transformers-folder"


def test_it_is_never_opened_in_this_process(tmp_path: Path, folder: Path) -> None:
    section = {"kind": "transformers", "path": "model", "features": ["text"], "positive_class": "1"}
    plan = plan_of(section)
    assert isinstance(plan.detector, TransformersSection)
    with pytest.raises(DetectorError, match="only run in a process of its own"):
        TransformersDetector(plan.detector, tmp_path).open(run_context(plan.detector, plan.scoring, tmp_path))
    (folder / "pytorch_model.bin").write_bytes(b"")
    with (
        pytest.raises(DetectorError, match="can run code") as caught,
        opened(tmp_path, section, sandbox="none"),
    ):
        pass
    assert caught.value.slug == "transformers-code"


def test_the_plan_of_the_page_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "model-files.md").read_text(encoding="utf-8")
    part = page.partition("\n## A Hugging Face text classifier\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```toml\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL)
    assert TransformersSection.model_validate(tomllib.loads(block)["detector"]).positive_labels == ("labour", "sexual")
    assert "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum" in page


def test_one_column_of_text_and_a_class_are_needed() -> None:
    section = {"kind": "transformers", "path": "m", "features": ["a", "b"], "positive_class": "1", "threshold": 0.5}
    with pytest.raises(ValueError, match="one column of text"):
        TransformersSection.model_validate(section)
    one = TransformersSection.model_validate({**section, "features": ["a"], "positive_class": ["x", "y"]})
    assert one.positive_labels == ("x", "y")
    with pytest.raises(ValueError, match="write `positive_class`"):
        TransformersSection.model_validate({**section, "features": ["a"], "positive_class": None})
    with pytest.raises(ValueError, match="not with a level"):
        TransformersSection.model_validate(
            {**section, "features": ["a"], "answers": "ordinal", "score_range": [0, 2], "threshold": 1}
        )
    with pytest.raises(ValueError, match="positive_class"):
        TransformersSection.model_validate({**section, "features": ["a"], "positive_class": []})
