"""Read the answers of a program under audit: one line a row, in the order of the rows.

    {"row_id": 17, "score": 0.7}      {"row_id": 17, "decision": true}
    {"row_id": 17, "class": "forced labour"}
    {"row_id": 17, "abstain": true}   {"row_id": 17, "refused": true}

A line is read strictly: it has exactly these two keys, each once. Nothing is repaired or guessed, because a line that
is read for the wrong row is a wrong decision about a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from audit.detectors.answers import CheckedAnswers, check_numbers
from audit.detectors.protocol import REASONS, ROW_ID, STATUSES, Answers, Reason, Status
from audit.vocabulary.strict_json import strict_decoder

_VALUE: Final = -1
"""Status of a row with a score or a decision, until it is checked."""
_NO_REASON: Final = -1
_REFUSED: Final = (STATUSES.index(Status.REFUSED), _NO_REASON)
_ABSTAINED: Final = (STATUSES.index(Status.ABSTAIN), _NO_REASON)


_DECODE: Final = strict_decoder(lambda _: float("nan")).decode
"""NaN and infinities are no JSON. They are read, because a number that is not finite is what is meant."""


class Reply:
    """The answers to one batch of n rows, taken line by line."""

    def __init__(self, row_ids: list[int], answers: Answers, classes: Sequence[str] = ()) -> None:
        self._ids = row_ids
        self._answers = answers
        self._word = answers if answers in ("decision", "class") else "score"
        self._decisions = answers == "decision"
        self._place = {name: float(at) for at, name in enumerate(classes)}
        self._values: list[float] = []
        self._codes: list[tuple[int, int]] = []
        self.asked = 0
        """Number of rows that were sent so far. An answer to any other row is out of order."""
        self.out_of_order = False
        """Whether a line named another row than the next one. Then no more lines are read."""

    @property
    def taken(self) -> int:
        """Number of rows that have an answer or a failure so far."""
        return len(self._codes)

    @property
    def complete(self) -> bool:
        """Whether every row has an answer or a failure."""
        return len(self._codes) == len(self._ids)

    def take(self, line: bytes) -> None:
        """Read one line, without its line end, as the answer to the next row."""
        try:
            document = _DECODE(line.decode("utf-8"))
        except (ValueError, RecursionError):
            document = None
        row_id = document.get(ROW_ID) if type(document) is dict else None
        if type(row_id) is not int:
            self._fail(Reason.UNREADABLE)
            return
        index = len(self._codes)
        if index >= self.asked or row_id != self._ids[index]:
            self.out_of_order = True
            self.fail_rest(Status.INVALID_OUTPUT, Reason.OUT_OF_ORDER)
        elif len(document) == 2 and self._word in document:
            self._take_value(document[self._word])
        elif len(document) == 2 and document.get("abstain") is True:
            self._add(_ABSTAINED)
        elif len(document) == 2 and document.get("refused") is True:
            self._add(_REFUSED)
        else:
            self._fail(Reason.NO_ANSWER if len(document) == 1 else Reason.UNREADABLE)

    def fail_rest(self, status: Status, reason: Reason | None) -> None:
        """Give every row without an answer this status and reason."""
        rest = len(self._ids) - len(self._codes)
        code = _NO_REASON if reason is None else REASONS.index(reason)
        self._codes.extend([(STATUSES.index(status), code)] * rest)
        self._values.extend([0.0] * rest)

    def checked(self, score_range: tuple[float, float]) -> CheckedAnswers:
        """Check all answers. A score that is not finite or out of range becomes a failure."""
        values = np.array(self._values, dtype=np.float64)
        codes = np.array(self._codes, dtype=np.int8).reshape(-1, 2)
        missing = np.zeros(len(values), dtype=np.bool_)
        checked = check_numbers(values, missing, self._answers, score_range)
        decided = codes[:, 0] != _VALUE
        return CheckedAnswers(
            np.where(decided, np.nan, checked.scores),
            np.where(decided, codes[:, 0], checked.status).astype(np.int8),
            np.where(decided, codes[:, 1], checked.reason).astype(np.int8),
        )

    def _take_value(self, value: Any) -> None:
        """Read a number, or with decisions a truth value. Null is neither: some languages write NaN so."""
        if self._answers == "class":
            value = self._place.get(value, -1.0) if type(value) is str else -1.0
        if type(value) is not float:
            if type(value) is not int and not (self._decisions and type(value) is bool):
                self._fail(Reason.NOT_A_DECISION if self._decisions else Reason.NOT_A_NUMBER)
                return
            try:
                value = float(value)
            except OverflowError:
                value = float("inf")
        self._values.append(value)
        self._codes.append((_VALUE, _NO_REASON))

    def _fail(self, reason: Reason) -> None:
        self._add((STATUSES.index(Status.INVALID_OUTPUT), REASONS.index(reason)))

    def _add(self, codes: tuple[int, int]) -> None:
        self._codes.append(codes)
        self._values.append(0.0)
