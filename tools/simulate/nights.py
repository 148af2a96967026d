"""Histories of nightly verdicts: their errors, and their cost in cases, through the code that `gate` runs.

Four, later five pairs of nationalities and two genders; half of the nationalities are found less often than their rest
by exactly the margin, or by less once the last pair has come. Every night brings new cases, drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np

from audit.counting.table import CountsTable
from audit.stats.arrays import FloatArray, IntArray
from audit.vocabulary.groups import SensitiveFeature
from tools.simulate.audited import (
    Evidence,
    Sample,
    State,
    families_of,
    feature_of,
    judge_nights,
    judged,
    ladder_table,
    new_state,
    plan_of,
    with_night,
)
from tools.simulate.runner import Counts, Share

MARGIN: Final = 0.10
GENDERS: Final = ("man", "woman")
PAIRS: Final = 4
LATE_FROM: Final = 20
"""The night, from 0, in which the last pair of nationalities comes."""
NIGHTS: Final = 200
NONE: Final = CountsTable.of(("gender", "nationality"), {})
PLAN: Final = plan_of(
    [{"groups": ["gender", "nationality"], "margin": MARGIN}],
    {"gender": {"column": "gender"}, "nationality": {"column": "nationality"}},
)


@dataclass(frozen=True, eq=False)
class World:
    """World of nationalities: how often each comes, how often it is found, and from which night on it comes."""

    name: str
    shares: FloatArray
    rates: FloatArray
    since: IntArray
    cases: int
    """Cases of a night."""


def on_the_margin(cases: int, rate: float) -> World:
    """Half of all nationalities are exactly `MARGIN` below their rest, and a pair comes late."""
    low = np.arange(2 * PAIRS + 2) % 2 == 0
    gap = MARGIN * (2 * PAIRS - 1) / PAIRS
    since = np.where(np.arange(low.size) < 2 * PAIRS, 0, LATE_FROM)
    name = f"half on the margin, rate {rate:g}, {cases} a night"
    return World(name, np.ones(low.size), np.where(low, rate - gap, rate), since, cases)


def one_gap(cases: int, rate: float, gap: float, share: float) -> World:
    """One nationality, of that share of all cases, is found less often than everyone else."""
    others = 2 * PAIRS - 1
    shares = np.array([share, *[(1.0 - share) / others] * others])
    name = f"{share:g} of {cases} a night at {rate - gap:g}, others at {rate:g}"
    return World(name, shares, np.array([rate - gap, *[rate] * others]), np.zeros(others + 1, dtype=np.int64), cases)


@cache
def _features(countries: tuple[str, ...]) -> list[SensitiveFeature]:
    return [
        feature_of("gender", GENDERS, "gender"),
        feature_of("nationality", countries, "nationality", ("country",)),
    ]  # fmt: skip


def features(table: CountsTable) -> list[SensitiveFeature]:
    """Return the two sensitive features as a set with the nationalities of a table has them."""
    return _features(tuple(sorted({country for _, country in table.codes})))


def cases_of(world: World, night: int, rng: np.random.Generator) -> CountsTable:
    """Return the new cases of a night, from 0."""
    shares = np.where(world.since <= night, world.shares, 0.0)
    split = rng.multinomial(world.cases, np.repeat(shares / shares.sum() / 2.0, 2)).reshape(-1, 2)
    flagged = rng.binomial(split, world.rates[:, np.newaxis])
    return ladder_table(split.T, flagged.T, (GENDERS, [f"C{number}" for number in range(len(shares))]))


def history(
    world: World, nights: int, rng: np.random.Generator, sample: Sample = "fresh"
) -> Iterator[tuple[State, CountsTable]]:
    """Yield a history night by night: the state, and the cases of all nights."""
    state, all_nights = new_state({}, sample), NONE
    for night in range(nights):
        new = cases_of(world, night, rng)
        all_nights += new
        state = _with(state, all_nights if sample == "growing" else new)
        yield state, all_nights


def _with(state: State, table: CountsTable) -> State:
    return with_night(PLAN, state, families_of(PLAN, table, features(table)), features(table))


def _of_nationalities(state: State) -> Evidence:
    (evidence,) = [of_family for of_family in state.evidence if of_family.family.axes[0].feature == "nationality"]
    return evidence


def false_fail(
    runs: int, rng: np.random.Generator, world: World, sample: Sample = "fresh", nights: int = NIGHTS
) -> Counts:
    """Count the whole histories in which anyone failed, although nobody is beyond the limit."""
    events = 0
    for _ in range(runs):
        *_, (state, _) = history(world, nights, rng, sample)
        events += any(any(evidence.failed) or evidence.several for evidence in state.evidence)
    return {"any false FAIL of the history": Share(events, runs)}


def false_pass(runs: int, rng: np.random.Generator, world: World, nights: int = NIGHTS) -> Counts:
    """Count the whole histories in which the first nationality passed in some night, though on the limit."""
    events = 0
    for _ in range(runs):
        events += any(_of_nationalities(state).passed[0] for state, _ in history(world, nights, rng))
    return {"false PASS in some night": Share(events, runs)}


def nights_to_doubt(worlds: tuple[World, World], good: int, nights: int, rng: np.random.Generator) -> int | None:
    """Find the night after a change in which the first nationality was in doubt; None if it was in none of them.

    The change comes once it has passed and so many good nights have followed; a doubt in these counts as one at once.
    """
    before, then = worlds
    state, night = new_state({}, "fresh"), 0
    while not _of_nationalities(state := _with(state, cases_of(before, night, rng))).passed[0]:
        night += 1
    for since in range(1, good + nights + 1):
        state = _with(state, cases_of(before if since <= good else then, night + since, rng))
        if _of_nationalities(state).doubted[0]:
            return max(since - good, 1)
    return None


def doubted(runs: int, rng: np.random.Generator, gap: float, good: int, looks: Sequence[int]) -> Counts:
    """Count how often the PASS of 10 % of the cases is in doubt so many nights after they have come to lie behind."""
    worlds = one_gap(400, 0.7, 0.0, 0.1), one_gap(400, 0.7, gap, 0.1)
    nights = [nights_to_doubt(worlds, good, max(looks), rng) for _ in range(runs)]
    if gap <= MARGIN:
        return {"PASS in doubt on the limit": Share(sum(night is not None for night in nights), runs)}
    return {
        f"PASS in doubt after {look} nights": Share(sum(night is not None and night <= look for night in nights), runs)
        for look in looks
    }


def detection(
    runs: int, rng: np.random.Generator, world: World, looks: Sequence[int], event: Literal["fail", "pass"]
) -> Counts:
    """Count how often a verdict is there after so many nights, beside that of one audit of the same cases."""
    counts = dict.fromkeys((f"{event.upper()} after {n} nights{how}" for n in looks for how in ("", ", one audit")), 0)
    for _ in range(runs):
        for night, (state, all_nights) in enumerate(history(world, max(looks), rng), start=1):
            if night in looks:
                name, named = f"{event.upper()} after {night} nights", features(all_nights)
                counts[name] += judge_nights(PLAN, state, named)[0].outcome == event
                counts[f"{name}, one audit"] += judged(PLAN, all_nights, named)[2].outcome == event
    return {name: Share(count, runs) for name, count in counts.items()}
