"""A release under another key than the one that lies there: refused, unless a person says that the key is lost."""

from __future__ import annotations

import json
import shutil
from itertools import count
from pathlib import Path

import pytest
from made.published import PLAN, write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode
from audit.public.release import PublicRelease
from audit.vocabulary.text import LANGUAGES
from reports.languages import language

OUT = Path("audit-out")
RUN = ("run", "plan.toml", "--no-crosscheck", "--report", "json")
SENTENCE = (
    "Numbers here cannot be compared with those of the release before: another secret key changed them, so that a "
    "difference between the two says nothing."
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a set, in which every key is another one, as they are outside of tests."""
    keys = (f"{number:032}".encode() for number in count())
    monkeypatch.setattr("audit.disclosure.restricted.new_key", lambda: next(keys))
    monkeypatch.chdir(tmp_path)
    write_set(tmp_path)
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stderr


def release() -> PublicRelease:
    return PublicRelease.model_validate_json((OUT / "public/release.json").read_bytes())


def everything() -> dict[str, bytes]:
    """Every file but the mark of a run without a verdict, which says that what lies there is not its own."""
    files = (path for path in Path().rglob("*") if path.is_file() and path.name != ".not-judged")
    return {path.as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("command", [RUN, ("report", "audit-out", "--format", "json")], ids=["run", "report"])
def test_a_lost_key_stops_a_release_before_anything_is_scored(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke(*RUN)[0] == ExitCode.FAIL
    shutil.rmtree(OUT / "restricted")
    before = everything()
    with monkeypatch.context() as patch:
        patch.setattr("audit.run.run_audit", lambda *_, **__: pytest.fail("it was scored"))
        code, err = invoke(*command)
    assert (code, err.count("\n")) == (ExitCode.NOT_JUDGED, 1)
    assert f"a release of set {release().set_id} lies there, and {OUT / 'restricted'} has no key" in err
    assert "--new-key" in err
    assert everything() == before  # and no new key


@pytest.mark.parametrize("command", [RUN, ("report", "audit-out", "--format", "json")], ids=["run", "report"])
def test_the_key_of_another_set_stops_a_release(command: tuple[str, ...]) -> None:
    assert invoke(*RUN)[0] == ExitCode.FAIL
    first = release().set_id
    assert invoke(*RUN, "--out", "other")[0] == ExitCode.FAIL
    before = everything()
    code, err = invoke(*command, "--restricted-folder", "other/restricted")
    assert (code, err.count("\n")) == (ExitCode.NOT_JUDGED, 1)
    assert f"a release of set {first} lies there, and other/restricted has the key of set " in err
    assert everything() == before
    assert invoke("report", "audit-out", "--format", "json", "--out", "other/public")[0] == ExitCode.NOT_JUDGED


def test_a_new_key_that_a_person_wants_is_said_on_every_page_under_it() -> None:
    assert invoke(*RUN)[0] == ExitCode.FAIL
    first = release()
    assert b"set_before" not in (OUT / "public/release.json").read_bytes()
    shutil.rmtree(OUT / "restricted")
    languages = ",".join(LANGUAGES)
    forms = ("--report", "html", "--report", "markdown", "--lang", languages)
    code, err = invoke(*RUN, *forms, "--new-key")
    assert (code, "note: a new key was made" in err) == (ExitCode.FAIL, True)
    second = release()
    assert (second.set_before, second.number) == (first.set_id, 1)
    assert second.set_id != first.set_id
    page = (OUT / "public/report.html").read_text(encoding="utf-8")
    for name in LANGUAGES:
        said = language(name).translations.gettext(SENTENCE)
        assert (said == SENTENCE) == (name == "en")
        assert said in page, name
    assert SENTENCE in (OUT / "public/comment.md").read_text(encoding="utf-8")
    assert invoke(*RUN)[0] == ExitCode.FAIL  # it stays so: numbers under the first key are still out there
    assert release().set_before == first.set_id
    write_set(Path(), PLAN.replace('"Screener"', '"Screener 2"'))
    assert invoke(*RUN)[0] == ExitCode.FAIL
    assert (release().set_before, release().number) == (first.set_id, 3)
    shutil.rmtree(OUT / "public")  # the log knows it too
    assert invoke("report", "audit-out", "--format", "json")[0] == 0
    assert release().set_before == first.set_id
    assert invoke("report", "audit-out", "--reproduce", "1", "--out", "again")[0] == 0
    assert json.loads(Path("again/release.json").read_bytes())["set_before"] == first.set_id


@pytest.mark.parametrize("published", [False, True])
def test_a_new_key_that_nothing_asks_for_is_refused(*, published: bool) -> None:
    """Or else a pipeline would give it for ever, and no lost key would stop it."""
    if published:
        assert invoke(*RUN)[0] == ExitCode.FAIL
    code, err = invoke(*RUN, "--new-key")
    assert (code, err.count("\n"), "--new-key" in err) == (ExitCode.USAGE, 1, True)
    assert (OUT / "restricted").exists() == published
    assert invoke(*RUN, "--restricted", "--new-key")[0] == ExitCode.USAGE
    if published:
        assert invoke("report", "audit-out/public/release.json", "--new-key")[0] == ExitCode.USAGE


def test_a_removed_key_folder_cannot_be_averaged() -> None:
    """Eight removals gave eight releases of one set under eight keys; their mean told 14 of 34 rows exactly."""
    assert invoke(*RUN)[0] == ExitCode.FAIL
    for _ in range(8):
        shutil.rmtree(OUT / "restricted", ignore_errors=True)
        before = (OUT / "public/release.json").read_bytes()
        assert invoke(*RUN)[0] == ExitCode.NOT_JUDGED
        assert (OUT / "public/release.json").read_bytes() == before


@pytest.mark.parametrize(
    "between", [(), ("run", "plan.toml", "--no-crosscheck", "--restricted")], ids=["at once", "after exact reports"]
)
def test_a_key_folder_removed_with_the_public_files_leaves_a_trace(between: tuple[str, ...]) -> None:
    """As `rm -rf audit-out/*` does. Whoever removes the whole output folder leaves none."""
    assert invoke(*RUN)[0] == ExitCode.FAIL
    first = release()
    if between:
        assert invoke(*between)[0] == ExitCode.FAIL
        assert not (OUT / "public/release.json").exists()
    for entry in OUT.glob("[!.]*"):
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for _ in range(2):
        code, err = invoke(*RUN)
        assert (code, err.count("\n")) == (ExitCode.NOT_JUDGED, 1)
        assert f"a release of set {first.set_id} was put there and is gone" in err
        assert not (OUT / "restricted").exists()
    assert invoke(*RUN, "--new-key")[0] == ExitCode.FAIL
    assert release().set_before == first.set_id
    assert release().set_id != first.set_id
    shutil.rmtree(OUT / "public")  # the key is there
    assert invoke(*RUN)[0] == ExitCode.FAIL
    assert release().set_before == first.set_id


def test_a_release_that_is_damaged_says_no_key_and_stops_the_next() -> None:
    assert invoke(*RUN)[0] == ExitCode.FAIL
    (OUT / ".public-files").write_text("release.json\n", encoding="utf-8")  # of an earlier version: without digests
    assert invoke(*RUN)[0] == ExitCode.FAIL
    (OUT / ".public-files").write_text("release.json\n", encoding="utf-8")
    (OUT / "public/release.json").write_text("{", encoding="utf-8")
    code, err = invoke(*RUN)
    assert (code, err.count("\n"), "release.json" in err) == (ExitCode.NOT_JUDGED, 1, True)


def test_forms_that_are_made_of_the_release_beside_it_stop_no_later_run() -> None:
    assert invoke(*RUN)[0] == ExitCode.FAIL
    made = ("report", "audit-out/public/release.json")
    assert invoke(*made, "--format", "badge,html", "--lang", "fr")[0] == 0
    assert invoke(*made, "--format", "html", "--lang", "ar")[0] == 0
    assert invoke(*RUN)[0] == ExitCode.FAIL
    assert [path.name for path in (OUT / "public").iterdir()] == ["release.json"]


def test_a_planted_file_stops_a_run_before_and_after_the_scoring(monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoke(*RUN)[0] == ExitCode.FAIL
    planted = OUT / "public" / "metrics.txt"
    from audit.run import run_audit

    def plants(*arguments: object, **named: object) -> object:
        planted.write_text("CANARY", encoding="utf-8")
        return run_audit(*arguments, **named)  # type: ignore[arg-type]

    write_set(Path(), PLAN.replace('"Screener"', '"Screener 2"'))
    before = everything()
    with monkeypatch.context() as patch:
        patch.setattr("audit.run.run_audit", plants)
        code, err = invoke(*RUN)
    assert (code, "there: metrics.txt —" in err, err.count("\n")) == (ExitCode.NOT_JUDGED, True, 1)
    after = everything()
    assert after.pop(planted.as_posix()) == b"CANARY"
    assert after == before  # the log has no release that nobody saw
    with monkeypatch.context() as patch:
        patch.setattr("audit.run.run_audit", lambda *_, **__: pytest.fail("it was scored"))
        assert invoke(*RUN)[0] == ExitCode.NOT_JUDGED
    planted.unlink()
    assert invoke(*RUN)[0] == ExitCode.FAIL
