"""The commands with public files: what lies where, what a log may say, which folder keeps the key, what stops it."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from made.pdfs import require_pdf
from made.published import PLAN, install_reporters, keep_key, write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode
from audit.public.sentences import NO_WORDS, SENTENCES
from audit.public.table import PublicRelease
from audit.result.file import load_result
from reports.html import HtmlReporter


def enter(parent: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a set, and reporters of a third party; the working directory from here on."""
    site = parent / "site"
    site.mkdir()
    install_reporters(
        site,
        plain="return release.headline.outcome + ' ' + ' '.join(release.about.languages)",
        clock="import time\nreturn str(time.time_ns())",
        rows=f"from pathlib import Path\nreturn Path({str(parent / 'here/cases.csv')!r}).read_text()[:5000]",
    )
    monkeypatch.syspath_prepend(str(site))
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
    assert shown.startswith(f"note: a new key was made in {Path('audit-out', 'restricted')}; keep that folder")
    folder = here / "audit-out"
    assert names(folder) == [".public-files", "public", "restricted", "result.json"]
    assert {"groups.csv", "junit.xml", "release.json"} <= set(names(folder / "public"))
    for path in (folder / "result.json", folder / "restricted" / "key", folder / "restricted" / "releases/0001.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "public" / "release.json").stat().st_mode) == 0o666 & ~old
    assert all(b"CANARY" not in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_restricted_writes_the_exact_reports_as_before_and_no_key(published: Path) -> None:
    here = published
    assert invoke(*RUN, "--restricted", "--out", "other")[2] == ""
    assert names(here / "other") == ["junit.xml", "report.html", "result.json"]
    result = load_result(here / "other" / "result.json")
    assert (here / "other" / "report.html").read_text(encoding="utf-8") == HtmlReporter().render(result)
    assert invoke(*RUN, "--restricted", "--report", "junit")[0] == ExitCode.FAIL
    assert names(here / "audit-out" / "public") == []
    assert invoke(*RUN, *JSON)[0] == ExitCode.FAIL
    assert names(here / "audit-out") == [".public-files", "public", "restricted", "result.json"]
    code, _, err = invoke(*RUN, "--restricted", "--restricted-folder", "x")
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
    assert release.table.method.floor == 12
    code, _, err = invoke("report", "audit-out")
    assert (code, err.startswith("error: the plan keeps its restricted folder beside itself")) == (2, True)
    assert invoke("report", "audit-out", "--restricted-folder", "kept")[0] == 0
    assert len(invoke("gate", "audit-out")[1].splitlines()) == 1
    assert len(invoke("gate", "audit-out", "--restricted-folder", "kept")[1].splitlines()) == 2


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
    assert {path: path.read_bytes() for path in (here / "audit-out").rglob("*") if path.is_file()} == before


def test_another_floor_is_refused_before_anything_is_scored(published: Path) -> None:
    here = published
    write_set(here, PLAN + "[disclosure]\nfloor = 5\n")
    (here / "cases.csv").unlink()
    code, _, err = invoke(*RUN)
    assert (code, "parameters.json holds other parameters" in err) == (ExitCode.NOT_JUDGED, True)


def test_what_is_refused_leaves_the_verdict_and_one_line(here: Path) -> None:
    code, out, err = invoke(*RUN, "--report", "junit", "--report", "clock")
    assert (code, "FAIL" in out) == (ExitCode.FAIL, True)
    shown, key = err.splitlines()
    assert key.startswith("note: a new key was made")
    assert shown.startswith("refused (not-rendered-again): ")
    assert shown.endswith("public files were written without figures, and clock left out")
    release = PublicRelease.model_validate_json((here / "audit-out/public/release.json").read_bytes())
    assert (release.figures, release.headline.outcome) == ("refused", "fail")
    assert names(here / "audit-out" / "public") == ["junit.xml", "release.json"]
    assert names(here / "audit-out" / "restricted") == [".lock", "key"]
    gated = invoke("gate", "audit-out")
    assert (gated[0], "No figures are published" in gated[1]) == (ExitCode.FAIL, True)


def test_a_gate_of_a_weighted_set_counts_no_words_and_says_why_there_are_none(here: Path) -> None:
    head, *rows = (here / "cases.csv").read_text(encoding="utf-8").splitlines()
    (here / "cases.csv").write_text("\n".join([f"{head},weight", *(f"{row},1.5" for row in rows)]), encoding="utf-8")
    plan = PLAN.replace('label = "label"\n', 'label = "label"\nweight = "weight"\n')
    (here / "plan.toml").write_text(plan, encoding="utf-8")
    keep_key(here / "kept")
    assert invoke(*RUN, *JSON, "--restricted-folder", "kept")[0] == ExitCode.FAIL
    _, shown, _ = invoke("gate", "audit-out", "--restricted-folder", "kept")
    rule, why, verdict = shown.splitlines()
    assert (rule, why) == (f"true_positive_rate: {NO_WORDS}", SENTENCES["weighted"])
    assert "FAIL" in verdict


def test_a_gate_prints_what_is_public_of_this_result_and_nothing_else(here: Path) -> None:
    keep_key(here / "kept")
    invoke(*RUN, *JSON, "--restricted-folder", "kept")
    exact = invoke("gate", "audit-out", "--restricted")
    public = invoke("gate", "audit-out", "--restricted-folder", "kept")
    assert exact[0] == public[0] == ExitCode.FAIL
    rule, verdict = public[1].splitlines()
    assert rule.startswith("true_positive_rate: in the protected figures ")
    assert rule.endswith("gender:level=woman; gender:level=woman,site:level=south")
    assert verdict == exact[1].splitlines()[-1]
    as_json = invoke("gate", "audit-out", "--restricted-folder", "kept", "--json")[1]
    assert as_json == (here / "audit-out" / "public" / "release.json").read_text(encoding="utf-8")

    write_set(here, PLAN.replace("margin = 0.1", "margin = 0.2"))
    invoke(*RUN, "--restricted", "--report", "junit", "--out", "other")
    shutil.copytree(here / "audit-out" / "public", here / "other" / "public", dirs_exist_ok=True)
    for command in (("other", "--restricted-folder", "kept"), ("audit-out",), ("plan.toml",)):
        code, out, err = invoke("gate", *command)
        assert (code, out) == (ExitCode.FAIL, f"{verdict}\n")
        assert err.startswith("note: the verdict alone")
        assert json.loads(invoke("gate", *command, "--json")[1]) == {"headline": {"outcome": "fail"}}


def test_report_makes_files_in_languages_and_releases_again(here: Path) -> None:
    invoke(*RUN, "--report", "csv", "--report", "junit")
    first = {path.name: path.read_bytes() for path in (here / "audit-out" / "public").iterdir()}
    code, _, err = invoke("report", "audit-out", "--format", "plain,csv", "--lang", "fr,ar")
    assert (code, err.startswith("Report: ")) == (0, True)
    assert names(here / "audit-out" / "public") == ["groups.csv", "plain.txt", "release.json"]
    assert (here / "audit-out" / "public" / "plain.txt").read_text(encoding="utf-8") == "fail fr ar"
    assert invoke("report", "audit-out", "--format", "plain", "--out", "-")[1] == "fail en"
    assert invoke("report", "audit-out", "--format", "junit", "--out", "elsewhere")[0] == 0
    assert names(here / "elsewhere") == ["junit.xml", "release.json"]
    os.umask(mask := os.umask(0o022))
    assert stat.S_IMODE((here / "elsewhere" / "junit.xml").stat().st_mode) == 0o666 & ~mask
    assert invoke("report", "audit-out", "--format", "plain", "--lang", "de")[0] == ExitCode.USAGE

    assert invoke("report", "audit-out", "--reproduce", "1", "--out", "again")[0] == 0
    assert {path.name: path.read_bytes() for path in (here / "again").iterdir()} == first
    code, _, err = invoke("report", "audit-out", "--reproduce", "9")
    assert (code, "there is no release 9" in err) == (ExitCode.NOT_JUDGED, True)
    assert invoke("report", "audit-out", "--reproduce", "1", "--lang", "fr")[0] == ExitCode.USAGE


def test_the_log_remembers_before_files_are_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.cli.outputs import output_folder

    def fails(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output_folder, "_sync_folder", fails)
    monkeypatch.setattr(output_folder, "_settle", lambda *_: fails(here))
    code, _, err = invoke(*RUN, *JSON)
    assert (code, "cannot write" in err) == (ExitCode.STORAGE_FAILED, True)
    assert names(here / "audit-out") == ["restricted"]
    assert names(here / "audit-out" / "restricted" / "releases") == ["0001.json"]


def test_a_pdf_in_public_comes_with_what_it_is_held_against(published: Path) -> None:
    """As docs/how-to/pdf.md says. In Spanish points part thousands, which the axis of a drawing has."""
    require_pdf()
    _, _, err = invoke("report", "audit-out", "--lang", "es,fr", "--format", "pdf")
    assert "refused" not in err
    assert 'note: a public PDF is in one language, here "es"' in err
    assert names(published / "audit-out" / "public") == ["groups.csv", "release.json", "report.html", "report.pdf"]


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


def test_no_reporter_reads_the_rows(here: Path) -> None:
    code, _, err = invoke(*RUN, "--report", "rows")
    assert code == ExitCode.FAIL
    assert "refused (not-rendered-again)" in err
    assert names(here / "audit-out/public") == ["release.json"]
    assert invoke("report", "audit-out", "--format", "rows")[0] == ExitCode.PASS
    assert names(here / "audit-out/public") == ["release.json"]
