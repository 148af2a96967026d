"""The HTML report as a file: what it is made of, what it may not hold, and what it must say."""

from __future__ import annotations

import base64
import cProfile
import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from made.pages import find_all, parsed, part_of, section, tag, text
from made.results import passing_result

from audit.result.audit_result import AuditResult
from reports.html import HtmlReporter
from reports.html.resolution import PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K
from reports.junit import JunitReporter

FORBIDDEN = ("fair", "unbiased", "debiased", "compliant", "biased")
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module", params=["failing", "passing", "undecided", "further"])
def html(request: pytest.FixtureRequest) -> str:
    page: str = request.getfixturevalue(f"{request.param}_html")
    return page


def test_it_is_a_reporter_for_restricted_eyes() -> None:
    reporter = HtmlReporter()
    assert (reporter.name, reporter.filename) == ("html", "report.html")


def test_it_holds_nothing_that_runs_or_loads(html: str) -> None:
    root = parsed(html)
    assert not list(
        find_all(root, "script", "link", "img", "iframe", "object", "embed", "base", "form", "input", "image")
    )
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("style", "src", "srcset", "background", "action", "ping", "xlink:href")
            if name == "href" and not value.startswith("#"):
                assert value.startswith("data:text/csv;charset=utf-8,"), "a file that lies in the page"
                assert element.get("download") == "restricted-groups.csv"
    assert "url(" not in html
    assert "@import" not in html
    # the digest of the style is base64, in which two slashes can stand side by side
    assert not re.search(r"https?:|//[a-z]", re.sub(r"'sha256-[A-Za-z0-9+/=]{44}'", "", html))


def test_the_policy_allows_this_style_sheet_and_nothing_else(html: str) -> None:
    root = parsed(html)
    (style,) = find_all(root, "style")
    (policy,) = [meta for meta in find_all(root, "meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256((style.text or "").encode()).digest()).decode()
    assert policy.get("content") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    head = next(find_all(root, "head"))
    names = [tag(element) for element in head]
    assert names.index("meta") < names.index("style"), "a policy binds what comes after it"


def test_every_page_says_that_it_is_restricted(html: str) -> None:
    notice = "Restricted, not for publication: exact counts"
    body = text(next(find_all(parsed(html), "body")))
    assert body.removeprefix("Skip to the findings").strip().startswith(notice)
    assert body.endswith(notice)
    printed = html[html.index("@top-center") :].partition("}")[0]
    letters = re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), printed)
    assert notice in letters


def test_headings_go_down_one_level_at_a_time(html: str) -> None:
    levels = [int(tag(heading)[1]) for heading in find_all(parsed(html), "h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_parts_stand_in_their_order(failing_html: str) -> None:
    shown = [text(heading) for heading in find_all(parsed(failing_html), "h2")]
    assert shown == [
        "Exceeds the limit",
        "On this page",
        "Who is affected",
        "By gender",
        "By region",
        "By nationality and gender together",
        "All groups at once",
        "By nationality",
        "A second and a third opinion",
        "What was not looked at",
        "Cases still needed",
        "Waived findings",
        "What changed since the last audit",
        "Safeguards in the draft resolution",
        "Laws and standards",
        "What this does not show",
        "The limits, and who set them",
        "The system and the labels",
        "Where every row went",
        "Method",
        "Words used",
        "Check this report",
        "Downloads",
        "Corrections and contact",
    ]


def test_further_questions_stand_in_the_order_of_a_reader_who_decides(further_html: str) -> None:
    shown = [text(heading) for heading in find_all(parsed(further_html), "h2")]
    in_order = [
        "All groups at once",
        "By nationality",
        "Do scores rank people alike?",
        "Do scores mean the same for everyone?",
        "Would another threshold help?",
        "At work, where cases are rarer",
        "Swaps: one word changed, all else the same",
        "How sure is each verdict?",
        "What changed since the last audit",
        "Safeguards in the draft resolution",
    ]
    assert [heading for heading in shown if heading in in_order] == in_order


def test_the_contents_list_every_part_in_the_order_of_the_page(html: str) -> None:
    root = parsed(html)
    links = [((link.get("href") or "")[1:], text(link)) for link in find_all(next(find_all(root, "nav")), "a")]
    main = next(find_all(root, "main"))
    assert links == [(heading.get("id"), text(heading)) for heading in find_all(main, "h2")]


def test_links_find_their_targets_and_targets_are_never_details_themselves(html: str) -> None:
    root = parsed(html)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    for link in find_all(root, "a", "use"):
        href = link.get("href") or ""
        assert href.removeprefix("#") in ids or link.get("download")
    assert not any(details.get("id") for details in find_all(root, "details"))


def test_tables_have_captions_and_their_heads_a_scope(html: str) -> None:
    root = parsed(html)
    tables = list(find_all(root, "table"))
    assert tables
    for table in tables:
        named = [each for each in root.iter() if each.get("id") == (table.get("aria-labelledby") or "-")]
        assert text(next(iter([*find_all(table, "caption"), *named])))
        assert all(head.get("scope") in ("col", "row", "rowgroup") for head in find_all(table, "th"))
        columns = len(list(find_all(next(find_all(table, "thead")), "th")))
        for row in find_all(table, "tr"):
            cells = list(row)
            assert len(cells) == columns or cells[0].get("colspan") == str(columns)


def test_each_drawing_has_its_title_first_and_no_style(html: str) -> None:
    for drawing in find_all(parsed(html), "svg"):
        if drawing.get("role") == "img":
            assert tag(drawing[0]) == "title"
            assert re.fullmatch(r"[\d,%]*", text(drawing)), "numbers of an axis at most"
            assert (drawing[0].text or "").strip()
        elif drawing.get("class") == "m":
            assert drawing.get("aria-hidden") == "true"


def test_no_word_of_mood_stands_in_it(html: str) -> None:
    words = set(re.findall(r"[a-z]+", text(next(find_all(parsed(html), "body"))).lower()))
    assert not words & set(FORBIDDEN)


def test_screen_one_has_no_decimals_and_p_values_stay_in_the_method(further_html: str) -> None:
    root = parsed(further_html)
    assert not re.search(r"\d\.\d", text(section(root, "verdict")))
    for part in find_all(root, "section"):
        if part.get("aria-labelledby") not in ("method", "glossary"):
            assert not re.search(r"\bp-value|\bp of\b|\bp =", text(part))


def test_it_quotes_the_draft_letter_by_letter_and_calls_it_one(html: str) -> None:
    part = part_of(html, "safeguards")
    quoted = [text(paragraph) for quote in find_all(part, "blockquote") for paragraph in find_all(quote, "p")]
    assert quoted == [PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K]
    shown = text(part)
    for words in ("Belarus, Nicaragua and the Syrian Arab Republic", "12 April 2024", "thirty-third session", "item 6"):
        assert words in shown
    assert "It is a draft: it binds nobody." in shown
    assert "E/CN" not in html


def test_the_words_of_the_draft_are_those_of_its_text() -> None:
    folder = Path(os.environ.get("AUDIT7K_SHARED_DATA", TESTS.parents[1] / "shared" / "data")).parent / "design"
    source = folder / "resolution.txt"
    if not source.exists():
        pytest.skip("the text of the draft is not beside this repository (../shared/design/resolution.txt)")
    shown = " ".join(source.read_text(encoding="utf-8").replace("*", "").split())
    for paragraph in (PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K):
        assert paragraph in shown


def test_a_whole_world_of_groups_stays_small(failing: AuditResult, failing_html: str, further_html: str) -> None:
    assert len(failing.verdicts) > 2_000
    assert len(failing_html.encode()) < len(further_html.encode()) <= 500_000


def test_more_groups_take_no_more_work_than_they_are_more(few: AuditResult, failing: AuditResult) -> None:
    """Counted in calls of functions, which are as many under any load. By pairs of groups they were 40 times as many.

    `make bench` says how many seconds it is.
    """
    assert len(failing.verdicts) > 6 * len(few.verdicts)
    assert calls_to_render(failing) < 6 * calls_to_render(few)


def calls_to_render(result: AuditResult) -> int:
    """How many functions are called to render a result, once what is made once is made."""
    HtmlReporter().render(result)
    profile = cProfile.Profile()
    profile.runcall(HtmlReporter().render, result)
    return sum(each.callcount for each in profile.getstats())


def test_the_same_result_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    """In this process, whose hashes are salted at random, and in another with another salt and place."""
    program = (
        "import hashlib; from made import results\n"
        "from reports.html import HtmlReporter; from reports.junit import JunitReporter\n"
        "result = results.passing_result()\n"
        "texts = HtmlReporter().render(result) + JunitReporter().render(result)\n"
        "print(hashlib.sha256(texts.encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "2", "PYTHONPATH": str(TESTS), "LC_ALL": "C", "TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=True,
    )
    texts = HtmlReporter().render(passing_result()) + JunitReporter().render(passing_result())
    assert done.stdout.strip() == hashlib.sha256(texts.encode()).hexdigest()


def test_the_result_is_only_read() -> None:
    result = passing_result()
    before = result.model_dump_json()
    HtmlReporter().render(result)
    assert result.model_dump_json() == before
