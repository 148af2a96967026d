"""Layout of a report: its part in each language, and all in one file, of which the reader sees the one chosen.

With several languages, the choice is a group of radio buttons, with a style rule for each. There is no script, and
every part is in the file. A browser that does not know `:has()` shows the parts one after another. Where languages
stand together, the ids of each begin with its code, so that no id occurs twice and links stay within their language.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reports.html.environment import Finished, environment, isolated, spaced
from reports.language import Language

_IDS: Final = re.compile(r'( (?:id|for|aria-labelledby)="| href="#|="url\(#)(?=[^"]*")')
"""Places where an id is set or referred to. Quotes in anyone's text are escaped, so no such text matches."""


@dataclass(frozen=True, slots=True)
class Part:
    """The report in one language."""

    language: Language
    heading: str
    word: str
    """This language's word for the choice of a language."""
    notice: str
    """The notice of who may read it, at the head of every sheet of paper."""
    body: Finished
    heads: str
    """Style rules that hold words: heads of columns on a narrow screen."""


def scope_of(language: Language, *, several: bool) -> str:
    """Return the beginning of style rules that hold words of a language."""
    return f".in-{language.short} " if several else ""


def part_in(language: Language, heading: str, notice: str, body: str, heads: str, *, several: bool) -> Part:
    """Return the part of a language: its ids unique to it, numbers kept in their order, and texts of others marked as
    in no known language.
    """
    body = spaced(body, language)
    if language.direction == "rtl":
        body = isolated(body)
    if several:
        body = _IDS.sub(rf"\g<1>{language.short}-", body)
    if not language.is_english:
        body = body.replace("<bdi>", '<bdi lang="">')  # in a language that nobody has named
    word = language.translations.gettext("Language")
    return Part(language, heading, word, notice, Finished(body.rstrip("\n")), heads)


def one_file(
    parts: Sequence[Part], title: str, *, folder: Path | None = None, styles: Sequence[str] = ("style.css",)
) -> str:
    """Return the whole file: these parts, the first of them chosen, in these styles."""
    outer = environment(parts[0].language, folder)
    notice = " / ".join(dict.fromkeys(part.notice for part in parts))
    style = "".join(outer.get_template(name).render(notice=notice) for name in styles)
    style += "".join(part.heads for part in parts)
    if len(parts) > 1:
        style += outer.get_template("switch.css").render(parts=parts)
    return outer.get_template("report.html").render(
        parts=parts,
        title=title,
        style=Finished(style),
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
