"""A page in whose every text everything hostile stands, in a real browser: it is text there, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from made.hostile import everywhere

from reports.html import HtmlReporter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog

ATTACKS = (
    "</style></title></svg></table><script>alert(document.title='owned')</script>",
    "<img src=x onerror=\"alert(document.title='owned')\">",
    "\" onmouseover=\"alert(document.title='owned')\" x='",
    "<iframe srcdoc=\"<script>parent.document.title='owned'</script>\"></iframe>",
    "<base href=//example.org/><link rel=stylesheet href=//example.org/a.css>",
    "<meta http-equiv=refresh content='0;//example.org'>",
    "}body{display:none}*{background:url(//example.org/x)}",
    "<style>*{display:none}</style><details open ontoggle=alert(1)><svg onload=alert(1)>",
    "\u202ereversed\u2066\u2067\u2068\u200f",
    '=HYPERLINK("//example.org")\t@x\n',
    "<plaintext><!--<textarea>",
)
STRANGE = "img,iframe,base,link,object,embed,form,textarea,plaintext,[onload],[onerror],[onmouseover],[ontoggle]"
LOOKED_AT = """strange => {
    const text = document.documentElement.textContent
    const count = (pattern) => (text.match(pattern) || []).length
    return {
        title: document.title,
        scripts: document.scripts.length,
        strange: document.querySelectorAll(strange).length,
        policies: document.querySelectorAll('meta[http-equiv=Content-Security-Policy]').length,
        metas: document.querySelectorAll('meta').length,
        controls: count(/[\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2067\\u2068]/g),
        open: count(/\\u2066/g) - count(/\\u2069/g),
        shown: document.querySelector('h1').getBoundingClientRect().height,
        titled: document.querySelector('h1').textContent,
    }
}"""


def test_nothing_of_it_does_anything(browser: Browser, tmp_path: Path) -> None:
    """In Arabic, whose pages have directions of their own; another in English is in `test_report_in_browser.py`."""
    payload = " ".join(ATTACKS)
    file = tmp_path / "hostile.html"
    file.write_text(HtmlReporter().render(everywhere(lambda shown: f"{shown}{payload}"), ["ar"]), encoding="utf-8")
    asked: list[str] = []
    said: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: dismissed(dialog, said))
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    page.mouse.move(200, 200)
    page.wait_for_timeout(200)
    found = page.evaluate(LOOKED_AT, STRANGE)
    page.close()
    assert (asked, said) == ([file.as_uri()], [])
    assert found["title"] != "owned"
    assert (found["scripts"], found["strange"], found["policies"], found["metas"]) == (0, 0, 1, 5)
    assert (found["controls"], found["open"]) == (0, 0)
    assert found["shown"] > 10
    assert "[U+202E]reversed[U+2066][U+2067][U+2068][U+200F]" in found["titled"]


def dismissed(dialog: Dialog, said: list[str]) -> None:
    said.append(dialog.message)
    dialog.dismiss()
