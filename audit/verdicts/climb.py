"""Ways up the ladders: which groups hold the same people, and which larger groups each is a part of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from audit.counting.table import FamilyCounts, ladder_parents, levels_above, repeated_groups, rule_families
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.vocabulary.groups import Family, Group, SensitiveFeature


class Climb(NamedTuple):
    """Ways up the ladders among all N groups of some families, as places in the list of them all; N is nobody."""

    repeats: Mapping[Group, Group]
    """Groups that hold the same people as another one, and the one that stands for both."""
    kept: IntArray
    """int64[N]: the group that stands for the same people, mostly the group itself."""
    above: IntArray
    """int64[H, N]: the larger groups of which it is a part, the nearest first."""

    @classmethod
    def of(cls, plan: AuditPlan, families: Sequence[FamilyCounts], features: Mapping[str, SensitiveFeature]) -> Climb:
        """Number the groups of all families, one family after the other."""
        groups = [group for family in families for group in family.groups]
        same, parents = repeated_groups(families, features), ladder_parents(features)
        repeats = {group: same[group] for group in groups if group in same}
        place = {group.levels: at for at, group in enumerate(groups)}
        ways = [way for family in families for way in levels_above(plan, family.family, family.groups, parents)]
        above = np.full((max(map(len, ways), default=0) + 1, len(place)), len(place), dtype=np.int64)
        for at, way in enumerate(ways):
            above[: len(way), at] = [place.get(levels, len(place)) for levels in way]
        kept = np.array([place[repeats.get(group, group).levels] for group in groups], dtype=np.int64)
        return cls(repeats, kept, above)

    @classmethod
    def of_rules(
        cls, plan: AuditPlan, families: Mapping[Family, FamilyCounts], features: Mapping[str, SensitiveFeature]
    ) -> dict[str, Climb]:
        """Find those of every rule, by its id; rules about the same families have the same."""
        asked = {rule.id: rule_families(plan, rule) for rule in plan.named_rules}
        made = {of: cls.of(plan, [families[one] for one in of], features) for of in dict.fromkeys(asked.values())}
        return {rule: made[of] for rule, of in asked.items()}

    def alone(self, decidable: Sequence[BoolArray]) -> BoolArray:
        """bool[N + 1]: whether each group is judged alone, itself or as the one with the same people; nobody is not."""
        return np.append(np.concatenate(decidable)[self.kept], np.False_)

    def coverage(
        self, people: Mapping[Family, FloatArray], decidable: Sequence[BoolArray]
    ) -> dict[Family, float | None]:
        """Share of the people of each family in groups that are judged, alone or as a part; None where nobody is.

        `people` has float64[G] for each family, in the order of all groups.
        """
        alone = self.alone(decidable)
        covered = alone[:-1] | alone[self.above].any(axis=0)
        ends = np.cumsum([own.size for own in people.values()])[:-1]
        shares = map(_share, people.values(), np.split(covered, ends))
        return dict(zip(people, shares, strict=True))


def _share(people: FloatArray, covered: BoolArray) -> float | None:
    everyone = float(people.sum())
    return None if everyone == 0.0 else float(sum(people[covered].tolist())) / everyone
