"""Checks of a set as questions about its rows: what several ask at a time is asked in one scan.

A check is a generator that yields questions, is sent their answers, and returns what it found out. Messages name rows
by their numbers, never by their content.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from audit.engines.protocol import Found, Question, Where, identifier
from audit.engines.read_errors import reading
from audit.errors import AuditError, DataError
from audit.evaluation.relation import Relation
from audit.vocabulary.text import rows_text, shown

if TYPE_CHECKING:
    from audit.engines.protocol import Engine

T = TypeVar("T")
Check = Generator[tuple[Question, ...], Any, T]


def run_check(engine: Engine, relation: Relation, check: Check[T]) -> T:
    """Return what a check finds out about a relation.

    Raises
    ------
    DataError
        What it checks does not hold, or rows cannot be read.
    StorageError
        There is no room, or the engine is gone.
    """
    answers: list[Any] | None = None
    while True:
        try:
            questions = check.send(answers)
        except StopIteration as end:
            found: T = end.value
            return found
        with reading(relation.source_name):
            answers = engine.answers(identifier(relation.name), questions)


def alongside(*checks: Check[Any]) -> Check[list[Any]]:
    """Ask the questions of several checks together, round by round; return what each finds out.

    Raises the error of the first check that has one, as if they were asked one after the other.
    """
    results: list[Any] = [None] * len(checks)
    answers: dict[int, list[Any] | None] = dict.fromkeys(range(len(checks)))
    error: AuditError | None = None
    while answers:
        asked: dict[int, tuple[Question, ...]] = {}
        for place, given in answers.items():
            try:
                asked[place] = checks[place].send(given)
            except StopIteration as end:
                results[place] = end.value
            except AuditError as found:  # checks before this one go on, and later ones have no say
                error = found
                break
        together = iter((yield tuple(each for own in asked.values() for each in own)) if asked else ())
        answers = {place: list(islice(together, len(own))) for place, own in asked.items()}
    if error is not None:
        raise error
    return results


def ask(question: Question) -> Check[Any]:
    """Ask one question."""
    (answer,) = yield (question,)
    return answer


def refuse_rows(relation: Relation, condition: str, wrong: str, *, slug: str, hint: str = "") -> Check[None]:
    """Raise DataError if rows meet an SQL condition: what is `wrong`, in how many rows and in which."""
    found: Found = yield from ask(Where(condition))
    if found.number:
        raise DataError(f"{shown(relation.source_name)}: {wrong} in {rows_text(*found)}", slug=slug, hint=hint)
