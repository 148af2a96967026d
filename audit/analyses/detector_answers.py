"""Answers of the detector, group by group: failures by reason, and its own disagreement where it was asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from audit.analyses.estimates import as_known
from audit.counting.answer_tallies import GroupTallies
from audit.counting.counted import Counted
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.further import FailedRows, SelfDisagreement
from audit.stats.rates.intervals import wilson
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.statuses import Reason, Status


def failed_rows(
    counted: Counted, families: Sequence[Family], features: Mapping[str, SensitiveFeature]
) -> tuple[FailedRows, ...]:
    """List the failures of everyone and of the groups of `families` that have any, by status and reason."""
    if counted.failures is None:
        return ()
    kinds, tallies = counted.failures
    return tuple(
        row for family in _with_everyone(families) for row in _failed_of_family(kinds, tallies, family, features)
    )


def _failed_of_family(
    kinds: Sequence[tuple[Status, Reason | None]],
    tallies: GroupTallies,
    family: Family,
    features: Mapping[str, SensitiveFeature],
) -> Iterator[FailedRows]:
    for group, tallied in tallies.family(family, features).items():
        for (status, reason), rows in zip(kinds, tallied.rows.tolist(), strict=True):
            if rows:
                yield FailedRows(group=group, status=status, reason=reason, rows=rows)


def self_disagreement(
    plan: AuditPlan, counted: Counted, families: Sequence[Family], features: Mapping[str, SensitiveFeature]
) -> tuple[SelfDisagreement, ...]:
    """Count how often the detector contradicts its first answer, for everyone and for each group; empty if asked
    once.
    """
    tallies = counted.disagreement
    if tallies is None:
        return ()
    level, has_scores = plan.verdict.level, plan.detector.has_scores
    found = []
    for family in _with_everyone(families):
        for group, tallied in tallies.family(family, features).items():
            answered, decisions, scores, sometimes = tallied.rows.tolist()
            low, high = wilson(np.array([decisions]), np.array([answered]), level) if answered else ([None], [None])
            found.append(
                SelfDisagreement(
                    group=group,
                    answered=answered,
                    decisions_differ=decisions,
                    share=decisions / answered if answered else None,
                    low=as_known(low[0]),
                    high=as_known(high[0]),
                    level=level,
                    scores_differ=scores if has_scores else 0,
                    largest_difference=as_known(tallied.largest) if has_scores else None,
                    answered_sometimes=sometimes,
                )
            )
    return tuple(found)


def _with_everyone(families: Sequence[Family]) -> list[Family]:
    return [Family(()), *families]
