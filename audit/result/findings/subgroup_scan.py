"""A search for subgroups that nobody named: what was searched, what was found, and whether it held on other cases."""

from typing import Literal

from audit.vocabulary.groups import Part
from audit.vocabulary.metrics import MetricName

ScanQuestion = Literal["missed", "wrongly_flagged"]
"""`missed`: among cases labelled as exploitation, who is flagged less than everyone? `wrongly_flagged`: among cases
labelled as none, who is flagged more?"""

ScanOutcome = Literal["confirmed", "not_confirmed", "nothing_found", "cannot_tell"]
"""`confirmed`: a subgroup stands out in the search half and again in the other. `not_confirmed`: it stood out in the
search half only. `nothing_found`: the worst subgroup is no worse than chance makes it. `cannot_tell`: too few cases."""

ScanReason = Literal[
    "nobody_harmed", "everybody_harmed", "too_few_cases", "too_few_to_find", "too_few_to_confirm", "too_few_clusters"
]
"""Reason why nothing was found, or nothing can be said. `too_few_to_find`: even if a tenth of the cases were all
harmed, the search would not have distinguished them from chance.
"""


class ScanValues(Part):
    """Values of one attribute that describe a subgroup. The subgroup has one of them."""

    attribute: str
    """The column, or the sensitive feature."""
    kind: Literal["column", "feature"]
    """Whether it is a column or a feature. Values of a feature are its codes on the finest rung."""
    values: tuple[str, ...]
    """At most 12 values, those with most harm beyond the expected first; each cut at 60 characters."""
    others: int
    """Values of the subgroup that are not listed."""
    of: int
    """Values that the attribute has in the set."""


class ScanHalf(Part):
    """Subgroup and everyone else in one half of the cases."""

    harmed: int
    """Cases of the subgroup that were missed, or wrongly flagged."""
    cases: int
    """Cases of the subgroup."""
    rest_harmed: int
    """Cases of everyone else in this half that were missed, or wrongly flagged."""
    rest_cases: int
    """Cases of everyone else in this half."""


class SubgroupScan(Part):
    """One question put to all subgroups at once. It judges nothing: a plan names the groups that are judged."""

    question: ScanQuestion
    """Harm that was searched for."""
    metric: MetricName
    """Rate of that harm, in which a subgroup is compared with everyone."""
    outcome: ScanOutcome
    """Outcome of the search."""
    reason: ScanReason | None
    """Reason, where the outcome is `nothing_found` or `cannot_tell` for want of cases."""
    attributes: tuple[str, ...]
    """Columns and sensitive features that were searched over."""
    subsets_power_of_ten: int
    """10 to this power is the number of subgroups that could have been described, rounded down to a power of ten."""
    subsets_evaluated: int
    """Subgroups whose score the search computed."""
    subset: tuple[ScanValues, ...] = ()
    """The subgroup: all of these hold. Empty where nothing was found; the best subgroup is then chance, and is not
    named.
    """
    search: ScanHalf | None = None
    """The subgroup in the half in which it was found: these rates exaggerate, since it was picked for them."""
    confirmation: ScanHalf | None = None
    """The subgroup in the other half, which had no part in finding it."""
    search_cases: int
    """Scored and labelled cases in the search half."""
    confirmation_cases: int
    """Scored and labelled cases in the other half."""
    unscored: int
    """Labelled cases that abstained or failed, which were not searched."""
    score: float | None
    """Log likelihood ratio of the best subgroup, less `penalty` for each value named."""
    p_search: float | None
    """How often chance alone does as well, from `replicates` data sets in which nobody is treated differently."""
    p_confirmation: float | None
    """One-sided p-value of the subgroup against everyone else in the other half; null where nothing was found."""
    level: float
    """`p_search` up to this level counts as found."""
    confirmation_level: float
    """`p_confirmation` up to this level counts as confirmed: the plan's alpha over the questions asked."""
    detectable_rate: float | None
    """Share harmed that a subgroup of a tenth of the search half, named by one value, would have needed there to be
    found; null where none would do or nothing was searched.
    """
    replicates: int
    """Data sets drawn."""
    penalty: float
    """Cost of each value named."""
    by_cluster: bool
    """Whether clusters were kept whole, in the halves, in the data sets drawn and in the test."""
    leaves_out_weights: bool
    """Whether the plan has design weights. They have no part in the search, which is then about the rows of the set and
    not about the cases that these stand for."""
