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
            conclusion: T = end.value
            return conclusion
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
        questions: dict[int, tuple[Question, ...]] = {}
        for index, answer in answers.items():
            try:
                questions[index] = checks[index].send(answer)
            except StopIteration as end:
                results[index] = end.value
            except AuditError as refusal:  # checks before this one go on, and later ones have no say
                error = refusal
                break
        together = iter(
            (yield tuple(question for batch in questions.values() for question in batch)) if questions else ()
        )
        answers = {index: list(islice(together, len(batch))) for index, batch in questions.items()}
    if error is not None:
        raise error
    return results


def ask(question: Question) -> Check[Any]:
    """Ask one question."""
    (answer,) = yield (question,)
    return answer


def refuse_rows(relation: Relation, condition: str, wrong: str, *, slug: str, hint: str = "") -> Check[None]:
    """Raise DataError if rows meet an SQL condition: what is `wrong`, in how many rows and in which."""
    rows: Found = yield from ask(Where(condition))
    if rows.number:
        raise DataError(f"{shown(relation.source_name)}: {wrong} in {rows_text(*rows)}", slug=slug, hint=hint)
