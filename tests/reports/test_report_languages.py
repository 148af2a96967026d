"""Reports in the six languages: numbers, days, plurals, names, directions, and several languages in one file."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made.pages import find_all, parsed, text
from made.releases import made_release

import reports.html
from audit.result.audit_result import AuditResult
from audit.vocabulary.text import LANGUAGES
from reports.html import HtmlReporter
from reports.html.environment import isolated, spaced
from reports.languages import language
from reports.public.html.document import html_file
from reports.writer import Report

OTHERS = tuple(code for code in LANGUAGES if code != "en")


@pytest.fixture(scope="module")
def pages(few: AuditResult) -> dict[str, str]:
    """The report of one result in each language."""
    return {code: HtmlReporter().render(few, [code]) for code in LANGUAGES}


@pytest.fixture(scope="module")
def large(failing: AuditResult) -> dict[str, str]:
    """That of a result with many groups."""
    return {code: HtmlReporter().render(failing, [code]) for code in LANGUAGES}


@pytest.mark.parametrize(
    ("code", "count", "share", "span", "day"),
    [
        ("en", "63,914", "41.2%", "42–52%", "4 November 2026"),
        ("fr", "63\u202f914", "41,2\xa0%", "42–52\xa0%", "4 novembre 2026"),
        ("es", "63\u202f914", "41,2\xa0%", "42–52\xa0%", "4 de noviembre de 2026"),
        ("ar", "63,914", "41.2%", "42–52%", "4 نوفمبر 2026"),
        ("ru", "63\xa0914", "41,2\xa0%", "42–52\xa0%", "4 ноября 2026\u202fг."),
        ("zh", "63,914", "41.2%", "42–52%", "2026年11月4日"),
    ],
)
def test_numbers_and_days_are_those_of_the_language(code: str, count: str, share: str, span: str, day: str) -> None:
    spoken = language(code)
    assert spoken.numbers.count(63914) == count
    assert spoken.numbers.percent(0.4117, digits=1) == share
    assert spoken.numbers.percent_range(0.42, 0.52) == span
    assert spoken.date("2026-11-04T09:00:00Z") == day


@pytest.mark.parametrize("month", range(1, 13))
def test_the_first_of_a_month_is_an_ordinal_in_french_and_no_other_day_is(month: int) -> None:
    shown = [language("fr").date(f"2026-{month:02}-{day:02}").split()[0] for day in (1, 2, 11, 21)]
    assert shown == ["1er", "2", "11", "21"]
    others = {language(code).date(f"2026-{month:02}-01") for code in LANGUAGES if code != "fr"}
    assert not [day for day in others if "er " in day.partition(" ")[0] + " "]


def test_thousands_are_set_apart_from_four_digits_on() -> None:
    assert {code: language(code).numbers.count(1234) for code in ("es", "fr", "en")} == {
        "es": "1\u202f234",
        "fr": "1\u202f234",
        "en": "1,234",
    }


@pytest.mark.parametrize("code", LANGUAGES)
def test_digits_are_western(code: str, pages: dict[str, str]) -> None:
    assert not re.findall("[\u0660-\u0669\u06f0-\u06f9]", pages[code])


def test_an_axis_is_written_in_the_language_of_its_page(pages: dict[str, str]) -> None:
    """Also where another language was rendered before: what templates share holds no words and no numbers."""
    assert "<span>0\xa0%</span>" in pages["fr"]
    assert "<span>0%</span>" not in pages["fr"]
    assert "<span>0%</span>" in pages["en"]


def test_no_template_filters_a_constant() -> None:
    """The compiler would work it out once, in the language of whichever page comes first."""
    folder = Path(reports.html.__file__).with_name("templates")
    for template in folder.glob("*.*"):
        assert not re.findall(r"\{\{\s*[\d\"'][^}]*\|", template.read_text(encoding="utf-8")), template.name


def test_nouns_have_as_many_forms_as_the_language() -> None:
    def shown(code: str, count: int) -> str:
        return language(code).translations.ngettext("%(count)s row", "%(count)s rows", count) % {"count": count}

    assert [shown("ru", count) for count in (1, 2, 5, 11, 21, 22)] == [
        "1 строка",
        "2 строки",
        "5 строк",
        "11 строк",
        "21 строка",
        "22 строки",
    ]
    assert [shown("ar", count) for count in (0, 1, 2, 3, 11, 100)] == [
        "لا صفوف",
        "صف واحد",
        "صفان",
        "3 صفوف",
        "11 صفاً",
        "100 صف",
    ]
    assert [shown("fr", count) for count in (0, 1, 2)] == ["0 ligne", "1 ligne", "2 lignes"]
    assert [shown("zh", count) for count in (1, 2)] == ["1 行", "2 行"]


@pytest.mark.parametrize(
    ("code", "tag", "direction", "heading", "people"),
    [
        ("fr", "fr", "ltr", "Dépasse la limite", "Nigéria, femmes"),
        ("es", "es", "ltr", "Fuera del límite", "Nigeria, mujeres"),
        ("ar", "ar", "rtl", "خارج الحد المسموح به", "نيجيريا، النساء"),
        ("ru", "ru", "ltr", "Вне допустимых пределов", "Нигерия, женщины"),
        ("zh", "zh-Hans", "ltr", "超出限值", "尼日利亚，女性"),
    ],
)
def test_verdict_and_people_are_named_in_the_language(
    code: str, tag: str, direction: str, heading: str, people: str, pages: dict[str, str]
) -> None:
    assert f'<html lang="{tag}" dir="{direction}">' in pages[code]
    assert re.search(rf'<h2 id="verdict"><svg.*?</svg>{heading}</h2>', pages[code])
    assert f"<th scope=row>{people}<" in pages[code]


@pytest.mark.parametrize("code", OTHERS)
def test_a_page_says_that_nobody_has_reviewed_its_translation(code: str, pages: dict[str, str]) -> None:
    warning = language(code).translations.gettext("Translated from English and not reviewed by a native speaker.")
    assert language(code).reviewed_by == ""
    assert re.search(rf'<p class="translation">{warning}[^<]+</p>\s*</section>\s*</main>', pages[code])
    assert warning != "Translated from English and not reviewed by a native speaker."


def test_english_is_the_same_however_it_is_asked_for(few: AuditResult, pages: dict[str, str]) -> None:
    assert pages["en"] == HtmlReporter().render(few)
    assert 'class="translation"' not in pages["en"]


def test_what_others_wrote_is_in_no_language_that_is_known(few: AuditResult, pages: dict[str, str]) -> None:
    assert "<bdi>" not in pages["ar"]
    assert f'<h1><bdi lang="">{few.plan.audit.title}</bdi></h1>' in pages["ar"]


@pytest.fixture(scope="module")
def several(passing: AuditResult) -> str:
    return HtmlReporter().render(passing, ["fr", "ar", "en", "fr"])


def test_one_file_holds_several_languages(several: str, passing: AuditResult) -> None:
    root = parsed(several)
    parts = [each for each in find_all(root, "div") if (each.get("class") or "").startswith("in ")]
    assert [(part.get("lang"), part.get("dir")) for part in parts] == [("fr", "ltr"), ("ar", "rtl"), ("en", "ltr")]
    assert (root.get("lang"), root.get("dir")) == ("fr", "ltr")
    choices = find_all(root, "input")
    assert [(each.get("id"), each.get("type"), each.get("checked")) for each in choices] == [
        ("in-fr", "radio", ""),
        ("in-ar", "radio", None),
        ("in-en", "radio", None),
    ]
    alone = text(next(find_all(parsed(HtmlReporter().render(passing, ["ar"])), "main")))
    made_by = "--lang {}"  # each says how the whole file is made
    assert made_by.format("fr,ar,en") in text(parts[1])
    together = text(next(find_all(parts[1], "main"))).replace(made_by.format("fr,ar,en"), made_by.format("ar"))
    assert together == alone


def downloads(page: str) -> list[tuple[str, str]]:
    """The files that lie in a page, by the names under which they are saved."""
    found = re.findall(r'<a download="([^"]+)" href="([^"]+)">', page)
    assert len(found) == page.count("<a download=")
    return found


def test_no_two_files_in_a_page_are_saved_under_one_name(failing: AuditResult, large: dict[str, str]) -> None:
    """In Arabic there is room for fewer groups than in English."""
    found = downloads(HtmlReporter().render(failing, ["en", "ar"]))
    assert [name for name, _ in found] == ["restricted-groups-en.csv", "restricted-groups-ar.csv"]
    assert len({held for _, held in found}) == 2
    alone = [downloads(large[code]) for code in ("en", "ar")]
    assert [name for ((name, _),) in alone] == ["restricted-groups.csv"] * 2


def test_ids_are_one_of_a_kind_and_links_stay_in_their_language(several: str) -> None:
    root = parsed(several)
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(set(ids)) == len(ids)

    def links(part: Element, code: str) -> None:
        own = {each.get("id") for each in part.iter()}
        meant = {str(each.get("href"))[1:] for each in find_all(part, "a", "use") if not each.get("download")}
        meant |= {str(each.get("aria-labelledby")) for each in part.iter() if each.get("aria-labelledby")}
        assert meant <= own
        assert all(target.startswith(f"{code}-") for target in meant)

    for part in find_all(root, "div"):
        if (part.get("class") or "").startswith("in "):
            links(part, str(part.get("lang")))


@pytest.mark.parametrize("codes", [["fr"], ["ar", "en"]])
def test_the_policy_allows_the_style_of_any_choice(codes: list[str], passing: AuditResult) -> None:
    page = HtmlReporter().render(passing, codes)
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert "<script" not in page
    assert page == HtmlReporter().render(passing, codes)


def test_every_sheet_of_paper_is_marked_in_every_language(several: str) -> None:
    rule = several[several.index("@top-center") :]
    assert "Diffusion restreinte" in rule[: rule.index("}")]
    assert "Restricted" in rule[: rule.index("}")]


PIECES = ("42–52%", "&lt;1%", "−3.5", "&#34;", "<b title='1–2%'>", "و", " ", "12", "&amp;", "3 … ∞")


@given(st.lists(st.sampled_from(PIECES)))
@example(["−19.3", " (", "−21.9 … −16.8", ")"])
def test_isolates_close_what_they_open_and_change_nothing_else(pieces: list[str]) -> None:
    markup = "".join(pieces)
    done = isolated(markup)
    assert done.replace("\u2066", "").replace("\u2069", "") == markup
    assert re.fullmatch("[^\u2066\u2069]*(?:\u2066[^\u2066\u2069]+\u2069[^\u2066\u2069]*)*", done)
    assert not re.search("<[^>]*[\u2066\u2069][^>]*>", done)


def test_a_moment_is_kept_in_its_order() -> None:
    """In a line from right to left the year of 2026-11-24T09:12:03Z would else stand behind its hour."""
    shown = isolated("من 2026-11-24T09:12:03Z إلى 2026-11-24T09:12:07.25Z (UTC)، حتى 2027-11-24.")
    kept = re.findall("\u2066([^\u2069]*)\u2069", shown)
    assert kept == ["2026-11-24T09:12:03Z", "2026-11-24T09:12:07.25Z", "2027-11-24"]


def test_a_formula_is_kept_in_its_order() -> None:
    """In a line from right to left the plus of a sum would else stand behind it."""
    shown = isolated("المعدل r = x/d عند r(1−r)/v، حيث v = r(1−r)/d + V·m/d²، وk = 10 <code>v = r/d</code>")
    kept = re.findall("\u2066([^\u2069]*)\u2069", shown)
    assert kept == ["r = x/d", "r(1−r)/v", "v = r(1−r)/d + V·m/d²", "k = 10"]
    assert "<code>v = r/d</code>" in shown


def test_numbers_are_kept_together_from_right_to_left_alone(pages: dict[str, str]) -> None:
    arabic, french = pages["ar"], pages["fr"]
    assert "\u2066" in arabic
    assert "\u2066" not in french
    assert "[U+20" not in arabic
    shown = re.sub("<svg.*?</svg>", "", arabic[arabic.index("<main") :], flags=re.DOTALL)
    assert not re.findall(r"(?<![\u2066\d.])(?<!\u2066&lt;)[\d.]+–[\d.]+%", shown)


def test_in_every_language_a_world_of_groups_keeps_within_half_a_megabyte(large: dict[str, str]) -> None:
    sizes = {code: len(page.encode()) for code, page in large.items()}
    assert {code: size <= 500_000 for code, size in sizes.items()} == dict.fromkeys(LANGUAGES, True)


def test_a_language_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        language("de")


def test_a_natural_frequency_stays_on_one_line_and_chinese_has_no_space_between_sentences() -> None:
    shown = "<p>unas 2 de cada 10; 3 in 10, 1 из 1 000 &amp; 5 of 7</p>"
    assert spaced(shown, language("es")) == (
        "<p>unas 2\u00a0de\u00a0cada\u00a010; 3\u00a0in\u00a010, 1\u00a0из\u00a01 000 &amp; 5 of 7</p>"
    )
    joined = "<p>一。 <b>二：</b> “三”。 four。 <bdi lang=''>五</bdi></p>"
    assert spaced(joined, language("zh")) == "<p>一。<b>二：</b>“三”。 four。<bdi lang=''>五</bdi></p>"
    assert spaced(joined, language("ru")) == joined


@pytest.mark.parametrize("kind", ["pass", "inconclusive", "none"])
def test_no_space_follows_a_chinese_full_stop(kind: str) -> None:
    page = re.sub(r"</?(?:b|bdi|small)\b[^>]*>", "", html_file(made_release(kind, ("zh",))))
    assert not re.findall(r".{0,9}。 +[\u4e00-\u9fff].{0,9}", page)


@pytest.mark.parametrize("code", ["en", "zh"])
def test_spaces_are_minded_in_sentences_and_in_nothing_that_somebody_wrote(code: str) -> None:
    """A key with other spaces names no row, and a command with other spaces is another one."""
    kept = (
        '<tr data-g="site:level=1 in 10，甲， 乙"><style>a{content:"3 in 10"}</style><title>2 in 10</title>'
        '<code>run "3 in 10.toml"</code><bdi>1 in 10， 甲</bdi><svg><text>6 in 10</text></svg>'
    )
    said = "2 in 10"
    assert spaced(kept + said, language(code)) == kept + "2\u00a0in\u00a010"


def test_a_rounded_number_of_cases_has_the_plural_form_of_what_is_written(undecided: AuditResult) -> None:
    """121 cases are written as 120, which are no "120 случай"."""
    few_cases = next(verdict for verdict in undecided.verdicts if verdict.cases_needed)
    russian = Report(undecided, language("ru")).words
    assert russian.needed(few_cases.model_copy(update={"cases_needed": 121})) == "нужно ещё примерно 120 случаев"
