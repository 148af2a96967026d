"""Data of figures: numbers and words, taken from a release or a result before anything is drawn."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from audit.errors import AuditError
from audit.vocabulary.groups import Axis
from audit.vocabulary.metrics import METRICS
from reports.language import ENGLISH
from reports.numbers import Numbers

if TYPE_CHECKING:
    from audit.result.findings.scores import CalibrationBin

Outcome = Literal["fail", "pass", "inconclusive", "not_evaluable", "not_judged"]
"""The outcome of a verdict, or `not_judged` where the limit is not on the group."""
NOTES: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    Path(__file__).with_name("notes.toml").read_text(encoding="utf-8")
)
"""Notes under figures, by what they are drawn of."""
RESTRICTED: Final = "restricted, not for publication: exact counts"


@dataclass(frozen=True, slots=True)
class Head:
    """The words around every figure."""

    title: str
    reference: str
    """The people that groups are compared with, and the limit of the comparison."""
    notes: tuple[str, ...]
    restricted: bool
    described: str
    """A description for people who cannot see the figure."""
    source: str
    """Where the numbers are from: audit, auditor, day, labels, release and tool."""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One group. All numbers are shares."""

    name: str
    outcome: Outcome
    value: float | None
    low: float
    """The lower end of the interval. Where only a bound is known, that bound or 0."""
    high: float
    rate_text: str
    """The rate and its interval, in words."""
    cases: str
    rest: float | None = None
    """The rate of everyone else, where it is known."""
    limits: tuple[float, ...] = ()
    """The limits for this group, where everyone else's rate is known."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Groups with their intervals."""

    head: Head
    counted: str
    """The quantity on the axis."""
    rows: tuple[ForestRow, ...]
    reference: float | None
    """The rate of everyone."""
    limits: tuple[float, ...]
    """The limits from everyone's rate. None where rows have their own limits."""
    interval: str = "95% interval"
    """What the bars are."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One group in a funnel."""

    name: str
    cases: int
    rate: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Line:
    """A line over group size."""

    name: str
    """The name in the legend. Empty: the name of the line before."""
    points: tuple[tuple[float, float], ...]
    style: Literal["fail", "pass", "inner", "outer"]


@dataclass(frozen=True, slots=True)
class Funnel:
    """Groups by their number of cases."""

    head: Head
    counted: str
    cases: str
    """The cases on the horizontal axis."""
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    reference: float | None
    limits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One group's rates at each threshold, in shares. None where it has no cases of the kind."""

    name: str
    victims_found: tuple[float | None, ...]
    flagged: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """The rates at thresholds other than the plan's."""

    head: Head
    thresholds: tuple[float, ...]
    everyone: Curve
    groups: tuple[Curve, ...]
    chosen: float | None
    """The threshold of the plan."""
    counted: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Panel:
    """One group's reliability."""

    name: str
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram: whether scores mean what they say."""

    head: Head
    panels: tuple[Panel, ...]


def title_of(metric: str, groups: str) -> str:
    """Return the question that a figure of a rate answers."""
    known = METRICS.get(metric)
    return (known.report.title if known else NOTES["titles"]["otherwise"]).format(groups=groups)


def source_of(title: str, auditor: str, finished: str, labels: str, figures: str, tool: str) -> str:
    """Return the line that says where the numbers of a figure are from."""
    by = f" by {auditor}" if auditor else ""
    day = ENGLISH.date(finished)
    return f"Source: audit of {title}{by}, ended on {day}; labels: {labels}; {figures}; {tool}."


def family_text(axes: Iterable[Axis], finest: Mapping[str, str]) -> str:
    """Return a family as `--by` names it: `gender+nationality:m49-region`, without the rung where it is the finest."""
    return "+".join(
        axis.feature if finest.get(axis.feature) == axis.rung else f"{axis.feature}:{axis.rung}" for axis in axes
    )


def chosen_family(
    by: str | None, families: Iterable[tuple[Axis, ...]], finest: Mapping[str, str], default: tuple[Axis, ...] | None
) -> tuple[Axis, ...]:
    """Return the family that is asked for, or the default. Raises AuditError where there is none, and lists the
    families that there are.
    """
    named = {family_text(axes, finest): axes for axes in families if axes}
    if by is None and default is not None:
        return default
    if by is None or by not in named:
        raise AuditError(
            "there is no such family of groups to draw" if by is not None else "there is nothing to draw",
            slug="figure-family",
            hint=f"--by takes one of: {', '.join(named)}" if named else "",
        )
    return named[by]


def nothing_drawn_error(
    what: str,
    drawable: Iterable[tuple[Axis, ...]],
    finest: Mapping[str, str],
    instead: str = "",
    *,
    slug: str = "figure-empty",
) -> AuditError:
    """Return the error for a family that cannot be drawn. It names the families that can, or what else to do where
    there are none.
    """
    named = ", ".join(family_text(axes, finest) for axes in drawable)
    return AuditError(what, slug=slug, hint=f"--by takes one of: {named}" if named else instead)


def limits_around(
    reference: float | None, limit: float, scale: Literal["difference", "ratio"], worse: tuple[str, ...]
) -> tuple[float, ...]:
    """Return the rates at which the limit lies, seen from a reference rate. Rates outside 0 to 1 are left out."""
    if reference is None:
        return ()
    low = reference - limit if scale == "difference" else reference * limit
    high = reference + limit if scale == "difference" else reference / limit
    limits = [low] if "low" in worse else []
    limits += [high] if "high" in worse else []
    return tuple(rate for rate in limits if 0.0 <= rate <= 1.0)


def limit_in_words(
    limit: float, scale: Literal["difference", "ratio"], worse: tuple[str, ...], numbers: Numbers
) -> str:
    """Return the limit of a rule in words: "at most 10 percentage points below everyone else"."""
    side = " or ".join(
        {"low": "below", "high": "above"}[direction] for direction in ("low", "high") if direction in worse
    )
    if scale == "difference":
        return f"at most {numbers.points(limit)} percentage points {side} everyone else"
    factors = {"low": f"at least {numbers.plain(limit)}", "high": f"at most {numbers.plain(1 / limit)}"}
    bounds = " and ".join(factors[direction] for direction in ("low", "high") if direction in worse)
    return f"{bounds} times the rate of everyone else"
