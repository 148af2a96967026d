"""Moments against sums over single rows, done the long way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.sets import made_plan

from audit.counting.count import count_cases, count_moments
from audit.counting.family_moments import Cells
from audit.counting.moments import Moments
from audit.counting.table import CountsTable, FamilyCounts, plan_families
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.stats.clusters import Evened, WeightedRate
from audit.vocabulary.groups import Axis, Family, Group
from audit.vocabulary.metrics import METRICS, Cell

ROWS = 600
COUNTRIES = ["NGA", "GHA", "FRA", None]
SUBREGIONS = {"NGA": "011", "GHA": "011", "FRA": "155", "unknown": "unknown"}
REGIONS = {"NGA": "002", "GHA": "002", "FRA": "150", "unknown": "unknown"}
PLAIN: Cells = ((Cell.TP,), (Cell.TP, Cell.FN))
WORST: Cells = ((Cell.TP,), (Cell.TP, Cell.FN, Cell.UNSCORED_POSITIVE))
BEST: Cells = ((Cell.TP, Cell.UNSCORED_POSITIVE), (Cell.TP, Cell.FN, Cell.UNSCORED_POSITIVE))
ALL: Cells = (METRICS["accuracy"].numerator, METRICS["accuracy"].denominator)


@dataclass
class Rows:
    """The same rows as columns: what the long way adds up."""

    gender: np.ndarray[tuple[int], np.dtype[np.str_]]
    country: np.ndarray[tuple[int], np.dtype[np.str_]]
    cell: list[Cell]
    weight: np.ndarray[tuple[int], np.dtype[np.float64]]
    cluster: np.ndarray[tuple[int], np.dtype[np.int64]]

    def members(self, group: Group) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        inside = np.ones(len(self.cell), dtype=bool)
        for level in group.levels:
            if level.feature == "gender":
                inside &= self.gender == level.code
            elif level.rung == "country":
                inside &= self.country == level.code
            else:
                above = SUBREGIONS if level.rung == "m49-subregion" else REGIONS
                inside &= np.array([above[code] for code in self.country]) == level.code
        return inside


def one(label: str | None, decision: int) -> Cell:
    unscored = {"1": Cell.UNSCORED_POSITIVE, "0": Cell.UNSCORED_NEGATIVE, None: Cell.UNSCORED_UNLABELLED}
    scored = {
        "1": (Cell.TP, Cell.FN),
        "0": (Cell.FP, Cell.TN),
        None: (Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED),
    }
    return unscored[label] if decision > 1 else scored[label][decision]


def scored_set(
    folder: Path, *, weights: bool, clusters: str, seed: int = 5, order: int = 0
) -> tuple[AuditPlan, EvaluationSet, Rows]:
    rng = np.random.default_rng(seed)
    genders = rng.choice(np.array(["woman", "man"]), ROWS)
    countries = rng.integers(0, 4, ROWS)
    label = [("1", "0", None)[place] for place in rng.choice(3, ROWS, p=(0.5, 0.4, 0.1))]
    decision = rng.choice(4, ROWS, p=(0.5, 0.4, 0.06, 0.04))
    weight = np.round(rng.lognormal(0.0, 0.7, ROWS), 6) if weights else np.ones(ROWS)
    cluster = {"spanning": rng.integers(0, 60, ROWS), "alone": np.arange(ROWS), "": np.arange(ROWS)}[clusters]
    shuffled = np.random.default_rng(order).permutation(ROWS) if order else np.arange(ROWS)
    table = {
        "case_id": [f"case {row}" for row in range(ROWS)],
        "exploited": label,
        "gender": list(genders),
        "nationality": [COUNTRIES[place] for place in countries],
        "text": [""] * ROWS,
        "w": weight.tolist(),
        "account": [f"account {(7 * name) % 61}" if clusters == "spanning" else f"a{name}" for name in cluster],
        "decision": decision.tolist(),
    }
    path = folder / f"set{order}.parquet"
    pq.write_table(pa.table({name: [values[row] for row in shuffled] for name, values in table.items()}), path)
    extra = {**({"weight": "w"} if weights else {}), **({"cluster": "account"} if clusters else {})}
    plan = made_plan(path.name, evaluation_set=extra)
    opened = open_evaluation_set(plan, folder)
    names = ", ".join(f'{sql} AS "{name}"' for name, sql in opened.expressions.items())
    opened.connection.execute(
        f"CREATE TEMP TABLE answers AS SELECT case_id AS k, decision AS d FROM read_parquet('{path}')"
    )
    opened.connection.execute(
        f"CREATE TEMP VIEW scored AS SELECT s.*, d::TINYINT AS decision FROM (SELECT {names} FROM source) s"
        " JOIN answers ON k = s.case_id"
    )
    rows = Rows(
        genders,
        np.array([COUNTRIES[place] or "unknown" for place in countries]),
        [one(*pair) for pair in zip(label, decision.tolist(), strict=True)],
        weight,
        np.asarray(cluster),
    )
    return plan, opened, rows


@pytest.fixture(scope="module", params=[(True, ""), (False, "spanning"), (True, "spanning"), (True, "alone")])
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AuditPlan, CountsTable, Moments, Rows, EvaluationSet]]:
    weights, clusters = request.param
    folder = tmp_path_factory.mktemp("moments")
    plan, opened, rows = scored_set(folder, weights=weights, clusters=clusters)
    with opened:
        counts, moments = count_cases(opened), count_moments(opened)
        assert moments is not None
        yield plan, counts, moments, rows, opened


def families(plan: AuditPlan, counts: CountsTable, opened: EvaluationSet) -> list[FamilyCounts]:
    named = {feature.name: feature for feature in opened.features}
    both = Family((Axis("gender", "level"), Axis("nationality", "m49-subregion")))
    return [counts.family(family, named) for family in (*plan_families(plan.groups, plan.rules), both)]


def long_way(rows: Rows, inside: np.ndarray[tuple[int], np.dtype[np.bool_]], cells: Cells) -> dict[str, float]:
    """A, B and Q of every cluster, one row after the other, and from them what `WeightedRate` holds."""
    a: dict[int, float] = {}
    b: dict[int, float] = {}
    q: dict[int, float] = {}
    for row in np.flatnonzero(inside):
        if rows.cell[row] in cells[1]:
            k, w = int(rows.cluster[row]), float(rows.weight[row])
            a[k] = a.get(k, 0.0) + (w if rows.cell[row] in cells[0] else 0.0)
            b[k] = b.get(k, 0.0) + w
            q[k] = q.get(k, 0.0) + w * w
    total = sum(b.values())
    rate = sum(a.values()) / total
    return {
        "rate": rate,
        "residual": sum((a[k] - rate * b[k]) ** 2 for k in b) / total**2,
        "clusters": float(len(b)),
        "q": sum(q.values()) / total**2,
        "bb": sum(v * v for v in b.values()) / total**2,
        "q_q": sum(v * v for v in q.values()) / total**4,
        "q_bb": sum(q[k] * b[k] ** 2 for k in b) / total**4,
        "bb_bb": sum(v**4 for v in b.values()) / total**4,
    }


def evened_the_long_way(rows: Rows, inside: np.ndarray[tuple[int], np.dtype[np.bool_]], cells: Cells) -> Evened:
    """The same of the clusters that have two rows or more."""
    sums = np.zeros((3, 1, int(rows.cluster.max()) + 1))
    for row in np.flatnonzero(inside):
        if rows.cell[row] in cells[1]:
            k, w = int(rows.cluster[row]), float(rows.weight[row])
            sums[:, 0, k] += w * (rows.cell[row] in cells[0]), w, w * w
    largest = max(float(rows.weight[rows.cluster == k].sum()) for k in set(rows.cluster.tolist()))
    counted, weight, squared = sums
    return Evened.of_clusters(counted, weight, squared, largest)


def deviations(rows: Rows, inside: np.ndarray[tuple[int], np.dtype[np.bool_]], cells: Cells) -> dict[int, float]:
    found = long_way(rows, inside, cells)["rate"]
    total = sum(rows.weight[row] for row in np.flatnonzero(inside) if rows.cell[row] in cells[1])
    e: dict[int, float] = {}
    for row in np.flatnonzero(inside):
        if rows.cell[row] in cells[1]:
            k = int(rows.cluster[row])
            e[k] = e.get(k, 0.0) + rows.weight[row] * ((rows.cell[row] in cells[0]) - found) / total
    return e


def assert_same(rate: WeightedRate, place: int, expected: dict[str, float]) -> None:
    for name, value in expected.items():
        assert getattr(rate, name)[place] == pytest.approx(value, rel=1e-6, abs=1e-12), name


@pytest.mark.parametrize("cells", [PLAIN, WORST, BEST, ALL])
def test_moments_are_the_sums_over_rows(
    made: tuple[AuditPlan, CountsTable, Moments, Rows, EvaluationSet], cells: Cells
) -> None:
    plan, counts, moments, rows, opened = made
    for family in families(plan, counts, opened):
        of = moments.of(family)
        own, rest, cross, sizes = of.own(cells), of.rest(cells), of.cross(cells, BEST), of.weight(cells[1])
        reference = of.between(1, cells)
        for place, group in enumerate(family.groups):
            inside = rows.members(group)
            assert_same(own, place, long_way(rows, inside, cells))
            assert_same(rest, place, long_way(rows, ~inside, cells))
            e, f = deviations(rows, inside, cells), deviations(rows, ~inside, BEST)
            assert cross[place] == pytest.approx(sum(e[k] * f[k] for k in e if k in f), rel=1e-6, abs=1e-12)
            other = deviations(rows, rows.members(family.groups[1]), cells)
            expected = 0.0 if place == 1 else sum(e[k] * other[k] for k in e if k in other)
            assert reference[place] == pytest.approx(expected, rel=1e-6, abs=1e-12)
            alone = sum(
                w for w, c, there in zip(rows.weight, rows.cell, inside, strict=True) if there and c in cells[1]
            )
            assert sizes[place] == pytest.approx(alone, rel=1e-6)
        assert of.spans is (moments.clustered)


@pytest.mark.parametrize("cells", [PLAIN, WORST, BEST, ALL])
@pytest.mark.parametrize("rest", [False, True])
def test_clusters_evened_are_the_sums_over_rows(
    made: tuple[AuditPlan, CountsTable, Moments, Rows, EvaluationSet], cells: Cells, rest: bool
) -> None:
    plan, counts, moments, rows, opened = made
    for family in families(plan, counts, opened):
        found = moments.of(family).evened(cells, rest=rest)
        for place, group in enumerate(family.groups):
            inside = rows.members(group)
            expected = evened_the_long_way(rows, ~inside if rest else inside, cells)
            if not moments.clustered:
                assert not found.bundles.can_hide[place]
                continue
            assert_same(
                found.rate, place, {name: getattr(expected.rate, name)[0] for name in expected.rate.__annotations__}
            )
            for name in ("number", "share", "shown"):
                value, there = getattr(expected.bundles, name)[0], getattr(found.bundles, name)[place]
                assert there == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize(("weights", "clusters"), [(True, ""), (True, "spanning"), (True, "alone")])
def test_not_a_bit_depends_on_the_order_of_the_rows(tmp_path: Path, weights: bool, clusters: str) -> None:
    found = []
    for order in (0, 3):
        plan, opened, _ = scored_set(tmp_path, weights=weights, clusters=clusters, order=order)
        with opened:
            opened.connection.execute(f"SET threads = {1 if order else 2}")
            counts, moments = count_cases(opened), count_moments(opened)
            assert moments is not None
            family = families(plan, counts, opened)[-1]
            evened = [moments.of(family).evened(ALL, rest=rest).rate for rest in (False, True)]
            rates = [moments.of(family).own(ALL), moments.of(family).rest(WORST), *evened]
            found.append(b"".join(getattr(rate, name).tobytes() for rate in rates for name in rate.__annotations__))
    assert found[0] == found[1]


def test_there_are_none_without_weights_and_clusters(tmp_path: Path) -> None:
    _, opened, _ = scored_set(tmp_path, weights=False, clusters="")
    with opened:
        assert count_moments(opened) is None


def test_clusters_of_one_row_are_no_clusters(tmp_path: Path) -> None:
    plan, opened, _ = scored_set(tmp_path, weights=False, clusters="alone")
    with opened:
        counts, moments = count_cases(opened), count_moments(opened)
        assert moments is not None
        assert not moments.clustered
        assert all(moments.of(family).counts_alike(PLAIN[1]).all() for family in families(plan, counts, opened))


def test_weights_that_are_the_same_in_group_and_rest_are_seen(tmp_path: Path) -> None:
    plan, opened, _ = scored_set(tmp_path, weights=True, clusters="")
    with opened:
        opened.connection.execute(
            "CREATE TEMP VIEW strata AS SELECT * REPLACE (CASE WHEN group_gender = 'man' THEN 7 ELSE 3 END AS"
            " weight_units) FROM scored"
        )
        counts, moments = count_cases(opened), count_moments(opened, "strata")
        assert moments is not None
        gender, country = families(plan, counts, opened)[:2]
        assert moments.of(gender).counts_alike(PLAIN[1]).all()
        assert not moments.of(country).counts_alike(PLAIN[1]).any()
