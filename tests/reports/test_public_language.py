"""Every sentence of the public page comes through the catalog, so that a catalog is all that a language needs."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from made.pages import parsed
from made.pseudo import PSEUDO, data, letters, outside_brackets, sentences
from made.public import made

import reports.public.html
from audit.disclosure.words import public_release
from audit.public.table import PublicRelease
from reports.public.html.document import document

_SHAPES = ("\\25b2", "\\25cf", "\\25cb")
"""Triangle, filled circle, circle: the marks of states on paper, which are no words."""


def variants() -> dict[str, PublicRelease]:
    """Releases that between them say all that a page can say."""
    small = made("small")
    other = small.rules[0].model_copy(update={"rule": "o", "metric": "accuracy", "worse": ("low", "high")})
    plain = {"auditor": "", "limits_set_by": "", "valid_until": None, "looks": (), "safeguards": (), "digests": ()}
    bare = small.about.model_copy(update={**plain, "features": ("advert",), "weighted": True, "clustered": True})
    return {
        **{kind: made(kind) for kind in ("small", "unnamed", "undecided", "passing", "refused")},
        "other limits": public_release(small.table, "fail", (*small.rules, other), small.about),
        "bare": small.model_copy(update={"about": bare}),
    }


@pytest.mark.parametrize("kind", variants())
def test_no_sentence_bypasses_the_catalog(kind: str) -> None:
    """What stands outside is data: names of groups and words of the plan."""
    release = variants()[kind]
    page = document(release, [PSEUDO])
    shown = {outside_brackets(sentence) for sentence in sentences(parsed(page))} - {""}
    held = [release.table.model_dump(mode="json"), release.about.model_dump(mode="json", exclude={"safeguards"})]
    known = " | ".join({letters(text) for text in data(held)})
    known += " | " + " | ".join(letters(each.words) for each in release.about.safeguards)
    known += " | november"
    assert {piece for piece in shown if piece not in known} == set()
    labels = re.findall(r' (?:data-l|aria-label)="([^"]*)"', page)
    assert {label for label in labels if outside_brackets(html.unescape(label))} == set()
    heads = set(re.findall(r'content:"([^"]*)"', page)) - {"", " / ", " · ", *_SHAPES}
    allowed = {head for head in heads if head.startswith("\\27e6 ")}
    assert heads == allowed


def test_no_template_filters_a_constant() -> None:
    """The compiler would work it out once, in the language of whichever page comes first."""
    folder = Path(reports.public.html.__file__).with_name("templates")
    for template in folder.iterdir():
        assert not re.findall(r"\{\{\s*[\d\"'][^}]*\|", template.read_text(encoding="utf-8")), template.name
