"""The commands themselves, on files: what is printed where, what is written, and the exit code."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made.gates import elsewhere
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode
from audit.plan.offers import names_offered
from audit.result.file import load_result
from audit.result.reporters import GROUP
from audit.vocabulary.metrics import METRICS
from audit.vocabulary.terms import TERMS

SCRIPT = Path(sys.executable).parent / "audit7k"
PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "predictions"
score = "score"
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "sex"
map = { F = "woman", M = "man" }
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""


def write_case(folder: Path, women_found: int, cases: int = 400, plan: str = PLAN) -> Path:
    """A set of `cases` exploited women and men each; of the men 80 % are found, of the women `women_found` in 100."""
    rows = ["case,label,score,sex"]
    for sex, found in (("F", women_found), ("M", 80)):
        rows += [f"{sex}{n},1,{0.9 if 100 * n < found * cases else 0.1},{sex}" for n in range(cases)]
        rows += [f"{sex}n{n},0,0.1,{sex}" for n in range(20)]
    (folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    return folder / "plan.toml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


FEW = ("--restricted", "--no-crosscheck", "--report", "junit")
"""Of `run`: to write a result and little else."""


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(("women", "cases", "code", "word"), [
    (80, 400, ExitCode.PASS, "PASS"), (40, 400, ExitCode.FAIL, "FAIL"), (80, 12, ExitCode.INCONCLUSIVE, "INCONCLUSIVE"),
])  # fmt: skip
def test_run_writes_the_folder_and_gives_the_verdict(here: Path, women: int, cases: int, code: int, word: str) -> None:
    write_case(here, women, cases)
    ended, out, err = invoke("run", "plan.toml", "--restricted")
    assert (ended, err) == (code, "")
    assert word in out.splitlines()[0]
    assert f"Report: {Path('audit-out', 'report.html')}" in out
    there = [".gitignore", ".inputs.json", "junit.xml", "report.html", "result.json"]
    assert sorted(path.name for path in (here / "audit-out").iterdir()) == there
    result = load_result(here / "audit-out" / "result.json")
    assert result.overall.outcome == word.casefold()

    for target in ("audit-out", "audit-out/result.json", "plan.toml"):
        gated, said, _ = invoke("gate", target, *elsewhere(target))
        assert gated == code
        verdict, exact = said.splitlines()[-2:]
        assert verdict.split() == [verdict.split()[0], word]
        assert exact.startswith("Exact figures, ")


def test_gate_names_each_rule_that_does_not_pass_on_a_line_of_its_own(here: Path) -> None:
    write_case(here, 40)
    _, out, _ = invoke("gate", "plan.toml", "--restricted")
    assert out == (
        "✗ FAIL true_positive_rate: 1 group beyond the limit (difference 0.1 from the rest): woman\n"
        "findings: 1 beyond the limit, 1 within it\n"
        "✗ FAIL\n"
    )
    assert sorted(path.name for path in here.iterdir()) == ["cases.csv", "plan.toml"]


@pytest.mark.parametrize("command", ["run", "gate"])
@pytest.mark.parametrize(
    ("choice", "code", "word"), [("fail", 1, "warning"), ("warn", 0, "warning"), ("pass", 0, "note")]
)
def test_an_inconclusive_verdict_changes_the_code_only_visibly(
    here: Path, command: str, choice: str, code: int, word: str
) -> None:
    write_case(here, 80, 12)
    ended, out, err = invoke(command, "plan.toml", "--restricted", "--on-inconclusive", choice)
    assert ended == code
    assert "? INCONCLUSIVE" in out
    assert err.splitlines()[-1].startswith(f"{word}: the verdict is inconclusive; exit code {code} instead of 3")
    assert f"--on-inconclusive {choice}" in err


@pytest.mark.parametrize(("women", "code"), [(80, 0), (40, 1)])
def test_a_verdict_that_is_none_of_inconclusive_is_not_changed(here: Path, women: int, code: int) -> None:
    write_case(here, women)
    for choice in ("fail", "warn", "pass"):
        assert invoke("gate", "plan.toml", "--on-inconclusive", choice)[0] == code


@pytest.mark.parametrize("command", ["run", "gate"])
def test_json_is_one_document_and_nothing_else(here: Path, command: str) -> None:
    write_case(here, 40)
    code, out, _ = invoke(command, "plan.toml", "--json", "--restricted")
    assert code == ExitCode.FAIL
    assert json.loads(out)["overall"]["outcome"] == "fail"
    if command == "run":
        assert out == (here / "audit-out" / "result.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["run", "gate"])
def test_quiet_is_the_exit_code_alone(here: Path, command: str) -> None:
    write_case(here, 80, 12)
    for arguments in ([], ["--json"], ["--on-inconclusive", "warn"]):
        code, out, err = invoke(command, "plan.toml", "--quiet", "--restricted", *arguments)
        assert code == (ExitCode.PASS if "warn" in arguments else ExitCode.INCONCLUSIVE)
        assert (out, err != "") == ("", "warn" in arguments)
        assert "exit code 0 instead of 3 because of --on-inconclusive warn" in err or "warn" not in arguments


def test_reports_are_chosen_by_name_and_checked_before_anything_is_scored(here: Path) -> None:
    write_case(here, 80)
    assert invoke("run", "plan.toml", "--restricted", "--report", "junit", "--out", "a/b")[0] == 0
    assert sorted(path.name for path in (here / "a" / "b").iterdir()) == [
        ".gitignore",
        ".inputs.json",
        "junit.xml",
        "result.json",
    ]
    code, out, err = invoke("run", "absent.toml", "--restricted", "--report", "jnuit")
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == f'error: no reporter "jnuit" — installed here: {", ".join(names_offered(GROUP))}\n'


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "absent.toml"], 4, "no plan at absent.toml"),
        (["gate", "absent.toml"], 4, "no plan at absent.toml"),
        (["gate", "absent.json"], 4, "absent.json cannot be read"),
        (["gate", "."], 4, "no result.json in ."),
        (["check", "cases.csv"], 4, "not valid TOML"),
        (["report", "plan.toml"], 4, "not the JSON of a result"),
        (["report", "absent.json", "--format", "nothing"], 2, 'no public report "nothing"'),
        (["report", "absent.json", "--restricted", "--format", "nothing"], 2, 'no reporter "nothing"'),
        (["run", "plan.toml", "--out", "cases.csv"], 75, "is a file, not a folder"),
        (["explain", "recal"], 2, "did you mean true_positive_rate"),
        (["init", "absent.csv", "--out", "new.toml"], 4, "absent.csv"),
        (["init", "cases.csv", "--out", "plan.toml"], 2, "plan.toml is there already"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(here: Path, arguments: list[str], code: int, words: str) -> None:
    write_case(here, 80)
    before = {path: path.read_bytes() for path in here.iterdir()}
    ended, out, err = invoke(*arguments)
    assert (ended, out) == (code, "")
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_data_in_error_leave_the_earlier_outputs(here: Path) -> None:
    write_case(here, 80)
    assert invoke("run", "plan.toml", "--no-crosscheck", "--report", "json")[0] == 0
    before = {path: path.read_bytes() for path in (here / "audit-out").rglob("*") if path.is_file()}
    assert here / "audit-out" / "public" / "release.json" in before
    with (here / "cases.csv").open("a") as file:
        file.write("SECRET,1,7.5,F\n")
    code, _, err = invoke("run", "plan.toml")
    assert code == ExitCode.NOT_JUDGED
    assert "SECRET" not in err
    after = {path: path.read_bytes() for path in (here / "audit-out").rglob("*") if path.is_file()}
    mark = after.pop(here / "audit-out" / ".not-judged")
    assert after == before
    assert mark.decode().strip() == hashlib.sha256(before[here / "audit-out" / "result.json"]).hexdigest()


@pytest.mark.parametrize(
    "arguments", [["run"], ["nonsense"], ["run", "--nonsense"], ["gate", "x", "--on-inconclusive", "x"]]
)
def test_usage_ends_with_2(here: Path, arguments: list[str]) -> None:
    code, out, err = invoke(*arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert "Usage: " in err


def test_report_redraws_beside_the_result_elsewhere_or_to_stdout(here: Path) -> None:
    write_case(here, 40)
    invoke("run", "plan.toml", "--restricted")
    page = (here / "audit-out" / "report.html").read_text(encoding="utf-8")
    (here / "audit-out" / "report.html").unlink()
    code, out, err = invoke("report", "audit-out", "--restricted")
    assert (code, out, err) == (0, "", f"Report: {Path('audit-out', 'report.html')}\n")
    assert (here / "audit-out" / "report.html").read_text(encoding="utf-8") == page
    assert invoke("report", "audit-out/result.json", "--restricted", "--out", "-") == (0, page, "")
    assert invoke("report", "audit-out", "--restricted", "--format", "junit", "--out", "j.xml")[0] == 0
    assert (here / "j.xml").read_text().startswith("<?xml")


def test_a_report_speaks_the_languages_that_it_is_asked_for(here: Path) -> None:
    write_case(here, 40)
    code, _, _ = invoke("run", "plan.toml", "--restricted", "--lang", "fr")
    assert code in (0, 1, 3)
    page = (here / "audit-out" / "report.html").read_text(encoding="utf-8")
    assert '<html lang="fr" dir="ltr">' in page
    assert (here / "audit-out" / "junit.xml").exists()
    assert invoke("report", "audit-out", "--restricted", "--lang", "fr", "--out", "-") == (0, page, "")
    several = invoke("report", "audit-out", "--restricted", "--lang", " AR,zh ,en", "--out", "-")[1]
    assert '<html lang="ar" dir="rtl">' in several
    assert [f'id="in-{code}"' in several for code in ("ar", "zh", "en", "fr")] == [True, True, True, False]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (
            ["run", "absent.toml", "--restricted", "--lang", "de"],
            'the reporter "html" has no language "de" — it has en, fr, es, ar, ru',
        ),
        (["run", "absent.toml", "--restricted", "--lang", "fr,"], 'the reporter "html" has no language "" — it has en'),
        (["report", "absent", "--restricted", "--lang", "fr,\x1b[31m"], 'the reporter "html" has no language "?[31m"'),
        (["report", "absent", "--format", "junit", "--lang", "fr"], '"junit" writes English alone — leave --lang out'),
    ],
)
def test_a_language_is_checked_before_anything_is_read(here: Path, arguments: list[str], shown: str) -> None:
    code, out, err = invoke(*arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert err.startswith(f"error: {shown}")
    assert err.count("\n") == 1


def test_explain_takes_any_name_and_lists_all() -> None:
    code, out, _ = invoke("explain", "FPR")
    assert code == 0
    assert out.startswith("false_positive_rate: share of non-victims wrongly flagged\n")
    assert "FP / (FP + TN)" in out
    assert "[[rules]]" in out
    assert "no rule can be set on it" in invoke("explain", "prevalence")[1]
    assert "[[rules]]" not in invoke("explain", "prevalence")[1]
    listed = invoke("explain")[1]
    assert all(f"\n{name} " in listed for name in (*METRICS, *TERMS))
    assert invoke("explain", "zzzzzz")[2].startswith(
        'error: no metric or term is called "zzzzzz" — known: true_positive_rate,'
    )


def test_schema_is_that_of_a_result_or_of_a_plan(here: Path) -> None:
    write_case(here, 80)
    invoke("run", "plan.toml", "--restricted", "--report", "junit")  # with the cross-check: it is part of a result
    import jsonschema

    jsonschema.validate(json.loads((here / "audit-out" / "result.json").read_text()), json.loads(invoke("schema")[1]))
    assert "rules" in json.loads(invoke("schema", "--plan")[1])["properties"]


def test_check_scores_nothing(here: Path) -> None:
    write_case(here, 80, plan=PLAN.replace('score = "score"', 'path = "absent.parquet"\nscore = "score"'))
    code, out, err = invoke("check", "plan.toml")
    assert (code, err) == (0, "")
    assert out.startswith(
        "Check of Screener: nothing was scored\nRows: 840 read; 800 labelled as exploitation, 40 as none"
    )
    assert "gender: 2 groups: 2 judged alone" in out


@pytest.mark.parametrize("more", [(), ("--lang", "fr,en")])
def test_who_has_the_plan_can_print_the_digest_that_a_report_names(here: Path, more: tuple[str, ...]) -> None:
    """That of the file is another one: comments and order do not count. No data are asked for."""
    write_case(here, 80)
    assert invoke("run", "plan.toml", "--no-crosscheck", "--report", "html", *more)[0] == ExitCode.PASS
    assert invoke("report", "audit-out", "--restricted", "--lang", "en")[0] == ExitCode.PASS
    pages = [(here / "audit-out" / each).read_text("utf-8") for each in ("report.html", "public/report.html")]
    (here / "cases.csv").unlink()
    (here / "plan.toml").write_text(f"# one more remark\n{PLAN}", encoding="utf-8")
    code, out, err = invoke("check", "--digest", "plan.toml")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"[0-9a-f]{64}\n", out)
    for page in pages:
        assert f"<code>{out.strip()}</code>" in page
        assert "audit7k check --digest plan.toml" in page
    code, out, err = invoke("check", "--digest", "absent.toml")
    assert (code, out, err.count("\n")) == (ExitCode.NOT_JUDGED, "", 1)


def test_colour_is_asked_for_or_absent(here: Path) -> None:
    write_case(here, 40)
    invoke("run", "plan.toml", *FEW)
    command = [str(SCRIPT), "gate", "audit-out", "--inputs-elsewhere"]
    base = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR"}}
    for extra, coloured in (({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)):
        done = subprocess.run(command, env=base | extra, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == ExitCode.FAIL
        assert ("\x1b[" in done.stdout) is coloured
        assert "FAIL" in done.stdout


def test_a_reader_that_has_gone_away_does_not_change_the_verdict(here: Path) -> None:
    write_case(here, 40)
    invoke("run", "plan.toml", *FEW)
    process = subprocess.Popen(
        [str(SCRIPT), "gate", "audit-out", "--inputs-elsewhere", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, complaint = process.communicate(timeout=240)
    assert (process.returncode, complaint) == (ExitCode.FAIL, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("arguments", [["explain", "recall"], ["schema"], ["--help"], ["--version"], ["run", "--help"]])
def test_output_that_cannot_be_written_is_no_verdict(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [str(SCRIPT), *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=240
        )
    assert done.returncode == ExitCode.STORAGE_FAILED
    assert done.stderr.startswith("error: reading or writing failed (No space left on device)")
    assert done.stderr.count("\n") == 1


def with_closed_stdout(arguments: str) -> tuple[int, str]:
    command = ["bash", "-c", f"'{SCRIPT}' {arguments} >&-"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=240)
    return done.returncode, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
def test_a_stdout_that_is_closed_changes_no_verdict(here: Path) -> None:
    write_case(here, 40)
    invoke("run", "plan.toml", *FEW)
    for more in ("", "--restricted", "--restricted --json"):
        ended, said = with_closed_stdout(f"gate audit-out --inputs-elsewhere {more}")
        assert (ended, said if more else "") == (ExitCode.FAIL, "")


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
def test_a_stdout_that_is_closed_changes_no_verdict_of_a_plan(here: Path) -> None:
    write_case(here, 40, cases=100)
    run = "run plan.toml --no-crosscheck --report junit"
    for arguments in ("gate plan.toml", run, f"{run} --json"):
        assert with_closed_stdout(f"{arguments} --restricted") == (ExitCode.FAIL, "")


def test_python_m_audit_is_the_same_command() -> None:
    command = [sys.executable, "-m", "audit", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout == subprocess.run([str(SCRIPT), "--version"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_offered_for_each_shell(shell: str, tmp_path: Path) -> None:
    hook = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    script = subprocess.run(
        [str(SCRIPT), "--show-completion", shell], env=hook, capture_output=True, text=True, check=True, timeout=240
    ).stdout
    assert f"complete_{shell}" in script
    assert "audit7k" in script
    asked = {
        "bash": {"COMP_WORDS": "audit7k re", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "audit7k re"},
        "fish": {"_TYPER_COMPLETE_ARGS": "audit7k re", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [str(SCRIPT)], env=hook | asked | {"_AUDIT7K_COMPLETE": f"complete_{shell}"},
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    assert "report" in done.stdout
    assert "gate" not in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
def test_completion_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    asked = ["bash", "-c", f"'{SCRIPT}' --install-completion; true"]
    done = subprocess.run(asked, env=environ, capture_output=True, text=True, check=True, timeout=240)
    assert "bash completion installed" in done.stdout
    assert "audit7k" in (tmp_path / ".bashrc").read_text()


def test_a_rule_that_only_warns_stops_no_build_and_changes_no_verdict(here: Path) -> None:
    wide = '\n[[rules]]\nid = "wide"\nmetric = "true_positive_rate"\ngroups = ["gender"]\nmargin = 0.4\n'
    warns = PLAN.replace("margin = 0.1", 'margin = 0.1\nid = "narrow"\non_fail = "warn"')
    write_case(here, 55, plan=warns)
    code, _, err = invoke("run", "plan.toml")
    assert (code, err.count("\n")) == (ExitCode.NOT_JUDGED, 1)
    assert "every rule on a rate only warns" in err
    write_case(here, 55, plan=warns + wide)
    formats = ["html", "junit", "sarif", "github-summary", "github-annotations", "gitlab-codequality"]
    code, out, err = invoke("run", "plan.toml", *(word for name in formats for word in ("--report", name)))
    assert code == ExitCode.PASS
    assert out.startswith("✗ FAIL")
    assert err.splitlines()[-2:] == [
        'warning: narrow fails, and only warns (on_fail = "warn")',
        "warning: the verdict is fail; exit code 0 instead of 1 because rules that only warn are set aside",
    ]
    public = here / "audit-out" / "public"
    assert json.loads((public / "release.json").read_text(encoding="utf-8"))["headline"]["outcome"] == "fail"
    junit = (public / "junit.xml").read_text(encoding="utf-8")
    assert 'failures="0"' in junit
    assert "<failure" not in junit
    assert junit.count('<skipped message="fails, and only warns; ') == 3, "the verdict, the rule and the women"
    sarif = json.loads((public / "report.sarif.json").read_text(encoding="utf-8"))
    assert {one["level"] for one in sarif["runs"][0]["results"]} == {"warning"}
    quality = json.loads((public / "gl-code-quality.json").read_text(encoding="utf-8"))
    assert {one["severity"] for one in quality} == {"major"}
    annotations = (public / "annotations.txt").read_text(encoding="utf-8")
    assert re.findall(r"^::(\w+)", annotations, re.MULTILINE) == ["warning"]
    assert "exceeds the limit (only warns)" in (public / "summary.md").read_text(encoding="utf-8")
    assert "builds go on with a warning" in (public / "report.html").read_text(encoding="utf-8")
    for options, words in (([], "; only warns); rows: "), (["--restricted"], "✗ FAIL narrow (only warns): ")):
        code, out, err = invoke("gate", "audit-out", "--inputs-elsewhere", *options)
        assert code == ExitCode.PASS
        assert words in out
        assert "exit code 0 instead of 1" in err
    assert invoke("gate", "audit-out", "--inputs-elsewhere", "--quiet")[0] == ExitCode.PASS
    assert invoke("gate", "audit-out", "--inputs-elsewhere", "--only", "narrow")[0] == ExitCode.INCONCLUSIVE
    assert invoke("gate", "audit-out", "--inputs-elsewhere", "--only", "wide")[0] == ExitCode.PASS


def test_alone_it_says_what_to_do_first_on_one_screen_and_is_no_pass() -> None:
    code, out, err = invoke()
    assert (code, out) == (ExitCode.USAGE, "")
    assert len(err.splitlines()) <= 23
    assert max(map(len, err.splitlines())) <= 80
    named = set(re.findall(r"audit7k ([a-z]+)", err))
    assert {"demo", "init", "check", "run", "gate"} <= named <= {info.callback.__name__ for info in _commands()}


def test_every_option_of_run_and_gate_is_in_a_panel() -> None:
    for command in ("run", "gate"):
        _, text, _ = invoke(command, "--help")
        assert re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE) == [
            "Arguments", "Output", "Verdict", "Scoring and checks", "Help",
        ]  # fmt: skip
        assert text.partition("Help:")[2].split()[:2] == ["-h,", "--help"]


def _commands() -> list[Any]:
    return [info for info in app.registered_commands if info.callback is not None]


def test_every_command_of_a_blind_audit_is_guarded_and_says_whose_it_is() -> None:
    (group,) = (group for group in app.registered_groups if group.name == "blind")
    commands = group.typer_instance.registered_commands if group.typer_instance else []
    names = {info.name or (info.callback.__name__ if info.callback else "") for info in commands}
    assert names == {"commit", "rehearse", "challenge", "answer", "judge", "open", "repeat", "features"}
    for info in commands:
        assert hasattr(info.callback, "__wrapped__")
        assert (info.short_help or "").partition(":")[0] in {"Vendor", "Regulator", "Both"}
        assert info.callback is not None
        assert info.callback.__doc__


def test_every_command_of_a_chain_is_guarded() -> None:
    (group,) = (group for group in app.registered_groups if group.name == "chain")
    commands = group.typer_instance.registered_commands if group.typer_instance else []
    assert [info.name for info in commands] == ["accept", "list", "reference", "pack", "unpack"]
    for info in commands:
        assert hasattr(info.callback, "__wrapped__")
        assert info.callback is not None
        assert info.callback.__doc__


def test_every_command_is_guarded_and_says_what_it_does() -> None:
    names = {info.callback.__name__ for info in app.registered_commands if info.callback is not None}
    telling = {"cases", "codes", "explain", "figure", "portal", "probes", "remedy", "report", "schema"}
    judging = {"check", "compare", "look", "power", "run", "gate"}
    proving = {"attach", "countersign", "history", "key", "recheck", "register", "replay", "seal", "verify"}
    assert names == {"demo", "draw", "init", "synthesise", *judging, *telling, *proving}
    for info in app.registered_commands:
        assert info.callback is not None
        assert hasattr(info.callback, "__wrapped__")
        assert info.short_help
        assert info.callback.__doc__
