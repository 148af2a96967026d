"""The commands with public files: what lies where, what a log may say, which folder keeps the key, what stops it."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from made.entry_points import offered_by_this_version
from made.gates import elsewhere
from made.pdfs import require_pdf
from made.published import PLAN, keep_key, write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.disclosure.public_files import make_files
from audit.errors import ExitCode
from audit.public.release import PublicRelease
from audit.result.file import load_result
from reports.html import HtmlReporter


def enter(parent: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a set; the working directory from here on."""
    site = parent / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(offered_by_this_version(site)))
    folder = parent / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_set(folder)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


RUN = ("run", "plan.toml", "--no-crosscheck")
JSON = ("--report", "json")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `RUN` published its JSON, for the tests that begin with one."""
    with pytest.MonkeyPatch.context() as patch:
        folder = enter(tmp_path_factory.mktemp("once"), patch)
        assert invoke(*RUN, *JSON)[0] == ExitCode.FAIL
    return folder


@pytest.fixture
def published(once: Path, here: Path) -> Path:
    """A folder of its own with what `RUN` published."""
    shutil.copytree(once, here, dirs_exist_ok=True)
    return here


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_run_writes_public_files_and_keeps_everything_else_to_its_owner(here: Path) -> None:
    os.umask(old := os.umask(0o022))
    code, out, err = invoke(*RUN)
    assert code == ExitCode.FAIL
    assert f"Report: {Path('audit-out', 'public')}" in out
    (shown,) = err.splitlines()
    assert shown.startswith(f"note: a new key was made in {Path('audit-out', 'restricted')} (set ")
    folder = here / "audit-out"
    assert names(folder) == [".gitignore", ".inputs.json", ".public-files", "public", "restricted", "result.json"]
    assert {"groups.csv", "junit.xml", "release.json"} <= set(names(folder / "public"))
    for path in (folder / "result.json", folder / "restricted" / "key", folder / "restricted" / "releases/0001.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "public" / "release.json").stat().st_mode) == 0o666 & ~old
    assert all(b"CANARY" not in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_restricted_writes_the_exact_reports_as_before_and_no_key(published: Path) -> None:
    here = published
    assert invoke(*RUN, "--restricted", "--out", "other")[2] == ""
    assert names(here / "other") == [".gitignore", ".inputs.json", "junit.xml", "report.html", "result.json"]
    result = load_result(here / "other" / "result.json")
    assert (here / "other" / "report.html").read_text(encoding="utf-8") == HtmlReporter().render(result)
    code, _, err = invoke(*RUN, "--restricted", "--report", "junit")
    assert code == ExitCode.FAIL
    assert err == f"note: the public files in {Path('audit-out', 'public')} were of an earlier run, and were removed\n"
    assert names(here / "audit-out" / "public") == []
    assert invoke(*RUN, *JSON)[0] == ExitCode.FAIL
    assert names(here / "audit-out") == [
        ".gitignore",
        ".inputs.json",
        ".public-files",
        "public",
        "restricted",
        "result.json",
    ]
    code, _, err = invoke(*RUN, "--restricted", "--new-key")
    assert (code, err.count("\n")) == (ExitCode.USAGE, 1)
    code, _, err = invoke("report", "audit-out", "--restricted", "--restricted-folder", "x")
    assert (code, err.count("\n")) == (ExitCode.USAGE, 1)


def test_one_set_in_several_folders_is_one_release_where_they_share_the_key(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = published
    assert invoke(*RUN, *JSON)[2] == ""
    assert names(here / "audit-out" / "restricted" / "releases") == ["0001.json"]
    invoke(*RUN, *JSON, "--out", "second", "--restricted-folder", "audit-out/restricted")
    monkeypatch.setattr("audit.disclosure.restricted.new_key", lambda: b"another key than this one, 32 by")
    invoke(*RUN, *JSON, "--out", "third")
    files = [(here / out / "public" / "release.json").read_bytes() for out in ("audit-out", "second", "third")]
    assert files[0] == files[1] != files[2]
    assert not (here / "second" / "restricted").exists()


def test_the_plan_can_name_the_folder_and_reports_need_to_be_told(here: Path) -> None:
    write_set(here, PLAN + '[disclosure]\nfloor = 12\nfolder = "kept"\n')
    assert invoke(*RUN, *JSON)[0] == ExitCode.FAIL
    assert "key" in names(here / "kept")
    release = PublicRelease.model_validate_json((here / "audit-out/public/release.json").read_bytes())
    assert release.method.floor == 12
    code, _, err = invoke("report", "audit-out")
    assert (code, err.startswith("error: the plan keeps its restricted folder beside itself")) == (2, True)
    assert invoke("report", "audit-out", "--restricted-folder", "kept")[0] == 0
    assert (
        len(invoke("gate", "audit-out", "--inputs-elsewhere")[1].splitlines()) == 2
    )  # the verdict, and how to see the exact figures
    assert invoke("gate", "audit-out", "--inputs-elsewhere", "--restricted-folder", "kept")[1].startswith(
        "true_positive_rate: FAIL (at most"
    )


def lose_key(restricted: Path) -> None:
    (restricted / "key").unlink()


def show_key(restricted: Path) -> None:
    (restricted / "key").chmod(0o644)


def damage_log(restricted: Path) -> None:
    (restricted / "releases" / "0001.json").write_text("{}")


@pytest.mark.parametrize(
    ("harm", "shown"),
    [(lose_key, "key of the restricted folder is missing"), (show_key, "others than the owner"), (damage_log, "0001")],
)
def test_a_folder_in_disorder_ends_the_command_and_changes_nothing(
    published: Path, harm: Callable[[Path], None], shown: str
) -> None:
    here = published
    harm(here / "audit-out" / "restricted")
    before = {path: path.read_bytes() for path in (here / "audit-out").rglob("*") if path.is_file()}
    for command in (RUN, ("report", "audit-out", "--format", "csv")):
        code, _, err = invoke(*command)
        assert (code, shown in err, err.count("\n")) == (ExitCode.NOT_JUDGED, True, 1)
    after = {path: path.read_bytes() for path in (here / "audit-out").rglob("*") if path.is_file()}
    assert after.pop(here / "audit-out" / ".not-judged")
    assert after == before


def test_another_floor_is_refused_before_anything_is_scored(published: Path) -> None:
    here = published
    write_set(here, PLAN + "[disclosure]\nfloor = 5\n")
    (here / "cases.csv").unlink()
    code, _, err = invoke(*RUN)
    assert (code, "other parameters than this one (floor, largest_change, row)" in err) == (ExitCode.NOT_JUDGED, True)


def test_a_new_key_and_the_name_of_its_set_are_said_whatever_is_quiet(here: Path) -> None:
    code, out, err = invoke(*RUN, *JSON, "--quiet")
    assert (code, out) == (ExitCode.FAIL, "")
    release = PublicRelease.model_validate_json((here / "audit-out/public/release.json").read_bytes())
    said = f"note: a new key was made in {Path('audit-out', 'restricted')} (set {release.set_id}); keep that folder."
    assert next(line for line in err.splitlines() if "key" in line).startswith(said)
    assert "key" not in invoke(*RUN, *JSON, "--quiet")[2]
    Path("empty").mkdir()
    assert "a new key was made in empty" in invoke("report", "audit-out", *TO_EMPTY)[2]
    assert "key" not in invoke("report", "audit-out", *TO_EMPTY)[2]
    Path("bare").mkdir()
    bare = ("--out", "third", "--restricted-folder", "bare")
    assert "a new key was made in bare" in invoke(*RUN, *JSON, "--quiet", *bare)[2]


TO_EMPTY = ("--format", "json", "--restricted-folder", "empty", "--out", "elsewhere")


def test_a_log_that_does_not_know_what_is_public_is_refused(published: Path) -> None:
    """It was put back from an older copy: the next release could tell on people of the one that is missing."""
    here = published
    shutil.copytree(here / "audit-out/restricted", here / "older")
    write_set(here, PLAN.replace('"Screener"', '"Screener 2"'))
    assert invoke(*RUN, *JSON)[0] == ExitCode.FAIL
    before = (here / "audit-out/public/release.json").read_bytes()
    code, _, err = invoke(*RUN, *JSON, "--restricted-folder", "older")
    assert (code, "an older copy was put back" in err) == (ExitCode.NOT_JUDGED, True)
    assert (here / "audit-out/public/release.json").read_bytes() == before
    (here / "audit-out/public/release.json").write_text('{"table": {"method": {"version": 1}}}', encoding="utf-8")
    assert invoke("report", "audit-out", *JSON_FORMAT)[0] == ExitCode.NOT_JUDGED
    (here / "audit-out/.public-files").write_text("release.json\n", encoding="utf-8")  # as that version listed it
    assert invoke("report", "audit-out", *JSON_FORMAT)[0] == 0


JSON_FORMAT = ("--format", "json")


def test_a_set_too_small_for_a_row_has_its_verdict_in_public_and_no_figures(here: Path) -> None:
    write_set(here, PLAN, {("woman", "north"): (5, 1), ("man", "south"): (5, 5)})
    code, *_ = invoke(*RUN, "--report", "junit")
    release = PublicRelease.model_validate_json((here / "audit-out/public/release.json").read_bytes())
    assert (code, release.headline.outcome) == (ExitCode.INCONCLUSIVE, "inconclusive")
    assert all(row.side == "negatives" for row in release.rows), "there are ten victims, and 194 others"
    assert names(here / "audit-out" / "public") == ["junit.xml", "release.json"]


def test_whoever_has_the_release_makes_every_public_form_of_it(published: Path, tmp_path: Path) -> None:
    """No result, no key and no log: the file alone."""
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(published / "audit-out/public/release.json", alone)
    shutil.copy(published / "audit-out/public/release.json", alone / "renamed.json")
    assert invoke("report", "audit-out", "--format", "csv,junit,sarif,markdown", "--out", "theirs")[0] == 0
    for named in (alone, alone / "release.json", alone / "renamed.json"):
        code, _, err = invoke("report", str(named), "--format", "csv,junit,sarif,markdown", "--out", "ours")
        assert (code, err.count("Report: ")) == (0, 4)
        for name in ("groups.csv", "junit.xml", "report.sarif.json", "comment.md"):
            assert (published / "ours" / name).read_bytes() == (published / "theirs" / name).read_bytes()
        shutil.rmtree("ours")
    assert invoke("report", str(alone), "--format", "junit", "--out", "-")[1].startswith("<?xml")
    assert invoke("report", str(alone), "--format", "junit,csv", "--out", "-")[0] == ExitCode.USAGE
    assert invoke("report", str(alone), "--format", "badge")[0] == 0
    assert names(alone) == ["badge.svg", "release.json", "renamed.json"]
    for option in (("--restricted",), ("--restricted-folder", "x"), ("--reproduce", "1")):
        assert invoke("report", str(alone), *option)[0] == ExitCode.USAGE
    (alone / "release.json").write_text('{"table": {"method": {"version": 1}}}', encoding="utf-8")
    code, _, err = invoke("report", str(alone))
    assert (code, "publish the audit again" in err) == (ExitCode.NOT_JUDGED, True)


def test_a_gate_prints_what_is_public_of_this_result_and_nothing_else(here: Path) -> None:
    keep_key(here / "kept")
    invoke(*RUN, *JSON, "--restricted-folder", "kept")
    exact = invoke("gate", "audit-out", "--inputs-elsewhere", "--restricted")
    public = invoke("gate", "audit-out", "--inputs-elsewhere", "--restricted-folder", "kept")
    assert exact[0] == public[0] == ExitCode.FAIL
    rule, *rows, verdict, owner = public[1].splitlines()
    assert owner == "Exact figures, for those who may see the cases: audit7k run plan.toml --restricted --out exact"
    assert rule.startswith("true_positive_rate: FAIL (at most 10 points lower than everyone else); rows: ")
    assert rows[0].startswith("  Women: beyond the limit; share of victims found ")
    assert all(": beyond the limit; " in row or ": within this row a smaller group, " in row for row in rows)
    assert all("; everyone else " in row and "; limit at least " in row for row in rows)
    assert verdict == exact[1].splitlines()[-1]
    as_json = invoke("gate", "audit-out", "--inputs-elsewhere", "--restricted-folder", "kept", "--json")[1]
    assert as_json == (here / "audit-out" / "public" / "release.json").read_text(encoding="utf-8")

    write_set(here, PLAN.replace("margin = 0.1", "margin = 0.2"))
    invoke(*RUN, "--restricted", "--report", "junit", "--out", "other")
    shutil.copytree(here / "audit-out" / "public", here / "other" / "public", dirs_exist_ok=True)
    for command in (("other", "--restricted-folder", "kept"), ("audit-out",), ("plan.toml",)):
        if command == ("audit-out",):
            write_set(here)  # a gate of a result asks for its own plan
        code, out, err = invoke("gate", *command, *elsewhere(command[0]))
        assert (code, out) == (ExitCode.FAIL, f"{verdict}\n{owner}\n")
        assert err.startswith("note: verdicts without groups")
        assert json.loads(invoke("gate", *command, *elsewhere(command[0]), "--json")[1]) == {
            "headline": {"outcome": "fail"}
        }


def test_report_makes_files_and_releases_again(here: Path) -> None:
    invoke(*RUN, "--report", "csv", "--report", "junit")
    first = {path.name: path.read_bytes() for path in (here / "audit-out" / "public").iterdir()}
    code, _, err = invoke("report", "audit-out", "--format", "badge,csv")
    assert (code, err.startswith("Report: ")) == (0, True)
    assert names(here / "audit-out" / "public") == ["badge.svg", "groups.csv", "junit.xml", "release.json"]
    assert invoke("report", "audit-out", "--format", "badge", "--out", "-")[1].startswith("<svg")
    assert invoke("report", "audit-out", "--format", "junit", "--out", "elsewhere")[0] == 0
    assert names(here / "elsewhere") == ["junit.xml", "release.json"]
    os.umask(mask := os.umask(0o022))
    assert stat.S_IMODE((here / "elsewhere" / "junit.xml").stat().st_mode) == 0o666 & ~mask
    assert invoke("report", "audit-out", "--format", "html", "--lang", "de")[0] == ExitCode.USAGE
    assert invoke("report", "audit-out", "--format", "plain")[0] == ExitCode.USAGE

    assert invoke("report", "audit-out", "--reproduce", "1", "--out", "again")[0] == 0
    assert {path.name: path.read_bytes() for path in (here / "again").iterdir()} == first
    (here / "audit-out" / "result.json").unlink()
    named = ("--restricted-folder", str(Path("audit-out", "restricted")))
    assert invoke("report", "nothing", "--reproduce", "1", *named, "--out", "third")[0] == 0
    assert {path.name: path.read_bytes() for path in (here / "third").iterdir()} == first
    code, _, err = invoke("report", "nothing", "--reproduce", "9", *named)
    assert (code, "there is no release 9" in err) == (ExitCode.NOT_JUDGED, True)
    assert invoke("report", "audit-out", "--reproduce", "1", "--lang", "fr")[0] == ExitCode.USAGE


@pytest.mark.parametrize("elsewhere", [(), ("--out", "theirs")])
def test_a_report_of_one_form_leaves_no_file_of_another_release_beside_it(
    here: Path, elsewhere: tuple[str, ...]
) -> None:
    """The others are made again; they stay in their languages where no page is asked for."""
    invoke(*RUN, *JSON)
    assert invoke("report", "audit-out", "--format", "html,csv,junit", "--lang", "fr", *elsewhere)[0] == 0
    folder = here / (elsewhere[1] if elsewhere else "audit-out/public")
    write_set(here, PLAN.replace('"Screener"', '"Screener 2"'))
    invoke(*RUN, *JSON, "--out", "audit-out-2", "--restricted-folder", "audit-out/restricted")
    shutil.copy(here / "audit-out-2/result.json", here / "audit-out/result.json")
    assert invoke("report", "audit-out", "--format", "csv", *elsewhere)[0] == 0
    assert names(folder) == ["groups.csv", "junit.xml", "release.json", "report.html"]
    release = PublicRelease.model_validate_json((folder / "release.json").read_bytes())
    assert (release.about.title, release.about.languages) == ("Screener 2", ("fr",))
    assert set(release.about.formats) == {"html", "json", "csv", "junit"}
    assert make_files(release) == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_log_remembers_before_files_are_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.cli.outputs import output_folder

    def fails(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output_folder, "sync_folder", fails)
    monkeypatch.setattr(output_folder, "_settle", lambda *_, **__: fails(here))
    code, _, err = invoke(*RUN, *JSON)
    assert (code, "cannot write" in err) == (ExitCode.STORAGE_FAILED, True)
    assert names(here / "audit-out") == ["restricted"]
    assert names(here / "audit-out" / "restricted" / "releases") == ["0001.json"]


def test_a_pdf_in_public_is_in_one_language(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/how-to/report.md says. Not put on paper here: `test_public_pdf.py` does."""
    require_pdf()
    monkeypatch.setattr("reports.pdf.paper.pdf_of", lambda page, *_: page.encode())
    _, _, err = invoke("report", "audit-out", "--lang", "es,fr", "--format", "pdf")
    assert 'note: a public PDF is in one language, here "es"' in err
    assert names(published / "audit-out" / "public") == ["release.json", "report.pdf"]
    page = (published / "audit-out" / "public" / "report.pdf").read_text(encoding="utf-8")
    assert re.findall('<html lang="([a-z]+)"', page) == ["es"]


AMONG_PUBLIC = ("audit-out/public", "audit-out/public/kept", "linked", "linked/kept")


@pytest.mark.parametrize("named", AMONG_PUBLIC)
def test_no_key_lies_among_public_files(here: Path, named: str) -> None:
    Path("linked").symlink_to(Path("audit-out", "public"), target_is_directory=True)
    code, _, err = invoke(*RUN, *JSON, "--restricted-folder", named)
    assert code == ExitCode.USAGE
    assert "a folder of public files" in err
    assert not list(here.rglob("key"))


@pytest.mark.parametrize("named", AMONG_PUBLIC)
def test_no_key_lies_among_files_that_are_public_already(published: Path, named: str) -> None:
    Path("linked").symlink_to(Path("audit-out", "public"), target_is_directory=True)
    assert invoke("report", "audit-out", "--restricted-folder", named)[0] == ExitCode.USAGE
    assert names(published / "audit-out/public") == ["release.json"]


@pytest.mark.parametrize("folder", ["audit-out", "audit-out/restricted", ".", "linked"])
@pytest.mark.parametrize("option", [("--format", "json"), ("--reproduce", "1")])
def test_no_public_file_comes_to_lie_beside_exact_ones(published: Path, folder: str, option: tuple[str, str]) -> None:
    here = published
    Path("linked").symlink_to("audit-out", target_is_directory=True)
    before = sorted(path for path in here.rglob("*") if "public" not in path.parts)
    code, _, err = invoke("report", "audit-out", *option, "--out", folder)
    assert code == ExitCode.USAGE
    assert "a folder of public files" in err
    assert sorted(path for path in here.rglob("*") if "public" not in path.parts) == before
    assert invoke("report", "audit-out", *option, "--out", "site")[0] == ExitCode.PASS


@pytest.mark.parametrize("command", [("--format", "json"), ("--reproduce", "1")])
def test_no_public_file_comes_to_lie_beside_the_rows(here: Path, command: tuple[str, str]) -> None:
    Path("data").mkdir()
    Path("cases.csv").rename("data/cases.csv")
    plan = Path("plan.toml").read_text("utf-8")
    assert '"cases.csv"' in plan
    Path("plan.toml").write_text(plan.replace('"cases.csv"', '"data/cases.csv"'), encoding="utf-8")
    assert invoke(*RUN, *JSON)[0] == ExitCode.FAIL
    code, _, err = invoke("report", "audit-out", *command, "--out", "data")
    assert code == ExitCode.USAGE
    assert "data/cases.csv would lie in data, a folder of public files" in err
    assert names(here / "data") == ["cases.csv"]
    Path("data").rename("gone")
    assert invoke("report", "audit-out", *command, "--out", "data")[0] == ExitCode.PASS
    shutil.rmtree("data")
    Path("gone").rename("data")
    Path("audit-out").rename("away")
    Path("data").rename("old")
    Path("audit-out/public").mkdir(parents=True)
    Path("old/cases.csv").rename("audit-out/public/cases.csv")
    Path("plan.toml").write_text(plan.replace('"cases.csv"', '"audit-out/public/cases.csv"'), encoding="utf-8")
    assert invoke(*RUN, *JSON)[0] == ExitCode.USAGE
    assert names(here / "audit-out") == ["public"]


def test_words_alone_name_whom_a_rule_fails_and_print_no_number_and_remember_nothing(published: Path) -> None:
    """What the rows and words are is that of the release; nothing of it counts a person."""
    releases = {path: path.read_bytes() for path in (published / "audit-out/restricted").rglob("*") if path.is_file()}
    code, out, _ = invoke("gate", "audit-out", *elsewhere("audit-out"), "--words", "words.md")
    assert code == ExitCode.FAIL
    release = PublicRelease.model_validate_json((published / "audit-out/public/release.json").read_bytes())
    beyond = [row for row in release.rows if any(word.word == "beyond" for word in row.words)]
    assert beyond
    assert "beyond the limit: Women" in out
    written = (published / "words.md").read_text(encoding="utf-8")
    assert written == "".join(f"    {line}\n" for line in out.splitlines())
    printed = {str(number) for row in release.rows for number in (row.people, row.errors) if number}
    assert not printed & set(re.findall(r"\d{2,}", out.replace("at most 10 points", "")))
    assert not re.findall(r"\d ?%", out)
    assert releases == {
        path: path.read_bytes() for path in (published / "audit-out/restricted").rglob("*") if path.is_file()
    }


def test_words_without_the_key_name_rules_alone_and_make_no_key(here: Path) -> None:
    assert invoke(*RUN, "--restricted")[0] == ExitCode.FAIL
    code, out, _ = invoke("gate", "audit-out", *elsewhere("audit-out"), "--words", "words.md")
    assert code == ExitCode.FAIL
    rule, verdict, *_ = out.splitlines()
    assert rule == "true_positive_rate: FAIL (at most 10 points lower than everyone else)"
    assert verdict == "✗ FAIL"
    assert "Groups are named only with the key of the set." in out
    assert not (here / "audit-out" / "restricted").exists()


@pytest.mark.parametrize("arguments", [("plan.toml",), ("audit-out", "--restricted"), ("audit-out", "--json")])
def test_words_are_of_a_result_and_stand_alone(published: Path, arguments: tuple[str, ...]) -> None:
    code, _, err = invoke("gate", *arguments, "--words", "words.md")
    assert code == ExitCode.USAGE
    assert err.startswith("error: --words is for a result")
    assert not (published / "words.md").exists()
