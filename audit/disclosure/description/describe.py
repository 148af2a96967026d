"""Describe an evaluation set: count, add noise, write down what that cost, and only then hand it out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from audit.disclosure.description.counting import count_rows
from audit.disclosure.description.document import DescribedCell, DescribedTable, SetDescription
from audit.disclosure.description.ledger import Ledger, TableSpending, open_ledger
from audit.disclosure.description.mechanism import Mechanism, Noise, OpenDP
from audit.disclosure.description.tables import Table, possible_tables, without_list
from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import LoadedPlan

__all__ = ["ROWS_PER_CLUSTER", "Asked", "described_set", "shares_of"]

ROWS_PER_CLUSTER: Final = 5
"""Rows of a cluster that count at most, unless another number is asked for. It is chosen without a look at the set."""
_SMALLEST: Final = Decimal("0.000001")


_ALWAYS: Final = (
    (
        "Every cell that there can be is listed, and each count was changed on its own. A count no larger than the "
        "error of its table may stand for nobody."
    ),
    (
        "Tables do not add up to each other. Make sums of one table, from `noised` in the JSON: `count` shows 0 for "
        "what came out below 0."
    ),
    (
        "Epsilon adds up over every description of the same people. It covers these descriptions alone: exact reports, "
        "public reports with keyed noise, and verdicts of the same set have no epsilon, and none covers them together."
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a description is to hold and may cost."""

    epsilon: Decimal
    """The whole cost: a multiple of 0.001."""
    budget: Decimal | None = None
    """What all descriptions together may cost; None: as declared before, or 3."""
    only: tuple[str, ...] = ()
    """Tables by name; all where none is named."""
    rows_per_cluster: int | None = None
    """Rows of a cluster that count at most; None: 5."""


def shares_of(epsilon: Decimal, tables: int) -> tuple[Decimal, ...]:
    """Split an epsilon over tables, in millionths, so that the parts add up to it exactly and differ by one at most."""
    parts = int(epsilon / _SMALLEST)
    return tuple((parts // tables + (place < parts % tables)) * _SMALLEST for place in range(tables))


def described_set(
    loaded: LoadedPlan, asked: Asked, restricted: Path, mechanism: Mechanism | None = None
) -> tuple[SetDescription, bool]:
    """A description of the set of a plan, and whether its ledger was made for it.

    Parameters
    ----------
    restricted : Path
        The restricted folder of the set, in which what was spent is written down.
    mechanism : Mechanism, optional
        What adds the noise; OpenDP unless another is given.

    Raises
    ------
    AuditError
        If the extra `dp` is missing, the budget would be exceeded, or plan, data or ledger are in error. Then nothing
        was spent.
    """
    plan = loaded.plan
    tables = _chosen(plan, asked.only)
    rows_per_unit = _rows_per_unit(plan, asked.rows_per_cluster)
    shares = shares_of(asked.epsilon, len(tables))
    mechanism = OpenDP() if mechanism is None else mechanism
    noises = [mechanism.noise(rows_per_unit, float(share)) for share in shares]
    made_on = _made_on()
    with open_ledger(restricted) as ledger:
        is_new = ledger.is_new
        ledger.settle(asked.budget, plan.evaluation_set.cluster)
        ledger.check(asked.epsilon)
        counted = count_rows(plan, loaded.folder, tables, rows_per_unit)
        told = tuple(
            _told(table, float(share), rows_per_unit, noise, noise.add(counted.cells[table.name]))
            for table, share, noise in zip(tables, shares, noises, strict=True)
        )
        spendings = tuple(
            TableSpending(table=table.name, epsilon=share) for table, share in zip(tables, shares, strict=True)
        )
        ledger.append(made_on, counted.sha256, rows_per_unit, spendings)
        return _description(plan, ledger, asked.epsilon, rows_per_unit, made_on, mechanism.library, told), is_new


def _made_on() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _chosen(plan: AuditPlan, only: Sequence[str]) -> tuple[Table, ...]:
    tables = possible_tables(plan)
    known = [table.name for table in tables]
    for name in only:
        if name not in known:
            raise PlanError(
                f'this plan gives no table "{name[:60]}"', slug="dp-table", hint=f"tables: {', '.join(known)}"
            )
    return tuple(table for table in tables if not only or table.name in only)


def _rows_per_unit(plan: AuditPlan, asked: int | None) -> int:
    if plan.evaluation_set.cluster is not None:
        return ROWS_PER_CLUSTER if asked is None else asked
    if asked is not None:
        raise PlanError(
            "the plan names no cluster, so a row is protected and counts alone",
            slug="dp-no-cluster",
            hint="leave --rows-per-cluster out, or name under `cluster` what rows belong to",
        )
    return 1


def _told(table: Table, epsilon: float, sensitivity: int, noise: Noise, noised: Sequence[int]) -> DescribedTable:
    """A table of what the mechanism gave; exact counts do not come here."""
    cells = []
    for places, value in zip(table.cells, noised, strict=True):
        levels = [axis.levels[place] for axis, place in zip(table.axes, places, strict=True)]
        codes, names = (tuple(level[part] for level in levels) for part in (0, 1))
        cells.append(DescribedCell(levels=codes, names=names, noised=value, count=max(value, 0)))
    return DescribedTable(
        name=table.name,
        axes=tuple(axis.name for axis in table.axes),
        epsilon=epsilon,
        sensitivity=sensitivity,
        scale=noise.scale,
        error_95=noise.error,
        cells=tuple(cells),
    )


def _description(
    plan: AuditPlan,
    ledger: Ledger,
    epsilon: Decimal,
    rows_per_unit: int,
    made_on: str,
    library: str,
    told: tuple[DescribedTable, ...],
) -> SetDescription:
    section = plan.evaluation_set
    return SetDescription(
        schema_version=1,
        kind="audit7k-description",
        title=plan.audit.title,
        rows_are=section.rows_are,
        label_source=section.label_source,
        made_on=made_on,
        library=library,
        mechanism="discrete Laplace",
        unit="row" if section.cluster is None else "cluster",
        rows_per_unit=rows_per_unit,
        epsilon=float(epsilon),
        spent=float(ledger.spent),
        budget=float(ledger.budget),
        tables=told,
        not_described=without_list(plan),
        notes=_notes(plan, rows_per_unit),
    )


def _notes(plan: AuditPlan, rows_per_unit: int) -> tuple[str, ...]:
    if plan.evaluation_set.cluster is None:
        unit = "What is protected is the presence of one row. A person who is in several rows is protected less: in k "
        unit += "rows, by k times epsilon."
    else:
        unit = "What is protected is the presence of one cluster, with all its rows: whatever the plan's `cluster` "
        unit += f"names. At most {rows_per_unit} rows of a cluster were counted; larger clusters count for less here "
        unit += "than in the set."
    weights = "" if plan.evaluation_set.weight is None else " Weights were not used."
    about = "These are numbers of rows of the evaluation set. They say nothing of the detector, and nothing of the "
    about += f"population.{weights}"
    return (about, unit, *_ALWAYS)
