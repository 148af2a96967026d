"""What other libraries computed from the same counts, and where they say a number and this project says none."""

from __future__ import annotations

from typing import Literal

from audit.vocabulary.groups import Part

__all__ = ["Agreement", "Convention", "ConventionCode", "CrosscheckState"]

CrosscheckState = Literal["agreed", "no_answer", "not_asked"]
ConventionCode = Literal["no_positives", "no_negatives", "no_flags", "no_cases", "ratio_to_zero"]


class Convention(Part):
    """A rule by which another library states a number where this project states none. Closed: any other differs."""

    code: ConventionCode
    """A stable name."""
    words: str
    """What the library does, in one sentence."""
    values: int
    """How many rates and disparities of this audit it concerns."""


class Agreement(Part):
    """What another library computed from the same counts. Where it differed, there is no result at all."""

    library: str
    """Name and version."""
    groups: int = 0
    """Groups of the families that the rules name, and everyone."""
    groups_compared: int = 0
    """How many of them were compared: all, but for sets with more distinct groups than a run can afford."""
    rates_compared: int
    """Rates that both could compute."""
    disparities_compared: int = 0
    """Differences from the rest and ratios to the rest that both could compute."""
    groups_beside_rest: int = 0
    """Of how many of the compared groups these were asked for."""
    shown_compared: int = 0
    """How many of the compared numbers are shown in this result; the others stand below the floor of the plan."""
    row_groups_compared: int = 0
    """Groups whose rates it also computed from single rows, without any counting of ours; 0 for a set too large."""
    row_rates_compared: int = 0
    """Rates so computed."""
    weighted: bool = False
    """Whether these are weighted rates, as verdicts take them. Single cases are compared without their weights."""
    largest_difference: float
    """The largest absolute difference among all of these, to twelve decimals; relative for ratios above 1."""
    differs_by_convention: int
    """Rates and disparities for which the library reports a number and this project none."""
    conventions: tuple[Convention, ...] = ()
    """By which of its conventions."""
