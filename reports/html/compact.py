"""Page size: labels of cells are written once, and end tags and quotes that HTML does not need are left out.

A page has some thousand labelled cells and some forty labels. Each label is written once, in the style sheet, and cells
refer to it by its number. Written out in every cell, labels would be a tenth of the page.
"""

from __future__ import annotations

import html
import re
from typing import Final

from reports.html.environment import css_string
from reports.html.spaces import spaced
from reports.language import Language

_LABEL: Final = re.compile(r' data-l="([^"]*)"')
"""An attribute of this project. Quotes in anyone's text are escaped, so no such text matches."""


_ENDS: Final = re.compile(r"</t[dhr]>(?=\s*<(?:t[dhr]\b|/t(?:r|body|head)>))")
"""The end of a cell or row, where the next cell or row, or the end of the table's part, ends it as well."""


_QUOTES: Final = re.compile(r"""( [a-z][\w-]*=)"([\w%.#-]+)"(?:(?=[ >])|(/))""")
"""Attributes whose quotes HTML does not need. One that stands before "/>" would take the stroke into its value."""


_OFTEN: Final = re.compile(r"<(?:td|th|tr|svg|rect|circle|use|b)\b[^>]*>")
"""The tags that a page has some thousand times."""


def unquoted(body: str) -> str:
    """Return `body`, which is finished, without quotes that HTML does not need. Its cells and drawings have ten
    thousand.
    """
    return _OFTEN.sub(lambda tag: _QUOTES.sub(_bare, tag[0]), body)


def _bare(attribute: re.Match[str]) -> str:
    return f"{attribute[1]}{attribute[2]}{' /' if attribute[3] else ''}"


def compacted(body: str, language: Language, scope: str) -> tuple[str, str]:
    """Return `body` with numbered labels and without needless end tags and quotes, and the style rules that hold the
    labels. `scope` is the beginning of each rule.
    """
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f' data-l="{places.setdefault(found[1], len(places) + 1)}"'

    body = _LABEL.sub(number, _ENDS.sub("", body))
    rules = "".join(
        f'{scope}[data-l="{place}"]::before{{content:{css_string(spaced(html.unescape(label), language))}}}\n'
        for label, place in places.items()
    )
    return body, f"@media (max-width:44rem){{\n{rules}}}\n" if rules else ""
