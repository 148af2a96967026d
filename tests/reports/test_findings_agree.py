"""Every output says the same of the same findings: whom, under which rule, in which word, and how many of each."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict
from xml.etree import ElementTree as ET

import pytest
from made.change_told import change_told
from made.formats import text_of
from made.pages import parsed, section, text
from made.people import BY_SCORE, OFFICER, made_audit, made_cases
from made.releases import made_release
from made.results import failing_result, few_result, passing_result, undecided_result
from made.second_looks import further_result, unnamed_result

from audit.cli.console.terminal import Style
from audit.cli.mlflow_run import _outcome_metrics
from audit.cli.outputs.gate_lines import public_lines
from audit.cli.pages.summary import summary
from audit.cli.testing.exact_cases import exact_cases
from audit.from_python import run_audit
from audit.public.finding_list import findings_of as public_findings_of
from audit.public.finding_list import tally_of_rule
from audit.public.findings_document import FindingTally
from audit.public.release import PublicChangedWord, PublicRelease
from audit.result.audit_result import AuditResult
from audit.result.cases import suites
from audit.result.finding_list import findings_of
from audit.result.reading import Reading
from audit.vocabulary.finding import Tally, tally_of
from reports.exact_cases import ExactCases
from reports.html import HtmlReporter
from reports.junit import JunitReporter
from reports.language import ENGLISH
from reports.public.html.document import html_file
from reports.sarif import SarifReporter
from reports.tally_words import TallyWords

KINDS = ("failing", "few", "passing", "undecided", "unnamed", "changed", "people", "probes")
PUBLIC_KINDS = (
    "fail", "pass", "inconclusive", "none", "weighted", "again", "words", "unnamed words", "people", "change",
)  # fmt: skip
WORDS = PublicChangedWord(
    rule="swaps",
    probe="adverts",
    slot="demonym",
    level="MAR",
    name="Moroccan",
    word="beyond",
    shift=0.165,
    low=0.121,
    high=0.209,
    margin=0.05,
    texts=60,
)


def exact_result(kind: str) -> AuditResult:
    match kind:
        case "failing":
            return failing_result()
        case "few":
            return few_result()
        case "passing":
            return passing_result()
        case "undecided":
            return undecided_result()
        case "unnamed":
            return unnamed_result(few_result())
        case "changed":
            result = passing_result()
            change = change_told(result)
            overall = result.overall.model_copy(update={"outcome": change.outcome})
            return result.model_copy(update={"change": change, "overall": overall})
        case "people":
            asked = {"column": "officer", "verdict": "counts"}
            return run_audit(made_audit(BY_SCORE, decisions={**OFFICER, **asked}), made_cases(), crosscheck=False)
        case _:
            return further_result(few_result())


@pytest.mark.parametrize("kind", KINDS)
def test_exact_outputs_say_the_same(kind: str) -> None:
    result = exact_result(kind)
    judged, tally = suites(Reading(result)), tally_of(findings_of(Reading(result)))
    assert tally == total(*(suite.tally for suite in judged))

    junit = {suite.get("name"): suite for suite in ET.fromstring(JunitReporter().render(result))}
    failing = set()
    for suite, written in zip(judged, ExactCases(result).suites(), strict=False):
        element = junit[suite.name]
        assert [prop.get("value") for prop in element.iter("property") if prop.get("name") == "findings"] == [
            str(suite.tally)
        ]
        tests = element.findall("testcase")[1:]
        assert len(tests) == suite.tally.total
        assert sum(test.find("failure") is not None for test in tests) == suite.tally.beyond
        assert sum(len(test) == 0 for test in tests) == suite.tally.within
        failing |= {(suite.name, case.name) for case in written.cases if case.outcome == "fail"}
    assert len(failing) == tally.beyond

    of_findings = [case for case in exact_cases(result) if case.group is not None]
    assert Counter(case.outcome for case in of_findings) == Counter(
        case.outcome for suite in judged for case in suite.cases
    )
    metrics = dict(_outcome_metrics(result))
    for word, count in (("beyond_limit", tally.beyond), ("within_limit", tally.within), ("no_rate", tally.no_rate)):
        assert sum(value for name, value in metrics.items() if name.endswith(f"/{word}")) == count

    shown = " ".join(summary(result, Style(colour=False, unicode=True)).split("\n\n")[0].split())
    assert str(tally) in shown
    screen = text(section(parsed(HtmlReporter().render(result)), "verdict"))
    numbers = re.findall(r"([\d,]+) (beyond the limit|within the limit|cannot tell) of ([\d,]+) comparisons", screen)
    counts = {"beyond the limit": tally.beyond, "within the limit": tally.within, "cannot tell": tally.cannot_tell}
    assert numbers
    assert all((count, total_) == (f"{counts[word]:,}", f"{tally.total:,}") for count, word, total_ in numbers)

    results = json.loads(SarifReporter().render(result))["runs"][0]["results"]
    assert sum(one["ruleId"] in {name for name, _ in failing} and one["level"] == "error" for one in results) >= len(
        failing
    )


def total(*tallies: Tally) -> Tally:
    words = ("beyond", "within", "cannot_tell", "not_judged_alone", "no_rate")
    return Tally(**{word: sum(getattr(tally, word) for tally in tallies) for word in words})


def public_release(kind: str) -> PublicRelease:
    if kind in ("words", "unnamed words"):
        release = made_release("pass")
        headline = release.headline.model_copy(update={"outcome": "fail", "fails_on": ("probes",)})
        return release.model_copy(update={"headline": headline, "changed_words": (WORDS,) if kind == "words" else ()})
    if kind == "people":
        release = made_release("pass")
        decided = [{"rule": rule.rule, "outcome": "fail"} for rule in release.rules]
        of_people = {**release.headline.model_dump(), "outcome": "fail", "fails_on": ("people",), "people": decided}
        return PublicRelease.model_validate({**release.model_dump(), "headline": of_people})
    if kind == "change":
        release = made_release("pass")
        told = {"outcome": "fail", "paired": True, "baseline_finished": "2026-01-02"}
        of_change = {**release.headline.model_dump(), "outcome": "fail", "fails_on": ("change",), "change": told}
        return PublicRelease.model_validate({**release.model_dump(), "headline": of_change})
    return made_release(kind)


@pytest.mark.parametrize("kind", PUBLIC_KINDS)
def test_public_outputs_say_the_same(kind: str) -> None:
    release = public_release(kind)
    findings = public_findings_of(release)
    tally = tally_of(findings)
    assert (release.headline.outcome == "fail") == bool(tally.beyond), "no fail without a finding beyond a limit"

    verdict, *junit = ET.fromstring(text_of("junit.xml", release))
    assert [prop.get("value") for prop in verdict.iter("property") if prop.get("name", "").startswith("findings")] == [
        str(tally)
    ]
    failures = sum(test.find("failure") is not None for suite in junit for test in suite.findall("testcase")[1:])
    assert failures == sum(one.word == "beyond" and one.subject not in ("people", "change") for one in findings)

    document = json.loads(text_of("findings.json", release))
    assert FindingTally(**document["tally"]) == FindingTally(**asdict(tally))
    assert [(entry["rule"], entry["word"]) for entry in document["findings"]] == [
        (finding.rule, finding.word) for finding in findings
    ]

    lines = public_lines(release)
    summary_text = text_of("summary.md", release)
    for rule in release.rules:
        of_rule = tally_of_rule(findings, rule.rule)
        if of_rule.total:
            assert any(f"rows: {of_rule}" in line for line in lines)
        cells = f"{of_rule.total} | {of_rule.beyond} | {of_rule.within} | {of_rule.cannot_tell} | "
        assert f"| {cells}{of_rule.not_judged_alone} |" in summary_text

    page = text(section(parsed(html_file(release)), "verdict"))
    if release.rows:
        assert TallyWords(ENGLISH).sentence(tally).split(";")[0] in page
    if kind == "people":
        told = "What people decided after the system exceeds the limit."
        assert told in page
        assert told in text_of("comment.md", release)
        assert all(f"{rule.rule}, people's decisions: FAIL" in lines for rule in release.rules)
        assert told in text_of("annotations.txt", release)
        for name in ("junit.xml", "report.sarif.json"):
            assert "people&apos;s decisions" in text_of(name, release).replace("'", "&apos;")
    if kind == "words":
        told = "Moroccan"
        assert told in page
        assert told in summary_text
        assert any(told in line for line in lines)
        assert told in text_of("junit.xml", release)
        assert told in text_of("report.sarif.json", release)
        assert told in text_of("annotations.txt", release)


def test_the_name_of_a_word_that_others_wrote_does_nothing() -> None:
    hostile = "<script>alert(1)</script>`x`\n::error title=x::y\x1b[31m [a](https://example.org)"
    release = public_release("words")
    changed = WORDS.model_copy(update={"name": hostile, "given_slot": "gender", "given": hostile})
    release = release.model_copy(update={"changed_words": (changed,)})
    assert "<script>alert" not in html_file(release)
    for name in ("summary.md", "comment.md"):
        assert "<script>" not in re.sub(r"(`+).*?\1", "", text_of(name, release))
    assert not any(line.startswith("::error title=x") for line in text_of("annotations.txt", release).splitlines())
    assert all(line.isprintable() for line in public_lines(release))
    for name in ("junit.xml", "report.sarif.json", "annotations.txt", "summary.md"):
        assert "\x1b" not in text_of(name, release)
