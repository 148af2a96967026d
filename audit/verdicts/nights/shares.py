"""Share of a family's level for each group, when nobody knows which groups are still to come.

A bar that counts the groups seen so far is lowered for the early ones and raised by each that comes later: with a new
nationality every night there would be a fresh chance of a false FAIL every night. So a share is given once and for all
when a level is first seen, and shares add up to at most 1 however many levels follow. The levels of the first night,
and those that the plan expects, have three quarters of their rung in equal parts; the k-th that comes later has
1/(k(k+1)) of the last quarter. A group of several features has the product. The order in which levels come must not be
chosen by what answers showed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.verdicts.nights.state import LevelSeen
from audit.vocabulary.groups import Group, SensitiveFeature

FIRST_NIGHT: Final = 0.75
"""Share of a rung for the levels of the first night."""


def levels_seen(
    before: Mapping[str, Sequence[LevelSeen]], features: Sequence[SensitiveFeature], *, first: bool
) -> dict[str, tuple[LevelSeen, ...]]:
    """Add the levels of this night to those of all nights before; `first`: it is the first night."""
    seen: dict[str, tuple[LevelSeen, ...]] = {}
    for feature in features:
        levels = list(before.get(feature.name, ()))
        known = {(one.level.rung, one.level.code) for one in levels}
        late = {rung: max((one.late for one in levels if one.level.rung == rung), default=0) for rung in feature.rungs}
        for level in sorted(feature.levels, key=lambda level: (level.rung, level.code)):
            if (level.rung, level.code) not in known:
                late[level.rung] += not first
                levels.append(LevelSeen(level=level, late=0 if first else late[level.rung]))
        seen[feature.name] = tuple(levels)
    return seen


def features_seen(
    features: Sequence[SensitiveFeature], seen: Mapping[str, Sequence[LevelSeen]]
) -> dict[str, SensitiveFeature]:
    """Return the features of a night, with the levels of all nights."""
    return {
        feature.name: feature.model_copy(update={"levels": tuple(one.level for one in seen[feature.name])})
        for feature in features
        if feature.name in seen
    }


def group_shares(groups: Sequence[Group], seen: Mapping[str, Sequence[LevelSeen]]) -> npt.NDArray[np.float64]:
    """float64[G]: the share of each group of a family; they add up to less than 1."""
    of_level: dict[tuple[str, str, str], float] = {}
    for feature, levels in seen.items():
        at_first = Counter(one.level.rung for one in levels if one.late == 0)
        for one in levels:
            of_level[feature, one.level.rung, one.level.code] = _share(one, at_first[one.level.rung])
    return np.array([math.prod(of_level[level] for level in group.levels) for group in groups], dtype=np.float64)


def _share(one: LevelSeen, at_first: int) -> float:
    if one.late == 0:
        return FIRST_NIGHT / at_first
    return (1.0 - FIRST_NIGHT) / (one.late * (one.late + 1))
