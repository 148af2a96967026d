"""Chance that a detector which treats everyone alike would pass, for a set of which only the labels are known.

Groups overlap: those of a ladder hold the same people, and a cross is a part of both its features. So the chances of
groups are not multiplied here. Answers are drawn for the finest groups, added up, and every group is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from audit.analyses.missing_attributes import Supposed, share_at_odds
from audit.analyses.sides import Question, possible_cells, questions
from audit.counting.moments import Moments
from audit.counting.table import UNKNOWN, CountsTable, cells_mask, climbed_codes, count_families
from audit.plan.audit_plan import AuditPlan, NamedRule, Rule
from audit.plan.sections import SensitivitySection, VerdictSection
from audit.result.findings.further import LeastSure, OutOfReach, PlannedPass, Remedy
from audit.stats.arrays import BoolArray, FloatArray, IntArray, added
from audit.stats.boundaries import counted_outcome
from audit.stats.score_test import asymptotic_p
from audit.verdicts.decidability import (
    FamilyDecidability,
    RuleDecidability,
    known_before_scoring,
    missing_expected,
    plan_decidability,
    planned_chance,
)
from audit.verdicts.planned_people import LIKE_EXACT
from audit.vocabulary.groups import SensitiveFeature

_DRAWS: Final = 400
_SEED: Final = 20261129
_WORTH_SAYING: Final = 0.05
_LEAST_SURE: Final = 3
_CERTAIN: Final = 1e-7
"""Planned chance of no pass below which a group is not drawn."""


def planned_pass(
    plan: AuditPlan,
    table: CountsTable,
    features: Sequence[SensitiveFeature],
    moments: Moments | None = None,
    decided: Mapping[str, RuleDecidability] | None = None,
) -> PlannedPass | None:
    """Find the chance of a pass, and where it is below the plan's power the change that would raise it most.

    Parameters
    ----------
    decided
        Who is judged alone, as `audit.verdicts.decidability.plan_decidability` says; the others as in `chance_of_pass`.

    Returns
    -------
    PlannedPass or None
        None where every rule is known only after scoring, and where people's decisions count: nothing is known
        of them before they are made. Each change is planned anew: other groups may then be judged alone.
    """
    if plan.people_count:
        return None
    scenario = _Asked.of(plan, table, features, moments, decided)
    if scenario is None:
        return None
    chance = scenario.chance()
    coverage = [rule_decidability.lowest_coverage for rule_decidability in scenario.decided]
    known = [share for share in coverage if share is not None]
    planned: dict[str, Any] = {
        "chance": chance,
        "coverage": min(known) if len(known) == len(coverage) else None,
        "out_of_reach": scenario.out_of_reach,
        "least_sure": (),
        "remedy": None,
        "with_remedy": None,
    }
    if chance >= plan.verdict.power:
        return PlannedPass(**planned)
    changed = {
        name: chance_of_pass(*change, features, moments) or 0.0
        for name, change in _changes(plan, table)
        # what further rows with weights or of clusters would be worth is not in the counts
        if moments is None or name != "twice_the_cases"
    }
    best = max(changed, key=lambda name: changed[name])
    if changed[best] >= chance + _WORTH_SAYING:
        planned |= {"remedy": best, "with_remedy": changed[best]}
    return PlannedPass(**planned | {"least_sure": _least_sure(scenario)})


def _least_sure(scenario: _Asked) -> tuple[LeastSure, ...]:
    missed = [
        (float(family.miss[index]), rule.id, family.groups[index])
        for rule, rule_decidability in zip(scenario.rules, scenario.decided, strict=True)
        for family in rule_decidability.families
        for index in np.flatnonzero(family.decidable)
    ]
    first = sorted(missed, key=lambda chance_and_group: -chance_and_group[0])[:_LEAST_SURE]
    return tuple(LeastSure(rule=rule, group=group, chance=1.0 - miss) for miss, rule, group in first)


def _changes(plan: AuditPlan, table: CountsTable) -> Iterator[tuple[Remedy, tuple[AuditPlan, CountsTable]]]:
    """Change one thing at a time, in the order in which equal gains are named."""
    if any(UNKNOWN in codes for codes in table.codes):
        nobody = plan.sensitivity.model_copy(update={"max_missing_share": 0.0})
        yield "nobody_unknown", (plan.model_copy(update={"sensitivity": nobody}), table)
    single, wider = _changed(plan, _single_features), _changed(plan, _wider)
    if single != plan:
        yield "single_features", (single, table)
    yield "twice_the_cases", (plan, CountsTable(table.features, table.codes, 2 * table.cells))
    yield "wider_limit", (wider, table)


def _changed(plan: AuditPlan, change: Callable[[Rule], dict[str, Any]]) -> AuditPlan:
    """Change every limit on rates; those on probes stay, for they share the level."""
    rules = (rule.model_copy(update=change(rule)) if isinstance(rule, Rule) else rule for rule in plan.every_rule)
    return plan.model_copy(update={"every_rule": tuple(rules)})


def _single_features(rule: Rule) -> dict[str, Any]:
    single = [features for features in rule.groups if isinstance(features, str)]
    return {"groups": tuple(single)} if single else {}


def _wider(rule: Rule) -> dict[str, Any]:
    """Return a limit that is half as wide again."""
    if rule.margin is not None:
        return {"margin": min(rule.margin * 1.5, 0.99)}
    return {"ratio": max(1.0 - (1.0 - rule.limit) * 1.5, 0.01)}


def chance_of_pass(
    plan: AuditPlan,
    table: CountsTable,
    features: Sequence[SensitiveFeature],
    moments: Moments | None = None,
    decided: Mapping[str, RuleDecidability] | None = None,
) -> float | None:
    """Estimate the chance that all rules pass whose denominators are known from labels.

    Parameters
    ----------
    table : CountsTable
        The finest groups; answers in it are not looked at.
    moments
        Where rows have weights or clusters. Then the product over groups is returned, which takes them as independent.

    Returns
    -------
    float or None
        A share of 400 draws with a fixed seed, so at most 2.5 points of standard error. 0 where some rule cannot pass
        at all; None where every rule is known only after scoring.
    """
    scenario = _Asked.of(plan, table, features, moments, decided)
    return None if scenario is None else scenario.chance()


class _Asked(NamedTuple):
    """Rules that labels alone can plan, who is judged alone under each, and why no pass is within reach if none is."""

    plan: AuditPlan
    table: CountsTable
    features: Mapping[str, SensitiveFeature]
    rules: Sequence[NamedRule]
    decided: Sequence[RuleDecidability]
    alike: bool
    """Whether rows are independent and weigh the same."""
    out_of_reach: OutOfReach | None

    @classmethod
    def of(
        cls,
        plan: AuditPlan,
        table: CountsTable,
        features: Sequence[SensitiveFeature],
        moments: Moments | None,
        decided: Mapping[str, RuleDecidability] | None,
    ) -> _Asked | None:
        """Plan a set; None without such rules."""
        rules = [rule for rule in plan.named_rules if known_before_scoring(plan.evaluation_set, rule)]
        if not rules:
            return None
        by_name = {feature.name: feature for feature in features}
        families = count_families(plan.groups, plan.rules, table, features)
        if decided is None:
            decided = plan_decidability(plan, families, by_name, moments, sizes=False)
        of_rules = [decided[rule.id] for rule in rules]
        missing = any(missing_expected(plan.groups, plan.verdict, rule, families, by_name) for rule in rules)
        reach = "expected_group_missing" if missing else _out_of_reach(plan.verdict, of_rules)
        return cls(plan, table, by_name, rules, of_rules, moments is None, reach)

    def chance(self) -> float:
        """Draw answers of a detector that treats everyone alike, and count the draws in which everybody passes."""
        if self.out_of_reach is not None:
            return 0.0
        if not self.alike:
            return planned_chance(self.decided)
        rng = np.random.RandomState(np.random.PCG64(_SEED))  # its stream lasts, unlike that of a Generator
        passing = np.ones(_DRAWS, dtype=np.bool_)
        drawn: dict[tuple[str, float], IntArray] = {}
        for rule, decided in zip(self.rules, self.decided, strict=True):
            cases = _cases(self.table, rule)
            answers = rule.metric, rule.planned_rate
            if answers not in drawn:
                drawn[answers] = rng.binomial(cases, rule.planned_rate, (_DRAWS, cases.size))
            for family in decided.families:
                keys = climbed_codes(self.table.codes, self.table.features, family.family, self.features)
                for question in questions(self.plan.audit.route, rule):
                    passing &= _all_pass(
                        self.plan.verdict, self.plan.sensitivity, question, family, keys, cases, drawn[answers]
                    )
        return float(passing.mean())


def _out_of_reach(verdict: VerdictSection, decided: Sequence[RuleDecidability]) -> OutOfReach | None:
    """Say why labels leave no pass within reach; None where they leave one."""
    if not all(any(family.decidable.any() for family in rule_decidability.families) for rule_decidability in decided):
        return "nothing_judged"
    least = verdict.min_coverage
    covered = all(
        rule_decidability.lowest_coverage is not None and rule_decidability.lowest_coverage >= least
        for rule_decidability in decided
    )
    return None if covered else "coverage_too_small"


def _cases(table: CountsTable, rule: Rule) -> IntArray:
    """int64[K]: cases in the denominator of the rule's rate, answered or not."""
    return np.asarray((table.cells * cells_mask(possible_cells(rule.rate))).sum(axis=(1, 2)), dtype=np.int64)


def _all_pass(
    verdict: VerdictSection,
    sensitivity: SensitivitySection,
    question: Question,
    family: FamilyDecidability,
    keys: Sequence[tuple[str, ...]],
    cases: IntArray,
    hits: IntArray,
) -> BoolArray:
    """bool[R]: whether every group judged alone passes in each draw, as recorded and with members at their worst."""
    at = {tuple(level.code for level in group.levels): index for index, group in enumerate(family.groups)}
    places = np.array([at[key] for key in keys], dtype=np.int64)
    group_cases, group_hits = added((len(at),), places, cases), added((len(at), hits.shape[0]), places, hits.T)
    open_ = np.flatnonzero(family.decidable & (family.miss > _CERTAIN))
    if not open_.size:
        return np.ones(hits.shape[0], dtype=np.bool_)
    up = question.side == "high"
    harmed = group_hits if up else group_cases[:, np.newaxis] - group_hits
    x, n = harmed[open_], group_cases[open_][:, np.newaxis]
    y, m = harmed.sum(axis=0) - x, group_cases.sum() - n
    certain = _pooled(family.planned.members.several, open_, harmed)
    x, n, y, m = x + certain, n + certain, y - certain, m - certain
    passing = _passes(verdict, question, x, n, y, m)
    supposed = Supposed.of(sensitivity)
    unknown = _pooled(family.planned.members.unknown, open_, np.broadcast_to(group_cases[:, np.newaxis], harmed.shape))
    if not unknown.any():
        return passing
    there = _pooled(family.planned.members.unknown, open_, harmed)
    most = np.floor(family.planned.members.most(group_cases, supposed)[open_] + 1e-9)[:, np.newaxis]
    share = share_at_odds(supposed.odds_factor, there, unknown - there)
    moved = np.floor(np.minimum(there, share * most) + 1e-9)
    others = np.minimum(np.ceil(moved / np.where(share > 0.0, share, 1.0) - 1e-9), most) - moved
    return passing & _passes(verdict, question, x + moved, n + moved + others, y - moved, m - moved - others)


def _pooled(members: Sequence[Sequence[int]], open_: IntArray, values: IntArray) -> IntArray:
    """int64[O, R]: values of the possible members of each group that is looked at, added up."""
    pooled = np.zeros((open_.size, values.shape[1]), dtype=np.int64)
    for row, index in enumerate(open_):
        for other in members[index]:
            pooled[row] += values[other]
    return pooled


def _passes(verdict: VerdictSection, question: Question, *harmed: FloatArray | IntArray) -> BoolArray:
    """bool[R]: whether all groups pass, by counts (x, n, y, m) of the outcome that is a harm."""
    x, n, y, m = (count.ravel() for count in np.broadcast_arrays(*harmed))
    boundary = question.within
    if question.side == "low":
        x, y = n - x, m - y
    counted, counted_rest = counted_outcome(x, n, boundary), counted_outcome(y, m, boundary)
    p = asymptotic_p(counted, n, counted_rest, m, boundary).reshape(harmed[0].shape)
    return np.asarray((p <= LIKE_EXACT * verdict.alpha).all(axis=0), dtype=np.bool_)
