"""All groups of a family at once: whether they differ, by how much, and who stands out. Decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from audit.analyses.estimates import as_known
from audit.counting.table import ERROR_RATES, FamilyCounts, rule_families
from audit.plan.audit_plan import AuditPlan, Route, Rule
from audit.plan.sections import Groups, VerdictSection
from audit.result.findings.many_groups import BetweenGroups, Entropy, ManyGroupsReason, ShrunkRate
from audit.stats.arrays import IntArray
from audit.stats.heterogeneity import (
    MOST_CASES,
    BetaPrior,
    beta_prior,
    entropy_interval,
    equality_p,
    generalized_entropy,
    shrunk_rates,
    spread_between,
)
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS, Cell, Metric, Worse, worse_direction

_RANKED_FROM: Final = 10
"""Smallest number of groups in a family whose furthest groups are listed, and the number of them."""
_ENTROPY_REPLICATES: Final = 499
_BENEFITS: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN)


def between_groups(
    plan: AuditPlan, families: Mapping[Family, FamilyCounts], *, independent: bool = True
) -> tuple[BetweenGroups, ...]:
    """Measure how the groups of every family differ: in the rates of its rules, the share found, the share wrongly
    flagged.

    `independent` says that rows are neither weighted nor clustered; otherwise no figure is given.
    """
    return tuple(
        _family_spread(plan.audit.route, plan.verdict, metric, family, independent=independent)
        for family in families.values()
        for metric in _metrics(plan.groups, plan.rules, family.family)
    )


def entropies(
    verdict: VerdictSection, families: Mapping[Family, FamilyCounts], *, independent: bool = True
) -> tuple[Entropy, ...]:
    """Compute the generalised entropy of every family whose groups share no row, over labelled and scored cases.

    Empty where rows are weighted or clustered: AIF360's index does not say what it would then be an estimate of.
    """
    if not independent:
        return ()
    family_entropies = (_entropy(verdict, family) for family in families.values() if not family.is_overlapping)
    return tuple(record for record in family_entropies if record is not None)


def _metrics(group_features: Groups, rules: Sequence[Rule], family: Family) -> tuple[Metric, ...]:
    ruled = (rule.rate for rule in rules if family in rule_families(group_features, rule))
    return tuple(dict.fromkeys((*ruled, *(METRICS[name] for name in ERROR_RATES))))


def _family_spread(
    route: Route, verdict: VerdictSection, metric: Metric, family: FamilyCounts, *, independent: bool
) -> BetweenGroups:
    stated = family.denominator(metric) >= verdict.min_denominator
    x, n = family.numerator(metric)[stated], family.denominator(metric)[stated]
    reason = _reason(x, n, independent=independent, shares_rows=family.is_overlapping)
    known = reason in (None, "too_many_cases")
    rng = _stream(verdict.seed, metric.name, family.family)
    equality = equality_p(x, n, rng) if known else None
    spread = spread_between(x, n, verdict.level) if known else None
    prior = beta_prior(x, n) if known else None
    low, high = (None, None) if spread is None else (as_known(spread.low), as_known(spread.high))
    return BetweenGroups.model_construct(
        metric=metric.name,
        family=family.family,
        groups=int(stated.sum()),
        cases=int(n.sum()),
        equality_p=None if equality is None else as_known(equality.p),
        divisions=0 if equality is None else equality.replicates,
        spread=None if spread is None else as_known(spread.estimate),
        spread_low=low,
        spread_high=high,
        level=verdict.level,
        prior_mean=None if prior is None else as_known(prior.mean),
        prior_strength=None if prior is None else as_known(prior.strength),
        worst=() if prior is None or n.size < _RANKED_FROM else _worst(route, metric, family, stated, prior),
        reason=reason,
    )


def _reason(x: IntArray, n: IntArray, *, independent: bool, shares_rows: bool) -> ManyGroupsReason | None:
    if not independent:
        return "weights_or_clusters"
    if shares_rows:
        return "shared_rows"
    if n.size < 2:
        return "too_few_groups"
    if x.sum() in (0, n.sum()):
        return "nothing_varies"
    return "too_many_cases" if n.sum() > MOST_CASES else None


def _worst(
    route: Route, metric: Metric, family: FamilyCounts, stated: npt.NDArray[np.bool_], prior: BetaPrior
) -> tuple[ShrunkRate, ...]:
    x, n = family.numerator(metric), family.denominator(metric)
    shrunk = shrunk_rates(x, n, prior)
    worse = worse_direction(metric, route)
    harm = np.abs(shrunk - prior.mean)
    if worse is not Worse.NOT_JUDGED:
        harm = shrunk if worse is Worse.HIGH else -shrunk
    # Rounded, so that a last bit does not order two groups; ties keep the order of the family.
    order = np.argsort(-np.round(harm, 10), kind="stable")
    return tuple(
        ShrunkRate.model_construct(
            group=family.groups[group_index],
            value=int(x[group_index]) / int(n[group_index]),
            shrunk=cast("float", as_known(shrunk[group_index])),
        )
        for group_index in order[stated[order]][:_RANKED_FROM]
    )


def _entropy(verdict: VerdictSection, family: FamilyCounts) -> Entropy | None:
    counts = np.stack([family.cell(cell) for cell in _BENEFITS], axis=1)
    counts = counts[counts.sum(axis=1) > 0]
    parts = [as_known(float(part)) for part in generalized_entropy(*counts.T)] if counts.size else [None]
    total, between, within = parts if len(parts) > 1 else (None, None, None)
    if total is None or between is None or within is None:
        return None
    rng = _stream(verdict.seed, "entropy", family.family)
    interval = entropy_interval(counts, rng, verdict.level, _ENTROPY_REPLICATES)
    pairs = [(None, None)] * 3 if interval is None else [interval.total, interval.between, interval.within]
    ends = {
        f"{name}_{end}": as_known(value)
        for name, pair in zip(("total", "between", "within"), pairs, strict=True)
        for end, value in zip(("low", "high"), pair, strict=True)
    }
    return Entropy.model_construct(
        None,
        family=family.family,
        groups=counts.shape[0],
        cases=int(counts.sum()),
        total=total,
        between=between,
        between_beyond_chance=None if interval is None else as_known(interval.between_beyond_chance),
        within=max(within, 0.0),
        **ends,
        level=verdict.level,
    )


def _stream(seed: int, question: str, family: Family) -> np.random.Generator:
    """Make a stream of random numbers for one question, whatever else the plan asks."""
    name = "\x1f".join((question, *(part for axis in family.axes for part in axis)))
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")])
