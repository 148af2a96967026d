"""Cases that changed sides: both audits' decisions on the same cases, joined by id and counted group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from audit.analyses.estimates import group_counts
from audit.counting.count import SCORED
from audit.counting.table import DECISIONS, UNLABELLED, CountsTable, FamilyCounts, everyone_as_family
from audit.engines.protocol import identifier
from audit.engines.reading import reading
from audit.stats.arrays import IntArray
from audit.verdicts.changes.answers import of_another_run
from audit.vocabulary.groups import Family, SensitiveFeature

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.result.audit_result import AuditResult

_THEN: Final = "answered_then"
_NOW: Final = "answered_now"


@dataclass(frozen=True, slots=True)
class Pairs:
    """The counts table once for each decision of the earlier audit; the decision axis of each table is that of the new
    audit.
    """

    by_then: tuple[CountsTable, ...]
    """One table for each earlier decision, in the order of its codes; all over the same finest groups."""

    def cells(self, family: Family, features: Mapping[str, SensitiveFeature]) -> IntArray:
        """int64[G, 3, 4, 4]: label x decision then x decision now of the groups of a family, in their order."""
        return np.stack([table.family(family, features).cells for table in self.by_then], axis=2)

    def then(self) -> CountsTable:
        """Return the counts of the earlier audit, as they follow from the joined answers."""
        return self._summed(now=False)

    def now(self) -> CountsTable:
        """Return the counts of the new audit, as they follow from the joined answers."""
        return self._summed(now=True)

    def _summed(self, *, now: bool) -> CountsTable:
        first = self.by_then[0]
        cells = np.stack([table.cells for table in self.by_then], axis=2).sum(axis=2 if now else 3)
        return CountsTable(first.features, first.codes, cells)


def count_pairs(evaluation_set: EvaluationSet, then: pa.Table) -> Pairs:
    """Join the answers of an earlier audit to the scored set by id, and count, in one query.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring, or after `create_scored_view`.
    then : pyarrow.Table
        `case_id` and `decision` (a code) of every case of the earlier audit.

    Raises
    ------
    ResultError
        If they are not the cases of this set, each once.
    """
    names = tuple(feature.name for feature in evaluation_set.features)
    groups = [identifier(f"group_{name}") for name in names]
    evaluation_set.engine.register(_THEN, then)
    try:
        # built from quoted identifiers and numbers; nothing of a cell stands in it
        counted = evaluation_set.rows_of(
            f"SELECT {', '.join(groups)}, coalesce(label, 2) AS labelled, past.decision AS before,"  # noqa: S608
            f" now.decision AS after, count(*) AS cases FROM (SELECT {', '.join(groups)}, case_id,"
            " CASE label WHEN 1 THEN 0 WHEN 0 THEN 1 END AS label,"
            f" decision FROM {SCORED}) now LEFT JOIN {_THEN} past USING (case_id) GROUP BY ALL"
        )
    finally:
        evaluation_set.engine.unregister(_THEN)
    rows: dict[tuple[str, ...], IntArray] = {}
    for *values, label, before, after, count in counted:
        if before is None:
            raise of_another_run("are not of the cases of its evaluation set, each once")
        key = tuple(evaluation_set.codes[name][value] for name, value in zip(names, values, strict=True))
        cells = rows.setdefault(key, np.zeros((UNLABELLED + 1, DECISIONS, DECISIONS), dtype=np.int64))
        cells[label, before, after] += count
    total = sum(int(cells.sum()) for cells in rows.values())
    if total != evaluation_set.rows or then.num_rows != evaluation_set.rows:
        raise of_another_run("are not of the cases of its evaluation set, each once")
    return Pairs(
        tuple(
            CountsTable.of(names, {key: cells[:, before] for key, cells in rows.items()}) for before in range(DECISIONS)
        )
    )


def create_scored_view(evaluation_set: EvaluationSet, now: pa.Table) -> None:
    """Create the view `scored` from kept answers (`case_id`, `decision`), for a set that was not scored now."""
    expressions = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in evaluation_set.expressions.items())
    evaluation_set.engine.register(_NOW, now)
    with reading(evaluation_set.source_name):
        evaluation_set.engine.execute(
            f"CREATE OR REPLACE TEMP VIEW {SCORED} AS SELECT cases.*, decision"  # noqa: S608
            f" FROM (SELECT {expressions} FROM {evaluation_set.source.name}) cases JOIN {_NOW} USING (case_id)"
        )


def check_reproduced(result: AuditResult, table: CountsTable, families: Sequence[Family]) -> None:
    """Raise ResultError where joined answers do not give the counts of the result that they are said to be of."""
    by_name = {feature.name: feature for feature in result.features}
    shown: list[FamilyCounts] = [everyone_as_family(table), *(table.family(family, by_name) for family in families)]
    if group_counts(shown) != result.counts:
        raise of_another_run("do not give its counts: they are of another run")
