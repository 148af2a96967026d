"""The public page: what it says of each verdict, in which order, and what it never says."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import pytest
from made.disclosure import RULE
from made.pages import find_all, parsed, section, text
from made.public import bands, in_languages, made, row_names, sizes_alone
from made.results import passing_result

from audit.disclosure.explain import blank
from audit.disclosure.words import public_release, public_words
from audit.public.about import PublicFramework, PublicGovernance, PublicLook
from audit.public.figures import state_tally
from audit.public.sentences import SENTENCES
from audit.public.table import PublicGroup, PublicRelease, PublicSide, PublicTable, group_key, public_json
from audit.vocabulary.groups import Group, Level
from reports.html import HtmlReporter
from reports.languages import language
from reports.public.html import PublicHtmlReporter
from reports.rate_words import RateWords

TESTS = Path(__file__).parents[1]
KINDS = ("small", "unnamed", "undecided", "passing", "refused")
ORDER = [
    "verdict", "protected", "affected", "feature-1", "region", "both", "sure", "all", "nationality", "questions",
    "changed", "safeguards", "frameworks", "not-shown", "method", "glossary", "check", "downloads", "contact",
]  # fmt: skip


def render(release: PublicRelease) -> str:
    return PublicHtmlReporter().render(release)


@pytest.fixture(scope="module")
def pages() -> dict[str, Element]:
    return {kind: parsed(render(made(kind))) for kind in KINDS}


def sections(root: Element) -> list[str]:
    return [str(each.get("aria-labelledby")) for each in find_all(root, "section")]


SMALL_KEYS = row_names(made("small"))


def key_of(row: Element) -> str:
    """The key of the group whose row it is, in the small release."""
    return next(key for key, name in SMALL_KEYS.items() if name == row.get("data-g"))


def about(release: PublicRelease, **changes: object) -> PublicRelease:
    return release.model_copy(update={"about": release.about.model_copy(update=changes)})


def test_everything_stands_in_its_order(pages: dict[str, Element]) -> None:
    assert sections(pages["small"]) == ORDER
    links = [str(link.get("href"))[1:] for link in find_all(next(find_all(pages["small"], "nav")), "a")]
    assert links == ORDER[2:]


def test_a_refused_table_leaves_the_verdict_and_says_why_there_are_no_figures(pages: dict[str, Element]) -> None:
    root = pages["refused"]
    absent = ["gender", *ORDER[4:9]]
    assert sections(root) == ["verdict", "affected", *absent, *ORDER[9:]], "each keeps its place and heading"
    for each in absent:
        assert "Not shown: No figures are published" in text(section(root, each))
        assert f"#{each}" in {link.get("href") for link in find_all(next(find_all(root, "nav")), "a")}
    screen = text(section(root, "verdict"))
    assert screen.startswith("Exceeds the limit In this test at least one limit was exceeded")
    assert SENTENCES["figures_refused"] in screen
    assert "Limit on: share of victims found at most 10 percentage points below everyone else" in screen
    drawn = list(find_all(section(root, "verdict"), "svg", "ul"))
    assert len(drawn) == 1, "the verdict's own mark; a bar or a number of groups would be a figure"
    page = render(made("refused"))
    assert "data-g=" not in page
    assert "data:" not in page
    assert "not shown" in text(section(root, "downloads"))
    affected = text(section(root, "affected"))
    assert "Not shown: no group is named" in affected
    assert "shown as well" not in affected


def test_a_refused_release_shows_no_figure_even_if_one_is_left_in_it() -> None:
    """The word of the release is enough: what its table holds is not looked at."""
    assert render(made("passing").model_copy(update={"figures": "refused"})) == render(
        blank(made("passing")).model_copy(update={"figures": "refused"})
    )


def test_screen_one_of_a_fail_with_groups_named(pages: dict[str, Element]) -> None:
    screen = section(pages["small"], "verdict")
    stated = text(screen)
    assert stated.startswith("Exceeds the limit In this test the system missed victims clearly more often in 4 groups")
    assert "affect the most people in one group: Nepal, women. Among them the system misses about 5 in 10" in stated
    numbers = [text(each) for each in find_all(next(find_all(screen, "ul")), "li")]
    assert len(numbers) == 3
    assert re.fullmatch(r"\d+% share of victims found, everyone together likely range \d+–\d+%", numbers[0])
    assert re.fullmatch(r"\d+% share of victims found: Nepal, women likely range \d+–\d+%", numbers[1])
    assert numbers[2].startswith("4 groups beyond the limit of ")
    assert "What comes next. Before anyone relies on this system, its operator should explain these gaps" in stated
    assert "each count was changed by at most 5." in stated


def test_screen_one_of_a_fail_that_names_nobody(pages: dict[str, Element]) -> None:
    release = made("unnamed")
    assert release.headline.no_group_named
    stated = text(section(pages["unnamed"], "verdict"))
    assert SENTENCES["no_group_named"] in stated
    numbers = [text(each) for each in find_all(next(find_all(section(pages["unnamed"], "verdict"), "ul")), "li")]
    assert numbers[1].startswith(
        "144 groups for which the public figures cannot tell, or show nothing any of these may"
    )
    assert len(numbers) == 2, "a large 0, or how many are within the limit, would say the contrary of the verdict"
    for fails_on, open_too in ((("probes",), False), (("change",), False), (("groups", "probes"), True)):
        headline = release.headline.model_copy(update={"fails_on": fails_on})
        screen = text(section(parsed(render(release.model_copy(update={"headline": headline}))), "verdict"))
        assert ("any of these may be beyond the limit" in screen) == open_too, fails_on
    assert "should learn from the auditor" in stated
    assert "That is no sign that there is none" in text(section(pages["unnamed"], "affected"))
    unsaid = release.model_copy(update={"headline": release.headline.model_copy(update={"fails_on": ()})})
    probes = text(section(parsed(render(about(unsaid, probe_rules=1))), "verdict"))
    assert "a limit on probes, whose answers stand in the restricted report" in probes
    assert SENTENCES["no_group_named"] not in probes
    for fails_on, said in ((("probes",), "fails_on_probes"), (("groups",), "no_group_named")):
        headline = release.headline.model_copy(update={"fails_on": fails_on})
        alone = release.model_copy(update={"headline": headline})
        assert SENTENCES[said] in text(section(parsed(render(about(alone, probe_rules=1))), "verdict"))


def test_where_nothing_is_shown_nobody_is_called_no_worse_off() -> None:
    root = parsed(render(made("sparse")))
    affected = text(section(root, "affected"))
    assert affected.count("Not shown: of no group do the public figures say whether it is within this limit") == 2
    assert "no group was clearly worse off" not in affected
    undecided = text(section(parsed(render(made("undecided"))), "affected"))
    assert (
        "Of groups that are not shown, and of those for which the figures cannot tell, that says nothing" in undecided
    )


def test_a_rate_withheld_beside_its_size_is_called_not_shown_once() -> None:
    release = made("small")
    women = next(row.group for row in release.table.groups if group_key(row.group) == "gender:level=woman")
    withheld = {"value": None, "low": None, "high": None, "why": "small_or_withheld"}
    rates = [rate.model_copy(update=withheld if rate.group == women else {}) for rate in release.rates]
    unsaid = {"word": "cannot_tell", "why": "rate_not_shown"}
    words = [word.model_copy(update=unsaid if word.group == women else {}) for word in release.words]
    by_gender = text(section(parsed(render(release.model_copy(update={"rates": rates, "words": words}))), "feature-1"))
    assert (
        re.findall(r"Women ((?:not shown)[^—]*) —", by_gender)
        == ["not shown: small, or withheld to protect others"] * 2
    )


def test_what_the_audit_does_not_compare_keeps_its_heading() -> None:
    root = parsed(render(bands()))
    for name in ("region", "nationality"):
        assert f"Not shown: This audit has no public figures by {name}." in text(section(root, name))
    assert "as a national of a country" not in text(root)
    assert len(sections(root)) == len(set(sections(root)))


def test_a_rate_of_everyone_of_which_a_bound_is_known_is_told_by_it() -> None:
    release = made("undecided")
    known = release.rates[0].model_copy(update={"value": None, "low": None, "high": None, "at_least": 0.79})
    rates = (known, *release.rates[1:])
    assert known.metric == "true_positive_rate"
    numbers = next(find_all(section(parsed(render(release.model_copy(update={"rates": rates}))), "verdict"), "ul"))
    assert text(numbers).startswith("at least 79% share of victims found, everyone together 50 groups")


def test_what_probes_leave_open_is_not_said_of_groups() -> None:
    open_on_probes = text(section(parsed(render(about(made("undecided"), probe_rules=1))), "verdict"))
    assert "do not settle whether every limit is kept" in open_on_probes
    assert "every group" not in open_on_probes


@pytest.mark.parametrize(
    ("kind", "heading", "says"),
    [
        ("passing", "Within the limit in every group we could judge", "stayed within the limit"),
        ("undecided", "We cannot tell", "What comes next. This is not a pass."),
    ],
)
def test_screen_one_of_a_set_that_does_not_fail(kind: str, heading: str, says: str, pages: dict[str, Element]) -> None:
    stated = text(section(pages[kind], "verdict"))
    assert stated.startswith(heading)
    assert says in stated


@pytest.mark.parametrize("kind", ["small", "passing", "undecided", "unnamed", "refused"])
def test_what_comes_next_stands_before_the_numbers(kind: str, pages: dict[str, Element]) -> None:
    """A phone shows no more than the first of it."""
    stated = text(section(pages[kind], "verdict"))
    before, _, after = stated.partition("What comes next.")
    assert after
    assert "%" not in before
    assert "likely range" not in before


def test_a_pass_says_of_whom_it_is_none_and_what_it_rests_on(pages: dict[str, Element]) -> None:
    """Neither a page without figures nor one with some may read like leave to rely on the system for everybody."""
    said = "This says nothing about groups that were too small to judge."
    asks = "What comes next. Before anyone relies on this result, they should ask the auditor, who holds the figures"
    shown = made("passing")
    bare = [
        blank(shown).model_copy(update={"figures": "refused"}),
        blank(shown).model_copy(update={"figures": "not_made"}),
        public_release(shown.table, "pass", shown.rules, shown.about.model_copy(update={"clustered": True})),
        public_release(shown.table, "pass", shown.rules, shown.about.model_copy(update={"weighted": True})),
    ]
    assert said in text(section(pages["passing"], "verdict"))
    assert asks in text(section(pages["passing"], "verdict"))
    for release in bare:
        screen = section(parsed(render(release)), "verdict")
        assert said in text(screen)
        assert asks in text(screen)
        assert not list(find_all(screen, "ul", "svg"))[1:], "nothing is drawn but the mark of the verdict"
    for kind in ("small", "undecided", "refused"):
        assert said not in text(section(pages[kind], "verdict"))
        assert asks not in text(section(pages[kind], "verdict"))


def test_screen_one_says_why_there_are_no_rates() -> None:
    release = made("undecided")
    stated = text(section(parsed(render(about(release, weighted=True, clustered=False))), "verdict"))
    assert "—" not in stated
    assert "No rate is shown and no group is named: protected figures cannot give them" in stated
    assert "What comes next. This is not a pass." in stated


@pytest.mark.parametrize("flag", ["weighted", "clustered"])
def test_a_fail_without_rates_says_once_that_there_are_none(flag: str) -> None:
    stated = text(section(parsed(render(sizes_alone("fail", flag))), "verdict"))
    assert "The public figures have no rates here, and name no group." in stated
    assert "No rate is shown and no group is named" not in stated
    assert SENTENCES["no_group_named"] not in stated


@pytest.mark.parametrize("harm", ["missed", "wrongly_flagged"])
def test_without_rates_no_error_is_shown_as_well(harm: str) -> None:
    for flag in ("weighted", "clustered"):
        release = about(sizes_alone("fail", flag), primary_harm=harm)
        assert "shown as well" not in text(section(parsed(render(release)), "affected"))
    assert "shown as well" in text(section(parsed(render(about(made("small"), primary_harm=harm))), "affected"))


def test_no_sentence_says_that_a_group_became_worse() -> None:
    """The system did, for a group: else it sounds as though people were to blame."""
    stated = [SENTENCES[f"change_{outcome}"] for outcome in ("fail", "pass", "inconclusive")]
    assert all("the system became worse" in sentence[0].lower() + sentence[1:] for sentence in stated)


@pytest.mark.parametrize(
    ("code", "one", "many"),
    [
        ("fr", "1 non montré", "38 non montrés"),
        ("es", "1 no mostrado", "38 no mostrados"),
        ("ar", "1 غير معروضة", "38 غير معروضة"),
        ("ru", "не показано: 1", "не показано: 38"),
        ("zh", "1 个未显示", "38 个未显示"),
    ],
)
def test_a_count_of_groups_agrees_with_its_word(code: str, one: str, many: str) -> None:
    words = RateWords(language(code))
    assert [words.groups_in("not_shown", count) for count in (1, 38)] == [one, many]


def test_a_group_agrees_with_its_word_on_the_page() -> None:
    screen = text(section(parsed(render(in_languages(made("small"), "fr"))), "verdict"))
    assert re.search(r"\d+ non montrés", screen)
    assert not re.search(r"\d+ non montré(?!s)", screen)


def test_a_group_below_where_the_exact_verdict_is_none_is_said_to_be_no_fail() -> None:
    release = made("small")
    passed = release.model_copy(
        update={"headline": release.headline.model_copy(update={"outcome": "pass", "no_group_named": False})}
    )
    stated = text(section(parsed(render(passed)), "verdict"))
    assert stated.startswith("Within the limit")
    assert "the exact figures, which decide, do not bear that out" in stated


def test_bars_and_tables_tell_what_the_words_of_the_release_tell(pages: dict[str, Element]) -> None:
    release = made("small")
    lines = [text(each) for each in section(pages["small"], "verdict").iter() if each.get("class") == "states"]
    for line, rule in zip(lines, release.rules, strict=True):
        tally = state_tally([word for word in release.words if word.rule == rule.rule])
        assert f"{tally['below']} beyond the limit {tally['meets']} within the limit" in line
        assert f"{tally['cannot_tell']} cannot tell {tally['not_shown']} not shown" in line
    below = {group_key(word.group) for word in release.words if word.word == "below"}
    named = {key_of(row) for row in find_all(section(pages["small"], "affected"), "tr") if row.get("data-g")}
    assert named == below


def test_each_table_row_prints_its_rate_and_interval(pages: dict[str, Element]) -> None:
    release, root = made("small"), pages["small"]
    rates = {group_key(rate.group): rate for rate in release.rates if rate.metric == "true_positive_rate"}
    rows = [row for row in find_all(section(root, "feature-1"), "tr") if row.get("data-g")]
    assert rows
    for row in rows[:4]:
        rate = rates[key_of(row)]
        assert rate.value is not None
        assert rate.low is not None
        assert rate.high is not None
        cells = text(row)
        assert f"{round(rate.low * 100)}–{round(rate.high * 100)}%" in cells


def test_every_mark_of_the_funnel_stands_in_its_table(pages: dict[str, Element]) -> None:
    root = section(pages["small"], "all")
    figures = list(find_all(root, "figure"))
    (table,) = find_all(root, "details")
    rows = [row for row in find_all(table, "tr") if row.get("data-g")]
    named = [row.get("data-g") for row in rows]
    assert len(named) == len(set(named)) > 20
    assert len(figures) == 2
    for place, figure in enumerate(figures):
        marks = [name for path in find_all(figure, "path") for name in str(path.get("data-g") or "").split()]
        drawn = [name for name in marks if name != "everyone"]
        printed = {row.get("data-g") for row in rows if text(list(find_all(row, "td"))[3 * place + 1]) != "—"}
        assert set(drawn) == printed
        assert len(drawn) == len(printed)


def test_the_table_of_all_groups_says_under_which_limit_a_group_stands_how(pages: dict[str, Element]) -> None:
    release = made("small")
    words = {(word.rule, SMALL_KEYS[group_key(word.group)]): word.word for word in release.words}
    said = {"below": "beyond the limit", "meets": "within the limit", "cannot_tell": "cannot tell"}
    seen = 0
    for part in find_all(section(pages["small"], "all"), "tbody"):
        head, *rows = find_all(part, "tr")
        states = [each.split(": ")[1] for each in text(head).split("; ")]
        for row in rows:
            stated = [words[rule.rule, str(row.get("data-g"))] for rule in release.rules]
            assert all(state in (said[word], "not shown") for state, word in zip(states, stated, strict=True))
            seen += 1
    assert seen > 20


def test_how_sure_it_is_begins_with_what_is_surest(pages: dict[str, Element]) -> None:
    """Groups beyond the limit, then by the end of the interval at which fewest are missed."""
    release = made("small")
    rates = {group_key(rate.group): rate for rate in release.rates if rate.metric == "true_positive_rate"}
    below = {group_key(word.group) for word in release.words if word.word == "below" and word.rule == RULE.rule}
    first = next(find_all(section(pages["small"], "sure"), "tbody"))
    keys = [key_of(row) for row in find_all(first, "tr")]
    assert len(keys) == 28
    assert below
    assert set(keys[: len(below)]) == below
    for part in (keys[: len(below)], keys[len(below) :]):
        highs = [rates[key].high for key in part]
        assert None not in highs
        assert highs == sorted(high for high in highs if high is not None)


def test_nationalities_are_no_map_and_each_stands_once(pages: dict[str, Element]) -> None:
    squares = section(pages["small"], "nationality")
    stated = text(squares)
    assert "This is not a map and no statement about any people." in stated
    names = [text(each) for each in find_all(squares, "li")]
    assert len(names) == len(set(names))
    assert {"Nepal", "Ghana", "Nationality unknown"} <= set(names)
    classes = {str(each.get("class")) for each in find_all(squares, "ul")}
    assert classes <= {"q-fail", "q-pass", "q-inconclusive", "q-not_evaluable"}


def test_what_has_no_evidence_is_not_shown_and_never_a_pass(pages: dict[str, Element]) -> None:
    root = pages["passing"]
    assert "not shown: this report is not compared with an earlier one" in text(section(root, "changed"))
    asked = [text(row) for row in find_all(section(root, "questions"), "tr")]
    (stated,) = [row for row in asked if row.startswith("Would another threshold help?")]
    assert "asked; the answers stand in the restricted report that the auditor holds" in stated
    assert stated.endswith("many groups that have a rate here would have to lose it.")
    unasked = about(made("passing"), looks=(PublicLook(name="thresholds", asked=False),))
    without = (unasked, made("refused"), about(made("passing"), weighted=True), about(made("passing"), clustered=True))
    for release in without:
        assert "Rates at other thresholds" not in text(section(parsed(render(release)), "questions"))
    assert "Swaps: what if only the person were another? not shown" in asked
    nothing = about(made("passing"), looks=(), safeguards=())
    bare = parsed(render(nothing))
    assert "not shown" in text(section(bare, "questions"))
    assert "not shown" in text(section(bare, "safeguards"))
    own = about(made("passing"), looks=(PublicLook(name="moon phase", asked=True),))
    assert "moon phase" in text(section(parsed(render(own)), "questions"))


def test_a_weighted_audit_lends_its_verdict_to_no_group() -> None:
    release = about(made("small"), weighted=True)
    root = parsed(render(release))
    page = text(root)
    assert "The result weighs its cases" in text(section(root, "protected"))
    assert "The public figures have no rates here" in text(section(root, "verdict"))
    assert not [each for each in root.iter() if each.get("class") in ("w-fail", "w-pass", "h-fail", "k-f", "k-p")]
    assert "no group is named from the public figures" in page
    links = re.findall(r'href="(data:text/csv[^"]*)"', render(release))
    assert ",below" not in unquote(links[0])


def test_a_clustered_audit_says_why_it_has_no_rates() -> None:
    clustered = parsed(render(about(made("passing"), clustered=True)))
    assert "no rates are made of them" in text(section(clustered, "protected"))
    assert "no rates are made" not in text(section(parsed(render(made("passing"))), "protected"))


@pytest.mark.parametrize("flag", ["weighted", "clustered"])
def test_without_rates_no_empty_frame_is_drawn(flag: str) -> None:
    """An empty table of cells would say of its groups that they are small, and they are not."""
    bare = parsed(render(sizes_alone("inconclusive", flag)))
    assert not any("heat" in (table.get("class") or "") for table in find_all(bare, "table"))
    assert not list(find_all(bare, "figure"))
    for each in ("both", "sure", "all"):
        assert "Not shown: No rates are made of the public figures of this set" in text(section(bare, each))
    assert any("findings" in (table.get("class") or "") for table in find_all(bare, "table"))


def test_who_set_limits_and_until_when_it_is_valid_is_said_or_said_to_be_missing() -> None:
    release = about(made("passing"), valid_until=None, auditor="", limits_set_by="", digests=())
    root = parsed(render(release))
    head = text(next(find_all(root, "header")))
    assert "No day of expiry is declared" in head
    assert "The plan names no auditor" in head
    assert "Set by the plan does not say" in text(section(root, "method"))
    assert "no auditor who could be asked" in text(section(root, "contact"))
    assert "keyed" not in text(section(root, "check"))


def test_downloads_hold_the_protected_table(pages: dict[str, Element]) -> None:
    release = made("small")
    links = {
        str(link.get("download")): str(link.get("href"))
        for link in find_all(pages["small"], "a")
        if link.get("download")
    }
    assert set(links) == {"protected.csv"}
    assert "release.json beside this page" in text(section(pages["small"], "downloads"))
    rows = list(csv.DictReader(io.StringIO(unquote(links["protected.csv"].partition(",")[2]))))
    shown = {group_key(row.group): row for row in release.table.groups if row.positives.cases is not None}
    read = {",".join(f"{name}:{row[name]}" for name in ("gender", "nationality") if row[name]): row for row in rows[1:]}
    read["everyone"] = rows[0]
    assert rows[0]["gender"] == "everyone"
    assert set(shown) <= set(read)
    for key, row in shown.items():
        assert read[key]["victims"] == str(row.positives.cases)


@pytest.mark.parametrize("kind", KINDS)
def test_it_never_says_what_no_report_says(kind: str, pages: dict[str, Element]) -> None:
    page = text(pages[kind])
    assert not re.findall(r"\b(?:fair|unfair|unbiased|debiased|compliant)\b", page, re.IGNORECASE)
    assert "In this test" in page
    assert "it binds nobody" in text(section(pages[kind], "safeguards"))
    notice = "Public: without figures" if kind == "refused" else "Public: protected figures"
    assert page.count(notice) >= 2
    assert page.count("Public: ") == page.count(notice)
    assert "not for publication" not in page


@pytest.mark.parametrize("codes", [("en",), ("ar",), ("fr", "ar", "zh")])
def test_the_file_asks_for_nothing_and_its_policy_allows_its_style_alone(codes: tuple[str, ...]) -> None:
    page = render(in_languages(made("small"), *codes))
    assert page == render(in_languages(made("small"), *codes))
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    for never in ("<script", " style=", "http:", "https:", "//www", "@import", "<link", "<iframe", "<img"):
        assert never not in page, never
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)", page)), "shapes of the file itself"
    notice = {"en": "Public", "ar": "للنشر", "fr": "Version publique"}[codes[0]]
    assert notice in style[style.index("@top-center") :][:200]
    assert "Recruitment" in style[style.index("@top-center") :][:200]


def test_one_file_holds_several_languages_with_ids_of_their_own() -> None:
    root = parsed(render(in_languages(made("small"), "fr", "ar", "en", "fr")))
    parts = [each for each in find_all(root, "div") if (each.get("class") or "").startswith("in ")]
    assert [(part.get("lang"), part.get("dir")) for part in parts] == [("fr", "ltr"), ("ar", "rtl"), ("en", "ltr")]
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    for part, code in zip(parts, ("fr", "ar", "en"), strict=True):
        own = {str(each.get("id")) for each in part.iter() if each.get("id")}
        meant = {str(each.get("href"))[1:] for each in find_all(part, "a", "use") if str(each.get("href"))[:1] == "#"}
        meant |= {str(each.get("aria-labelledby")) for each in part.iter() if each.get("aria-labelledby")}
        assert meant <= own
        assert all(name.startswith(f"{code}-") for name in own)


def test_numbers_and_names_are_those_of_the_language() -> None:
    french = render(in_languages(made("small"), "fr"))
    spanish = render(in_languages(made("small"), "es"))
    release = made("small")
    total = release.table.groups[0].negatives.cases
    assert total is not None
    assert total > 10_000
    assert language("fr").numbers.count(total) in french
    assert f"{total:,}".replace(",", ".") in spanish
    assert "Népal, femmes" in french
    assert '<h1><bdi lang="">Recruitment-advert screener 2.3</bdi></h1>' in french


def test_it_is_made_of_the_public_release_and_loads_nothing_exact(tmp_path: Path) -> None:
    """A process that has the release as text, and no way to a result."""
    (tmp_path / "release.json").write_text(public_json(made("undecided")), encoding="utf-8")
    program = (
        "import json, sys; from audit.public.table import PublicRelease; from reports.public.html import "
        "PublicHtmlReporter; release = PublicRelease.model_validate_json(open(sys.argv[1]).read()); "
        "page = PublicHtmlReporter().render(release); assert 'lead' in page; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "release.json")], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    loaded = set(json.loads(done.stdout))
    assert not loaded & {
        "audit.result.audit_result",
        "audit.plan.audit_plan",
        "audit.result.findings",
        "audit.disclosure",
        "numpy",
        "pandas",
        "babel",
    }
    assert not {name for name in loaded if name.startswith("audit.disclosure")}


def test_a_family_that_a_rule_does_not_judge_is_shown_and_not_judged() -> None:
    release = made("small")
    single = release.model_copy(
        update={"rules": tuple(rule.model_copy(update={"groups": (("gender",),)}) for rule in release.rules)}
    )
    root = parsed(render(single))
    by_gender = section(root, "feature-1")
    assert "The plan sets no limit here" not in text(by_gender)
    for part in ("region", "both"):
        stated = section(root, part)
        assert "The plan sets no limit here: shown, not judged" in text(stated)
        assert not [
            each for each in stated.iter() if each.get("class") in ("w-fail", "w-pass", "w-inconclusive", "h-fail")
        ]


def test_groups_of_which_nothing_is_shown_are_named_in_one_line_and_have_no_row(pages: dict[str, Element]) -> None:
    stated = section(pages["small"], "region")
    lines = [text(each) for each in find_all(stated, "p") if "withheld to protect others" in text(each)]
    assert lines
    names = {
        name.strip()
        for line in lines
        for name in line.partition(": small, or withheld to protect others:")[2].split(";")
    }
    heads = {
        text(each)
        for table in find_all(stated, "table")
        for each in find_all(table, "th")
        if each.get("scope") == "row"
    }
    assert names - heads


def test_what_the_operator_declares_stands_there_and_is_called_declared() -> None:
    stated = PublicGovernance(contact="desk@audits.example", appeal="Write to the desk", oversight="The duty officer")
    row = PublicFramework(
        instrument="EU AI Act", article="Art. 14", evidence="human oversight", state="partial", declared_only=True
    )
    root = parsed(render(about(made("small"), governance=stated, frameworks=(row,))))
    contact = text(section(root, "contact"))
    for said in ("desk@audits.example", "Write to the desk", "The duty officer"):
        assert said in contact
    laws = text(section(root, "frameworks"))
    assert "Art. 14" in laws
    assert "partial as declared" in laws
    nothing = parsed(render(made("small")))
    assert "No contact is declared." in text(section(nothing, "contact"))
    assert "not shown" in text(section(nothing, "frameworks"))


def test_a_law_says_what_there_is_what_stands_elsewhere_and_what_nobody_has() -> None:
    rows = (
        PublicFramework(
            instrument="EU AI Act", article="Art. 15", evidence="accuracy", state="not_shown",
            not_shown=("flags against chance",), absent=("rates by period, language or site",),
            checked="From memory. To be checked by a lawyer.",
        ),
        PublicFramework(
            instrument="EU AI Act", article="Art. 13", evidence="performance", state="partial",
            measured=("who is missed",), declared=("a contact",), absent=("like cases compared",),
        ),
        PublicFramework(instrument="EU AI Act", article="Art. 10", evidence="bias", state="absent"),
    )  # fmt: skip
    part = section(parsed(render(about(made("small"), frameworks=rows))), "frameworks")
    stated = {text(row[0]): [text(cell) for cell in row[1:]] for row in find_all(part, "tr")}
    assert stated["Art. 15"][1:] == [
        "not shown here",
        "not shown here: flags against chance absent: rates by period, language or site",
    ]
    assert stated["Art. 13"][1] == "partial"
    assert (
        stated["Art. 13"][2]
        == "measured here: who is missed declared by the operator: a contact absent: like cases compared"
    )
    assert stated["Art. 10"][1:] == ["absent", ""]
    assert "Checked against: From memory. To be checked by a lawyer." in text(part)
    (mark,) = [each for each in find_all(part, "b") if text(each) == "not shown here"]
    assert mark.get("class") == "s-not_shown", "as the table of clauses marks it"


def test_patterns_have_their_names_and_no_result() -> None:
    stated = PublicGovernance(
        named_patterns=("Men are missed", "Dialects are missed"), patterns_not_tested=("Dialects are missed",)
    )
    part = section(parsed(render(about(made("small"), governance=stated))), "safeguards")
    assert [text(each) for each in find_all(part, "li")] == [
        "Men are missed: The result stands in the restricted report.",
        "Dialects are missed: not tested. No rule of the plan is about it.",
    ]
    assert "Left out: paragraphs 1, 4, 9(a) and 11" in text(part)


@pytest.mark.parametrize(("end", "past"), [("2026-11-20", False), ("2026-11-21", True)])
def test_an_audit_past_its_expiry_says_so_above_everything(end: str, past: bool) -> None:
    head = text(next(find_all(parsed(render(about(made("small"), finished=end, valid_until="2026-11-20"))), "header")))
    assert ("Past its expiry." in head) is past


def test_groups_beyond_two_limits_on_one_harm_are_told_once_and_both_sides_by_themselves() -> None:
    release = made("small")
    first, other = release.rules
    ratio = first.model_copy(update={"rule": "as_a_ratio", "scale": "ratio", "limit": 0.8})
    both = other.model_copy(update={"worse": ("low", "high")})
    again = [word.model_copy(update={"rule": ratio.rule}) for word in release.words if word.rule == first.rule]
    release = release.model_copy(update={"rules": (first, ratio, both), "words": (*release.words, *again)})
    stated = text(section(parsed(render(release)), "verdict"))
    assert "missed victims clearly more often in 4 groups than among everyone else. In this test the system " in stated
    assert stated.split("than among everyone else.")[1].strip().startswith("In this test the system treated 2 groups")


def test_the_harm_of_the_verdict_is_told_first_whatever_the_order_of_the_plan() -> None:
    release = made("small")
    flipped = release.model_copy(update={"rules": release.rules[::-1]})
    stated = [text(section(parsed(render(each)), "verdict")) for each in (release, flipped)]
    assert all(each.index("missed victims") < each.index("wrongly flagged people") for each in stated)


def test_two_limits_on_one_harm_have_one_number_of_groups() -> None:
    release = made("small")
    first, other = release.rules
    narrow = first.model_copy(update={"rule": "narrow"})
    few = [word for word in release.words if word.rule == first.rule][:1]
    words = (*release.words, *(word.model_copy(update={"rule": "narrow"}) for word in few))
    stated = text(
        section(parsed(render(release.model_copy(update={"rules": (narrow, first, other), "words": words}))), "verdict")
    )
    assert "more often in 4 groups" in stated
    assert "4 groups beyond the limit" in stated
    assert "with public figures on this rate" not in stated


def test_of_groups_that_the_public_table_does_not_hold_no_number_is_said() -> None:
    release = made("passing").model_copy(update={"words": ()})
    stated = text(section(parsed(render(release)), "verdict"))
    assert "0 groups" not in stated
    assert "share of victims found, everyone together" in stated


def test_how_often_everyone_is_missed_is_said_whichever_rate_the_plan_asks_for() -> None:
    """Most plans limit the share of victims found and ask for no share missed."""
    metrics = tuple(each for each in made("small").about.metrics if each.name != "false_negative_rate")
    release = public_release(
        made("small").table, "fail", made("small").rules, about(made("small"), metrics=metrics).about
    )
    stated = text(section(parsed(render(release)), "affected"))
    assert "In this test the system missed about 2 in 10 victims: of 9,663 it missed 2,264." in stated


def test_the_page_claims_nothing_of_when_limits_were_set(pages: dict[str, Element]) -> None:
    """Whether that was before the data were seen is a question of the safeguards, and may be not shown."""
    assert "before the data were seen" not in text(section(pages["small"], "glossary"))


def test_who_sees_what_should_not_be_public_is_sent_to_somebody_who_is_named() -> None:
    assert "can say so to either of them" in text(section(parsed(render(made("small"))), "contact"))
    nobody = text(section(parsed(render(about(made("small"), auditor=None))), "contact"))
    assert "can say so to the operator; no reason has to be given." in nobody
    assert "either" not in nobody


def test_a_bar_beyond_the_limit_beside_the_words_cannot_tell_is_explained(pages: dict[str, Element]) -> None:
    """Of the women and men of Ghana the whole bar is on the shaded side, and nobody could say why they have no word."""
    said = "A bar may lie on the shaded side and the word still be “cannot tell”"
    assert said in text(section(pages["small"], "feature-1"))
    assert said not in text(pages["refused"])
    assert said in text(section(parsed(HtmlReporter().render(passing_result())), "part-1"))


def test_groups_stand_in_one_order_in_tables_of_one_feature_and_of_two(pages: dict[str, Element]) -> None:
    """People of unknown gender stand last, and a sub-region is found where its name is."""
    root = pages["small"]
    gender = next(find_all(section(root, "feature-1"), "tbody"))
    assert [text(row[0]) for row in gender] == ["Men", "Non-binary people", "Women", "Gender unknown"]
    by_region = [[text(row[0]) for row in body] for body in find_all(section(root, "region"), "tbody")]
    assert all(names[-1] == "Nationality unknown" for names in by_region)
    assert all(names[:-1] == sorted(names[:-1]) for names in by_region)
    crossed = [[text(row[0]) for row in body] for body in find_all(section(root, "both"), "tbody")]
    assert by_region[0] == crossed[0]
    assert by_region[2] == crossed[2]
    assert any(link.get("href") == "#key" for link in find_all(section(root, "both"), "a"))


def test_gender_stands_before_other_features() -> None:
    root = parsed(render(bands()))
    assert [text(section(root, f"feature-{n}")).split(" How ")[0][:9] for n in (1, 2)] == ["By gender", "By age Sh"]


def test_no_table_is_without_rows() -> None:
    """Of none of the groups of a table a rate need be shown; its heading and the reason stand there alone."""
    root = parsed(render(made("sparse")))
    for body in find_all(root, "tbody"):
        assert list(find_all(body, "tr"))
    assert "Share of victims found, by region of nationality" in text(section(root, "region"))
    assert "Share of victims found, by region of nationality and gender" in text(section(root, "both"))


def test_how_many_cases_a_group_needs_to_be_found_within_a_limit_is_said() -> None:
    """As many as the rule asks for and the noise on top, as the words themselves have it, one case at a time."""
    found, flagged = (rule.model_copy(update={"least_cases": 150}) for rule in made("small").rules)
    release = made("small").model_copy(update={"rules": (found, flagged.model_copy(update={"least_cases": 1_230}))})
    words = {cases: public_words(beside_many(cases), found)[0].word for cases in range(140, 170)}
    assert [cases for cases, word in words.items() if word == "meets"] == list(range(155, 170))
    method = text(section(parsed(render(release)), "method"))
    assert "“Within the limit” is said of a group only where its number under “Victims” is at least 155." in method
    assert "its number under “Not victims” is at least 1,235." in method
    without = release.model_copy(update={"about": release.about.model_copy(update={"weighted": True})})
    for other in (without, made("small"), made("refused").model_copy(update={"rules": release.rules})):
        assert "is said of a group only where" not in text(section(parsed(render(other)), "method"))


def beside_many(cases: int) -> PublicTable:
    """A group of so many victims, ten of them missed, beside a large rest of whom half are."""
    none = PublicSide(cases=None, shown="not_shown", errors=None, why="small_or_withheld")
    sizes = {Group(()): (100_000, 50_000), Group((Level("gender", "level", "man"),)): (cases, 10)}
    rows = tuple(
        PublicGroup(
            group=group,
            positives=PublicSide(cases=size, shown="value", errors=errors, why=None),
            negatives=none,
            unscored=None,
            unlabelled=None,
        )
        for group, (size, errors) in sizes.items()
    )
    table = made("small").table
    return PublicTable(method=table.method, features=table.features, groups=rows)
