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
    return tuple(_probe(probe_answers, compare_templates(probe_answers), level) for probe_answers in answered)


def compare_templates(answered: Answered) -> tuple[ComparedTemplates, ...]:
    """Reduce the pairs of a probe to one number for each comparison and template."""
    design, pairs = answered.design, answered.design.pairs
    before, after = answered.scores[pairs.anchor], answered.scores[pairs.variant]
    shift = after - before
    lowest = np.nan_to_num(after, nan=0.0) - np.nan_to_num(before, nan=1.0)
    highest = np.nan_to_num(after, nan=1.0) - np.nan_to_num(before, nan=0.0)
    was, became = answered.flagged[pairs.anchor], answered.flagged[pairs.variant]
    edges = np.searchsorted(pairs.comparison, np.arange(len(design.comparisons) + 1))
    compared = []
    for index, comparison in enumerate(design.comparisons):
        part = slice(edges[index], edges[index + 1])
        known = ~np.isnan(shift[part])
        templates, template_index = np.unique(pairs.template[part], return_inverse=True)
        scored = np.bincount(template_index, weights=known)
        with np.errstate(invalid="ignore"):
            means = np.bincount(template_index, weights=np.where(known, shift[part], 0.0)) / scored
        every = np.bincount(template_index)
        compared.append(
            ComparedTemplates(
                comparison=comparison,
                templates=templates,
                shifts=means,
                lowest=np.bincount(template_index, weights=lowest[part]) / every,
                highest=np.bincount(template_index, weights=highest[part]) / every,
                pairs=int(known.sum()),
                pairs_unscored=int((~known).sum()),
                to_flagged=int((known & became[part] & ~was[part]).sum()),
                to_not_flagged=int((known & was[part] & ~became[part]).sum()),
                differing=np.bincount(template_index, weights=known & (shift[part] != 0)).astype(np.int64),
            )
        )
    return tuple(compared)


def _probe(answered: Answered, comparisons: Sequence[ComparedTemplates], level: float) -> SwapProbe:
    design = answered.design
    sizes: dict[tuple[str, str], int] = {}
    for templates in comparisons:
        sizes[templates.comparison.family] = sizes.get(templates.comparison.family, 0) + 1
    names = {slot.slot: slot.names for slot in design.slots}
    return SwapProbe.model_validate(
        {
            **{name: getattr(design, name) for name in _AS_DESIGNED},
            **{name: getattr(answered, name) for name in ("scored", "abstained", "failed", "decision")},
            "digests": dict(design.digests),
            "variants": len(design.ids),
            "failures": dict(answered.failures),
            "slots": tuple(_slots(answered, comparisons, level)),
            "shifts": tuple(
                _shift(templates, names[templates.comparison.slot], sizes[templates.comparison.family], level)
                for templates in comparisons
            ),
            "level": level,
        }
    )


def _slots(answered: Answered, comparisons: Sequence[ComparedTemplates], level: float) -> Iterator[ChangedSlot]:
    for slot in answered.design.slots:
        mains = [main for main in comparisons if main.comparison.family == (slot.slot, "")]
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
    mains = np.array([design_comparison.family == (slot, "") for design_comparison in design.comparisons])
    shift = answered.scores[pairs.variant] - answered.scores[pairs.anchor]
    known = mains[pairs.comparison] & ~np.isnan(shift)
    if not known.any():
        return None, None
    texts, text_index = np.unique(pairs.anchor[known], return_inverse=True)
    high, low, template = np.zeros(len(texts)), np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
    np.maximum.at(high, text_index, shift[known])
    np.minimum.at(low, text_index, shift[known])
    template[text_index] = pairs.template[known]
    _, text_index = np.unique(template, return_inverse=True)
    spreads = high - low
    return float((np.bincount(text_index, weights=spreads) / np.bincount(text_index)).mean()), float(spreads.max())


def _shift(compared_templates: ComparedTemplates, names: Mapping[str, str], family: int, level: float) -> SwapShift:
    known = compared_templates.known
    mean, low, high = mean_interval(known, level)
    _, low_all, high_all = mean_interval(known, 1.0 - (1.0 - level) / family)
    comparison = compared_templates.comparison
    return SwapShift(
        slot=comparison.slot,
        level=comparison.level,
        name=names[comparison.level],
        given_slot=comparison.given_slot or None,
        given=comparison.given if comparison.given_slot else None,
        templates=len(known),
        pairs=compared_templates.pairs,
        pairs_unscored=compared_templates.pairs_unscored,
        shift=as_known(mean),
        low=as_known(low),
        high=as_known(high),
        low_all=as_known(low_all),
        high_all=as_known(high_all),
        raised=int((known > _DUST).sum()),
        lowered=int((known < -_DUST).sum()),
        unmoved=int((compared_templates.differing[~np.isnan(compared_templates.shifts)] == 0).sum()),
        pairs_moved=int(compared_templates.differing.sum()),
        to_flagged=compared_templates.to_flagged,
        to_not_flagged=compared_templates.to_not_flagged,
        reason="no_pairs" if not len(known) else "too_few_templates" if len(known) < MIN_TEMPLATES else None,
    )
