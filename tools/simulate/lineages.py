"""Simulation of a line of releases on the same cases: how often one is wrongly called worse, and when a drift is found.

Ten groups that share no case. Every release asks the same people again and redraws some of its answers; it is held
against the first one (the reference) and against the one before it. Ways to spend a budget over 40 releases are set
beside a single test at the whole level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.multiplicity import FamilyRejections, method_by_sizes, reject_family
from audit.stats.pairs import BETA, name_in_series, name_paired, screened_paired_p
from audit.stats.score_test import FAIL_BETA, screened_p
from audit.verdicts.changes.judge import NAMING_BETA
from audit.verdicts.side_tests import ALL_NAMES, COMPARED_SHARE, LAST_SHARE, REFERENCE_SHARE, RELEASES
from tools.simulate.families import rates_on_edge
from tools.simulate.runner import Counts, Share

ALPHA: Final = 0.05
FIRST, MOVED = 2 * RELEASES, RELEASES * (RELEASES - 1)
"""Comparisons that share a level: half of it is for pairs with the first reference, half for all other pairs."""
GROUPS: Final = 10
RATE: Final = 0.8
"""Share that the first release gets right in every group."""
REDRAWN: Final = 0.06
"""Share of answers that each release draws anew."""
DRIFT: Final = 0.025
WHOLE: Final = ALL_NAMES * ALPHA
OWN = (1.0 - COMPARED_SHARE) * WHOLE
REFERENCE, LAST = COMPARED_SHARE * REFERENCE_SHARE * WHOLE, COMPARED_SHARE * LAST_SHARE * WHOLE
"""Levels of the audit's own limits over all releases, and of the two comparisons of a release."""
OWN_MARGIN: Final = 0.1
LOST: Final = "all lost the margin"
"""A line whose every release has lost exactly as much as a comparison allows: no level is spent on it over releases."""
_WAIT: Final = {0.05: {300: 8, 1_000: 5, 3_000: 4}, 0.02: {300: 6, 1_000: 3, 3_000: 3}}
"""Releases that a drift is followed for, by margin and group size."""
_OWN_WAIT: Final = 10


class Line(NamedTuple):
    """Counts of lines of releases: int64[runs, releases, G] each; the first release is the reference."""

    right: IntArray
    lost: IntArray
    gained: IntArray
    lost_last: IntArray
    gained_last: IntArray


def line(
    rng: np.random.Generator, runs: int, size: int, rates: FloatArray, redrawn: float, *, first_redrawn: bool = True
) -> Line:
    """Draw lines of releases, whose groups of `size` cases are right at float64[releases + 1, G] `rates`.

    A case is right where its own uniform number is below the rate; a redrawn answer has a new number. The reference
    redraws as many as every later release, unless `first_redrawn` is false.
    """
    uniform = rng.random((runs, GROUPS, size), dtype=np.float32)

    def answers(release: int) -> BoolArray:
        anew = rng.random(uniform.shape, dtype=np.float32) < (redrawn if release or first_redrawn else 0.0)
        drawn = np.where(anew, rng.random(uniform.shape, dtype=np.float32), uniform)
        return np.asarray(drawn < rates[release, :, np.newaxis].astype(np.float32))

    first = last = answers(0)
    counts = []
    for release in range(1, len(rates)):
        now = answers(release)
        pairs = (now, first & ~now, ~first & now, last & ~now, ~last & now)
        counts.append([cases.sum(axis=-1) for cases in pairs])
        last = now
    return Line(*np.moveaxis(np.array(counts, dtype=np.int64), 0, 2))


class Compared(NamedTuple):
    """Counts of a comparison, int64[runs, releases, G], with the p-values of "worse by more than the margin"."""

    lost: IntArray
    gained: IntArray
    p: FloatArray
    size: int
    margin: float

    @classmethod
    def of(cls, lost: IntArray, gained: IntArray, size: int, margin: float) -> Compared:
        """Compare, exactly where a p-value can be below the whole level."""
        n = np.full(lost.size, size)
        p = screened_paired_p(lost.ravel(), gained.ravel(), n, margin, "worse", NAMING_BETA, 1.5 * WHOLE)
        return cls(lost, gained, p.reshape(lost.shape), size, margin)

    def paired(self, run: int, release: int, level: float) -> FamilyRejections:
        """Name groups of one release as a comparison without other releases does."""
        tables = self.p[run, release], self.lost[run, release], self.gained[run, release], np.full(GROUPS, self.size)
        return name_paired(*tables, self.margin, level, NAMING_BETA, independent=True)

    def named(self, level: Callable[[int], float], comparisons: int | None = None) -> BoolArray:
        """bool[runs, releases, G]: groups named at each release's level; of `comparisons` that share a budget."""
        named_groups = np.zeros(self.p.shape, dtype=np.bool_)
        for run, release in np.argwhere((self.p <= WHOLE).any(axis=-1)):
            names = self.paired(run, release, level(release))
            if comparisons is not None:
                lost, gained = self.lost[run, release], self.gained[run, release]
                pairs = (lost, gained, lost + gained)
                names = name_in_series(names, *pairs, level(release), comparisons, independent=True)
            named_groups[run, release] = names.rejected
        return named_groups


def single(comparison: Compared, level: float) -> BoolArray:  # noqa: ARG001
    """Name as a single comparison with the whole level does: what no line of releases can keep to."""
    return comparison.named(lambda _: WHOLE)


def equal_parts(comparison: Compared, level: float) -> BoolArray:
    """Test the margin at an equal part of the level in each release."""
    return comparison.named(lambda _: level / RELEASES)


def squares(comparison: Compared, level: float) -> BoolArray:
    """Test the margin at ``6 level / (pi k)^2`` in release k, for any number of releases."""
    return comparison.named(lambda release: 6.0 * level / (np.pi * (release + 1)) ** 2)


def evidence(comparison: Compared, level: float) -> BoolArray:
    """Add up evidence, the mean over 40 releases of ``0.1 p^-0.9``, whose sum never falls."""
    added = np.cumsum(0.1 * comparison.p**-0.9, axis=1) / RELEASES
    return np.asarray(added >= GROUPS / level)


def two_bars(comparison: Compared, level: float) -> BoolArray:
    """Test the margin at the level, and "no worse at all" at the part of it for a release and the first reference."""
    return comparison.named(lambda _: level, FIRST)


def two_bars_moved(comparison: Compared, level: float) -> BoolArray:
    """Do the same at the part for any other pair of releases."""
    return comparison.named(lambda _: level, MOVED)


WAYS: Final[Mapping[str, Callable[[Compared, float], BoolArray]]] = {
    "single test, whole level": single,
    "equal parts": equal_parts,
    "squares": squares,
    "sum of evidence": evidence,
    "two bars": two_bars,
    "two bars, moved reference": two_bars_moved,
}


def _own_boundary() -> Boundary:
    return margin_boundary("fail", True, "difference", OWN_MARGIN)


def own_named(right: IntArray, size: int, level: float) -> BoolArray:
    """bool[runs, releases, G]: groups that the audit's own limit names, ten points below the rest."""
    boundary = _own_boundary()
    sizes, rests = np.full(GROUPS, size), np.full(GROUPS, size * (GROUPS - 1))
    rest = right.sum(axis=-1, keepdims=True) - right
    n, m = (np.broadcast_to(counts, right.shape).ravel() for counts in (sizes, rests))
    p = screened_p(right.ravel(), n, rest.ravel(), m, boundary, FAIL_BETA).p.reshape(right.shape)
    method = method_by_sizes(sizes, rests, RATE, boundary, level)
    named_groups = np.zeros(right.shape, dtype=np.bool_)
    for at in np.argwhere((p <= level).any(axis=-1)):
        at_release = tuple(at)
        names = reject_family(p[at_release], right[at_release], sizes, rest[at_release], rests, boundary, level, method)
        named_groups[at_release] = names.rejected
    return named_groups


def drifting(releases: int) -> FloatArray:
    """float64[releases + 1, G]: the first group loses 2.5 points in each release."""
    rates = np.full((releases + 1, GROUPS), RATE)
    rates[:, 0] -= DRIFT * np.arange(releases + 1)
    return rates


def found_by(runs: int, rng: np.random.Generator, size: int, margin: float) -> Counts:
    """Say by which release each way has named the drifting group in 80 %, and in how many lines by then."""
    drawn = line(rng, runs, size, drifting(_WAIT[margin][size]), REDRAWN)
    comparison = Compared.of(drawn.lost, drawn.gained, size, margin)
    return {f"drift found, {name}": _when_found(way(comparison, REFERENCE)) for name, way in WAYS.items()}


def own_found_by(runs: int, rng: np.random.Generator, size: int) -> Counts:
    """Say the same of the audit's own limit, ten points, at the whole level and at its part of 40 releases."""
    right = line(rng, runs, size, drifting(_OWN_WAIT), REDRAWN).right
    levels = {"whole level": WHOLE, "equal parts": OWN / RELEASES}
    return {f"drift found, own limit, {name}": _when_found(own_named(right, size, levels[name])) for name in levels}


def _when_found(named: BoolArray) -> Share:
    """Find the release by which the drifting group was named in 80 % of the lines, or else the last one."""
    shares = np.maximum.accumulate(named[:, :, 0], axis=1)
    enough = np.flatnonzero(shares.mean(axis=0) >= 0.8)
    release = int(enough[0]) if enough.size else shares.shape[1] - 1
    return Share(int(shares[:, release].sum()), len(shares), f"by release {release + 1}")


def steady(pattern: str, size: int, margin: float) -> FloatArray:
    """float64[41, G]: true rates of a system that does not become worse, or of one that lost the margin at once."""
    rates = np.full((RELEASES + 1, GROUPS), RATE)
    if pattern == "half on the limit":
        sizes = np.full(GROUPS, size)
        rates[:] = rates_on_edge(sizes, RATE, (np.arange(GROUPS) % 2 == 0, _own_boundary()))
    elif pattern == "improving":
        rates += 0.002 * np.arange(RELEASES + 1)[:, np.newaxis]
    elif pattern == LOST:
        rates[1:] -= margin
    return rates


def alarms(
    runs: int,
    rng: np.random.Generator,
    size: int,
    pattern: str,
    *,
    margin: float = 0.05,
    redrawn: float = REDRAWN,
    first_redrawn: bool = True,
) -> Counts:
    """Say in how many lines of 40 releases any group is named, by which question, and how many releases are stopped.

    A comparison with the reference that does not pass stops a release, and so does any FAIL. The verdict on the
    audit's own limits plays no other part in that.
    """
    drawn = line(rng, runs, size, steady(pattern, size, margin), redrawn, first_redrawn=first_redrawn)
    reference = Compared.of(drawn.lost, drawn.gained, size, margin)
    last = Compared.of(drawn.lost_last, drawn.gained_last, size, margin)
    named: dict[str, BoolArray] = {
        "own limits, whole level in each release": own_named(drawn.right, size, WHOLE),
        "reference, single test in each release": single(reference, WHOLE),
        "own limits": own_named(drawn.right, size, OWN / RELEASES),
        "reference": two_bars(reference, REFERENCE),
        "last": two_bars_moved(last, LAST),
    }
    called_worse = {question: np.any(groups, axis=-1, keepdims=True)[..., 0] for question, groups in named.items()}
    any_worse = called_worse["own limits"] | called_worse["reference"] | called_worse["last"]
    n = np.full(drawn.lost.size, size)
    p = screened_paired_p(drawn.lost.ravel(), drawn.gained.ravel(), n, margin, "within", BETA, ALPHA)
    passes = (p.reshape(drawn.lost.shape) <= ALPHA).all(axis=-1)
    name = "FAIL of a line whose groups lost the margin" if pattern == LOST else "any false FAIL of a line of releases"
    return {
        **{f"FAIL in a line, {bar}": Share(int(worse.any(axis=1).sum()), runs) for bar, worse in called_worse.items()},
        name: Share(int(any_worse.any(axis=1).sum()), runs),
        "release stopped": Share(int((any_worse | ~passes).sum()), any_worse.size),
    }
