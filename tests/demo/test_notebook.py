"""The notebook of the examples, every cell in its order, as a notebook would run it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "notebook" / "audit.ipynb"


def carried_out(source: str, names: dict[str, Any]) -> Any:
    """Carry out a cell, and return what its last expression is."""
    cell = ast.parse(source)
    last = cell.body.pop() if isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


def test_every_cell_runs_and_finds_what_is_planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell.get("outputs") for cell in cells)
    names: dict[str, Any] = {}
    look, plan, answer, failing, figure, saved, cases = [carried_out(source, names) for source in sources][1:]
    assert "No verdict" in look._repr_html_()
    assert plan is None
    assert "write here" in capsys.readouterr().out
    assert "<b>FAIL</b>" in answer._repr_html_()
    assert ("woman", "Nigeria") in {*zip(failing.gender_name, failing.nationality_name, strict=True)}
    assert (failing.rate < failing.lower_limit).all()
    assert figure._repr_svg_().startswith("<?xml")
    assert saved == Path("audit-out") / "report.html"
    assert {*cases.sex, *cases.passport} == {"woman", "NGA"}
