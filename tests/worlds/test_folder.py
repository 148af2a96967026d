"""The folder of a world: the same bytes for a seed, written whole or not at all, and ready for an audit."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made.worlds import everything, mechanism, scored

from audit import load_plan
from audit.errors import AuditError, StorageError
from audit.worlds import folder as module
from audit.worlds.folder import Synthesised, companion_files, synthesise
from audit.worlds.rows import BLOCK
from audit.worlds.set_file import DataFormat
from audit.worlds.strengths import WORLDS, PlantingError, findings_asked, plant
from audit.worlds.world import WorldName

FILES = {"README.txt", "detector.py", "plan.toml", "reference.csv", "truth.json"}
DIGESTS: dict[WorldName, str] = {
    "adverts": "944ca2800ebb7ef12d4ef9e1e5ae7e276e234047b8cb8cc03114917e762bc985",
    "triage": "9e924396711bf996810bf184e4c7176df940c607e85acf22365e0d9423d7855d",
    "transactions": "0100b1dc8eb8805f4a3d7498f4d8a476c3b28697404b86fd3810c1378c25faa0",
}


def made(
    folder: Path, world: WorldName, *asked: str, rows: int = 300, seed: int = 7, data_format: DataFormat = "csv"
) -> Synthesised:
    return synthesise(
        WORLDS[world],
        folder,
        rows=rows,
        seed=seed,
        findings=findings_asked(WORLDS[world], asked),
        data_format=data_format,
    )


def everything_made(folder: Path, world: WorldName) -> Synthesised:
    return made(folder, world, *(possible.finding for possible in WORLDS[world].findings))


@pytest.mark.parametrize("world", WORLDS)
def test_a_seed_makes_the_same_bytes_on_every_machine(tmp_path: Path, world: WorldName) -> None:
    written = everything_made(tmp_path / "world", world)
    assert hashlib.sha256(written.data.read_bytes()).hexdigest() == DIGESTS[world]
    assert {path.name for path in written.folder.iterdir()} == FILES | {written.data.name} | (
        {"texts.toml"} if world == "adverts" else set()
    )
    other = made(tmp_path / "other", world, seed=8)
    assert other.data.read_bytes() != written.data.read_bytes()


@pytest.mark.parametrize("world", WORLDS)
def test_parquet_holds_the_same_rows_with_types(tmp_path: Path, world: WorldName) -> None:
    as_csv = made(tmp_path / "csv", world)
    as_parquet = made(tmp_path / "parquet", world, data_format="parquet")
    with as_csv.data.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(as_parquet.data)
    assert table.column_names == list(rows[0])
    for name in table.column_names:
        values = table[name].to_pylist()
        if name == "amount":
            assert values == [float(row[name]) for row in rows]
        else:
            assert ["" if value is None else str(value) for value in values] == [row[name] for row in rows]


@pytest.mark.parametrize("data_format", ["csv", "parquet"])
@pytest.mark.parametrize("world", WORLDS)
def test_the_plan_is_one(tmp_path: Path, world: WorldName, data_format: DataFormat) -> None:
    written = made(tmp_path / "world", world, data_format=data_format)
    plan = load_plan(written.plan)
    assert [rule.id for rule in plan.rules] == ["missed", "wrongly-flagged"]
    assert plan.evaluation_set.rows_are == WORLDS[world].rows_are


def test_more_rows_begin_with_the_same_blocks(tmp_path: Path) -> None:
    few = made(tmp_path / "few", "transactions", rows=BLOCK).data.read_text(encoding="utf-8")
    more = made(tmp_path / "more", "transactions", rows=BLOCK + 700).data.read_text(encoding="utf-8")
    assert more.startswith(few)
    lines = more.splitlines()
    assert len(lines) == 1 + BLOCK + 700
    ids = [line.split(",")[0] for line in lines[1:]]
    assert len(set(ids)) == len(ids)


def test_rows_of_an_account_are_of_one_person(tmp_path: Path) -> None:
    with made(tmp_path / "world", "transactions", rows=BLOCK + 3_000).data.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    people: dict[str, set[tuple[str, ...]]] = {}
    for row in rows:
        same = ("exploited", "gender", "nationality", "source", "account_kind")
        people.setdefault(row["account"], set()).add(tuple(row[name] for name in same))
    assert all(len(one) == 1 for one in people.values())
    sizes = Counter(row["account"] for row in rows)
    assert 2.5 < len(rows) / len(sizes) < 4.0
    assert max(sizes.values()) == 8


@pytest.mark.parametrize("world", WORLDS)
def test_as_much_is_missing_as_should_be(world: WorldName) -> None:
    names = tuple(possible.finding for possible in WORLDS[world].findings)
    rows = scored(world, names, 40_000)  # standard errors of .0015, and of .0045 within a source
    assert (rows.gender == "").mean() == pytest.approx(0.08, abs=0.01)
    assert (rows.nationality == "").mean() == pytest.approx(0.10, abs=0.01)
    assert 0.02 < (rows.label == "").mean() < 0.06
    sources = WORLDS[world].sources
    of_source = [(rows.nationality[rows.columns["source"] == source] == "").mean() for source in sources]
    assert of_source == pytest.approx(list(WORLDS[world].nationality_unknown.values()), abs=0.015)
    for rare in ("FJI", "BTN"):
        assert 0 < (rows.nationality == rare).mean() * WORLDS[world].rows < 45
    assert (rows.nationality == "XXA").mean() == pytest.approx(0.0027, abs=0.0015)


def test_a_second_nationality_is_written_behind_the_primary_one() -> None:
    values = Counter(scored("triage", (), 40_000).columns["nationality"].tolist())
    assert values["BRA/PRT"] / (values["BRA/PRT"] + values["BRA"]) == pytest.approx(0.06, abs=0.02)


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="was not made by") as caught:
        made(tmp_path, "triage")
    assert caught.value.slug == "world-folder"
    with pytest.raises(StorageError, match="is a file"):
        made(mine, "triage")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("truth", ['{"made_by": "me"}', "[]", "not JSON"])
def test_a_truth_of_yours_does_not_make_the_folder_ours(tmp_path: Path, truth: str) -> None:
    for name in ("truth.json", "detector.py", "plan.toml"):
        (tmp_path / name).write_text(truth, encoding="utf-8")
    with pytest.raises(StorageError, match="was not made by"):
        made(tmp_path, "triage", rows=50)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == dict.fromkeys(
        ("truth.json", "detector.py", "plan.toml"), truth
    )


def test_a_folder_of_a_world_is_filled_again(tmp_path: Path) -> None:
    made(tmp_path / "world", "triage", rows=50)
    (tmp_path / "world" / "notes.txt").write_text("kept", encoding="utf-8")
    again = made(tmp_path / "world", "adverts", rows=50, data_format="parquet")
    assert {path.name for path in again.folder.iterdir()} == FILES | {"adverts.parquet", "notes.txt", "texts.toml"}
    assert json.loads((again.folder / "truth.json").read_text(encoding="utf-8"))["world"] == "adverts"
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "world", "triage", rows=50)
    before = {path.name: path.read_bytes() for path in (tmp_path / "world").iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module, "write_rows", full)
    for folder in ("world", "new"):
        with pytest.raises(StorageError, match="No space left"):
            made(tmp_path / folder, "triage", rows=60)
    assert [path.name for path in tmp_path.iterdir()] == ["world"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "world").iterdir()} == before


@pytest.mark.parametrize("rows", [0, -3, 50_000_001])
def test_a_number_of_rows_that_cannot_be_is_refused(tmp_path: Path, rows: int) -> None:
    with pytest.raises(AuditError, match="rows cannot be made"):
        made(tmp_path / "world", "triage", rows=rows)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        (["group-gapp"], "no-such-finding"),
        (["word-leak"], "no-such-finding"),
        (["group-gap", "group-gap=0.1"], "planted-twice"),
        (["group-gap=0"], "size-of-finding"),
        (["group-gap=-0.1"], "size-of-finding"),
        (["group-gap=nan"], "size-of-finding"),
        (["group-gap=much"], "size-of-finding"),
        (["group-gap=0.9"], "size-out-of-reach"),
        (["like-with-like=0.6"], "size-out-of-reach"),
        (["amplification=0.9"], "size-out-of-reach"),
    ],
)
def test_what_cannot_be_planted_is_refused(asked: list[str], slug: str) -> None:
    with pytest.raises(PlantingError) as caught:
        plant(WORLDS["triage"], findings_asked(WORLDS["triage"], asked))
    assert caught.value.slug == slug
    assert caught.value.hint


def test_a_size_that_is_as_large_as_can_be_is_planted() -> None:
    with pytest.raises(PlantingError) as caught:
        plant(WORLDS["triage"], findings_asked(WORLDS["triage"], ["group-gap=0.95"]))
    most = caught.value.hint.split()[-1]
    assert plant(WORLDS["triage"], findings_asked(WORLDS["triage"], [f"group-gap={most}"])).strengths


def test_a_leak_is_in_tenths() -> None:
    with pytest.raises(PlantingError, match="tenths"):
        findings_asked(WORLDS["adverts"], ["word-leak=0.85"])


def test_the_reference_is_the_truth_and_not_the_labels() -> None:
    with_bias = companion_files(everything("triage"), "referrals.csv", 10, 1)["reference.csv"]
    shares = dict(line.split(",") for line in with_bias.splitlines()[1:])
    assert sum(map(float, shares.values())) == pytest.approx(1.0, abs=1e-6)
    assert float(shares["VNM"]) > 0.075


def test_the_detector_is_told_no_word_unless_one_is_planted() -> None:
    findings = [possible.finding for possible in WORLDS["adverts"].findings if possible.finding != "word-leak"]
    without = mechanism("adverts", *findings)
    assert "= {}\n" in companion_files(without, "adverts.csv", 10, 1)["detector.py"]
    leaking = companion_files(everything("adverts"), "adverts.csv", 10, 1)["detector.py"]
    assert 'LEARNED_WORDS: dict[str, float] = {"marocaine": 0.8, "marroquí": 0.8, "moroccan": 0.8}' in leaking
