"""Every sentence of the page comes through the catalog, so that a catalog is all that a further language needs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from made.pages import parsed
from made.pseudo import PSEUDO, data, letters, outside_brackets, sentences
from made.second_looks import further_result, unnamed_result

from audit.result.audit_result import AuditResult
from reports.html import render_page
from reports.language import ENGLISH, Language


def pseudo(result: AuditResult) -> str:
    return render_page(result, PSEUDO)


@pytest.mark.parametrize("kind", ["further", "answers", "unnamed"])
def test_no_sentence_bypasses_the_catalog(
    kind: str, few_further: AuditResult, passing: AuditResult, few: AuditResult
) -> None:
    """What stands outside is data: names, codes and words of the plan. Sentences of the result are no such data."""
    kinds: dict[str, Callable[[], AuditResult]] = {
        "further": lambda: few_further,
        "answers": lambda: further_result(passing),
        "unnamed": lambda: unnamed_result(few),
    }
    result = kinds[kind]()
    page = parsed(pseudo(result))
    shown = {outside_brackets(sentence) for sentence in sentences(page)} - {""}
    held = result.model_dump(mode="json", exclude={"notices", "safeguards", "metrics", "system"})
    del held["further"]["crosscheck"]
    known = " | ".join({letters(text) for text in data(held)})
    known += " | " + " | ".join(letters(each.words) for each in result.safeguards)
    known += " | " + " | ".join(letters(f"{each.name} {each.formula}") for each in result.metrics)
    known += " | " + " | ".join(letters(each.library) for each in result.further.crosscheck)
    known += " | " + letters(result.system.kind)
    made = result.provenance
    known += " | " + letters(f"{made.tool}, Python {made.python}, {made.platform}")
    known += " | " + letters(" ".join(sorted(made.packages)))
    known += " | gender nationality | november | d | ρ ρ | none"
    assert {piece for piece in shown if piece not in known} == set()
    assert kind == "answers" or len(shown) > 40, "names of groups are data and stand outside"


def test_labels_of_cells_and_drawings_come_from_the_catalog_too(few_further: AuditResult) -> None:
    page = pseudo(few_further)
    labels = re.findall(r' aria-label="([^"]*)"', page)
    assert labels
    assert {label for label in labels if outside_brackets(html.unescape(label))} == set()
    heads = re.findall(r'content:"([^"]*)"', page)
    assert len(heads) > 40
    known = {"", " / ", " · "}
    assert {head for head in heads if not head.startswith("\\27e6 ") and head not in known} == set()


def test_a_sentence_without_a_form_is_marked_as_english(few_further: AuditResult) -> None:
    unknown = "What nobody has a form for, <b>."
    first, *others = few_further.safeguards
    changed = few_further.model_copy(update={"safeguards": (first.model_copy(update={"evidence": unknown}), *others)})
    page = pseudo(changed)
    assert f'<bdi lang="en" dir="ltr">{html.escape(unknown)}</bdi>' in page
    assert first.evidence not in page, "it has a form, and stands in brackets"


def test_direction_and_language_stand_on_the_root(few: AuditResult) -> None:
    root = parsed(render_page(few, Language("ar", "rtl")))
    assert (root.get("lang"), root.get("dir")) == ("ar", "rtl")


def test_dates_are_written_out_and_nonsense_is_left_alone() -> None:
    assert ENGLISH.date("2026-11-04T09:00:00Z") == "4 November 2026"
    assert ENGLISH.date("soon") == "soon"


def test_the_style_sheet_uses_logical_directions_only(failing_html: str) -> None:
    style = failing_html[failing_html.index("<style>") : failing_html.index("</style>")]
    physical = (
        r"(?:margin|padding|border|inset)-(?:left|right|top|bottom)|text-align:(?:left|right)|[;{](?:left|right):"
    )
    assert not re.findall(physical, style)
