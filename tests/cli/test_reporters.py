"""Reporters are found by entry point: a third party's in another distribution as well as ours."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from made.audits import large_result
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ArgumentError, AuditError, ExitCode
from audit.plan.offers import names_offered
from audit.result.json_text import result_to_json
from audit.result.reporters import GROUP, find_reporters, languages_of, render


def install(
    site: Path, distribution: str, entry_points: str, modules: dict[str, str], *, group: str = "audit.reporters"
) -> None:
    """Install a distribution into the folder `site`, as an installer would: modules and real metadata."""
    for name, text in modules.items():
        file = site / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
    info = site / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry_points}\n")


PLAIN_REPORTER = """
    class PlainReporter:
        name = "plain"
        filename = "plain.txt"

        def render(self, result):
            return f"{result.overall.outcome} {len(result.verdicts)}"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def test_a_reporter_of_another_package_is_found_and_renders(site: Path) -> None:
    install(site, "third-party", "plain = third_party_plain:PlainReporter", {"third_party_plain.py": PLAIN_REPORTER})
    assert "plain" in names_offered(GROUP)
    (reporter,) = find_reporters(["plain", "plain"])
    result = large_result()
    made = render(reporter, result)
    assert (made.filename, made.content) == ("plain.txt", f"fail {len(result.verdicts)}")


def test_an_object_is_as_good_as_a_class(site: Path) -> None:
    text = textwrap.dedent(PLAIN_REPORTER) + "\nreporter = PlainReporter()\n"
    install(site, "third-object", "plain = third_party_object:reporter", {"third_party_object.py": text})
    (reporter,) = find_reporters(["plain"])
    assert reporter.filename == "plain.txt"


def test_the_real_command_uses_a_reporter_of_another_package(site: Path, tmp_path: Path) -> None:
    install(site, "third-party", "plain = third_party_plain:PlainReporter", {"third_party_plain.py": PLAIN_REPORTER})
    (tmp_path / "result.json").write_text(result_to_json(large_result()), encoding="utf-8")
    script = Path(sys.executable).parent / "audit7k"
    command = [str(script), "report", str(tmp_path), "--restricted", "--format", "plain", "--out", "-"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=False, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"fail {len(large_result().verdicts)}"


def test_an_unknown_name_lists_those_that_are_known(site: Path) -> None:
    install(site, "third-party", "plain = third_party_plain:PlainReporter", {"third_party_plain.py": PLAIN_REPORTER})
    with pytest.raises(ArgumentError) as caught:
        find_reporters(["plian\n"])
    assert {"html", "junit", "plain"} <= set(names_offered(GROUP))
    assert str(caught.value) == f'no reporter "plian?" — installed here: {", ".join(names_offered(GROUP))}'
    assert caught.value.exit_code is ExitCode.USAGE


def test_two_packages_with_one_name_are_told_apart_from_one(site: Path) -> None:
    install(site, "first-one", "plain = first_plain:PlainReporter", {"first_plain.py": PLAIN_REPORTER})
    install(site, "second-one", "plain = second_plain:PlainReporter", {"second_plain.py": PLAIN_REPORTER})
    with pytest.raises(ArgumentError, match=r"more than one installed package .*first-one, second-one"):
        find_reporters(["plain"])


def test_two_reporters_cannot_write_one_file(site: Path) -> None:
    points = "plain = one_file:PlainReporter\nother = one_file:PlainReporter"
    install(site, "one-file", points, {"one_file.py": PLAIN_REPORTER})
    with pytest.raises(ArgumentError, match=r"two of these reporters write plain\.txt"):
        find_reporters(["plain", "other"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import does_not_exist_anywhere", "ModuleNotFoundError"),
        ("raise RuntimeError('SECRET')", "RuntimeError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("other = 1", "AttributeError"),
        ("def (", "SyntaxError"),
        ("class Broken:\n    def __init__(self):\n        raise ValueError('SECRET')", "ValueError"),
    ],
)
def test_a_reporter_that_does_not_load_names_the_file_that_answered(site: Path, text: str, why: str) -> None:
    module = f"broken_{why.lower()}"
    install(site, "broken", f"broken = {module}:Broken", {f"{module}.py": text})
    with pytest.raises(AuditError) as caught:
        find_reporters(["broken"])
    said = str(caught.value)
    assert f'the reporter "broken" of broken cannot be loaded ({why})' in said
    assert f'"{module}" is {site / module}.py here' in said
    assert "SECRET" not in said
    assert "\n" not in said


def test_a_users_own_file_that_hides_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "reports.py").write_text("# minutes of meetings\n")
    done = subprocess.run(
        [sys.executable, "-m", "audit", "report", "result.json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == ExitCode.NOT_JUDGED
    assert done.stderr.count("\n") == 1
    assert f'the package "reports" is not that of audit7k but {tmp_path / "reports.py"}' in done.stderr
    assert "start from another folder" in done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "filename = 'x.txt'",
        "name = 'bad'\n    def render(self, result): return ''",
        "name = 'bad'; filename = '../x.txt'\n    def render(self, result): return ''",
        "name = 'bad'; filename = '.hidden'\n    def render(self, result): return ''",
        "name = 'bad'; filename = ''\n    def render(self, result): return ''",
        "name = 'bad'; filename = 3\n    def render(self, result): return ''",
    ],
)
def test_what_is_no_reporter_is_refused(site: Path, body: str) -> None:
    module = f"bad_{abs(hash(body))}"
    install(site, "bad", f"bad = {module}:Bad", {f"{module}.py": f"class Bad:\n    {body}\n"})
    with pytest.raises(AuditError, match='the reporter "bad" of bad is none'):
        find_reporters(["bad"])


@pytest.mark.parametrize(
    ("render_body", "words"),
    [("raise KeyError('SECRET')", "failed (KeyError)"), ("return 7", "made no file")],
)
def test_a_reporter_that_fails_is_an_error_without_its_text(site: Path, render_body: str, words: str) -> None:
    module = f"failing_{len(render_body)}"
    text = textwrap.dedent(PLAIN_REPORTER).partition("    def render")[0]
    text += f"    def render(self, result):\n        {render_body}\n"
    install(site, "failing", f"failing = {module}:PlainReporter", {f"{module}.py": text})
    (reporter,) = find_reporters(["failing"])
    with pytest.raises(AuditError) as caught:
        render(reporter, large_result())
    assert words in str(caught.value)
    assert "SECRET" not in str(caught.value)


SPEAKER = (
    PLAIN_REPORTER
    + """
        languages = ("en", "de")

        def render(self, result, languages=()):
            return " ".join(languages) or f"{result.overall.outcome} in English"
"""
)


def test_a_reporter_of_another_package_can_have_languages_of_its_own(site: Path) -> None:
    install(site, "speaker", "plain = speaker_plain:PlainReporter", {"speaker_plain.py": SPEAKER})
    reporters = find_reporters(["plain", "junit"])
    assert languages_of(reporters, None) == ()
    assert languages_of(reporters, "de,en,de") == ("de", "en")
    assert render(reporters[0], large_result(), ("de", "en")).content == "de en"
    assert str(render(reporters[0], large_result()).content).startswith("fail ")
    with pytest.raises(ArgumentError, match='"plain" has no language "fr"'):
        languages_of(reporters, "fr")


SLOW = SPEAKER.replace("result, languages=()", "result, language='en'").replace(
    'return " ".join(languages)', 'raise RuntimeError("made before it was checked")'
)


def test_one_file_for_two_languages_is_refused_before_anything_is_made(site: Path, tmp_path: Path) -> None:
    install(site, "slow", "plain = slow_plain:PlainReporter", {"slow_plain.py": SLOW})
    (tmp_path / "result.json").write_text(result_to_json(large_result()), encoding="utf-8")
    asked = ("report", str(tmp_path / "result.json"), "--restricted", "--format", "plain", "--lang", "de,en")
    done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "one.txt")])
    assert (done.exit_code, "holds one language" in done.stderr) == (ExitCode.USAGE, True)
    assert not (tmp_path / "one.txt").exists()
