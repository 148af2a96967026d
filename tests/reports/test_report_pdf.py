"""The report on paper: tagged, in one language, with its figures attached, the same bytes each time, and no request."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from made.entry_points import offered_by_this_version
from made.pages import find_all, parsed
from made.pdfs import beginning_of, opened, places_of, require_pdf, root_of, tags, words_of
from made.replaced import replaced
from made.results import UNDECIDED, hostile_result, sample_result

from audit.errors import AuditError
from audit.result.audit_result import AuditResult
from audit.result.json_text import result_to_json
from audit.result.reporters import find_reporters, languages_of, render_each
from reports.group_counts import counts_csv
from reports.html import render_page
from reports.html.environment import environment
from reports.languages import language
from reports.pdf import PdfReporter
from reports.pdf.paper import pdf_of

require_pdf()

TESTS = Path(__file__).parents[1]
RULE = {"metric": "true_positive_rate", "groups": ["gender", "nationality"], "margin": 0.1, "reason": "One in ten."}
SMALL = replace(UNDECIDED, rows=300, countries=("GHA", "NPL"), rules=(RULE,))
NO_FONT = "\U0010fffd"
"""A character of nobody's: no font has it."""


@pytest.fixture(scope="module")
def small() -> AuditResult:
    """All that a report has, of clauses and provisions a few: they are half of its sheets, in tables of two forms."""
    made = sample_result(SMALL)
    return replaced(made, safeguards=made.safeguards[::6], frameworks=made.frameworks[:2])


@pytest.fixture(scope="module")
def pdf(small: AuditResult) -> bytes:
    return PdfReporter().render(small)


@pytest.fixture(scope="module")
def document(pdf: bytes) -> Any:
    """The same, read: no test writes into it, and what one of them has parsed the next need not."""
    return opened(pdf)


def test_it_is_tagged_and_says_its_language_and_its_title(document: Any) -> None:
    root = root_of(document)
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert document.metadata is not None
    assert str(document.metadata.title).endswith("· Recruitment-advert screener 2.3")
    kinds = {part["/S"] for part in tags(document)}
    assert {"/Document", "/H1", "/H2", "/H3", "/P", "/Table", "/THead", "/TBody", "/TR", "/TH", "/TD", "/L"} <= kinds
    assert [item.title for item in document.outline if not isinstance(item, list)] == [
        "Recruitment-advert screener 2.3"
    ]


def test_every_drawing_has_its_text_and_every_head_its_scope(document: Any) -> None:
    parts = list(tags(document))
    drawings = [part for part in parts if part["/S"] == "/Figure"]
    assert len(drawings) > 10
    assert all(part["/Alt"].strip() for part in drawings)
    assert {part["/A"]["/Scope"] for part in parts if part["/S"] == "/TH"} == {"/Column", "/Row"}


def test_it_says_that_it_is_pdf_a_3_and_nothing_of_pdf_ua(document: Any) -> None:
    root = root_of(document)
    shown = root["/Metadata"].get_data()
    (part,) = re.findall(rb'pdfaid:part="(\d)"', shown)
    assert part == b"3"
    assert b"pdfuaid" not in shown
    (intent,) = root["/OutputIntents"]
    assert intent["/S"] == "/GTS_PDFA1"
    assert len(intent["/DestOutputProfile"].get_data()) > 1_000
    ET.fromstring(shown)


def test_every_font_is_in_the_file(document: Any) -> None:
    fonts = [font.get_object() for page in document.pages for font in page["/Resources"]["/Font"].get_object().values()]
    assert fonts
    for font in fonts:
        (descendant,) = font["/DescendantFonts"]
        described = descendant.get_object()["/FontDescriptor"]
        assert "/FontFile2" in described or "/FontFile3" in described
        assert "/ToUnicode" in font


def test_result_and_counts_are_attached_as_the_data_of_the_report(document: Any, small: AuditResult) -> None:
    attached = {name: contents for name, (contents,) in document.attachments.items()}
    assert attached == {"result.json": result_to_json(small).encode(), "counts.csv": counts_csv(small).encode()}
    named = root_of(document)["/AF"]
    assert len(named) == 2
    for each in named:
        file = each.get_object()
        assert file["/AFRelationship"] == "/Data"
        assert file["/EF"]["/F"].get_object()["/Subtype"] in ("/application/json", "/text/csv")


def test_no_day_of_printing_and_no_name_of_this_machine_is_in_it(document: Any) -> None:
    assert set(document.metadata) == {"/Producer", "/Title"}
    assert b"Date" not in root_of(document)["/Metadata"].get_data()
    for each in root_of(document)["/AF"]:
        assert not {"/CreationDate", "/ModDate"} & set(each.get_object()["/EF"]["/F"].get_object()["/Params"])


def test_it_is_the_same_file_in_another_process_with_other_hashes(small: AuditResult, tmp_path: Path) -> None:
    """The beginning of the report, with files attached; that of its page is tested where pages are."""
    page = beginning_of(render_page(small, language("en")))
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    program = (
        "import hashlib\n"
        "from pathlib import Path\n"
        "from reports.pdf.paper import pdf_of\n"
        "page = Path('report.html').read_text(encoding='utf-8')\n"
        "print(hashlib.sha256(pdf_of(page, {'a.json': b'1', 'b.csv': b'2'})).hexdigest(), hash('a'))\n"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "PYTHONHASHSEED": seed},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    shown, other = done.stdout.split()
    assert shown == hashlib.sha256(pdf_of(page, {"a.json": b"1", "b.csv": b"2"})).hexdigest()
    assert int(other) != hash("a")


def test_no_row_of_a_table_is_lost(document: Any, small: AuditResult) -> None:
    page = parsed(render_page(small, language("en")))
    rows = sum(1 for body in find_all(page, "tbody") for _ in find_all(body, "tr"))
    printed = [part for part in tags(document) if part["/S"] == "/TBody"]
    assert sum(1 for body in printed for row in body["/K"] if row.get_object()["/S"] == "/TR") == rows


def test_each_sheet_says_of_what_it_is_who_may_read_it_and_its_number(
    pdf: bytes, document: Any, tmp_path: Path
) -> None:
    sheets = words_of(pdf, tmp_path).split("\f")[:-1]
    assert len(sheets) == len(document.pages)
    for number, sheet in enumerate(sheets, start=1):
        assert "Recruitment-advert screener 2.3" in sheet
        assert "Restricted, not for publication: exact counts" in sheet
        assert f"{number} / {len(sheets)}" in sheet
    assert "cannot tell" in sheets[0].casefold()


def test_a_character_that_no_font_has_is_an_error_and_no_box() -> None:
    with pytest.raises(AuditError, match=r"U\+10FFFD.*boxes.*apt-get install fonts-") as caught:
        pdf_of(f"<html lang=en><title>t</title><p>{NO_FONT}</p>", {})
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """An address of this machine, and what was said to it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    line, _ = server.accept()
                except TimeoutError:
                    continue
                with line:
                    heard.append(line.recv(100))

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x", heard
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "page",
    [
        "<img src='{}'>",
        "<p style='background:url({})'>x",
        "<style>@import '{}';</style>",
        "<style>@font-face{{font-family:f;src:url({})}}p{{font-family:f}}</style><p>x",
        "<style>li{{list-style-image:url({})}}</style><ul><li>x</ul>",
        "<style>@page{{@bottom-right{{content:url({})}}}}</style>",
        "<link rel=stylesheet href='{}'>",
        "<link rel=attachment href='{}'>",
        "<a rel=attachment href='{}'>x</a>",
        "<object data='{}'></object>",
        "<embed src='{}'>",
        "<svg width=9 height=9><image href='{}' width=9 height=9 /></svg>",
    ],
)
def test_what_names_an_address_is_an_error_and_nothing_is_asked(
    page: str, listening: tuple[str, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where a page has fonts, a folder for them may be left
    address, heard = listening
    for target in (address, "file:///etc/hostname"):
        with pytest.raises(AuditError, match="outside of itself"):
            pdf_of(f"<html lang=en><title>t</title>{page.format(target)}", {})
    assert heard == []


def test_a_drawing_of_elsewhere_is_not_asked_for(listening: tuple[str, list[bytes]]) -> None:
    address, heard = listening
    pdf_of(f"<html lang=en><title>t</title><svg width=9 height=9><use href='{address}#a' /></svg>", {})
    assert heard == []


def test_a_drawing_that_fails_is_an_error_and_not_left_out() -> None:
    drawing = "<svg width=9 height=9><g transform='rotate(a)'><rect width=9 height=9 /></g>"
    with pytest.raises(AuditError, match="a drawing of the report could not be put on paper"):
        pdf_of(f"<html lang=en><title>t</title>{drawing}</svg>", {})


def test_arabic_runs_from_right_to_left_and_markup_in_a_title_is_printed_as_it_is(
    listening: tuple[str, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.html.render_page", lambda *given: beginning_of(render_page(*given)))
    address, heard = listening
    payload = f"</title><style>*{{background:url({address})}}</style><img src={address}>"
    content = PdfReporter().render(hostile_result(payload, SMALL), "ar")
    assert heard == []
    document = opened(content)
    assert root_of(document)["/Lang"] == "ar"
    words = words_of(content, tmp_path)
    assert "أعداد دقيقة" in words
    first, last = payload[:-1].split("//", 1)
    assert f"screener 2.3{first}//" in words
    assert last in words
    assert letters_with_several_forms(document) > 10, "each letter looks the same wherever it stands: none are joined"


def letters_with_several_forms(document: Any) -> int:
    forms: dict[str, set[str]] = {}
    for font in document.pages[0]["/Resources"]["/Font"].get_object().values():
        table = font.get_object()["/ToUnicode"].get_data().decode()
        for glyph, letter in re.findall(r"<([0-9a-f]{4})> <(06[0-9a-f]{2})>", table):
            forms.setdefault(letter, set()).add(glyph)
    return sum(len(glyphs) > 1 for glyphs in forms.values())


PAPER_LIKE = """
    class PlainReporter:
        name = "plain"
        filename = "plain.bin"
        languages = ("en", "es", "zh")

        def render(self, result, language="en"):
            return language.encode()
"""


SIDES = """<!doctype html><html lang="{lang}" dir="{direction}"><head><title>t</title><style>
.three{{display:grid;grid-template-columns:repeat(3,1fr)}}dl>div{{display:grid;grid-template-columns:13rem 1fr}}
.key ul{{display:grid;grid-template-columns:1fr 1fr}}
</style></head><body><ul class="three"><li>111</li><li>222</li><li>333</li></ul>
<dl><div><dt>444</dt><dd>555</dd></div></dl>
<div class="key"><ul><li>121</li><li>232</li><li>343</li><li>454</li></ul></div></body></html>"""
"""What the page lays out in columns."""


@pytest.mark.parametrize(("lang", "direction", "sign"), [("en", "ltr", 1), ("ar", "rtl", -1)])
def test_columns_follow_the_direction_of_the_language(lang: str, direction: str, sign: int, tmp_path: Path) -> None:
    """The engine lays grids out from the left whatever the language: a name would stand behind what it names."""
    placed = places_of(pdf_of(SIDES.format(lang=lang, direction=direction), {}), tmp_path)
    for inline in (("111", "222", "333"), ("444", "555"), ("121", "232"), ("343", "454")):
        assert sorted(inline, key=lambda word: sign * placed[word]) == list(inline)


def test_the_first_letter_of_an_arabic_word_is_joined_to_the_next() -> None:
    """It is none of a box of its own, as a capital is: letters are written together."""
    rule = "::first-letter{text-transform:uppercase}"
    style = environment(language("ar")).get_template("style.css").render(notice="")
    assert rule in style
    drawn = []
    for css in (style, style.replace(rule, "::first-line{}")):
        page = (
            f"<title></title><style>{css}</style></head><body><dl><div><dt>تاريخ أُعدّ</dt><dd>1</dd></div></dl></body>"
        )
        (sheet,) = opened(pdf_of(f'<!doctype html><html lang="ar" dir="rtl"><head>{page}</html>', {})).pages
        drawn.append(sheet.get_contents().get_data())
    assert drawn[0] == drawn[1]


def test_there_is_a_file_for_each_language(small: AuditResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    metadata = site / "paper_like-0.dist-info"
    metadata.mkdir(parents=True)
    (site / "paper_like.py").write_text(textwrap.dedent(PAPER_LIKE), encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: paper-like\nVersion: 0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(
        "[audit.reporters]\nplain = paper_like:PlainReporter\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(site)
    (reporter,) = find_reporters(["plain"])
    assert [(made.filename, made.content) for made in render_each(reporter, small, ("es",))] == [("plain.bin", b"es")]
    assert [
        (made.filename, made.content) for made in render_each(reporter, small, languages_of([reporter], "zh,es"))
    ] == [
        ("plain.zh.bin", b"zh"),
        ("plain.es.bin", b"es"),
    ]


MISSING = """
import importlib.util, sys
{hide}
from audit.cli import main
sys.argv = ["audit7k", "report", "result.json", "--format", "pdf"]
main()
"""
HIDDEN = {
    "the extra": ("sys.modules['weasyprint'] = None", "needs the extra \"pdf\" — pip install 'audit7k[pdf]'"),
    "Pango": (
        "import cffi; cffi.FFI.dlopen = lambda *_: (_ for _ in ()).throw(OSError('cannot load library'))",
        "apt-get install libpango-1.0-0",
    ),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_is_missing_is_said_in_one_line(what: str, small: AuditResult, tmp_path: Path) -> None:
    hide, said = HIDDEN[what]
    (tmp_path / "result.json").write_text(result_to_json(small), encoding="utf-8")
    site = offered_by_this_version(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(hide=hide)],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "report.pdf").exists()
