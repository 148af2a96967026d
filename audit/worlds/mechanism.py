"""Compute the effects of a world on its groups: every kind of row, its share, and its chance of a flag.

The kind of a row is its state (exploited or not), gender, nationality, channel, source and the temper of its cluster.
Given the kind, signs are independent, and the detector adds up points. So the distribution of the points is a
convolution, and every rate of every group is a sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate, product
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.worlds.world import EXPLOITED_GENDERS, OTHER_GENDERS, FindingName, Possible, World

GENDERS: Final = tuple(EXPLOITED_GENDERS)
UNKNOWN: Final = "unknown"
OTHER, EXPLOITED = 0, 1
RAISED_PREVALENCE: Final = 1.3
"""Factor on the prevalence of a group with planted `amplification`. Its labels are right; the detector exaggerates
this difference."""


@dataclass(frozen=True)
class Mechanism:
    """A world with the strengths of its planted findings."""

    world: World
    strengths: Mapping[FindingName, float] = field(default_factory=dict)
    """`group-gap`, `intersection-gap`, from 0 to 1: for the share found, the part that is left of the extra signs of
    cases of exploitation; for the share wrongly flagged, the part of these signs that ordinary cases show.
    `like-with-like`: the group's share of the second channel. `biased-labels`: share of its cases of exploitation that
    are labelled as none. `amplification`: as for a share wrongly flagged. `word-leak`: points for the word."""

    def strength(self, name: FindingName) -> tuple[Possible, float] | None:
        """The finding of this name and its strength here; None if it is not planted."""
        possible = self.world.possible(name)
        return None if possible is None or name not in self.strengths else (possible, self.strengths[name])


class Kinds(NamedTuple):
    """All kinds of rows, as arrays of shape (kinds,). A level is a place in the order of the world."""

    share: FloatArray
    state: IntArray
    gender: IntArray
    nationality: IntArray
    channel: IntArray
    source: IntArray
    part: FloatArray
    """Part of the extra signs of exploitation that shows: all that the chances of a row depend on."""
    chances: FloatArray
    """float64[kinds, signs]: chance that a sign shows, recorded or not."""
    extra: IntArray
    """Points that the detector adds for the word of the nationality, if the row holds it."""
    mislabelled: FloatArray
    """Chance that a case of exploitation is labelled as none."""


@dataclass(frozen=True)
class Recorded:
    """Shares of rows by everything that an audit can see of them."""

    codes: tuple[tuple[str, ...], tuple[str, ...]]
    """Genders and nationalities, each with `unknown` at the end."""
    mass: FloatArray
    """float64[genders, nationalities, channels, label, flagged]: shares of all labelled rows."""


def row_kinds(mechanism: Mechanism) -> Kinds:
    """Compute all kinds of rows, with their shares and chances. The first factors vary slowest."""
    world = mechanism.world
    nationalities, sources = list(world.nationalities), list(world.sources)
    sizes = (2, len(GENDERS), len(nationalities), 2, len(sources), len(world.tempers))
    state, gender, nationality, channel, source, temper = (
        np.ascontiguousarray(places, dtype=np.int64) for places in np.indices(sizes).reshape(len(sizes), -1)
    )
    of_gender = np.array([list(OTHER_GENDERS.values()), list(EXPLOITED_GENDERS.values())])
    home = np.where(nationality == 0, 0, 1)
    share = (
        _states(mechanism)[state, nationality]
        * of_gender[state, gender]
        * _channels(mechanism)[nationality, channel]
        * np.array([list(pair) for pair in world.sources.values()])[source, home]
        * np.array([share for share, _, _ in world.tempers])[temper]
    )
    kinds = Kinds(
        share=share,
        state=state,
        gender=gender,
        nationality=nationality,
        channel=channel,
        source=source,
        part=np.empty(len(share)),
        chances=np.empty((len(share), len(world.signs))),
        extra=np.zeros(len(share), dtype=np.int64),
        mislabelled=np.zeros(len(share)),
    )
    leak, labels = mechanism.strength("word-leak"), mechanism.strength("biased-labels")
    if leak is not None:
        kinds.extra[_of(leak[0], kinds, world)] = round(leak[1])
    if labels is not None:
        kinds.mislabelled[_of(labels[0], kinds, world) & (state == EXPLOITED)] = labels[1]
    shown, raised = _shown(mechanism, kinds, temper)
    exploited, other = (
        np.array([getattr(sign, name) for sign in world.signs])[None, :] for name in ("exploited", "other")
    )
    part = np.where(state == EXPLOITED, shown, raised)
    return kinds._replace(part=part, chances=np.clip(other + part[:, None] * (exploited - other), 0.0, 1.0))


def recorded_shares(mechanism: Mechanism) -> Recorded:
    """Sum the kinds up to what an audit can see: recorded gender and nationality, label and decision."""
    world, kinds = mechanism.world, row_kinds(mechanism)
    # a row without its nationality does not hold the word either
    unknown = _flagged(world, kinds, np.zeros_like(kinds.extra))
    flags = {True: _flagged(world, kinds, kinds.extra) if kinds.extra.any() else unknown, False: unknown}
    sources = list(world.sources)
    no_gender, no_nationality, no_label = (
        np.array([by[name] for name in sources])[kinds.source]
        for by in (world.gender_unknown, world.nationality_unknown, world.unlabelled)
    )
    codes = ((*GENDERS, UNKNOWN), (*world.nationalities, UNKNOWN))
    mass = np.zeros((len(codes[0]), len(codes[1]), 2, 2, 2))
    label, mislabelled = (kinds.state == EXPLOITED).astype(np.int64), bool(kinds.mislabelled.any())
    for gender_known, nationality_known, decision in product((True, False), (True, False), (0, 1)):
        flagged = flags[nationality_known]
        weight = kinds.share * (1.0 - no_label) * (flagged if decision else 1.0 - flagged)
        weight = weight * (1.0 - no_gender if gender_known else no_gender)
        weight = weight * (1.0 - no_nationality if nationality_known else no_nationality)
        gender = kinds.gender if gender_known else np.full_like(kinds.gender, len(codes[0]) - 1)
        nationality = kinds.nationality if nationality_known else np.full_like(kinds.nationality, len(codes[1]) - 1)
        at = ((gender * len(codes[1]) + nationality) * 2 + kinds.channel) * 4 + decision
        # places in a flat array: numpy adds at these many times as fast as at tuples
        np.add.at(mass.reshape(-1), at + 2 * label, weight * (1.0 - kinds.mislabelled))
        if mislabelled:
            np.add.at(mass.reshape(-1), at, weight * kinds.mislabelled)
    return Recorded(codes, mass)


def _states(mechanism: Mechanism) -> FloatArray:
    """float64[2, nationalities]: share of rows by state and nationality."""
    world = mechanism.world
    shares = np.array(list(world.nationalities.values()))
    prevalence = np.full(len(shares), world.prevalence)
    amplified = mechanism.strength("amplification")
    if amplified is not None:
        code = amplified[0].group.levels[0].code
        prevalence[list(world.nationalities).index(code)] *= RAISED_PREVALENCE
    total = list(accumulate(shares.tolist()))[-1]
    return np.asarray(np.stack([shares * (1.0 - prevalence), shares * prevalence]) / total)


def _channels(mechanism: Mechanism) -> FloatArray:
    """float64[nationalities, 2]: share of the two channels within a nationality."""
    world = mechanism.world
    second = np.full(len(world.nationalities), world.second_channel)
    shifted = mechanism.strength("like-with-like")
    if shifted is not None:
        second[list(world.nationalities).index(shifted[0].group.levels[0].code)] = shifted[1]
    return np.stack([1.0 - second, second], axis=1)


def _shown(mechanism: Mechanism, kinds: Kinds, temper: IntArray) -> tuple[FloatArray, FloatArray]:
    """How much of the signs of exploitation shows: in cases of exploitation, and in other cases."""
    world = mechanism.world
    shown = np.array([of_exploited for _, of_exploited, _ in world.tempers])[temper]
    raised = np.array([of_others for _, _, of_others in world.tempers])[temper]
    for name in ("group-gap", "intersection-gap", "amplification", "like-with-like"):
        planted = mechanism.strength(name)
        if planted is None:
            continue
        possible, strength = planted
        if name == "like-with-like":
            where, strength = kinds.channel == 1, world.channel_effect
        else:
            where = _of(possible, kinds, world)
        if possible.metric == "true_positive_rate":
            shown = np.where(where, shown * strength, shown)
        else:
            raised = np.where(where, raised + strength * (1.0 - raised), raised)
    return shown, raised


def _of(possible: Possible, kinds: Kinds, world: World) -> BoolArray:
    """bool[kinds]: whether the kind belongs to the group, recorded or not."""
    within = np.ones(len(kinds.share), dtype=np.bool_)
    for level in possible.group.levels:
        if level.feature == "gender":
            within &= kinds.gender == GENDERS.index(level.code)
        else:
            within &= kinds.nationality == list(world.nationalities).index(level.code)
    return within


def _flagged(world: World, kinds: Kinds, extra: IntArray) -> FloatArray:
    """float64[kinds]: the chance that the detector flags such a row; `extra` is the points for a word."""
    # one row of each kind that differs: numbers sort a hundred times as fast as rows of chances
    _, first, kind_index = np.unique(kinds.part + 1j * extra, return_index=True, return_inverse=True)
    recorded_chance = kinds.chances[first] * (1.0 - np.array([sign.missing for sign in world.signs]))
    points = np.zeros((len(first), 1 + sum(sign.points for sign in world.signs)))
    points[:, 0] = 1.0
    for number, sign in enumerate(world.signs):
        chance = recorded_chance[:, number : number + 1]
        shifted = np.zeros_like(points)
        shifted[:, sign.points :] = points[:, : points.shape[1] - sign.points]
        points = points * (1.0 - chance) + shifted * chance
    enough = np.arange(points.shape[1])[None, :] + extra[first, None] >= world.threshold
    return np.asarray((points * enough).sum(axis=1)[kind_index.reshape(-1)])
