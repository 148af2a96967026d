"""Inputs that once broke something, or are known to break tools like this one, end as the manifest says."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from fuzz.held import judged, own_temporary_folder, run, said_well, tree

CORPUS: Final = Path(__file__).parent / "corpus"
CASES: Final[dict[str, dict[str, Any]]] = tomllib.loads((CORPUS / "manifest.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_a_kept_input_ends_as_it_should(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    shutil.copytree(CORPUS / name, tmp_path / "audit")
    before = tree(tmp_path)
    with own_temporary_folder(tmp_path / "tmp"):
        ended = run("run", "--restricted", tmp_path / "audit" / "plan.toml", "--out", tmp_path / "out")
    (tmp_path / "tmp").rmdir()
    said_well(ended)
    assert ended.code == case["code"], ended.err
    if "rows" in case:
        judged(tmp_path / "out", ended.code, case["rows"])
    else:
        assert case["saying"] in ended.err
        assert tree(tmp_path) == before


def test_every_kept_input_says_why_it_is_kept_and_is_small() -> None:
    assert set(CASES) == {path.name for path in CORPUS.iterdir() if path.is_dir()}
    for name, case in CASES.items():
        assert case["reason"].endswith("."), name
        assert "\n" not in case["reason"], name
        assert ("rows" in case) != ("saying" in case), name
        assert sum(path.stat().st_size for path in (CORPUS / name).iterdir()) < 8192, name
