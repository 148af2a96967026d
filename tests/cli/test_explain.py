"""What `explain` says of the terms of reports: found by any name, short enough to read, and never a word of mood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from audit.cli.pages.term_page import explain_word, list_everything, term_page
from audit.errors import ArgumentError
from audit.vocabulary.metrics import metric_called
from audit.vocabulary.terms import TERMS, Term, plain_name, term_called

DOCS = Path(__file__).parents[2] / "docs"
ASKED_FOR = (
    "weights", "Hajek", "cluster", "effective cases", "degrees of freedom", "AUC", "within-group AUC", "calibration",
    "threshold sweep", "top-k", "intersection", "ladder", "judged as part", "funnel limits", "shrunk",
    "empirical Bayes",
    "unnamed fail", "test of all equal", "max-T", "spread between groups", "generalized entropy index",
    "like with like", "Mantel-Haenszel", "label flips", "Rogan-Gladen", "worst-case bounds", "unknown features",
    "selective labels", "control sample", "bias amplification", "reference table", "subgroup scan", "penalty",
    "cost matrix", "own measure", "cross-check", "prevalence at deployment", "alpha", "coverage", "p-value", "interval",
    "power", "smallest decidable gap", "minimum detectable disparity",
    "counterfactual probe", "swap test", "anchor", "counterfactual_shift",
)  # fmt: skip
FORBIDDEN = re.compile(r"\b(?:un)?fair\b|unbiased|debiased|compliant", re.IGNORECASE)


@pytest.mark.parametrize("word", ASKED_FOR)
def test_every_term_that_reports_use_is_explained(word: str) -> None:
    if term_called(word) is None:
        with pytest.raises(ArgumentError) as shown:
            explain_word(word)
        assert "did you mean" in (shown.value.hint or "")
        assert word == "unknown features"
        return
    page = explain_word(word)
    assert "How to read it" in page
    assert "It does not say" in page


@pytest.mark.parametrize("term", TERMS.values(), ids=lambda term: term.name)
def test_a_term_is_short_plain_and_has_a_page_that_exists(term: Term) -> None:
    sentences = re.findall(r"[.?!](?:\s|$)", term.means)
    assert 1 <= len(sentences) <= 4
    for text in (term.means, term.read, term.not_said):
        assert text.rstrip("”").endswith(".")
        assert text[0].isupper() or not text[0].isalpha()
        assert not FORBIDDEN.search(text)
    assert (DOCS / term.page).exists()
    page = term_page(term)
    assert page.startswith(f"{term.name}\n")
    assert max(map(len, page.splitlines())) <= 80


def test_no_name_means_two_things() -> None:
    named = {term.name: {plain_name(name) for name in (term.name, *term.also_called)} for term in TERMS.values()}
    names = [name for of_one in named.values() for name in of_one]
    assert len({*names}) == len(names)
    assert not [name for name in names if metric_called(name) is not None]


def test_an_unknown_term_names_the_nearest_known() -> None:
    for word, near in (("calibratoin", "calibration"), ("funel", "funnel limits"), ("recal", "true_positive_rate")):
        with pytest.raises(ArgumentError) as shown:
            explain_word(word)
        assert near in (shown.value.hint or "")


def test_the_list_fits_the_terminal() -> None:
    lines = list_everything().splitlines()
    assert {line.split("  ")[0] for line in lines} >= set(TERMS)
    assert max(len(line) for line in lines[lines.index("Terms:") :]) <= 80


def test_the_glossary_has_every_term() -> None:
    text = (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")
    for term in TERMS.values():
        assert f"\n## {term.name}\n\n{term.means}\n" in text
