"""`portal`: what is read, what is refused in one line, and that nothing is half-written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made.entry_points import offered_by_this_version
from made.portal import LOGO, MINISTRY, made_audits, made_release, put
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.outputs.portals import write_site
from audit.disclosure.read import load_release
from audit.errors import ExitCode, StorageError
from audit.public.release import PublicRelease, public_json

DAY = ("--today", "2026-11-26")


@pytest.fixture(autouse=True)
def offered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path_factory.mktemp("site"))))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the folder `audits` in it."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "audits" / "one", made_release())
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["portal", *arguments])
    return done.exit_code, done.stdout, done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_it_writes_pages_and_copies_and_says_where(here: Path) -> None:
    shutil.rmtree(here / "audits")
    made_audits(here / "audits")
    code, out, err = invoke("audits", "--out", "site", "--lang", "fr,ar", *DAY)
    assert (code, err) == (0, "")
    index = Path("site", "index.html")
    assert out == f"Portal: {index} (audits: 6, systems: 4, as of 2026-11-26)\n"
    made = contents(here / "site")
    assert made["index.html"].startswith(b'<!DOCTYPE html>\n<html lang="fr"')
    assert made["ar/index.html"].startswith(b'<!DOCTYPE html>\n<html lang="ar"')
    listed = json.loads(made["index.json"])
    audits = [audit for system in listed["systems"] for audit in system["audits"]]
    assert len(audits) == 6
    originals = {path.read_bytes() for path in (here / "audits").rglob("release.json")}
    assert {made[audit["release"]] for audit in audits} == originals
    reports = {path.read_bytes() for path in (here / "audits").rglob("report.html")}
    assert {made[audit["report"]] for audit in audits if audit["report"]} == reports
    assert sum(audit["report"] is None for audit in audits) == 1


def test_again_gives_the_same_bytes_in_the_place_of_the_old_site(here: Path) -> None:
    assert invoke("audits", *DAY)[0] == 0
    first = contents(here / "audit-portal")
    (here / "audit-portal" / "stale.html").write_text("of an earlier version", encoding="utf-8")
    assert invoke("audits", *DAY)[0] == 0
    assert contents(here / "audit-portal") == first
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_a_reader_builds_a_site_again_from_itself_and_sees_what_was_written_into_a_page(here: Path) -> None:
    shutil.rmtree(here / "audits")
    made_audits(here / "audits")
    options = ("--lang", "en,ar", *DAY)
    assert invoke("audits", "--out", "site", *options)[0] == 0
    assert invoke("site/reports", "--out", "again", *options)[0] == 0
    assert contents(here / "site") == contents(here / "again")
    page = next((here / "site" / "systems").iterdir())
    page.write_bytes(page.read_bytes().replace(b"</body>", b"<p hidden>PASS</p></body>"))
    assert contents(here / "site") != contents(here / "again")


def test_without_a_day_it_is_today(here: Path) -> None:
    import datetime as dt

    before = dt.datetime.now(dt.UTC).date()
    assert invoke("audits")[0] == 0
    stated = json.loads((here / "audit-portal" / "index.json").read_bytes())["today"]
    assert before <= dt.date.fromisoformat(stated) <= dt.datetime.now(dt.UTC).date()


def test_a_site_within_the_folder_is_passed_over(here: Path) -> None:
    assert invoke(".", *DAY)[0] == 0
    first = contents(here / "audit-portal")
    code, _, err = invoke(".", *DAY)
    assert (code, err) == (0, "note: portals passed over: 1\n")
    assert contents(here / "audit-portal") == first
    assert invoke(".", "--out", "another", *DAY)[2] == "note: portals passed over: 1\n"


def test_exact_results_beside_a_release_are_never_opened(here: Path) -> None:
    assert invoke("audits", *DAY)[0] == 0
    first = contents(here / "audit-portal")
    public = here / "audits" / "one" / "public"
    for folder in (public, public.parent):
        (folder / "result.json").write_text("not even JSON", encoding="utf-8")
        (folder / "predictions.parquet").write_text("nothing", encoding="utf-8")
    if hasattr(os, "mkfifo"):
        (public / "result.json").unlink()
        os.mkfifo(public / "result.json")  # whoever opened it would wait for ever
    assert invoke("audits", *DAY)[0] == 0
    assert contents(here / "audit-portal") == first


def _edit(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")


def _rate(document: dict[str, Any]) -> dict[str, Any]:
    return next(rate for row in document["rows"] for rate in row["rates"] if rate["value"] is not None)


TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a rate": (lambda d: _rate(d).update(value=1.5), "a rate is none"),
    "a range": (lambda d: _rate(d).update(low=-0.01), "a rate is none"),
    "a small number": (lambda d: d["rows"][0].update(people=7), "below the floor"),
    "a small error": (lambda d: d["rows"][0].update(errors=3), "below the floor"),
    "a row twice": (lambda d: d["rows"].append(d["rows"][1]), "its rows"),
    "the verdict": (lambda d: d["headline"].update(outcome="fail"), "its verdict and what fails"),
    "a rule": (lambda d: d["rules"][0].update(metric="base_rate"), "a rule on what the system does not do"),
    "a day": (lambda d: d["about"].update(valid_until="soon"), "a date is none"),
    "another day": (lambda d: d["about"].update(finished="20261120"), "a date is none"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_release_that_was_changed_is_refused(here: Path, what: str) -> None:
    edit, words = TAMPERED[what]
    _edit(here / "audits" / "one" / "public" / "release.json", edit)
    _is_refused(here, words)


def test_a_release_written_otherwise_is_refused(here: Path) -> None:
    release = here / "audits" / "one" / "public" / "release.json"
    untouched = json.loads(release.read_bytes())
    release.write_text(json.dumps(untouched, indent=1), encoding="utf-8")
    _is_refused(here, "its bytes are not those that audit7k writes")
    text = public_json(made_release())
    release.write_text('{"about":{},' + text[1:], encoding="utf-8")
    _is_refused(here, "its bytes are not those that audit7k writes")


def _newer(document: dict[str, Any]) -> None:
    document["method"]["version"] = 3


def _older(document: dict[str, Any]) -> None:
    document["table"] = {"method": {**document.pop("method"), "version": 1}}


def _is_refused(here: Path, words: str) -> None:
    before = contents(here)
    code, out, err = invoke("audits", *DAY)
    assert (code, out) == (ExitCode.NOT_JUDGED, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err
    assert contents(here) == before
    assert sorted(path.name for path in here.iterdir()) == ["audits"]


PLANTED = "exact n=37 of women from NGA"


def test_a_report_that_somebody_wrote_into_is_not_copied_and_the_page_says_so(here: Path) -> None:
    report = here / "audits" / "one" / "public" / "report.html"
    genuine = report.read_text(encoding="utf-8")
    report.write_text(genuine.replace("</body>", f"<!-- {PLANTED} --></body>"), encoding="utf-8")
    code, _, err = invoke("audits", "--lang", "en,fr", *DAY)
    note = "note: reports not copied, as they are not what this version makes of their releases: 1\n"
    assert (code, err) == (0, note)
    made = contents(here / "audit-portal")
    assert not [name for name, content in made.items() if PLANTED.encode() in content or name.endswith("report.html")]
    (system,) = [content.decode() for name, content in made.items() if name.startswith("systems/")]
    assert "another version made it, or it was changed. It is not copied." in system
    assert "report.html" not in system
    assert json.loads(made["index.json"])["systems"][0]["audits"][0]["report"] is None
    report.write_text(genuine, encoding="utf-8")
    assert invoke("audits", *DAY)[::2] == (0, "")
    (copy,) = [content for name, content in contents(here / "audit-portal").items() if name.endswith("report.html")]
    assert copy == genuine.encode()


def _make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _passed(release: PublicRelease) -> PublicRelease:
    return release.model_copy(update={"headline": release.headline.model_copy(update={"outcome": "inconclusive"})})


def _in_arabic(release: PublicRelease) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update={"languages": ("ar",)})})


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a newer version": (
        lambda p: _edit(p, _newer),
        "protected by version 3 of the method; this audit7k reads version 2",
    ),
    "an older version": (
        lambda p: _edit(p, _older),
        "could tell on people — take it down, and publish the audit again: audit7k report",
    ),
    "no version": (lambda p: _edit(p, lambda d: d["method"].pop("version")), "has no version that is known"),
    "a further field": (lambda p: _edit(p, lambda d: d.update(exact=[1])), "does not have the form"),
    "cut short": (lambda p: p.write_bytes(p.read_bytes()[:5000]), "is not the JSON of a public release"),
    "another file": (lambda p: p.write_text("[]", encoding="utf-8"), "has no version that is known"),
    "no text": (lambda p: p.write_bytes(b"\xff\xfe\x00"), "is not the JSON of a public release"),
    "nested": (lambda p: p.write_text("[" * 100_000, encoding="utf-8"), "is not the JSON of a public release"),
    "a folder": (_make_a_folder, "no release.json under audits"),
    "another verdict of one result": (
        lambda p: put(p.parents[2] / "two", _passed(load_release(p)[0])),
        "are of one result, and differ",
    ),
    "a restricted report": (
        lambda p: p.with_name("report.html").write_text('<aside class="restricted">', encoding="utf-8"),
        "shows exact counts and lies beside a public release",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_release_is_one_line(here: Path, what: str) -> None:
    BROKEN[what][0](here / "audits" / "one" / "public" / "release.json")
    _is_refused(here, BROKEN[what][1])


def test_languages_and_formats_of_a_result_are_one_audit(here: Path) -> None:
    """The copy in most languages is shown, under a name that does not change when another language is added."""
    release = load_release(here / "audits" / "one" / "public" / "release.json")[0]
    assert invoke("audits", *DAY)[0] == 0
    alone = json.loads((here / "audit-portal" / "index.json").read_bytes())
    feed = (here / "audit-portal" / "feed.xml").read_bytes()
    put(here / "audits" / "ar", _in_arabic(release))
    about = {"languages": ("en", "fr", "es"), "formats": ("html", "json", "pdf")}
    many = release.model_copy(update={"about": release.about.model_copy(update=about), "number": 7})
    last = put(here / "audits" / "many", many)
    shutil.copytree(here / "audits" / "one", here / "audits" / "two")
    code, out, err = invoke("audits", *DAY)
    assert (code, err) == (0, "note: releases in other languages or formats, of audits that stand here once: 3\n")
    assert "(audits: 1, systems: 1," in out
    (audit,) = json.loads((here / "audit-portal" / "index.json").read_bytes())["systems"][0]["audits"]
    assert (here / "audit-portal" / audit["release"]).read_bytes() == last.read_bytes()
    assert audit["audit"] == alone["systems"][0]["audits"][0]["audit"]
    assert (here / "audit-portal" / "feed.xml").read_bytes() == feed


def test_the_same_result_of_another_day_is_another_audit(here: Path) -> None:
    release = load_release(here / "audits" / "one" / "public" / "release.json")[0]
    later = release.about.model_copy(update={"finished": "2026-11-21"})
    put(here / "audits" / "later", release.model_copy(update={"about": later}))
    code, out, err = invoke("audits", *DAY)
    assert (code, err) == (0, "")
    assert "(audits: 2, systems: 1," in out


def test_one_bad_release_among_good_ones_leaves_the_earlier_site(here: Path) -> None:
    assert invoke("audits", *DAY)[0] == 0
    first = contents(here / "audit-portal")
    second = put(here / "audits" / "two", made_release(title="Another", owner=MINISTRY))
    second.write_bytes(second.read_bytes()[:-40])
    assert invoke("audits", *DAY)[0] == ExitCode.NOT_JUDGED
    assert contents(here / "audit-portal") == first


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_links_out_of_the_folder_are_not_followed(here: Path) -> None:
    put(here / "elsewhere" / "secret", made_release(title="SECRET", owner="SECRET"), "<p>SECRET")
    (here / "audits" / "linked").symlink_to(here / "elsewhere")
    (here / "audits" / "two").mkdir()
    (here / "audits" / "two" / "release.json").symlink_to(here / "elsewhere" / "secret" / "public" / "release.json")
    report = here / "audits" / "one" / "public" / "report.html"
    report.unlink()
    report.symlink_to(here / "elsewhere" / "secret" / "public" / "report.html")
    code, out, err = invoke("audits", *DAY)
    assert (code, err) == (0, "note: links not followed: 3\n")
    assert "audits: 1," in out
    assert not [name for name, content in contents(here / "audit-portal").items() if b"SECRET" in content]


def test_a_publisher_is_named_and_its_logo_written(here: Path) -> None:
    (here / "us.toml").write_text('name = "The Ministry"\nlogo = "crest.svg"\n', encoding="utf-8")
    (here / "crest.svg").write_text(LOGO, encoding="utf-8")
    assert invoke("audits", "--publisher", "us.toml", *DAY)[::2] == (0, "")
    made = contents(here / "audit-portal")
    assert made["logo.svg"].startswith(b"<svg")
    assert b"The Ministry" in made["index.html"]
    (here / "crest.svg").write_text(LOGO.replace("<path", "<script/><path"), encoding="utf-8")
    code, _, err = invoke("audits", "--publisher", "us.toml", *DAY)
    assert (code, err.count("\n")) == (ExitCode.NOT_JUDGED, 1)
    assert "holds <script>" in err
    assert contents(here / "audit-portal") == made


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audits", "--out", "audits"), "holds the audits themselves"),
        (("audits", "--out", "."), "holds the audits themselves"),
        (("audits", "--out", "other"), "holds files that no portal made"),
        (("audits", "--out", "file"), "is no folder"),
        (("audits", "--today", "2026-02-30"), "--today is no day"),
        (("audits", "--today", "20261126"), "--today is no day"),
        (("audits", "--lang", "en,xx"), 'the portal has no language "xx"'),
        (("audits", "--lang", "\x1b[31m"), 'the portal has no language "?[31m"'),
    ],
)
def test_usage_is_one_line_and_leaves_everything(here: Path, arguments: tuple[str, ...], words: str) -> None:
    (here / "other").mkdir()
    (here / "other" / "index.json").write_text('{"kind": "something else"}', encoding="utf-8")
    (here / "file").write_text("mine", encoding="utf-8")
    before = contents(here)
    code, out, err = invoke(*arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert words in err
    assert err.count("\n") == 1
    assert contents(here) == before


def test_no_audits_is_an_error(here: Path) -> None:
    (here / "empty").mkdir()
    assert invoke("empty")[::2] == (
        ExitCode.NOT_JUDGED,
        "error: no release.json under empty — every audit writes one into the folder public of its outputs\n",
    )
    assert "is no folder" in invoke("absent")[2]


def test_a_site_that_cannot_be_exchanged_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    write_site(site, {"index.html": b"old"})
    real = Path.replace

    def failing(path: Path, target: Path) -> Path:
        if path.name == "site" and path.parent != tmp_path:
            raise OSError(5, "Input/output error")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(StorageError, match="nothing was changed"):
        write_site(site, {"index.html": b"new"})
    assert contents(tmp_path) == {"site/index.html": b"old"}


class _Escaping:
    """A portal that writes beside its site."""

    name = "site"
    languages = ("en",)

    def render(self, site: Any) -> dict[str, bytes]:
        return {"../escaped.html": b""}


class _Failing(_Escaping):
    def render(self, site: Any) -> dict[str, bytes]:
        raise ValueError("SECRET of a row")


@pytest.mark.parametrize(
    ("portal", "words"),
    [
        (_Escaping, "makes something else than files"),
        (_Failing, "the portal failed (ValueError)"),
    ],
)
def test_another_portal_is_held_to_the_same(
    here: Path, monkeypatch: pytest.MonkeyPatch, portal: type, words: str
) -> None:
    monkeypatch.setattr("audit.cli.outputs.portals.find_portal", portal)
    code, _, err = invoke("audits", *DAY)
    assert code == ExitCode.NOT_JUDGED
    assert words in err
    assert "SECRET" not in err
    assert sorted(path.name for path in here.iterdir()) == ["audits"]


def test_a_disk_that_fails_leaves_the_earlier_site(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoke("audits", *DAY)[0] == 0
    first = contents(here / "audit-portal")
    put(here / "audits" / "two", made_release(title="Another"))
    real = os.fsync
    written: list[int] = []

    def failing(handle: int) -> None:
        written.append(handle)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", failing)
    code, _, err = invoke("audits", *DAY)
    assert code == ExitCode.STORAGE_FAILED
    assert "nothing was changed" in err
    assert contents(here / "audit-portal") == first
    assert sorted(path.name for path in here.iterdir()) == ["audit-portal", "audits"]
