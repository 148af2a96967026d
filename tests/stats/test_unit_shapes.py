"""Clusters from their sizes alone, against the sums that a set with those clusters has."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from audit.stats.arrays import FloatArray
from audit.stats.cluster_power import UnitShapes
from audit.stats.clusters import Evened


def shapes_of(rows: FloatArray) -> UnitShapes:
    """From float64[G, K]: rows of each unit in each group."""
    r = np.where(rows > 0, rows, 1.0)
    some, two = (rows > 0).astype(float), (rows > 1).astype(float)
    parts = (
        some, rows, rows**2, rows**3, rows**4, two, two * rows, two * rows**2,
        some * (r - 1) / r**2, some * (r - 1) / r,
        some * (r - 1) ** 2 / r**4, some * (r - 1) ** 2 / r**3, some * (r - 1) ** 2 / r**2,
    )  # fmt: skip
    return UnitShapes(*(part.sum(axis=1) for part in parts))


def sums_of(rows: FloatArray, weight: FloatArray) -> FloatArray:
    cases = rows.sum(axis=1)
    return np.stack([cases * weight**power for power in (0, 1, 2, 4)])


@pytest.fixture
def rows() -> FloatArray:
    rng = np.random.default_rng(3)
    return np.where(rng.random((3, 40)) < 0.7, rng.integers(1, 9, (3, 40)), 0).astype(np.float64)


def test_a_whole_pool_has_the_sums_of_its_clusters(rows: FloatArray) -> None:
    """Every cluster drawn, one weight in each group: the sums are exact."""
    weight = np.array([1.0, 2.5, 7.0])
    b, q = rows * weight[:, None], rows * weight[:, None] ** 2
    total = b.sum(axis=1)
    side, evened = shapes_of(rows).side(sums_of(rows, weight)), shapes_of(rows).evened(sums_of(rows, weight))
    expected = {
        "clusters": (rows > 0).sum(axis=1),
        "q": q.sum(axis=1) / total**2,
        "bb": (b**2).sum(axis=1) / total**2,
        "q_q": (q**2).sum(axis=1) / total**4,
        "q_bb": (q * b**2).sum(axis=1) / total**4,
        "bb_bb": (b**4).sum(axis=1) / total**4,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(side, name), values, rtol=1e-12, err_msg=name)
    given = Evened.of_clusters(0.5 * b, b, q)
    for name in ("clusters", "q", "bb", "q_q", "q_bb", "bb_bb"):
        np.testing.assert_allclose(getattr(evened.rate, name), getattr(given.rate, name), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(evened.bundles.number[:, 0], given.bundles.number[:, -1], rtol=1e-12)
    np.testing.assert_allclose(evened.bundles.share[:, 0], given.bundles.share[:, -1], rtol=1e-12)


def test_half_of_the_rows_have_half_of_the_clusters(rows: FloatArray) -> None:
    shapes, whole = shapes_of(rows), sums_of(rows, np.ones(3))
    half = sums_of(rows / 2.0, np.full(3, 2.0))
    np.testing.assert_allclose(shapes.side(half).clusters, shapes.side(whole).clusters / 2.0)
    np.testing.assert_allclose(shapes.side(half).bb, 2.0 * shapes.side(whole).bb)
    np.testing.assert_allclose(shapes.evened(half).bundles.number, shapes.evened(whole).bundles.number / 2.0)


def test_single_rows_are_no_clusters_and_others_are_everyone_but_oneself(rows: FloatArray) -> None:
    single = UnitShapes.of_rows(rows.sum(axis=1))
    assert np.isinf(single.evened(sums_of(rows, np.ones(3))).bundles.number).all()
    np.testing.assert_allclose(single.side(sums_of(rows, np.ones(3))).bb, 1.0 / rows.sum(axis=1))
    shapes = shapes_of(rows)
    for part in fields(UnitShapes):
        own, others = getattr(shapes, part.name), getattr(shapes.of_the_others, part.name)
        np.testing.assert_allclose(own + others, own.sum())
