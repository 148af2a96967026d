"""`audit7k power` as a user types it: a table, one JSON document, a picture, and one line where something is wrong."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from made.counts import categorical, cells, plan_of
from rich.cells import cell_len
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.console.terminal import Style
from audit.cli.pages.power_picture import BEYOND, INK, MUTED, RULE, WITHIN, Mark, Panel, draw_picture
from audit.cli.pages.power_summary import MOST_GROUPS, power_summary
from audit.counting.table import CountsTable
from audit.planning.power import counts_power
from audit.stats.arrays import IntArray
from audit.vocabulary.numbers import disparity_words
from reports.html import palette

PLAN = """\
schema = 1
[audit]
title = "Screener"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
kind = "predictions"
path = "absent.parquet"
score = "score"
threshold = 0.5
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made for a test"
[groups.gender]
column = "sex"
map = { F = "woman", M = "man", X = "non-binary" }
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
[[rules]]
metric = "precision"
groups = ["gender"]
margin = 0.1
"""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    rows = ["case,label,sex"]
    for sex, size in (("F", 400), ("M", 300), ("X", 3)):
        rows += [f"{sex}{n},1,{sex}" for n in range(size)]
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["power", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_a_set_is_told_rule_by_rule_without_a_detector(here: Path) -> None:
    code, out, err = invoke("plan.toml")
    assert (code, err) == (0, "")
    assert out.startswith("Power of Screener: nothing was scored\nPower 80%, alpha 0.05.")
    assert "true_positive_rate: share of victims found, difference 0.1 from the rest" in out
    (woman,) = [line.split() for line in out.splitlines() if line.startswith("    woman")]
    assert woman[1] == "400"
    assert float(woman[3]) > 10.0 >= float(woman[5])
    (nobody,) = [line for line in out.splitlines() if line.startswith("    non-binary")]
    assert nobody.endswith("no rate      no rate")
    assert "precision: share of flags that are right" in out
    assert "group sizes depend on the detector's decisions." in out
    assert out.endswith("\nRestricted: exact counts can single out people; not for publication.\n")
    assert sorted(path.name for path in here.iterdir()) == ["cases.csv", "plan.toml"]


def test_json_is_one_document_and_nothing_else(here: Path) -> None:
    code, out, err = invoke("plan.toml", "--json")
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    assert (document["schema_version"], document["kind"]) == (1, "power_of_a_set")
    first, second = document["rules"]
    assert second["known_only_after_scoring"]
    assert second["families"] == []
    groups = {group["name"]: group for group in first["families"][0]["groups"]}
    assert groups["woman"]["group"] == [["gender", "level", "woman"]]
    assert groups["woman"]["cases"] == 400
    assert groups["woman"]["fails_from"][0]["rate"] == pytest.approx(
        0.8 - groups["woman"]["fails_from"][0]["disparity"], abs=1e-5
    )
    assert groups["non-binary"]["passes_at"][0] == {
        "side": "low", "disparity": None, "rate": None, "level": None, "reason": "too_few_for_a_rate"
    }  # fmt: skip
    assert "NaN" not in out


def test_a_picture_says_the_same_without_script(here: Path) -> None:
    code, out, err = invoke("plan.toml", "--json", "--picture", "power.svg")
    assert (code, err) == (0, "Picture: power.svg\n")
    json.loads(out)
    root = ET.fromstring((here / "power.svg").read_text(encoding="utf-8"))
    assert root.tag == f"{SVG}svg"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "limit 10 points" in (description.text or "")
    shown = [mark.text for mark in root.iter(f"{SVG}title")]
    assert any((text or "").startswith("woman: 400 cases; FAIL from ") for text in shown)
    assert not [element for element in root.iter() if element.tag in (f"{SVG}script", f"{SVG}style", f"{SVG}image")]
    assert {element.get("font-family") for element in root.iter()} == {"sans-serif", None}
    assert (here / "power.svg").stat().st_mode & 0o077 == 0


def test_cases_are_planned_without_a_set(here: Path) -> None:
    arguments = ("--metric", "recall", "--margin", "0.5", "--groups", "3", "--gap", "0.75", "--prevalence", "0.1")
    code, out, err = invoke(*arguments, "--picture", "sizes.svg")
    assert (code, err) == (0, "Picture: sizes.svg\n")
    assert "Rate 80%, 3 groups of one size beside one another." in out
    cases = {line[2:32].strip(): line[32:].split() for line in out.splitlines() if line.startswith("  ")}
    document = json.loads(invoke(*arguments, "--json")[1])
    by = {answer["wanted"]: answer for answer in document["answers"]}
    assert cases["one group passes"][0] == f"{by['one_group_passes']['cases']:,}"
    assert cases["all groups pass"][0] == f"{by['all_groups_pass']['cases']:,}"
    assert cases["a gap of 0.75 is named"][0] == f"{by['gap_is_named']['cases']:,}"
    assert by["gap_is_named"]["rows"] == 10 * by["gap_is_named"]["cases"]
    assert document["expected_rate"] == 0.8
    assert "judged alone from" in out
    ET.fromstring((here / "sizes.svg").read_text(encoding="utf-8"))


def test_what_cannot_be_planned_says_why() -> None:
    code, out, _ = invoke("--metric", "tpr", "--margin", "0.1", "--rest", "40")
    assert code == 0
    assert "one group passes              no group size reaches 80%: the rest has too few cases" in out
    assert "(tried: groups of up to 20 times the rest)" in out
    assert "(--gap says how many cases a FAIL would need)" in out
    _, out, _ = invoke("--metric", "precision", "--margin", "0.4", "--prevalence", "0.1")
    assert "rows: known only after scoring" in out


@pytest.mark.timeout(60)
def test_a_rest_of_a_few_cases_is_answered_at_once() -> None:
    """In large samples 805 would do; no size has all groups pass, and the search for one had no end."""
    code, out, _ = invoke("--metric", "tpr", "--margin", "0.2", "--rest", "8", "--gap", "0.5")
    assert code == 0
    assert out.count("no group size reaches 80%: the rest has too few cases") == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "give a plan, or --metric with --margin or --ratio"),
        (["absent.toml"], 4, "no plan at absent.toml"),
        (["cases.csv"], 4, "not valid TOML"),
        (["plan.toml", "--gap", "0.2"], 2, "the plan says these itself: leave out --gap"),
        (["plan.toml", "--picture", "."], 75, "is a folder"),
        (["plan.toml", "--picture", "absent/power.svg"], 75, "cannot write absent"),
        (["--metric", "tpr"], 2, "exactly one of --margin and --ratio"),
        (["--metric", "tpr", "--margin", "0.1", "--ratio", "0.8"], 2, "exactly one of --margin and --ratio"),
        (["--metric", "tpt", "--margin", "0.1"], 2, "did you mean"),
        (["--metric", "base_rate", "--margin", "0.1"], 2, "no rule can be set on it"),
        (["--metric", "tpr", "--margin", "0.1", "--route", "both"], 2, "--route is services or enforcement"),
        (["--metric", "tpr", "--margin", "1.5"], 2, "--margin is a number from 0.001 to 0.999"),
        (["--metric", "tpr", "--margin", "nan"], 2, "--margin is a number from 0.001 to 0.999"),
        (["--metric", "tpr", "--margin", "0.1", "--groups", "1"], 2, "--groups is a whole number from 2 to"),
        (["--metric", "tpr", "--margin", "0.9"], 4, "no group can be worse by more than 0.9"),
        (["--metric", "tpr", "--margin", "0.1", "--gap", "0.05"], 4, "within the limit of 0.1: it is never named"),
        (["--metric", "tpr", "--ratio", "0.8", "--gap", "0.9"], 4, "within the limit of 0.8: it is never named"),
        (["--metric", "tpr", "--margin", "0.1", "--gap", "0.9"], 4, "leaves the range of a rate"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_what_is_wrong_is_one_line(arguments: list[str], code: int, words: str) -> None:
    ended, out, err = invoke(*arguments)
    assert (ended, out) == (code, "")
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1


def page(sizes: dict[str, int], *, every_group: bool = False, **rule: object) -> str:
    feature = categorical("sex", list(sizes))
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1} | rule], [feature])
    rows: dict[tuple[str, ...], IntArray] = {(name,): cells(abstained=(size, 0, 0)) for name, size in sizes.items()}
    report = counts_power(plan, CountsTable.of(["sex"], rows), [feature])
    return power_summary(report, Style(colour=False, unicode=True), every_group=every_group)


def test_the_worst_placed_groups_come_first_and_the_others_are_counted() -> None:
    sizes = {"big": 5_000, "middle": 400} | {f"s{number:02}": 30 for number in range(20)}
    text = page(sizes)
    named = [line.split()[2] for line in text.splitlines() if re.match(r"    sex = \w+ +[\d,]+ ", line)]
    assert len(named) == MOST_GROUPS
    assert set(named) <= set(sizes) - {"big", "middle"}
    assert f"and {22 - MOST_GROUPS} more that are better placed (--all names them)" in text
    everyone = page(sizes, every_group=True)
    assert [line.split()[2] for line in everyone.splitlines() if line.startswith("    ")][-2:] == ["middle", "big"]
    assert "--all" not in everyone


def test_two_sides_have_a_column_each_and_lines_stay_short() -> None:
    text = page({"a": 900, "b": 400, "\x1b[2Jx" * 30: 200}, direction="both")
    assert "FAIL below   FAIL above      PASS at" in text
    assert all(line.isprintable() for line in text.splitlines())
    assert max(cell_len(line) for line in text.splitlines()) <= 100


def test_words_never_promise_more_than_is_true() -> None:
    assert disparity_words("difference", 0.10001) == "10.1 points"
    assert disparity_words("difference", 0.1) == "10.0 points"
    assert disparity_words("ratio", 0.79999) == "ratio 0.799"
    assert disparity_words("ratio", 0.8) == "ratio 0.800"


def test_a_picture_of_anything_is_well_formed() -> None:
    marks = (
        Mark("<script>alert(1)</script> & 'x'\u202e", 1, None, 0.1),
        Mark("b", 10**6, 0.4, 0.7),
        Mark("c", 9, 0.0, None),
    )
    for panels in (
        [],
        [Panel("h", "w", "difference", 0.1, ())],
        [Panel("h", "w", "ratio", 0.8, marks), Panel("h", "<&>", "difference", 0.05, marks[:1])],
    ):
        root = ET.fromstring(draw_picture(panels, restricted=True))
        assert not [element for element in root.iter() if element.tag == f"{SVG}script"]
        for element in root.iter(f"{SVG}circle"):
            assert 0.0 <= float(element.get("cy") or -1.0) <= float(root.get("height") or 0.0)


def test_the_colours_are_those_of_the_report() -> None:
    """`audit` imports nothing of `reports`, so the picture has its own."""
    assert (INK, MUTED, RULE, BEYOND, WITHIN) == (
        palette.INK, palette.MUTED, palette.RULE, palette.BEYOND, palette.WITHIN
    )  # fmt: skip
