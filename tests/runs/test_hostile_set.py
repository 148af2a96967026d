"""A set and a plan with something hostile in every name and value, audited: it stays text in all that is written."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made.pages import find_all, parsed, text

from audit.cli.console.terminal import Style
from audit.cli.pages.check_summary import check_summary
from audit.cli.pages.summary import summary
from audit.planning.check import check_plan
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import result_to_json
from audit.run import run_audit
from reports.group_counts import counts_csv
from reports.html import HtmlReporter
from reports.junit import JunitReporter

ATTACK = "=<img src=x onerror=alert(1)>\u202e\u2066{{7*7}}%(n)s\"'"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
PLAIN = Style(colour=False, unicode=True)
PLAN = """
schema = 1
[audit]
title = {title}
owner = {owner}
auditor = {auditor}
limits_set_by = {limits}
use = "hotline-triage"
route = "services"
[detector]
kind = "predictions"
score = {score}
threshold = 0.5
[evaluation_set]
path = "set.csv"
id = {id}
label = {label}
label_positive = [{yes}]
label_negative = [{no}]
label_source = {source}
rows_are = {rows}
[groups.gender]
column = {gender}
map = {{ {woman} = "woman", {man} = "man" }}
[groups.work]
column = {work}
coding = "categorical"
[[rules]]
metric = "true_positive_rate"
groups = ["gender", "work", ["gender", "work"]]
margin = 0.1
reason = {reason}
"""
NAMES = set(re.findall(r"\{(\w+)\}", PLAN))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    stated = {name: f"{ATTACK} {name}" for name in NAMES}
    (folder / "plan.toml").write_text(
        PLAN.format(**{name: json.dumps(value, ensure_ascii=False) for name, value in stated.items()}), encoding="utf-8"
    )
    with (folder / "set.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([stated[name] for name in ("id", "label", "score", "gender", "work")])
        for row in range(400):
            gender = stated["woman"] if row % 2 else stated["man"]
            found = 0.9 if row % 5 or row % 2 == 0 else 0.1
            work = f"{ATTACK} work {row % 3}"
            writer.writerow([f"{ATTACK}{row}", stated["yes"] if row % 4 else stated["no"], found, gender, work])
    return folder / "plan.toml"


@pytest.fixture(scope="module")
def result(plan: Path) -> AuditResult:
    return parse_result(result_to_json(run_audit(plan)))


def test_it_is_audited_and_every_name_is_on_the_page(result: AuditResult) -> None:
    html = HtmlReporter().render(result)
    page = parsed(html)
    shown = ATTACK.replace("\u202e", "[U+202E]").replace("\u2066", "[U+2066]")
    for name in ("title", "owner", "auditor", "limits", "source", "rows", "work 0", "work 1", "work 2", "reason"):
        assert f"{shown} {name}" in text(page), name
    assert not list(find_all(page, "img"))
    assert not list(find_all(page, "script"))
    assert not CONTROLS.search(html.replace("\n", ""))


def test_its_junit_is_xml(result: AuditResult) -> None:
    xml = JunitReporter().render(result)
    assert sum(1 for _ in ET.fromstring(xml).iter("testcase")) > 5
    assert not CONTROLS.search(xml.replace("\n", ""))


def test_no_cell_of_its_counts_starts_a_formula(result: AuditResult) -> None:
    written = counts_csv(result)
    cells = {cell for row in csv.reader(written.splitlines(), strict=True) for cell in row}
    assert any("work 0" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert not CONTROLS.search(written.replace("\n", ""))


@pytest.mark.parametrize(
    "stated",
    [
        lambda result, _: summary(result, PLAIN, report="report.html", next_command="audit7k"),
        lambda _, plan: check_summary(check_plan(plan), PLAIN, every_group=True),
    ],
    ids=["summary", "check"],
)
def test_the_terminal_shows_no_control(
    result: AuditResult, plan: Path, stated: Callable[[AuditResult, Path], str]
) -> None:
    said = stated(result, plan)
    assert "onerror" in said or "gender" in said
    assert not CONTROLS.search(said.replace("\n", ""))
