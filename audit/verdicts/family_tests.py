"""Records of a rule's tests on the groups of a family: who is beyond the limit, and who within it."""

from __future__ import annotations

from typing import NamedTuple

from audit.result.findings.judged import Procedure
from audit.stats.arrays import BoolArray, FloatArray


class Together(NamedTuple):
    """Joint test of the groups of a family, without a name, on the side that is nearer to its level."""

    p: float | None = None
    """p-value of "no group is beyond the limit"; None where the family is not judged together."""
    level: float | None = None
    """Level that the p-value had to reach on that side."""
    survivors: int = 0
    """Number of groups that point towards harm; the test is taken over them."""
    at_least: int = 0
    """Number of groups of which at least so many are beyond the limit, at that level."""

    @property
    def beyond(self) -> bool:
        """Whether some of the groups are beyond the limit."""
        return self.p is not None and self.level is not None and self.p <= self.level


class FamilyTests(NamedTuple):
    """Results of a rule's tests on the G groups of a family."""

    procedure: Procedure
    level: float
    """Share of alpha that this family spends, over all sides of the rule."""
    together: Together
    """Whether some of the groups are beyond the limit, without saying which."""
    tested: BoolArray
    """bool[G]: groups that were tested for FAIL: a rate can be stated, and it could lie beyond the limit at all."""
    p_fail: FloatArray
    """float64[G]: p-value of "not beyond the limit", exact where it could decide, on the side nearer to failing."""
    level_fail: FloatArray
    """float64[G]: level that this p-value had to reach; nan where not tested."""
    beyond: BoolArray
    """bool[G]: FAIL."""
    stands: BoolArray
    """bool[G]: FAIL also with as many people of unknown feature in the group's favour as the plan supposes."""
    p_pass: FloatArray
    """float64[G]: p-value of "beyond the limit", with unscored cases and unknown features at their worst; nan where not
    decidable.
    """
    within: BoolArray
    """bool[G]: PASS."""
    unscored_decide: BoolArray
    """bool[G]: undecided because of cases that were not scored: the scored ones alone would pass, or are too few."""
    several_decide: BoolArray
    """bool[G]: undecided because of people who have the group's nationality and others: without them it would pass."""
    unknown_decide: BoolArray
    """bool[G]: undecided only because of cases whose feature is unknown: without them it would pass."""
    high_side: BoolArray
    """bool[G]: whether the side nearer to failing is the high one."""
    cases_to_verdict: FloatArray
    """float64[G]: own cases with which a group at the measured rates would be decided with the plan's power, one way or
    the other; inf where no number would do (its rate lies on the limit), nan where it was decided or not judged alone.
    """
    degrees_of_freedom: FloatArray | None = None
    """float64[G]: degrees of freedom of the variance behind an approximate test; None where all tests are exact."""
    too_few_clusters: BoolArray | None = None
    """bool[G]: fewer than 3 degrees of freedom, so that neither verdict can be reached; None where all tests are
    exact.
    """

    def part(self, place: slice, procedure: Procedure, together: Together) -> FamilyTests:
        """Cut out some neighbouring groups, as a family that was corrected by `procedure`."""
        arrays = {name: value[place] for name, value in self._asdict().items() if name not in _NOT_BY_GROUP}
        return FamilyTests(procedure=procedure, level=self.level, together=together, **arrays)


_NOT_BY_GROUP = ("procedure", "level", "together", "degrees_of_freedom", "too_few_clusters")


class SideTests(NamedTuple):
    """Tests of G groups on one side of a rule; every field has shape (G,)."""

    can_fail: BoolArray
    """Groups that were tested for FAIL on this side."""
    p_fail: FloatArray
    level_fail: FloatArray
    beyond: BoolArray
    stands: BoolArray
    """FAIL also with people of unknown feature in its favour."""
    p_pass: FloatArray
    """p-value of "beyond the limit", everything that is not known at its worst."""
    as_scored: BoolArray
    """The scored cases alone would pass, features as they were recorded."""
    as_recorded: BoolArray
    """It would pass, unscored cases at their worst, features as they were recorded."""
    of_several: BoolArray
    """It would also if all who have its nationality beside others belonged to it at their worst."""
