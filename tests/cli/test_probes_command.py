"""`audit7k probes` as a user types it, and what an audit with probes says in the terminal, the report and JUnit."""

from __future__ import annotations

import csv
import re
import stat
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from made.pages import parsed, section, text
from made.probes import IGNORES, LEXICON, write_audit
from rich.cells import cell_len
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.console.terminal import Style
from audit.cli.pages.second_looks import second_looks
from audit.cli.pages.summary import rule_lines, summary
from audit.errors import ResultError
from audit.result.audit_result import AuditResult
from audit.result.file import load_result, parse_result
from audit.result.json_text import result_to_json
from audit.scoring.probing.variants_file import holds_formula

PROBE = '[[probes]]\nid = "words"\nkind = "text"\ncolumn = "text"\nslots = ["demonym"]\n'
LEVELS = 'levels = { demonym = ["NGA", "PHL"] }\n'
RULE = '[[rules]]\nmetric = "counterfactual_shift"\nmargin = 0.05\n'
MOVED = LEXICON + (
    "def score(batch):\n"
    "    texts = batch.column('text').to_pylist()\n"
    "    return [min(base(text) + 0.3 * ('nigerian' in words(text)), 1.0) for text in texts]\n"
)
PLAIN = Style(colour=False, unicode=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_what_will_be_changed_is_shown_with_a_few_texts(here: Path) -> None:
    write_audit(here, PROBE)
    code, out, err = invoke("probes", "plan.toml")
    assert (code, err) == (0, "")
    assert out.startswith(
        "words: 17,700 to score, 176 changes\n  100 templates from the package's adverts; words: the pack"
    )
    assert "demonym: Afghan, Angolan, Albanian, Andorran, Emirati, Argentine and 170 more" in out
    assert "> Hotel near the station is looking for an Afghan person to clean rooms at night." in out


def test_rows_of_the_set_are_not_shown(here: Path) -> None:
    detector = 'kind = "python"\nentry = "beside:score"\nfeatures = ["text", "gender"]\nthreshold = 0.5'
    probe = '[[probes]]\nid = "field"\nkind = "columns"\nvalues = { gender = ["woman"] }\nanchor = { gender = "" }\n'
    write_audit(here, probe, detector=detector)
    code, out, _ = invoke("probes", "plan.toml")
    assert code == 0
    assert "papers" not in out
    assert "contract" not in out


def test_a_cell_that_starts_as_a_formula_is_kept_and_said(here: Path) -> None:
    """What the detector is to read is data: an apostrophe before it would be another text."""
    probe = '[[probes]]\nid = "field"\nkind = "columns"\nvalues = { gender = ["woman"] }\nanchor = { gender = "man" }\n'
    detector = 'kind = "python"\nentry = "beside:score"\nfeatures = ["text", "gender"]\nthreshold = 0.5'
    write_audit(here, probe, detector=detector)
    written = (here / "set.csv").read_text(encoding="utf-8").replace("Work offered:", "=Work offered:")
    (here / "set.csv").write_text(written, encoding="utf-8")
    code, _, err = invoke("probes", "plan.toml", "--out", "variants.csv")
    assert code == 0
    assert "open the file in no spreadsheet" in err
    with (here / "variants.csv").open(encoding="utf-8") as file:
        assert all(row["text"].startswith("=Work") for row in csv.DictReader(file))
    assert not holds_formula('id,x\n1,-1.5\n2,"+3e5"\n3,a=b\n')
    assert holds_formula('id,x\n1," @SUM(1)"\n')


def test_variants_are_written_for_their_owner_with_an_id(here: Path) -> None:
    write_audit(here, PROBE + LEVELS)
    code, out, err = invoke("probes", "plan.toml", "--out", "variants.csv")
    assert (code, out) == (0, "")
    assert "Wrote variants.csv: 300 to score. Keep the column case_id" in err
    assert "spreadsheet" not in err
    with (here / "variants.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["case_id"] for row in rows}) == 300
    assert sum("Nigerian" in row["text"] for row in rows) == 100
    assert stat.S_IMODE((here / "variants.csv").stat().st_mode) == 0o600
    code, _, err = invoke("probes", "plan.toml", "--out", "variants.csv")
    assert (code, err) == (2, "error: variants.csv is there already — name another with --out, or add --force\n")


@pytest.mark.parametrize(
    ("more", "arguments", "shown"),
    [
        ("", ("plan.toml",), "no probe in this plan"),
        (PROBE, ("plan.toml", "--probe", "others"), "no probe others in this plan — it has: words"),
        (PROBE + PROBE.replace("words", "more"), ("plan.toml", "--out", "v.csv"), "one file holds one probe"),
    ],
)
def test_what_cannot_be_shown_gets_one_line(here: Path, more: str, arguments: tuple[str, ...], shown: str) -> None:
    write_audit(here, more)
    code, out, err = invoke("probes", *arguments)
    assert code in {2, 4}
    assert out == ""
    assert shown in err
    assert err.count("\n") == 1
    assert not (here / "v.csv").exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plan.toml", "is the plan"),
        ("./plan.toml", "is the plan"),
        ("set.csv", "is a file that the plan reads"),
        ("words.toml", "is a file that the plan reads"),
    ],
)
def test_what_the_plan_reads_is_never_replaced(here: Path, name: str, shown: str) -> None:
    (here / "words.toml").write_text('[demonym.KUR]\nen = { word = "Kurdish", article = "a" }\n', encoding="utf-8")
    write_audit(here, PROBE + 'words = "words.toml"\n')
    before = (here / name).read_bytes()
    code, _, err = invoke("probes", "plan.toml", "--out", name, "--force")
    assert (code, (here / name).read_bytes()) == (2, before)
    assert shown in err
    assert err.count("\n") == 1


def test_check_tells_of_a_probe_that_cannot_be_written(here: Path) -> None:
    write_audit(here, PROBE + 'templates = "nowhere.toml"\n')
    code, _, err = invoke("check", "plan.toml")
    assert code == 4
    assert "nowhere.toml: it cannot be read" in err


IN_PROCESS = ("--no-crosscheck", "--sandbox", "none")
"""Without a process for the detector: that one is asked in one is tested elsewhere."""


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("failing")
    more = PROBE.replace('["demonym"]', '["demonym", "gender"]') + LEVELS + "intersections = true\n" + RULE
    write_audit(folder, more, MOVED)
    out = folder / "out"
    code, _, err = invoke("run", "--restricted", str(folder / "plan.toml"), "--out", str(out), *IN_PROCESS)
    assert code == 1, err
    return out


@pytest.fixture(scope="module")
def result(failing: Path) -> AuditResult:
    return load_result(failing / "result.json")


def test_a_gate_fails_by_one_changed_word(failing: Path) -> None:
    code, out, _ = invoke("gate", "--restricted", "--inputs-elsewhere", str(failing))
    assert code == 1
    assert (
        "FAIL counterfactual_shift: 3 changes move the mean score beyond the limit (0.05 of the score range): Nigerian"
        in out
    )
    code, out, _ = invoke("gate", "--restricted", str(failing.parent / "plan.toml"), *IN_PROCESS[1:])
    assert code == 1


def test_the_summary_has_a_line_for_it(result: AuditResult) -> None:
    shown = summary(result, PLAIN)
    line = next(line for line in shown.splitlines() if line.startswith("Swaps"))
    assert line.startswith("Swaps FAIL: widest, nationality word ")
    assert ": +30.0 points, " in line
    assert all(cell_len(each) <= 80 for each in shown.splitlines())
    assert len(shown.splitlines()) <= 24
    assert rule_lines(result, PLAIN)[-1].count("within") == 2


def test_a_summary_without_probes_says_nothing_of_them(result: AuditResult) -> None:
    from audit.cli.console.group_names import GroupNames

    none = result.model_copy(update={"probes": (), "probe_rules": (), "probe_verdicts": ()})
    assert not any("Swaps" in line for line in second_looks(none, GroupNames(none.features)))


def test_the_report_says_how_many_decisions_the_word_changed(failing: Path) -> None:
    root = parsed((failing / "report.html").read_text(encoding="utf-8"))
    part = text(section(root, "swaps"))
    found = re.search(
        r"When only the nationality word was changed, (\d+) of 100 decisions changed \((\d+) of 200\)", part
    )
    assert found
    assert int(found[1]) == (2 * 100 * int(found[2]) + 200) // (2 * 200)
    assert "Nigerian (NGA) +30.0 (+30.0 … +30.0)" in part
    assert "Filipino (PHL) none: exactly 0" in part
    assert "Paragraph 2 of the draft resolution, a draft by three States" in part
    assert "within the limit: no score moved" in part
    assert "When only the word for gender was changed, 0 of 100 decisions changed (0 of 200)." in part
    page = text(root)
    assert "Exceeds the limit" in page
    assert "moved the score on average by more than the limit in 3 of 12 changes" in page
    assert "Swaps: exceeds the limit" in page
    assert "the score may move by at most 5 points of its range, up or down" in page


def test_junit_has_a_case_a_change(failing: Path) -> None:
    root = ET.parse(failing / "junit.xml").getroot()
    suite = next(one for one in root if one.get("name") == "counterfactual_shift")
    names = [case.get("name") for case in suite.findall("testcase")]
    assert len(names) == len(set(names)) == 13
    failed = [case.get("name") for case in suite.findall("testcase") if case.find("failure") is not None]
    assert failed == [
        "rule counterfactual_shift",
        "probe=words, demonym=NGA",
        "probe=words, demonym=NGA, within gender=woman",
        "probe=words, demonym=NGA, within gender=man",
    ]


def test_an_audit_that_passes_says_so_of_its_probes_as_well(here: Path) -> None:
    write_audit(here, PROBE + LEVELS + RULE, IGNORES)
    code, out, _ = invoke("run", "--restricted", "plan.toml", *IN_PROCESS)
    assert code == 0
    assert "Swaps within the limit: no score moved, whatever was changed (100 texts)" in out
    page = text(parsed((here / "audit-out" / "report.html").read_text(encoding="utf-8")))
    assert "moved the score on average by no more than the limit" in page
    assert "a change could still work in up to 3% of such texts unseen" in page


def _lie(result: AuditResult, what: str, place: int, **changed: object) -> AuditResult:
    """The result with one entry of a list said otherwise."""
    entries = list(getattr(result, what))
    entries[place] = entries[place].model_copy(update=changed)
    return result.model_copy(update={what: tuple(entries)})


def _lie_of_a_shift(result: AuditResult, place: int, **changed: object) -> AuditResult:
    shifts = list(result.probes[0].shifts)
    shifts[place] = shifts[place].model_copy(update=changed)
    return _lie(result, "probes", 0, shifts=tuple(shifts))


def _place(result: AuditResult, because: str) -> int:
    return next(place for place, one in enumerate(result.probe_verdicts) if one.because == because)


LIES: dict[str, Callable[[AuditResult], AuditResult]] = {
    "a fail of a rule called a pass": lambda r: _lie(r, "probe_rules", 0, outcome="pass"),
    "a rule for another reason": lambda r: _lie(r, "probe_rules", 0, because="all_within_limit"),
    "a rule with another margin": lambda r: _lie(r, "probe_rules", 0, margin=0.5),
    "a rule on other probes": lambda r: _lie(r, "probe_rules", 0, probes=()),
    "a rule of another name": lambda r: _lie(r, "probe_rules", 0, rule="other"),
    "no rule": lambda r: r.model_copy(update={"probe_rules": (), "probe_verdicts": ()}),
    "a fail called a pass": lambda r: _lie(r, "probe_verdicts", _place(r, "beyond_limit"), outcome="pass"),
    "a pass called a fail": lambda r: _lie(r, "probe_verdicts", _place(r, "no_shift"), outcome="fail"),
    "a fail of which no score moved": lambda r: _lie(
        r, "probe_verdicts", _place(r, "beyond_limit"), because="no_shift"
    ),
    "no score that moved, in too few texts": lambda r: _lie(r, "probe_verdicts", _place(r, "no_shift"), p_pass=0.06),
    "one verdict left out": lambda r: r.model_copy(update={"probe_verdicts": r.probe_verdicts[1:]}),
    "one verdict twice": lambda r: r.model_copy(update={"probe_verdicts": (*r.probe_verdicts, r.probe_verdicts[-1])}),
    "a verdict on another change": lambda r: _lie(r, "probe_verdicts", 0, level="ROU"),
    "a verdict of a rule that is none": lambda r: _lie(r, "probe_verdicts", 0, rule="other"),
    "variants that do not add up": lambda r: _lie(r, "probes", 0, scored=r.probes[0].scored - 1),
    "a probe that the plan has not": lambda r: _lie(r, "probes", 0, probe="other"),
    "no probe": lambda r: r.model_copy(update={"probes": ()}),
    "a rise where no score moved": lambda r: _lie_of_a_shift(r, 1, raised=1, unmoved=99),
    "a score that moved where none did": lambda r: _lie_of_a_shift(r, 1, pairs_moved=1, unmoved=99, raised=1),
    "pairs that were not scored": lambda r: _lie_of_a_shift(r, 1, pairs_unscored=1),
    "more decisions than pairs": lambda r: _lie_of_a_shift(r, 0, to_flagged=101),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_result_that_contradicts_itself_is_refused(result: AuditResult, lie: str) -> None:
    assert parse_result(result_to_json(result)) == result
    with pytest.raises(ResultError, match=r"contradicts itself: probe(s|_rules|_verdicts)"):
        parse_result(result_to_json(LIES[lie](result)))
