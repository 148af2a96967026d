"""Nationalities that somebody has beside others: their rates over all who hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from audit.analyses.estimates import estimates, without_hidden
from audit.counting.moments import Moments
from audit.counting.table import UNKNOWN, CountsTable, FamilyCounts
from audit.plan.audit_plan import Rule, limited_rates
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import VerdictSection
from audit.result.findings.judged import Membership
from audit.vocabulary.groups import Axis, Family, Group, Level, LevelName, SensitiveFeature

_HELD: Final = "held"
_OTHERS: Final = "others"


def memberships(
    rules: Sequence[Rule],
    set_section: EvaluationSetSection,
    verdict: VerdictSection,
    table: CountsTable,
    features: Sequence[SensitiveFeature],
    moments: Moments | None = None,
) -> tuple[Membership, ...]:
    """Estimate the rates that the rules limit over all holders of each nationality that somebody has beside others.

    Parameters
    ----------
    table
        Counts in which people of several nationalities are a group of their own.
    moments
        Moments of a plan with weights or clusters, in the order of `table`.
    """
    metrics = limited_rates(rules)
    stated_memberships: list[Membership] = []
    for feature in features:
        for level in _held_beside_others(feature):
            counts, family_moments = _holders_and_others(table, feature, level, moments)
            beside = int(counts.cells.sum()) - _cases_of_others(counts) - _cases_held_alone(table, feature, level.code)
            group = Group((Level(feature.name, level.rung, level.code),))
            of_counts = set_section.is_counted
            shown = estimates(
                [without_hidden(counts) if of_counts else counts],
                metrics,
                level=verdict.level,
                min_denominator=verdict.min_denominator,
                moments=family_moments,
                of_counts=of_counts,
            )
            stated_memberships.extend(
                Membership(estimate=estimate.model_copy(update={"group": group}), beside_others=beside)
                for estimate in shown
                if estimate.group.levels[0].code == level.code
            )
    return tuple(stated_memberships)


def _held_beside_others(feature: SensitiveFeature) -> Iterator[LevelName]:
    finest = [level for level in feature.levels if level.rung == feature.rungs[0]]
    combined_parts = {part for level in finest for part in level.parts} - {UNKNOWN}
    names = {level.code: level for level in finest}
    for code in sorted(combined_parts):
        yield names[code]


def _holders_and_others(
    table: CountsTable, feature: SensitiveFeature, held_level: LevelName, moments: Moments | None
) -> tuple[FamilyCounts, Moments | None]:
    """Count all who hold it and all who do not: a ladder of one step, so that weights and clusters follow."""
    finest = feature.rungs[0]
    levels = [
        level.model_copy(
            update={"parent": held_level.code if held_level.code in (level.code, *level.parts) else _OTHERS}
        )
        for level in feature.levels
        if level.rung == finest
    ]
    in_two = feature.model_copy(update={"rungs": (finest, _HELD), "levels": tuple(levels), "expected": ()})
    counts = table.family(Family((Axis(feature.name, _HELD),)), {feature.name: in_two})
    if moments is None:
        return counts, None
    others = tuple(in_two if known.name == feature.name else known for known in moments.features)
    return counts, replace(moments, features=others, _families={})


def _cases_of_others(counts: FamilyCounts) -> int:
    return sum(
        int(counts.cells[index].sum()) for index, group in enumerate(counts.groups) if group.levels[0].code == _OTHERS
    )


def _cases_held_alone(table: CountsTable, feature: SensitiveFeature, code: str) -> int:
    column = table.features.index(feature.name)
    return sum(int(cells.sum()) for codes, cells in zip(table.codes, table.cells, strict=True) if codes[column] == code)
