"""Small counts that an attacker can learn from protected tables: from one release, and from many of the same people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.disclosure.attack import AttackReport, attack
from audit.disclosure.exact import ExactCounts
from audit.disclosure.lattice import Lattice
from audit.disclosure.protect import Protected, protect, same_people
from audit.errors import DataError
from tools.simulate.disclosure_world import counted, method, people, redrawn, unstable, without, world_lattice
from tools.simulate.verdict_size import Measured

ROWS = (5_000, 20_000, 64_000, 300_000, 1_000_000)
POSITIVES = (0.05, 0.4, 1.0)
FLOORS = (5, 10, 20)
RELEASES = 6
CHURN = 0.05


def attacked(
    lattice: Lattice, releases: list[ExactCounts], floor: int, *, logged: bool = True, programs: bool = False
) -> tuple[AttackReport, list[Protected]]:
    """Protect releases one after the other, with or without the log, and attack them all together."""
    log: list[Protected] = []
    for exact in releases:
        log.append(protect(exact, method(floor), [one.seen for one in log] if logged else []))
    seen = [one.seen for one in reversed(log)]
    same = same_people([one.keys for one in seen])
    return attack(lattice, [one.view for one in seen], same, method(floor), programs=programs), log


def one_release(rows: int, positives: float, floor: int, runs: int, rng: np.random.Generator) -> Measured:
    """Count sets of which sums disclose anything."""
    lattice = world_lattice()
    disclosed = 0
    for _ in range(runs):
        exact = counted(lattice, people(rng, rows, positives=positives))
        disclosed += bool(attacked(lattice, [exact], floor)[0].told)
    return Measured(
        f"{rows:,} rows, {positives:.0%} victims, k = {floor}", "sets of which sums tell", disclosed, runs, "0"
    )


def by_programs(floor: int, runs: int, rng: np.random.Generator) -> Measured:
    """Count sets of which programs over whole tables disclose anything, on 64,000 rows."""
    lattice = world_lattice()
    disclosed = 0
    for _ in range(runs):
        exact = counted(lattice, people(rng, 64_000))
        disclosed += bool(attacked(lattice, [exact], floor, programs=True)[0].told)
    return Measured(f"64,000 rows, 40% victims, k = {floor}", "sets of which programs tell", disclosed, runs, "0")


def many_releases(by: str, left: float, *, logged: bool, runs: int, rng: np.random.Generator) -> list[Measured]:
    """Count sets of which releases together disclose something, and sets of which a release is refused.

    From each release to the next 5% of decisions are re-drawn; after the first a share `left` of people is gone.
    """
    lattice = world_lattice()
    disclosed = refused = 0
    for _ in range(runs):
        sets = [people(rng, 64_000)]
        for _ in range(RELEASES - 1):
            before = without(rng, sets[0], left) if len(sets) == 1 and left else sets[-1]
            sets.append(redrawn(rng, before, CHURN))
        try:
            releases = [counted(lattice, one, by=by) for one in sets]
            disclosed += bool(attacked(lattice, releases, 10, logged=logged)[0].told)
        except DataError:
            refused += 1
    setting = f"{RELEASES} releases, {left:.1%} of people gone after the first, keyed by {by}"
    how = "against the log" if logged else "each alone"
    expected = "0" if logged else "what the log is for"
    return [
        Measured(setting, f"sets told, repaired {how}", disclosed, runs, expected),
        Measured(setting, f"sets refused, repaired {how}", refused, runs, "few"),
    ]


def averaged(by: str, releases: int, *, stable: bool, runs: int, rng: np.random.Generator) -> Measured:
    """Count shown victims of a group that the rounded mean over releases gives exactly, beside one release alone."""
    lattice = world_lattice()
    hit = shown = 0
    for _ in range(runs):
        one = people(rng, 64_000)
        truth = counted(lattice, one).counts[:, 0]
        total = np.zeros(lattice.nodes)
        for _ in range(releases):
            exact = counted(lattice, one if stable else unstable(rng, one), by=by)
            total += truth + method().noise.changes(truth, exact.keys[:, 0])
            one = redrawn(rng, one, CHURN)
        large = truth >= 20
        hit += int((np.round(total / releases) == truth)[large].sum())
        shown += int(large.sum())
    ids = "stable ids" if stable else "new ids each time"
    return Measured(
        f"{releases} releases, keyed by {by}, {ids}", "victims of a group told by the mean", hit, shown, "≤ 23%"
    )


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, with `runs` sets of each."""
    rng = np.random.default_rng(seed)
    for rows in ROWS:
        for positives in POSITIVES:
            for floor in FLOORS:
                yield one_release(rows, positives, floor, runs, rng)
    for floor in FLOORS:
        yield by_programs(floor, max(1, runs // 10), rng)
    for by, left in (("people", 0.0), ("people", 0.002), ("people", 0.05), ("counts", 0.0), ("counts", 0.05)):
        for logged in (False, True):
            yield from many_releases(by, left, logged=logged, runs=max(1, runs // 2), rng=rng)
    for releases in (1, 4, 12, 26):
        for by, stable in (("people", True), ("people", False), ("counts", False)):
            yield averaged(by, releases, stable=stable, runs=max(1, runs // 10), rng=rng)
