"""The public page: what it says of each verdict, in which order, and what it never says."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import pytest
from made.pages import find_all, parsed, part_of, section, text
from made.public import rare, with_about, with_headline, with_words, without_beyond
from made.releases import made_release

from audit.public.about import PublicFramework
from audit.public.release import PublicRelease
from audit.public.sentences import SENTENCES
from reports.html.resolution import PARAGRAPH_7K
from reports.public.html.document import html_file

KINDS = ("fail", "pass", "inconclusive", "none")
ORDER = ["verdict", "affected", "by-1", "by-2", "by-3", "overturn", "changed", "safeguards", "not-shown", "check",
         "contact"]  # fmt: skip
MISSED, FLAGGED = "true_positive_rate", "false_positive_rate"
CANNOT: dict[str, object] = {"word": "cannot_tell", "because": "too_few_in_public"}
SMALLER = "Within this row a smaller group, which has no row of its own, is beyond the limit. The auditor knows which."


def render(release: PublicRelease) -> str:
    return html_file(release)


@pytest.fixture(scope="module")
def pages() -> dict[str, Element]:
    return {kind: parsed(render(made_release(kind))) for kind in KINDS} | {"rare": parsed(render(rare()))}


def sections(root: Element) -> list[str]:
    return [str(each.get("aria-labelledby")) for each in find_all(root, "section")]


def screen_of(release: PublicRelease) -> str:
    return text(part_of(render(release), "verdict"))


def rows_of(root: Element, anchor: str) -> dict[str, str]:
    """The rows of the tables of a section, by name."""
    bodies = find_all(section(root, anchor), "tbody")
    return {text(row[0]): " ".join(map(text, row[1:])) for body in bodies for row in find_all(body, "tr")}


def test_everything_stands_in_its_order(pages: dict[str, Element]) -> None:
    assert sections(pages["fail"]) == ORDER
    assert sections(pages["rare"]) == [*ORDER[:6], "waivers", *ORDER[6:]]
    for kind in ("fail", "rare", "none"):
        links = [str(link.get("href"))[1:] for link in find_all(next(find_all(pages[kind], "nav")), "a")]
        assert links == sections(pages[kind])[1:]
    assert [text(head) for head in find_all(pages["fail"], "h2")][:5] == [
        "Exceeds the limit", "On this page", "Who is affected", "By gender", "By nationality",
    ]  # fmt: skip


def test_cases_without_an_answer_or_a_label_are_said() -> None:
    release = made_release("pass").model_copy(update={"unscored": 98, "unlabelled": 1_450})
    affected = text(part_of(render(release), "affected"))
    assert "Cases without a usable answer of the system: about 98. No rate here counts them, and" in affected
    assert "Cases without a label: about 1,450. No rate here counts them." in affected
    without = release.model_copy(update={"unscored": None, "unlabelled": None})
    assert "usable answer" not in text(part_of(render(without), "affected"))


def test_screen_one_of_a_fail_shows_whom_it_fails_and_each_ones_own_limit(pages: dict[str, Element]) -> None:
    screen = section(pages["fail"], "verdict")
    stated = text(screen)
    assert stated.startswith(
        "Exceeds the limit In this test the system missed victims clearly more often in 2 groups, and wrongly flagged "
        "people as victims clearly more often in one group, than among everyone else."
    )
    assert "Groups beyond the limit: people by nationality, or by nationality and gender" in stated
    picture = [text(row) for body in find_all(screen, "tbody") for row in find_all(body, "tr")]
    assert [re.split(r" [\d,]+ (?:victims|non-victims) ", row)[0] for row in picture] == [
        "Nepal",
        "Nepal, women",
        "Nigeria",
    ]
    for row in picture:
        found = re.search(
            r"about (\d+) in 100 (?:victims|people who are not victims) "
            r"Everyone else (\d+); limit (?:\d+ [+×] [\d.]+ = )?(\d+); range (\d+)–(\d+)$",
            row,
        )
        assert found, row
        error, rest, limit, low, high = map(int, found.groups())
        assert rest < limit < low < error < high
    assert "limit 20 + 10 = 30" in picture[0]
    assert "limit 12 × 1.25 = 15" in picture[2], "not the limit on the other error"
    assert "correct them, and have it audited again." in stated
    assert re.search(
        r"Comparisons with a limit: \d+, of these beyond the limit: 3; within the limit: \d+; cannot tell: \d+ "
        r"\(most often: too few cases\); not judged alone: \d+. This holds for the people recorded in each group; "
        r"the restricted report says whether people whose group is unknown could change it.$",
        stated,
    )


def test_a_fail_says_that_it_is_of_the_people_recorded_where_somebody_is_unknown_by_its_features(
    pages: dict[str, Element],
) -> None:
    said = "This holds for the people recorded"
    release = made_release("fail")
    assert said in screen_of(release)
    nobody = [row for row in release.rows if all(part.codes != ("unknown",) for part in row.parts)]
    assert said not in screen_of(release.model_copy(update={"rows": tuple(nobody)}))
    away = ("nationality:country=unknown", "gender:level=woman,nationality:country=NPL")
    by_nationality = tuple(row for row in release.rows if row.key not in away)
    assert any(row.key == "gender:level=unknown" for row in by_nationality)
    assert said not in screen_of(release.model_copy(update={"rows": by_nationality}))
    assert all(said not in text(section(pages[kind], "verdict")) for kind in ("pass", "inconclusive", "none"))


def test_the_facts_say_what_was_audited_and_what_the_plan_leaves_open(pages: dict[str, Element]) -> None:
    facts = next(each for each in find_all(pages["fail"], "ul") if each.get("class") == "facts")
    assert [text(each) for each in find_all(facts, "li")] == [
        "Operator: o",
        "Used for identifying victims",
        "About 30,000 cases",
        "Who is a victim, according to: made by hand",
        "Limit (missed victims): at most 10 in 100 more than among everyone else",
        "Limit (people wrongly flagged as victims): at most 1.25 times the rate of everyone else",
        "Audit ended on 1 January 2026",
        "Not stated: from when the cases are, who set the limits, who audited, by when the operator is asked to answer",
        (
            "By nationality, 99 of 100 people are in a group with a row of its own below; the others are counted "
            "together with other groups, or their group is unknown"
        ),
    ]
    said = {"limits_set_by": "A ministry", "period": ("2024-01-01", "2025-06-30"), "rows_are": "synthetic calls"}
    whole = text(parsed(render(with_about(made_release("fail"), **said))))
    assert "Limits set by: A ministry" in whole
    assert "Period of the cases: 1 January 2024 – 30 June 2025" in whole
    assert whole.startswith("Skip to the figures Made-up cases that describe nobody. Public version: numbers changed")
    assert "Made-up cases" not in text(pages["fail"])
    whole = text(parsed(render(with_about(made_release("fail"), auditor="A university", valid_until="2027-01-31"))))
    assert "Audited by A university" in whole
    assert "This audit expires on 31 January 2027" in whole


def test_at_most_six_rows_stand_in_the_picture() -> None:
    release = without_beyond(made_release("fail"))
    keys = [row.key for row in release.rows if row.side == "positives" and any(word.word for word in row.words)]
    shown = [row for row in release.rows if row.key in keys[:60] and row.errors is not None and row.rates[0].value]
    several = [row.key for row in shown if row.side == "positives"][:8]
    assert len(several) == 8
    beyond = {(key, MISSED): {"word": "beyond", "because": "beyond_limit"} for key in several}
    failed = with_headline(with_words(release, beyond), outcome="fail", fails_on=("groups",))
    root = parsed(render(failed))
    screen = section(root, "verdict")
    assert len(list(find_all(next(find_all(screen, "tbody")), "tr"))) == 6
    assert "More rows stand below: 2" in text(screen)
    listed = [text(each) for part in find_all(section(root, "affected"), "ul") for each in find_all(part, "li")]
    assert len([each for each in listed if re.search(r": up to [\d,]+ of [\d,]+$", each)]) == 8


def test_a_bound_is_no_headline_and_says_that_errors_are_few(pages: dict[str, Element]) -> None:
    rows = rows_of(pages["inconclusive"], "by-1")
    bound = rows["Non-binary people or gender unknown"]
    assert re.match(r"at most \d+ fewer than 10 of \d+ not judged alone at most \d+ fewer than 10 of", bound)
    for kind in KINDS:
        assert "at most" not in text(section(pages[kind], "verdict"))
        assert "at least" not in text(section(pages[kind], "verdict"))


def test_a_fail_known_by_a_bound_alone_stands_in_the_picture() -> None:
    root = parsed(render(made_release("bound")))
    rows = {
        text(row[0]).split()[0]: row
        for body in find_all(section(root, "verdict"), "tbody")
        for row in find_all(body, "tr")
    }
    assert re.fullmatch(
        r"Misses at least \d\d in 100 victims .*Everyone else \d+; limit .*\d+", text(rows["Bangladesh"][1])
    )
    assert list(find_all(rows["Bangladesh"], "svg"))
    listed = [text(each) for each in find_all(section(root, "affected"), "li")]
    assert any(each.startswith("Bangladesh: misses at least") for each in listed)


def test_a_row_whose_errors_are_not_printed_says_so() -> None:
    """As rows that were drawn eight times of the same people."""
    release = made_release("fail")
    bare = {"value": None, "low": None, "high": None, "rest": None}
    rows = tuple(
        row.model_copy(update={"errors": None, "rates": tuple(rate.model_copy(update=bare) for rate in row.rates)})
        if row.key == "gender:level=man"
        else row
        for row in release.rows
    )
    hidden = with_words(release.model_copy(update={"rows": rows}), {("gender:level=man", MISSED): CANNOT})
    assert "errors not published · " in rows_of(parsed(render(hidden)), "by-1")["Men"]
    assert f"cannot tell {SENTENCES['too_few_in_public']}" in rows_of(parsed(render(hidden)), "by-1")["Men"]


def test_figures_of_an_earlier_audit_have_a_mark_that_is_explained(pages: dict[str, Element]) -> None:
    release = made_release("fail")
    rows = tuple(
        row.model_copy(update={"as_of": "2025-02-01"}) if row.key == "nationality:country=NPL" else row
        for row in release.rows
    )
    root = parsed(render(release.model_copy(update={"rows": rows})))
    assert "Figures with * stand from an earlier audit, the first from 1 February 2025" in text(root)
    marked = [
        name for anchor in ("by-1", "by-2", "by-3") for name, said in rows_of(root, anchor).items() if "*" in said
    ]
    assert marked == ["Nepal"]
    assert "*" not in text(pages["fail"])


def test_a_limit_exceeded_by_a_group_that_no_row_names_is_said_under_its_error() -> None:
    rules = tuple(rule.model_copy(update={"outcome": "fail"}) for rule in made_release("inconclusive").rules)
    unnamed = made_release("inconclusive").model_copy(update={"rules": rules})
    assert text(part_of(render(unnamed), "affected")).count(SENTENCES["no_group_named"]) == 2


def test_every_state_and_reason_is_said_in_words(pages: dict[str, Element]) -> None:
    gender, nationality = rows_of(pages["rare"], "by-1"), rows_of(pages["rare"], "by-2")
    assert "a smaller group within it is beyond the limit" in gender["Men"]
    assert "cannot tell it hangs on people whose group is unknown" in gender["Men"]
    assert "a smaller group within it is beyond the limit" in gender["Women"]
    assert f"cannot tell {SENTENCES['too_few_in_public']}" in gender["Women"]
    assert "beyond the limit" in nationality["Nigeria"]
    assert "within the limit" in nationality["India"]
    assert "cannot tell figures of an earlier day, and the verdict has changed since" in nationality["Philippines"]
    assert "cannot tell too few cases; judged as part of Nepal" in nationality["Bangladesh"]
    assert set(list(nationality)[:2]) == {"Nepal", "Nigeria"}, "beyond the limit first"


def test_a_smaller_group_is_said_in_its_sentence() -> None:
    assert SENTENCES["smaller_beyond"] == SMALLER
    affected = text(part_of(render(rare()), "affected"))
    assert f"Men; Women: {SMALLER}" in affected
    alone = without_beyond(rare())
    screen = screen_of(with_headline(alone, change=None, fails_on=("groups",)))
    assert "at least one group is beyond the limit that has no row of its own" in screen
    assert "A smaller group in these rows is beyond the limit" in screen
    assert "Groups beyond the limit" not in screen
    assert "This holds for the people recorded" in screen


def test_a_fail_that_names_nobody_says_so() -> None:
    unnamed = with_headline(made_release("inconclusive"), outcome="fail", fails_on=("groups",), no_group_named=True)
    rules = tuple(rule.model_copy(update={"outcome": "fail"}) for rule in unnamed.rules)
    unnamed = unnamed.model_copy(update={"rules": rules})
    screen = screen_of(unnamed)
    assert SENTENCES["no_group_named"] in screen
    assert "should learn from the auditor" in screen
    assert "widest gap" not in screen, "what is no fail would stand there as one"
    affected = text(part_of(render(unnamed), "affected"))
    assert "No row is beyond this limit" not in affected
    for fails_on, said in ((("probes",), "fails_on_probes"), (("change",), "change_fail")):
        assert SENTENCES[said] in screen_of(with_headline(unnamed, fails_on=fails_on, no_group_named=False))
    assert "at least one limit was exceeded" in screen_of(with_headline(unnamed, fails_on=(), no_group_named=False))


def test_a_pass_says_of_whom_it_says_nothing(pages: dict[str, Element]) -> None:
    stated = text(section(pages["pass"], "verdict"))
    assert stated.startswith("Within the limit in every group we could judge In this test, on the exact figures,")
    assert "This says nothing about groups that were too small to judge." in stated
    assert re.search(
        r"Comparisons with a limit: \d+, of these beyond the limit: 0; within the limit: \d+; cannot tell: \d+ \(",
        stated,
    )
    assert "The widest gap" in stated
    overturn = text(section(pages["pass"], "overturn"))
    assert len(re.findall(r"with about [\d,]+ more errors among [\d,]+ people the rate would lie at", overturn)) == 3


def test_an_open_verdict_is_no_pass(pages: dict[str, Element]) -> None:
    for kind in ("inconclusive", "none"):
        stated = text(section(pages[kind], "verdict"))
        assert stated.startswith("We cannot tell In this test the exact figures do not settle whether every group is")
        assert "This is not a pass." in stated
    probes = with_about(made_release("inconclusive"), probe_rules=1)
    assert "do not settle whether every limit is kept" in screen_of(probes)


def test_without_figures_the_page_says_why_and_names_nobody(pages: dict[str, Element]) -> None:
    root = pages["none"]
    assert sections(root) == ["verdict", "affected", "changed", "safeguards", "not-shown", "check", "contact"]
    assert SENTENCES["figures_none"] in text(section(root, "verdict"))
    assert text(section(root, "affected")).count("Not shown: no group is named from the public figures.") == 2
    assert "Public version: without numbers, to protect people" in text(root)
    assert not re.search(r"\d", text(section(root, "verdict")))


def test_sides_without_errors_say_so() -> None:
    release = made_release("inconclusive")
    people = release.model_copy(update={"sides": {**release.sides, "positives": "people"}})
    assert SENTENCES["figures_people"] in screen_of(people)


def test_a_side_of_a_table_that_hides_numbers_says_so() -> None:
    release = made_release("inconclusive")
    hides = release.model_copy(update={"sides": {**release.sides, "positives": "hidden"}})
    assert SENTENCES["figures_hidden"] in screen_of(hides)
    nothing = hides.model_copy(update={"rows": ()})
    assert SENTENCES["figures_hidden"] in screen_of(nothing)
    assert SENTENCES["figures_none"] not in screen_of(nothing)


def test_past_its_expiry_the_page_says_so_first(pages: dict[str, Element]) -> None:
    assert "Past its expiry. The operator declares that this audit may be relied on until 31 December 2025" in text(
        pages["rare"]
    )
    assert "Past its expiry" not in text(pages["fail"])


def test_one_row_stands_for_both_errors_and_others_are_named_once(pages: dict[str, Element]) -> None:
    rows = [text(row[0]) for body in find_all(section(pages["fail"], "by-2"), "tbody") for row in find_all(body, "tr")]
    assert len(rows) == len(set(rows))
    assert "counted with others" in rows_of(pages["inconclusive"], "by-2")["Bangladesh"]
    folds = [text(fold) for fold in find_all(section(pages["inconclusive"], "by-2"), "details")]
    assert any(fold.startswith("Who “others” are") and "Others of Africa" in fold for fold in folds)
    assert any(fold.startswith("By nationality: regions that are the sum of rows above") for fold in folds)
    assert text(pages["pass"]).count("Zimbabwe") == 1, "the same for both errors"


def test_a_limit_that_judges_no_such_group_is_not_drawn(pages: dict[str, Element]) -> None:
    heads = [text(head) for head in find_all(next(find_all(section(pages["fail"], "by-3"), "thead")), "th")]
    assert heads[-1] == "no limit"
    assert heads[3] == "Verdict"


def test_rates_of_both_sides_have_a_table_of_their_own() -> None:
    release = made_release("pass")
    rule = release.rules[0].model_copy(update={"rule": "again", "limit": 0.2})
    words = tuple(
        row.model_copy(
            update={
                "words": (*row.words, *(each.model_copy(update={"rule": "again"}) for each in row.words
                                        if each.rule == release.rules[0].rule))
            }
        )
        for row in release.rows
    )  # fmt: skip
    root = parsed(render(release.model_copy(update={"rules": (*release.rules, rule), "rows": words})))
    folds = [text(fold) for fold in find_all(section(root, "by-1"), "details")]
    assert len([fold for fold in folds if fold.startswith("Other limits of this plan")]) == 1
    assert "at most 20 in 100 more than among everyone else" in text(root)


def test_what_changed_is_said_of_the_whole_set(pages: dict[str, Element]) -> None:
    stated = text(section(pages["rare"], "changed"))
    assert SENTENCES["change_fail"] in stated
    assert "The earlier audit ended on 1 June 2025; both versions were tested on the same cases." in stated
    assert "The plans of the two audits differ in: detector." in stated
    assert "This report is not compared with an earlier one." in text(section(pages["fail"], "changed"))


def test_safeguards_are_one_line_with_what_was_measured(pages: dict[str, Element]) -> None:
    about = made_release("fail").about
    part = section(pages["fail"], "safeguards")
    counts = [sum(each.state == state for each in about.safeguards) for state in ("measured", "declared", "not_shown")]
    stated = text(part)
    assert f": {counts[0]} measured here, {counts[1]} declared by the operator, {counts[2]} not shown." in stated
    listed = next(each for each in find_all(part, "ul") if each.get("class") == "measured")
    said = [text(each) for each in find_all(listed, "li")]
    measured = {each.evidence for each in about.safeguards if each.state == "measured"}
    assert len(said) == len(measured) > 5
    assert all(any(each.endswith(evidence) for each in said) for evidence in measured)
    folded = text(next(find_all(part, "details")))
    assert PARAGRAPH_7K in folded
    assert all(each.question in folded for each in about.safeguards)


def test_laws_stand_folded_by_their_names() -> None:
    row = PublicFramework(instrument="A law", article="Article 9", evidence="errors", state="partial", declared=("x",))
    part = part_of(render(with_about(made_release("none"), frameworks=(row,))), "safeguards")
    fold = next(each for each in find_all(part, "details") if text(each).startswith("Laws and standards"))
    assert "Article 9" in text(fold)
    assert "partial" in text(fold)


def test_waivers_change_no_word(pages: dict[str, Element]) -> None:
    rows = rows_of(pages["rare"], "waivers")
    assert rows["Nigeria"].endswith("An office A ground 31 January 2027")
    assert rows["a group that is not named here"].endswith("31 January 2020; expired when the audit was run")
    assert "beyond the limit" in rows_of(pages["rare"], "by-2")["Nigeria"]


def test_declarations_stand_under_contact(pages: dict[str, Element]) -> None:
    whole = text(section(pages["rare"], "contact"))
    for said in ("errors at example.org", "By letter", "The head of the unit", "Valid until 31 December 2025"):
        assert said in whole
    assert "No contact is declared." in text(section(pages["fail"], "contact"))
    assert "Feared: The result stands in the restricted report." in text(section(pages["rare"], "safeguards"))


def test_no_page_says_a_word_that_no_report_says_of_a_system(pages: dict[str, Element]) -> None:
    for root in pages.values():
        assert not re.search(r"\b(fair|unbiased|debiased|compliant)\b", text(root), re.IGNORECASE)


def test_there_is_no_script_no_request_and_no_inline_style() -> None:
    page = render(rare(("en", "ar")))
    assert "<script" not in page
    assert " style=" not in page
    assert re.search(r"content=\"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'", page)
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_page_is_a_function_of_its_release() -> None:
    release = made_release("inconclusive")
    again = PublicRelease.model_validate_json(release.model_dump_json())
    assert render(again) == render(release)
