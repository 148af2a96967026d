"""Where a rule stands in the plan reaches the public: a line, and a name that tells nothing of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.published import PLAN, write_set

import audit
from audit.disclosure.about import public_about, public_rules
from audit.plan.file.plan_file import read_plan_file

RULES = """
[[rules]]
id = "second"
metric = "false_positive_rate"
groups = ["gender"]
margin = 0.2
"""


def test_lines_and_name_of_the_plan_stand_in_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "audits").mkdir()
    write_set(tmp_path / "audits", "# a comment\n\n" + PLAN + RULES)
    monkeypatch.chdir(tmp_path)
    plan = Path("audits/plan.toml")
    result = audit.run_audit(plan)
    about = public_about(result, ("json",), ("en",), {})
    written = plan.read_text(encoding="utf-8").splitlines()
    assert about.plan_file == "audits/plan.toml"
    assert [rule.line for rule in public_rules(result, ())] == [
        number for number, line in enumerate(written, start=1) if line == "[[rules]]"
    ]
    assert str(tmp_path) not in about.model_dump_json()


@pytest.mark.parametrize(("name", "shown"), [("plan.toml", "plan.toml"), ("my plan.toml", ""), ("..toml", "")])
def test_an_absolute_path_is_never_shown(tmp_path: Path, name: str, shown: str) -> None:
    (tmp_path / name).write_text(PLAN, encoding="utf-8")
    assert read_plan_file(tmp_path / name).file == shown


def test_a_path_upwards_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert read_plan_file(Path("../plan.toml")).file == "plan.toml"
