"""What the report says is what the result holds: verdicts, counts, states and numbers, read back from the page."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest
from made.pages import find_all, parsed, part_of, section, text, verdicts_on
from made.results import FAILING, PASSING, RULES, UNDECIDED, sample_result

from audit.result.audit_result import AuditResult
from audit.result.cases import suites
from audit.result.reading import Reading
from audit.vocabulary.names import Names
from reports.html import HtmlReporter

WORDS = {
    "fail": "beyond the limit",
    "pass": "within the limit",
    "inconclusive": "cannot tell",
    "not_evaluable": "no rate can be stated",
}
OUTCOMES = {word: outcome for outcome, word in WORDS.items()} | {"not judged alone": "inconclusive"}
WORDS_WORST_FIRST = ("fail", "inconclusive", "not_evaluable", "pass")


def findings(root: Element) -> list[tuple[str, list[str], Element]]:
    """(outcome, cells, row) of every verdict, and of every rate without a limit, of the tables of findings."""
    return [(OUTCOMES.get(each.word, ""), each.cells, each.row) for each in verdicts_on(root)]


def test_every_verdict_stands_in_a_table_with_its_outcome(failing: AuditResult, failing_html: str) -> None:
    shown = Counter(outcome for outcome, _, _ in findings(parsed(failing_html)))
    whole = Counter(verdict.outcome for verdict in failing.verdicts)
    assert shown["fail"] == whole["fail"]
    assert shown <= whole
    left_out = left_out_of(failing_html)
    assert left_out.total() > 100
    assert shown + left_out == whole


def left_out_of(html: str) -> Counter[str]:
    """Groups that a table says are in the result file alone, by outcome."""
    counted: Counter[str] = Counter()
    for note in (part for part in find_all(parsed(html), "p") if "left-out" in (part.get("class") or "")):
        for word, outcome in OUTCOMES.items():
            counted[outcome] += sum(
                int(count.replace(",", "")) for count in re.findall(rf"([\d,]+) {word}", text(note))
            )
    return counted


def test_everyone_finds_her_own_nationality_and_only_the_smallest_groups_of_two_features_are_left_out(
    failing: AuditResult, failing_html: str
) -> None:
    rows = Counter(cells[0] for _, cells, _ in findings(parsed(failing_html)))
    names = Names(failing.features)
    alone = {names.group(verdict.group) for verdict in failing.verdicts if len(verdict.group.root) == 1}
    assert len(alone) > 200
    assert all(rows[name] >= len(failing.rules) for name in alone)
    assert all(names.group(verdict.group) in rows for verdict in failing.verdicts if verdict.outcome == "fail")


def test_the_bar_of_states_counts_the_same(failing: AuditResult, failing_html: str) -> None:
    states = [
        [text(item) for item in find_all(part, "li")]
        for part in find_all(part_of(failing_html, "verdict"), "div")
        if part.get("class") == "states"
    ]
    assert len(states) == len(failing.rules)
    for rule, shown in zip(failing.rules, states, strict=True):
        worst: dict[object, str] = {}
        for verdict in failing.verdicts:
            if verdict.rule == rule.rule:
                people = tuple((level.feature, level.code) for level in verdict.group.root)
                worst[people] = min(worst.get(people, "pass"), verdict.outcome, key=list(WORDS_WORST_FIRST).index)
        counts = Counter(worst.values())
        assert sum(counts.values()) < sum(rule.groups_by_outcome.values())
        tally = next(suite.tally for suite in suites(Reading(failing)) if suite.name == rule.rule)
        assert (tally.beyond, tally.within, tally.no_rate) == (counts["fail"], counts["pass"], counts["not_evaluable"])
        assert tally.cannot_tell + tally.not_judged_alone == counts["inconclusive"]
        counted = {
            WORDS["fail"]: tally.beyond,
            WORDS["pass"]: tally.within,
            WORDS["inconclusive"]: tally.cannot_tell,
            "not judged alone": tally.not_judged_alone,
        }
        for word, count in counted.items():
            assert any(item.startswith(f"{count:,} {word}") for item in shown) == bool(count)


def test_each_drawing_shows_the_numbers_beside_it(failing_html: str) -> None:
    drawn = 0
    for table in find_all(parsed(failing_html), "table"):
        if not (table.get("class") or "").startswith("findings"):
            continue
        axis = next(head for head in find_all(table, "th") if head.get("class") == "ch")
        end = float(text(axis).split()[-1].rstrip("%"))
        for row in find_all(next(find_all(table, "tbody")), "tr"):
            cells = list(row)
            for drawing in (svg for svg in find_all(cells[2], "svg") if "c" in (svg.get("class") or "").split()):
                rate, likely = text(cells[3]), text(cells[4])
                assert drawing[0].text == f"{rate} ({likely})"
                assert_drawn(drawing, rate, likely, end)
                drawn += 1
    assert drawn > 50


def assert_drawn(drawing: Element, rate: str, likely: str, end: float) -> None:
    """The interval and the mark stand where the numbers say, to the precision of the numbers."""
    bar = next(each for each in find_all(drawing, "rect") if each.get("class") == "r")
    start, length = (float(bar.attrib[name].rstrip("%")) for name in ("x", "width"))
    low, high = (float(part.strip("<>%")) for part in likely.split("–"))
    assert start * end / 100 == pytest.approx(min(low, end), abs=1.05)
    assert (start + length) * end / 100 == pytest.approx(min(high, end), abs=1.05)
    marks = [mark.get("cx") or mark.get("x") for mark in find_all(drawing, "circle", "svg") if mark is not drawing]
    (place,) = [mark for mark in marks if mark]
    assert float(place.rstrip("%")) * end / 100 == pytest.approx(min(float(rate.strip("<>%")), end), abs=0.6)


def test_a_rate_that_cannot_be_stated_is_a_dash_with_its_reason(undecided_html: str) -> None:
    unstated = [cells for outcome, cells, _ in findings(parsed(undecided_html)) if outcome == "not_evaluable"]
    assert len(unstated) > 100
    for cells in unstated:
        assert cells[1] == "—"
        assert not any(cell in ("0%", "100%") or "–" in cell for cell in cells[1:-1])
    shown = text(next(find_all(parsed(undecided_html), "main")))
    assert "no rate can be stated: none of the victims in the test set is in this group" in shown
    assert "no rate can be stated: fewer than 5 cases: no rate is stated" in shown


def test_a_group_judged_as_part_of_another_is_never_shown_as_a_pass(failing: AuditResult, failing_html: str) -> None:
    part = [cells for outcome, cells, _ in findings(parsed(failing_html)) if outcome == "inconclusive"]
    assert len(part) > 100
    assert sum("judged only as part of" in cells[-1] for cells in part) > 50
    alone = {verdict.outcome for verdict in failing.verdicts if verdict.because == "judged_as_part"}
    assert alone == {"inconclusive"}
    small = sample_result(
        replace(FAILING, countries=("GHA", "NGA", "TGO", "BEN"), rows=3_000, gaps={}, needed_alone=90)
    )
    page = parsed(HtmlReporter().render(small))
    passing = [each for each in verdicts_on(page) if each.word == "within the limit"]
    assert passing
    rates, names = {"true_positive_rate": "Found", "false_positive_rate": "Wrongly flagged"}, Names(small.features)
    alone_too_few = {
        (rates[each.rule], names.group(each.group)) for each in small.verdicts if each.because == "judged_as_part"
    }
    assert alone_too_few
    assert not [each for each in passing if (each.rate, each.group) in alone_too_few]
    heads = [text(cell) for cell in find_all(parsed(failing_html), "th") if "judged only as part of" in text(cell)]
    assert heads
    assert all("not judged alone: too few cases alone; judged only as part of" in head for head in heads)


def test_the_row_account_adds_up_on_the_page(failing: AuditResult, failing_html: str) -> None:
    part = part_of(failing_html, "account")
    values = [int(text(value).replace(",", "")) for value in find_all(part, "dd")]
    read, decided, abstained, failed, labelled, unlabelled, unknown = values
    assert read == decided + abstained + failed == labelled + unlabelled == failing.rows[0].read
    assert unknown == failing.rows[0].attribute_unknown
    for account in failing.rows:
        assert account.read == account.scored + account.abstained + account.failed
        assert account.read == account.labelled + account.unlabelled


@pytest.mark.parametrize(
    ("sample", "heading", "sentence"),
    [
        (FAILING, "Exceeds the limit", "In this test the system missed victims clearly more often in"),
        (PASSING, "Within the limit in every group we could judge", "In this test all"),
        (UNDECIDED, "We cannot tell", "In this test no group"),
    ],
)
def test_the_verdict_in_plain_words(
    sample: object, heading: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    name = {id(FAILING): "failing", id(PASSING): "passing", id(UNDECIDED): "undecided"}[id(sample)]
    root = parsed(request.getfixturevalue(f"{name}_html"))
    part = section(root, "verdict")
    assert text(next(find_all(part, "h2"))) == heading
    assert sentence in text(part)
    lists = {found.get("class"): [text(item) for item in found] for found in find_all(part, "ul")}
    assert len(lists["three"]) == 3
    if name == "failing":
        affected = text(section(root, "affected"))
        more = [line for line in lists["beyond"] if re.fullmatch(r"More rows stand below: \d+", line)]
        assert more
        assert all(line.partition(": ")[0] in affected for line in lists["beyond"] if line not in more)
        assert any("Misses about 54 in 100; among everyone else 23 in 100" in line for line in lists["beyond"])
    assert next(find_all(root, "title")).text == f"{heading} · Recruitment-advert screener 2.3"


def test_people_come_first_and_in_natural_frequencies(failing_html: str) -> None:
    part = text(part_of(failing_html, "affected"))
    assert "Misses about 54 in 100; among everyone else 23 in 100" in part
    assert "Wrongly flags about 26 in 100; among everyone else 10 in 100" in part
    assert part.index("The person stays exploited") < part.index("A scarce place is used")


def test_where_flags_go_to_enforcement_the_wrong_flag_comes_first() -> None:
    sample = replace(
        FAILING, rows=8_000, countries=("NPL", "BGD", "GHA", "ROU"), route="enforcement", use="lead-generation"
    )
    part = text(part_of(HtmlReporter().render(sample_result(sample)), "affected"))
    assert "A flag goes to law enforcement. So the error that harms most is to flag a person wrongly" in part
    assert part.index("People wrongly flagged") < part.index("Victims missed")
    assert part.index("Raids, arrests of sex workers") < part.index("The network is not investigated")


def test_an_error_without_a_limit_is_shown_and_not_judged(passing: AuditResult, passing_html: str) -> None:
    assert {rule.metric for rule in passing.rules} == {"true_positive_rate"}
    root = parsed(passing_html)
    assert "The plan sets no limit on this error" in text(section(root, "affected"))
    tables = [table for table in find_all(root, "table") if "r-false_positive_rate" in (table.get("class") or "")]
    assert tables
    for table in tables:
        assert not list(find_all(table, "b"))
        if table.get("class", "").startswith("findings"):
            assert "shown, not judged" in text(next(find_all(table, "caption")))


def test_limits_say_who_set_them_and_why(failing_html: str) -> None:
    part = text(part_of(failing_html, "rules"))
    assert "Set by: The inspection unit and three survivors’ organisations, June 2026" in part
    assert "One in ten is what two trained officers disagree on." in part
    assert "the plan gives no reason" in part
    assert "at most 10 percentage points below everyone else" in part


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ({"metric": "true_positive_rate", "ratio": 0.8}, "at least 0.8 times the rate of everyone else"),
        ({"metric": "false_positive_rate", "ratio": 0.8}, "at most 1.25 times the rate of everyone else"),
        ({"metric": "precision", "margin": 0.025, "direction": "both"}, "at most 2.5 percentage points below or above"),
        ({"metric": "selection_rate", "ratio": 0.8, "direction": "both"}, "between 0.8 and 1.25 times"),
        ({"metric": "accuracy", "margin": 0.05}, "at most 5 percentage points below everyone else"),
    ],
)
def test_every_kind_of_limit_has_its_words(rule: dict[str, object], shown: str) -> None:
    sample = replace(UNDECIDED, rows=400, countries=("GHA", "ROU"), rules=({**rule, "groups": ["gender"]},))
    assert shown in text(part_of(HtmlReporter().render(sample_result(sample)), "rules"))


def test_safeguards_are_measured_declared_or_not_shown(failing_html: str) -> None:
    shown, state = {}, ""
    for row in find_all(part_of(failing_html, "safeguards"), "tr"):
        if row[0].get("scope") == "rowgroup":
            state = text(row)
        elif row[0].get("scope") == "row" and state:
            shown[text(row[1])] = state, text(row[2])
    assert shown["Who is missed?"] == ("measured here", "The share of victims found, by group, under 1 rule.")
    assert shown["Who can stop it?"][0] == "declared by the operator"
    assert shown["Were the limits set before the data were seen?"][0] == "declared by the operator"
    state, why = shown["Does naming a nationality move the detector?"]
    assert (state, bool(why)) == ("not shown", True)
    assert " ".join(shown).count("?") == 48, (
        "every clause has its question; those with the same evidence stand together"
    )


def test_cases_still_needed_name_the_group_and_the_number(undecided_html: str, passing_html: str) -> None:
    rows = [[text(cell) for cell in row] for row in find_all(part_of(undecided_html, "needed"), "tr")][1:]
    assert len(rows) == 4
    assert all(int(row[3].replace(",", "")) > 0 for row in rows)
    assert "No group waits for more cases." in text(part_of(passing_html, "needed"))


def test_the_rules_of_the_samples_are_the_ones_reports_were_written_for() -> None:
    assert [rule["metric"] for rule in RULES] == ["true_positive_rate", "false_positive_rate"]
