"""A PDF of a release says what its page says and no more: each number planted in one, wherever it is, is refused."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from made.disclosure import ABOUT, RULE, made_counts, made_lattice, made_method
from made.entry_points import offered_by_this_version
from made.pdfs import require_pdf
from made.public_pdf import attached, page_of, printed
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from audit.disclosure import pdf_gate
from audit.disclosure.exact import exact_counts
from audit.disclosure.pdf_gate import pdf_maker, refuse_other_pdfs
from audit.disclosure.pdf_text import read_pdf
from audit.disclosure.protect import protect
from audit.disclosure.release import Audited, into
from audit.disclosure.release import release as release_from
from audit.disclosure.words import public_release
from audit.errors import DataError
from audit.public.table import PublicRelease, public_json
from reports.pdf import pdf_of

require_pdf()

MAKER = "reports.pdf:pdf_of"


def made_release() -> PublicRelease:
    lattice = made_lattice(2, 1, 1)
    exact = exact_counts(lattice, made_counts(2_000, 3, countries=2), bytes(range(32)))
    table = protect(exact, made_method(), []).table
    return public_release(table, "fail", (RULE,), ABOUT, level=0.95, alpha=0.05)


@pytest.fixture(scope="module")
def release() -> PublicRelease:
    return made_release()


@pytest.fixture(scope="module")
def files(release: PublicRelease) -> dict[str, bytes]:
    return printed(release)


def more(release: PublicRelease) -> dict[str, bytes]:
    return {"release.json": public_json(release).encode()}


@pytest.mark.parametrize(("lang", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_a_pdf_of_its_page_passes(release: PublicRelease, files: dict[str, bytes], lang: str, direction: str) -> None:
    made = files if lang == "en" else printed(release, lang, direction)
    shown = read_pdf("report.pdf", made["report.pdf"])
    assert shown.sheets > 1
    assert {line.place for line in shown.lines} == {"text", "head", "list", "margin"}
    assert set(shown.attached) == {"groups.csv", "release.json"}
    refuse_other_pdfs(made, more(release), MAKER)


def changed(content: bytes, change: Callable[[PdfWriter], None]) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    change(writer)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def nothing(_: PdfWriter) -> None:
    """Written again, with all that was there."""


def in_the_text(writer: PdfWriter) -> None:
    stream: Any = writer.pages[0].get_contents()
    fonts = writer.pages[0]["/Resources"]["/Font"].get_object()  # type: ignore[index]
    for name, font in fonts.items():
        shown = font.get_object()["/ToUnicode"].get_data().decode()
        digits = {letter: glyph for glyph, letter in re.findall(r"<([0-9a-f]{4})> <(003[0-9])>", shown)}
        if {"0034", "0037"} <= set(digits):
            marked = re.search(rb"/MCID \d+>>\s*BDC", stream.get_data())
            assert marked is not None
            planted = f"BT {name} 9 Tf 1 0 0 1 9 9 Tm [<{digits['0034']}{digits['0037']}{digits['0034']}>] TJ ET"
            data = stream.get_data()
            stream.set_data(data[: marked.end()] + b"\n" + planted.encode() + b"\n" + data[marked.end() :])
            break
    else:
        pytest.fail("no font with digits")
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream)


def at_the_margin(writer: PdfWriter) -> None:
    in_the_text(writer)
    stream: Any = writer.pages[0]["/Contents"].get_object()
    data = stream.get_data()
    planted = re.search(rb"BT \S+ 9 Tf 1 0 0 1 9 9 Tm.*?ET", data)
    assert planted is not None
    stream.set_data(data.replace(planted[0], b"", 1) + b"\n" + planted[0])


def in_the_title(writer: PdfWriter) -> None:
    writer.add_metadata({"/Title": "Fails · Screener 2.3 · 474"})


def in_a_new_key(writer: PdfWriter) -> None:
    writer.add_metadata({"/Subject": "474"})


def in_the_producer(writer: PdfWriter) -> None:
    writer.add_metadata({"/Producer": "WeasyPrint 474"})


def in_the_packet(writer: PdfWriter) -> None:
    packet: Any = writer._root_object["/Metadata"].get_object()
    packet.set_data(packet.get_data().replace(b"Screener 2.3", b"Screener 474"))


def in_words_for_a_drawing(writer: PdfWriter) -> None:
    for each in writer._objects:
        if isinstance(each, DictionaryObject) and "/Alt" in each:
            each[NameObject("/Alt")] = TextStringObject("474 to 71 per cent")
            return
    pytest.fail("no drawing")


def in_an_object_that_nothing_names(writer: PdfWriter) -> None:
    writer._add_object(DictionaryObject({NameObject("/Note"): TextStringObject("474")}))


def as_a_bookmark(writer: PdfWriter) -> None:
    writer.add_outline_item(title="474", page_number=0)


def as_a_hidden_attachment(writer: PdfWriter) -> None:
    stream = DecodedStreamObject()
    stream.set_data(b"474")
    stream[NameObject("/Type")] = NameObject("/EmbeddedFile")
    writer._add_object(stream)


def in_an_attachment(writer: PdfWriter) -> None:
    names = writer._root_object["/Names"]["/EmbeddedFiles"]["/Names"]  # type: ignore[index]
    stream = names[1].get_object()["/EF"]["/F"].get_object()
    stream.set_data(stream.get_data() + b"474\n")


def as_a_picture(writer: PdfWriter) -> None:
    stream = DecodedStreamObject()
    stream.set_data(b"\0")
    stream.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(1),
            NameObject("/Height"): NumberObject(1),
        }
    )
    writer._add_object(stream)


def as_a_program(writer: PdfWriter) -> None:
    action = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("x")})
    writer._root_object[NameObject("/OpenAction")] = writer._add_object(action)


def as_a_note(writer: PdfWriter) -> None:
    note = DictionaryObject(
        {NameObject("/Subtype"): NameObject("/Text"), NameObject("/Contents"): TextStringObject("x")}
    )
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])


SAID: Mapping[Callable[[PdfWriter], None], str] = {
    nothing: "not what its page and its files make",
    in_the_text: "prints a number that its page does not",
    at_the_margin: "at a margin",
    in_the_title: "beside its text",
    in_a_new_key: "beside its text",
    in_the_producer: "beside its text",
    in_the_packet: "beside its text",
    in_words_for_a_drawing: "prints a number that its page does not",
    in_an_object_that_nothing_names: "beside its text",
    as_a_bookmark: "beside its text",
    as_a_hidden_attachment: "cannot be read",
    in_an_attachment: "no file of the release",
    as_a_picture: "cannot be read",
    as_a_program: "cannot be read",
    as_a_note: "cannot be read",
}


@pytest.mark.parametrize("plant", SAID, ids=lambda plant: plant.__name__)
def test_what_is_planted_is_refused(
    plant: Callable[[PdfWriter], None], files: dict[str, bytes], release: PublicRelease
) -> None:
    planted = {**files, "report.pdf": changed(files["report.pdf"], plant)}
    with pytest.raises(DataError, match=SAID[plant]) as caught:
        refuse_other_pdfs(planted, more(release), MAKER)
    assert "474" not in str(caught.value)


def test_a_number_more_often_than_on_the_page_is_refused(files: dict[str, bytes], release: PublicRelease) -> None:
    page = files["report.html"].decode()
    twice = page.replace("<h1>", "<p>17 March 2027</p><h1>", 1)
    planted = {**files, "report.pdf": pdf_of(twice, {}, None)}
    with pytest.raises(DataError, match="or one more often"):
        refuse_other_pdfs(planted, more(release), MAKER)


IN_WORDS = ("seventeen", "cinquante", "семистам", "漏掉八百人", "والآلاف من النساء", "ثلاثمائة")


@pytest.mark.parametrize(("lang", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_numbers_in_words_are_read_as_they_are_drawn(
    lang: str, direction: str, release: PublicRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_gate, "read_pdf", cache(read_pdf))  # one PDF is held against many pages
    narrow = "<table><tr><td style='inline-size:1rem'>{0}</td></tr></table>"
    said = "".join(f"<p>{word}</p>{narrow.format(word)}" for word in IN_WORDS)
    page = page_of(release, lang, direction).replace("</h1>", f"</h1>{said}")
    files = {"report.html": page.encode(), "report.pdf": pdf_of(page, {}, None)}
    refuse_other_pdfs(files, more(release), MAKER)
    for word in IN_WORDS:
        without = {**files, "report.html": page.replace(word, "-").encode()}
        with pytest.raises(DataError, match="says a number as a word"):
            refuse_other_pdfs(without, more(release), MAKER)


def test_an_attachment_that_is_no_file_of_the_release_is_refused(
    files: dict[str, bytes], release: PublicRelease
) -> None:
    page = files["report.html"].decode()
    for name, content in (("exact.csv", b"474"), ("groups.csv", b"474")):
        planted = {**files, "report.pdf": pdf_of(page, {**attached(release), name: content})}
        with pytest.raises(DataError, match="no file of the release"):
            refuse_other_pdfs(planted, more(release), MAKER)


def test_a_line_that_is_drawn_elsewhere_is_refused(files: dict[str, bytes], release: PublicRelease) -> None:
    """No number is new: only making the PDF again finds it."""
    page = files["report.html"].decode().replace('width="62%"', 'width="71%"', 1)
    planted = {**files, "report.pdf": pdf_of(page, {}, None)}
    with pytest.raises(DataError, match="not what its page and its files make"):
        refuse_other_pdfs(planted, more(release), MAKER)


def test_bytes_after_the_end_are_refused(files: dict[str, bytes], release: PublicRelease) -> None:
    with pytest.raises(DataError):
        refuse_other_pdfs({**files, "report.pdf": files["report.pdf"] + b"% 474\n"}, more(release), MAKER)


@pytest.mark.parametrize("name", ["figures.pdf", "report.474.pdf", "report-474.pdf", "Report.PDF"])
def test_a_pdf_that_is_of_no_page_is_refused(name: str, files: dict[str, bytes], release: PublicRelease) -> None:
    renamed = {**{each: files[each] for each in ("report.html", "groups.csv")}, name: files["report.pdf"]}
    with pytest.raises(DataError, match="not of a page"):
        refuse_other_pdfs(renamed, more(release), MAKER)


def test_what_is_no_pdf_is_refused(files: dict[str, bytes], release: PublicRelease) -> None:
    for content in (b"", b"%PDF-1.7\n", b"474", files["report.pdf"][:-2_000], files["report.html"]):
        with pytest.raises(DataError, match="cannot be read"):
            refuse_other_pdfs({**files, "report.pdf": content}, more(release), MAKER)


def test_nobody_else_makes_pdfs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.disclosure.pdf_gate.offers_of", lambda group, name: [])
    with pytest.raises(DataError, match="no maker of PDFs"):
        pdf_maker()


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(offered_by_this_version(tmp_path / "site"))


def released(folder: Path, renderer: str) -> dict[str, bytes]:
    audited = Audited(made_counts(2_000, 3, countries=2), "fail", (RULE,), ABOUT)
    made = release_from(
        folder / "restricted", into(folder / "public"), made_lattice(2, 1, 1), audited, made_method(), renderer
    )
    return dict(made.files)


@pytest.mark.usefixtures("offered")
def test_a_release_with_a_pdf_is_written(tmp_path: Path) -> None:
    files = released(tmp_path, "made.public_pdf:render")
    assert (tmp_path / "public" / "report.pdf").read_bytes() == files["report.pdf"]


@pytest.mark.usefixtures("offered")
def test_a_release_whose_pdf_says_more_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"report\.pdf prints a number that its page does not"):
        released(tmp_path, "made.public_pdf:render_more")
    assert not (tmp_path / "public").exists()
