"""The public page on paper: it passes its gate, says whom it is for, and holds the files of the release."""

from __future__ import annotations

import pytest
from made.pdfs import opened, require_pdf, root_of
from made.public import in_languages, made

from audit.disclosure.pdf_gate import refuse_other_pdfs
from audit.disclosure.pdf_text import read_pdf
from audit.public.table import public_json
from reports.pdf.public import PublicPdfReporter
from reports.public.csv_file import PublicCsvReporter
from reports.public.html import PublicHtmlReporter

require_pdf()


def beginning(page: str) -> str:
    return page.partition('<section aria-labelledby="region">')[0] + "</main></body></html>"


@pytest.mark.parametrize("codes", [("en",), ("ar",)])
def test_the_public_page_is_printed_and_passes(monkeypatch: pytest.MonkeyPatch, codes: tuple[str, ...]) -> None:
    """The whole of it, and from right to left its beginning: either takes the time of two PDFs."""
    release = in_languages(made("tiny"), *codes)
    if codes == ("ar",):
        page = beginning(PublicHtmlReporter().render(release))
        monkeypatch.setattr(PublicHtmlReporter, "render", lambda *_: page)
    files = {
        "report.html": PublicHtmlReporter().render(release).encode(),
        "groups.csv": PublicCsvReporter().render(release).encode(),
        "report.pdf": PublicPdfReporter().render(release),
    }
    document = opened(files["report.pdf"])
    assert root_of(document)["/Lang"] == codes[0]
    release_json = public_json(release).encode()
    assert {name: content for name, (content,) in document.attachments.items()} == {
        "groups.csv": files["groups.csv"],
        "release.json": release_json,
    }
    refuse_other_pdfs(files, {"release.json": release_json}, "reports.pdf:pdf_of")
    if codes == ("en",):
        heads = {line.sheet for line in read_pdf("report.pdf", files["report.pdf"]).lines if "Public: " in line.text}
        assert heads == set(range(1, len(document.pages) + 1))
