"""A public renderer that prints its page as well, and one that prints another number."""

from __future__ import annotations

import re

from made.disclosure import render as render_files

from audit.public.table import PublicRelease, public_json
from reports.pdf import pdf_of

PAGE = """<!doctype html><html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>Fails · Screener 2.3</title>
<style>@page{{size:A6;@bottom-center{{content:counter(page) " / " counter(pages)}}}}td{{padding:2px}}
table{{inline-size:12rem}}td.long{{overflow-wrap:anywhere;inline-size:3rem}}</style></head><body>
<p class="audience">Public: figures changed by at most 5</p><h1><bdi>Screener 2.3</bdi></h1>{body}
<svg width="40" height="9" role="img"><title>62 to 71 per cent</title><rect width="62%" height="9"/>
<text x="1" y="8" font-size="8">62%</text></svg><ol><li>one</li><li>two</li></ol>
<p>Digest <code>9f86d081884c7d659a2feaa0c55ad015</code>, 17 March 2027</p></body></html>"""


def attached(release: PublicRelease) -> dict[str, bytes]:
    """What is attached to the PDF."""
    return {"groups.csv": render_files(release)["groups.csv"], "release.json": public_json(release).encode()}


def page_of(release: PublicRelease, lang: str = "en", direction: str = "ltr") -> str:
    """A page with a table over several sheets."""
    made = render_files(release)
    table = re.search("<table>.*</table>", made["report.html"].decode(), re.DOTALL)
    assert table is not None
    rows = table[0].replace("<table>", "<table><thead><tr><th>Group<th>0%<th>100%</tr></thead><tbody>")
    rows = re.sub(r'(<tr data-group="([^"]*)">)', r"\1<th class=long>\2</th>", rows)
    return PAGE.format(lang=lang, dir=direction, body=rows)


def printed(release: PublicRelease, lang: str = "en", direction: str = "ltr", *, more: str = "") -> dict[str, bytes]:
    """Such a page, its CSV, and the PDF of both; `more` stands in the PDF alone."""
    page = page_of(release, lang, direction)
    return {
        "report.html": page.encode(),
        "groups.csv": render_files(release)["groups.csv"],
        "report.pdf": pdf_of(page.replace("</h1>", f"</h1>{more}"), attached(release), None),
    }


def render(release: PublicRelease) -> dict[str, bytes]:
    """The files of a release."""
    return printed(release)


def render_more(release: PublicRelease) -> dict[str, bytes]:
    """The same, and a number in the PDF that the page does not have."""
    return printed(release, more="<p>474</p>")
