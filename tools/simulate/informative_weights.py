"""Errors of one weighted comparison if weights go with the outcome.

Independent rows with lognormal weights; a row with the outcome weighs `factor` times as much. Rates are the weighted
ones, on the margin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.boundaries import margin_boundary
from audit.stats.clusters import Tilt, WeightedRate
from audit.stats.effective_test import Comparison, effective_test
from tools.simulate.verdict_size import Measured
from tools.simulate.weighted_clusters import Setting, settings

LEVELS = (0.05, 0.05, 0.001)
_FACTORS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0)
_EVENTS = (("false PASS", "<= 5 %"), ("false FAIL", "<= 5 %"), ("false FAIL at .001", "<= 0.1 %"))


def _side(
    runs: int, n: int, rate: float, spread: float, factor: float, rng: np.random.Generator
) -> tuple[WeightedRate, list[FloatArray]]:
    sigma = np.sqrt(np.log(1.0 + spread**2))
    success = rng.random((runs, n)) < rate / (factor * (1.0 - rate) + rate)
    w = np.exp(rng.normal(0.0, sigma, (runs, n))) * np.where(success, factor, 1.0)
    total = w.sum(axis=1)
    found = (w * success).sum(axis=1) / total
    residual = ((w * (success - found[:, None])) ** 2).sum(axis=1) / total**2
    second, fourth = (w**2).sum(axis=1) / total**2, (w**4).sum(axis=1) / total**4
    powers = w, w * w, np.ones_like(w)
    sums = [(of * kind).sum(axis=1).astype(np.float64) for of in powers for kind in (success, ~success)]
    return WeightedRate(found, residual, np.full(runs, float(n)), second, second, fourth, fourth, fourth), sums


def _tilt(sums: list[FloatArray]) -> Tilt:
    return Tilt.of((sums[0], sums[1]), (sums[2], sums[3]), (sums[4], sums[5]))


def one_comparison(
    setting: Setting,
    runs: int,
    rng: np.random.Generator,
    rows: int,
    ratio: int,
    spread: float,
    factor: float,
    *,
    weighted: bool = True,
) -> tuple[Measured, ...]:
    """False PASS and false FAIL at .05, and false FAIL at .001; without `weighted` as if weights carried nothing."""
    on_margin = replace(setting, groups=2, beside=1).on_margin
    group, own = _side(runs, rows, on_margin, spread, factor, rng)
    rest, others = _side(runs, rows * ratio, setting.rate, spread, factor, rng)
    everyone = _tilt([one + other for one, other in zip(own, others, strict=True)])
    tilts, rest_tilts = ((_tilt(own), everyone), (_tilt(others), everyone)) if weighted else ((), ())
    effects = group.q * rows, rest.q * rows * ratio
    least_q = (effects[0] + ratio * effects[1]) / (1 + ratio) / rows
    comparison = Comparison(group, rest, np.zeros(runs), 0.0, tilts, rest_tilts, least_q if weighted else 0.0)
    name = f"{rows} rows of {ratio + 1}x, weights cv {spread:g} times {factor:g}, rate {setting.rate:g}, "
    name += f"{setting.scale} {setting.margin:g} {'low' if setting.low else 'high'}"
    measured = []
    for side, level, (event, promised) in zip(("pass", "fail", "fail"), LEVELS, _EVENTS, strict=True):
        boundary = margin_boundary(
            "pass" if side == "pass" else "fail",
            setting.low,
            "ratio" if setting.scale == "ratio" else "difference",
            setting.margin,
        )
        p = effective_test(comparison, boundary, level).p
        measured.append(Measured(name, event, int((p <= level).sum()), runs, promised if weighted else "no guarantee"))
    return tuple(measured)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Find the worst rates, limits and rests for each size, spread and factor, measured anew four times as often."""
    streams = iter(np.random.default_rng(seed).spawn(64))
    worlds = [setting for setting in settings(10, spanning=False) if setting.correlation == 0.1]
    for rows, spread, factor in product((30, 100, 300), (0.5, 1.5), _FACTORS):
        rng = next(streams)
        made = list(product(worlds, (1, 10)))
        screened = [one_comparison(setting, runs, rng, rows, ratio, spread, factor) for setting, ratio in made]
        for place in range(len(LEVELS)):
            worst, ratio = made[max(range(len(made)), key=lambda world: screened[world][place].events)]
            again = one_comparison(worst, 4 * runs, rng, rows, ratio, spread, factor)[place]
            yield replace(again, expected=f"{again.expected}, worst of {len(made)}")
