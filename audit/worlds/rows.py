"""Draw the rows of a world, a block at a time, so that any number of rows fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.worlds.draws import Draws
from audit.worlds.mechanism import EXPLOITED, GENDERS, Kinds, Mechanism, row_kinds

BLOCK: Final = 20_000
"""Rows of a block. Each block has a stream of its own."""

CHILD: Final = {True: {"woman": 0.36, "man": 0.41, "non-binary": 0.30}, False: dict.fromkeys(GENDERS, 0.10)}
"""Share of children among cases of exploitation, by gender (girls 22 of 61, boys 16 of 39 in 2022), and of others."""
FORMS: Final = ("sexual exploitation", "forced labour", "other forms")
FORM_SHARES: Final = {
    ("woman", True): (0.585, 0.171, 0.244),
    ("woman", False): (0.744, 0.146, 0.111),
    ("man", True): (0.134, 0.382, 0.484),
    ("man", False): (0.084, 0.659, 0.257),
    ("non-binary", True): (0.827, 0.033, 0.140),
    ("non-binary", False): (0.827, 0.033, 0.140),
}
"""By gender and whether a child: sums of the country tables in UNODC's GLOTIP portal, years from 2019 on."""


@dataclass(frozen=True)
class Rows:
    """A block of rows, as arrays of equal length. A missing value is a place below 0."""

    number: IntArray
    """From 1 on, in the order of the file."""
    cluster: IntArray
    """Number of the cluster, from 1 on."""
    exploited: BoolArray
    """The truth; the label can differ."""
    label: IntArray
    """1, 0, or -1 without a label."""
    gender: IntArray
    """Place in `GENDERS`; -1 if it is not recorded."""
    nationality: IntArray
    """Place in the world's nationalities; -1 if it is not recorded."""
    channel: IntArray
    source: IntArray
    child: IntArray
    """1, 0, or -1 if the age is not recorded."""
    form: IntArray
    """Place in `FORMS`: the form of exploitation, or the suspected form."""
    shown: BoolArray
    """bool[rows, signs]: whether the sign shows."""
    recorded: BoolArray
    """bool[rows, signs]: whether somebody asked, so that the sign is recorded if it shows."""


def drawn_rows(mechanism: Mechanism, rows: int, seed: int) -> Iterator[tuple[Rows, Draws]]:
    """Draw the rows in blocks. The stream that comes with a block is for drawing its further details."""
    kinds = row_kinds(mechanism)
    clusters = 0
    for block, start in enumerate(range(0, rows, BLOCK)):
        draws = Draws(seed, block)
        drawn = _block(mechanism, kinds, draws, start, min(BLOCK, rows - start), clusters)
        clusters = int(drawn.cluster[-1])
        yield drawn, draws


def _block(mechanism: Mechanism, kinds: Kinds, draws: Draws, start: int, size: int, clusters: int) -> Rows:
    world = mechanism.world
    sizes = 1 + draws.pick(world.cluster_sizes, size)
    cluster = np.repeat(np.arange(size), sizes)[:size]
    many = int(cluster[-1]) + 1
    kind = draws.pick(kinds.share.tolist(), many)
    gender, exploited = kinds.gender[kind], kinds.state[kind] == EXPLOITED
    source = list(world.sources)
    gender_known, nationality_known, labelled = (
        ~draws.happens(np.array([by[name] for name in source])[kinds.source[kind]], many)
        for by in (world.gender_unknown, world.nationality_unknown, world.unlabelled)
    )
    believed = exploited & ~draws.happens(kinds.mislabelled[kind], many)
    child = draws.happens(_children()[exploited.astype(np.int64), gender], many)
    age_known = ~draws.happens(0.12, many)
    form = _forms(gender, child, draws)
    of_rows = kind[cluster]
    shown, recorded = np.empty((size, len(world.signs)), np.bool_), np.empty((size, len(world.signs)), np.bool_)
    for number, sign in enumerate(world.signs):
        shown[:, number] = draws.happens(kinds.chances[of_rows, number], size)
        recorded[:, number] = ~draws.happens(sign.missing, size)
    return Rows(
        number=np.arange(start + 1, start + size + 1),
        cluster=clusters + 1 + cluster,
        exploited=exploited[cluster],
        label=np.where(labelled, believed.astype(np.int64), -1)[cluster],
        gender=np.where(gender_known, gender, -1)[cluster],
        nationality=np.where(nationality_known, kinds.nationality[kind], -1)[cluster],
        channel=kinds.channel[of_rows],
        source=kinds.source[of_rows],
        child=np.where(age_known, child.astype(np.int64), -1)[cluster],
        form=form[cluster],
        shown=shown,
        recorded=recorded,
    )


def _children() -> FloatArray:
    return np.array([[CHILD[exploited][gender] for gender in GENDERS] for exploited in (False, True)])


def _forms(gender: IntArray, child: BoolArray, draws: Draws) -> IntArray:
    drawn = draws.uniform(len(gender))
    shares = np.array([[FORM_SHARES[name, is_child] for is_child in (False, True)] for name in GENDERS])
    of_row = shares[gender, child.astype(np.int64)]
    first = of_row[:, 0]
    return np.where(drawn < first, 0, np.where(drawn < first + of_row[:, 1], 1, 2))
