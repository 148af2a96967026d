"""Searches for evidence and what they find. A state always comes with the fields that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass

from audit.result.findings.safeguards import EvidenceState
from audit.safeguards.result_view import ResultView
from audit.vocabulary.sentences import Sentence, Value, counted, english, sentence

Said = str | Sentence | tuple[str | Sentence, ...]
"""One sentence or several. A sentence without values may stand as its key alone."""


@dataclass(frozen=True, slots=True)
class FoundEvidence:
    """A state, its evidence in sentences, and the fields of the result that hold it."""

    state: EvidenceState
    sentences: tuple[Sentence, ...]
    rests_on: tuple[str, ...]
    date: str | None = None

    @property
    def evidence(self) -> str:
        """The sentences in English."""
        return english(self.sentences)


@dataclass(frozen=True, slots=True)
class Search:
    """A search for one kind of evidence, and the states that it can return."""

    find: Callable[[ResultView], FoundEvidence]
    states: tuple[EvidenceState, ...] = ("measured", "not_shown")


def measured(sentences: Said, *rests_on: str) -> FoundEvidence:
    """Return evidence that is measured. `rests_on` names the fields of the result that hold the numbers; at least one
    is needed.
    """
    if not rests_on:
        raise ValueError("measured, and on nothing")
    return FoundEvidence("measured", _sentences(sentences), rests_on)


def declared(sentences: Said, *rests_on: str, date: str | None = None) -> FoundEvidence:
    """Return evidence that the operator declares in these fields of the plan, on a day that the operator gives."""
    if not rests_on or not all(field.startswith("plan.") for field in rests_on):
        raise ValueError("declared, and nowhere in the plan")
    return FoundEvidence("declared", _sentences(sentences), rests_on, date)


def not_shown(sentences: Said) -> FoundEvidence:
    """Return that evidence is neither measured nor declared."""
    return FoundEvidence("not_shown", _sentences(sentences), ())


def stated(key: str, known: Sized, rests_on: str = "estimates", noun: str = "group", **values: Value) -> FoundEvidence:
    """Return measured evidence in the sentence `key`, which counts what is known, or `no_key` if nothing is known."""
    if not known:
        return not_shown(f"no_{key}")
    return measured(sentence(key, **{f"{noun}s": counted(len(known), noun)}, **values), rests_on)


def _sentences(sentences: Said) -> tuple[Sentence, ...]:
    several = sentences if isinstance(sentences, tuple) else (sentences,)
    return tuple(sentence(part) if isinstance(part, str) else part for part in several)
