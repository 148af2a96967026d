"""The public page on paper: contents, tables one can read, tags, and the files of the release attached."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from made.pages import find_all, parsed, text
from made.pdfs import opened, require_pdf, root_of, tags, words_of
from made.public import in_languages
from made.releases import made_release

from audit.public.release import PublicRelease, public_json
from reports.pdf.public import PublicPdfReporter
from reports.public.csv_file import csv_file
from reports.public.html.document import html_file

require_pdf()


@pytest.fixture(scope="module")
def release() -> PublicRelease:
    return made_release("pass")


@pytest.fixture(scope="module")
def content(release: PublicRelease) -> bytes:
    return PublicPdfReporter().render(release)


@pytest.fixture(scope="module")
def document(content: bytes) -> Any:
    return opened(content)


def test_it_has_at_most_twelve_sheets_and_says_on_each_whom_it_is_for(
    content: bytes, document: Any, tmp_path: Path
) -> None:
    """121 rows, as many as the demo has."""
    sheets = words_of(content, tmp_path).split("\f")[:-1]
    assert len(sheets) == len(document.pages) <= 12
    for number, sheet in enumerate(sheets, start=1):
        assert "Made-up screener (pass)" in sheet
        assert "Public version: numbers changed slightly" in sheet
        assert re.search(rf"\b{number} ?/ ?{len(sheets)}\b", sheet)


def test_its_contents_name_the_sheet_of_each_section(content: bytes, release: PublicRelease, tmp_path: Path) -> None:
    sheets = words_of(content, tmp_path).split("\f")[:-1]
    page = parsed(html_file(release))
    (contents,) = find_all(page, "nav")
    titles = [text(link) for link in find_all(contents, "a")]
    assert len(titles) > 6
    for title in titles:
        listed = re.search(rf"{re.escape(title)}[ .]+(\d+)", sheets[0])
        assert listed, title
        assert title in sheets[int(listed[1]) - 1].replace("\n", " "), title


def test_tables_are_set_at_nine_points(document: Any) -> None:
    sizes: Counter[float] = Counter()

    def count(said: str, page: list[float], _: object, __: object, size: float) -> None:
        sizes[round(abs(page[3]) * size, 1)] += len(said.strip())

    for sheet in document.pages[1:-2]:
        sheet.extract_text(visitor_text=count)
    letters = sum(sizes.values())
    assert sizes[9.0] > letters / 4
    assert sum(number for size, number in sizes.items() if size < 7) == 0, sizes


def test_every_row_of_groups_is_on_paper_and_other_folds_say_where_they_are(
    document: Any, content: bytes, release: PublicRelease, tmp_path: Path
) -> None:
    page = parsed(html_file(release))
    tables = [table for table in find_all(page, "table") if str(table.get("class")).split()[0] in ("rows", "affected")]
    rows = sum(1 for table in tables for body in find_all(table, "tbody") for _ in find_all(body, "tr"))
    assert rows > 60
    printed = [part for part in tags(document) if part["/S"] == "/TBody"]
    assert sum(1 for body in printed for row in body["/K"] if row.get_object()["/S"] == "/TR") >= rows
    words = " ".join(words_of(content, tmp_path).split())
    assert "All clauses, with the words of the draft (folded: open it in the file to print it)" in words
    assert "Formulas and words used" in words
    assert "effective size" in words, "the method is open"
    assert "Clause by clause" not in words


def test_release_and_table_are_attached(document: Any, release: PublicRelease) -> None:
    assert {name: content for name, (content,) in document.attachments.items()} == {
        "groups.csv": csv_file(release).encode(),
        "release.json": public_json(release).encode(),
    }


def test_it_is_tagged(document: Any) -> None:
    root = root_of(document)
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert {part["/A"]["/Scope"] for part in tags(document) if part["/S"] == "/TH"} == {"/Column", "/Row"}
    assert all(part["/Alt"].strip() for part in tags(document) if part["/S"] == "/Figure")


@pytest.mark.parametrize("code", ["en", "ar", "fr", "zh"])
def test_it_is_in_the_first_language_and_every_number_stands_on_the_page(
    code: str, release: PublicRelease, content: bytes, tmp_path: Path
) -> None:
    """But for the numbers of sheets: what the page prints follows from the release, as its own tests show.

    Of each alphabet, direction and way to write a number; Spanish and Russian write as French does.
    """
    if code != "en":
        whole = in_languages(made_release("inconclusive"), code)
        release = whole.model_copy(update={"rows": whole.rows[2::6]})
        assert 'class="picture"' in html_file(release), "numbers are drawn too"
        content = PublicPdfReporter().render(in_languages(release, code, "en"))
    assert str(root_of(opened(content))["/Lang"]).startswith(code)
    words = words_of(content, tmp_path)
    assert ("On this page" in words) == (code == "en")
    page = text(parsed(html_file(release)))
    on_page = set(re.findall(r"\d+", page))
    words = re.sub(r"(?m)^\s*\d+ ?/ ?\d+\s*$", "", words)
    words = re.sub(r"[ .…]{4,}\d+|\d+ ?\.[ .]{4,}", "", words)  # the sheets that the contents name
    printed = set(re.findall(r"\d+", words))
    assert len(printed) > 30
    assert printed <= on_page, printed - on_page
