"""`run` and `gate` with waivers: every output shows the finding and its waiver, and only the exit code changes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made.entry_points import offered_by_this_version
from made.gates import elsewhere
from made.published import COUNTS, PLAN, write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.disclosure.read import parse_release
from audit.errors import ResultError
from audit.plan.file.plan_file import canonical_plan_sha256, load_plan
from audit.result.file import load_result
from audit.scoring.provenance import scoring_identity

OWNER = "Exact figures, for those who may see the cases: audit7k run plan.toml --restricted --out exact"

WHO, WHY = "Head of inspection, 3rd floor", "Model 2.4 corrects it; 1,234 rows"
LATER, SOONER, PAST = "2999-06-30", "2999-01-01", "2020-02-29"
WOMEN = '{ gender = "woman" }'
IN_THE_SOUTH = '{ gender = "woman", site = "south" }'
MEN = '{ gender = "man" }'
FORMATS = ("html", "json", "csv", "junit", "sarif", "github-summary", "github-annotations", "gitlab-codequality",
           "gitlab-metrics", "markdown", "badge")  # fmt: skip


MANY = {group: (4 * victims, 4 * found) for group, (victims, found) in COUNTS.items()}
"""So many that noise hides seldom what fails."""


def written(*waivers: tuple[str, str], rule: str = "true_positive_rate") -> str:
    return "".join(
        f'[[waivers]]\nrule = "{rule}"\ngroup = {group}\nwho = "{WHO}"\nwhy = "{WHY}"\nexpires = {day}\n'
        for group, day in waivers
    )


ALL = written((WOMEN, LATER), (IN_THE_SOUTH, SOONER))


JSON = ("--report", "json")


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.syspath_prepend(str(offered_by_this_version(folder / "site")))
    write_set(folder, PLAN + '[waivers]\nfile = "waivers.toml"\n', MANY)
    (folder / "waivers.toml").write_text(ALL, encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A failing set: women, and women in the south, are found less often; beside it a file of waivers for both."""
    return enter(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        folder = enter(tmp_path_factory.mktemp("once"), patch)
        assert invoke("run", "plan.toml", "--restricted", "--no-crosscheck", "--report", "junit")[0] == 0
    return folder / "audit-out"


@pytest.fixture
def audited(once: Path, here: Path) -> Path:
    """The same with the result of a run."""
    shutil.copytree(once, here / "audit-out")
    return here


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_waived_findings_keep_their_verdict_and_change_the_code_visibly(here: Path) -> None:
    code, out, err = invoke("run", "plan.toml", "--restricted", "--no-crosscheck")
    assert code == 0
    assert err == (
        "warning: the verdict is fail; exit code 0 instead of 1 because 2 findings are waived until 2999-01-01, some "
        "of them longer\n"
    )
    assert out.splitlines()[0].startswith("✗ FAIL")
    assert sum(line.startswith("✗ FAIL waived") for line in out.splitlines()) == 2
    assert "Waived: 2 of 2 findings until 2999-01-01 or later, by Head of inspection" in out
    assert all(len(line) <= 80 for line in out.splitlines() if "audit7k " not in line), "a command stands whole"
    result = load_result(here / "audit-out" / "result.json")
    assert (result.overall.outcome, result.rules[0].outcome) == ("fail", "fail")
    assert [(each.who, each.why, each.expires) for each in result.waivers] == [(WHO, WHY, LATER), (WHO, WHY, SOONER)]
    for target in ("audit-out", "plan.toml"):
        code, out, err = invoke("gate", target, *elsewhere(target), "--restricted")
        assert code == 0
        assert "because 2 findings are waived" in err
        assert f"  waived by {WHO} until {LATER}: woman under true_positive_rate: {WHY}\n" in out
        assert out.endswith("✗ FAIL\n")
        code, out, err = invoke("gate", target, *elsewhere(target))
        assert code == 0
        assert "because what fails is waived until 2999-01-01" in err


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 1, ""),
        (written((WOMEN, LATER)), 1, ""),
        (ALL + written((MEN, LATER)), 0, "note: a waiver of true_positive_rate is unused: man does not fail"),
        (written((WOMEN, PAST), (IN_THE_SOUTH, LATER)), 1, f"expired on {PAST}: its finding still fails"),
        (ALL + written((MEN, PAST)), 1, f"expired on {PAST}: its finding is no longer there: remove it"),
        (ALL.replace("true_positive", "false_positive"), 4, "no rule"),
        (ALL.replace('"woman"', '"women"'), 4, 'did you mean "woman"?'),
    ],
)
def test_an_expired_waiver_fails_and_one_finding_left_is_enough(audited: Path, text: str, code: int, said: str) -> None:
    (audited / "other.toml").write_text(text, encoding="utf-8")
    for target in ("plan.toml", "audit-out"):
        ended, _, err = invoke("gate", target, *elsewhere(target), "--restricted", "--waivers", "other.toml")
        assert ended == code, err
        assert said in err
    assert invoke("gate", "audit-out", "--inputs-elsewhere", "--quiet", "--waivers", "other.toml")[0] == code
    again = ("run", "plan.toml", "--restricted", "--no-crosscheck", "--report", "junit")
    ended, _, err = invoke(*again, "--waivers", "other.toml")
    assert ended == code
    assert said in err


def test_a_gate_shows_the_waivers_that_it_goes_by(here: Path) -> None:
    """Those of --waivers, and not those of the result, in its lines and in its JSON."""
    invoke("run", "plan.toml", "--no-crosscheck", "--quiet", *JSON)
    for text, waived in (("", 0), (written((WOMEN, SOONER)), 1), (written((WOMEN, SOONER), (MEN, SOONER)), 2)):
        (here / "other.toml").write_text(text, encoding="utf-8")
        for exact in ((), ("--restricted",)):
            asked = ("gate", "audit-out", "--inputs-elsewhere", "--waivers", "other.toml", *exact)
            code, out, _ = invoke(*asked)
            assert code == 1
            assert (out.count("waived by"), out.count(LATER)) == (waived, 0)
            shown = json.loads(invoke(*asked, "--json")[1])["waivers"]
            assert [each["expires"] for each in shown] == [SOONER] * waived
        assert "gender:level=man" not in invoke("gate", "audit-out", "--inputs-elsewhere", "--waivers", "other.toml")[1]
    (here / "none.toml").write_text("", encoding="utf-8")
    invoke("run", "plan.toml", "--no-crosscheck", "--quiet", "--waivers", "none.toml", *JSON)
    code, out, _ = invoke("gate", "audit-out", "--inputs-elsewhere", "--waivers", "waivers.toml")
    assert (code, out.count("waived by")) == (0, 2)


def test_the_log_of_a_public_gate_does_not_say_whether_a_finding_is_there(here: Path) -> None:
    (here / "other.toml").write_text(written((WOMEN, PAST), (MEN, LATER)), encoding="utf-8")
    code, _, err = invoke("gate", "plan.toml", "--waivers", "other.toml")
    assert code == 1
    assert f"a waiver by {WHO} expired on {PAST}: renew or remove it" in err
    assert "true_positive_rate" not in err
    assert "still fails" not in err
    assert "unused" not in err
    assert "woman" not in err


def test_whoever_reads_one_output_alone_sees_why_the_code_is_not_that_of_the_verdict(here: Path) -> None:
    """stderr of a quiet command, or the JSON or text of a gate without a release; no rule and no group in any."""
    said = "warning: the verdict is fail; exit code 0 instead of 1 because what fails is waived until 2999-01-01, some "
    assert invoke("gate", "plan.toml", "--quiet") == (0, "", f"{said}of them longer\n")
    code, out, err = invoke("run", "plan.toml", "--no-crosscheck", *JSON, "--quiet")
    key, line = err.splitlines()
    assert (code, out, line, key[:26]) == (0, "", f"{said}of them longer", "note: a new key was made i")
    assert invoke("gate", "audit-out", "--inputs-elsewhere", "--quiet") == (0, "", f"{said}of them longer\n")
    code, out, _ = invoke("gate", "plan.toml", "--json")
    assert code == 0
    waived = {"left": "pass", "waivers": 2, "first_expires": SOONER}
    assert json.loads(out) == {"headline": {"outcome": "fail"}, "waived": waived}
    code, out, _ = invoke("gate", "plan.toml")
    unnamed = [f"  waived by {WHO} until {day}: a finding that is not named here" for day in (SOONER, LATER)]
    assert (code, out.splitlines()) == (0, [*unnamed, "✗ FAIL", OWNER])

    (here / "other.toml").write_text(written((WOMEN, PAST)), encoding="utf-8")
    code, out, err = invoke("gate", "plan.toml", "--quiet", "--waivers", "other.toml")
    assert (code, out, err) == (1, "", "")
    assert json.loads(invoke("gate", "plan.toml", "--json", "--waivers", "other.toml")[1])["waived"]["left"] == "fail"
    (here / "none.toml").write_text("", encoding="utf-8")
    assert json.loads(invoke("gate", "plan.toml", "--json", "--waivers", "none.toml")[1]) == {
        "headline": {"outcome": "fail"}
    }


@pytest.mark.parametrize(("chosen", "code"), [("pass", 0), ("warn", 0), ("fail", 1)])
def test_the_last_code_that_a_quiet_command_names_is_the_one_it_ends_with(here: Path, chosen: str, code: int) -> None:
    """Findings are waived, and a group is missing that was expected: what is left is undecided."""
    plan = (here / "plan.toml").read_text(encoding="utf-8").replace('"south"]', '"south", "east"]')
    (here / "plan.toml").write_text(plan, encoding="utf-8")
    ended, out, err = invoke("gate", "plan.toml", "--quiet", "--on-inconclusive", chosen)
    assert (ended, out) == (code, "")
    assert f"exit code {code} instead of 3 because of --on-inconclusive {chosen}" in err.splitlines()[-1]
    assert invoke("gate", "plan.toml", "--quiet")[0] == 3


def test_an_error_of_a_waivers_file_does_not_tell_where_on_the_machine_it_lies(here: Path) -> None:
    (here / "waivers.toml").write_text(written((WOMEN, LATER)).replace("who", "whom"), encoding="utf-8")
    code, _, err = invoke("gate", str(here / "plan.toml"), "--quiet")
    assert code == 4
    assert err.startswith("error: waivers.toml, line ")


@pytest.mark.parametrize(
    "group", ['{ gender = "women" }', '{ gender = "non-binary", site = "east" }', "{ gender = 7 }"]
)
def test_an_error_in_a_public_log_does_not_say_who_is_in_the_set(audited: Path, group: str) -> None:
    """Neither that nobody is, nor what the nearest code that somebody has is called, nor how many there are."""
    (audited / "other.toml").write_text(written((group, LATER)), encoding="utf-8")
    named = ("--waivers", "other.toml")
    place = "error: other.toml, line 3: waivers[1].group."
    feature = "site" if "site" in group else "gender"
    public = (
        f"{place}{feature} names no one group of this audit — write code and rung as reports name groups; "
        "--restricted says more\n"
    )
    for asked in (
        ("gate", "plan.toml"),
        ("gate", "audit-out", "--inputs-elsewhere"),
        ("run", "plan.toml", "--no-crosscheck", "--quiet"),
    ):
        assert invoke(*asked, *named) == (4, "", public)
    for exact in (("gate", "plan.toml", "--restricted"), ("run", "plan.toml", "--no-crosscheck", "--restricted", "-q")):
        code, _, err = invoke(*exact, *named)
        assert code == 4
        assert "nobody in the set is" in err


def test_the_day_in_a_public_log_does_not_say_which_waivers_are_used(here: Path) -> None:
    """That of the waiver that expires first, whether its group fails or not."""
    (here / "other.toml").write_text(written((WOMEN, LATER), (IN_THE_SOUTH, LATER), (MEN, SOONER)), encoding="utf-8")
    for exact, day in (((), SOONER), (("--restricted",), LATER)):
        code, _, err = invoke("gate", "plan.toml", "--waivers", "other.toml", *exact)
        assert code == 0
        assert f"waived until {day}" in err


def test_an_expired_waiver_makes_a_pass_fail(here: Path) -> None:
    write_set(here, PLAN, {key: (victims, round(0.8 * victims)) for key, (victims, _) in COUNTS.items()})
    assert invoke("gate", "plan.toml")[0] in (0, 3)
    (here / "other.toml").write_text(written((WOMEN, PAST)), encoding="utf-8")
    code, _, err = invoke("gate", "plan.toml", "--waivers", "other.toml")
    assert code == 1
    assert "exit code 1 instead of" in err


def test_what_is_left_open_gives_3_and_on_inconclusive_decides(here: Path) -> None:
    plan = (here / "plan.toml").read_text(encoding="utf-8").replace('"south"]', '"south", "east"]')
    (here / "plan.toml").write_text(plan, encoding="utf-8")
    code, _, err = invoke("gate", "plan.toml")
    assert code == 3
    assert "exit code 3 instead of 1 because what fails is waived" in err
    code, _, err = invoke("gate", "plan.toml", "--on-inconclusive", "warn")
    assert code == 0
    assert "what is left is inconclusive; exit code 0 instead of 3 because of --on-inconclusive warn" in err


def test_waivers_change_no_digest_and_nothing_is_scored_again(here: Path) -> None:
    with_them = load_plan(here / "plan.toml")
    write_set(here, PLAN)
    without = load_plan(here / "plan.toml")
    assert canonical_plan_sha256(with_them) == canonical_plan_sha256(without)
    assert scoring_identity(with_them) == scoring_identity(without)


def test_restricted_reports_show_finding_and_waiver_and_are_the_same_each_time(here: Path) -> None:
    asked = ["--restricted", "--report", "html", "--report", "junit", "--report", "sarif"]
    invoke("run", "plan.toml", "--no-crosscheck", *asked)
    out = here / "audit-out"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"waived by {WHO} until 30 June 2999: {WHY}" in page
    assert 'id="waivers"' in page
    junit = ET.parse(out / "junit.xml").getroot()
    messages = {case.get("name"): case.find("failure") for case in junit.iter("testcase")}
    for name, day in (("gender=woman", LATER), ("site=south, gender=woman", SOONER)):
        failure = next(
            found for case, found in messages.items() if case and set(case.split(", ")) == set(name.split(", "))
        )
        assert failure is not None
        assert failure.get("message", "").startswith(f"waived by {WHO} until {day}: {WHY}; ")
    run = json.loads((out / "restricted.sarif.json").read_text(encoding="utf-8"))["runs"][0]
    assert len(run["results"]) == 2
    assert [one["suppressions"][0]["kind"] for one in run["results"]] == ["external", "external"]
    assert all(WHY in one["suppressions"][0]["justification"] for one in run["results"])
    first = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    invoke("report", "audit-out", "--restricted", "--format", "html", "--format", "junit", "--format", "sarif")
    assert first == {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_public_files_name_what_their_figures_name(here: Path) -> None:
    (here / "waivers.toml").write_text(ALL + written((MEN, PAST)), encoding="utf-8")
    arguments = [part for name in FORMATS for part in ("--report", name)]
    code, _, err = invoke("run", "plan.toml", "--no-crosscheck", *arguments)
    assert code == 1, err
    public = here / "audit-out" / "public"
    release = parse_release((public / "release.json").read_bytes())
    below = {(word.rule, row.group) for row in release.rows for word in row.words if word.word == "beyond"}
    named = [waiver for waiver in release.waivers if waiver.group is not None]
    assert {(waiver.rule, waiver.group) for waiver in named} <= below
    assert len(named) == 1
    unnamed = [(one.rule, one.why, one.who, one.expires) for one in release.waivers if one.group is None]
    assert unnamed == [("", "", WHO, PAST), ("", "", WHO, SOONER)], "women in the south have no row of their own"

    files = {path.name: path.read_text(encoding="utf-8") for path in public.iterdir()}
    for name, text in files.items():
        if name not in ("badge.svg", "report.html"):
            assert WHO in text.replace("&#44;", ","), name
    junit = ET.fromstring(files["junit.xml"])
    failing = [case.find("failure") for case in junit.iter("testcase") if case.find("failure") is not None]
    waived = [
        one for one in failing if one is not None and one.get("message", "").startswith(f"waived by {WHO} until ")
    ]
    assert len(waived) == 1
    assert len(failing) == 4  # and the row that holds women in the south, the rule, and the verdict
    results = json.loads(files["report.sarif.json"])["runs"][0]["results"]
    assert [len(one.get("suppressions", [])) for one in results if one["ruleId"] == "true_positive_rate"] == [1, 0]
    lines = csv.DictReader(io.StringIO(files["groups.csv"]))
    rows = {row["group"]: row["waiver under true_positive_rate"] for row in lines if row["side"] == "positives"}
    assert rows["gender:level=woman"].endswith(WHY)
    assert rows["gender:level=man"] == ""
    code, out, _ = invoke("gate", "audit-out", "--inputs-elsewhere")
    assert code == 1
    assert f"  waiver by {WHO} expired on {PAST}: a finding that is not named here\n" in out


def test_a_release_whose_waiver_has_no_day_is_refused(here: Path) -> None:
    invoke("run", "plan.toml", "--no-crosscheck", "--report", "json")
    content = (here / "audit-out" / "public" / "release.json").read_bytes()
    parse_release(content)
    assert LATER.encode() in content
    with pytest.raises(ResultError, match="is not as it was written"):
        parse_release(content.replace(LATER.encode(), b"2999-6-30"))


PAYLOADS = ("\u202egnp.exe", "<script>alert(1)</script>", "::error::x%0A", "`|` [a](b)", "1.234.567 ١٢٣ ４５", "=1+1",
            "]]>&amp;\u0007")  # fmt: skip


@pytest.mark.parametrize("payloads", [PAYLOADS[:4], PAYLOADS[4:]])
def test_hostile_words_of_a_waiver_pass_every_gate_as_words(here: Path, payloads: tuple[str, ...]) -> None:
    """Half of them in each waiver, in both of its texts."""
    made = ""
    for waiver, own in ((WOMEN, payloads[:2]), (IN_THE_SOUTH, payloads[2:])):
        text = json.dumps(" ".join(own))[1:-1].replace("\u202e", "\\u202E")
        made += written((waiver, LATER)).replace(WHO, f"Somebody {text}").replace(WHY, f"Because {text}")
    (here / "waivers.toml").write_text(made, encoding="utf-8")
    arguments = [part for name in FORMATS for part in ("--report", name)]
    code, out, err = invoke("run", "plan.toml", "--no-crosscheck", *arguments)
    assert code == 0, err
    assert "left out" not in err
    public = here / "audit-out" / "public"
    for path in public.iterdir():
        content = path.read_text(encoding="utf-8")
        assert "<script>alert" not in content or path.suffix not in (".html", ".xml", ".svg"), path.name
        assert "\u202e" not in content or path.name == "release.json", path.name
    assert "\u202e" not in out
    code, out, _ = invoke("gate", "audit-out", "--inputs-elsewhere")
    assert code == 0
    assert "\u202e" not in out
    ET.parse(public / "junit.xml")
