"""Page of a term in the terminal, from the one place that defines it."""

from __future__ import annotations

import textwrap
from typing import Final

from audit.errors import ArgumentError
from audit.vocabulary.metrics import METRICS, Metric, Worse, metric_called, metrics_like
from audit.vocabulary.terms import TERMS, Term, term_called, terms_like
from audit.vocabulary.text import printable

_WIDTH: Final = 80


def explain_word(word: str) -> str:
    """Explain the metric or term that is called `word`. Raises ArgumentError, naming what is called alike."""
    metric = metric_called(word)
    if metric is not None:
        return metric_page(metric)
    term = term_called(word)
    if term is not None:
        return term_page(term)
    like = [*(metric.name for metric in metrics_like(word)), *(close_term.name for close_term in terms_like(word))][:4]
    hint = f"did you mean {' or '.join(like)}?" if like else f"known: {', '.join((*METRICS, *TERMS))}"
    raise ArgumentError(f'no metric or term is called "{printable(word[:60])}"', slug="unknown-term", hint=hint)


def term_page(term: Term) -> str:
    """Write the page of a term."""
    lines = [
        term.name,
        "",
        _wrapped(term.means),
        "",
        _labelled("How to read it", term.read),
        _labelled("It does not say", term.not_said),
        _labelled("Also called", ", ".join(term.also_called)),
        _labelled("More", f"docs/{term.page}"),
    ]
    return "\n".join(lines)


def list_everything() -> str:
    """List every metric and every term, one a line."""
    widest = max(map(len, TERMS))
    terms = [f"{term.name:<{widest}}  {_first_sentence(term.means, _WIDTH - widest - 2)}" for term in TERMS.values()]
    return "\n".join(["Rates:", metric_list(), "", "Terms:", *terms])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH)


def _labelled(label: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"  {label:<17}", subsequent_indent=" " * 19)


def _first_sentence(text: str, width: int) -> str:
    return textwrap.shorten(text.partition(". ")[0].rstrip("."), width, placeholder=" …")


_WORSE = {
    Worse.LOW: "a low rate harms the group",
    Worse.HIGH: "a high rate harms the group",
    Worse.BY_ROUTE: "where flags lead to services a low rate harms, where they lead to enforcement a high one",
    Worse.NOT_JUDGED: "a property of the labels, not of the detector: no rule can be set on it",
}

_KNOWN = {
    "labels": "the labels: group sizes are known before anything is scored",
    "decisions": "the detector's decisions: group sizes are known only after scoring",
    "cases": "every scored case, labelled or not",
}


def metric_page(metric: Metric) -> str:
    """Write the page of a metric."""
    lines = [
        f"{metric.name}: {metric.plain}",
        "",
        metric.definition,
        "",
        f"  In counts     {metric.formula}",
        f"  In words      {metric.counted}, among {metric.among}",
        f"  Harm          {_WORSE[metric.worse]}",
        f"  Counted over  {_KNOWN[metric.denominator_is]}",
        f"  Also called   {', '.join(metric.also_called)}",
    ]
    if metric.worse is not Worse.NOT_JUDGED:
        lines += ["", "  In a plan     [[rules]]", f'                metric = "{metric.name}"']
    return "\n".join(lines)


def metric_list() -> str:
    """List every metric, one a line."""
    widest = max(len(name) for name in METRICS)
    return "\n".join(_list_line(metric, widest) for metric in METRICS.values())


def _list_line(metric: Metric, widest: int) -> str:
    return f"{metric.name:<{widest}}  {metric.plain} ({metric.formula})"
