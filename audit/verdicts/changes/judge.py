"""Exact tests of a change, and the verdicts on it.

Exact tests of one rule on a change: did a group become worse by more than the margin, or not by the margin?

Where the same cases were decided twice, they are compared one by one, by the paired score test. Else both audits are
two separate samples, compared by the score test of the verdicts. Names are corrected within each family, and families
share one budget.

Verdicts on a change, from counts then and now: which groups became worse beyond the margin, and which did not.

FAIL is tested for every group on every rung, with one budget of false alarms for all rules and families of the plan. It
is a budget of its own: whether a new version became worse is another question than whether groups are treated alike.
PASS needs every group that is large enough to show that it did not become worse; a smaller one is judged as a part of a
larger one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from audit.analyses.estimates import as_known
from audit.analyses.sides import Question, When, possible_cells, questions
from audit.counting.table import FLAGGED, NOT_FLAGGED, FamilyCounts, cells_mask, rule_families
from audit.plan.audit_plan import AuditPlan, NamedRule, Route, Rule
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import BaselineSection, Groups, VerdictSection
from audit.result.findings.change import (
    Change,
    ChangeBaseline,
    ChangeBecause,
    ChangeFamily,
    ChangeOutcome,
    ChangeRule,
    ChangeRuleBecause,
    ChangeVerdict,
    GroupChangeBecause,
    Unpaired,
)
from audit.result.findings.judged import Because, RuleBecause
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.boundaries import margin_boundary
from audit.stats.intervals import newcombe_difference
from audit.stats.multiplicity import Method
from audit.stats.pairs import BETA, name_in_series, name_paired, paired_interval, pairs_to_pass, screened_paired_p
from audit.stats.power import cases_to_pass
from audit.verdicts.decidability import (
    Climb,
    FamilyDecidability,
    RuleDecidability,
    decidability_on_the_ladder,
    people_once,
)
from audit.verdicts.judge import GroupOutcome, group_outcomes
from audit.verdicts.margin_tests import CountsSide, could_be_beyond, exact_below
from audit.verdicts.outcomes import rule_outcome
from audit.verdicts.planned_people import NOBODY, PlannedPeople
from audit.verdicts.side_tests import (
    ChangeBudget,
    FailTests,
    GroupTests,
    change_level,
    judge_sides,
    slices_of,
)
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import Metric

_GOOD, _BAD, _OPEN, _OUT = 1, 0, 2, 3
"""Meaning of a decision for a case on one side: right, wrong, not scored, or the case is not in this rate at all."""


class Paired(NamedTuple):
    """Pairs of G groups."""

    lost: IntArray
    """int64[G]: right then and wrong now."""
    gained: IntArray
    """int64[G]: wrong then and right now."""
    n: IntArray
    """int64[G]: all pairs."""


def margin_of(baseline_section: BaselineSection, rule: Rule) -> float:
    """Return how much worse the rate of a rule may have become."""
    return baseline_section.regression_margin if rule.regression_margin is None else rule.regression_margin


def margins_of(plan: AuditPlan) -> dict[str, float]:
    """Return how much worse the rate of each rule of a plan may have become, by the rule's id."""
    return {rule.id: margin_of(plan.baseline, rule) for rule in plan.named_rules}


def change_questions(route: Route, baseline_section: BaselineSection, rule: Rule) -> tuple[Question, ...]:
    """Return the sides of a rule with the margin of the change: a difference, also where the rule limits a ratio."""
    margin = margin_of(baseline_section, rule)
    return tuple(
        question._replace(
            fail=margin_boundary("fail", question.side == "low", "difference", margin),
            within=margin_boundary("pass", question.side == "low", "difference", margin),
        )
        for question in questions(route, rule)
    )


def rate_question(rule: Rule) -> Question:
    """Make the rate itself a side, on which what is counted is good: its change has the rate's own direction."""
    boundary = margin_boundary("fail", True, "difference", 0.5)
    return Question(rule.rate, "low", boundary, boundary)


def paired_counts(question: Question, cells: IntArray, when: When) -> Paired:
    """Count the pairs of one side, from int64[G, 3, 4, 4] (label x then x now).

    `scored`: cases that both audits scored. `best`, `worst`: all cases. Those that one audit did not score are taken to
    have been as good for the new detector as they can be, or as bad. A FAIL must hold against the first and a PASS
    against the second, so that either holds whatever these cases would have been.
    """
    meaning = _decision_meaning(question)
    then, now = meaning[:, :, np.newaxis], meaning[:, np.newaxis, :]
    scored = (then < _OPEN) & (now < _OPEN)
    if when == "scored":
        pairs, was_good, is_good = scored, then == _GOOD, now == _GOOD
    else:
        pairs = (then != _OUT) & (now != _OUT)
        spoken_for = when == "best"
        was_good = (then == _GOOD) | ((then == _OPEN) & (not spoken_for))
        is_good = (now == _GOOD) | ((now == _OPEN) & spoken_for)

    def of(wanted: npt.NDArray[np.bool_]) -> IntArray:
        return np.asarray((cells * wanted).sum(axis=(1, 2, 3)), dtype=np.int64)

    return Paired(of(pairs & was_good & ~is_good), of(pairs & ~was_good & is_good), of(pairs & (then >= 0)))


def differing_pairs(question: Question, cells: IntArray) -> IntArray:
    """int64[G]: cases on which both audits differ on one side, from int64[G, 3, 4, 4]; an unscored one may."""
    meaning = _decision_meaning(question)
    then, now = meaning[:, :, np.newaxis], meaning[:, np.newaxis, :]
    differ = (then != _OUT) & (now != _OUT) & ((then != now) | (then == _OPEN))
    return np.asarray((cells * differ).sum(axis=(1, 2, 3)), dtype=np.int64)


def separate_counts(question: Question, now: FamilyCounts, then: FamilyCounts, when: When) -> Tables:
    """Count the two samples of one side, x of n now and y of m then, with unscored cases as in `paired_counts`."""
    group, other = question.cells(when)
    return Tables(now.total(group[0]), now.total(group[1]), then.total(other[0]), then.total(other[1]))


def _decision_meaning(question: Question) -> npt.NDArray[np.int64]:
    """int64[3, 4]: meaning of each decision for a case of each label."""
    metric: Metric = question.metric
    counted, among = cells_mask(metric.numerator), cells_mask(metric.denominator)
    good = counted if question.side == "low" else among & ~counted
    open_cases = cells_mask(metric.lowest_if_unscored)
    meaning = np.full(counted.shape, _OUT, dtype=np.int64)
    meaning[among & ~good] = _BAD
    meaning[good] = _GOOD
    meaning[open_cases] = _OPEN
    assert not open_cases[:, [FLAGGED, NOT_FLAGGED]].any()  # noqa: S101 - what is decided is scored
    return meaning


NAMING_BETA: Final = 1e-6
"""Level that the paired test spends on its confidence set where a name is at stake: less than many groups leave
each.
"""


SEPARATELY: Final[Method] = "any_dependence"
"""Correction for names where two samples are compared. Discarding takes its chance of being kept at the rate of the
rest as it was found. That rate is sure for a large rest; but two samples of one group are of one size, and families of
unequal groups named one by mistake in 6.2 % of 1,300 simulated comparisons.
"""


class Evidence(NamedTuple):
    """Counts of one family, then and now, and the pairs where there are any."""

    then: FamilyCounts
    """Counts of the groups of `now`, in their order; 0 for a group that the earlier audit does not have."""
    now: FamilyCounts
    pairs: IntArray | None
    """int64[G, 3, 4, 4]: label x decision then x decision now."""

    @property
    def disjoint(self) -> bool:
        """Whether no case stands in two groups."""
        return bool(np.array_equal(self.now.cells.sum(axis=0), self.now.everyone))

    @classmethod
    def side_by_side(cls, families: Sequence[Evidence]) -> Self:
        """Put the groups of several families into one table: no p-value depends on the other groups in a call."""
        then, now = (
            FamilyCounts(Family(()), (), np.concatenate([side.cells for side in sides]), sides[0].everyone)
            for sides in ([family.then for family in families], [family.now for family in families])
        )
        pairs = [family.pairs for family in families if family.pairs is not None]
        return cls(then, now, np.concatenate(pairs) if pairs else None)


class ChangeTests(NamedTuple):
    """Results of a rule's tests on the change of the G groups of a family."""

    groups: GroupTests
    """`beyond` the limit is worse by more than the margin, `within` it is not worse by the margin."""
    pairs: Paired | None
    """Pairs that both audits scored, as read on the side nearer to failing; None for separate samples."""
    difference: tuple[FloatArray, FloatArray, FloatArray]
    """float64[G] each: rate now minus rate then, and its interval; nan where there are no cases."""

    def part(self, place: slice) -> Self:
        """Keep the groups of one family."""
        pairs = None if self.pairs is None else Paired(*(count[place] for count in self.pairs))
        value, low, high = (end[place] for end in self.difference)
        return self._replace(groups=self.groups.part(place), pairs=pairs, difference=(value, low, high))


def change_tests(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, Evidence],
    evaluable: Mapping[Family, BoolArray],
    decidable: Mapping[Family, BoolArray],
    budget: ChangeBudget,
) -> dict[Family, ChangeTests]:
    """Test every group of every family of a rule.

    Parameters
    ----------
    families
        Counts of each family; all of them with pairs or none.
    evaluable, decidable
        bool[G] of each: whether a rate can be stated, and whether the group is large enough to be judged alone.
    budget
        What this comparison may spend.
    """
    every = Evidence.side_by_side(list(families.values()))
    places = slices_of([len(paired.now.groups) for paired in families.values()])
    rule_questions, margin, alpha = (
        change_questions(plan.audit.route, plan.baseline, rule),
        margin_of(plan.baseline, rule),
        plan.verdict.alpha,
    )
    sides: Sequence[SeparateSide]
    if every.pairs is None:
        sides = [SeparateSide(question, every, alpha, budget.comparisons) for question in rule_questions]
    else:
        apart = [paired.disjoint for paired in families.values()]
        sides = [
            PairedSide(question, every, every.pairs, margin, apart, alpha, budget.comparisons)
            for question in rule_questions
        ]
    evaluable_, decidable_ = (
        np.concatenate([paired[family] for family in families]) for paired in (evaluable, decidable)
    )
    groups = judge_sides(sides, places, evaluable_, decidable_, level=change_level(plan, budget.share))
    pairs = None if every.pairs is None else _scored_pairs(every.pairs, rule_questions, groups.nearest)
    tests = ChangeTests(groups, pairs, _difference(rule, every, plan.verdict.level))
    return {family: tests.part(index) for family, index in zip(families, places, strict=True)}


class SeparateSide(CountsSide):
    """One side of a rule over the groups of some families: two samples, tested like a group and its rest."""

    def __init__(self, question: Question, evidence: Evidence, alpha: float, comparisons: int = 1) -> None:
        super().__init__(question, alpha)
        self._evidence = evidence
        self._comparisons = comparisons

    @cached_property
    def _tables(self) -> Mapping[When, Tables]:
        looks: tuple[When, ...] = ("best", "worst", "scored")
        return {when: separate_counts(self.question, self._evidence.now, self._evidence.then, when) for when in looks}

    def counts(self, when: When) -> Sequence[IntArray]:
        """Return x of n now and y of m then."""
        return self._tables[when]

    def method(self, family: int) -> Method:  # noqa: ARG002
        """Return the method for two samples."""
        return SEPARATELY

    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:
        """Name groups of one family: without pairs, all comparisons over releases divide the level itself."""
        return super().name(p, family, places, level / self._comparisons)

    def could_fail(self) -> BoolArray:
        """Find the groups whose rate was good enough to lose the margin, if its unscored cases were good."""
        return could_be_beyond(self.question.fail, self._tables["worst"].y, self._tables["worst"].m)

    def could_pass(self) -> BoolArray:
        """Find every group: that a rate was too bad to lose the margin is no doubt about its not having lost it."""
        return np.ones(self._tables["worst"].m.shape, dtype=np.bool_)


class PairedSide(SeparateSide):
    """One side of a rule over the groups of some families: one sample, decided twice."""

    def __init__(
        self,
        question: Question,
        evidence: Evidence,
        pairs: IntArray,
        margin: float,
        apart: Sequence[bool],
        alpha: float,
        comparisons: int = 1,
    ) -> None:
        super().__init__(question, evidence, alpha, comparisons)
        self._differing = differing_pairs(question, pairs)
        self._margin = margin
        self._apart = apart
        looks: tuple[When, ...] = ("best", "worst", "scored")
        self._pairs = {when: paired_counts(question, pairs, when) for when in looks}

    def counts(self, when: When) -> Sequence[IntArray]:
        """Return the pairs that were lost and gained, and all of them."""
        return self._pairs[when]

    def p_fail(self, tested: BoolArray, level: float) -> FloatArray:
        """Compute p-values of "not worse by more than the margin", case by case."""
        p = np.ones(tested.shape)
        lost, gained, n = (count[tested] for count in self.counts("best"))
        p[tested] = screened_paired_p(lost, gained, n, self._margin, "worse", NAMING_BETA, exact_below(level))
        return p

    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:
        """Name groups of one family, by pairs."""
        lost, gained, n = (count[places] for count in self.counts("best"))
        apart, comparisons = self._apart[family], self._comparisons
        named = name_paired(p, lost, gained, n, self._margin, level, NAMING_BETA, independent=apart)
        if comparisons > 1:
            differing = self._differing[places]
            named = name_in_series(named, lost, gained, differing, level, comparisons, independent=apart)
        return FailTests(p, named.local_level, named.rejected)

    def p_pass(self, counts: Sequence[IntArray], some: BoolArray) -> FloatArray:
        """Compute p-values of "worse by the margin", case by case."""
        lost, gained, n = (count[some] for count in counts)
        return screened_paired_p(lost, gained, n, self._margin, "within", BETA, exact_below(self.alpha))


def _scored_pairs(pairs: IntArray, rule_questions: Sequence[Question], nearest: IntArray) -> Paired:
    """Return the pairs that both audits scored, as each group's nearest side reads them."""
    by_side = [paired_counts(question, pairs, "scored") for question in rule_questions]
    at = nearest[np.newaxis]
    return Paired(*(np.take_along_axis(np.stack(counts), at, axis=0)[0] for counts in zip(*by_side, strict=True)))


def _difference(rule: Rule, evidence: Evidence, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return rate now minus rate then, with its interval; nan where there are no cases."""
    metric = rule.rate
    if evidence.pairs is None:
        x, n = evidence.now.numerator(metric), evidence.now.denominator(metric)
        y, m = evidence.then.numerator(metric), evidence.then.denominator(metric)
        known = (n > 0) & (m > 0)
        low, high = newcombe_difference(x, n, y, m, level)
        value = x / np.maximum(n, 1) - y / np.maximum(m, 1)
    else:
        lost, gained, n = paired_counts(rate_question(rule), evidence.pairs, "scored")
        known = n > 0
        low, high = paired_interval(lost, gained, np.maximum(n, 1), level)
        value = (gained - lost) / np.maximum(n, 1)
    unknown = np.full(known.shape, np.nan)
    return np.where(known, value, unknown), np.where(known, low, unknown), np.where(known, high, unknown)


def why_not_judged(set_section: EvaluationSetSection, *, too_many_failed: bool) -> ChangeBecause | None:
    """Name why no change of this plan is judged at all; None where it is judged."""
    if too_many_failed:
        return "too_many_failed"
    if set_section.is_weighted:
        return "weighted_set"
    return "clustered_set" if set_section.cluster is not None else None


class Comparison(NamedTuple):
    """Earlier audit of a comparison, and how the comparison is made."""

    baseline: ChangeBaseline
    differs: tuple[str, ...]
    """Parts of the plans that differ."""
    unpaired: Unpaired | None
    """Why separate samples are compared; None where the same cases are."""
    budget: ChangeBudget
    """What it may spend: all, or its part where a release is held against several versions."""


def judge_change(
    plan: AuditPlan,
    evidence: Mapping[Family, Evidence],
    features: Mapping[str, SensitiveFeature],
    comparison: Comparison,
    climbs: Mapping[str, Climb] | None = None,
    *,
    too_many_failed: bool = False,
) -> Change:
    """Judge the change of every rule.

    Parameters
    ----------
    evidence
        Counts then and now of every family of the plan, and pairs where the comparison has them.
    climbs
        Ways up the ladders by the id of each rule, where they are known already.
    too_many_failed
        Whether one of the detectors failed on more rows than the plan allows, so that nothing is decided.
    """
    stopped = why_not_judged(plan.evaluation_set, too_many_failed=too_many_failed)
    rules: list[ChangeRule] = []
    verdicts: list[ChangeVerdict] = []
    now = {family: known.now for family, known in evidence.items()}
    climbs = {} if stopped else climbs or Climb.of_rules(plan.groups, plan.named_rules, now, features)
    for rule in () if stopped else plan.named_rules:
        judged, of_groups = _judge_rule(plan, rule, evidence, climbs[rule.id], comparison)
        rules.append(judged)
        verdicts.extend(of_groups)
    outcome, because = ("inconclusive", stopped) if stopped else _outcome(rules)
    return Change(
        outcome=outcome,
        because=because,
        unpaired=comparison.unpaired,
        baseline=comparison.baseline,
        differs=comparison.differs,
        rules=tuple(rules),
        verdicts=tuple(verdicts),
    )


def _outcome(rules: Sequence[ChangeRule]) -> tuple[ChangeOutcome, ChangeBecause]:
    if any(rule.outcome == "fail" for rule in rules):
        return "fail", "group_became_worse"
    if all(rule.outcome == "pass" for rule in rules):
        return "pass", "none_became_worse"
    return "inconclusive", "rule_undecided"


def _judge_rule(
    plan: AuditPlan,
    rule: NamedRule,
    evidence: Mapping[Family, Evidence],
    climb: Climb,
    comparison: Comparison,
) -> tuple[ChangeRule, tuple[ChangeVerdict, ...]]:
    unpaired, budget = comparison.unpaired, comparison.budget
    if unpaired is None and rule.rate.denominator_is == "decisions":
        unpaired = "made_of_decisions"
    paired = {
        family: Evidence(evidence[family].then, evidence[family].now, None) if unpaired else evidence[family]
        for family in rule_families(plan.groups, rule)
    }
    every = [family_decidability(plan, rule, family, known) for family, known in paired.items()]
    sizes = people_once(every, climb)
    ladder = decidability_on_the_ladder(plan.groups, sizes, climb)
    tests = change_tests(
        plan,
        rule,
        paired,
        {size.family: size.evaluable for size in sizes},
        {size.family: size.decidable for size in sizes},
        budget,
    )
    outcomes = group_outcomes(ladder, {family: change.groups for family, change in tests.items()})
    counted = {family: _counted(known, rule.rate) for family, known in paired.items()}
    verdicts = tuple(
        verdict
        for size in sizes
        for verdict in _verdicts(plan.verdict, rule, counted[size.family], tests[size.family], outcomes[size.family])
    )
    return _rule(plan, rule, ladder, tests, verdicts, unpaired, change_level(plan, budget.share)), verdicts


def _counted(known: Evidence, metric: Metric) -> list[list[int]]:
    """List numerators and denominators of the groups, of then and of now."""
    return [
        side.tolist()
        for audited in (known.then, known.now)
        for side in (audited.numerator(metric), audited.denominator(metric))
    ]


def _verdicts(
    verdict: VerdictSection,
    rule: NamedRule,
    counted: Sequence[Sequence[int]],
    tests: ChangeTests,
    outcomes: Sequence[GroupOutcome],
) -> Iterator[ChangeVerdict]:
    then_numerator, then_denominator, now_numerator, now_denominator = counted
    value, low, high = (end.tolist() for end in tests.difference)
    pairs = tests.pairs
    for group_outcome in outcomes:
        index = group_outcome.place
        yield ChangeVerdict.model_construct(
            rule=rule.id,
            group=group_outcome.group,
            outcome=group_outcome.outcome,
            because=_GROUP_BECAUSE[group_outcome.because],
            then_numerator=then_numerator[index],
            then_denominator=then_denominator[index],
            now_numerator=now_numerator[index],
            now_denominator=now_denominator[index],
            n=None if pairs is None else int(pairs.n[index]),
            lost=None if pairs is None else int(pairs.lost[index]),
            gained=None if pairs is None else int(pairs.gained[index]),
            difference=as_known(value[index]),
            difference_low=as_known(low[index]),
            difference_high=as_known(high[index]),
            level=verdict.level,
            cases=group_outcome.cases,
            cases_required=group_outcome.cases_required,
            decidable=group_outcome.decidable,
            judged_as=group_outcome.judged_as,
            judged_as_outcome=group_outcome.judged_as_outcome,
            p_worse=group_outcome.p_fail,
            level_worse=group_outcome.level_fail,
            p_within=group_outcome.p_pass,
            side=group_outcome.side,
        )


_GROUP_BECAUSE: Final[Mapping[Because, GroupChangeBecause]] = {
    "beyond_limit": "worse_beyond_margin",
    "no_cases": "no_cases",
    "no_rest": "no_cases",
    "too_few_for_a_rate": "too_few_for_a_rate",
    "judged_as_part": "judged_as_part",
    "too_few_cases": "too_few_cases",
    "within_limit": "not_worse",
    "unscored_cases": "unscored_cases",
    "limit_not_excluded": "margin_not_excluded",
}
"""Reasons of an audit, in the terms of a change: the rest of a group is the group then."""
_BECAUSE: Final[Mapping[RuleBecause, ChangeRuleBecause]] = {
    "group_beyond_limit": "group_became_worse",
    "nothing_judged": "nothing_judged",
    "group_undecided": "group_undecided",
    "coverage_too_small": "coverage_too_small",
    "all_judged_within_limit": "none_became_worse",
}


def _rule(
    plan: AuditPlan,
    rule: NamedRule,
    ladder: RuleDecidability,
    tests: Mapping[Family, ChangeTests],
    verdicts: Sequence[ChangeVerdict],
    unpaired: Unpaired | None,
    level: float,
) -> ChangeRule:
    outcome, because = rule_outcome(
        ((verdict.outcome, verdict.decidable) for verdict in verdicts),
        ladder.lowest_coverage,
        plan.verdict.min_coverage,
        together=False,
        missing=False,
    )
    sides = [question.side for question in change_questions(plan.audit.route, plan.baseline, rule)]
    return ChangeRule(
        rule=rule.id,
        metric=rule.metric,
        margin=margin_of(plan.baseline, rule),
        worse="both" if len(sides) > 1 else sides[0],
        unpaired=unpaired,
        outcome=outcome,
        because=_BECAUSE[because],
        coverage=ladder.lowest_coverage,
        min_coverage=plan.verdict.min_coverage,
        families=tuple(
            ChangeFamily(
                family=decided.family,
                groups=len(decided.places),
                tested=int(np.count_nonzero(tests[decided.family].groups.tested)),
                level=level,
                coverage=ladder.coverage[decided.family],
            )
            for decided in ladder.families
        ),
    )


def family_decidability(plan: AuditPlan, rule: NamedRule, family: Family, evidence: Evidence) -> FamilyDecidability:
    """Find the groups of a family whose change can be judged alone.

    A group is judged alone if it has the cases that the plan sets for it (`min_cases`, `min_denominator`), and as many
    as a version that is no worse needs to pass with the plan's power. Where cases are compared one by one, the number
    is planned for versions that differ on `baseline.expected_change` of them.
    """
    cells = possible_cells(rule.rate)
    n, m = evidence.now.total(cells), evidence.then.total(cells)
    floor = plan.verdict.min_denominator
    evaluable = (n >= floor) & (m >= floor)
    required = np.maximum(
        np.full(n.shape, _declared_cases(plan.groups, plan.verdict, family)),
        _planned_cases(plan.audit.route, plan.verdict, plan.baseline, rule, evidence, m),
    )
    no = np.zeros(n.shape, dtype=np.bool_)
    return FamilyDecidability(
        family=family,
        groups=evidence.now.groups,
        cases=n,
        rest_cases=m,
        required=required,
        evaluable=evaluable,
        decidable=evaluable & (n >= required),
        planned=PlannedPeople(n.astype(np.float64), n.astype(np.float64), m.astype(np.float64), NOBODY),
        too_few_clusters=no,
        too_few_to_pass=no,
        miss=np.zeros(n.shape),
        beyond_help=no,
    )


def _declared_cases(group_features: Groups, verdict: VerdictSection, family: Family) -> float:
    declared = [group_features[axis.feature].min_cases for axis in family.axes]
    return float(max([verdict.min_denominator, *(number for number in declared if isinstance(number, int))]))


def _planned_cases(
    route: Route,
    verdict: VerdictSection,
    baseline_section: BaselineSection,
    rule: NamedRule,
    evidence: Evidence,
    m: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64] | float:
    rule_questions, alpha = change_questions(route, baseline_section, rule), verdict.alpha
    # of two sides each is planned for half of the risk, so that both pass together with the power asked for
    power = 1.0 - (1.0 - verdict.power) / len(rule_questions)
    if evidence.pairs is not None:
        return pairs_to_pass(baseline_section.expected_change, margin_of(baseline_section, rule), alpha, power)
    planned = [
        cases_to_pass(rule.planned_rate, m, question.within, alpha=alpha, power=power) for question in rule_questions
    ]
    return np.asarray(np.max(np.stack(planned), axis=0), dtype=np.float64)
