"""Shifts of answered probes, template by template, so that only numbers per template go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.analyses.estimates import as_known
from audit.counting.probed import Answered, Comparison
from audit.result.findings.swaps import ChangedSlot, SwapProbe, SwapShift
from audit.stats.arrays import FloatArray
from audit.stats.template_shifts import MIN_TEMPLATES, mean_interval, undetected_share

_AS_DESIGNED = ("probe", "kind", "unit", "columns", "languages", "source", "words", "unused", "templates")
"""Facts of a probe that are those of its design."""
_DUST = 1e-12
"""Largest mean that rounding leaves of scores that cancel out."""


@dataclass(frozen=True, slots=True)
class ComparedTemplates:
    """One comparison over the n templates that have its slots."""

    comparison: Comparison
    templates: npt.NDArray[np.int64]
    """int64[n]: number of each template."""
    shifts: FloatArray
    """float64[n]: mean shift over the scored pairs of each; NaN where none was scored."""
    lowest: FloatArray
    """float64[n]: mean shift over all pairs, with those that were not scored at their lowest."""
    highest: FloatArray
    """float64[n]: mean shift over all pairs, with those that were not scored at their highest."""
    pairs: int
    pairs_unscored: int
    to_flagged: int
    to_not_flagged: int
    differing: npt.NDArray[np.int64]
    """int64[n]: scored pairs whose two scores differ at all."""

    @property
    def known(self) -> FloatArray:
        """Shifts that are known."""
        return self.shifts[~np.isnan(self.shifts)]

    @property
    def moved(self) -> bool:
        """Whether any score moved. A mean of nothing does not say so: scores that move both ways cancel out."""
        return bool(self.differing.any())


def swap_probes(answered: Sequence[Answered], level: float) -> tuple[SwapProbe, ...]:
    """Make the result's record of every probe; `level` is that of the intervals."""
    return tuple(_probe(one, compare_templates(one), level) for one in answered)


def compare_templates(answered: Answered) -> tuple[ComparedTemplates, ...]:
    """Reduce the pairs of a probe to one number for each comparison and template."""
    design, pairs = answered.design, answered.design.pairs
    before, after = answered.scores[pairs.anchor], answered.scores[pairs.variant]
    shift = after - before
    lowest = np.nan_to_num(after, nan=0.0) - np.nan_to_num(before, nan=1.0)
    highest = np.nan_to_num(after, nan=1.0) - np.nan_to_num(before, nan=0.0)
    was, became = answered.flagged[pairs.anchor], answered.flagged[pairs.variant]
    edges = np.searchsorted(pairs.comparison, np.arange(len(design.comparisons) + 1))
    found = []
    for index, comparison in enumerate(design.comparisons):
        part = slice(edges[index], edges[index + 1])
        known = ~np.isnan(shift[part])
        templates, of = np.unique(pairs.template[part], return_inverse=True)
        scored = np.bincount(of, weights=known)
        with np.errstate(invalid="ignore"):
            means = np.bincount(of, weights=np.where(known, shift[part], 0.0)) / scored
        every = np.bincount(of)
        found.append(
            ComparedTemplates(
                comparison=comparison,
                templates=templates,
                shifts=means,
                lowest=np.bincount(of, weights=lowest[part]) / every,
                highest=np.bincount(of, weights=highest[part]) / every,
                pairs=int(known.sum()),
                pairs_unscored=int((~known).sum()),
                to_flagged=int((known & became[part] & ~was[part]).sum()),
                to_not_flagged=int((known & was[part] & ~became[part]).sum()),
                differing=np.bincount(of, weights=known & (shift[part] != 0)).astype(np.int64),
            )
        )
    return tuple(found)


def _probe(answered: Answered, found: Sequence[ComparedTemplates], level: float) -> SwapProbe:
    design = answered.design
    sizes: dict[tuple[str, str], int] = {}
    for one in found:
        sizes[one.comparison.family] = sizes.get(one.comparison.family, 0) + 1
    names = {slot.slot: slot.names for slot in design.slots}
    return SwapProbe.model_validate(
        {
            **{name: getattr(design, name) for name in _AS_DESIGNED},
            **{name: getattr(answered, name) for name in ("scored", "abstained", "failed", "decision")},
            "digests": dict(design.digests),
            "variants": len(design.ids),
            "failures": dict(answered.failures),
            "slots": tuple(_slots(answered, found, level)),
            "shifts": tuple(
                _shift(one, names[one.comparison.slot], sizes[one.comparison.family], level) for one in found
            ),
            "level": level,
        }
    )


def _slots(answered: Answered, found: Sequence[ComparedTemplates], level: float) -> Iterator[ChangedSlot]:
    for slot in answered.design.slots:
        mains = [main for main in found if main.comparison.family == (slot.slot, "")]
        scored = [count for main in mains if (count := len(main.known))]
        mean, most = _spread(answered, slot.slot)
        yield ChangedSlot(
            slot=slot.slot,
            anchor=slot.anchor,
            levels=len(mains),
            templates=len({int(template) for main in mains for template in main.templates}),
            templates_scored=min(scored, default=0),
            spread_mean=as_known(mean),
            spread_max=as_known(most),
            pairs=sum(main.pairs for main in mains),
            pairs_unscored=sum(main.pairs_unscored for main in mains),
            flipped=sum(main.to_flagged + main.to_not_flagged for main in mains),
            undetected_share=as_known(undetected_share(min(scored, default=0), level)) or 0.0,
        )


def _spread(answered: Answered, slot: str) -> tuple[float | None, float | None]:
    """Return the spread within one text, as mean over templates and as maximum.

    The spread is the highest score over the anchor and every level, less the lowest. It is taken in each text by
    itself, so that scores which move both ways within a template do not cancel out.
    """
    design, pairs = answered.design, answered.design.pairs
    mains = np.array([one.family == (slot, "") for one in design.comparisons])
    shift = answered.scores[pairs.variant] - answered.scores[pairs.anchor]
    known = mains[pairs.comparison] & ~np.isnan(shift)
    if not known.any():
        return None, None
    texts, of = np.unique(pairs.anchor[known], return_inverse=True)
    high, low, template = np.zeros(len(texts)), np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
    np.maximum.at(high, of, shift[known])
    np.minimum.at(low, of, shift[known])
    template[of] = pairs.template[known]
    _, of = np.unique(template, return_inverse=True)
    spreads = high - low
    return float((np.bincount(of, weights=spreads) / np.bincount(of)).mean()), float(spreads.max())


def _shift(one: ComparedTemplates, names: Mapping[str, str], family: int, level: float) -> SwapShift:
    known = one.known
    mean, low, high = mean_interval(known, level)
    _, low_all, high_all = mean_interval(known, 1.0 - (1.0 - level) / family)
    comparison = one.comparison
    return SwapShift(
        slot=comparison.slot,
        level=comparison.level,
        name=names[comparison.level],
        given_slot=comparison.given_slot or None,
        given=comparison.given if comparison.given_slot else None,
        templates=len(known),
        pairs=one.pairs,
        pairs_unscored=one.pairs_unscored,
        shift=as_known(mean),
        low=as_known(low),
        high=as_known(high),
        low_all=as_known(low_all),
        high_all=as_known(high_all),
        raised=int((known > _DUST).sum()),
        lowered=int((known < -_DUST).sum()),
        unmoved=int((one.differing[~np.isnan(one.shifts)] == 0).sum()),
        pairs_moved=int(one.differing.sum()),
        to_flagged=one.to_flagged,
        to_not_flagged=one.to_not_flagged,
        reason="no_pairs" if not len(known) else "too_few_templates" if len(known) < MIN_TEMPLATES else None,
    )
