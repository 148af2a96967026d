"""Gaps in the labels themselves: the widest in each family, and their composition against a reference table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from audit.analyses.estimates import as_known
from audit.counting.moments import Composition, Moments, composition
from audit.counting.table import CountsTable, FamilyCounts
from audit.evaluation.reference_table import ReferenceTable
from audit.plan.sections import VerdictSection
from audit.result.findings.patterns import LabelGap, ReferenceComparison, ReferenceShare
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import clopper_pearson, newcombe_difference, wilson
from audit.vocabulary.groups import Axis, Family, Group, Level, SensitiveFeature
from audit.vocabulary.metrics import METRICS, Cell

REPLICATES: Final = 9_999
"""Simulated samples of the reference table's composition."""
_STREAM: Final = 0x7EF
"""Stream of the plan's seed that keeps these random numbers apart from those of other questions."""
_WIDEST: Final = ("group", "label_rate", "rest_rate", "difference", "low", "high")
_SHARES: Final = ("share", "low", "high", "reference", "difference", "difference_low", "difference_high")
_LABELLED_POSITIVE: Final = (Cell.TP, Cell.FN, Cell.UNSCORED_POSITIVE)


def label_gaps(verdict: VerdictSection, families: Sequence[FamilyCounts]) -> tuple[LabelGap, ...]:
    """Find the widest gap in the share labelled as exploitation between a group and the rest, family by family.

    The widest of many gaps is wide by chance as well. Its interval holds for all groups of the family at once, by
    Bonferroni, and the gap that is named is the one that is surely wide: its interval ends farthest from 0.
    """
    return tuple(_widest_gap(verdict, family) for family in families)


def _widest_gap(verdict: VerdictSection, family: FamilyCounts) -> LabelGap:
    metric, floor = METRICS["base_rate"], verdict.min_denominator
    x, n = family.numerator(metric), family.denominator(metric)
    y, m = family.rest(metric.numerator), family.rest(metric.denominator)
    stated = np.flatnonzero((n >= floor) & (m >= floor))
    facts = {"family": family.family, "groups_compared": int(stated.size), "level": verdict.level}
    if not stated.size:
        return LabelGap.model_validate({**facts, **dict.fromkeys(_WIDEST)})
    x, n, y, m = x[stated], n[stated], y[stated], m[stated]
    low, high = newcombe_difference(x, n, y, m, 1.0 - (1.0 - verdict.level) / stated.size)
    gap = x / n - y / m
    from_zero = np.maximum(np.maximum(low, -high), 0.0)
    # ten digits, so that no last bit of a library decides between groups with the same counts
    at = int(np.argmax(np.round(from_zero if from_zero.max() > 0 else np.abs(gap), 10)))
    rates = int(x[at]) / int(n[at]), int(y[at]) / int(m[at])
    widest = family.groups[stated[at]], *rates, as_known(gap[at]), as_known(low[at]), as_known(high[at])
    return LabelGap.model_validate({**facts, **dict(zip(_WIDEST, widest, strict=True))})


def reference_comparison(
    verdict: VerdictSection,
    reference: ReferenceTable | None,
    counts: CountsTable,
    features: Mapping[str, SensitiveFeature],
    moments: Moments | None = None,
) -> ReferenceComparison | None:
    """Compare who is labelled as exploited here, level by level, with the plan's reference table; None where it has
    none.

    Levels that the table does not name are left out of the shares, and counted. The overall test is the exact
    multinomial one on the likelihood-ratio statistic, by simulation: with many rare levels it has no chi-square. With
    weights or clusters shares are weighted, and there are as many independent cases as the mean design effect leaves
    (Rao & Scott 1981, the first-order correction).
    """
    if reference is None:
        return None
    axis = Axis(reference.feature, reference.rung)
    family = counts.family(Family((axis,)), features)
    level_codes = [group.levels[0].code for group in family.groups]
    here = dict(zip(level_codes, family.total(_LABELLED_POSITIVE).tolist(), strict=True))
    codes = sorted(reference.shares)
    labelled = np.array([here.get(code, 0) for code in codes], dtype=np.int64)
    shares = np.array([reference.shares[code] for code in codes], dtype=np.float64)
    by_design = None
    if moments is not None:
        is_in_table = np.array([code in reference.shares for code in level_codes], dtype=np.bool_)
        by_design = _labels_by_design(
            composition(moments, family, _LABELLED_POSITIVE, is_in_table), level_codes, codes, labelled, shares
        )
    enough = int(labelled.sum()) >= verdict.min_denominator and (by_design is None or by_design.cases >= 1.0)
    statistic, p = _test_against_table(labelled, shares, verdict.seed, by_design) if enough else (None, None)
    others = [code for code in sorted(here) if code not in reference.shares]
    return ReferenceComparison(
        feature=reference.feature,
        rung=reference.rung,
        source=reference.source,
        sha256=reference.sha256,
        labelled=int(labelled.sum()),
        left_out=sum(here[code] for code in others),
        statistic=statistic,
        p=p,
        design_effect=None if by_design is None else as_known(by_design.effect),
        replicates=REPLICATES,
        levels=(
            *_level_shares(axis, codes, labelled, shares, verdict, by_design),
            *(_not_in_table(axis, code, here[code]) for code in others),
        ),
        level=verdict.level,
    )


class _LabelsByDesign(NamedTuple):
    """Labels with weights or clusters, in the order of the table's levels."""

    share: FloatArray
    effect: float
    """Mean design effect, at least 1; inf where there are no labels, or not two clusters of them."""
    cases: float
    """Number of independent cases that the labels are worth together."""


def _labels_by_design(
    by_level: Composition, found_codes: Sequence[str], codes: Sequence[str], labelled: IntArray, shares: FloatArray
) -> _LabelsByDesign:
    at = {code: index for index, code in enumerate(found_codes)}
    share = np.array([by_level.share[at[code]] if code in at else 0.0 for code in codes])
    variance = np.array([by_level.variance[at[code]] if code in at else 0.0 for code in codes])
    total, some = float(labelled.sum()), shares > 0.0
    if total == 0.0 or not np.isfinite(variance[some]).all():
        return _LabelsByDesign(share, np.inf, 0.0)
    effects = total * variance[some] / shares[some]
    effect = max(float(effects.sum()) / max(int(some.sum()) - 1, 1), 1.0)
    return _LabelsByDesign(share, effect, total / effect)


def _level_shares(
    axis: Axis,
    codes: Sequence[str],
    labelled: IntArray,
    shares: FloatArray,
    verdict: VerdictSection,
    by_design: _LabelsByDesign | None,
) -> list[ReferenceShare]:
    total = int(labelled.sum())
    known = total >= verdict.min_denominator and (by_design is None or by_design.cases >= 1.0)
    share = labelled / max(total, 1) if by_design is None else by_design.share
    if by_design is None:
        low, high = clopper_pearson(labelled, np.full_like(labelled, total), verdict.level)
    else:
        cases = np.full(share.shape, max(by_design.cases, 1.0))
        low, high = wilson(np.minimum(share * cases, cases), cases, verdict.level)
    return [
        ReferenceShare(
            group=Group((Level(axis.feature, axis.rung, code),)),
            labelled=int(labelled[at]),
            share=as_known(share[at])
            if by_design is not None and known
            else int(labelled[at]) / total
            if known
            else None,
            low=as_known(low[at]) if known else None,
            high=as_known(high[at]) if known else None,
            reference=as_known(shares[at]),
            difference=as_known(share[at] - shares[at]) if known else None,
            difference_low=as_known(low[at] - shares[at]) if known else None,
            difference_high=as_known(high[at] - shares[at]) if known else None,
            reason=None if known else "no_cases" if total == 0 else "too_few_for_a_rate",
        )
        for at, code in enumerate(codes)
    ]


def _not_in_table(axis: Axis, code: str, labelled: int) -> ReferenceShare:
    group = Group((Level(axis.feature, axis.rung, code),))
    facts = {"group": group, "labelled": labelled, "reason": "not_in_table"}
    return ReferenceShare.model_validate({**facts, **dict.fromkeys(_SHARES)})


def _test_against_table(
    labelled: IntArray, shares: FloatArray, seed: int, by_design: _LabelsByDesign | None
) -> tuple[float | None, float]:
    """Return G and its p-value; no G, and the smallest possible p-value, where the table rules out what was found."""
    if (labelled[shares == 0.0] > 0).any():
        return None, 1.0 / (REPLICATES + 1)
    named = shares > 0.0
    size = int(labelled.sum()) if by_design is None else max(round(by_design.cases), 1)
    here = labelled.astype(np.float64) if by_design is None else by_design.share * size
    # its stream lasts, unlike that of a Generator
    rng = np.random.RandomState(np.random.PCG64([seed, _STREAM]))
    drawn = rng.multinomial(size, shares[named] / shares[named].sum(), REPLICATES)
    observed_ratio, simulated = (_likelihood_ratio(counts, shares[named]) for counts in (here[named], drawn))
    # a sample as unlikely as the one found counts, whatever the last bits of its logarithms
    as_extreme = int((simulated >= observed_ratio - 1e-9 * max(1.0, float(observed_ratio))).sum())
    return as_known(float(observed_ratio)), (1 + as_extreme) / (REPLICATES + 1)


def _likelihood_ratio(counts: npt.NDArray[Any], shares: FloatArray) -> FloatArray:
    expected = counts.sum(axis=-1, keepdims=True) * shares
    return np.asarray(2.0 * np.sum(xlogy(counts, counts / expected), axis=-1))
