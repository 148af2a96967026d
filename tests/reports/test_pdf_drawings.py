"""A drawing that takes its looks from the style of its page and its shapes from elsewhere is printed as it is drawn."""

from __future__ import annotations

import importlib
import re
from typing import Any

from made.pdfs import opened, require_pdf

from reports.pdf.engine import weasyprint
from reports.pdf.paper import pdf_of
from reports.pdf.sheet import SVG, self_contained

require_pdf()

PAGE = """<!doctype html><html lang="en"><head><title>t</title><style>
.c .i{y:9px;height:3px;fill:currentColor}.k-fail{color:#801650}.c{width:50%}.c use{stroke:#12436d}
.k-fail .i:hover::before{fill:red}@media screen{.i{fill:red}}
</style></head><body><svg class="defs" width="0" height="0"><defs>
<symbol id="m" viewBox="-7 -7 14 14"><circle r="5" fill="#4f585e"/></symbol><path id="p" d="M0 0h3v3z"/></defs></svg>
<svg class="c k-fail" width="90" height="20"><title>a</title><rect class="i" x="5%" width="20%"/>
<use href="#p" x="30%"/></svg>
<svg class="m" width="14" height="14"><use href="#m"/></svg><svg width="9" height="9"><use href="#nowhere"/></svg>"""


def drawings() -> list[Any]:
    root = weasyprint().HTML(string=PAGE).etree_element
    self_contained(root)
    body = root.find("body")
    return [child for child in body if child.tag == f"{SVG}svg"]


def test_the_style_of_the_page_is_written_on_what_is_drawn() -> None:
    _, chart, *_ = drawings()
    bar = chart.find(f"{SVG}rect")
    assert {name: bar.get(name) for name in ("x", "y", "width", "height", "fill")} == {
        "x": "5%",
        "y": "9px",
        "width": "20%",
        "height": "3px",
        "fill": "#801650",
    }
    assert (chart.get("width"), chart.get("height")) == ("90", "20")


def test_a_shape_of_elsewhere_stands_where_it_is_used_and_has_no_name() -> None:
    defined, chart, mark, empty = drawings()
    put = chart.find(f"{SVG}svg")
    assert (put.get("x"), put.get("stroke"), put.get("href")) == ("30%", "#12436d", None)
    assert put.find(f"{SVG}path").attrib == {"d": "M0 0h3v3z"}
    framed = mark.find(f"{SVG}svg")
    assert (framed.get("viewBox"), framed.get("width")) == ("-7 -7 14 14", "100%")
    assert framed.find(f"{SVG}circle").get("fill") == "#4f585e"
    assert [each.get("id") for each in defined.iter() if each.get("id")] == ["m", "p"]
    assert empty.find(f"{SVG}use").get("href") == "#nowhere"


def test_it_is_printed_in_its_colours() -> None:
    (sheet,) = opened(pdf_of(PAGE, {})).pages
    drawn = sheet.get_contents().get_data().decode("latin-1")
    drawn += "".join(
        each.get_object().get_data().decode("latin-1") for each in sheet["/Resources"]["/XObject"].values()
    )
    filled = set(re.findall(r"([\d.]+ [\d.]+ [\d.]+) rg", drawn))
    assert {"0.501961 0.086275 0.313725", "0.309804 0.345098 0.368627"} <= filled


def test_the_engine_still_needs_that() -> None:
    """Without it nothing of the colour would be there; when this fails, the module can go."""
    content = importlib.import_module("weasyprint").HTML(string=PAGE).write_pdf()
    drawn = opened(content).pages[0].get_contents().get_data().decode("latin-1")
    assert "0.501961 0.086275 0.313725 rg" not in drawn
