"""A change for the worse is a fail wherever a verdict stands: pages, pipelines, JSON, terminal and exit code agree."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made.changes import found, separately
from made.counts import categorical
from made.public_texts import public_texts

from audit.cli.console.terminal import Style
from audit.cli.outputs.verdict_code import result_exit_code
from audit.cli.pages.summary import summary, verdict_words
from audit.disclosure.publish import publish
from audit.disclosure.read import load_release
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
from reports.html import HtmlReporter
from reports.junit import JunitReporter
from reports.sarif import SarifReporter

CODES = {"pass": 0, "fail": 1, "inconclusive": 3}
NAMES = ("north-1", "south-1")
SETTINGS = {
    "both pass": ((0.9, 0.9), (0.9, 0.9), "pass", "pass"),
    "only the change fails": ((0.97, 0.97), (0.85, 0.85), "pass", "fail"),
    "only the change is open": ((0.9, 0.9), (0.86, 0.86), "pass", "inconclusive"),
    "only a limit is not met": ((0.6, 0.9), (0.6, 0.9), "fail", "pass"),
    "both fail": ((0.9, 0.9), (0.6, 0.9), "fail", "fail"),
    "a limit is not met, the change open": ((0.64, 0.9), (0.6, 0.9), "fail", "inconclusive"),
}


def made(name: str) -> tuple[AuditResult, str, str]:
    then, now, own, change = SETTINGS[name]
    feature = categorical("region", NAMES)
    before, after = ({(one,): found(share) for one, share in zip(NAMES, shares, strict=True)} for shares in (then, now))
    result, shown = separately(before, after, feature)
    rules = {rule.outcome for rule in result.rules}
    assert (rules, shown.outcome) == ({own}, change)
    return result, own, change


def worst(*outcomes: str) -> str:
    return max(outcomes, key=("pass", "inconclusive", "fail").index)


@pytest.mark.parametrize("name", SETTINGS)
def test_exact_outputs_agree(name: str) -> None:
    result, own, change = made(name)
    outcome = worst(own, change)
    assert result.overall.outcome == outcome
    assert result_exit_code(result, quiet=True) == CODES[outcome]
    assert json.loads(result_to_json(result))["overall"]["outcome"] == outcome
    page = HtmlReporter().render(result)
    assert f'class="verdict is-{outcome}"' in page
    root = ET.fromstring(JunitReporter().render(result))
    assert (int(root.get("failures", "")) > 0) == (outcome == "fail")
    assert (root.find(".//skipped") is not None) >= (outcome == "inconclusive")
    levels = {each["level"] for each in json.loads(SarifReporter().render(result))["runs"][0]["results"]}
    assert ("error" in levels) == (outcome == "fail")
    assert bool(levels) == (outcome != "pass")
    style = Style(unicode=True)
    assert outcome.upper() in verdict_words(result, style)
    lines = summary(result, style, "report.html", "audit7k gate .").splitlines()
    assert len(lines) < 24
    assert outcome.upper() in lines[0]
    assert any(line.startswith("Since 2026-01-01") for line in lines)


@pytest.mark.parametrize("name", ["only the change fails", "only the change is open"])
def test_public_outputs_agree_and_name_no_group_of_the_change(name: str, tmp_path: Path) -> None:
    result, own, change = made(name)
    outcome = worst(own, change)
    written: dict[str, bytes] = {}
    published = publish(result, tmp_path / "restricted", written.update, ("json",), ("en",))
    headline = published.public.headline
    assert headline.outcome == outcome
    assert headline.change is not None
    assert (headline.change.outcome, headline.change.baseline_finished) == (change, "2026-01-01")
    assert ("change" in headline.fails_on) == (change == "fail")
    assert ("groups" in headline.fails_on) == (own == "fail")
    (tmp_path / "release.json").write_bytes(written["release.json"])
    assert load_release(tmp_path / "release.json")[0] == published.public
    texts = public_texts(published.public, ("html", "junit", "sarif"))
    root = ET.fromstring(texts["junit.xml"])
    verdict = root.find("testsuite[@name='verdict']")
    assert verdict is not None
    assert int(verdict.get("failures", "")) == (outcome == "fail")
    assert int(verdict.get("skipped", "")) == (outcome == "inconclusive")
    levels = {each["level"] for each in json.loads(texts["report.sarif.json"])["runs"][0]["results"]}
    assert ("error" in levels) == (outcome == "fail")
    assert f"is-{outcome}" in texts["report.html"]
    for content in (written["release.json"].decode(), *texts.values()):
        assert "lost" not in content
        assert "level_worse" not in content
