"""How long the pages of the demonstration are, and that an auditor sees all that the public sees."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest
from made.pages import find_all, parsed, section, text, verdicts_on
from made.releases import made_release, made_result, published

from audit.public.release import PublicRelease
from audit.remedies.remedy import remedy
from audit.result.audit_result import AuditResult
from audit.result.reporters import remedies_report
from audit.run import run_audit
from audit.vocabulary.groups import Group
from audit.vocabulary.names import Names
from audit.worlds.demo.prepare import PreparedDemo, prepare_demo
from reports.html import HtmlReporter
from reports.public.html.document import html_file

MOST_WORDS = 8_000
MOST_WORDS_OF_REMEDIES = 900
WORDS = {"beyond": "beyond the limit", "within": "within the limit"}
HEADINGS = {
    "On this page": "On this page",
    "Who is affected": "Who is affected",
    "By gender": "By gender",
    "By nationality": "By nationality",
    "By nationality and gender together": "By nationality and gender together",
    "What would change the result": "How sure is each verdict?",
    "Waived findings": "Waived findings",
    "What changed": "What changed since the last audit",
    "Safeguards": "Safeguards in the draft resolution",
    "What this does not show": "What this does not show",
    "Method, and how to check it": "Check this report",
    "Contact": "Corrections and contact",
}
"""By heading of the public page the one of the restricted page under which the same stands."""
pytestmark = pytest.mark.usefixtures("warm_children_of_module")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> PreparedDemo:
    return prepare_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def audited(demo: PreparedDemo) -> AuditResult:
    return run_audit(demo.plan)


@pytest.fixture(scope="module")
def restricted(audited: AuditResult) -> Element:
    return parsed(HtmlReporter().render(audited, ["en"]))


@pytest.fixture(scope="module")
def release(audited: AuditResult, tmp_path_factory: pytest.TempPathFactory) -> PublicRelease:
    return published(audited, tmp_path_factory.mktemp("public") / "restricted")


def test_the_restricted_page_has_so_many_words_at_most_with_all_folds(restricted: Element) -> None:
    assert 4_000 < len(text(next(find_all(restricted, "body"))).split()) <= MOST_WORDS


def test_the_page_of_remedies_has_so_many_words_at_most(demo: PreparedDemo) -> None:
    page = parsed(str(remedies_report(remedy(demo.plan))[0].content))
    assert 300 < len(text(next(find_all(page, "body"))).split()) <= MOST_WORDS_OF_REMEDIES


def test_every_word_and_rate_of_the_public_page_of_the_demonstration_stands_on_the_restricted_page(
    audited: AuditResult, release: PublicRelease, restricted: Element
) -> None:
    assert missing(audited, release, restricted) == []
    (women,) = [each for each in verdicts_on(restricted) if each.group == "Nigeria, women" and each.rate != "Found"]
    assert women.cells[1] == "31%", "the plan sets no limit on it, and public screen one names Nigeria"


@pytest.mark.parametrize("kind", ["fail", "pass", "inconclusive", "good", "bound", "weighted"])
def test_every_word_and_rate_of_other_public_pages_stands_on_the_restricted_page(kind: str) -> None:
    result = made_result(kind)
    assert missing(result, made_release(kind), parsed(HtmlReporter().render(result, ["en"]))) == []


def missing(result: AuditResult, release: PublicRelease, page: Element) -> list[object]:
    """Rates and words of rows of the public page, each one group of the audit, that the restricted page has not."""
    names, metrics = Names(result.features), {rule.rule: rule.metric for rule in result.rules}
    heads = {"true_positive_rate": "Found", "false_positive_rate": "Wrongly flagged"}
    tables = [each for each in find_all(parsed(html_file(release)), "table") if "rows" in (each.get("class") or "")]
    printed = {text(row[0]) for table in tables for row in find_all(table, "tr")}
    rows = [row for row in release.rows if row.group is not None and names.group(row.group) in printed]
    shown: dict[tuple[str, str], set[str]] = {}
    for each in verdicts_on(page):
        shown.setdefault((each.rate, each.group), set()).add(each.word)
    stated = [
        (heads[rate.metric], names.group(row.group or Group(())), "")
        for row in rows
        for rate in row.rates
        if rate.metric in heads
    ] + [
        (heads[metrics[word.rule]], names.group(row.group or Group(())), WORDS.get(word.word or "", ""))
        for row in rows
        for word in row.words
    ]
    assert release.rows == () or len(stated) > 10
    return [
        (rate, group, word)
        for rate, group, word in stated
        if (rate, group) not in shown or (word and word not in shown[rate, group])
    ]


def test_every_section_of_the_public_page_has_its_place(release: PublicRelease, restricted: Element) -> None:
    headings = {text(heading) for heading in find_all(restricted, "h2")}
    public = [text(heading) for heading in find_all(parsed(html_file(release)), "h2")][1:]
    assert len(public) >= 10
    assert [heading for heading in public if HEADINGS[heading] not in headings] == []


def test_every_fact_of_the_public_page_has_its_place(release: PublicRelease, restricted: Element) -> None:
    page, clauses = text(restricted), text(section(restricted, "safeguards"))
    laws = text(section(restricted, "frameworks"))
    assert [each for each in facts(release) if each not in page] == []
    assert [each.question for each in release.about.safeguards if each.question not in clauses] == []
    assert [each.article for each in release.about.frameworks if f"{each.article}: {each.evidence}: " not in laws] == []
    assert [each.checked for each in release.about.frameworks if each.checked not in laws] == []
    measured = [each for each in release.about.frameworks if each.state in ("present", "partial", "absent")]
    assert len(measured) > 30
    assert not any(
        each.state == "partial" and f"absent: {each.absent[0]}" not in laws for each in measured if each.absent
    )


def facts(release: PublicRelease) -> Iterator[str]:
    """Texts of the public page that say something of this audit."""
    about = release.about
    yield from (about.title, about.owner, about.limits_set_by, about.label_source, about.decision, about.tool)
    yield from (*about.features, *about.sensitive_features_used, about.plan_sha256)
    yield from (each.definition for each in about.metrics if each.name in {rule.metric for rule in release.rules})
    yield "cannot and should not be associated with any religion, nationality or civilization"
    yield "A gap is about the system, never about the people."
    yield "The person stays exploited: no recovery period"
    yield "A scarce place is used."
    yield "Labels are not truth. They are what somebody recorded"
