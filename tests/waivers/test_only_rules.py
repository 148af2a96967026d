"""`gate --only RULE`: exit code and lines of some rules alone, judged with the budget of the whole plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made.entry_points import offered_by_this_version
from made.gates import elsewhere
from made.published import PLAN, write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.disclosure.digests import release_of
from audit.plan.file.plan_file import load_plan
from audit.result.file import load_result
from audit.result.json_text import result_sha256
from audit.run import run_audit
from audit.stages import Scope
from audit.verdicts.outcomes import narrow_to_rules

OWNER = "Exact figures, for those who may see the cases: audit7k run plan.toml --restricted --out exact"

RULES = """\
[[rules]]
id = "flags"
metric = "false_positive_rate"
groups = ["gender"]
margin = 0.3
"""
PAST = "2020-02-29"
WAIVER = f"""\
[[waivers]]
rule = "flags"
group = {{ gender = "man" }}
who = "Somebody"
why = "For a test"
expires = {PAST}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set that fails on victims missed and passes on wrong flags."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path / "site")))
    write_set(tmp_path, PLAN + RULES)
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_the_code_and_the_lines_are_of_these_rules_alone(here: Path) -> None:
    invoke("run", "plan.toml", "--no-crosscheck", "--report", "json")
    for target in ("plan.toml", "audit-out"):
        code, out, err = invoke("gate", target, *elsewhere(target), "--restricted", "--only", "flags")
        assert (code, out) == (0, "findings: 0 beyond the limit, 4 within it\n✓ PASS\n")
        assert "note: 1 rule is left out because of --only; the audit judged all 2 with one budget" in err
        code, out, _ = invoke("gate", target, *elsewhere(target), "--restricted", "--only", "true_positive_rate")
        assert code == 1
        assert out.count("true_positive_rate") == 1
        both = ["--only", "flags", "--only", "true_positive_rate"]
        code, _, err = invoke("gate", target, *elsewhere(target), "--restricted", *both)
        assert code == 1
        assert "0 rules are left out" in err
        assert invoke("gate", target, *elsewhere(target), "--quiet", "--only", "flags") == (0, "", "")
    code, out, _ = invoke("gate", "audit-out", "--inputs-elsewhere", "--only", "flags")
    assert code == 0
    assert out.splitlines()[-2:] == ["✓ PASS", OWNER]
    assert [line.partition(":")[0] for line in out.splitlines()[:-2]] == ["flags"]
    code, out, _ = invoke("gate", "audit-out", "--inputs-elsewhere", "--only", "true_positive_rate")
    assert code == 1
    assert out.splitlines()[0].startswith("true_positive_rate: ")


def test_an_unknown_rule_is_a_usage_error_that_names_the_nearest(here: Path) -> None:
    invoke("run", "plan.toml", "--no-crosscheck", "--restricted", "--report", "junit")
    for target in ("plan.toml", "audit-out"):
        code, out, err = invoke("gate", target, *elsewhere(target), "--only", "flag")
        assert (code, out) == (2, "")
        assert err == 'error: no rule "flag" in this plan — did you mean "flags"?\n'


def test_waivers_of_other_rules_are_not_looked_at(here: Path) -> None:
    (here / "waivers.toml").write_text(WAIVER, encoding="utf-8")
    assert invoke("gate", "plan.toml", "--waivers", "waivers.toml", "--only", "flags")[0] == 1
    code, _, err = invoke("gate", "plan.toml", "--waivers", "waivers.toml", "--only", "true_positive_rate")
    assert code == 1
    assert "waiver" not in err


def test_what_waivers_leave_is_told_of_the_rules_that_decide_the_code(here: Path) -> None:
    (here / "waivers.toml").write_text(WAIVER.replace(PAST, "2999-01-01"), encoding="utf-8")
    for rule, left, expected in (("flags", "pass", 0), ("true_positive_rate", "fail", 1)):
        asked = ("gate", "plan.toml", "--waivers", "waivers.toml", "--only", rule, "--json")
        code, out, _ = invoke(*asked)
        assert (code, json.loads(out)["waived"]["left"]) == (expected, left)


def test_nobody_gains_power_by_choosing(here: Path) -> None:
    whole = run_audit(load_plan(here / "plan.toml"), folder=here, crosscheck=False, scope=Scope.RECORDS)
    for rule in whole.rules:
        shown = narrow_to_rules(whole, [rule.rule])
        assert shown.rules == (rule,)
        assert shown.verdicts == tuple(verdict for verdict in whole.verdicts if verdict.rule == rule.rule)
        assert shown.overall.outcome == rule.outcome


def test_the_release_is_still_known_by_the_key(here: Path) -> None:
    invoke("run", "plan.toml", "--no-crosscheck", "--report", "json")
    result = load_result(here / "audit-out" / "result.json")
    out = here / "audit-out"
    assert release_of(result_sha256(result), out / "public" / "release.json", out / "restricted") is not None
    assert (
        release_of(
            result_sha256(narrow_to_rules(result, ["flags"])), out / "public" / "release.json", out / "restricted"
        )
        is None
    )
