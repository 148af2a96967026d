"""Read the reply of a service, strict JSON: every row of the batch gets its answer, or the reason why it has none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from audit.detectors.answers import INVALID_OUTPUT, CheckedAnswers, read_answers
from audit.detectors.http_service.outcome import NO_ANSWER, OUT_OF_ORDER, UNREADABLE, Failure
from audit.detectors.protocol import REASONS, Answers, Reason
from audit.errors import DetectorError
from audit.vocabulary.strict_json import ABSENT, Constant, parsed

_PLACE: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class ReplyReader:
    """The places of the answers in a reply, as the plan states them."""

    answers_at: str
    score_at: str
    id_at: str | None
    answers: Answers
    score_range: tuple[float, float]
    classes: tuple[str, ...] = ()

    def read(self, body: bytes, row_ids: Sequence[int], *, where: str) -> CheckedAnswers:
        """Read a reply.

        Parameters
        ----------
        body : bytes
            The reply, unpacked.
        row_ids : sequence of n int
            The rows that were asked about, in their order.
        where : str
            Who answered which batch, to begin an error with.

        Returns
        -------
        CheckedAnswers
            The answers to n rows.

        Raises
        ------
        DetectorError
            The first batch has decisions, and the plan expects scores.
        """
        count = len(row_ids)
        document, constants = parsed(body)
        answers = _at(document, self.answers_at)
        if not isinstance(answers, list):
            return UNREADABLE.rows(count)
        indices = self._places(answers, row_ids)
        if isinstance(indices, Failure):
            return indices.rows(count)
        values: list[Any] = [ABSENT] * count
        for answer, index in zip(answers, indices, strict=True):
            values[index] = _at(answer, self.score_at)
        if constants != sum(isinstance(value, Constant) for value in values):
            return UNREADABLE.rows(count)
        answered = set(indices)
        unreadable = [index for index in answered if values[index] is ABSENT]
        unanswered = [index for index in range(count) if index not in answered]
        checked = self._checked([None if value is ABSENT else value for value in values], row_ids, where)
        return _with_failures(_with_failures(checked, unreadable, Reason.UNREADABLE), unanswered, Reason.NO_ANSWER)

    def _places(self, answers: list[Any], row_ids: Sequence[int]) -> Sequence[int] | Failure:
        """The place in the batch of each answer."""
        if not answers:
            return NO_ANSWER
        if self.id_at is None:
            return range(len(row_ids)) if len(answers) == len(row_ids) else OUT_OF_ORDER
        answer_ids = [_as_id(_at(answer, self.id_at)) for answer in answers]
        if None in answer_ids:
            return UNREADABLE
        index_by_id = {row_id: at for at, row_id in enumerate(row_ids)}
        indices = [index_by_id.get(row_id, -1) for row_id in answer_ids if row_id is not None]
        rising = all(before < after for before, after in zip([-1, *indices], indices, strict=False))
        return indices if rising else OUT_OF_ORDER

    def _checked(self, values: list[Any], row_ids: Sequence[int], where: str) -> CheckedAnswers:
        try:
            return self._read(values, where)
        except DetectorError:
            # true and false instead of scores: in the first batch the plan is wrong, later the service
            if row_ids[0] == 0:
                raise
            return _with_failures(
                self._read([None] * len(values), where),
                [index for index, value in enumerate(values) if value is not None],
                Reason.NOT_A_NUMBER,
            )

    def _read(self, values: list[Any], where: str) -> CheckedAnswers:
        return read_answers(values, len(values), self.answers, self.score_range, where=where, classes=self.classes)


def _with_failures(checked: CheckedAnswers, places: Sequence[int], reason: Reason) -> CheckedAnswers:
    """Copy the answers and let the rows at `places` fail."""
    if not places:
        return checked
    scores, status, why = checked.scores.copy(), checked.status.copy(), checked.reason.copy()
    scores[places], status[places], why[places] = np.nan, INVALID_OUTPUT, REASONS.index(reason)
    return CheckedAnswers(scores, status, why)


def _at(value: Any, path: str) -> Any:
    """The value at a path of keys and places; `ABSENT` if there is none."""
    if not path:
        return value
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part, ABSENT)
        elif isinstance(value, list) and _PLACE.fullmatch(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def _as_id(value: Any) -> int | None:
    """Read a row id as a service may repeat it: the number that was sent, or its digits as text."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and str(int(value[:18])) == value:
        return int(value)
    return None
