"""Find the strength of each planted finding, so that it has the size that is asked for in rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Final, get_args

from pydantic import TypeAdapter

from audit.errors import AuditError, ExitCode
from audit.worlds.mechanism import Mechanism
from audit.worlds.truth import measured_size
from audit.worlds.world import Finding, FindingName, Possible, World, WorldName, table

_AS_WORLD: Final = TypeAdapter(World)
WORLDS: Final[dict[WorldName, World]] = {name: _AS_WORLD.validate_python(table(name)) for name in get_args(WorldName)}

_STEPS: Final = 40
"""Most gaps that are computed for one strength; ten are enough."""
_NEAR: Final = 1e-12
_NEAR_GAP: Final = 1e-15
"""Distances at which two strengths, and two gaps, are one: far below the digits that are kept."""
_SWEEPS: Final = 12
"""Most rounds in which each strength is solved while the others stay. The others move the rest that it is compared
with.
"""
_DIGITS: Final = 6
"""Decimals of a strength, so that the last bit of a library changes no row."""


class PlantingError(AuditError):
    """A finding or a number of rows that a world cannot have."""

    exit_code = ExitCode.USAGE


def findings_asked(world: World, texts: Sequence[str]) -> tuple[Finding, ...]:
    """Read texts of the form `FINDING` or `FINDING=SIZE`. Returns findings in the order of the world.

    Raises
    ------
    PlantingError
        The world does not have the finding, it is named twice, or its size is no number above 0.
    """
    sizes: dict[FindingName, float] = {}
    for text in texts:
        name, separator, size = text.partition("=")
        possible = world.possible(name)
        if possible is None:
            names = [possible.finding for possible in world.findings]
            near = get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}" if near else f"it has {', '.join(names)}"
            raise PlantingError(f'world {world.name} has no finding "{name}"', slug="no-such-finding", hint=hint)
        if possible.finding in sizes:
            raise PlantingError(f"{name} is planted twice", slug="planted-twice")
        sizes[possible.finding] = _size(possible, size) if separator else possible.size
    return tuple(Finding(possible, sizes[possible.finding]) for possible in world.findings if possible.finding in sizes)


def plant(world: World, findings: Sequence[Finding]) -> Mechanism:
    """Plant findings in a world: solve for the strengths with which every finding has its size.

    A gap is a gap to all others as an audit sees them. The others include rows whose gender or nationality is not
    recorded, and rows in which something else is planted.

    Raises
    ------
    PlantingError
        A size is out of reach.
    """
    return _planted(world.name, tuple((finding.possible.finding, finding.size) for finding in findings))


@cache
def _planted(name: WorldName, sizes: tuple[tuple[FindingName, float], ...]) -> Mechanism:
    world = WORLDS[name]
    findings = [Finding(_possible(world, finding), size) for finding, size in sizes]
    strengths = {finding.possible.finding: _given(finding) for finding in findings}
    solved = [finding for finding in findings if finding.possible.finding not in ("biased-labels", "word-leak")]
    for _ in range(_SWEEPS):
        before = dict(strengths)
        for finding in solved:
            strengths[finding.possible.finding] = _solved(world, finding, strengths)
        if before == strengths:
            break
    return Mechanism(world, strengths)


def _possible(world: World, finding: FindingName) -> Possible:
    possible = world.possible(finding)
    assert possible is not None  # noqa: S101 - it was found before
    return possible


def _given(finding: Finding) -> float:
    """The strength if it follows from the size alone; else a first strength, which has no effect."""
    name = finding.possible.finding
    if name == "word-leak":
        return round(10.0 * finding.size)
    if name == "biased-labels":
        return finding.size
    return 1.0 if name in ("group-gap", "intersection-gap") and _is_shown(finding.possible) else 0.0


def _is_shown(possible: Possible) -> bool:
    return possible.metric == "true_positive_rate"


def _solved(world: World, finding: Finding, strengths: dict[FindingName, float]) -> float:
    name = finding.possible.finding
    sign = -1.0 if _is_shown(finding.possible) else 1.0

    def gap(strength: float) -> float:
        return sign * measured_size(Mechanism(world, {**strengths, name: strength}), finding.possible)

    none, most = (1.0, 0.0) if name != "like-with-like" and _is_shown(finding.possible) else (0.0, 1.0)
    if gap(most) < finding.size:
        raise PlantingError(
            f"{name} cannot have the size {finding.size:g} in world {world.name}",
            slug="size-out-of-reach",
            hint=f"with what else is planted at most {math.floor(1000 * gap(most)) / 1000:g}",
        )
    return round(_reached(gap, finding.size, none, most), _DIGITS)


def _reached(gap: Callable[[float], float], size: float, below: float, above: float) -> float:
    """Find the strength at which a gap has the size, by false position; a bound that stays counts half (Illinois)."""
    under, over, last, between = gap(below) - size, gap(above) - size, 0.0, below
    for _ in range(_STEPS if under < 0.0 else 0):
        between = (below * over - above * under) / (over - under)
        excess = gap(between) - size
        if excess < 0.0:
            below, under, over = between, excess, over / 2.0 if last < 0.0 else over
        else:
            above, over, under = between, excess, under / 2.0 if last > 0.0 else under
        last = excess
        if abs(above - below) <= _NEAR or abs(excess) <= _NEAR_GAP:
            break
    return between


def _size(possible: Possible, text: str) -> float:
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    largest = 5.0 if possible.finding == "word-leak" else 0.95
    if not 0.0 < size <= largest:
        raise PlantingError(
            f"the size of {possible.finding} must be a number above 0 and at most {largest:g}",
            slug="size-of-finding",
            hint=f"write {possible.finding}={possible.size:g}: {possible.measured_as}",
        )
    if possible.finding == "word-leak" and abs(10.0 * size - round(10.0 * size)) > 1e-9:
        raise PlantingError(
            "the size of word-leak is a number of tenths of a logit", slug="size-of-finding", hint="write word-leak=0.8"
        )
    return size
