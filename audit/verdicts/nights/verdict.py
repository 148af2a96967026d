"""Evidence of all nights so far, and the verdict of each rule from it.

One night more: its new cases, and what they add to the evidence. Counts go in; no row, file or clock.

Verdict of each rule over all nights so far, from evidence whose bar holds for the whole history.

A rule fails once the evidence against one group, or against all nationalities together, has reached its bar in some
night. It stays failed until the history ends: the bar is reached by mistake in at most the share alpha of whole
histories, so that it need not be reached again. A rule passes when every group that is judged alone has in some night
reached the bar for a PASS, 1/alpha on every side, no later night has put that in doubt, and these groups cover enough
people. The cases of all nights decide which groups are judged alone, as in one audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import NOTHING, Supposed, possible_members
from audit.analyses.sides import Question, possible_cases, questions
from audit.counting.table import ABSTAINED, DECISIONS, FLAGGED, NOT_FLAGGED, FamilyCounts, parts_of, rule_families
from audit.errors import DataError
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.plan.sections import Groups, SensitivitySection, VerdictSection
from audit.result.findings.change import combined_outcome
from audit.result.findings.judged import RuleBecause
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.boundaries import Boundary, counted_outcome
from audit.stats.safe_process import SafeState, e_holm, log_factor, mean_log_e, take_in
from audit.verdicts.decidability import FamilyDecidability, missing_expected, rule_decidability
from audit.verdicts.margin_tests import could_be_beyond
from audit.verdicts.nights.state import (
    CELLS,
    Evidence,
    FamilySeen,
    LevelSeen,
    Outcome,
    Process,
    State,
    features_seen,
    group_shares,
    levels_seen,
)
from audit.verdicts.outcomes import rule_outcome
from audit.verdicts.side_tests import Budget, FailTests, PassTests, SideTest, budget, is_combined, judge_sides
from audit.vocabulary.groups import Family, Group, SensitiveFeature

_IN_EVIDENCE: Final = 3
"""Place of the cases that the evidence holds as unscored, behind the three decisions of a label."""


@dataclass(frozen=True, slots=True)
class _OneFamily:
    """A family before this night, in it, and after it: the same groups in the same order."""

    before: FamilyCounts
    new: FamilyCounts
    after: FamilyCounts
    supposed: Supposed
    """What the plan supposes of people of unknown feature."""
    rows: IntArray
    """int64[G, 3, 4]: cells that the state keeps."""
    late: BoolArray
    """bool[G]: groups that were never there before."""
    shares: npt.NDArray[np.float64]


def with_night(
    plan: AuditPlan,
    state: State,
    families: Mapping[Family, FamilyCounts],
    features: Sequence[SensitiveFeature],
) -> State:
    """Return the state with one night more; its `sets` and `outcome` are the caller's to write.

    Evidence for a FAIL counts unscored cases in favour of the group, and evidence for a PASS against it, with rows of
    unknown feature at their worst, as verdicts do (docs, "How a verdict is reached"). So either holds whatever these
    cases would have been. In a growing set a case that was not scored stays in the evidence as it was taken in. If it
    is answered later, it is a new case, and the largest number of unscored cases of any night stands for those of later
    nights. Both only lower the evidence.

    Parameters
    ----------
    families : mapping of Family to FamilyCounts
        All counts of tonight's set, for every family of every rule.

    Raises
    ------
    DataError
        If the set is said to grow, and some count is smaller than before.
    """
    levels = levels_seen(state.levels, features, first=not state.nights)
    by_name = features_seen(features, levels)
    judged_families = dict.fromkeys(family for rule in plan.rules for family in rule_families(plan.groups, rule))
    families_seen = {record.family: record for record in state.families}
    families_tonight = {
        family: _family(plan.sensitivity, state, families_seen.get(family), families[family], by_name, levels)
        for family in judged_families
    }
    before = {(record.rule, record.side, record.family): record for record in state.evidence}
    spend = budget(plan)
    evidence = []
    for index, rule in enumerate(plan.rules):
        for family in rule_families(plan.groups, rule):
            for question in questions(plan.audit.route, rule):
                old = before.get((index, question.side, family))
                evidence.append(
                    _evidence(plan.groups, plan.verdict, index, question, families_tonight[family], old, spend)
                )
    return state.model_copy(
        update={
            "nights": state.nights + 1,
            "levels": levels,
            "families": tuple(
                FamilySeen(
                    family=family,
                    groups=record.after.groups,
                    cells=tuple(tuple(row) for row in record.rows.reshape(-1, CELLS).tolist()),
                )
                for family, record in families_tonight.items()
            ),
            "evidence": tuple(evidence),
        }
    )


def counts_so_far(state: State, features: Mapping[str, SensitiveFeature]) -> dict[Family, FamilyCounts]:
    """Return the counts of all nights, or for a growing set those of the last one."""
    return {
        family_seen.family: _counts(
            family_seen.family,
            family_seen.groups,
            _cells_of_counts(np.array(family_seen.cells).reshape(-1, 3, 4)),
            features,
        )
        for family_seen in state.families
    }


def _family(
    sensitivity: SensitivitySection,
    state: State,
    seen: FamilySeen | None,
    tonight: FamilyCounts,
    features: Mapping[str, SensitiveFeature],
    levels: Mapping[str, Sequence[LevelSeen]],
) -> _OneFamily:
    known = {} if seen is None else dict(zip(seen.groups, seen.cells, strict=True))
    groups = tuple(sorted({*known, *tonight.groups}, key=lambda group: group.levels))
    counts_before = np.array([known.get(group, (0,) * CELLS) for group in groups], dtype=np.int64).reshape(-1, 3, 4)
    index_of_group = {group: index for index, group in enumerate(tonight.groups)}
    now = np.zeros((len(groups), 3, 3), dtype=np.int64)
    for index, group in enumerate(groups):
        if group in index_of_group:
            cells_tonight = tonight.cells[index_of_group[group]]
            now[index] = np.column_stack(
                [cells_tonight[:, FLAGGED], cells_tonight[:, NOT_FLAGGED], cells_tonight[:, ABSTAINED:].sum(axis=1)]
            )
    new, rows = _growing_rows(counts_before, now) if state.sample == "growing" else _fresh_rows(counts_before, now)
    family = tonight.family
    before, new_counts, after = (
        _counts(family, groups, cells, features)
        for cells in (_cells_of_counts(counts_before), _with_failed(new), _cells_of_counts(rows))
    )
    return _OneFamily(
        before,
        new_counts,
        after,
        Supposed.of(sensitivity),
        rows=rows,
        late=np.array([group not in known for group in groups], dtype=np.bool_),
        shares=group_shares(groups, levels),
    )


def _fresh_rows(before: IntArray, now: IntArray) -> tuple[IntArray, IntArray]:
    """Take every row of the set as a new one."""
    return now, before + np.concatenate([now, now[:, :, ABSTAINED:]], axis=2)


def _growing_rows(before: IntArray, now: IntArray) -> tuple[IntArray, IntArray]:
    """Find the rows that came to a set that grows. Raises DataError where it does not grow."""
    new = now - before[:, :, :_IN_EVIDENCE]
    # an unscored case may be answered later, but then it is still a case
    if (new[:, :, :ABSTAINED] < 0).any() or (new.sum(axis=2) < 0).any():
        raise DataError(
            "the set was said to grow, and some group has fewer cases, or fewer answers of one kind, than before",
            slug="sequential-shrank",
        )
    in_evidence = np.maximum(before[:, :, _IN_EVIDENCE], now[:, :, ABSTAINED])
    new[:, :, ABSTAINED] = in_evidence - before[:, :, _IN_EVIDENCE]
    return new, np.concatenate([now, in_evidence[:, :, np.newaxis]], axis=2)


def _cells_of_counts(rows: IntArray) -> IntArray:
    """int64[G, 3, 4]: cells as counts have them, from the numbers that the state keeps."""
    return _with_failed(rows[:, :, :_IN_EVIDENCE])


def _with_failed(three: IntArray) -> IntArray:
    cells = np.zeros((three.shape[0], 3, DECISIONS), dtype=np.int64)
    cells[:, :, :_IN_EVIDENCE] = three
    return cells


def _counts(
    family: Family, groups: tuple[Group, ...], cells: IntArray, features: Mapping[str, SensitiveFeature]
) -> FamilyCounts:
    return FamilyCounts(family, groups, cells, cells.sum(axis=0), parts_of(family, features))


def _evidence(
    group_features: Groups,
    verdict: VerdictSection,
    index: int,
    question: Question,
    family: _OneFamily,
    old: Evidence | None,
    spend: Budget,
) -> Evidence:
    old_evidence = _remembered(family, old)
    best = question.at_its_best(family.new)
    start = question.at_its_best(family.before)
    known = _evidence_before(None if old is None else old.beyond, family, start, question.fail)
    counted = _by_boundary(best, question.fail)
    beyond = take_in(known, *counted, question.fail)
    worst, moved = _worst_new_counts(question, family, old_evidence.moved)
    start = question.at_its_worst(family.before)
    within = _evidence_before(None if old is None else old.within, family, start, question.within)
    within = take_in(within, *_by_boundary(worst, question.within), question.within)
    with_cases = (best.n > 0) & (best.m > 0)
    factor = log_factor(known, *counted, question.fail)
    doubt, doubted = doubt_of_passes(old_evidence.doubt, factor, with_cases, old_evidence.passed, verdict.alpha)
    # what it passed by is of the nights before
    within = within._replace(log_e=np.where(doubted, 0.0, within.log_e))
    passed = (old_evidence.passed & ~doubted) | (within.log_e >= -np.log(verdict.alpha))
    group, rest = possible_cases(family.after, question.metric)
    stated = (group >= verdict.min_denominator) & (rest >= verdict.min_denominator)
    log_e = np.asarray(beyond.log_e)
    failed = e_holm(np.where(stated, log_e, -np.inf), spend.names, family.shares, old_evidence.failed)
    several = old is not None and old.several
    if is_combined(group_features, family.after.family):
        several |= mean_log_e(log_e, family.shares) >= -np.log(spend.unnamed)
    return Evidence(
        rule=index,
        side=question.side,
        family=family.after.family,
        beyond=_process_of(beyond),
        failed=tuple(failed.tolist()),
        within=_process_of(within),
        passed=tuple(passed.tolist()),
        moved=tuple(moved.tolist()),
        drift=tuple(doubt.evidence.tolist()),
        nights_since=tuple(doubt.nights.tolist()),
        doubted=tuple(((old_evidence.doubted | doubted) & ~passed).tolist()),
        several=bool(several),
    )


class _Remembered(NamedTuple):
    """What the nights before found about each group of now."""

    failed: BoolArray
    passed: BoolArray
    doubted: BoolArray
    moved: IntArray
    doubt: Doubt


def _remembered(family: _OneFamily, old: Evidence | None) -> _Remembered:
    failed, passed, doubted = np.zeros((3, family.late.size), dtype=np.bool_)
    moved, nights = np.zeros((2, family.late.size), dtype=np.int64)
    drift = np.zeros(family.late.size)
    if old is not None:
        early = ~family.late
        failed[early], passed[early], doubted[early] = old.failed, old.passed, old.doubted
        moved[early], nights[early], drift[early] = old.moved, old.nights_since, old.drift
    return _Remembered(failed, passed, doubted, moved, Doubt(drift, nights))


def _worst_new_counts(question: Question, family: _OneFamily, moved: IntArray) -> tuple[Tables, IntArray]:
    """Return the new cases with everything unknown against the group, and the rows of unknown feature that were moved
    so far.

    What the plan supposes is supposed of all cases so far: of three new ones it would always be none. Those who are not
    harmed stay in the rest, which errs to the safe side.
    """
    new = possible_members([family.new], question.metric, NOTHING)
    if family.supposed == NOTHING:
        return new.at_their_worst(question, family.new), moved
    so_far = possible_members([family.after], question.metric, family.supposed).against(question)
    moving = np.minimum(np.maximum(so_far - moved, 0), new.against(question))
    return new.at_their_worst(question, family.new, moving), moved + moving


def _evidence_before(old: Process | None, family: _OneFamily, start: Tables, boundary: Boundary) -> SafeState:
    """Return the evidence before the new cases; for a group that was not there before only its rest is known."""
    state = SafeState(*_by_boundary(start, boundary), np.zeros(family.late.size))
    if old is not None:
        for column, before in zip(state, _columns(old), strict=True):
            column[~family.late] = before
    return state


def _by_boundary(counts: Tables, boundary: Boundary) -> Tables:
    """Replace the metric's own outcome by the one that the boundary counts."""
    group, rest = counted_outcome(counts.x, counts.n, boundary), counted_outcome(counts.y, counts.m, boundary)
    return Tables(group.astype(np.int64), counts.n.copy(), rest.astype(np.int64), counts.m.copy())


def _columns(process: Process) -> tuple[tuple[int, ...] | tuple[float, ...], ...]:
    return process.counted, process.cases, process.rest_counted, process.rest_cases, process.log_e


def _process_of(state: SafeState) -> Process:
    return Process(**{name: tuple(column.tolist()) for name, column in state._asdict().items()})


class Doubt(NamedTuple):
    """Doubt about each group since it passed; every field has shape (G,)."""

    evidence: npt.NDArray[np.float64]
    """Evidence of the parts that have begun; 0 for a group that has not passed."""
    nights: npt.NDArray[np.int64]
    """Number of nights with cases of the group since it passed."""


def doubt_of_passes(
    before: Doubt,
    log_factor: npt.NDArray[np.float64],
    with_cases: npt.NDArray[np.bool_],
    passed: npt.NDArray[np.bool_],
    alpha: float,
) -> tuple[Doubt, npt.NDArray[np.bool_]]:
    """Add a night's evidence against groups that had passed before it; every array has shape (G,).

    Parameters
    ----------
    log_factor
        Logarithm of what the night's new cases multiply evidence by: `audit.stats.safe_process.log_factor`.
    with_cases
        Groups that had new cases, and whose rest had new cases.
    passed
        Groups that had passed before this night.
    alpha
        The share of histories in which a PASS that is true may be put in doubt.

    Returns
    -------
    tuple of Doubt and bool[G]
        What to remember, and which groups are in doubt from this night on; of these nothing is remembered.
    """
    seen = passed & with_cases
    nights = np.where(passed, before.nights + seen, 0)
    begins = np.where(seen, 1.0 / np.maximum(nights * (nights + 1), 1), 0.0)
    with np.errstate(over="ignore"):
        evidence = np.where(passed, (before.evidence + begins) * np.exp(np.where(seen, log_factor, 0.0)), 0.0)
    # what has not begun yet counts as it is
    doubted = passed & (evidence + 1.0 / (nights + 1.0) >= 1.0 / alpha)
    return Doubt(np.where(doubted, 0.0, evidence), np.where(doubted, 0, nights)), doubted


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """Verdict of all nights on a group."""

    group: Group
    outcome: Outcome
    judged: bool
    """Whether the group has the cases to be judged alone."""
    doubted: bool
    """Whether the group passed before, until later nights put that in doubt."""
    log_e_fail: float
    """Natural logarithm of the evidence that the group is beyond the limit, on the side on which that is stronger."""
    log_e_pass: float
    """Natural logarithm of the evidence that the group is within the limit, on the side on which that is weaker."""


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """Verdict of all nights on a rule."""

    rule: str
    outcome: Outcome
    because: RuleBecause
    groups: tuple[JudgedGroup, ...]


class NightsSide(SideTest):
    """One side of a rule over the groups of a family, by evidence that nights have added up.

    What reached its bar in some night stays so. The p-value is 1 over the evidence, at any time (Ville 1939).
    """

    def __init__(self, question: Question, counts: FamilyCounts, evidence: Evidence) -> None:
        super().__init__(question.side)
        self._question = question
        self._counts = counts
        self._evidence = evidence

    def could_fail(self) -> BoolArray:
        """Find every group: what failed in an earlier night has failed, whatever its rest is now."""
        return np.ones(len(self._counts.groups), dtype=np.bool_)

    def could_pass(self) -> BoolArray:
        """Find the groups that could be beyond the limit: of others not failing is no evidence."""
        _, _, y, m = self._question.at_its_worst(self._counts)
        return could_be_beyond(self._question.fail, y, m)

    def p_fail(self, tested: BoolArray, level: float) -> FloatArray:  # noqa: ARG002
        """Compute p-values of "not beyond the limit" from the evidence of all nights."""
        return np.where(tested, _p_of(self._evidence.beyond), 1.0)

    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:  # noqa: ARG002
        """Return the groups that reached their bar in some night, by shares of the family's level."""
        return FailTests(p, np.full(p.shape, level), np.array(self._evidence.failed, dtype=np.bool_)[places])

    def pass_tests(self, judged: BoolArray) -> PassTests:
        """Return the groups that reached 1/alpha in some night and were not put in doubt since."""
        passed: BoolArray = judged & np.array(self._evidence.passed, dtype=np.bool_)
        return PassTests.recorded(np.where(judged, _p_of(self._evidence.within), 1.0), passed)


def _p_of(process: Process) -> FloatArray:
    return np.exp(-np.maximum(process.log_e, 0.0))


def judge_nights(plan: AuditPlan, state: State, features: Sequence[SensitiveFeature]) -> tuple[JudgedRule, ...]:
    """Judge every rule of the plan over the nights taken in; `features` are those of any set of the plan."""
    if not state.nights:
        return tuple(JudgedRule(rule.id, "inconclusive", "nothing_judged", ()) for rule in plan.named_rules)
    by_name = features_seen(features, levels_seen(state.levels, features, first=False))
    counts = counts_so_far(state, by_name)
    return tuple(_judge_rule(plan, index, rule, state, counts, by_name) for index, rule in enumerate(plan.named_rules))


def overall_outcome(rules: Sequence[JudgedRule]) -> Outcome:
    """Combine all rules: FAIL if any rule fails, PASS only if every rule passes."""
    return combined_outcome(rule.outcome for rule in rules)


def _judge_rule(
    plan: AuditPlan,
    index: int,
    rule: NamedRule,
    state: State,
    counts: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> JudgedRule:
    decidability = rule_decidability(plan, rule, counts, features)
    mine = [side_evidence for side_evidence in state.evidence if side_evidence.rule == index]
    groups = [
        judged_group
        for family in decidability.families
        for judged_group in _judge_groups(plan, rule, family, counts[family.family], mine)
    ]
    outcome, because = rule_outcome(
        ((group.outcome, group.judged) for group in groups),
        decidability.lowest_coverage,
        plan.verdict.min_coverage,
        together=any(side_evidence.several for side_evidence in mine),
        missing=bool(missing_expected(plan.groups, plan.verdict, rule, counts, features)),
    )
    return JudgedRule(rule.id, outcome, because, tuple(groups))


_OUTCOMES: Final[Mapping[str, Outcome]] = {"fail": "fail", "pass": "pass", "inconclusive": "inconclusive"}


def _judge_groups(
    plan: AuditPlan, rule: NamedRule, family: FamilyDecidability, counts: FamilyCounts, evidence: Sequence[Evidence]
) -> list[JudgedGroup]:
    by_side = {side_evidence.side: side_evidence for side_evidence in evidence if side_evidence.family == family.family}
    sides = [NightsSide(question, counts, by_side[question.side]) for question in questions(plan.audit.route, rule)]
    all_groups = slice(0, len(family.groups))
    # a FAIL of an earlier night stands, whatever may be stated now
    tests = judge_sides(sides, [all_groups], np.ones_like(family.evaluable), family.decidable, level=budget(plan).names)
    doubted = np.any([side_evidence.doubted for side_evidence in by_side.values()], axis=0) & ~tests.beyond
    fail = np.max([side_evidence.beyond.log_e for side_evidence in by_side.values()], axis=0)
    within = np.min([side_evidence.within.log_e for side_evidence in by_side.values()], axis=0)
    outcomes: list[Outcome] = [_OUTCOMES[outcome] for outcome in tests.outcomes]
    return [
        JudgedGroup(
            family.groups[at],
            outcomes[at],
            bool(family.decidable[at]),
            bool(doubted[at]),
            float(fail[at]),
            float(within[at]),
        )
        for at in family.places
    ]
