"""Whether sets that `audit7k draw` draws say of a pool what is true of it, and whether the chances it writes are right.

A small pool is drawn from again and again, each time by another seed, with the command's own steps. Weighted totals
must average to the pool's, for every group, within what chance allows; so must weighted rates, up to the bias of a
quotient, which falls with the size. And the weight of each single row, 0 where it is not drawn, must average to 1:
that is what a written inclusion probability means. Of copies that are left out a row counts as its share of the set.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import parse_design
from audit.plan.sampling_design import SamplingDesign
from audit.planning import draw
from audit.planning.sample_design import Allocation, ClusterShapes, PoolCell, allocate
from audit.stats.arrays import FloatArray, IntArray
from tools.simulate.verdict_size import Measured

GROUPS = 4
SIZES = (300, 200, 80, 20)
RECALL = (0.8, 0.7, 0.5, 0.6)
ROWS = sum(SIZES)
OFF = 1.96
_DESIGN = """
schema = 1
[pool]
id = "id"
label = "label"
label_source = "simulated"
{cluster}
[draw]
{draw}
seed = {seed}
[groups.group]
column = "group"
{rules}
{duplicates}
"""
_RULE = """
[[rules]]
metric = "true_positive_rate"
groups = ["group"]
margin = 0.2
"""


@dataclass(frozen=True)
class Way:
    """A way to draw."""

    name: str
    draw: str
    cluster: str | None = None
    """`nested`, `spanning`, or none."""
    copies: str | None = None
    """`out`, `together`, or none."""

    def design(self, seed: int) -> str:
        """Return the text of its design."""
        cluster = f'cluster = "{self.cluster}"' if self.cluster else ""
        copies = f'[duplicates]\ncolumns = ["key"]\ncompare = "value"\ncopies = "{self.copies}"' if self.copies else ""
        rules = _RULE if "decidable" in self.draw else ""
        return _DESIGN.format(cluster=cluster, draw=self.draw, seed=seed, rules=rules, duplicates=copies)


WAYS = (
    Way("rows, equal", 'allocation = "equal"\nsize = 120'),
    Way("rows, proportional", 'allocation = "proportional"\nsize = 120'),
    Way("rows, decidable", 'allocation = "decidable"\nsize = 120'),
    Way("clusters within groups, equal", 'allocation = "equal"\nsize = 160', "nested"),
    Way("clusters across groups, equal", 'allocation = "equal"\nsize = 200', "spanning"),
    Way("clusters across groups, decidable", 'allocation = "decidable"\nsize = 200', "spanning"),
    Way("copies out, equal", 'allocation = "equal"\nsize = 120', None, "out"),
    Way("copies together, equal", 'allocation = "equal"\nsize = 160', None, "together"),
    Way("clusters across groups, copies out", 'allocation = "equal"\nsize = 200', "spanning", "out"),
    Way("clusters within groups, copies together", 'allocation = "equal"\nsize = 240', "nested", "together"),
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

    @property
    def copies(self) -> FloatArray:
        """Rows of the set that each row is in."""
        return np.bincount(self.key)[self.key].astype(np.float64)

    def write(self, path: Path) -> None:
        """Write it, in an order that tells nothing."""
        columns = {
            "id": [f"r{place}" for place in range(self.group.size)],
            "group": [f"g{one}" for one in self.group],
            "label": self.label,
            "nested": [f"n{one}" for one in self.nested],
            "spanning": [f"s{one}" for one in self.spanning],
            "key": [f"k{one}" for one in self.key],
        }
        pq.write_table(pa.table(columns), path)


def made_pool(rng: np.random.Generator) -> Pool:
    """Return a pool of four groups; answers are alike within clusters, and go with how many copies a row has."""
    group, own = np.repeat(np.arange(GROUPS), SIZES), np.arange(ROWS)
    label = (rng.random(ROWS) < 0.3).astype(np.int64)
    nested = group * ROWS + own // 5
    spanning = rng.integers(0, 150, ROWS)
    large = rng.random(ROWS) < 0.2
    spanning = np.where(large, 150 + rng.integers(0, 8, ROWS), spanning)
    copied, far = rng.random(ROWS) < 0.3, rng.random(ROWS) < 0.01
    key = np.where(copied, ROWS + own // 8, own)
    _, key = np.unique(np.where(far, 2 * ROWS + rng.integers(0, 3, ROWS), key), return_inverse=True)
    many = np.bincount(key)[key] > 2
    chance = np.array(RECALL)[group] - 0.3 * many + 0.2 * (spanning % 2) + 0.2 * (nested % 2) - 0.2
    flagged = (rng.random(ROWS) < np.where(label == 1, chance, 0.1)).astype(np.int64)
    return Pool(group, label, flagged, nested, spanning, key)


@contextmanager
def allocated_once() -> Iterator[None]:
    """Share out the cases of a design for its first seed alone, and do not say what each drawn set could decide.

    Both take longer than to draw a set. The first goes by the cells of the pool, which are the same for every seed, and
    of the second nothing is looked at here.
    """
    known: dict[tuple[tuple[PoolCell, ...], int | None, float], Allocation] = {}

    def remembered(
        design: SamplingDesign,
        plan: AuditPlan,
        cells: Sequence[PoolCell],
        shapes: ClusterShapes,
        size: int | None,
        share: float = 1.0,
    ) -> Allocation:
        key = tuple(cells), size, share
        if key not in known:
            known[key] = allocate(design, plan, cells, shapes, size, share)
        return known[key]

    with patch.object(draw, "allocate", remembered), patch.object(draw, "_check_drawn", return_value=None):
        yield


def drawn_weights(pool: Pool, way: Way, runs: int, first_seed: int) -> FloatArray:
    """Return float64[runs, N]: the weight of each row in each draw; 0 where it is not drawn."""
    weights = np.zeros((runs, pool.group.size))
    with tempfile.TemporaryDirectory() as folder, allocated_once():
        path, target = Path(folder, "pool.parquet"), Path(folder, "drawn.parquet")
        pool.write(path)
        for run in range(runs):
            draw.draw_set(parse_design(way.design(first_seed + run)), path, target)
            drawn = pq.read_table(target, columns=["id", "design_weight", "inclusion_probability"])
            places = [int(one[1:]) for one in drawn["id"].to_pylist()]
            weights[run, places] = drawn["design_weight"].to_numpy()
            if not np.allclose(weights[run, places] * drawn["inclusion_probability"].to_numpy(), 1.0):
                raise AssertionError("a weight is not the reciprocal of its probability")
    return weights


def totals(pool: Pool) -> FloatArray:
    """Return float64[N, T]: the columns to sum: rows, positives and flagged positives, of each group."""
    of_group = [pool.group == one for one in range(GROUPS)]
    found = (pool.label == 1) & (pool.flagged == 1)
    parts = (np.ones(pool.group.size, dtype=bool), pool.label == 1, found)
    return np.stack([(some & part) for part in parts for some in of_group], axis=1).astype(np.float64)


def rates(pool: Pool, weights: FloatArray) -> FloatArray:
    """Return float64[runs, R]: recall of each group and of everyone, and the share of positives, all weighted."""
    positive, found = pool.label == 1, (pool.label == 1) & (pool.flagged == 1)
    parts = [pool.group == one for one in range(GROUPS)] + [np.ones(pool.group.size, dtype=bool)]
    recall = [(weights @ (found & part)) / (weights @ (positive & part)) for part in parts]
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
    drawn = weights > 0.0
    cell = pool.group * 2 + pool.label
    first, second = weights.sum(axis=0), (weights**2).sum(axis=0)
    of_cell = np.bincount(cell, second) / np.maximum(np.bincount(cell, first), 1e-12)
    own = second / np.maximum(first, 1e-12)
    weight = np.where(drawn.any(axis=0), own, of_cell[cell])
    error = np.sqrt(np.maximum(share * weight - share**2, 0.0) / len(weights))
    gap = weights.mean(axis=0) - share
    return np.where(np.abs(gap) < 1e-9, 0.0, gap / np.maximum(error, 1e-12))


def measured(pool: Pool, way: Way, runs: int, first_seed: int) -> Iterator[Measured]:
    """Return how many of the totals, rates and weights of rows are off by more than chance allows."""
    weights = drawn_weights(pool, way, runs, first_seed)
    share = 1.0 / pool.copies if way.copies == "out" else np.ones(pool.group.size)
    looked_at = totals(pool)
    truth = rates(pool, share[np.newaxis])[0]
    found = rates(pool, weights)
    bias = 100.0 * np.abs(found.mean(axis=0) - truth).max()
    for name, gaps in (
        ("totals", off(weights @ looked_at, share @ looked_at)),
        (f"rates, bias <= {bias:.2f}", off(found, truth)),
        ("weights of rows", off_rows(pool, weights, share)),
    ):
        event = f"{name}, worst {np.abs(gaps).max():.1f} s.e."
        setting = f"{way.name}: mean of {runs} draws off by {OFF} s.e."
        yield Measured(setting, event, int((np.abs(gaps) > OFF).sum()), gaps.size, "about 5 %")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every way to draw."""
    pool = made_pool(np.random.default_rng(seed))
    for place, way in enumerate(WAYS):
        yield from measured(pool, way, max(runs, 2), 100_000 * (seed % 10_000 + place))
