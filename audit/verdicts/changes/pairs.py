"""Cases that changed sides: both audits' decisions on the same cases, joined by id and counted group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from audit.analyses.estimates import cells_of, counted_cells
from audit.counting.count import SCORED, added_by_group
from audit.counting.table import DECISIONS, UNLABELLED, CountsTable, FamilyCounts, everyone_as_family
from audit.engines.protocol import identifier
from audit.verdicts.changes.answers import another_run_error
from audit.vocabulary.groups import Family, SensitiveFeature

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.result.audit_result import AuditResult

THEN: Final = "scored_then"
"""Name of the view of a set as an earlier audit scored it."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The counts table of both audits' decisions."""

    both: CountsTable
    """Its cells are int64[K, 3, 4, 4]: label x decision then x decision now."""
    _families: dict[Family, FamilyCounts] = field(default_factory=dict, init=False, repr=False, compare=False)

    def family(self, family: Family, features: Mapping[str, SensitiveFeature]) -> FamilyCounts:
        """Return the groups of a family, with cells int64[G, 3, 4, 4]; added up once, as all ask for the same."""
        if family not in self._families:
            self._families[family] = self.both.family(family, features)
        return self._families[family]


def count_pairs(evaluation_set: EvaluationSet, then: str) -> Pairs:
    """Join the answers of an earlier audit to the scored set by id, and count, in one query.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring, or after `audit.verdicts.changes.answers.answers_of` for `scored`.
    then : str
        The view of the set as the earlier audit scored it.

    Raises
    ------
    ResultError
        If either has not an answer to each case of this set, once.
    """
    names = tuple(feature.name for feature in evaluation_set.features)
    groups = [identifier(f"group_{name}") for name in names]
    # built from quoted identifiers and numbers; nothing of a cell stands in it
    counted = evaluation_set.rows_of(
        f"SELECT {', '.join(groups)}, coalesce(label, 2) AS labelled, past.decision AS before,"  # noqa: S608
        f" now.decision AS after, count(*) AS cases FROM (SELECT {', '.join(groups)}, case_id,"
        " CASE label WHEN 1 THEN 0 WHEN 0 THEN 1 END AS label,"
        f" decision FROM {SCORED}) now LEFT JOIN (SELECT case_id, decision FROM {then}) past USING (case_id)"
        " GROUP BY ALL"
    )
    *raw, labels, before, after, cases = zip(*counted, strict=True)
    if None in (*before, *after) or sum(cases) != evaluation_set.rows:
        raise another_run_error("are not of the cases of its evaluation set, each once")
    codes = [evaluation_set.codes[name] for name in names]
    shape = (UNLABELLED + 1, DECISIONS, DECISIONS)
    return Pairs(added_by_group(names, raw, codes, (labels, before, after), cases, shape))


def check_reproduced(
    result: AuditResult, pairs: Pairs, audit: Literal["then", "now"], families: Sequence[Family]
) -> None:
    """Raise ResultError where joined answers do not give the counts of the result that they are said to be of."""
    by_name, other = {feature.name: feature for feature in result.features}, 3 if audit == "then" else 2
    shown = [everyone_as_family(pairs.both), *(pairs.family(family, by_name) for family in families)]
    check_counts(result, [family._replace(cells=family.cells.sum(axis=other)) for family in shown])


def check_counts(result: AuditResult, shown: Sequence[FamilyCounts]) -> None:
    """Raise ResultError where these counts, everyone's first, are not those of the result."""
    groups, cells = counted_cells(shown)
    if groups != [one.group for one in result.counts] or not np.array_equal(cells, cells_of(result.counts)):
        raise another_run_error("do not give its counts: they are of another run")
