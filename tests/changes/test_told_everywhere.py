"""What differs between two plans, and why a weighted or clustered set is not judged: said in every output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from made.changes import ask, made_pair, write_plan, write_result_of
from made.public_texts import public_texts
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.cli.console.terminal import Style
from audit.cli.pages.change_words import change_summary
from audit.cli.pages.summary import summary
from audit.cli.testing.public_cases import public_cases
from audit.disclosure.headline import public_change
from audit.disclosure.publish import publish
from audit.public.release import PlanPart, PublicChange
from audit.public.sentences import SENTENCES
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
from audit.verdicts.changes.acceptance import MAY_DIFFER, NOT_TOLD
from reports.html import HtmlReporter
from reports.junit import JunitReporter
from reports.sarif import SarifReporter

DIFFERS = "detector, audit.title, scoring"
FORMATS = ("html", "json", "junit", "sarif", "github-summary", "github-annotations", "gitlab-codequality", "markdown")
WITHOUT_NOTES = ("groups.csv", "metrics.txt", "badge.svg", "gl-code-quality.json")
"""Files that have no place for more than a verdict."""


def exact_outputs(result: AuditResult) -> dict[str, str]:
    assert result.change is not None
    style = Style(unicode=True)
    log = json.loads(SarifReporter().render(result))["runs"][0]
    return {
        "compare": change_summary(result.change, result.features, "Screener", style),
        "html": HtmlReporter().render(result),
        "junit": JunitReporter().render(result),
        "sarif": log["properties"]["change"],
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a detector, of which the second has another title and is asked in other batches."""
    folder = tmp_path_factory.mktemp("pair")
    made_pair(folder, rows=900)
    write_result_of(folder / "plan-1.toml", folder / "one")
    write_plan(folder, 2, extra="[scoring]\nbatch_size = 100\n")
    return folder


def test_exact_outputs_name_what_differs_between_the_plans(pair: Path) -> None:
    result = ask(pair / "plan-2.toml", pair / "one")
    assert result.change is not None
    assert ", ".join(result.change.differs) == DIFFERS
    for name, text in exact_outputs(result).items():
        assert DIFFERS in text, name
    assert json.loads(result_to_json(result))["change"]["differs"] == DIFFERS.split(", ")


def test_public_outputs_name_it_too_and_no_word_that_is_no_part_of_a_plan(pair: Path, tmp_path: Path) -> None:
    result = ask(pair / "plan-2.toml", pair / "one")
    assert result.change is not None
    change = result.change.model_copy(update={"differs": ("south", *result.change.differs)})
    shown = public_change(result.model_copy(update={"change": change}))
    assert shown is not None
    assert ", ".join(shown.differs) == DIFFERS
    written: dict[str, bytes] = {}
    published = publish(result, tmp_path / "kept", written.update, FORMATS, ("en",))
    assert published.public.headline.change == shown
    for name, content in written.items():
        if name == "release.json":
            assert json.loads(content)["headline"]["change"]["differs"] == DIFFERS.split(", ")
        elif name not in (*WITHOUT_NOTES, "annotations.txt"):
            assert DIFFERS in content.decode(), name
    for name in ("comment.md", "summary.md"):
        assert f"The earlier audit ended on {result.change.baseline.finished[:10]}" in written[name].decode()


def test_the_parts_that_may_differ_are_those_that_the_public_may_read() -> None:
    assert set(get_args(PlanPart)) == set(MAY_DIFFER) - set(NOT_TOLD)


def test_a_public_log_names_it(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pair)
    done = CliRunner().invoke(app, ["gate", "plan-2.toml", "--baseline", "one"])
    assert f"The plans differ in: {DIFFERS}\n" in done.stdout
    document = json.loads(CliRunner().invoke(app, ["gate", "plan-2.toml", "--baseline", "one", "--json"]).stdout)
    assert document["headline"]["change"]["differs"] == DIFFERS.split(", ")


@pytest.mark.parametrize(("kind", "said"), [("weight", "weighted cases"), ("cluster", "cases that belong together")])
def test_every_output_says_why_a_change_of_such_a_set_is_not_judged(kind: str, said: str, tmp_path: Path) -> None:
    made_pair(tmp_path, rows=900)
    table = pd.read_csv(tmp_path / "set.csv", dtype=str)
    rng = np.random.default_rng(2)
    table.assign(weight=rng.integers(1, 4, len(table)), cluster=rng.integers(0, 300, len(table))).to_csv(
        tmp_path / "set.csv", index=False
    )
    for version in (1, 2):
        write_plan(tmp_path, version, section=f'{kind} = "{kind}"')
    write_result_of(tmp_path / "plan-1.toml", tmp_path / "one")
    result = ask(tmp_path / "plan-2.toml", tmp_path / "one")
    assert result.change is not None
    assert (result.change.outcome, result.change.because) == ("inconclusive", f"{kind}ed_set")
    for name, text in exact_outputs(result).items():
        assert f"there is no exact test of a change for {said}" in text, name
    whole = ET.fromstring(JunitReporter().render(result)).find(".//testcase[@classname='change']/skipped")
    assert whole is not None
    assert said in whole.get("message", "")
    (line,) = (each for each in summary(result, Style(), "r", "n").splitlines() if each.startswith("Since "))
    assert f"not judged: no exact test for {kind}ed cases" in line
    assert len(line) <= 80

    published = publish(result, tmp_path / "kept", lambda _: None, ("json",), ("en",))
    for name, content in public_texts(published.public, FORMATS).items():
        if name == "release.json":
            assert json.loads(content)["headline"]["change"]["not_judged"] == f"{kind}ed_set"
        elif name not in WITHOUT_NOTES:
            assert f"there is no exact test of a change for {said}" in content, name
    overall = public_cases(published.public)[0]
    assert said in overall.text


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (PublicChange(outcome="pass", paired=True, baseline_finished="2026-01-01"), ("change_pass",)),
        (
            PublicChange(
                outcome="inconclusive",
                paired=False,
                baseline_finished="2026-01-01",
                not_judged="weighted_set",
                differs=("detector",),
            ),
            ("change_inconclusive", "change_weighted_set", "change_differs"),
        ),
    ],
)
def test_sentences_of_a_public_change(change: PublicChange, names: tuple[str, ...]) -> None:
    assert change.sentence_names == names
    assert all("{" not in SENTENCES[name].format(features="detector") for name in names)
