"""Templates that were compiled by an earlier process: used, unless they are damaged or of another text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from reports.html.environment import _Compiled


def rendered(text: str) -> str:
    """Render a template as a new process does."""
    environment = Environment(bytecode_cache=_Compiled(), loader=DictLoader({"page.html": text}), autoescape=True)
    return environment.get_template("page.html").render()


def test_a_kept_template_is_used_and_one_that_is_damaged_or_old_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert rendered("one") == "one"
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    kept = file.read_bytes()
    for cut in (0, 5, 15, 20, 45, len(kept) // 2, len(kept) - 1):
        file.write_bytes(kept[:cut] + bytes(20 * (cut % 2)))
        assert rendered("one") == "one", cut
        assert file.read_bytes().startswith(kept[:45])
    assert rendered("another") == "another"
    monkeypatch.setattr(Environment, "compile", None)
    assert rendered("another") == "another"
    with pytest.raises(TypeError):
        rendered("one")


def test_a_place_where_nothing_can_be_kept_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
    assert rendered("one") == "one"
