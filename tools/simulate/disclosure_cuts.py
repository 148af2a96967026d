"""Losses of a public table that showed three thresholds and not one: the reason why threshold curves are not public."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from audit.disclosure.exact import ExactCounts
from audit.disclosure.lattice import Lattice
from audit.disclosure.protect import Protected, protect
from audit.disclosure.view import NOTHING, VALUE, View
from audit.errors import RefusedReleaseError
from audit.stats.arrays import BoolArray
from tools.simulate.disclosure_world import People, counted, method, people, world_lattice
from tools.simulate.verdict_size import Measured

ROWS = (20_000, 64_000, 300_000)
APART = 0.07
"""Difference in the share of victims found between two thresholds; the share of others flagged differs by half."""
FLOOR = 10


def at_three(rng: np.random.Generator, rows: int) -> list[People]:
    """One set judged at three thresholds, the audit's own first, then a stricter and a looser one.

    Whoever is flagged at one is flagged at every looser one.
    """
    one = people(rng, rows)
    rate = np.full(int(one.group.max()) + 1, 0.8)
    found = np.bincount(one.group[one.victim & one.flagged], minlength=rate.size)
    victims = np.bincount(one.group[one.victim], minlength=rate.size)
    rate[victims > 0] = (found[victims > 0] + 4) / (victims[victims > 0] + 5)
    draw = rng.uniform(size=rows)
    return [
        replace(one, flagged=draw < np.where(one.victim, rate[one.group] + shift, 0.1 + shift / 2))
        for shift in (0.0, -APART, APART)
    ]


def of_crosses(lattice: Lattice) -> BoolArray:
    """Return bool[nodes]: genders of nationalities."""
    place = lattice.families.index((0, 0))
    nodes = np.arange(lattice.nodes)
    found: BoolArray = (nodes >= lattice.offsets[place]) & (nodes < lattice.offsets[place + 1])
    return found


def band_is_disclosed(views: list[View]) -> BoolArray:
    """Return bool[nodes]: groups whose victims between two thresholds are known to be fewer than the floor.

    From what is printed of both: at most the missed of the stricter one and D, less those of the looser one less D.
    """
    most = method(FLOOR).largest
    stricter, own, looser = views[1], views[0], views[2]
    disclosed = np.zeros(own.errors.shape[0], dtype=np.bool_)
    for more, fewer in ((stricter, own), (own, looser)):
        both = (more.codes[:, 0] == VALUE) & (fewer.codes[:, 0] == VALUE)
        high = more.errors[:, 0] + most - np.maximum(FLOOR, fewer.errors[:, 0] - most)
        disclosed |= both & (high < FLOOR)
    return disclosed


def only(view: View, nodes: BoolArray) -> View:
    """Return a view of which nothing is printed but of these nodes."""
    totals = np.where(nodes[:, np.newaxis], view.totals, NOTHING)
    codes = np.where(nodes[:, np.newaxis], view.codes, 0).astype(np.int8)
    errors = np.where(nodes[:, np.newaxis], view.errors, NOTHING)
    return View(totals, codes, errors, view.published)


def all_groups(rows: int, runs: int, rng: np.random.Generator) -> list[Measured]:
    """Genders of nationalities with a rate: at one threshold, at three, and at three of which no two tell of a few."""
    lattice = world_lattice()
    crosses = of_crosses(lattice)
    alone = three = safe = few = refused = 0
    for _ in range(runs):
        cuts = [counted(lattice, one, by="counts") for one in at_three(rng, rows)]
        try:
            made = _one_after_the_other(cuts)
        except RefusedReleaseError:
            refused += 1
            continue
        views = [one.seen.view for one in made]
        shown = [(view.codes[:, 0] == VALUE) & crosses for view in views]
        every = shown[0] & shown[1] & shown[2]
        bands = np.abs(np.stack([cuts[at].counts[:, 1] - cuts[0].counts[:, 1] for at in (1, 2)]))
        alone += int(shown[0].sum())
        three += int(every.sum())
        safe += int((every & ~band_is_disclosed(views)).sum())
        few += int((every & (bands < FLOOR).any(axis=0)).sum())
    setting = f"{rows:,} rows, thresholds {APART:.0%} of victims apart, genders of nationalities with a rate at one"
    return [
        Measured(setting, "a rate at three", three, alone, "fewer"),
        Measured(setting, "and no band told by two", safe, alone, "fewer"),
        Measured(setting, "bands of fewer than 10, of those", few, max(three, 1), "most"),
        Measured(setting, "sets refused", refused, runs, "few"),
    ]


def few_groups(rows: int, runs: int, rng: np.random.Generator) -> list[Measured]:
    """Three thresholds of everyone and of genders with 1,000 victims or more alone: disclosed bands, and rates lost."""
    lattice = world_lattice()
    disclosed = shown = alone = beside = 0
    for _ in range(runs):
        cuts = [counted(lattice, one, by="counts") for one in at_three(rng, rows)]
        own = protect(cuts[0], method(FLOOR))
        nodes = np.array([all(level.feature == "gender" for level in group.levels) for group in lattice.groups()])
        large = np.zeros(lattice.nodes, dtype=np.bool_)
        large[: nodes.size] = nodes & (own.seen.view.totals[: nodes.size, 0] >= 1_000)
        others = [protect(cut, method(FLOOR)).seen for cut in cuts[1:]]
        cut_down = [replace(other, view=only(other.view, large)) for other in others]
        again = protect(cuts[0], method(FLOOR), cut_down)
        views = [own.seen.view, *(other.view for other in cut_down)]
        disclosed += int((band_is_disclosed(views) & large).sum())
        shown += int(large.sum())
        alone += int((own.seen.view.codes[:, 0] == VALUE).sum())
        beside += int((again.seen.view.codes[:, 0] == VALUE).sum())
    setting = f"{rows:,} rows, three thresholds of everyone and of genders with 1,000 victims"
    return [
        Measured(setting, "groups with a band told", disclosed, max(shown, 1), "0"),
        Measured(setting, "rates that stay at the own one", beside, alone, "all"),
    ]


def _one_after_the_other(cuts: list[ExactCounts]) -> list[Protected]:
    """Three tables of the same people, each repaired against those before it."""
    made: list[Protected] = []
    for exact in cuts:
        made.append(protect(exact, method(FLOOR), [one.seen for one in made]))
    return made


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, with `runs` sets of each."""
    rng = np.random.default_rng(seed)
    for rows in ROWS:
        yield from all_groups(rows, runs, rng)
    for rows in ROWS:
        yield from few_groups(rows, runs, rng)
