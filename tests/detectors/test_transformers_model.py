"""`kind = "transformers"`: a real model, made here with random weights, answers as it does where it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from made.children import opened, plan_of
from made.transformers import LABELS, save_model

from audit.detectors.isolation.options import Isolating, Sandbox
from audit.detectors.isolation.placement import place_detector
from audit.detectors.protocol import Detector
from audit.detectors.testing import check_detector
from audit.errors import DetectorError

torch = pytest.importorskip("torch", reason="the extra transformers is not installed")
transformers = pytest.importorskip("transformers", reason="the extra transformers is not installed")

SECTION = {"kind": "transformers", "path": "model", "features": ["text"], "positive_class": ["labour", "sexual"]}
TEXTS = ["the passport will be kept", "waiter wanted", None, "we paid " * 40, "", "passports", "é 🂡", "be be be"]
BATCH = pa.record_batch({"row_id": pa.array(range(len(TEXTS)), pa.int64()), "text": TEXTS})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("transformers")
    return folder, save_model(folder / "model")


def expected(model: Any, folder: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The shares of all classes, one text after the other, as the manual of transformers would have it."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    shares = []
    for text in TEXTS:
        given = tokenizer(text or "", truncation=True, max_length=32, return_tensors="pt")
        with torch.inference_mode():
            shares.append(model(**given).logits.softmax(-1)[0].double().numpy())
    return np.array(shares)


def scores(detector: Detector, batch: pa.RecordBatch = BATCH) -> list[float | None]:
    found: list[float | None] = detector.score(batch).column("score").to_pylist()
    return found


def test_it_answers_as_where_it_was_made(made: tuple[Path, Any]) -> None:
    folder, model = made
    shares = expected(model, folder)
    assert np.ptp(shares[:, 0]) > 0.05, "the model tells the texts apart"
    with opened(folder, {**SECTION, "rows_at_once": 3}) as detector:
        first = scores(detector)
        assert scores(detector) == first, "bit by bit"
        info = detector.info
    assert np.allclose(np.array(first, dtype=float), shares[:, 1:].sum(axis=1), atol=1e-6)
    assert info.digest_is_whole
    assert any("2 of the 16 texts" in note and "32 tokens" in note for note in info.course)
    assert any("a text without a word: 2" in note for note in info.course)
    with opened(folder, {**SECTION, "positive_class": "LABOUR", "max_length": 8}, sandbox="none") as detector:
        one = scores(detector)
        notes = detector.info.course
    assert np.allclose(np.array(one, dtype=float)[:2], shares[:2, 1], atol=1e-6)
    assert any("8 tokens" in note for note in notes)


def test_it_decides_as_its_highest_output(made: tuple[Path, Any]) -> None:
    folder, model = made
    section = {**SECTION, "positive_class": LABELS[0], "answers": "decision", "threshold": None}
    with opened(folder, section) as detector:
        decided = scores(detector)
    assert decided == (expected(model, folder).argmax(axis=1) == 0).astype(float).tolist()


def test_it_names_the_class_of_its_highest_output(made: tuple[Path, Any]) -> None:
    folder, model = made
    section = {
        "kind": "transformers",
        "path": "model",
        "features": ["text"],
        "answers": "class",
        "classes": ["none of them", *LABELS],
        "positive_classes": LABELS[1:],
        "threshold": None,
    }
    with opened(folder, section) as detector:
        named = scores(detector)
    assert named == (expected(model, folder).argmax(axis=1) + 1).astype(float).tolist()
    with (
        pytest.raises(DetectorError, match="classes that the plan does not list"),
        opened(folder, {**section, "classes": ["none of them", *LABELS[1:]]}),
    ):
        pass


def test_outputs_that_are_no_numbers_are_no_answer(tmp_path: Path) -> None:
    model = save_model(tmp_path / "model")
    with torch.no_grad():
        model.classifier.bias.fill_(float("nan"))
    model.save_pretrained(tmp_path / "model")
    with opened(tmp_path, SECTION) as detector:
        answer = detector.score(BATCH)
        assert set(answer.column("reason").to_pylist()) == {"not_finite"}
    decides = {**SECTION, "answers": "decision", "threshold": None}
    names = {key: value for key, value in decides.items() if key != "positive_class"}
    names |= {"answers": "class", "classes": list(LABELS), "positive_classes": [LABELS[-1]]}
    for section, reason in ((decides, "not_a_decision"), (names, "unknown_class")):
        with opened(tmp_path, section) as detector:
            assert set(detector.score(BATCH).column("reason").to_pylist()) == {reason}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such class": ({"positive_class": "trafficking"}, "detector-positive-class"),
    "every class": ({"positive_class": LABELS}, "transformers-classes"),
    "longer than it can take": ({"max_length": 64}, "transformers-length"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_plan_asks_and_the_model_cannot_is_refused(made: tuple[Path, Any], what: str) -> None:
    section, slug = REFUSED[what]
    with pytest.raises(DetectorError) as caught, opened(made[0], {**SECTION, **section}):
        pass
    assert caught.value.slug == slug


def test_a_model_whose_head_would_be_random_is_refused(tmp_path: Path) -> None:
    """transformers fills what is missing with random numbers and goes on."""
    from safetensors.torch import load_file, save_file

    save_model(tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    body = {name: weight for name, weight in weights.items() if not name.startswith("classifier")}
    assert len(body) < len(weights)
    save_file(body, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DetectorError, match="random numbers"), opened(tmp_path, SECTION):
        pass


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"problem_type": "multi_label_classification"}, "transformers-classes"),
        ({"model_type": "no_such_model"}, "transformers-load"),
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, change: dict[str, Any], slug: str) -> None:
    save_model(tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    shown = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**shown, **change}), encoding="utf-8")
    with pytest.raises(DetectorError) as caught, opened(tmp_path, SECTION):
        pass
    assert caught.value.slug == slug


def test_damaged_weights_are_one_line(tmp_path: Path) -> None:
    save_model(tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(DetectorError) as caught, opened(tmp_path, SECTION):
        pass
    assert caught.value.slug == "transformers-load"
    assert "\n" not in str(caught.value)


def test_a_column_of_numbers_is_refused(made: tuple[Path, Any]) -> None:
    batch = pa.record_batch({"row_id": pa.array([0], pa.int64()), "text": [1.5]})
    with opened(made[0], SECTION) as detector, pytest.raises(DetectorError, match="transformers-no-text"):
        detector.score(batch)


def test_it_keeps_every_promise(made: tuple[Path, Any]) -> None:
    folder, _ = made
    plan = plan_of(SECTION)

    def make() -> Detector:
        return cast("Detector", place_detector(plan, folder, Isolating(Sandbox.AUTO)))

    report = check_detector(make, {"text": TEXTS}, folder=folder, tolerance=1e-6)
    assert {finding.outcome for finding in report.findings} <= {"kept", "not tested"}
