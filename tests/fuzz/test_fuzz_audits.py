"""Whatever plan and data are given: no traceback, no half-written output, no lost row."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import pytest
from fuzz.data_files import DataFile, csv_text, data_files, healthy, parquet_bytes
from fuzz.held import Tree, judged, own_temporary_folder, run, said_well, tree
from fuzz.plans import DETECTOR_MODULE, plan_text, plans
from fuzz.settings import some
from hypothesis import given
from hypothesis import strategies as st

_FOLDERS: Final = itertools.count()


@st.composite
def audits(draw: st.DrawFn) -> tuple[dict[str, Any], list[DataFile]]:
    """A plan and its files, with faults in neither, in the plan or in the files."""
    where = draw(st.sampled_from(("nowhere", "nowhere", "plan", "data", "data")))
    data = draw(data_files("cases", faults=where == "data"))
    predictions = None
    if draw(st.integers(0, 3)) == 0:
        predictions = draw(answers_to(data, faults=where == "data"))
    plan = draw(plans(data, predictions, faults=where == "plan"))
    return plan, [data] + ([] if predictions is None else [predictions])


@st.composite
def answers_to(draw: st.DrawFn, data: DataFile, *, faults: bool) -> DataFile:
    """A file of predictions, in most cases for the cases of `data`."""
    rows = data.rows
    if faults or not rows:
        return draw(data_files("answers", ("case_id", "score")))
    table = healthy(draw(st.integers(0, 9999)), rows, ("case_id", "score"))
    if draw(st.booleans()):
        return DataFile("answers.parquet", parquet_bytes(table), rows)
    return DataFile("answers.csv", csv_text(table).encode(), rows)


def placed(tmp_path: Path, files: list[DataFile], plan: str) -> Path:
    """A new folder with a plan, its files and the detector's module."""
    folder = tmp_path / f"case-{next(_FOLDERS)}" / "audit"
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).write_bytes(file.content)
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    (folder / "detector.py").write_text(DETECTOR_MODULE, encoding="utf-8")
    return folder


@some()
@given(audit=audits(), already=st.booleans())
def test_a_run_judges_every_row_or_changes_nothing(
    audit: tuple[dict[str, Any], list[DataFile]], already: bool, tmp_path: Path
) -> None:
    plan, files = audit
    folder = placed(tmp_path, files, plan_text(plan))
    out = folder.parent / "out"
    if already:
        out.mkdir()
        (out / "result.json").write_text("an earlier result")
        (out / "notes.txt").write_text("the user's own")
    before = tree(folder.parent)
    with own_temporary_folder(folder.parent / "tmp"):
        checked = run("check", folder / "plan.toml")
        said_well(checked)
        assert tree_without(folder.parent, "tmp") == before
        ended = run("run", "--restricted", folder / "plan.toml", "--out", out)
    said_well(ended)
    after = tree_without(folder.parent, "tmp")
    if ended.code in {0, 1, 3}:
        assert checked.code == 0, checked.err
        judged(out, ended.code, files[0].real_rows(), also=frozenset({"notes.txt"}))
        assert (out / "notes.txt").exists() is already
        assert {name: content for name, content in after.items() if not name.startswith("out")} == {
            name: content for name, content in before.items() if not name.startswith("out")
        }
    else:
        assert ended.code in {2, 4}, ended
        assert after == before


def tree_without(folder: Path, name: str) -> Tree:
    """What is in a folder, one entry left out, without caches of Python and the mark of a run without a verdict."""
    return {
        path: content
        for path, content in tree(folder).items()
        if path.partition("/")[0] != name and "__pycache__" not in path and not path.endswith(".not-judged")
    }


@some(0.9)
@given(file=data_files("cases"))
def test_init_writes_a_plan_that_is_not_finished_or_nothing(file: DataFile, tmp_path: Path) -> None:
    folder = placed(tmp_path, [file], "")
    before = tree(folder.parent)
    with own_temporary_folder(folder.parent / "tmp"):
        ended = run("init", folder / file.name, "--out", folder / "begun.toml", "--encoding", file.encoding)
    said_well(ended)
    after = tree_without(folder.parent, "tmp")
    if ended.code == 0:
        assert file.real_rows() is None or f": {file.real_rows():,} rows." in ended.out
        begun = run("check", folder / "begun.toml")
        said_well(begun)
        assert begun.code == 4
        assert "write here" in begun.err
        assert set(after) - set(before) == {"audit/begun.toml"}
    else:
        assert ended.code == 4, ended
        assert after == before


@some(0.5)
@given(
    content=st.binary(max_size=200),
    name=st.sampled_from(("a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "a.jsonl.zst", "a")),
)
def test_bytes_of_any_kind_are_refused_or_looked_at(content: bytes, name: str, tmp_path: Path) -> None:
    folder = placed(tmp_path, [DataFile(name, content, None)], "")
    with own_temporary_folder(folder.parent / "tmp"):
        ended = run("init", folder / name, "--out", folder / "begun.toml")
    said_well(ended)
    assert ended.code in {0, 4}
    assert (folder / "begun.toml").exists() is (ended.code == 0)


@pytest.mark.parametrize(("detector", "code"), [("blind", 3), ("right", 0), ("worse", 1)])
@pytest.mark.parametrize("name", ["cases.csv", "cases.parquet"])
def test_what_the_fuzz_test_begins_with_is_judged(name: str, detector: str, code: int, tmp_path: Path) -> None:
    """Without this, a fuzz test in which everything is refused would hold."""
    table = healthy(1, 800, detector=detector)
    content = csv_text(table).encode() if name.endswith("csv") else parquet_bytes(table)
    plan = {
        "schema": 1,
        "audit": {"title": "Screener", "owner": "An office", "use": "moderation", "route": "services"},
        "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
        "evaluation_set": {"path": name, "id": "case_id", "label": "exploited", "label_source": "case files"},
        "groups": {"gender": {"column": "gender"}},
        "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.2}],
    }
    folder = placed(tmp_path, [DataFile(name, content, 800)], plan_text(plan))
    ended = run("run", "--restricted", folder / "plan.toml", "--out", folder.parent / "out")
    assert ended.code == code
    judged(folder.parent / "out", code, 800)
