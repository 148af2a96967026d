"""A rate that a plan declares stands in every report under the words of its plan."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made.audits import gender, result_of
from made.counts import cells
from made.once import made_once
from made.rates import section
from made.releases import countries, published

from audit.disclosure.public_files import REPORTERS, find_public_reporters
from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult
from audit.stats.arrays import IntArray
from audit.vocabulary.text import LANGUAGES
from reports.html import HtmlReporter
from reports.junit import JunitReporter
from reports.markdown import MarkdownReporter
from reports.sarif import SarifReporter

PLAIN = "share of cases left alone that are right (100% <b>“&amp;”</b>)"
RATES = {
    "predictive_value_of_rest": section(["TN"], ["TN", "FN"], plain=PLAIN),
    "missed_of_all": section(["FN"], ["FN", "TN", "FP", "TP"], "high", plain="share of all cases that are missed"),
    "critical_success": section(["TP"], ["TP", "FN", "FP"], plain="share of victims and flags that are both"),
}
LIMITS: tuple[dict[str, Any], ...] = (
    {"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.3},
    {"metric": "predictive_value_of_rest", "groups": ["gender", "nationality"], "margin": 0.02},
    {"metric": "missed_of_all", "groups": ["gender"], "ratio": 0.8},
    {"metric": "critical_success", "groups": ["gender"], "ratio": 0.9, "direction": "both"},
)
ESCAPED = "&lt;b&gt;“&amp;amp;”&lt;/b&gt;)"


@made_once
def audited() -> AuditResult:
    rows: dict[tuple[str, ...], IntArray] = {
        ("woman", "NGA"): cells(700, 300, 80, 900),
        ("man", "NGA"): cells(900, 60, 80, 950),
        ("woman", "NPL"): cells(700, 250, 70, 900),
        ("man", "NPL"): cells(900, 50, 70, 950),
    }
    features = [gender(("woman", "man")), countries(["NGA", "NPL"])]
    return result_of(rows, features, LIMITS, rates=RATES)


@made_once
def release() -> PublicRelease:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return published(audited(), Path(folder) / "restricted", tuple(LANGUAGES))


def test_it_fails_as_the_numbers_say() -> None:
    outcomes = {rule.rule: rule.outcome for rule in audited().rules}
    assert outcomes == {
        "true_positive_rate": "pass",
        "predictive_value_of_rest": "fail",
        "missed_of_all": "fail",
        "critical_success": "fail",
    }


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_restricted_page_has_its_words_as_text_in_every_language(code: str) -> None:
    page = HtmlReporter().render(audited(), [code])
    assert "hare of cases left alone that are right" in page
    assert ESCAPED in page
    assert "<b>“" not in page
    assert "hare of all cases that are missed" in page
    assert page.count("predictive_value_of_rest") > 0, "by its name where rates are defined"


def test_the_other_restricted_reports_have_them() -> None:
    assert "| `predictive_value_of_rest` | exceeds the limit |" in MarkdownReporter().render(audited())
    junit = JunitReporter().render(audited())
    ET.fromstring(junit)
    for text in (junit, SarifReporter().render(audited())):
        assert "left alone that are right" in text


@pytest.mark.parametrize("form", [name for name in REPORTERS if name != "pdf"])
def test_every_public_file_is_made_and_those_with_words_have_its_own(form: str) -> None:
    (made,) = find_public_reporters([form])
    content = made.content(release()).decode()
    if form in ("html", "letter", "junit", "github-summary", "markdown", "atrs", "cyclonedx"):
        assert "left alone that are right" in content
    if form in ("html", "letter"):
        assert "<b>“" not in content
    if form in ("markdown", "github-summary"):
        assert f"`{PLAIN}`" in content, "as a piece of code, in which nothing is markup"


def test_a_group_beyond_the_limit_of_it_is_said_to_be_apart_or_more_often_wrong() -> None:
    page = HtmlReporter().render(audited(), ["en"])
    assert "was clearly more often wrong in" in page
    assert "decided clearly otherwise in" in page


def test_shares_are_stated_as_the_plan_defines_them() -> None:
    """The share that is right, and no complement that the plan has no words for."""
    rows = {row.group: row for row in release().rows if row.side == "both" and len(row.parts) == 1}
    rate = next(
        rate
        for group, row in rows.items()
        for rate in row.rates
        if rate.metric == "predictive_value_of_rest" and group is not None and group.levels[0].code == "NGA"
    )
    assert rate.value is not None
    assert np.isclose(rate.value, 1850 / 2210, atol=0.02)
