"""What a function of the operator's own says of each group. Shown, never judged."""

from __future__ import annotations

from typing import Literal

from audit.vocabulary.groups import Group, Part

__all__ = ["OwnMeasure", "OwnMeasureReason"]

OwnMeasureReason = Literal[
    "no_cases",  # no case of the group is labelled and answered
    "too_few_for_a_rate",  # fewer than `min_denominator`
    "raised",  # the function raised an error; its text can quote a row and is withheld
    "not_a_number",  # the function returned no single finite number
    "interval_unstable",  # too many replicates had no value, or too few clusters: a value without an interval
]


class OwnMeasure(Part):
    """One measure of the operator's own, of one group, with a bootstrap interval. No rule can be set on it."""

    measure: str
    """What the plan calls it."""
    function: str
    """`module:function`."""
    given: Literal["decision", "score"]
    """What it was given beside the labels."""
    group: Group
    """Of whom; no levels: everyone."""
    n: int
    """Cases that are labelled and answered: what the function was given."""
    clusters: int | None
    """Clusters that these belong to; null where rows stand for themselves."""
    value: float | None
    """What the function returned; null with a reason."""
    low: float | None
    """Lower end of the interval: the percentiles of the replicates."""
    high: float | None
    """Upper end of the interval."""
    level: float
    """Level of the interval."""
    replicates: int
    """Replicates asked for; clusters are drawn whole where the plan names them."""
    replicates_used: int
    """Replicates in which the function returned a number."""
    reason: OwnMeasureReason | None = None
    """Why there is no value, or no interval."""
    error: str | None = None
    """With `raised`: the type of the error."""
