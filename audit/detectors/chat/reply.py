"""Read the reply of a language model strictly: one JSON object with one key, or the reason why there is no answer.

No answer is searched for in prose or in a code fence, and nothing is rounded or clipped. If a row talks the model into
something, that is seen here: as an answer if it has the form of one, else as a failure with a name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from audit.detectors.chat.prompt import ANSWER_KEYS
from audit.detectors.protocol import Reason, Status
from audit.plan.services import ChatDetector
from audit.vocabulary.strict_json import ABSENT, Constant, parsed

_CUT_OFF: Final = frozenset({"length", "model_length", "max_tokens"})
"""Finish reasons of an answer that ran out of tokens."""


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """The answer to one row, or why there is none."""

    status: Status
    reason: Reason | None = None
    score: float | None = None
    """Set if the status is `ok`: within the range, 1 or 0 for a decision, or the place of a class."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of a reply. The names are a third party's text and can hold anything."""

    answer: RowAnswer
    model: str | None = None
    """The name of the model in the reply."""
    fingerprint: str | None = None
    """The state of the model in the reply."""


_ABSTAINS: Final = RowAnswer(Status.ABSTAIN)
_REFUSED: Final = RowAnswer(Status.REFUSED)
_UNKNOWN: Final = RowAnswer(Status.INVALID_OUTPUT, Reason.UNKNOWN_CLASS)


def read_reply(body: bytes, section: ChatDetector) -> Reading:
    """Read the unpacked body of a reply."""
    document, constants = parsed(body)
    if not isinstance(document, dict) or constants:
        return Reading(_invalid(Reason.UNREADABLE))
    model, fingerprint = document.get("model"), document.get("system_fingerprint")
    return Reading(
        _answer(document.get("choices"), section),
        model if isinstance(model, str) else None,
        fingerprint if isinstance(fingerprint, str) else None,
    )


def _answer(choices: Any, section: ChatDetector) -> RowAnswer:
    if not (isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict)):
        return _invalid(Reason.UNREADABLE)
    (choice,) = choices
    message, finished = choice.get("message"), choice.get("finish_reason")
    refusal = message.get("refusal") if isinstance(message, dict) else None
    if finished == "content_filter" or (isinstance(refusal, str) and refusal):
        return _REFUSED
    if isinstance(finished, str) and finished in _CUT_OFF:
        return _invalid(Reason.TOO_LARGE)
    if finished != "stop" or not isinstance(message, dict) or not (refusal is None or refusal == ""):
        return _invalid(Reason.UNREADABLE)
    content = message.get("content")
    return _content(content, section) if isinstance(content, str) else _invalid(Reason.UNREADABLE)


def _content(text: str, section: ChatDetector) -> RowAnswer:
    document, _ = parsed(text)
    if not isinstance(document, dict) or len(document) != 1:
        return _invalid(Reason.UNREADABLE)
    value = document.get(ANSWER_KEYS[section.answers], ABSENT)
    if value is None or document.get("abstain") is True:
        return _ABSTAINS
    return _invalid(Reason.UNREADABLE) if value is ABSENT else _value(value, section)


def _value(value: Any, section: ChatDetector) -> RowAnswer:
    if section.answers == "class":
        known = isinstance(value, str) and value in section.classes
        return RowAnswer(Status.OK, None, float(section.classes.index(value))) if known else _UNKNOWN
    if section.answers == "decision":
        return RowAnswer(Status.OK, None, float(value)) if isinstance(value, bool) else _invalid(Reason.NOT_A_DECISION)
    answer = _score(value, *section.score_range)
    if section.answers == "ordinal" and answer.score is not None and not answer.score.is_integer():
        return _invalid(Reason.NOT_A_LEVEL)
    return answer


def _score(value: Any, low: float, high: float) -> RowAnswer:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _invalid(Reason.NOT_A_NUMBER)
    if isinstance(value, Constant) or (isinstance(value, float) and not math.isfinite(value)):
        return _invalid(Reason.NOT_FINITE)
    # a whole number of any length can be compared, and only one within the range has to be a float
    if not low <= value <= high:
        return _invalid(Reason.OUT_OF_RANGE)
    return RowAnswer(Status.OK, None, float(value))


def _invalid(reason: Reason) -> RowAnswer:
    return RowAnswer(Status.INVALID_OUTPUT, reason)
