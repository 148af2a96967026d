"""Compute the truth of a world from its process: planted findings, control groups, and the rates of every group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import MetricName
from audit.worlds.mechanism import EXPLOITED, GENDERS, UNKNOWN, Mechanism, Recorded, recorded_shares, row_kinds
from audit.worlds.probe_texts import mean_shift
from audit.worlds.world import Possible, gender_level, nationality_level

MADE_BY: Final = "audit7k synthesise"
"""Mark by which a file truth.json is known as written by this package."""
RATES: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_positive_rate")
"""The rates that the plans of the worlds limit."""
_DIGITS: Final = 9

Member = Callable[[Level], bool]
Codes = tuple[tuple[str, ...], tuple[str, ...]]


class Gap(NamedTuple):
    """A rate of a group and of all others, by recorded labels and groups; None without such rows."""

    rate: float | None
    rest: float | None

    @property
    def difference(self) -> float | None:
        """Rate of the group minus rate of all others."""
        return None if self.rate is None or self.rest is None else self.rate - self.rest


@dataclass(frozen=True)
class Truth:
    """The true rates of every group that an audit can form."""

    mechanism: Mechanism
    recorded: Recorded

    @classmethod
    def of(cls, mechanism: Mechanism) -> Truth:
        """Compute the truth of a world with planted findings."""
        return cls(mechanism, recorded_shares(mechanism))

    def gap(self, metric: MetricName, where: BoolArray, channel: int | None = None) -> Gap:
        """A rate of the rows with some recorded genders and nationalities, and of all other rows.

        Parameters
        ----------
        where : ndarray of bool, shape (genders, nationalities)
            The levels of the group, from `within`.
        channel : int, optional
            Only rows of this channel.
        """
        mass = self.recorded.mass.sum(axis=2) if channel is None else self.recorded.mass[:, :, channel]
        return Gap(_rate(mass[where].sum(axis=0), metric), _rate(mass[~where].sum(axis=0), metric))

    def everyone(self) -> tuple[float, float]:
        """Share of victims found and share of non-victims wrongly flagged, of all rows."""
        cells = self.recorded.mass.sum(axis=(0, 1, 2))
        return _known(_rate(cells, "true_positive_rate")), _known(_rate(cells, "false_positive_rate"))

    def within(self, member: Member) -> BoolArray:
        """bool[genders, nationalities]: whether `member` holds of both levels."""
        return _within(self.recorded.codes, member)

    def of_group(self, group: Group) -> BoolArray:
        """bool[genders, nationalities]: whether the rows belong to `group`. All are False for a level not in the
        world.
        """
        return _members(self.recorded.codes, group)

    def untouched(self, metric: MetricName) -> Iterator[Group]:
        """Yield the controls: genders and nationalities without a planted finding that moves this rate."""
        touched = [possible for possible in self.planted if metric in rates_moved(possible)]
        of_others = {level for possible in touched for level in possible.group.levels}
        genders, nationalities = self.recorded.codes
        for level in (*map(gender_level, genders), *map(nationality_level, nationalities)):
            if level not in of_others and level.code != UNKNOWN and not _composed(level, touched):
                yield Group((level,))

    @property
    def planted(self) -> tuple[Possible, ...]:
        """The planted findings, in the order of the world."""
        mechanism = self.mechanism
        return tuple(finding for finding in mechanism.world.findings if finding.finding in mechanism.strengths)


def _within(codes: Codes, member: Member) -> BoolArray:
    genders, nationalities = codes
    return np.array(
        [
            [member(gender_level(gender)) and member(nationality_level(code)) for code in nationalities]
            for gender in genders
        ]
    )


@lru_cache(maxsize=1024)
def _members(codes: Codes, group: Group) -> BoolArray:
    level_by_feature = {level.feature: level for level in group.levels}
    members = _within(codes, lambda level: level_by_feature.get(level.feature, level) == level)
    members.setflags(write=False)
    return members


def _composed(level: Level, touched: Sequence[Possible]) -> bool:
    """Whether a group differs from the rest because the rest holds a larger share of rows with a planted finding.

    If a finding is planted in one gender, the other genders have none of it, and so differ from their rest.
    """
    return level.feature == "gender" and any(
        other.feature == "gender" for possible in touched for other in possible.group.levels
    )


def rates_moved(possible: Possible) -> tuple[MetricName, ...]:
    """The rates, by recorded labels, that differ for a group with this planted finding."""
    if possible.finding in ("biased-labels", "amplification"):
        # cases of exploitation among those labelled as none are flagged more often than the others there
        return ("false_positive_rate",)
    return RATES if possible.finding == "word-leak" else (possible.metric,)


def measured_size(mechanism: Mechanism, possible: Possible) -> float:
    """The signed size of a finding, in the unit of its size; 0 if it is not planted."""
    truth = Truth.of(mechanism)
    where = truth.of_group(possible.group)
    if possible.finding == "amplification":
        flags, labels = (truth.gap(metric, where).difference for metric in ("selection_rate", "base_rate"))
        return _known(flags) - _known(labels)
    if possible.finding in ("biased-labels", "word-leak"):
        strength = mechanism.strengths.get(possible.finding, 0.0)
        return strength / 10.0 if possible.finding == "word-leak" else strength
    return _known(truth.gap(possible.metric, where).difference)


def gap_within_channels(mechanism: Mechanism, possible: Possible) -> tuple[float, ...]:
    """The difference of the group to all others, within each channel."""
    truth = Truth.of(mechanism)
    where = truth.of_group(possible.group)
    return tuple(_known(truth.gap(possible.metric, where, channel).difference) for channel in (0, 1))


def truth_document(mechanism: Mechanism, seed: int, rows: int) -> dict[str, Any]:
    """Make the content of truth.json."""
    world, truth = mechanism.world, Truth.of(mechanism)
    genders, nationalities = truth.recorded.codes
    everyone = Group(())
    groups = [
        everyone,
        *(Group((gender_level(gender),)) for gender in genders),
        *(Group((nationality_level(code),)) for code in nationalities),
        *(Group((gender_level(gender), nationality_level(code))) for gender, code in product(genders, nationalities)),
    ]
    return {
        "made_by": MADE_BY,
        "world": world.name,
        "seed": seed,
        "rows": rows,
        "rows_are": world.rows_are,
        "what_this_is": "Rates in the process that the rows are drawn from, by recorded labels and recorded groups; "
        "the rows themselves differ from them by chance. Differences are to all others, unknown ones among them.",
        "planted": [_planted(truth, possible) for possible in truth.planted],
        "controls": [
            {"group": group.model_dump(mode="json"), "metric": metric, **_gap(truth.gap(metric, truth.of_group(group)))}
            for metric in RATES
            for group in truth.untouched(metric)
        ],
        "rates": [_rates(truth, group) for group in groups],
    }


def _planted(truth: Truth, possible: Possible) -> dict[str, Any]:
    mechanism, where = truth.mechanism, truth.of_group(possible.group)
    document: dict[str, Any] = {
        "finding": possible.finding,
        "group": possible.group.model_dump(mode="json"),
        "metric": possible.metric,
        "size": _rounded(abs(measured_size(mechanism, possible))),
        "measured_as": possible.measured_as,
        "cause": possible.cause,
        **_gap(truth.gap(possible.metric, where)),
    }
    if possible.finding == "like-with-like":
        within = gap_within_channels(mechanism, possible)
        document["difference_by_channel"] = dict(zip(mechanism.world.channels, map(_rounded, within), strict=True))
    if possible.finding == "biased-labels":
        document["share_among_exploited"] = {
            "by_labels": _rounded(_composition(truth, possible)),
            "in_truth": _rounded(true_composition(mechanism, possible.group.levels[0].feature)[_code(possible)]),
        }
    if possible.finding == "word-leak":
        document["decisions_flipped"] = _rounded(_flipped(mechanism, possible))
        document["mean_shift_of_texts"] = _rounded(mean_shift(mechanism.world, mechanism.strengths["word-leak"]))
    return document


def _code(possible: Possible) -> str:
    return possible.group.levels[0].code


def true_composition(mechanism: Mechanism, feature: str) -> dict[str, float]:
    """Shares of the levels of a feature among the exploited, by the truth and not by labels."""
    kinds, world = row_kinds(mechanism), mechanism.world
    codes = GENDERS if feature == "gender" else tuple(world.nationalities)
    levels = kinds.gender if feature == "gender" else kinds.nationality
    hidden = world.gender_unknown if feature == "gender" else world.nationality_unknown
    shown = 1.0 - np.array([hidden[name] for name in world.sources])[kinds.source]
    labelled = 1.0 - np.array([world.unlabelled[name] for name in world.sources])[kinds.source]
    weight = np.where(kinds.state == EXPLOITED, kinds.share * shown * labelled, 0.0)
    shares = np.bincount(levels, weights=weight, minlength=len(codes))
    return {code: float(share) for code, share in zip(codes, shares / shares.sum(), strict=True)}


def _composition(truth: Truth, possible: Possible) -> float:
    mass = truth.recorded.mass.sum(axis=(2, 4))[:, :, 1]
    of_levels = mass.sum(axis=1) if possible.group.levels[0].feature == "gender" else mass.sum(axis=0)
    codes = truth.recorded.codes[0 if possible.group.levels[0].feature == "gender" else 1]
    known = of_levels[:-1]
    return float(known[codes.index(_code(possible))] / known.sum())


def _flipped(mechanism: Mechanism, possible: Possible) -> float:
    """Share of the group's labelled rows whose decision changes without the word."""
    truth = Truth.of(mechanism)
    strengths = dict(mechanism.strengths)
    del strengths["word-leak"]
    without = Truth.of(Mechanism(mechanism.world, strengths))
    where = truth.of_group(possible.group)
    return _known(truth.gap("selection_rate", where).rate) - _known(without.gap("selection_rate", where).rate)


def _rates(truth: Truth, group: Group) -> dict[str, Any]:
    where = truth.of_group(group)
    mass = truth.recorded.mass.sum(axis=2)
    names: tuple[MetricName, ...] = ("base_rate", "selection_rate", *RATES)
    return {
        "group": group.model_dump(mode="json"),
        "share": _rounded(float(mass[where].sum() / mass.sum())),
        **{name: _rounded(_rate(mass[where].sum(axis=0), name)) for name in names},
    }


def _rate(cells: FloatArray, metric: MetricName) -> float | None:
    """Compute a rate from float64[label, flagged]; None if nothing is counted."""
    counted, among = {
        "true_positive_rate": (cells[1, 1], cells[1].sum()),
        "false_positive_rate": (cells[0, 1], cells[0].sum()),
        "selection_rate": (cells[:, 1].sum(), cells.sum()),
        "base_rate": (cells[1].sum(), cells.sum()),
    }[metric]
    return float(counted / among) if among > 0.0 else None


def _gap(gap: Gap) -> dict[str, float | None]:
    return {"rate": _rounded(gap.rate), "rest_rate": _rounded(gap.rest), "difference": _rounded(gap.difference)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS) + 0.0


def _known(value: float | None) -> float:
    assert value is not None  # noqa: S101 - every group of a world has rows
    return value
