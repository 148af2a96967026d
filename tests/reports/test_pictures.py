"""Pictures: a hundred people marked as the numbers say, changed words on one axis, and no fail without a picture."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import pytest
from made.change_told import change_told
from made.letters import LETTERS
from made.pages import find_all, parsed, section, text
from made.public import in_languages
from made.results import failing_result, passing_result
from made.second_looks import further_result

from audit.public.finding_list import findings_of
from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult
from audit.verdicts.changes.baseline import with_change
from audit.vocabulary.metrics import METRICS, error_of
from audit.vocabulary.numbers import half_up, hundredfold
from audit.vocabulary.text import LANGUAGES
from reports.html import HtmlReporter
from reports.html.charts import hundred_people, shift_axis, shift_chart
from reports.language import ENGLISH
from reports.languages import language
from reports.public.html.document import html_file
from reports.public.html.letter import letter_file
from reports.public.html.screen import Screen

LINE = re.compile(r"M(\d+) (\d+)(?:h(\d+)|H(\d+))")


def drawn(drawing: str) -> tuple[int, int]:
    """How many people are marked in a drawing, and how many are not, read from the lines that are dashed into them."""
    squares, dots = re.findall(r'<path d="([^"]*)"', drawing)
    marked = sum(int(length) // 10 for _, _, length, _ in LINE.findall(squares))
    return marked, sum((int(end) - int(start)) // 10 + 1 for start, _, _, end in LINE.findall(dots))


@pytest.mark.parametrize("count", range(101))
def test_as_many_of_100_are_marked_as_the_number_says(count: int) -> None:
    picture = hundred_people(ENGLISH, "true_positive_rate", "Nepal", count / 100, (count + 7) % 101 / 100)
    assert picture is not None
    (name, number, drawing), (others, _, other) = picture.people
    assert (name, number, others) == ("Nepal", str(count), "everyone else")
    assert drawn(drawing) == (count, 100 - count)
    assert drawn(other)[0] == (count + 7) % 101


def test_nothing_is_drawn_where_both_would_look_alike_or_the_rate_is_of_no_error() -> None:
    assert hundred_people(ENGLISH, "false_positive_rate", "Nepal", 0.213, 0.208) is None
    assert hundred_people(ENGLISH, "selection_rate", "Nepal", 0.5, 0.2) is None
    assert hundred_people(ENGLISH, "false_positive_rate", "</svg>", 0.5, 0.2) is not None


@pytest.mark.parametrize(("error", "rest"), [(0.02, 0.004), (0.996, 0.9)])
def test_nothing_is_drawn_where_few_would_look_like_nobody_or_nearly_all_like_everybody(
    error: float, rest: float
) -> None:
    assert hundred_people(ENGLISH, "false_positive_rate", "Nepal", error, rest) is None
    assert hundred_people(ENGLISH, "false_positive_rate", "Nepal", round(error, 2), round(rest, 2)) is not None


def first_of(release: PublicRelease) -> tuple[int, int]:
    first = findings_of(release)[0]
    assert first.metric is not None
    shares = [
        error_of(METRICS[first.metric], rate)
        for rate in (first.measured.rate, first.measured.compared)
        if rate is not None
    ]
    group, rest = (int(half_up(hundredfold(share), 0)) for share in shares)
    return group, rest


def figures(root: Element) -> list[list[str]]:
    return [
        [text(each) for each in find_all(figure, "b")]
        for figure in find_all(root, "figure")
        if figure.get("class") == "hundred"
    ]


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_public_page_and_the_letter_mark_the_numbers_of_the_first_finding(code: str) -> None:
    release = in_languages(LETTERS["fail"](), code)
    expected = [str(count) for count in first_of(release)]
    assert figures(section(parsed(html_file(release)), "verdict")) == [expected]
    assert figures(parsed(letter_file(release))) == [expected]


def test_the_restricted_page_marks_those_of_the_group_that_its_screen_names() -> None:
    screen = section(parsed(HtmlReporter().render(failing_result())), "verdict")
    (numbers,) = figures(screen)
    assert f"misses about {numbers[0]} in 100 victims; among everyone else {numbers[1]} in 100" in text(screen)
    assert figures(section(parsed(HtmlReporter().render(passing_result())), "verdict")) == []


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("fail", "h"), ("words", "c v k-f"), ("weighted", "b"), ("change", "b"), ("unnamed", "b"), ("flagged less", "b")],
)
def test_no_fail_is_without_a_picture(kind: str, shape: str) -> None:
    """Where no number of a group may be drawn, the words of all comparisons are."""
    screen = section(parsed(html_file(LETTERS[kind]())), "verdict")
    drawings = [drawing for drawing in find_all(screen, "svg") if (drawing.get("class") or "m")[0] in "hbc"]
    assert drawings[0].get("class") == shape
    spoken = [drawing for drawing in drawings if drawing.get("class") not in ("h", "b")]
    assert all(next(find_all(drawing, "title")).text for drawing in spoken)
    assert all(drawing.get("aria-hidden") == "true" for drawing in drawings if drawing not in spoken)
    assert not [drawing for drawing in drawings if drawing.get("class") == "b"] or shape == "b"


def worse_result() -> AuditResult:
    """A result whose rates pass, and that became worse for the first group that is judged alone: 80 % found, now 60."""
    base = passing_result()
    change = change_told(base)
    place = next(place for place, verdict in enumerate(change.verdicts) if verdict.decidable)
    counts = {"then_numerator": 80, "then_denominator": 100, "now_numerator": 60, "now_denominator": 100}
    said = {"outcome": "fail", "because": "worse_beyond_margin", "difference": -0.2}
    worse = change.verdicts[place].model_copy(update={**counts, **said})
    verdicts = (*change.verdicts[:place], worse, *change.verdicts[place + 1 :])
    return with_change(base, change.model_copy(update={"outcome": "fail", "verdicts": verdicts}))


@pytest.mark.parametrize("code", ["en", "ar"])
def test_a_change_is_drawn_from_then_to_now(code: str) -> None:
    page = parsed(HtmlReporter().render(worse_result(), [code]))
    screen = section(page, "verdict")
    assert figures(screen) == [["40", "20"]]
    (figure,) = [each for each in find_all(screen, "figure") if each.get("class") == "hundred"]
    assert " ".join(language(code).date("2026-01-01").split()) in text(figure)
    slopes = [each for each in find_all(section(page, "change"), "svg") if each.get("class") == "s"]
    assert re.fullmatch(r"\D*80\D+60\D*", next(find_all(slopes[0], "title")).text or "")
    (start, end), *level = (places(slope) for slope in slopes)
    assert start < end, "fewer are found now: the line falls"
    assert level
    assert all(start == end for start, end in level)


def places(slope: Element) -> tuple[float, float]:
    """Where the line of a slope starts and ends, from above."""
    line = next(find_all(slope, "path")).get("d", "")
    found = re.fullmatch(r"M6 ([\d.]+)L66 ([\d.]+)", line)
    assert found is not None
    return float(found[1]), float(found[2])


def test_what_unknown_people_could_move_is_drawn_beside_the_limit() -> None:
    result = further_result(failing_result())
    rules = tuple(
        rule.model_copy(
            update={
                "findings": tuple(
                    each.model_copy(update={"low": 0.5, "high": 0.625}) if each.kind == "unknown_attribute" else each
                    for each in rule.findings
                )
            }
        )
        for rule in result.further.sensitivity
    )
    further = result.further.model_copy(update={"sensitivity": rules})
    known = section(parsed(HtmlReporter().render(result)), "sure")
    page = section(parsed(HtmlReporter().render(result.model_copy(update={"further": further}))), "sure")
    assert not list(find_all(known, "svg"))
    drawings = list(find_all(page, "svg"))
    assert drawings
    assert [each.get("width") for each in find_all(drawings[0], "rect") if each.get("class") == "r"] == ["12.5%"]
    assert next(find_all(drawings[0], "title")).text == "50–63%"


def test_changed_words_stand_on_one_axis_with_the_numbers_of_the_release() -> None:
    release = LETTERS["words"]()
    shifts = Screen(release, language("ar")).shifts
    assert shifts is not None
    assert shifts.end == 0.2
    for (_, drawing, _), changed in zip(shifts.rows, release.changed_words, strict=False):
        assert changed.shift is not None
        place = 100 * (changed.shift + shifts.end) / (2 * shifts.end)
        assert re.search(rf'<svg x="{place:.1f}%"', str(drawing)), (changed.name, place)
    assert [row[0] for row in shifts.rows] == ["«Moroccan»", "«Nigerian»"]


def test_an_axis_of_shifts_holds_every_end() -> None:
    assert shift_axis([0.01, -0.3]) == 0.5
    assert shift_axis([]) == 0.02
    drawing = str(shift_chart((0.1, 0.05, 0.15), 0.05, "fail", 0.2, "a <title>"))
    assert 'x="75%"' in drawing
    assert "a &lt;title&gt;" in drawing
    page = HtmlReporter().render(further_result(failing_result()))
    assert 'class="c v k-' in page
