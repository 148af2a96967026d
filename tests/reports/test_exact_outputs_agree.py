"""One property: whatever the counts, all that is made of an exact result says the same of it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from hypothesis import given, settings
from hypothesis import strategies as st
from made.audits import result_of
from made.counts import categorical, cells
from made.pages import find_all, parsed, section, text, verdicts_on

from audit.cli.console.terminal import Style
from audit.cli.outputs.verdict_code import result_exit_code
from audit.cli.pages.summary import summary
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import result_to_json
from audit.stats.arrays import IntArray
from reports.group_counts import counts_csv, groups_csv
from reports.html import HtmlReporter
from reports.junit import JunitReporter
from reports.markdown import MarkdownReporter
from reports.sarif import SarifReporter

FOUND = {"metric": "true_positive_rate", "groups": ["site"], "margin": 0.1}
FLAGGED = {"metric": "false_positive_rate", "groups": ["site"], "margin": 0.1}
HEADINGS = {
    "fail": "Exceeds the limit",
    "pass": "Within the limit in every group we could judge",
    "inconclusive": "We cannot tell",
}
WORDS = {"fail": "beyond the limit", "pass": "within the limit", "inconclusive": "cannot tell"}
CODES = {"fail": 1, "pass": 0, "inconclusive": 3}

shares = st.tuples(
    st.sampled_from([0, 4, 40, 400, 4_000]), st.sampled_from([0.5, 0.8, 0.82, 1.0]), st.sampled_from([0.02, 0.3])
)


def audited(sites: Mapping[str, tuple[int, float, float]]) -> AuditResult:
    rows: dict[tuple[str, ...], IntArray] = {}
    for site, (size, found, flagged) in sites.items():
        hits, wrong = round(size * found), round(size * flagged)
        rows[(site,)] = cells(hits, size - hits, wrong, size - wrong)
    return result_of(rows, [categorical("site", list(sites))], [FOUND, FLAGGED])


@settings(max_examples=settings().max_examples // 2)  # each a third of a second
@given(
    st.dictionaries(st.sampled_from("abcdef"), shares, min_size=2).filter(
        lambda sites: any(size for size, *_ in sites.values())
    )
)
def test_page_json_junit_sarif_csv_terminal_and_exit_code_agree(sites: dict[str, tuple[int, float, float]]) -> None:
    result = audited(sites)
    outcome = result.overall.outcome
    by_rule: dict[str, Counter[str]] = {
        rule.rule: Counter(one.outcome for one in result.verdicts if one.rule == rule.rule) for rule in result.rules
    }
    failing = {(one.rule, one.group.levels[0].code) for one in result.verdicts if one.outcome == "fail"}
    assert (outcome == "fail") >= bool(failing)

    assert parse_result(result_to_json(result)) == result
    assert json.loads(result_to_json(result))["overall"]["outcome"] == outcome
    assert result_exit_code(result, quiet=True) == CODES[outcome]

    page = parsed(HtmlReporter().render(result))
    screen = section(page, "verdict")
    assert text(screen).startswith(HEADINGS[outcome])
    bars = [each for each in find_all(screen, "div") if each.get("class") == "states"]
    for bar, rule in zip(bars, result.rules, strict=True):
        lines = [text(each) for each in find_all(bar, "li")]
        for state, word in WORDS.items():
            count = by_rule[rule.rule][state]
            assert any(line.startswith(f"{count} {word}") for line in lines) == bool(count), (state, lines)
    sentence_agrees(text(screen), outcome, by_rule)
    large = re.findall(r"([\d,]+) beyond the limit of [\d,]+ comparisons? with a limit", text(screen))
    assert large == ([str(len(failing))] if failing else [])
    rows_agree(page, result)
    said = text(section(page, "affected"))
    assert ("Clearly worse off than everyone else" in said) == bool(failing)

    suites = {suite.get("name"): suite for suite in ET.fromstring(JunitReporter().render(result))}
    for rule in result.rules:
        suite, of_groups = suites[rule.rule], by_rule[rule.rule]
        assert int(suite.get("failures", "")) == of_groups["fail"] + (rule.outcome == "fail")
        passed = int(suite.get("tests", "")) - int(suite.get("failures", "")) - int(suite.get("skipped", ""))
        assert passed == of_groups["pass"] + (rule.outcome == "pass")

    levels = [each["level"] for each in json.loads(SarifReporter().render(result))["runs"][0]["results"]]
    assert ("error" in levels) == (outcome == "fail")
    assert bool(levels) == (outcome != "pass")

    first = MarkdownReporter().render(result).splitlines()[0]
    assert first.startswith(f"**{HEADINGS[outcome]}"), first
    shown = summary(result, Style(unicode=True), "report.html", "audit7k gate .").splitlines()
    assert outcome.upper() in shown[0]
    stated = sum(of_groups["fail"] for of_groups in by_rule.values())
    assert shown[1].strip().startswith(f"{stated} beyond the limit, "), shown[1]

    exact = {row["site"]: row for row in csv.DictReader(io.StringIO(counts_csv(result)))}
    beside, left_out = groups_csv(result, 1_000_000)
    assert not left_out
    in_page = {row["site"]: row for row in csv.DictReader(io.StringIO(beside))}
    verdicts = {(one.rule, one.group.levels[0].code): one.outcome for one in result.verdicts}
    for site, (size, found, flagged) in sites.items():
        hits, wrong = round(size * found), round(size * flagged)
        counted = {"true_positive": hits, "false_negative": size - hits}
        counted |= {"false_positive": wrong, "true_negative": size - wrong}
        for name, count in counted.items():
            assert int(exact[site][name]) == int(in_page[site].get(name, 0)) == count, name
        for rule in result.rules:
            assert in_page[site][f"verdict {rule.rule}"] == verdicts[rule.rule, site]


def sentence_agrees(screen: str, outcome: str, by_rule: Mapping[str, Counter[str]]) -> None:
    """The sentence says what happened in how many groups, and the large numbers are those of the verdicts."""
    for metric, error in (("true_positive_rate", "missed victims"), ("false_positive_rate", "wrongly flagged people")):
        stated = re.findall(rf"{error} clearly more often in ([\d,]+) groups?\b", screen)
        count = by_rule[metric]["fail"]
        assert stated == ([str(count)] if count else []), screen
    assert ("stayed within the limit" in screen) == (outcome == "pass")
    assert ("was clearly worse off than everyone else" in screen) <= (outcome == "inconclusive")


def rows_agree(page: Element, result: AuditResult) -> None:
    """Each row of the tables of findings has the word of its verdict, or stands under it where many are undecided."""
    verdicts = {(one.rule, one.group.levels[0].code): one.outcome for one in result.verdicts}
    rules: dict[str, str] = {rule.metric: rule.rule for rule in result.rules}
    words = {**WORDS, "not_evaluable": "no rate can be stated"}
    heads = {"Found": "true_positive_rate", "Wrongly flagged": "false_positive_rate"}
    seen = set()
    for each in verdicts_on(page):
        site, metric = each.group.removeprefix("Site = "), heads.get(each.rate, "")
        if metric in rules:
            assert each.word == words[verdicts[rules[metric], site]], site
            assert (rules[metric], site) not in seen
            seen.add((rules[metric], site))
    assert seen == set(verdicts)


def test_a_plan_without_gender_and_nationality_says_that_nobody_looked_at_them() -> None:
    page = parsed(HtmlReporter().render(audited({"a": (400, 0.8, 0.02), "b": (400, 0.5, 0.02)})))
    unseen = text(section(page, "not-looked-at"))
    assert "By gender Not shown: no feature of the plan is a gender." in unseen
    assert "By nationality Not shown: no feature of the plan is a nationality" in unseen
