"""Random numbers are the same with every NumPy, so that a result is: those of `Generator.binomial` were not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from audit.stats.bootstrap import replicate_counts

CELLS = np.random.default_rng(2).integers(-300, 900, (30, 4)).clip(0)
SIZES = np.arange(0, 300, 10)


def replicates() -> npt.NDArray[np.int64]:
    return np.concatenate(list(replicate_counts(CELLS, 300, np.random.default_rng(3))))


# the draws that the audit makes, and a digest of each that NumPy 2.4 and 2.5 agree on
DRAWS: dict[str, tuple[Callable[[], npt.NDArray[np.generic]], str]] = {
    "replicates": (replicates, "9b8ff288a9be940e"),
    "labels": (lambda: lasting().multinomial(4_000, [0.1, 0.2, 0.3, 0.4], 3_000), "1df15f5f8becfbcb"),
    "answers": (lambda: lasting().binomial(SIZES, 0.37, (3_000, len(SIZES))), "09ea8b1e6f7b8931"),
    "divisions": (
        lambda: drawn().multivariate_hypergeometric(SIZES, 2_000, 3_000, method="marginals"),
        "2ae8ca0f8cb6f222",
    ),
    "divisions of few": (
        lambda: drawn().multivariate_hypergeometric(SIZES % 9, 60, 3_000, method="count"),
        "15757deabeda8726",
    ),
    "places": (lambda: drawn().integers(0, 977, 9_000), "99a8b358f0bedca0"),
    "order": (lambda: drawn().random(9_000), "8a52ce7f15ccee3a"),
    "chances": (lambda: drawn().uniform(0.02, 0.8, 9_000), "074da9202725bff9"),
}


def drawn() -> np.random.Generator:
    return np.random.default_rng([7, 5])


def lasting() -> np.random.RandomState:
    return np.random.RandomState(np.random.PCG64([7, 5]))


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_is_the_same_with_every_numpy(name: str) -> None:
    draw, digest = DRAWS[name]
    assert hashlib.sha256(draw().tobytes()).hexdigest()[:16] == digest
