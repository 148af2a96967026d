"""Options of `power` without a plan, checked: what they ask, and about which rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from audit.errors import ArgumentError, PlanError
from audit.planning.power import Answer, Asked, planned_cases, share_of_rows
from audit.stats.power import Limit
from audit.vocabulary.metrics import METRICS, Metric, Worse, metric_called, metrics_like, worse_direction
from audit.vocabulary.text import printable

Route = Literal["services", "enforcement"]
_MOST_GROUPS, _MOST_CASES = 10_000, 10**8


@dataclass(frozen=True, slots=True)
class PowerFlags:
    """Question that the options ask, and the rate that it is about."""

    metric: Metric
    asked: Asked
    gap: float | None
    """Gap that should be named, on the scale of the limit."""
    prevalence: float | None

    def answers(self) -> tuple[Answer, ...]:
        """Return the cases of the rate's denominator for each question."""
        return planned_cases(self.asked)

    def rows(self, cases: int | None) -> int | None:
        """Return the rows to draw for so many cases; None where nobody knows."""
        share = None if self.prevalence is None else share_of_rows(self.metric, self.prevalence)
        if cases is None or share is None:
            return None
        return -int(-cases // share)


def read_power_flags(flags: Mapping[str, object]) -> PowerFlags:
    """Read the question that the options ask.

    Raises
    ------
    ArgumentError
        If an option is missing, or outside its range.
    PlanError
        If no data could answer.
    """
    metric = _metric(flags.get("--metric"), flags.get("--route", "services"))
    if ("--margin" in flags) == ("--ratio" in flags):
        raise ArgumentError("give exactly one of --margin and --ratio", slug="power-arguments")
    scale: Literal["difference", "ratio"] = "difference" if "--margin" in flags else "ratio"
    limit = Limit(
        low_is_worse=worse_direction(metric, cast("Route", flags.get("--route", "services"))) is Worse.LOW,
        scale=scale,
        limit=_share(flags, "--margin" if scale == "difference" else "--ratio", 0.001, 0.999),
        rate=_share(flags, "--rate", 0.001, 0.999, metric.expected_rate),
    )
    if not limit.can_be_exceeded:
        raise PlanError(
            f"beside a rate of {limit.rate:g} no group can be worse by more than {limit.limit:g}",
            slug="limit-cannot-be-exceeded",
        )
    rest = _count(flags, "--rest", 1, _MOST_CASES)
    groups = _count(flags, "--groups", 1 if rest else 2, _MOST_GROUPS) or 2
    gap = _share(flags, "--gap", 0.0, 1.0) if "--gap" in flags else None
    question = Asked(
        limit=limit,
        groups=groups,
        rest_cases=rest,
        alpha=_share(flags, "--alpha", 0.005, 0.2, 0.05),
        power=_share(flags, "--power", 0.501, 0.99, 0.8),
        bad_rate=None if gap is None else _bad_rate(limit, gap),
    )
    prevalence = _share(flags, "--prevalence", 1e-6, 0.999999) if "--prevalence" in flags else None
    return PowerFlags(metric, question, gap, prevalence)


def _metric(word: object, route: object) -> Metric:
    if word is None:
        raise ArgumentError(
            "give a plan, or --metric with --margin or --ratio",
            hint="as in: audit7k power plan.toml",
            slug="power-arguments",
        )
    metric = metric_called(str(word))
    if metric is None:
        like = metrics_like(str(word))
        known = " or ".join(known_metric.name for known_metric in like) if like else ", ".join(METRICS)
        raise ArgumentError(
            f'no metric is called "{printable(str(word)[:60])}"', hint=f"did you mean {known}?", slug="power-arguments"
        )
    if metric.worse is Worse.NOT_JUDGED:
        raise ArgumentError(
            f"{metric.name} is a property of the labels: no rule can be set on it", slug="power-arguments"
        )
    if route not in ("services", "enforcement"):
        raise ArgumentError("--route is services or enforcement", slug="power-arguments")
    return metric


def _bad_rate(limit: Limit, gap: float) -> float:
    """Return the rate of a group that is this far from the rest."""
    if limit.scale == "difference":
        rate = limit.rate - gap if limit.low_is_worse else limit.rate + gap
        beyond = gap > limit.limit
    else:
        rate = limit.rate * gap if limit.low_is_worse else limit.rate / max(gap, 1e-9)
        beyond = gap < limit.limit
    if not beyond:
        raise PlanError(
            f"a gap of {gap:g} is within the limit of {limit.limit:g}: it is never named", slug="gap-within-limit"
        )
    if not 0.0 <= rate <= 1.0:
        raise PlanError(
            f"a gap of {gap:g} beside a rate of {limit.rate:g} leaves the range of a rate", slug="gap-too-wide"
        )
    return rate


def _share(flags: Mapping[str, object], name: str, least: float, most: float, default: float | None = None) -> float:
    value = flags.get(name, default)
    if not isinstance(value, int | float) or not least <= value <= most:
        raise ArgumentError(f"{name} is a number from {least:g} to {most:g}", slug="power-arguments")
    return float(value)


def _count(flags: Mapping[str, object], name: str, least: int, most: int) -> int | None:
    value = flags.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or not least <= value <= most:
        raise ArgumentError(f"{name} is a whole number from {least} to {most:,}", slug="power-arguments")
    return value
