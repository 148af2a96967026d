"""Baselines on the command line: exit codes, what a public log holds, and no way back to an older baseline."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made.changes import made_pair, write_plan, write_result_of
from made.entry_points import offered_by_this_version
from typer.testing import CliRunner, Result

from audit.cli.commands.app import app
from audit.cli.console.terminal import Style
from audit.cli.pages.change_words import WIDTH, change_summary
from audit.cli.pages.words import WORDS
from audit.plan.file.plan_file import load_plan
from audit.result.file import load_result
from audit.verdicts.changes.baseline import Baseline, change_between, load_baseline
from audit.verdicts.changes.chain import BEFORE_CHAINS, CHAIN, question_sha256, record_compared

RUNNER = CliRunner()


def call(*arguments: str | Path) -> Result:
    return RUNNER.invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    made_pair(folder, worse=0.12, moved=0.01, rows=6000)
    write_result_of(folder / "plan-1.toml", folder / "one")
    return folder


@pytest.fixture(scope="module")
def audited_again(audited: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of version 2, held against that of version 1."""
    folder = tmp_path_factory.mktemp("again")
    write_result_of(audited / "plan-2.toml", folder, audited / "one")
    return folder


@pytest.fixture
def here(audited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a version 1 that was audited, and a version 2 that became worse for the south."""
    shutil.copytree(audited, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def both(here: Path, audited_again: Path) -> Path:
    """The same with the result of version 2 in `two`."""
    shutil.copytree(audited_again, here / "two")
    return here


def test_gate_fails_what_became_worse_and_its_log_names_nobody(here: Path) -> None:
    alone = call("gate", "plan-2.toml")
    assert alone.exit_code != 1
    done = call("gate", "plan-2.toml", "--baseline", "one")
    assert done.exit_code == 1
    assert "at least one group became worse by more than its margin" in done.stdout
    assert "south" not in done.output
    document = json.loads(call("gate", "plan-2.toml", "--baseline", "one", "--json").stdout)
    assert document["headline"]["outcome"] == "fail"
    assert document["headline"]["change"]["paired"] is True
    assert "south" not in json.dumps(document)
    exact = call("gate", "plan-2.toml", "--baseline", "one", "--restricted")
    assert exact.exit_code == 1
    assert "south" in exact.stdout
    assert call("gate", "plan-2.toml", "--baseline", "one", "--quiet").output == ""


def test_run_stores_the_change_and_gate_goes_by_it(here: Path) -> None:
    done = call("run", "plan-2.toml", "--out", "two", "--no-crosscheck", "--baseline", "one")
    assert done.exit_code == 1
    stored = json.loads((here / "two" / "result.json").read_text(encoding="utf-8"))
    assert (stored["change"]["outcome"], stored["overall"]["outcome"]) == ("fail", "fail")
    again = call("gate", "two", "--inputs-elsewhere")
    assert again.exit_code == 1
    assert "became worse" in again.stdout
    assert call("gate", "two", "--inputs-elsewhere", "--baseline", "one").exit_code == 1
    for name in ("report.html", "junit.xml", "groups.csv"):
        assert "worse_beyond_margin" not in (here / "two" / "public" / name).read_text(encoding="utf-8")


def test_compare_answers_with_the_change_alone(both: Path) -> None:
    here = both
    done = call("compare", "one", "two", "--plan", "plan-2.toml")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert "FAIL" in lines[0]
    assert "one by one" in done.stdout
    assert "south" in done.stdout
    assert lines[-1].startswith("Restricted")
    change = json.loads(call("compare", "one", "two", "--plan", "plan-2.toml", "--json").stdout)
    assert change["unpaired"] is None
    without = json.loads(call("compare", "one/result.json", "two/result.json", "--json").stdout)
    assert without["unpaired"] == "set_not_at_hand" or without["unpaired"] is None
    back = call("compare", "two", "one", "--plan", "plan-1.toml")
    assert back.exit_code in (0, 3)
    assert call("compare", "one", "one", "--plan", "plan-1.toml").exit_code == 0
    report = here / "change.html"
    assert call("compare", "one", "two", "--plan", "plan-2.toml", "--out", report, "--quiet").exit_code == 1
    assert 'class="verdict is-fail"' in report.read_text(encoding="utf-8")
    assert report.stat().st_mode & 0o077 == 0
    assert call("compare", "one", "two", "--out", "change.txt").exit_code == 2


def test_compare_takes_another_set_as_a_separate_sample_and_gate_refuses_it(here: Path) -> None:
    other = here / "other"
    other.mkdir()
    made_pair(other, rows=5000)
    write_result_of(other / "plan-2.toml", other / "two")
    assert json.loads(call("compare", "one", "other/two", "--json").stdout)["unpaired"] == "other_set"
    refused = call("gate", "other/two", "--inputs-elsewhere", "--baseline", "one")
    assert refused.exit_code == 4
    assert "another evaluation set" in refused.output


def test_inconclusive_follows_the_option(here: Path) -> None:
    (here / "answers-1.csv").unlink()
    rules = '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["region"]\nmargin = 0.3\nregression_margin = 0.12\n'
    write_plan(here, 1, rules)
    write_plan(here, 2, rules)
    shutil.copy(here / "answers-2.csv", here / "answers-1.csv")
    write_result_of(here / "plan-1.toml", here / "first")
    (here / "answers-1.csv").unlink()
    rules = rules.replace("0.12", "0.01")
    write_plan(here, 2, rules)
    assert call("gate", "plan-2.toml", "--baseline", "first").exit_code == 3
    for asked, code in (("fail", 1), ("warn", 0), ("pass", 0)):
        assert call("gate", "plan-2.toml", "--baseline", "first", "--on-inconclusive", asked).exit_code == code


def aged(folder: Path, name: str, finished: str) -> Path:
    """The first result as if it had ended at another time."""
    shutil.copytree(folder / "one", folder / name)
    path = folder / name / "result.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["provenance"]["finished"] = finished
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def chain_in(restricted: Path) -> Path:
    """File of the only chain in a restricted folder."""
    (path,) = restricted.glob(f"chains/*/{CHAIN}")
    return path


def test_a_baseline_rollback_is_refused_by_gate_and_run(here: Path) -> None:
    old, new = aged(here, "old", "2026-01-01T00:00:00.000Z"), aged(here, "new", "2026-02-01T00:00:00.000Z")
    kept = ("--restricted-folder", "kept")
    assert call("gate", "plan-1.toml", "--baseline", old, *kept).exit_code == 0
    assert call("gate", "plan-1.toml", "--baseline", new, *kept).exit_code == 0
    record = chain_in(here / "kept").read_text(encoding="utf-8")
    assert "2026-02-01" in record
    assert chain_in(here / "kept").stat().st_mode & 0o077 == 0
    refused = call("gate", "plan-2.toml", "--baseline", old, *kept)
    assert refused.exit_code == 4
    assert "2026-01-01" in refused.output
    refused = call("run", "plan-2.toml", "--out", "two", "--baseline", old, *kept, "--no-crosscheck")
    assert refused.exit_code == 4
    assert not (here / "two").exists()
    assert call("gate", "plan-2.toml", "--baseline", new, *kept).exit_code == 1
    assert chain_in(here / "kept").read_text(encoding="utf-8") == record


IN_PROCESS = ("--report", "json", "--sandbox", "none")
DETECTOR = """\
from pathlib import Path
def score(rows):
    if Path({record!r}).parent.joinpath("damage").exists():
        next(Path({record!r}).parent.glob("chains/*/chain.jsonl")).write_text("damaged")
    return [0.9] * len(rows)
"""


def test_nothing_is_published_against_a_baseline_that_cannot_be_recorded(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next build could be pointed at an older one, and nothing would say so."""
    monkeypatch.syspath_prepend(str(offered_by_this_version(here / "site")))
    kept = here / "kept"
    plan, table = (here / "plan-2.toml").read_text(encoding="utf-8"), "[evaluation_set]"
    detector = '[detector]\nkind = "python"\nentry = "damaging:score"\nfeatures = ["gender"]\nthreshold = 0.5\n'
    asks = f"[disclosure]\nfolder = 'kept'\n{detector}{plan[plan.index(table) :]}"
    (here / "plan-2.toml").write_text(plan[: plan.index("[detector]")] + asks, encoding="utf-8")
    (here / "damaging.py").write_text(DETECTOR.format(record=str(kept / "damage")), encoding="utf-8")
    record_compared(load_baseline(here / "one"), load_plan(here / "plan-2.toml"), kept)
    (kept / "damage").touch()
    asked = ("run", "plan-2.toml", "--out", "two", "--baseline", "one", "--no-crosscheck", "--quiet", *IN_PROCESS)
    done = call(*asked)
    assert done.exit_code == 4
    assert done.stderr.startswith(f"error: {CHAIN} of the restricted folder is not as it was written")
    assert not (here / "two" / "public").exists()
    assert not (here / "two" / "result.json").exists()
    # the same command goes on once the record is put back
    chain_in(kept).unlink()
    (kept / "damage").unlink()
    assert call(*asked).exit_code == 0
    assert (here / "two" / "result.json").exists()


def test_a_run_that_is_killed_while_it_writes_has_recorded_its_baseline(here: Path) -> None:
    """And the same command goes on, while an older baseline is refused."""
    site = offered_by_this_version(here / "site")
    offers = site / "audit7k-0.dist-info" / "entry_points.txt"
    offers.write_text(
        offers.read_text(encoding="utf-8") + "[audit.reporters]\nlast = killing:Reporter\n", encoding="utf-8"
    )
    (site / "killing.py").write_text(
        "import os, signal\nclass Reporter:\n    name = 'last'\n    filename = 'last.txt'\n"
        "    def render(self, result):\n        os.kill(os.getpid(), signal.SIGKILL)\n",
        encoding="utf-8",
    )
    old, new = aged(here, "old", "2026-01-01T00:00:00.000Z"), aged(here, "new", "2026-02-01T00:00:00.000Z")
    (here / "plan-2.toml").write_text(
        (here / "plan-2.toml").read_text(encoding="utf-8") + "[disclosure]\nfolder = 'kept'\n", encoding="utf-8"
    )
    asked = ("run", "plan-2.toml", "--out", "two", "--no-crosscheck", "--quiet", "--restricted")
    repository = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-m", "audit", *asked, "--baseline", new, "--report", "last"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (site, repository)))},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (here / "two" / "result.json").exists()
    refused = call(*asked, "--baseline", old)
    assert refused.exit_code == 4
    assert "was accepted already" in refused.stderr
    assert call(*asked, "--baseline", new).exit_code == 1


def test_a_refused_baseline_is_no_rollback_mark(here: Path) -> None:
    """Only a comparison that was carried to its end is remembered."""
    aged(here, "new", "2026-02-01T00:00:00.000Z")
    plan = (here / "plan-2.toml").read_text(encoding="utf-8")
    (here / "plan-2.toml").write_text(plan.replace("margin = 0.1", "margin = 0.2"), encoding="utf-8")
    assert call("gate", "plan-2.toml", "--baseline", "new", "--restricted-folder", "kept").exit_code == 4
    assert not (here / "kept").exists()


def test_a_damaged_record_of_rollback_stops_the_gate(here: Path) -> None:
    """The record of versions before is read as it was meant, and refused where it is none."""
    entry = '{"schema": 1, "systems": {"x": {"finished": "%s", "sha256": ""}}}'
    entries = [(entry % finished).encode() for finished in ("yesterday", "2026-01-01T00:00:00")]
    (here / "kept").mkdir(mode=0o700)
    for content in (b"{}", b"not json", *entries):
        (here / "kept" / BEFORE_CHAINS).write_bytes(content)
        refused = call("gate", "plan-1.toml", "--baseline", "one", "--restricted-folder", "kept")
        assert refused.exit_code == 4
        assert refused.stderr.count("\n") == 1
        assert BEFORE_CHAINS in refused.output


def test_what_a_version_before_accepted_is_not_gone_behind(here: Path) -> None:
    """The record is that of commit 4f6acf20: by operator, system and a digest of what the plan asks."""
    question = question_sha256(load_plan(here / "plan-2.toml"))
    key = json.dumps(["Owner", "Screener", f"plan {question}"])
    systems = {key: {"finished": "2026-02-01T00:00:00+00:00", "sha256": "0" * 64}}
    (here / "kept").mkdir(mode=0o700)
    record = json.dumps({"schema": 1, "systems": systems}).encode()
    (here / "kept" / BEFORE_CHAINS).write_bytes(record)
    old, new = aged(here, "old", "2026-01-01T00:00:00.000Z"), aged(here, "new", "2026-03-01T00:00:00.000Z")
    for _ in range(2):  # from the record, and from the chain that begins with it
        refused = call("gate", "plan-2.toml", "--baseline", old, "--restricted-folder", "kept")
        assert refused.exit_code == 4
        assert "was accepted already" in refused.stderr
        assert call("gate", "plan-2.toml", "--baseline", new, "--restricted-folder", "kept").exit_code == 1
    lines = chain_in(here / "kept").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["baseline"]["finished"][:10] for line in lines[:2]] == [
        "2026-02-01",
        "2026-03-01",
    ]
    assert (here / "kept" / BEFORE_CHAINS).read_bytes() == record


@pytest.mark.parametrize("finished", ["", "nonsense", "2026-01-01T00:00:00"])
def test_a_baseline_that_ended_at_no_moment_is_refused_in_one_line(here: Path, finished: str) -> None:
    aged(here, "odd", finished)
    refused = call("gate", "plan-2.toml", "--baseline", "odd", "--restricted-folder", "kept")
    assert refused.exit_code == 4
    assert refused.stderr.splitlines() == ["error: result.json does not follow schema version 2 at provenance"]
    assert not (here / "kept").exists()


def test_a_result_is_not_held_against_itself_or_a_later_one(both: Path) -> None:
    """Else a version that became worse would pass as no worse than itself."""
    here = both
    soon = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    for later in ("two", aged(here, "later", soon)):
        refused = call("gate", "two", "--inputs-elsewhere", "--baseline", later)
        assert refused.exit_code == 4
        assert "did not end before this result" in refused.stderr
    assert call("gate", "two", "--inputs-elsewhere", "--baseline", "one").exit_code == 1


def test_a_baseline_of_a_time_to_come_is_refused_and_not_remembered(here: Path) -> None:
    """Once accepted it would make every later one an older one."""
    kept = here / "kept"
    future = aged(here, "future", "2999-01-01T00:00:00.000Z")
    refused = call("gate", "plan-2.toml", "--baseline", future, "--restricted-folder", kept)
    assert refused.exit_code == 4
    assert "in the future" in refused.stderr
    assert not kept.exists()


def test_two_plans_of_one_system_have_a_record_each(here: Path) -> None:
    kept = here / "kept"
    rules = '[[rules]]\nmetric = "false_positive_rate"\ngroups = ["region"]\nmargin = 0.3\n'
    write_plan(here, 1, rules)
    write_result_of(here / "plan-1.toml", here / "later")
    write_plan(here, 2, rules)
    assert call("gate", "plan-2.toml", "--baseline", "later", "--restricted-folder", kept).exit_code in (0, 1, 3)
    made_pair(here, worse=0.12, moved=0.01, rows=6000)
    assert call("gate", "plan-2.toml", "--baseline", "one", "--restricted-folder", kept).exit_code in (0, 1, 3)


def test_a_baseline_that_is_not_there_yet_says_how_one_gets_the_first(here: Path) -> None:
    """And what the error says works."""
    plan = here / "plan-2.toml"
    without = plan.read_text(encoding="utf-8")
    plan.write_text(without + '[baseline]\nresult = "accepted"\nregression_margin = 0.2\n', encoding="utf-8")
    for asked in (("gate", "plan-2.toml"), ("run", "plan-2.toml", "--no-crosscheck", "--quiet")):
        done = call(*asked)
        assert done.exit_code == 4
        assert done.stderr.startswith(
            "error: there is no baseline at accepted, which the plan names — the first one is"
        )
        assert "leave `result` out of [baseline] for one run" in done.stderr
    for target in (("plan-1.toml",), ("one", "--inputs-elsewhere")):
        done = call("gate", *target, "--baseline", "nowhere")
        assert done.exit_code == 4
        assert "no baseline at nowhere — check the path; the first one is the result of a run" in done.stderr
    plan.write_text(without + "[baseline]\nregression_margin = 0.2\n", encoding="utf-8")
    write_result_of(plan, here / "accepted")
    plan.write_text(without + '[baseline]\nresult = "accepted"\nregression_margin = 0.2\n', encoding="utf-8")
    assert call("gate", "plan-2.toml").exit_code in (0, 3)


def test_a_run_does_not_write_over_its_baseline(here: Path) -> None:
    """Else the same command once more would hold what became worse against itself."""
    before = (here / "one" / "result.json").read_bytes()
    for named in ("one", "one/result.json"):
        refused = call("run", "plan-2.toml", "--out", "one", "--baseline", named, "--no-crosscheck")
        assert refused.exit_code == 2
        assert "the baseline lies where this run writes its result" in refused.stderr
    assert (here / "one" / "result.json").read_bytes() == before


def test_a_baseline_that_became_worse_itself_is_said(both: Path) -> None:
    assert "the baseline became worse" in call("gate", "plan-2.toml", "--baseline", "two").stderr
    assert "the baseline became worse" not in call("gate", "plan-2.toml", "--baseline", "one").stderr


def test_many_nights_say_that_a_change_is_left_out(both: Path) -> None:
    here = both
    assert (
        "left out of the verdict of many nights: the change"
        in call("gate", "two", "--inputs-elsewhere", "--sequential", "a").stderr
    )
    write_plan(here, 2, extra="[baseline]\nresult = 'one'\n")
    assert (
        "left out of the verdict of many nights: the change" in call("gate", "plan-2.toml", "--sequential", "b").stderr
    )
    assert "left out" not in call("gate", "plan-1.toml", "--sequential", "c").stderr


def test_without_a_folder_that_stays_a_rollback_cannot_be_seen_and_that_is_said(here: Path) -> None:
    done = call("gate", "plan-1.toml", "--baseline", "one")
    assert done.exit_code == 0
    assert "goes back" in done.stderr
    assert not (here / "restricted").exists()


def test_another_set_that_lacks_a_group_judged_before_is_no_pass(here: Path) -> None:
    rules = '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["region"]\nmargin = 0.3\nregression_margin = 0.5\n'
    write_plan(here, 1, rules)
    write_result_of(here / "plan-1.toml", here / "whole")
    result = load_result(here / "whole" / "result.json")
    origin = result.provenance.model_copy(update={"evaluation_set_sha256": "0" * 64})
    other = result.model_copy(update={"provenance": origin})
    then, now = Baseline(result, here / "whole"), Baseline(other, here / "nowhere")
    assert change_between(then, now, None, only_the_same=False).outcome == "pass"
    gone = next(verdict.group for verdict in result.verdicts if verdict.decidable)
    left = tuple(counts for counts in other.counts if counts.group != gone)
    lacking = Baseline(other.model_copy(update={"counts": left}), here / "nowhere")
    change = change_between(then, lacking, None, only_the_same=False)
    assert (change.outcome, change.because) == ("inconclusive", "group_vanished")
    assert "which lacks a group" in change_summary(change, other.features, "Screener", Style())


@pytest.mark.parametrize("because", WORDS["change_because"].values())
def test_why_a_rule_cannot_be_told_is_not_cut_beside_the_rates_of_every_plan_that_init_writes(because: str) -> None:
    assert len(f"? false_positive_rate (margin 0.05): {because}") <= WIDTH
