"""Runs simulations that stand in tables: in which worlds what is counted, how often, and what is promised of it.

A measure draws a world `runs` times and returns how often things happened. Labels of worlds, standard errors, upper
ends and the search for the worst world are here, once for all simulations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, binom

from audit.stats.boundaries import Boundary

_BROKEN: Final = 1e-4
"""A promise is called broken where so many events would come of a kept one less often than this."""


class Share(NamedTuple):
    """How often something happened in simulated trials."""

    events: int
    trials: int
    note: str = ""
    """Figures of this world that belong beside the share."""

    @property
    def share(self) -> float:
        """Fraction of trials with the event; 0 without trials."""
        return self.events / max(self.trials, 1)

    @property
    def standard_error(self) -> float:
        """Monte Carlo standard error of the share."""
        return float(np.sqrt(self.share * (1.0 - self.share) / max(self.trials, 1)))

    @property
    def at_most(self) -> float:
        """Upper end of a one-sided 95 % interval of the chance (Clopper and Pearson)."""
        if self.events >= self.trials:
            return 1.0
        return float(beta.ppf(0.95, self.events + 1, self.trials - self.events))


class Promise(NamedTuple):
    """What should be true of a share."""

    kind: Literal["at most", "at least", "about", "more than", "none"] = "none"
    level: float = 0.0

    def __str__(self) -> str:
        return "" if self.kind == "none" else f"{self.kind} {100.0 * self.level:g} %"

    def is_broken(self, measured: Share) -> bool:
        """Say whether so many events, or so few, would come of a kept promise in less than one of 10,000 simulations.

        "About" is a nominal level of an approximate method: it is shown, and never broken.
        """
        events, trials = measured.events, measured.trials
        chance = {
            "at most": float(binom.sf(events - 1, trials, self.level)),
            "at least": float(binom.cdf(events, trials, self.level)),
            "more than": 0.0 if measured.share <= self.level else 1.0,
        }
        return chance.get(self.kind, 1.0) < _BROKEN


Counts = Mapping[str, Share]
"""What a measure returns: by property, how often it was seen."""
World = Mapping[str, Any]
"""Arguments of a measure."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Worlds in which the same properties are measured."""

    measure: Callable[..., Counts]
    """Takes runs, a random generator, and a world as keywords."""
    worlds: Sequence[World]
    runs: float = 1.0
    """How many runs for one of those asked for."""
    worst: int = 0
    """Instead of all worlds, of each property the worst one, measured anew so many times as often."""


@dataclasses.dataclass(frozen=True)
class Simulation:
    """Parts that are run together, by a name that documents cite."""

    parts: Sequence[Part]
    runs: float = 1.0


class Row(NamedTuple):
    """A property as measured in one world."""

    property: str
    world: str
    measured: Share


def grid(**values: Sequence[Any]) -> list[World]:
    """Return a world for each combination of the values; the last name varies fastest."""
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def listed(names: str, *values: Sequence[Any]) -> list[World]:
    """Return a world for each sequence of values of the arguments named, apart by spaces."""
    return [dict(zip(names.split(), combination, strict=True)) for combination in values]


def run(simulation: Simulation, runs: int, seed: int, world: str = "", most: int | None = None) -> Iterator[Row]:
    """Measure every part, or worlds alone whose label holds a text, or so many worlds of each part, by the seed.

    Each world of a part, or the search for its worst, has its stream of random numbers by its place, so that it gives
    alone what it gives with the others.
    """
    streams = np.random.SeedSequence(seed)
    for part in simulation.parts:
        often = max(1, round(runs * simulation.runs * part.runs))
        drawn = np.random.default_rng(seed).permutation(len(part.worlds))[:most]
        for number, worlds in enumerate([part.worlds] if part.worst else [[candidate] for candidate in part.worlds]):
            rng = np.random.default_rng(streams.spawn(1)[0])
            chosen = [candidate for candidate in worlds if world in label(candidate)]
            if chosen and (part.worst or number in drawn):
                yield from _worst(part, chosen, often, rng) if part.worst else _rows(part, chosen[0], often, rng)


def _rows(part: Part, world: World, runs: int, rng: np.random.Generator) -> Iterator[Row]:
    for name, measured in part.measure(runs, rng, **world).items():
        yield Row(name, label(world), measured)


def _worst(part: Part, worlds: Sequence[World], runs: int, rng: np.random.Generator) -> Iterator[Row]:
    """Find the world with most events of each property, and measure it anew."""
    screened = [part.measure(runs, rng, **world) for world in worlds]
    for name in screened[0]:
        worst = worlds[max(range(len(worlds)), key=lambda number: screened[number][name].events)]
        measured = part.measure(part.worst * runs, rng, **worst)[name]
        note = f"{measured.note} worst of {len(worlds)}".strip()
        yield Row(name, label(worst), measured._replace(note=note))


def label(value: object) -> str:
    """Say a world in one line: names and values, without those of a dataclass that are its defaults."""
    if isinstance(value, Boundary):
        return f"{value.slope:g} rate {value.offset:+g}"
    if isinstance(value, Mapping):
        return ", ".join(filter(None, (_named(name, part) for name, part in value.items())))
    fields = _fields(value)
    if "name" in fields:
        others = {name: part for name, part in fields.items() if isinstance(part, (bool, int, float, str))}
        return ", ".join([str(others.pop("name")), *([label(others)] if others else [])])
    if fields:
        return label(fields)
    if isinstance(value, (np.ndarray, tuple, list)):
        return _sequence(np.asarray(value, dtype=object))
    if callable(value):
        return str(getattr(value, "__name__", "")).strip("<>_")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fields(value: object) -> Mapping[str, Any]:
    """Return the values of a dataclass or named tuple that are not its defaults; nothing of another thing."""
    defaults: Mapping[str, Any] = getattr(value, "_field_defaults", {})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        defaults = {field.name: field.default for field in dataclasses.fields(value)}
        values = {name: getattr(value, name) for name in defaults}
    else:
        values = value._asdict() if hasattr(value, "_asdict") else {}
    return {name: part for name, part in values.items() if isinstance(part, np.ndarray) or part != defaults.get(name)}


def _named(name: str, value: object) -> str:
    words = name.replace("_", " ").strip()
    if isinstance(value, bool):
        return words if value else f"not {words}"
    if value is None:
        return ""
    alone = isinstance(value, str) or dataclasses.is_dataclass(value) or hasattr(value, "_asdict")
    return label(value) if alone else f"{words} {label(value)}"


def _sequence(values: npt.NDArray[np.object_]) -> str:
    if values.size <= 4:
        return "/".join(label(part) for part in values.tolist())
    return f"{values.size} of {label(values.min())} to {label(values.max())}"
