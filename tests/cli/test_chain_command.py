"""Releases held against a chain: reference and last version, one budget, and what stops a release."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from made.changes import PLAN, cases, write_answers, write_plan
from typer.testing import CliRunner, Result

from audit.cli.commands.app import app
from audit.cli.testing.audit_of_plan import NotJudgedError, PlanRequest, judge_plan
from audit.cli.testing.cases import OVERALL
from audit.errors import ResultError
from audit.result.file import load_result

RUNNER = CliRunner()
RULES = """
[[rules]]
metric = "true_positive_rate"
groups = ["region"]
margin = 0.3
"""
RESTRICTED = ("--restricted-folder", "kept")


def call(*arguments: str | Path) -> Result:
    return RUNNER.invoke(app, list(map(str, arguments)))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A folder with a set, whose release 0 finds four of five victims."""
    monkeypatch.chdir(tmp_path)
    table = cases(6000)
    table.to_csv("set.csv", index=False)
    rng = np.random.default_rng(1)
    positive = (table["label"] == "1").to_numpy()
    table["score"] = np.where(rng.random(len(table)) < np.where(positive, 0.8, 0.15), 0.9, 0.1)
    release(table, 0)
    return table


def release(table: pd.DataFrame, number: int, worse: float = 0.0, better: float = 0.0) -> Path:
    """Write answers and plan of a release that finds fewer victims of the south, or more, and return the plan."""
    rng = np.random.default_rng(2)
    positive = ((table["label"] == "1") & (table["region"] == "south")).to_numpy()
    drawn = rng.random(len(table))
    scores = table["score"].to_numpy().copy()
    scores[positive & (drawn < worse)] = 0.1
    scores[positive & (drawn > 1.0 - better)] = 0.9
    write_answers(Path(), number, table["id"], scores)
    return write_plan(Path(), number, RULES)


def run(number: int, *options: str) -> Result:
    return call("run", f"plan-{number}.toml", "--out", f"out-{number}", "--no-crosscheck", *RESTRICTED, *options)


def accept(number: int) -> Result:
    options = ("--by", "Audit office", "--why", f"release {number}", "--inputs-elsewhere")
    return call("chain", "accept", f"out-{number}", *options, *RESTRICTED)


def stored(number: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((Path(f"out-{number}") / "result.json").read_text(encoding="utf-8"))
    return document


def numbers(number: int) -> tuple[int, int, str]:
    held_against = stored(number)["further"]["held_against"]
    return held_against["reference"], held_against["last"], held_against["decides"]


def test_a_slow_loss_that_no_last_version_shows_fails_against_the_reference(here: pd.DataFrame) -> None:
    assert run(0).exit_code == 0
    assert "held_against" not in stored(0)["further"]
    assert accept(0).exit_code == 0
    codes, summary = list[int](), list[str]()
    for number, worse in enumerate((0.03, 0.06, 0.09, 0.12), start=1):
        release(here, number, worse=worse)
        done = run(number)
        codes.append(done.exit_code)
        summary = done.stdout.splitlines()
        assert accept(number).exit_code == 0
    assert codes[0] != 1
    assert codes[-1] == 1
    assert numbers(4) == (0, 3, "reference")
    result = load_result("out-4/result.json")
    assert result.change is not None
    assert result.further.held_against is not None
    assert result.further.held_against.other is not None
    assert (result.change.outcome, result.further.held_against.other.outcome) == ("fail", "pass")
    assert (result.change.unpaired, result.further.held_against.other.unpaired) == (None, None)
    assert "Since the reference: at least one group became worse by more than its margin" in summary
    assert "  Largest loss: region = south, true_positive_rate, 80% then and 71% now" in summary
    assert any(line.startswith("Since version 3: no group") for line in summary)
    assert max(map(len, summary)) <= 80
    exact = ("--restricted", "--report", "html", "--report", "markdown")
    assert call("run", "plan-4.toml", "--out", "exact", "--no-crosscheck", *exact, *RESTRICTED).exit_code == 1
    for name in ("report.html", "restricted.md"):
        assert "That audit was of the reference, version 0" in (Path("exact") / name).read_text(encoding="utf-8")
    page = Path("exact/report.html").read_text(encoding="utf-8")
    assert "a chance of a false alarm of their own, of at most 5%" in " ".join(page.split())
    gated = call("gate", "plan-4.toml", *RESTRICTED)
    assert gated.exit_code == 1
    assert "south" not in gated.output
    assert call("gate", "out-4", "--inputs-elsewhere", *RESTRICTED).exit_code == 1


def test_a_loss_since_the_last_version_stops_a_release_that_is_no_worse_than_the_reference(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    release(here, 1, better=0.9)
    assert run(1).exit_code == 0
    accept(1)
    release(here, 2)
    assert run(2).exit_code == 1
    assert numbers(2) == (0, 1, "last")
    assert stored(2)["overall"]["failing_rules"] == []
    # once a person names it the reference, the loss is one since the reference
    moved = call("chain", "reference", "kept", "1", "--by", "Office", "--why", "it found more")
    assert moved.exit_code == 0
    assert run(2).exit_code == 1
    assert numbers(2) == (1, 1, "reference")
    assert "held against version 1" in accept(2).stderr


def test_of_some_rules_alone_the_comparison_decides_that_decides_these(here: pd.DataFrame) -> None:
    both = RULES + RULES.replace("true_positive_rate", "false_positive_rate")

    def two_rules(number: int, better: float = 0.0) -> None:
        release(here, number, better=better)
        write_plan(Path(), number, both)

    two_rules(0)
    run(0)
    accept(0)
    two_rules(1, better=0.9)
    run(1)
    accept(1)
    two_rules(2)
    assert run(2).exit_code == 1
    assert numbers(2) == (0, 1, "last")
    gate = ("gate", "out-2", "--inputs-elsewhere", *RESTRICTED)
    assert call(*gate, "--only", "true_positive_rate").exit_code == 1
    assert call(*gate, "--only", "false_positive_rate").exit_code == 0


def test_a_result_in_which_the_wrong_comparison_decides_is_refused(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    release(here, 1)
    run(1)
    accept(1)
    release(here, 2, worse=0.2)
    assert run(2).exit_code == 1
    document = stored(2)
    held_against = document["further"]["held_against"]
    assert held_against["decides"] == "reference"
    path = Path("out-2/result.json")
    for edited in (
        {**held_against, "decides": "last"},
        {**held_against, "last": held_against["reference"]},
        {**held_against, "other": None},
        {**held_against, "other": {**held_against["other"], "outcome": "pass"}},
    ):
        changed = {**document, "further": {**document["further"], "held_against": edited}}
        path.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(ResultError) as raised:
            load_result(path)
        assert "further.held_against" in raised.value.message
    path.write_text(json.dumps(document), encoding="utf-8")
    load_result(path)


def test_what_the_last_version_cannot_decide_stops_nothing(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    release(here, 1, better=0.45)
    run(1)
    accept(1)
    release(here, 2, better=0.15)
    done = run(2)
    held_against = stored(2)["further"]["held_against"]
    assert held_against["other"]["outcome"] == "inconclusive"
    assert stored(2)["change"]["outcome"] == "pass"
    assert done.exit_code == 0


def test_the_level_of_a_comparison_is_its_share_and_the_audit_has_its_own(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    release(here, 1)
    run(1)
    accept(1)
    release(here, 2)
    run(2)
    levels = [
        change["rules"][0]["families"][0]["level"]
        for change in (stored(2)["change"], stored(2)["further"]["held_against"]["other"])
    ]
    assert levels == pytest.approx([0.8 * 0.9 * 0.05, 0.2 * 0.9 * 0.05])
    assert call("run", "plan-2.toml", "--out", "alone", "--no-crosscheck").exit_code == 0
    alone = json.loads(Path("alone/result.json").read_text(encoding="utf-8"))
    assert (alone["rules"], alone["verdicts"]) == (stored(2)["rules"], stored(2)["verdicts"])


def test_a_folder_that_the_plan_names_is_found_from_the_result(here: pd.DataFrame) -> None:
    def named(number: int, worse: float = 0.0) -> None:
        plan = release(here, number, worse=worse)
        plan.write_text(f"{plan.read_text(encoding='utf-8')}[disclosure]\nfolder = 'kept'\n", encoding="utf-8")

    named(0)
    named(1, worse=0.2)
    for number in (0, 1):
        assert call("run", f"plan-{number}.toml", "--out", f"out-{number}", "--no-crosscheck").exit_code == 0
    assert call("gate", "out-1", "--inputs-elsewhere").exit_code == 0
    options = ("--by", "Office", "--why", "why", "--inputs-elsewhere")
    assert call("chain", "accept", "out-0", *options).exit_code == 0
    assert call("gate", "out-1", "--inputs-elsewhere").exit_code == 1


@pytest.mark.parametrize("where", ["the section", "the rule"])
def test_a_release_does_not_loosen_its_own_comparison(here: pd.DataFrame, where: str) -> None:
    """Its plan allows a loss of half of all cases, and expects few equal answers: that of the reference decides."""
    run(0)
    accept(0)
    plan = release(here, 1, worse=0.2)
    allows = "regression_margin = 0.5\n"  # the rule is the last table of the plan
    if where == "the section":
        allows = f"[baseline]\n{allows}expected_change = 0.9\n"
    plan.write_text(f"{plan.read_text(encoding='utf-8')}{allows}", encoding="utf-8")
    done = run(1)
    assert done.exit_code == 1
    assert "this plan allows another loss" in done.stderr
    assert {rule["margin"] for rule in stored(1)["change"]["rules"]} == {0.05}
    assert load_result("out-1/result.json").change is not None
    gates = [("gate", "plan-1.toml", *RESTRICTED), ("gate", "out-1", "--inputs-elsewhere", *RESTRICTED)]
    for gate in gates:
        gated = call(*gate)
        assert gated.exit_code == 1, gated.output
        assert "this plan allows another loss" in gated.stderr
    accept(1)
    assert call("chain", "reference", "kept", "1", "--by", "Office", "--why", "another limit").exit_code == 0
    again = release(here, 2, worse=0.3)
    again.write_text(f"{again.read_text(encoding='utf-8')}{allows}", encoding="utf-8")
    assert run(2).exit_code == 0
    assert {rule["margin"] for rule in stored(2)["change"]["rules"]} == {0.5}
    loosened = stored(1)
    for rule in loosened["change"]["rules"]:
        rule["margin"] = 0.5
    Path("out-1/result.json").write_text(json.dumps(loosened), encoding="utf-8")
    assert call("gate", "out-1", "--inputs-elsewhere", *RESTRICTED).exit_code != 0


def test_a_changed_set_begins_a_line_of_its_own_and_that_is_said(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    here.drop(columns="score").iloc[:-1].to_csv("set.csv", index=False)
    release(here.iloc[:-1], 1)
    done = run(1)
    assert "no version was accepted over this set" in done.stderr
    assert stored(1)["change"] is None
    gates = [
        ("gate", "plan-1.toml", "--restricted-folder", "kept"),
        ("gate", "out-1", "--restricted-folder", "kept", "--inputs-elsewhere"),
    ]
    for gate in gates:
        refused = call(*gate)
        assert refused.exit_code == 4, refused.output
        assert "no version was accepted over this set" in refused.stderr
        assert "PASS" not in refused.output
    assert "the reference" in accept(1).stderr
    assert call(*gates[1]).exit_code == 0
    listed = call("chain", "list", "kept").stdout
    assert "set or question 2" in listed


def of_releases(table: pd.DataFrame, number: int, releases: int) -> None:
    """Write a release by a plan that names the number of releases."""
    plan = release(table, number)
    plan.write_text(f"{plan.read_text(encoding='utf-8')}[verdict]\nreleases = {releases}\n", encoding="utf-8")


def test_a_system_under_another_name_is_not_silently_held_against_nothing(here: pd.DataFrame) -> None:
    assert "accepted" not in run(0).stderr
    accept(0)
    plan = release(here, 1)
    plan.write_text(plan.read_text(encoding="utf-8").replace('system = "Screener"', 'system = "Renamed"'), "utf-8")
    for done in (run(1, "--quiet"), call("gate", "plan-1.toml", "--quiet", *RESTRICTED)):
        assert done.exit_code == 0
        assert "no version of this system was accepted, so that this one is held against none" in done.stderr
    assert "of this system" in call("gate", "out-1", "--inputs-elsewhere", *RESTRICTED).stderr


def test_the_number_of_releases_is_part_of_the_question_and_no_more_are_compared(here: pd.DataFrame) -> None:
    of_releases(here, 0, 3)
    assert run(0).exit_code == 0
    accept(0)
    release(here, 1)
    other = run(1, "--quiet")
    assert other.exit_code == 0
    assert "no version was accepted by a plan that asks the same" in other.stderr
    assert stored(1)["change"] is None
    for number in (1, 2):
        of_releases(here, number, 3)
        assert run(number).exit_code == 0
        assert accept(number).exit_code == 0
    of_releases(here, 3, 3)
    spent = run(3)
    assert spent.exit_code == 4
    assert "all 3 releases that share a budget over this set were accepted" in spent.stderr
    assert not Path("out-3/result.json").exists()


def test_limits_and_comparisons_of_a_named_number_of_releases_share_alpha(here: pd.DataFrame) -> None:
    """Half of alpha over ten releases, and two fifths and one tenth of it in each."""
    for number in range(3):
        of_releases(here, number, 10)
        assert run(number).exit_code == 0
        if number < 2:
            accept(number)
    change, held_against = stored(2)["change"], stored(2)["further"]["held_against"]
    levels = [found["rules"][0]["families"][0]["level"] for found in (change, held_against["other"])]
    assert levels == pytest.approx([0.4 * 0.9 * 0.05, 0.1 * 0.9 * 0.05])
    limits = stored(2)["rules"][0]["families"][0]["level"]
    assert limits == pytest.approx(0.9 * 0.05 / 20)
    alone = call("run", "plan-2.toml", "--out", "alone", "--no-crosscheck")
    assert alone.exit_code == 0
    result = json.loads(Path("alone/result.json").read_text(encoding="utf-8"))
    assert result["verdicts"] == stored(2)["verdicts"]


@pytest.mark.parametrize("exact", [True, False])
def test_a_plan_that_pytest_judges_is_held_against_the_chain(here: pd.DataFrame, tmp_path: Path, exact: bool) -> None:
    run(0)
    accept(0)
    plan = release(here, 1, worse=0.2)
    judged = judge_plan(PlanRequest(tmp_path / plan, tmp_path, tmp_path / "kept", exact=exact))
    assert (judged.cases[0].name, judged.cases[0].outcome) == (OVERALL, "fail")
    here.drop(columns="score").iloc[:-1].to_csv("set.csv", index=False)
    plan = release(here.iloc[:-1], 1, worse=0.2)
    other = judge_plan(PlanRequest(tmp_path / plan, tmp_path, tmp_path / "other", exact=exact))
    assert not any("accepted" in line for line in other.notes)
    if exact:  # the folder's key is of the first set
        with pytest.raises(NotJudgedError, match="no version was accepted over this set"):
            judge_plan(PlanRequest(tmp_path / plan, tmp_path, tmp_path / "kept", exact=True))


def test_a_plan_that_pytest_judges_goes_back_to_no_older_baseline(here: pd.DataFrame, tmp_path: Path) -> None:
    release(here, 1)
    for number in (0, 1):
        assert run(number).exit_code == 0
    plan = release(here, 2)
    text = plan.read_text(encoding="utf-8")
    for number in (1, 0):
        plan.write_text(f'{text}[baseline]\nresult = "out-{number}"\n', encoding="utf-8")
        request = PlanRequest(tmp_path / plan, tmp_path, tmp_path / "kept", exact=True)
        if number:
            assert judge_plan(request).cases[0].outcome == "pass"
        else:
            with pytest.raises(NotJudgedError, match="was accepted already"):
                judge_plan(request)


def test_a_result_before_the_reference_is_refused_and_the_reference_itself_is_not(here: pd.DataFrame) -> None:
    run(0)
    release(here, 1)
    run(1)
    accept(1)
    old = call("gate", "out-0", "--inputs-elsewhere", *RESTRICTED)
    assert old.exit_code == 4
    assert "did not end before this result" in old.stderr
    assert call("gate", "out-1", "--inputs-elsewhere", *RESTRICTED).exit_code == 0
    again = accept(0)
    assert again.exit_code == 4
    assert "was accepted already" in again.stderr


def test_nobody_goes_back_behind_a_reference_that_was_moved(here: pd.DataFrame) -> None:
    for number in range(2):
        if number:
            release(here, number)
        run(number)
        accept(number)
    gate = ("gate", "out-0", "--inputs-elsewhere", *RESTRICTED)
    assert call(*gate).exit_code == 0
    moved = call("chain", "reference", "kept", "1", "--by", "Office", "--why", "better")
    assert moved.exit_code == 0, moved.output
    behind = call(*gate)
    assert behind.exit_code == 4
    assert "did not end before this result" in behind.stderr


def test_a_named_baseline_beside_accepted_versions_is_refused(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    release(here, 1)
    shutil.copytree("out-0", "old")
    for command in (("gate", "plan-1.toml"), ("run", "plan-1.toml", "--out", "out-1", "--no-crosscheck")):
        refused = call(*command, "--baseline", "old", *RESTRICTED)
        assert refused.exit_code == 4
        assert "audit7k chain list" in refused.stderr


def test_a_kept_verdict_is_not_that_of_another_chain(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    release(here, 1, better=0.9)
    run(1)
    release(here, 2)
    gate = ("gate", "plan-2.toml", "--cache", "cache", "--changed-only", *RESTRICTED)
    assert call(*gate).exit_code == 0
    again = call(*gate)
    assert again.exit_code == 0
    assert "nothing was scored or judged" in again.stdout
    accept(1)
    assert call(*gate).exit_code == 1


OPENED = """
import atexit, collections, json, os, sys
opened = collections.Counter()
def count(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & os.O_ACCMODE == os.O_RDONLY:
        opened["/".join(arguments[0].split(os.sep)[-2:])] += 1
sys.addaudithook(count)
atexit.register(lambda: print("OPENED" + json.dumps(opened), file=sys.stderr))
from audit.cli import main
sys.argv = ["audit7k", *sys.argv[1:]]
main()
"""
"""Program that runs a command, and says how often it opened each file to read it."""


def opened(*arguments: str) -> dict[str, int]:
    """How often a command opens results and chains, by the last two parts of their paths."""
    command = [sys.executable, "-P", "-c", OPENED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, 1, 3), done.stderr
    counted = json.loads(done.stderr.rpartition("OPENED")[2])
    return {name: times for name, times in counted.items() if name.endswith(("result.json", "chain.jsonl"))}


def test_a_gate_reads_the_chain_and_each_result_once(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    chain = next(Path("kept").rglob("chain.jsonl"))
    release(here, 1, better=0.9)
    run(1)
    release(here, 2)
    of_chain = {f"{chain.parent.name}/chain.jsonl": 1}
    versions = {"0000/result.json": 1}
    gate = ("gate", "plan-2.toml", "--cache", "cache", "--changed-only", *RESTRICTED)
    assert opened(*gate) == {**of_chain, **versions}
    assert opened(*gate) == of_chain  # the verdict is kept
    assert opened("gate", "out-1", "--inputs-elsewhere", *RESTRICTED) == {
        **of_chain,
        **versions,
        "out-1/result.json": 1,
    }


def test_a_verdict_that_is_held_against_none_is_not_kept_without_its_note(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    here.drop(columns="score").iloc[:-1].to_csv("set.csv", index=False)
    release(here.iloc[:-1], 1)
    for _ in range(2):
        done = run(1, "--changed-only", "--quiet")
        assert done.exit_code == 0
        assert "no version was accepted over this set" in done.stderr


def test_a_version_is_not_accepted_without_its_answers(here: pd.DataFrame) -> None:
    run(0)
    answers = Path("answers-0.csv")
    content = answers.read_bytes()
    answers.unlink()
    refused = accept(0)
    assert refused.exit_code == 4
    assert "the answers of this version are not beside its result" in refused.stderr
    assert not list(Path("kept").rglob("result.json"))
    answers.write_bytes(content)
    assert accept(0).exit_code == 0


@pytest.mark.parametrize("damage", ["cut", "edited", "result"])
def test_a_damaged_chain_stops_run_and_gate_with_one_line(here: pd.DataFrame, damage: str) -> None:
    run(0)
    accept(0)
    release(here, 1)
    (chain,) = Path("kept").glob("chains/*/chain.jsonl")
    text = chain.read_text(encoding="utf-8")
    if damage == "result":
        (chain.parent / "0000" / "result.json").write_text("{}", encoding="utf-8")
    else:
        changed = text[: len(text) // 2] if damage == "cut" else text.replace("release 0", "release 9")
        chain.write_text(changed, encoding="utf-8")
    for done in (run(1), call("gate", "plan-1.toml", *RESTRICTED)):
        assert done.exit_code == 4
        errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
        assert len(errors) == 1
    assert not Path("out-1/result.json").exists()
    if damage != "result":
        assert call("chain", "list", "kept").exit_code == 4


def test_the_list_is_for_people_and_for_machines(here: pd.DataFrame) -> None:
    assert call("chain", "list", "kept").exit_code == 4
    run(0)
    accept(0)
    listed = call("chain", "list", "kept")
    assert "[reference, last]" in listed.stdout
    assert "Audit office: release 0" in listed.stdout
    labelled = here["label"] == "1"
    missed = int((labelled & (here["score"] < 0.5)).sum())
    assert f"6,000 cases, {missed:,} of {labelled.sum():,} labelled as exploitation missed" in listed.stdout
    origin = stored(0)["provenance"]
    digests = {name: origin[f"{name}_sha256"][:12] for name in ("evaluation_set", "plan", "detector")}
    assert (
        f"SHA-256 of set {digests['evaluation_set']}, plan {digests['plan']}, detector {digests['detector']}"
        in listed.stdout
    )
    entries = [json.loads(line) for line in call("chain", "list", "kept", "--json").stdout.splitlines()]
    assert [entry["kind"] for entry in entries] == ["accepted"]
    schema = json.loads(call("schema", "--chain").stdout)
    assert schema["$id"] == "urn:audit7k:chain:1"
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(entries[0], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**entries[0], "index": "0"}, schema)
    assert call("schema", "--chain", "--plan").exit_code == 2
    assert call("chain", "list", "kept", "--system", "Another").exit_code == 4
    assert call("chain", "reference", "kept", "7", "--by", "a", "--why", "b").exit_code == 2
    nobody = call("chain", "accept", "out-0", "--by", " ", "--why", "b", "--inputs-elsewhere", *RESTRICTED)
    assert nobody.exit_code == 2


def test_where_a_chain_lies_that_no_later_command_looks_for_is_said(here: pd.DataFrame) -> None:
    run(0)
    named = accept(0).stderr
    options = ("--by", "Audit office", "--why", "release 0", "--inputs-elsewhere")
    beside = call("chain", "accept", "out-0", *options).stderr
    assert "--restricted-folder" not in named
    assert "is accepted in out-0/restricted" in beside
    assert "neither a gate of a plan nor a run into another folder looks there" in beside
    release(here, 1)
    unheld = call("gate", "plan-1.toml")
    assert (unheld.exit_code, "chain" in unheld.output) == (0, False)  # as the note says
    path = Path("plan-0.toml")
    path.write_text(f'{path.read_text(encoding="utf-8")}[disclosure]\nfolder = "kept"\n', encoding="utf-8")
    assert call("run", "plan-0.toml", "--out", "out-0", "--no-crosscheck").exit_code == 0
    shutil.rmtree("kept/chains")
    assert "note: neither" not in call("chain", "accept", "out-0", *options).stderr


def test_a_stale_result_is_not_accepted(here: pd.DataFrame) -> None:
    run(0)
    Path("plan-0.toml").write_text(PLAN.format(version=0, rules=RULES.replace("0.3", "0.2"), section=""), "utf-8")
    refused = accept(0)
    assert refused.exit_code == 4
    assert "differs" in refused.stderr
    assert not Path("kept/chains").exists()


def test_a_baseline_that_gates_were_pointed_at_may_be_the_first_accepted_version(here: pd.DataFrame) -> None:
    run(0)
    release(here, 1)
    assert call("gate", "plan-1.toml", "--baseline", "out-0", *RESTRICTED).exit_code == 0
    assert accept(0).exit_code == 0
    assert run(1).exit_code == 0
    assert numbers(1) == (1, 1, "reference")


def test_a_replay_makes_all_again_but_the_change_since_versions_that_no_bundle_has(here: pd.DataFrame) -> None:
    run(0)
    accept(0)
    release(here, 1, worse=0.2)
    assert run(1).exit_code == 1
    assert call("seal", "out-1", "--with-rows", *RESTRICTED).exit_code == 0
    replayed = call("replay", "out-1/evidence-restricted.a7k")
    assert replayed.exit_code == 0, replayed.output
    assert "but for the change since an earlier audit" in replayed.stdout
