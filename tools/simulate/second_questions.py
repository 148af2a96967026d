"""People after the detector, and the first of a ranking: how often their intervals miss, and their words are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from audit.analyses.amplification import amplification_outcomes, people_gaps
from audit.analyses.deployment import Ranked
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import newcombe_difference, wilson
from tools.simulate.verdict_size import Measured

PEOPLE: dict[str, tuple[Any, ...]] = {
    "2 groups of 300, 5 and 5 % overruled": (2, 300, 0.6, 0.05, 0.05, 0.0),
    "20 groups of 100, 10 and 2 % overruled": (20, 100, 0.8, 0.10, 0.02, 0.0),
    "20 groups of 40, 30 and 20 % overruled": (20, 40, 0.5, 0.30, 0.20, 0.0),
    "60 groups of 30, rare flags, 20 and 1 % overruled": (60, 30, 0.1, 0.20, 0.01, 0.0),
    "20 groups of 100, one flagged at .6 and not .8, the gap kept": (20, 100, 0.8, 0.10, 0.0, 0.0, (0.6, 0.08 / 0.6)),
    "20 groups of 100, a tenth undecided, in one group all of them dismissed": (20, 100, 0.8, 0.10, 0.02, 0.1),
}
"""Groups, cases of each, share flagged, shares dismissed and taken up, share without a decision; and of the first group
share flagged and dismissed, where these differ."""
FIRST = {
    "1 % of 5,000, a group of 5 %, scores alike": (5000, 0.01, 0.05, 0.0, None),
    "10 % of 5,000, a group of 5 %, scores lower": (5000, 0.10, 0.05, -0.5, None),
    "30 % of 500, a group of 20 %, scores lower": (500, 0.30, 0.20, -0.5, None),
    "10 % of 5,000, ten different scores, a group of 20 %": (5000, 0.10, 0.20, -0.5, 10),
}
"""Cases, share that is first, share of the group, by how much its scores are lower, number of different scores."""


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    rng = np.random.default_rng(seed)
    for name in PEOPLE:
        yield from people(runs, rng, name)
    for name in FIRST:
        yield from first(runs, rng, name)


def people(runs: int, rng: np.random.Generator, name: str) -> Iterator[Measured]:
    """Groups are flagged and overruled so that people add nothing to any gap; in whole families."""
    groups, n, flagged, dismissed, taken, undecided, *unlike = PEOPLE[name]
    is_first = np.arange(groups) == 0
    for first_flagged, first_dismissed in unlike:
        flagged, dismissed = np.where(is_first, first_flagged, flagged), np.where(is_first, first_dismissed, dismissed)
    flags = rng.binomial(n, flagged, (runs, groups))
    fewer, more = rng.binomial(flags, dismissed), rng.binomial(n - flags, taken)
    hidden: list[IntArray] = [np.zeros_like(flags)] * 4
    if undecided:
        # the decisions that are missing in the first group are those to dismiss; elsewhere they are missing by chance
        by_chance = [rng.binomial(cells, undecided) for cells in (flags - fewer, fewer, more, n - flags - more)]
        hidden = [np.where(is_first, 0, cells) for cells in by_chance]
        hidden[1][:, 0] = fewer[:, 0]
    both, out, up, none = (
        cells - gone for cells, gone in zip((flags - fewer, fewer, more, n - flags - more), hidden, strict=True)
    )
    own = [cells.ravel() for cells in (both, out, up, none, hidden[0] + hidden[1], hidden[2] + hidden[3])]
    rest = [
        (cells.reshape(runs, groups).sum(axis=1, keepdims=True) - cells.reshape(runs, groups)).ravel() for cells in own
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        before, after, added = people_gaps(own, rest, 1.0 - 0.05 / groups)
    missed = ((added[1] > 0.0) | (added[2] < 0.0)).reshape(runs, groups).any(axis=1)
    words = np.array(amplification_outcomes(before, after, added)).reshape(runs, groups)
    yield Measured(name, "any interval of a family misses", int(missed.sum()), runs, "5 %")
    said = np.isin(words, ("adds", "removes")).any(axis=1)
    yield Measured(name, 'any "widen" or "narrow"', int(said.sum()), runs, "5 %")


def first(runs: int, rng: np.random.Generator, name: str) -> Iterator[Measured]:
    """The share of a group among the first of a set, against that among the first of everybody."""
    cases, share, part, lower, levels = FIRST[name]
    places, n = round(cases * share), round(cases * part)

    def ranked(runs: int, own: int, others: int, places: int) -> tuple[Ranked, Ranked]:
        scores = np.concatenate([rng.normal(lower, 1.0, (runs, own)), rng.normal(0.0, 1.0, (runs, others))], axis=1)
        if levels is not None:
            scores = np.clip(np.floor((scores + 2.5) * levels / 5.0), 0, levels - 1)
        border = np.partition(scores, -places, axis=1)[:, -places][:, None]
        above, tied = scores > border, scores == border
        counts = [np.stack([of[:, :own].sum(axis=1), of[:, own:].sum(axis=1)]) for of in (above, ~above & ~tied, tied)]
        every = [
            Ranked.of(
                np.array([[counts[0][side, run], counts[1][side, run], counts[2][side, run], 0]]),
                int(counts[2][:, run].sum()),
                places - int(counts[0][:, run].sum()),
            )
            for side in (0, 1)
            for run in range(runs)
        ]
        return _joined(every[:runs]), _joined(every[runs:])

    truth = [of.expected.sum() / of.cases.sum() for of in ranked(20, 50 * n, 50 * (cases - n), 50 * places)]
    own, rest = ranked(runs, n, cases - n, places)
    low, high = wilson(own.fewest, own.cases)[0], wilson(own.most, own.cases)[1]
    yield Measured(name, "range of its share misses", _misses(low, high, truth[0]), runs, "5 %")
    low = newcombe_difference(own.fewest, own.cases, rest.most, rest.cases)[0]
    high = newcombe_difference(own.most, own.cases, rest.fewest, rest.cases)[1]
    yield Measured(name, "range of the difference misses", _misses(low, high, truth[0] - truth[1]), runs, "5 %")


def _joined(every: list[Ranked]) -> Ranked:
    return Ranked(*(np.concatenate(parts) for parts in zip(*every, strict=True)))


def _misses(low: FloatArray, high: FloatArray, truth: float) -> int:
    return int(((low > truth) | (high < truth)).sum())
