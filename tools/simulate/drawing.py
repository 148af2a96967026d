"""Whether sets that `audit7k draw` draws say of a pool what is true of it, and whether the chances it writes are right.

A small pool is drawn from again and again, each time by another seed, with the command's steps. Weighted totals
must average to the pool's, for every group, within what chance allows; so must weighted rates, up to the bias of a
quotient, which falls with the size. And the weight of each single row, 0 where it is not drawn, must average to 1:
that is what a written inclusion probability means. Of copies that are left out a row counts as its share of the set.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit.plan.file.plan_file import parse_design
from audit.planning.draw import draw_set
from audit.stats.arrays import FloatArray, IntArray
from tools.simulate.runner import Counts, Share

GROUPS: Final = 4
SIZES: Final = (300, 200, 80, 20)
RECALL: Final = (0.8, 0.7, 0.5, 0.6)
ROWS: Final = sum(SIZES)
OFF: Final = 1.96
_DESIGN: Final = """
schema = 1
[pool]
id = "id"
label = "label"
label_source = "simulated"
{cluster}
[draw]
allocation = "{way.allocation}"
size = {way.size}
seed = {seed}
[groups.group]
column = "group"
{rules}
{duplicates}
"""
_RULE: Final = """
[[rules]]
metric = "true_positive_rate"
groups = ["group"]
margin = 0.2
"""
_COPIES: Final = '[duplicates]\ncolumns = ["key"]\ncompare = "value"\ncopies = "{}"'


@dataclass(frozen=True)
class Way:
    """A way to draw."""

    allocation: str
    size: int
    cluster: str | None = None
    """`nested` within groups, `spanning` across them, or none."""
    copies: str | None = None
    """`out`, `together`, or none."""

    def design(self, seed: int) -> str:
        """Return the text of its design."""
        cluster = f'cluster = "{self.cluster}"' if self.cluster else ""
        copies = _COPIES.format(self.copies) if self.copies else ""
        rules = _RULE if self.allocation == "decidable" else ""
        return _DESIGN.format(cluster=cluster, way=self, seed=seed, rules=rules, duplicates=copies)


WAYS: Final = (
    Way("equal", 120),
    Way("proportional", 120),
    Way("decidable", 120),
    Way("equal", 160, "nested"),
    Way("equal", 200, "spanning"),
    Way("decidable", 200, "spanning"),
    Way("equal", 120, None, "out"),
    Way("equal", 160, None, "together"),
    Way("equal", 200, "spanning", "out"),
    Way("equal", 240, "nested", "together"),
)


@dataclass(frozen=True)
class Pool:
    """A pool whose answers are known; arrays of shape (N,)."""

    group: IntArray
    label: IntArray
    flagged: IntArray
    nested: IntArray
    spanning: IntArray
    key: IntArray
    """Copies share it. They can differ in group, label and answer."""

    def share(self, way: Way) -> FloatArray:
        """float64[N]: what each row counts for: where copies are left out, its part of the set that it is in."""
        return 1.0 / np.bincount(self.key)[self.key] if way.copies == "out" else np.ones(self.group.size)

    def write(self, path: Path) -> None:
        """Write it, in an order that tells nothing."""
        numbers = {"id": np.arange(self.group.size), "group": self.group, "nested": self.nested,
                   "spanning": self.spanning, "key": self.key}  # fmt: skip
        first = {name: "r" if name == "id" else name[0] for name in numbers}
        columns = {name: [f"{first[name]}{number}" for number in values] for name, values in numbers.items()}
        pq.write_table(pa.table(columns | {"label": self.label}), path)


def made_pool(rng: np.random.Generator) -> Pool:
    """Return a pool of four groups; answers are alike within clusters, and go with how many copies a row has."""
    group, row = np.repeat(np.arange(GROUPS), SIZES), np.arange(ROWS)
    label = (rng.random(ROWS) < 0.3).astype(np.int64)
    nested = group * ROWS + row // 5
    spanning = rng.integers(0, 150, ROWS)
    large = rng.random(ROWS) < 0.2
    spanning = np.where(large, 150 + rng.integers(0, 8, ROWS), spanning)
    copied, far = rng.random(ROWS) < 0.3, rng.random(ROWS) < 0.01
    key = np.where(copied, ROWS + row // 8, row)
    _, key = np.unique(np.where(far, 2 * ROWS + rng.integers(0, 3, ROWS), key), return_inverse=True)
    many = np.bincount(key)[key] > 2
    chance = np.array(RECALL)[group] - 0.3 * many + 0.2 * (spanning % 2) + 0.2 * (nested % 2) - 0.2
    flagged = (rng.random(ROWS) < np.where(label == 1, chance, 0.1)).astype(np.int64)
    return Pool(group, label, flagged, nested, spanning, key)


def drawn_weights(pool: Pool, way: Way, runs: int, first_seed: int) -> FloatArray:
    """Return float64[runs, N]: the weight of each row in each draw; 0 where it is not drawn."""
    weights = np.zeros((runs, pool.group.size))
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder, "pool.parquet"), Path(folder, "drawn.parquet")
        pool.write(path)
        for run in range(runs):
            draw_set(parse_design(way.design(first_seed + run)), path, target)
            drawn = pq.read_table(target, columns=["id", "design_weight", "inclusion_probability"])
            rows = [int(name[1:]) for name in drawn["id"].to_pylist()]
            weights[run, rows] = drawn["design_weight"].to_numpy()
            if not np.allclose(weights[run, rows] * drawn["inclusion_probability"].to_numpy(), 1.0):
                raise AssertionError("a weight is not the reciprocal of its probability")
    return weights


def totals(pool: Pool) -> FloatArray:
    """Return float64[N, T]: the columns to sum: rows, positives and flagged positives, of each group."""
    hits = (pool.label == 1) & (pool.flagged == 1)
    parts = (np.ones(pool.group.size, dtype=bool), pool.label == 1, hits)
    return np.stack([(pool.group == group) & part for part in parts for group in range(GROUPS)], axis=1) * 1.0


def rates(pool: Pool, weights: FloatArray) -> FloatArray:
    """Return float64[runs, R]: recall of each group and of everyone, and the share of positives, all weighted."""
    positive, hits = pool.label == 1, (pool.label == 1) & (pool.flagged == 1)
    parts = [pool.group == group for group in range(GROUPS)] + [np.ones(pool.group.size, dtype=bool)]
    recall = [(weights @ (hits & part)) / (weights @ (positive & part)) for part in parts]
    return np.stack([*recall, (weights @ positive) / weights.sum(axis=1)], axis=1)


def off(estimates: FloatArray, truth: FloatArray) -> FloatArray:
    """Return float64[T]: how many standard errors the mean over runs is off; 0 where every run is exactly right."""
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    gap = estimates.mean(axis=0) - truth
    exact = np.abs(gap) < 1e-9 * np.maximum(np.abs(truth), 1.0)
    return np.where(exact, 0.0, gap / np.where(error > 0.0, error, 1e-12))


def off_rows(pool: Pool, weights: FloatArray, share: FloatArray) -> FloatArray:
    """Return float64[N]: standard errors by which mean weights of rows are off, by the variance from their chances.

    A row that was never drawn has shown no variance: its weight is then taken to be that of others in its cell.
    """
    cell = pool.group * 2 + pool.label
    first, second = weights.sum(axis=0), (weights**2).sum(axis=0)
    of_cell = np.bincount(cell, second) / np.maximum(np.bincount(cell, first), 1e-12)
    weight = np.where((weights > 0.0).any(axis=0), second / np.maximum(first, 1e-12), of_cell[cell])
    error = np.sqrt(np.maximum(share * weight - share**2, 0.0) / len(weights))
    gap = weights.mean(axis=0) - share
    return np.where(np.abs(gap) < 1e-9, 0.0, gap / np.maximum(error, 1e-12))


def drawn_sets(runs: int, rng: np.random.Generator, way: Way) -> Counts:
    """Count the totals, rates and weights of rows whose mean is off by more than 1.96 standard errors."""
    pool, seed = made_pool(np.random.default_rng(20260801)), int(rng.integers(10**9))
    weights, share = drawn_weights(pool, way, max(runs, 2), seed), pool.share(way)
    looked_at, weighted = totals(pool), rates(pool, weights)
    truth = rates(pool, share[np.newaxis])[0]
    gaps = {
        "totals off": off(weights @ looked_at, share @ looked_at),
        "rates off": off(weighted, truth),
        "weights of rows off": off_rows(pool, weights, share),
    }
    bias = f", bias <= {100.0 * np.abs(weighted.mean(axis=0) - truth).max():.2f} points"
    return {
        name: Share(int((np.abs(errors) > OFF).sum()), errors.size,
                    f"of {runs} draws, worst {np.abs(errors).max():.1f} s.e.{bias if name == 'rates off' else ''}")
        for name, errors in gaps.items()
    }  # fmt: skip
