"""Findings of decidable size: what planning says before any set of the benchmark is drawn.

For a gap that a rule limits, `audit7k power` is asked about a set of the world's own number of rows, and the gap is
planted as small as it says it can be and still be named with power 80 %. For the further questions audit7k plans
nothing; the size is the world's own, and the power is that of the large-sample intervals that decide their words,
from the truth. What clusters cost there is taken from the audit of a set of its own.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import ncx2, norm

from audit.planning.power import plan_power
from audit.stats.arrays import FloatArray
from audit.worlds.mechanism import Mechanism
from audit.worlds.probe_texts import MARGIN, mean_shift
from audit.worlds.set_file import rows_table
from audit.worlds.strengths import WORLDS
from audit.worlds.truth import Truth, measured_size, true_composition
from audit.worlds.world import FindingName, Possible, WorldName
from tools.bench.planted.sets import audited, loaded_folder, mechanism_of, own_sizes, planted

__all__ = ["BY_POWER", "Planned", "large_sample_power", "planned"]

BY_POWER: Final[tuple[FindingName, ...]] = ("group-gap", "intersection-gap")
PLANNED_POWER: Final = 0.80
_PLANNING_SEED: Final = 1
_ROUNDS: Final = 2
"""Rounds of planning: another size moves the rate of the rest a little."""
_Z: Final = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Planned:
    """World with every finding in the benchmarked size."""

    world: WorldName
    rows: int
    mechanism: Mechanism
    sizes: dict[FindingName, float]
    power: dict[FindingName, float]
    """Promise of planning for so many rows."""


def planned(world: WorldName, rows: int | None = None) -> Planned:
    """Ask planning about a world."""
    chosen = WORLDS[world]
    count = chosen.rows if rows is None else rows
    sizes = own_sizes(world)
    for _ in range(_ROUNDS):
        mechanism = mechanism_of(chosen, sizes)
        smallest = _smallest_gaps(mechanism, count)
        sizes |= {name: math.ceil(1000.0 * size) / 1000.0 for name, size in smallest.items()}
    mechanism = mechanism_of(chosen, sizes)
    effect = 1.0
    if chosen.clustered:
        compared = audited(mechanism, count, _PLANNING_SEED).result.further.reference_comparison
        effect = effect if compared is None or compared.design_effect is None else compared.design_effect
    power: dict[FindingName, float] = {
        possible.finding: PLANNED_POWER
        if possible.finding in BY_POWER
        else large_sample_power(mechanism, possible, count, effect)
        for possible in planted(mechanism)
    }
    return Planned(world, count, mechanism, sizes, power)


def _smallest_gaps(mechanism: Mechanism, rows: int) -> dict[FindingName, float]:
    """Return, for each finding that a rule limits, the smallest gap that would be named with the plan's power."""
    with tempfile.TemporaryDirectory() as folder:
        report = plan_power(
            loaded_folder(mechanism, Path(folder)), rows_table(mechanism, rows, _PLANNING_SEED), margins=False
        )
    limits = {
        (rule.rule.metric, group.group): group.fails_from[0].disparity
        for rule in report.rules
        for family in rule.families
        for group in family.groups
    }
    gaps: dict[FindingName, float] = {}
    for possible in planted(mechanism):
        if possible.finding in BY_POWER:
            smallest = limits[possible.metric, possible.group]
            if smallest is None:
                raise ValueError(f"{rows} rows of {mechanism.world.name} decide no {possible.finding}")
            gaps[possible.finding] = smallest
    return gaps


def large_sample_power(mechanism: Mechanism, possible: Possible, rows: int, label_effect: float = 1.0) -> float:
    """Return the power of a further question's word: as if all rows were independent, but for the make-up of labels.

    For labels, `label_effect` labels are worth one. The other two words are about rates, whose clusters weigh little in
    these worlds.
    """
    if possible.finding == "amplification":
        return _amplification(mechanism, possible, rows)
    if possible.finding == "biased-labels":
        return _labels(mechanism, possible, rows / label_effect)
    if possible.finding == "word-leak":
        # texts and detector are the same in every set: nothing is drawn that could miss it
        return float(mean_shift(mechanism.world, mechanism.strengths["word-leak"]) > MARGIN)
    return _conditioning(mechanism, possible, rows)


def _amplification(mechanism: Mechanism, possible: Possible, rows: int) -> float:
    """Return the power that the interval of what is added lies above 0."""
    truth = Truth.of(mechanism)
    mass, where = rows * truth.recorded.mass.sum(axis=2), truth.of_group(possible.group)
    variance = 0.0
    for cells in (mass[where].sum(axis=0), mass[~where].sum(axis=0)):
        wrong, missed = cells[0, 1] / cells.sum(), cells[1, 0] / cells.sum()
        variance += (wrong + missed - (wrong - missed) ** 2) / cells.sum()
    return float(norm.cdf(measured_size(mechanism, possible) / math.sqrt(variance) - _Z))


def _labels(mechanism: Mechanism, possible: Possible, rows: float) -> float:
    """Return a lower bound of the power that labels differ from the reference, the group's share lying below it."""
    truth = Truth.of(mechanism)
    labelled = rows * truth.recorded.mass[:, :-1, :, 1].sum(axis=(0, 2, 3))
    cases, shares = float(labelled.sum()), labelled / labelled.sum()
    reference = np.array(list(true_composition(mechanism, "nationality").values()))
    column = truth.recorded.codes[1].index(possible.group.levels[0].code)
    error = math.sqrt(shares[column] * (1.0 - shares[column]) / cases)
    below = float(norm.cdf((reference[column] - shares[column]) / error - _Z))
    noncentral = float(2.0 * cases * np.sum(shares * np.log(shares / reference)))
    freedom = len(shares) - 1
    differs = float(ncx2.sf(ncx2.ppf(0.95, freedom, 1e-9), freedom, noncentral))
    return max(0.0, below + differs - 1.0)


def _conditioning(mechanism: Mechanism, possible: Possible, rows: int) -> float:
    """Return the power that the crude gap is seen, and the conditional interval holds 0 within half of it and the
    limit.

    A gap can truly be left: in adverts the word that the detector learned lifts those who are compared with. With
    no gap left, the interval still misses 0 in one set of twenty, so no power is above 95 %.
    """
    truth = Truth.of(mechanism)
    label = int(possible.metric == "true_positive_rate")
    mass, where = rows * truth.recorded.mass[:, :, :, label], truth.of_group(possible.group)
    group, rest = mass[where].sum(axis=0), mass[~where].sum(axis=0)
    gap = abs(measured_size(mechanism, possible))
    crude = math.sqrt(_variance(group.sum(axis=0)) + _variance(rest.sum(axis=0)))
    weights = group.sum(axis=1) * rest.sum(axis=1) / (group.sum(axis=1) + rest.sum(axis=1))
    of_channels = [
        weight**2 * (_variance(rate) + _variance(other))
        for weight, rate, other in zip(weights, group, rest, strict=True)
    ]
    conditional = math.sqrt(sum(of_channels)) / float(weights.sum())
    limit = 0.10 if label else 0.05
    left = float((weights * (group[:, 1] / group.sum(axis=1) - rest[:, 1] / rest.sum(axis=1))).sum() / weights.sum())
    reach, off = min(_Z, min(limit, gap / 2.0) / conditional - _Z), left / conditional
    near = max(0.0, float(norm.cdf(reach - off) - norm.cdf(-reach - off)))
    return max(0.0, float(norm.cdf(gap / crude - _Z)) + near - 1.0)


def _variance(cells: FloatArray) -> float:
    """Return the variance of a share, from counts of not flagged and flagged."""
    share = cells[1] / cells.sum()
    return float(share * (1.0 - share) / cells.sum())
