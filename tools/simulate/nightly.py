"""Simulation of errors of a history of nightly verdicts, and its cost in cases, through the code that `gate` runs.

Four, later five pairs of nationalities and two genders; half of the nationalities are found less often than their rest
by exactly the margin, or by less once the last pair has come. Every night brings new cases, drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable, count_families
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import FloatArray, IntArray
from audit.verdicts.judge import judge
from audit.verdicts.nights.state import Evidence, Sample, State, new_state
from audit.verdicts.nights.verdict import judge_nights, with_night
from audit.vocabulary.groups import LevelName, SensitiveFeature
from tools.simulate.verdict_size import Measured

Event = Literal["fail", "pass"]
Setting = Callable[[int, np.random.Generator], Iterator[Measured]]
"""Measurement of one setting over a number of histories."""

MARGIN: Final = 0.10
GENDERS: Final = ("man", "woman")
PAIRS: Final = 4
LATE_FROM: Final = 20
"""The night, from 0, in which the last pair of nationalities comes."""
NIGHTS: Final = 200


@dataclass(frozen=True)
class World:
    """World of nationalities: how often each comes, how often it is found, and from which night on it comes."""

    shares: FloatArray
    rates: FloatArray
    since: npt.NDArray[np.int64]
    cases: int
    """Cases of a night."""


def on_the_margin(cases: int, rate: float) -> World:
    """Half of all nationalities are exactly `MARGIN` below their own rest, and a pair comes late."""
    low = np.arange(2 * PAIRS + 2) % 2 == 0
    gap = MARGIN * (2 * PAIRS - 1) / PAIRS
    since = np.where(np.arange(low.size) < 2 * PAIRS, 0, LATE_FROM)
    return World(np.ones(low.size), np.where(low, rate - gap, rate), since, cases)


def one_gap(cases: int, rate: float, gap: float, share: float) -> World:
    """One nationality, of that share of all cases, is found less often than everyone else."""
    others = 2 * PAIRS - 1
    shares = np.array([share, *[(1.0 - share) / others] * others])
    return World(shares, np.array([rate - gap, *[rate] * others]), np.zeros(others + 1, dtype=np.int64), cases)


def plan() -> AuditPlan:
    """One rule on the share found, over both features."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "simulated", "owner": "nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
            "evaluation_set": {"id": "id", "label": "label", "label_source": "simulated"},
            "groups": {"gender": {"column": "gender"}, "nationality": {"column": "nationality"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender", "nationality"], "margin": MARGIN}],
        }
    )


def features(countries: Sequence[str]) -> list[SensitiveFeature]:
    """Return the two sensitive features as a set with these nationalities has them."""
    return [
        SensitiveFeature(
            name=name,
            column=name,
            coding=coding,
            rungs=(rung,),
            levels=tuple(LevelName(rung=rung, code=code, name=code) for code in codes),
            given_to_detector=False,
        )
        for name, coding, rung, codes in (
            ("gender", "gender", "level", GENDERS),
            ("nationality", "nationality", "country", countries),
        )
    ]


def table(world: World, night: int, rng: np.random.Generator) -> CountsTable:
    """Return the new cases of a night, from 0."""
    shares = np.where(world.since <= night, world.shares, 0.0)
    split = rng.multinomial(world.cases, np.repeat(shares / shares.sum() / 2.0, 2)).reshape(-1, 2)
    found = rng.binomial(split, world.rates[:, np.newaxis])
    rows: dict[tuple[str, ...], IntArray] = {}
    for country, gender in zip(*np.nonzero(split), strict=True):
        cells = np.zeros((3, 4), dtype=np.int64)
        cells[POSITIVE, [FLAGGED, NOT_FLAGGED]] = (
            found[country, gender], split[country, gender] - found[country, gender]
        )  # fmt: skip
        rows[GENDERS[gender], f"C{country}"] = cells
    return CountsTable.of(("gender", "nationality"), rows)


def histories(
    world: World, nights: int, runs: int, rng: np.random.Generator, sample: Sample = "fresh"
) -> Iterator[Iterator[tuple[State, CountsTable]]]:
    """Yield the histories, each night by night: the state, and the cases of all nights."""
    for _ in range(runs):
        yield _history(world, nights, rng, sample)


def _history(
    world: World, nights: int, rng: np.random.Generator, sample: Sample
) -> Iterator[tuple[State, CountsTable]]:
    state, whole = new_state({}, sample), CountsTable.of(("gender", "nationality"), {})
    for night in range(nights):
        new = table(world, night, rng)
        whole += new
        state = _with(state, whole if sample == "growing" else new)
        yield state, whole


def _with(state: State, given: CountsTable) -> State:
    asked, named = plan(), features(sorted({country for _, country in given.codes}))
    return with_night(asked, state, count_families(asked, given, named), named)


def _of_nationalities(state: State) -> Evidence:
    (found,) = [one for one in state.evidence if one.family.axes[0].feature == "nationality"]
    return found


def false_fail(
    setting: str, world: World, nights: int, runs: int, rng: np.random.Generator, sample: Sample = "fresh"
) -> Measured:
    """Count the whole histories in which anyone failed, although nobody is beyond the limit."""
    events = 0
    for history in histories(world, nights, runs, rng, sample):
        *_, (state, _) = history
        events += any(any(one.failed) or one.several for one in state.evidence)
    return Measured(f"{nights} nights, {setting}, {sample}", "any false FAIL of the history", events, runs, "<= 5 %")


def false_pass(setting: str, world: World, nights: int, runs: int, rng: np.random.Generator) -> Measured:
    """Count the whole histories in which the first nationality passed in some night, though beyond the limit."""
    events = 0
    for history in histories(world, nights, runs, rng):
        events += any(_of_nationalities(state).passed[0] for state, _ in history)
    return Measured(f"{nights} nights, {setting}", "false PASS of the group beyond", events, runs, "<= 5 %")


def nights_to_doubt(worlds: tuple[World, World], good: int, nights: int, rng: np.random.Generator) -> int | None:
    """Find the night after a change in which the first nationality was in doubt; None if it was in none of them.

    The change comes once it has passed and so many good nights have followed; a doubt in these counts as one at once.
    """
    before, then = worlds
    state, night = new_state({}, "fresh"), 0
    while not _of_nationalities(state := _with(state, table(before, night, rng))).passed[0]:
        night += 1
    for since in range(1, good + nights + 1):
        state = _with(state, table(before if since <= good else then, night + since, rng))
        if _of_nationalities(state).doubted[0]:
            return max(since - good, 1)
    return None


def doubted(
    setting: str, gap: float, good: int, looks: Sequence[int], expected: str, runs: int, rng: np.random.Generator
) -> Iterator[Measured]:
    """Return how often the PASS of 10 % of the cases is in doubt so many nights after they have come to lie behind."""
    worlds = one_gap(400, 0.7, 0.0, 0.1), one_gap(400, 0.7, gap, 0.1)
    runs = max(1, runs // 3)
    found = [nights_to_doubt(worlds, good, max(looks), rng) for _ in range(runs)]
    for look in looks:
        events = sum(one is not None and one <= look for one in found)
        yield Measured(f"10 % to {setting}, {look} nights of 400", "PASS in doubt", events, runs, expected)


def detection(
    setting: str, world: World, looks: Sequence[int], runs: int, rng: np.random.Generator, event: Event
) -> Iterator[Measured]:
    """Return how often a verdict is there after so many nights, beside that of one audit of the same cases planned
    so.
    """
    nightly, once = dict.fromkeys(looks, 0), dict.fromkeys(looks, 0)
    asked = plan()
    for history in histories(world, max(looks), runs, rng):
        for night, (state, whole) in enumerate(history, start=1):
            if night in nightly:
                named = features(sorted({country for _, country in whole.codes}))
                nightly[night] += judge_nights(asked, state, named)[0].outcome == event
                _, _, overall = judge(asked, count_families(asked, whole, named), {one.name: one for one in named})
                once[night] += overall.outcome == event
    for look in looks:
        cases = f"{setting}, {look} nights of {world.cases}"
        yield Measured(cases, f"{event.upper()} so far, nightly", nightly[look], runs, "power")
        yield Measured(cases, f"{event.upper()}, one audit planned so", once[look], runs, "power")


def _false_fails(cases: int, rate: float, sample: Sample, runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    setting = f"rate {rate}, half on the margin, {cases} a night"
    yield false_fail(setting, on_the_margin(cases, rate), NIGHTS, runs, rng, sample)


def _false_passes(runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    world = one_gap(400, 0.7, MARGIN, 0.1)
    yield false_pass("one of 10 % on the margin, 400 a night", world, NIGHTS, runs, rng)


def _found(
    setting: str, world: World, looks: Sequence[int], event: Event, runs: int, rng: np.random.Generator
) -> Iterator[Measured]:
    yield from detection(setting, world, looks, max(1, runs // 3), rng, event)


_LATE: Final = (3, 5, 10, 20)
SETTINGS: Final[Mapping[str, Setting]] = {
    "fail-100-fresh": partial(_false_fails, 100, 0.7, "fresh"),
    "fail-100-growing": partial(_false_fails, 100, 0.7, "growing"),
    "fail-400-fresh": partial(_false_fails, 400, 0.7, "fresh"),
    "fail-400-growing": partial(_false_fails, 400, 0.7, "growing"),
    "fail-rare-fresh": partial(_false_fails, 400, 0.3, "fresh"),
    "fail-rare-growing": partial(_false_fails, 400, 0.3, "growing"),
    "pass": _false_passes,
    "found-at-.5": partial(_found, "10 % at .5 of .7", one_gap(100, 0.7, 0.2, 0.1), (20, 30, 40, 60), "fail"),
    "found-at-.4": partial(_found, "10 % at .4 of .7", one_gap(100, 0.7, 0.3, 0.1), (10, 15, 20), "fail"),
    "passed": partial(_found, "all at .7", one_gap(400, 0.7, 0.0, 0.125), (5, 10, 15), "pass"),
    "doubt-on-the-limit": partial(doubted, ".6 once passed", MARGIN, 0, (NIGHTS,), "<= 5 %"),
    "doubt-at-.5": partial(doubted, ".5 once passed", 2 * MARGIN, 0, _LATE, "power"),
    "doubt-at-.4": partial(doubted, ".4 once passed", 3 * MARGIN, 0, _LATE, "power"),
    "doubt-late-at-.5": partial(doubted, ".5 100 nights after passing", 2 * MARGIN, 100, _LATE, "power"),
}
"""Settings by name. Each has a stream of random numbers by its place, so that it gives alone what it gives with the
others; new ones come last."""


def all_settings(runs: int, seed: int, only: str | None = None) -> Iterator[Measured]:
    """Measure every setting, or one of `SETTINGS` alone."""
    for place, (name, setting) in enumerate(SETTINGS.items()):
        if only in (None, name):
            stream = np.random.SeedSequence(seed, spawn_key=(place,))
            yield from setting(runs, np.random.default_rng(stream))
