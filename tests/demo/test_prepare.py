"""The folder of the demonstration: whole, the same for the same seed, and never over someone's files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import skops.io

from audit.errors import StorageError
from audit.plan.detectors import SkopsDetector
from audit.plan.file.plan_file import load_plan
from audit.worlds.demo.detector import FEATURES, saved_detector, train_detector
from audit.worlds.demo.prepare import DEFAULT_SEED, make_cases, prepare_demo

FILES = {"README.txt", "detector.skops", "evaluation.parquet", "plan.toml", "planted.json", "training.parquet"}
IN_A_PROCESS = (
    "import sys; from pathlib import Path; "
    "from audit.worlds.demo.prepare import prepare_demo as p; p(Path(sys.argv[1]))"
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "made" / "deeper"
    prepared = prepare_demo(folder)
    assert prepared.folder == folder
    assert prepared.plan == folder / "plan.toml"
    assert prepared.seed == DEFAULT_SEED
    assert prepared.evaluation_cases == 20_000
    return folder


def test_the_folder_holds_what_the_readme_says(demo: Path) -> None:
    made = contents(demo)
    assert set(made) == FILES
    readme = made["README.txt"].decode()
    assert all(name in readme for name in FILES - {"README.txt"})
    assert pq.read_metadata(demo / "evaluation.parquet").num_rows == 20_000


def test_a_seed_gives_the_same_bytes_in_another_process(demo: Path, tmp_path: Path) -> None:
    surroundings = {"PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "1", "TZ": "Pacific/Apia", "LC_ALL": "C"}
    command = [sys.executable, "-c", IN_A_PROCESS, str(tmp_path / "again")]
    subprocess.run(command, check=True, env=os.environ | surroundings, timeout=240)
    assert contents(tmp_path / "again") == contents(demo)


def test_another_seed_gives_other_cases_and_another_detector(demo: Path, tmp_path: Path) -> None:
    prepare_demo(tmp_path, seed=DEFAULT_SEED + 1)
    other = contents(tmp_path)
    differing = {name for name, content in contents(demo).items() if content != other[name]}
    assert differing == {"detector.skops", "evaluation.parquet", "planted.json", "training.parquet"}


def test_the_plan_withholds_gender_and_nationality(demo: Path) -> None:
    plan = load_plan(demo / "plan.toml")
    assert isinstance(plan.detector, SkopsDetector)
    assert plan.detector.features == FEATURES
    sensitive = {feature.column for feature in plan.groups.values()} | {plan.evaluation_set.label}
    assert not sensitive & set(plan.detector.features)
    columns = set(pq.read_schema(demo / "evaluation.parquet").names)
    assert {*plan.detector.features, *sensitive, plan.evaluation_set.id} <= columns


def test_training_and_evaluation_share_no_case() -> None:
    evaluation, training = make_cases(DEFAULT_SEED)
    assert not set(evaluation["case_id"].to_pylist()) & set(training["case_id"].to_pylist())
    head = [table.drop_columns("case_id").slice(0, 1_000) for table in (evaluation, training)]
    assert not head[0].equals(head[1])


def test_the_saved_detector_is_the_trained_one_without_addresses_or_times() -> None:
    evaluation, training = make_cases(1)
    model = train_detector(training)
    saved = saved_detector(model)
    loaded = skops.io.loads(saved, trusted=["numpy.dtype"])
    signs = evaluation.select(FEATURES).slice(0, 500).to_pandas().astype("float64")
    assert np.array_equal(loaded.predict_proba(signs), model.predict_proba(signs))
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        arrays = sorted(name for name in archive.namelist() if name != "schema.json")
        assert all(int(name.removesuffix(".npy")) < 1_000 for name in arrays)
        assert str(id(model)) not in archive.read("schema.json").decode()


def test_a_demonstration_can_be_made_again_in_its_own_folder(tmp_path: Path) -> None:
    prepare_demo(tmp_path, seed=3)
    (tmp_path / "audit-out").mkdir()
    prepare_demo(tmp_path, seed=4)
    assert json.loads((tmp_path / "planted.json").read_text(encoding="utf-8"))["seed"] == 4
    assert set(contents_names(tmp_path)) == FILES | {"audit-out"}


def contents_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_it_is_not_made_over_other_files(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="not empty and was not made by a demonstration") as caught:
        prepare_demo(tmp_path)
    assert caught.value.slug == "demo-folder"
    assert contents(tmp_path) == {"plan.toml": b"mine"}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="could not be written") as caught:
        prepare_demo(tmp_path / "file" / "demo")
    assert caught.value.slug == "storage-failed"
    assert "\n" not in str(caught.value)
