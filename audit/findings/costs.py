"""What a group's errors cost, in the unit of the plan."""

from __future__ import annotations

from typing import Literal

from audit.vocabulary.groups import Group, Part

__all__ = ["CostOfErrors", "CostReason"]

CostReason = Literal[
    "no_cases",  # no case of the group is labelled and scored
    "too_few_for_a_rate",  # fewer than `min_denominator`
    "no_rest",  # nobody is left to compare with
    "too_few_in_rest",  # fewer than `min_denominator` are left to compare with
    "weights_or_clusters",  # a cost without an interval: rows are weighted or belong together
]


class CostOfErrors(Part):
    """The expected cost of errors per 1,000 labelled and scored cases of a group, beside that of the rest."""

    group: Group
    """Of whom; no levels: everyone."""
    missed: int
    """Cases of exploitation that were not flagged."""
    wrongly_flagged: int
    """Other cases that were flagged."""
    cases: int
    """Labelled and scored cases."""
    per_1000: float | None
    """(cost_missed x missed + cost_flagged x wrongly flagged) / cases x 1,000; null where there is a reason."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of its interval."""
    rest_per_1000: float | None
    """The same of everyone else."""
    difference: float | None
    """Cost of the group minus cost of the rest, per 1,000 cases. Positive: errors cost more here."""
    difference_low: float | None
    """Lower end of its interval."""
    difference_high: float | None
    """Upper end of its interval."""
    level: float
    """Level of the intervals."""
    reason: CostReason | None = None
    """Why no cost, no difference or no interval is stated."""
