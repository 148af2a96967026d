"""Tests of one side of a rule, and the budget of false FAILs that is spent on them.

Division of the chance of a false FAIL over the tests of a plan.

The plan alone decides it, so that nobody can choose after seeing the data. Comparisons of a probe that change the same
slots and hold the same slots are a family like any other, judged on two sides.

Tests of one side of a rule, whatever they rest on, and the one loop that spends a budget on them.

A side says which groups could be beyond the limit, which of them are at a level, and which are within it. Counts,
weights with clusters or strata, two answers to the same cases, nights and changed words each have a class of their
own that says so (`SideTest`). How sides are put together is the same for all: FAIL on any side, PASS on every side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.sides import Side, questions
from audit.counting.table import is_finest, rule_families
from audit.plan.audit_plan import AuditPlan
from audit.plan.probes import NamedProbeRule, Probe
from audit.plan.sections import Groups, VerdictSection, feature_coding
from audit.result.findings.judged import Outcome
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.vocabulary.groups import Family

ALL_NAMES: Final = 0.9
"""Share of alpha that names may spend in a plan without nationalities. The rest is for the one approximation in
discarding, the shared rest, which uses it in some families (docs, "How a verdict is reached").
"""
NAMES: Final = 0.75
"""Share of alpha that names may spend where nationalities are also judged together."""
UNNAMED: Final = 0.15
"""Share of alpha for the test of all nationalities together: "several are beyond the limit; none can be named"."""


class Budget(NamedTuple):
    """Level that each test may spend."""

    names: float
    """Level of one family on one side of a rule: the chance of naming any of its groups by mistake."""
    unnamed: float
    """Level of the test of one family of nationalities as a whole, on one side; 0 where the plan has none."""


def budget(plan: AuditPlan) -> Budget:
    """Divide alpha equally: names over every (rule, side, family), tests without a name over families of
    nationalities.
    """
    families = [
        (len(questions(plan.audit.route, rule)), family)
        for rule in plan.rules
        for family in rule_families(plan.groups, rule)
    ]
    shares = sum(sides for sides, _ in families) + 2 * _probe_families(plan.probes, plan.named_probe_rules)
    combined = sum(sides for sides, family in families if is_combined(plan.groups, family))
    alpha = plan.alpha_of_limits
    if not combined:
        return Budget(ALL_NAMES * alpha / shares, 0.0)
    return Budget(NAMES * alpha / shares, UNNAMED * alpha / combined)


class ChangeBudget(NamedTuple):
    """Part of the budget of a change that one comparison may spend."""

    share: float = 1.0
    """Share of what all names may spend in one release."""
    comparisons: int = 1
    """Comparisons over all releases that share the level of "no worse at all". 1: that is not tested."""


WHOLE_CHANGE: Final = ChangeBudget()
"""Budget of a single comparison with a baseline."""
RELEASES: Final = 40
"""Releases over which comparisons share a budget, where the plan names no number."""
REFERENCE_SHARE: Final = 0.8
LAST_SHARE: Final = 0.2
"""Parts of what comparisons of a release may spend."""
COMPARED_SHARE: Final = 0.5
"""Part of alpha for comparisons, where the plan names a number of releases: the other half is for its own limits."""


def budgets_of_versions(verdict: VerdictSection, *, with_first: bool) -> tuple[ChangeBudget, ChangeBudget]:
    """Return what the comparisons with the reference and with the last accepted version may spend.

    `with_first`: the reference is the first accepted version. Half of a level of "no worse at all" is for the pairs of
    a release and that one, half for all other pairs: see docs/decisions/0056.
    """
    releases = verdict.releases or RELEASES
    compared = 1.0 if verdict.releases is None else COMPARED_SHARE
    others = max(releases * (releases - 1), 2)
    reference = ChangeBudget(compared * REFERENCE_SHARE, 2 * releases if with_first else others)
    return reference, ChangeBudget(compared * LAST_SHARE, others)


def change_level(plan: AuditPlan, share: float = 1.0) -> float:
    """Level of one family on one side of a rule on a change: equal shares of what its names may spend."""
    shares = sum(len(questions(plan.audit.route, rule)) * len(rule_families(plan.groups, rule)) for rule in plan.rules)
    return share * ALL_NAMES * plan.verdict.alpha / shares


def _probe_families(probes: Sequence[Probe], probe_rules: Sequence[NamedProbeRule]) -> int:
    families = {probe.id: probe.families for probe in probes}
    return sum(families[probe] for rule in probe_rules for probe in rule.probes)


def is_combined(group_features: Groups, family: Family) -> bool:
    """Say whether the groups of a family are also judged together: nationalities by themselves, on their finest
    rung.
    """
    (axis, *others) = family.axes
    return (
        not others
        and feature_coding(group_features, axis.feature) == "nationality"
        and is_finest(group_features, family)
    )


class FailTests(NamedTuple):
    """FAIL on one side; every field has shape (G,)."""

    p: FloatArray
    """p-value of "not beyond the limit"; 1 where not tested."""
    level: FloatArray
    """Level that the p-value had to reach, corrected for the other groups of its family; nan where not tested."""
    beyond: BoolArray


class PassTests(NamedTuple):
    """PASS on one side; every field has shape (G,)."""

    p: FloatArray
    """p-value of "beyond the limit", everything that is not known at its worst; 1 where not judged."""
    within: BoolArray
    """It passes."""
    as_recorded: BoolArray
    """It would pass, unscored cases at their worst, features as they were recorded."""
    of_several: BoolArray
    """It would also if all who have its nationality beside others belonged to it at their worst."""

    @classmethod
    def recorded(cls, p: FloatArray, within: BoolArray) -> PassTests:
        """Make those of groups of which nobody is unknown or of several nationalities."""
        return cls(p, within, within, within)


class SideTest(ABC):
    """Test of G groups, family after family, on one side of a rule. Arrays have shape (G,) unless they say otherwise.

    `tested`, `judged` and `asked` are bool[G]: the groups that are asked about.
    """

    def __init__(self, side: Side) -> None:
        self.side: Side = side

    @abstractmethod
    def could_fail(self) -> BoolArray:
        """Find the groups of which some rate would be beyond the limit."""

    def could_pass(self) -> BoolArray:
        """Find the groups of which not failing is evidence: those that could have failed."""
        return self.could_fail()

    def p_fail(self, tested: BoolArray, level: float) -> FloatArray:  # noqa: ARG002
        """Compute p-values of "not beyond the limit", exact where they could reach `level`.

        1 where not tested, and where `name` computes them because they depend on their level.
        """
        return np.ones(tested.shape)

    @abstractmethod
    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:
        """Name groups of one family at an error of at most `level`.

        Parameters
        ----------
        p : ndarray of float64, shape (N,)
            p-values of the groups that are tested, from `p_fail`.
        family
            Number of the family, from 0.
        places : ndarray of int64, shape (N,)
            Places of these groups among all G.

        Returns
        -------
        FailTests
            Of these N groups.
        """

    def stands(self, fail: FailTests) -> BoolArray:
        """Find the groups that fail also with as many people of unknown feature in their favour as are supposed."""
        return fail.beyond

    @abstractmethod
    def pass_tests(self, judged: BoolArray) -> PassTests:
        """Test whether groups are within the limit, each at the whole alpha of the plan."""

    def passes_as_scored(self, passing: PassTests, evaluable: BoolArray) -> BoolArray:
        """Find the groups that would pass on their scored cases alone; none but these where all are scored."""
        return evaluable & passing.as_recorded

    def unscored_matter(self, as_scored: BoolArray) -> BoolArray:
        """Find the groups that unscored cases keep from a PASS; `as_scored` would pass without them on every side."""
        return as_scored


class GroupTests(NamedTuple):
    """Results of a rule's tests on G groups, over all of its sides."""

    evaluable: BoolArray
    """bool[G]: a rate can be stated."""
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
    judged alone.
    """
    within: BoolArray
    """bool[G]: PASS, where it is not beyond the limit."""
    provable: BoolArray
    """bool[G]: judged alone, and not failing is evidence."""
    unscored_decide: BoolArray
    """bool[G]: undecided because of cases that were not scored: the scored ones alone would pass, or are too few."""
    several_decide: BoolArray
    """bool[G]: undecided because of people who have the group's nationality and others: without them it would pass."""
    unknown_decide: BoolArray
    """bool[G]: undecided only because of cases whose feature is unknown: without them it would pass."""
    too_few_clusters: BoolArray
    """bool[G]: fewer clusters or degrees of freedom than either verdict takes."""
    nearest: npt.NDArray[np.int64]
    """int64[G]: side that is nearer to failing, as its place among the sides."""
    high_side: BoolArray
    """bool[G]: whether that side is the high one."""
    by_side: tuple[FailTests, ...]
    """FAIL on each side."""

    @property
    def undecided(self) -> BoolArray:
        """bool[G]: judged alone, and neither within the limit nor beyond it."""
        return self.provable & ~self.within & ~self.beyond

    @property
    def outcomes(self) -> list[Outcome]:
        """Outcome of each group: a FAIL stands before everything, and what is no FAIL and no PASS is undecided."""
        kinds: list[Outcome] = ["inconclusive", "pass", "not_evaluable", "fail"]
        chosen = np.where(self.beyond, 3, np.where(~self.evaluable, 2, self.within.astype(np.int64)))
        return [kinds[kind] for kind in chosen.tolist()]

    def part(self, rows: slice) -> GroupTests:
        """Cut out some neighbouring groups."""
        arrays = {name: value[rows] for name, value in self._asdict().items() if name != "by_side"}
        by_side = tuple(FailTests(p[rows], level[rows], beyond[rows]) for p, level, beyond in self.by_side)
        return GroupTests(by_side=by_side, **arrays)


def judge_sides(
    sides: Sequence[SideTest],
    families: Sequence[slice],
    evaluable: BoolArray,
    decidable: BoolArray,
    *,
    level: float,
) -> GroupTests:
    """Test G groups on every side of a rule.

    Every group of which a rate can be stated is tested for FAIL, with one level for each side and family. Only groups
    that are judged alone are tested for PASS.

    Parameters
    ----------
    families
        Places of the groups of each family.
    evaluable, decidable
        bool[G]: whether a rate can be stated, and whether the group is judged alone.
    level
        Level that each side may spend on each family: the chance of naming any of its groups by mistake.
    """
    could_fail = [evaluable & side.could_fail() for side in sides]
    fails = [_fail_tests(side, tested, families, level) for side, tested in zip(sides, could_fail, strict=True)]
    certain = [side.stands(fail) for side, fail in zip(sides, fails, strict=True)]
    passing = [side.pass_tests(decidable) for side in sides]
    nearest = nearest_side(fails)
    beyond = _on_any([fail.beyond for fail in fails])
    within, as_recorded, of_several = (
        _on_every([getattr(tests, name) for tests in passing]) for name in ("within", "as_recorded", "of_several")
    )
    provable = decidable & _on_any([side.could_pass() for side in sides])
    undecided = provable & ~(within | beyond)
    return GroupTests(
        evaluable=evaluable,
        tested=_on_any(could_fail),
        p_fail=_picked([fail.p for fail in fails], nearest),
        level_fail=_picked([fail.level for fail in fails], nearest),
        beyond=beyond,
        stands=_on_any(certain),
        p_pass=np.where(decidable, np.max([tests.p for tests in passing], axis=0), np.nan),
        within=provable & within,
        provable=provable,
        unscored_decide=_unscored_decide(sides, passing, undecided & ~as_recorded),
        several_decide=undecided & as_recorded & ~of_several,
        unknown_decide=undecided & of_several,
        too_few_clusters=np.zeros(evaluable.shape, dtype=np.bool_),
        nearest=nearest,
        high_side=np.array([side.side == "high" for side in sides])[nearest],
        by_side=tuple(fails),
    )


def _fail_tests(side: SideTest, tested: BoolArray, families: Sequence[slice], level: float) -> FailTests:
    """Compute the p-values of all groups at once, then name groups family by family."""
    fail_tests = FailTests(np.ones(tested.shape), np.full(tested.shape, np.nan), np.zeros(tested.shape, dtype=np.bool_))
    if not tested.any():
        return fail_tests
    p = side.p_fail(tested, level)
    everywhere = np.arange(tested.size)
    for number, family in enumerate(families):
        places = everywhere[family][tested[family]]
        if places.size:
            named = side.name(p[places], number, places, level)
            fail_tests.p[places], fail_tests.level[places], fail_tests.beyond[places] = named
    return fail_tests


def nearest_side(fails: Sequence[FailTests]) -> npt.NDArray[np.int64]:
    """int64[G]: for a two-sided rule, the side whose p-value is nearer to its own level, among those tested."""
    p, levels = np.stack([fail.p for fail in fails]), np.stack([fail.level for fail in fails])
    distance = np.where(np.isnan(levels), np.inf, p / np.maximum(levels, 1e-300))
    return np.asarray(np.argmin(distance, axis=0), dtype=np.int64)


def _unscored_decide(sides: Sequence[SideTest], passing: Sequence[PassTests], evaluable: BoolArray) -> BoolArray:
    """bool[G]: of the groups asked about, those between which and a PASS unscored cases stand."""
    if not evaluable.any():
        return evaluable
    as_scored = _on_every([side.passes_as_scored(tests, evaluable) for side, tests in zip(sides, passing, strict=True)])
    return evaluable & _on_any([side.unscored_matter(as_scored) for side in sides])


def _picked(by_side: Sequence[FloatArray], nearest: npt.NDArray[np.int64]) -> FloatArray:
    return np.asarray(np.take_along_axis(np.stack(by_side), nearest[np.newaxis], axis=0)[0])


def _on_any(by_side: Sequence[BoolArray]) -> BoolArray:
    return np.asarray(np.logical_or.reduce(by_side), dtype=np.bool_)


def _on_every(by_side: Sequence[BoolArray]) -> BoolArray:
    return np.asarray(np.logical_and.reduce(by_side), dtype=np.bool_)


def slices_of(sizes: Sequence[int]) -> list[slice]:
    """Return the places of the groups of each family where all stand side by side."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
