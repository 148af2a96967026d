"""Rows that stand first for their results: their ranges are wider, as statsmodels has them, and a sentence says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest
from made.change_told import change_told
from made.figures import scored_result
from made.pages import find_all, parsed, part_of, section, text
from statsmodels.stats.proportion import proportion_confint

from audit.cli.console.terminal import Style
from audit.cli.pages.summary import summary
from audit.result.audit_result import AuditResult
from audit.result.reading import Reading
from audit.vocabulary.numbers import percent
from reports.figures.of_result import MOST_ROWS, forest_of_result
from reports.html import HtmlReporter
from reports.html.looks.parts import FIRST as SHOWN
from reports.language import ENGLISH
from reports.markdown import MarkdownReporter

WIDER = re.compile(r"Wider likely ranges?: th.*? (?:(\d+)|one) of ([\d,]+) rows (?:were|was) picked for")


def tables(part: Element) -> Iterator[tuple[Element, Element | None]]:
    """Tables with the note that follows each, where one does."""
    parents = {child: parent for parent in part.iter() for child in parent}
    for table in find_all(part, "table"):
        box = parents[table]
        beside = list(parents[box])
        after = beside[beside.index(box) + 1 : beside.index(box) + 2]
        yield table, next((each for each in after if each.get("class") == "note"), None)


def ranges(table: Element) -> list[tuple[str, int, int]]:
    """Ranges as printed, with the counts beside them."""
    found = []
    for row in find_all(next(find_all(table, "tbody")), "tr"):
        part = re.search(r"([\d,]+) of ([\d,]+)", text(row[6]))
        if part is not None and text(row[4]) != "—":
            x, n = (int(each.replace(",", "")) for each in part.groups())
            found.append((text(row[4]), x, n))
    return found


def exact(x: int, n: int, level: float, digits: int = 0) -> str:
    return ENGLISH.numbers.percent_range(*proportion_confint(x, n, 1 - level, "beta"), digits=digits)


def test_rows_that_carry_a_verdict_have_the_ranges_of_picked_rows(failing_html: str) -> None:
    wide = 0
    for table, note in tables(part_of(failing_html, "nationality")):
        said = None if note is None else WIDER.match(text(note))
        if said is None:
            continue
        count, among = int(said[1] or 1), int(said[2].replace(",", ""))
        shown = ranges(table)
        assert len(shown) == count < among
        digits = 1 if all("." in each[0] for each in shown) else 0
        for printed, x, n in shown:
            assert printed == exact(x, n, 1 - 0.05 * count / among, digits)
        wide += 1
    assert wide


def test_tables_that_show_every_row_have_95_per_cent(failing: AuditResult, failing_html: str) -> None:
    (table, note), *_ = tables(part_of(failing_html, "part-1"))
    assert note is None
    printed = {(x, n): shown for shown, x, n in ranges(table)}
    by_counts = {(each.numerator, each.denominator): each for each in failing.estimates}
    assert printed
    for counts, shown in printed.items():
        assert shown == ENGLISH.numbers.percent_range(by_counts[counts].low, by_counts[counts].high)


def test_failing_groups_are_picked_from_all_that_were_compared(failing: AuditResult, failing_html: str) -> None:
    part = part_of(failing_html, "affected")
    first, note = next(tables(part))
    rated = [
        each for each in Reading(failing).each_once if each.metric == "true_positive_rate" and each.value is not None
    ]
    failed = [each for each in rated if each.outcome == "fail"]
    said = WIDER.match(text(note)) if note is not None else None
    assert said is not None
    assert (int(said[1] or 1), int(said[2].replace(",", ""))) == (len(failed), len(rated))
    level = 1 - 0.05 * len(failed) / len(rated)
    expected = {exact(each.estimate.numerator, each.denominator, level) for each in failed if each.estimate}
    assert {text(row[3]) for row in find_all(next(find_all(first, "tbody")), "tr")} <= expected


def test_the_terminal_widens_what_it_picks(failing: AuditResult) -> None:
    lines = summary(failing, Style(colour=False, unicode=True)).splitlines()
    (more,) = [line for line in lines if "more in the report" in line]
    assert more.endswith("more in the report; ranges are wider for rows picked by result")
    assert len(more) <= 80
    start = next(place for place, line in enumerate(lines) if line.endswith("likely  rest"))
    printed = [re.findall(r"(\S+-\S+%) +\S+$", line)[0] for line in lines[start + 1 : lines.index(more)]]
    among = sum(each.value is not None for each in Reading(failing).each_once)
    level = 1 - 0.05 * len(printed) / among
    expected = set()
    for each in Reading(failing).each_once:
        if each.estimate is not None and each.value is not None:
            low, high = proportion_confint(each.estimate.numerator, each.denominator, 1 - level, "beta")
            expected.add(f"{percent(low).rstrip('%')}-{percent(high)}")
    assert set(printed) <= expected


def test_a_figure_that_leaves_groups_out_says_what_its_bars_are(
    failing: AuditResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = forest_of_result(failing, None, "nationality")
    assert part.interval == "interval"
    monkeypatch.setattr("reports.figures.of_result.MOST_ROWS", 1_000)
    whole = forest_of_result(failing, None, "nationality")
    assert whole.interval == "95% interval"
    assert not any(map(WIDER.match, whole.head.notes))
    assert len(part.rows) == MOST_ROWS < len(whole.rows)
    said = next(said for note in part.head.notes if (said := WIDER.match(note)))
    assert said.groups() == (str(MOST_ROWS), str(len(whole.rows)))
    widths = {row.name: row.high - row.low for row in whole.rows}
    assert all(row.high - row.low > widths[row.name] for row in part.rows)


def test_where_no_counts_are_known_the_first_rows_are_said_to_hold_less_often() -> None:
    page = parsed(HtmlReporter().render(scored_result(), ["en"]))
    for part in ("ranking", "calibration"):
        sorted_table, note = next(tables(section(page, part)))
        assert note is not None
        assert text(note).startswith("Rows picked for their results: fewer than 95% of their likely ranges hold.")
        assert len(list(find_all(sorted_table, "tr"))) == 1 + SHOWN
    assert "fewer than 95%" not in text(section(page, "part-1"))


def test_changed_groups_that_stand_first_in_markdown_are_said_to_hold_less_often(
    failing: AuditResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = failing.model_copy(update={"change": change_told(failing)})
    said = "Rows picked for their results: fewer than 95% of their likely ranges hold."
    monkeypatch.setattr("reports.markdown._MOST", 10_000)
    assert said not in MarkdownReporter().render(changed)
    monkeypatch.setattr("reports.markdown._MOST", 1)
    assert said in MarkdownReporter().render(changed)
