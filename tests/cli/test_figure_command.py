"""`figure`: which file is read, what is written, and what is refused in one line."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from made.entry_points import offered_by_this_version
from made.figures import scored_result
from made.portal import made_release, put
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode
from audit.result.file import load_result
from audit.result.json_text import result_to_json
from reports.figures import forest, funnel, image


@pytest.fixture(autouse=True)
def offered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(offered_by_this_version(tmp_path_factory.mktemp("site"))))


@pytest.fixture(scope="module")
def exact() -> str:
    return result_to_json(scored_result())


@pytest.fixture
def here(tmp_path: Path, exact: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The outputs of an audit: `out/result.json`, exact, and `out/public/release.json`."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "out", made_release("fail"), None)
    (tmp_path / "out" / "result.json").write_text(exact, encoding="utf-8")
    return tmp_path


@cache
def drawn(form: Literal["svg", "png"], draw: Callable[..., Any], **choices: str) -> bytes:
    """What the library draws of the public release."""
    return image(draw(made_release("fail"), **choices), form)


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["figure", *arguments])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("place", ["out", "out/public", "out/public/release.json"])
def test_it_draws_the_public_release_unless_it_is_told_otherwise(here: Path, place: str) -> None:
    assert invoke(place, "forest") == (0, "", "Figure: forest.svg\n")
    assert (here / "forest.svg").read_bytes() == drawn("svg", forest)
    assert invoke(place, "funnel", "--out", "f.PNG") == (0, "", "Figure: f.PNG\n")
    assert (here / "f.PNG").read_bytes() == drawn("png", funnel)


@pytest.mark.parametrize("place", ["out", "out/result.json"])
def test_exact_counts_are_drawn_when_they_are_asked_for(here: Path, place: str) -> None:
    assert invoke(place, "funnel", "--restricted", "--by", "nationality")[0] == 0
    result = load_result(here / "out" / "result.json")
    assert (here / "funnel-restricted.svg").read_bytes() == image(funnel(result, by="nationality"), "svg")
    assert stat.S_IMODE((here / "funnel-restricted.svg").stat().st_mode) == 0o600
    assert invoke(place, "reliability", "--restricted", "--by", "nationality")[0] == 0
    assert b"Restricted, not for publication: exact counts" in (here / "reliability-restricted.svg").read_bytes()


def test_choices_reach_the_figure(here: Path) -> None:
    assert invoke("out", "forest", "--by", "nationality", "--rule", "false_positive_rate")[0] == 0
    shown = drawn("svg", forest, by="nationality", rule="false_positive_rate")
    assert (here / "forest.svg").read_bytes() == shown


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("out", "sweep"), 4, "a public release holds no scores, and no sweep can be drawn from it — "),
        (("out", "reliability"), 4, "no reliability can be drawn from it — draw it from the exact result"),
        (("out/result.json", "forest"), 2, "out/result.json holds exact counts — name a release.json, or add --restr"),
        (("empty", "forest"), 4, "no release.json at empty — name the folder public of an audit, or add --restricted"),
        (("absent.json", "forest"), 4, "no release.json at absent.json"),
        (("broken.json", "forest"), 4, "broken.json is not the JSON of a public release"),
        (("changed.json", "forest"), 4, "changed.json is not as it was written"),
        (("empty", "forest", "--restricted"), 4, "result.json cannot be read"),
        (("out/public/release.json", "forest", "--restricted"), 4, "release.json has no schema version that is known"),
        (("out", "forest", "--rule", "absent"), 4, "no such rule in this release — it has: true_positive_rate"),
        (
            ("out", "forest", "--by", "age"),
            4,
            "no such family of groups to draw — --by takes one of: gender, nationality, gender+nationality",
        ),
        (("out", "forest", "--out", "folder.svg"), 75, "folder.svg is a folder"),
        (("out", "forest", "--out", "f.pdf"), 2, "--out f.pdf ends neither in .svg nor in .png"),
        (("out", "forest", "--out", "f"), 2, "--out f ends neither in .svg nor in .png"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(
    here: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (here / "empty").mkdir()
    (here / "folder.svg").mkdir()
    (here / "broken.json").write_text("{", encoding="utf-8")
    document = json.loads((here / "out" / "public" / "release.json").read_bytes())
    document["headline"]["no_group_named"] = True
    (here / "changed.json").write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
    before = sorted(here.rglob("*"))
    ended, out, err = invoke(*arguments)
    assert (ended, out) == (code, "")
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1
    assert sorted(here.rglob("*")) == before


def test_another_kind_is_usage(here: Path) -> None:
    assert invoke("out", "pie")[0] == ExitCode.USAGE


def test_what_fails_says_nothing_of_the_result(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> bytes:
        raise ValueError("SECRET of a row")

    monkeypatch.setattr("reports.figures.PaperFigures.draw", failing)
    code, _, err = invoke("out", "forest")
    assert code == ExitCode.NOT_JUDGED
    assert err == "error: the figure failed (ValueError) — run again as `audit7k --debug …`\n"
