"""How the detector answered: what failed and why, and whether it says the same when it is asked again."""

from __future__ import annotations

from audit.vocabulary.groups import Group, Part
from audit.vocabulary.statuses import Reason, Status


class FailedRows(Part):
    """Rows of a group without a usable answer, for one reason."""

    group: Group
    """The group; no levels: everyone."""
    status: Status
    """What became of them."""
    reason: Reason | None
    """Why, from a closed list; null where the status says it."""
    rows: int
    """Rows. Over all statuses and reasons they add up to `failed` in `rows`."""


class SelfDisagreement(Part):
    """What became of a group when the detector was asked about every row several times."""

    group: Group
    """The group; no levels: everyone."""
    answered: int
    """Rows with a score or decision every time."""
    decisions_differ: int
    """Rows of these for which some later decision is not the first."""
    share: float | None
    """decisions_differ / answered; null where there is none."""
    low: float | None
    """Lower end of the Wilson score interval of that share."""
    high: float | None
    """Upper end of the same."""
    level: float
    """Level of the interval."""
    scores_differ: int
    """Rows of these for which some later score is not the first, by however little."""
    largest_difference: float | None
    """The largest difference between the first score of a row and a later one; null for a detector without scores."""
    answered_sometimes: int
    """Rows with a usable answer at least once, and not every time."""
