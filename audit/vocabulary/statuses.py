"""Outcome of a row that a detector was asked about, with its reason: closed lists without free text."""

from __future__ import annotations

import enum
from typing import Final, Literal


class Status(enum.StrEnum):
    """Whether a row has an answer. Everything but `ok` and `abstain` is a failure, and counted as one."""

    OK = "ok"
    """The row has a score, or a decision."""
    ABSTAIN = "abstain"
    """The detector declined to answer."""
    ERROR = "error"
    """The detector broke on this row."""
    TIMEOUT = "timeout"
    """No answer in time."""
    REFUSED = "refused"
    """The detector refused to process the row."""
    INVALID_OUTPUT = "invalid_output"
    """There is an answer, and it is not one that can be used."""


Deployed = Literal["declared", "supported", "too_few", "not_shown"]
"""Evidence that the system at work answers as its vendor did: its word; answers from production; too few; none."""


AbstentionMeaning = Literal["not_flagged", "flagged", "people_decide"]
"""What happens in use to a case on which a detector declines to answer."""


def is_shown(deployed: Deployed | None) -> bool:
    """Whether the vendor declares, or answers from production support, that the system at work answers as it did."""
    return deployed in {"declared", "supported"}


class Reason(enum.StrEnum):
    """Reason why there is no usable answer. A closed list."""

    NOT_A_NUMBER = "not_a_number"
    """The score is text, a truth value or something else that is no number."""
    NOT_FINITE = "not_finite"
    """The score is NaN or infinite."""
    OUT_OF_RANGE = "out_of_range"
    """The score lies outside the plan's `score_range`."""
    NOT_A_DECISION = "not_a_decision"
    """The decision is neither 1 (or true) nor 0 (or false)."""
    NO_ANSWER = "no_answer"
    """The reply to the batch has no answer to this row."""
    OUT_OF_ORDER = "out_of_order"
    """The reply answers other rows than were asked about, or in another order."""
    UNREADABLE = "unreadable"
    """The reply cannot be read: no JSON, cut off, or without what the plan looks for in it."""
    TOO_LARGE = "too_large"
    """The reply is larger than any answer can be; it was not read to its end."""
    CRASHED = "crashed"
    """The program that answers ended."""
    NO_CONNECTION = "no_connection"
    """The service could not be reached, or hung up."""
    HTTP_3XX = "http_3xx"
    """The service sent the request elsewhere; redirects are not followed."""
    HTTP_4XX = "http_4xx"
    """The service refused the request."""
    HTTP_429 = "http_429"
    """The service was asked too often, and stayed so however long it was waited."""
    HTTP_5XX = "http_5xx"
    """The service broke on the request."""
    NOT_A_LEVEL = "not_a_level"
    """The level of an ordinal scale is no whole number."""
    UNKNOWN_CLASS = "unknown_class"
    """The answer is none of the plan's `classes`."""


STATUSES: Final = tuple(Status)
"""Statuses, in the order of the codes of a dictionary-encoded `status` column."""
REASONS: Final = tuple(Reason)
"""Reasons, in the order of the codes of a dictionary-encoded `reason` column."""
