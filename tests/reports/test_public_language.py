"""Every sentence of the public page comes through the catalog, so that a catalog is all that a language needs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from made.pages import parsed
from made.pseudo import PSEUDO, data, letters, outside_brackets, sentences
from made.public import rare, with_about
from made.releases import made_release

import reports.public.html
from audit.public.release import PublicRelease
from reports.html.resolution import NOT_ASSOCIATED
from reports.public.html.document import html_file


def bare() -> PublicRelease:
    plain = {"auditor": "", "limits_set_by": "", "looks": (), "safeguards": (), "digests": {}, "frameworks": ()}
    return with_about(made_release("inconclusive"), **plain, features=("advert",), probe_rules=1)


VARIANTS: dict[str, Callable[[], PublicRelease]] = {
    "rare": rare,
    "bare": bare,
    **{kind: partial(made_release, kind) for kind in ("pass", "inconclusive", "none")},
}
"""Releases that between them say all that a page can say."""


@pytest.mark.parametrize("kind", VARIANTS)
def test_no_sentence_bypasses_the_catalog(kind: str) -> None:
    """What stands outside is data: names of groups, numbers and words of the plan."""
    release = VARIANTS[kind]()
    page = html_file(release, [PSEUDO])
    shown = {outside_brackets(sentence) for sentence in sentences(parsed(page))} - {""}
    held = release.model_dump(mode="json", include={"features": True, "about": True, "waivers": True})
    written = {letters(text) for text in data([held])} | {letters(NOT_ASSOCIATED), "january", "june", "december"}
    known = " | ".join(written)
    names = sorted({letters(level.name) for feature in release.features for level in feature.levels}, key=len)
    assert {piece for piece in shown if piece not in known and without(piece, names)} == set()
    labels = re.findall(r' (?:data-l|aria-label)="([^"]*)"', page)
    assert {label for label in labels if outside_brackets(html.unescape(label))} == set()
    heads = set(re.findall(r'content:"([^"]*)"', page)) - {"", " / ", " · "}
    assert heads == {head for head in heads if head.startswith("\\27e6 ")}


def without(piece: str, names: list[str]) -> str:
    """What is left of a list of names whose commas are of the catalog."""
    for name in reversed(names):
        piece = piece.replace(name, "")
    return piece.strip()


def test_no_template_filters_a_constant() -> None:
    """The compiler would work it out once, in the language of whichever page comes first."""
    folder = Path(reports.public.html.__file__).with_name("templates")
    for template in folder.iterdir():
        assert not re.findall(r"\{\{\s*[\d\"'][^}]*\|", template.read_text(encoding="utf-8")), template.name
