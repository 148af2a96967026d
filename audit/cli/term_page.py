"""The page of a term in the terminal, from the one place that defines it."""

from __future__ import annotations

from typing import Final

from audit.cli.group_names import printable
from audit.cli.guard import ArgumentError
from audit.cli.metric_page import metric_list, metric_page
from audit.plan.file.metric_names import metric_called, metrics_like
from audit.vocabulary.metrics import METRICS
from audit.vocabulary.terms import TERMS, Term, term_called, terms_like

_WIDTH: Final = 80


def explained(word: str) -> str:
    """What the metric or term that is called `word` means. Raises ArgumentError, naming what is called alike."""
    metric = metric_called(word)
    if metric is not None:
        return metric_page(metric)
    term = term_called(word)
    if term is not None:
        return term_page(term)
    like = [*(metric.name for metric in metrics_like(word)), *(found.name for found in terms_like(word))][:4]
    hint = f"did you mean {' or '.join(like)}?" if like else f"known: {', '.join((*METRICS, *TERMS))}"
    raise ArgumentError(f'no metric or term is called "{printable(word[:60])}"', slug="unknown-term", hint=hint)


def term_page(term: Term) -> str:
    """A term as its page."""
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


def everything_listed() -> str:
    """Every metric and every term, one a line."""
    widest = max(map(len, TERMS))
    terms = [f"{term.name:<{widest}}  {_first_sentence(term.means, _WIDTH - widest - 2)}" for term in TERMS.values()]
    return "\n".join(["Rates:", metric_list(), "", "Terms:", *terms])


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, _WIDTH)


def _labelled(label: str, text: str) -> str:
    import textwrap

    return textwrap.fill(text, _WIDTH, initial_indent=f"  {label:<17}", subsequent_indent=" " * 19)


def _first_sentence(text: str, width: int) -> str:
    import textwrap

    return textwrap.shorten(text.partition(". ")[0].rstrip("."), width, placeholder=" …")
