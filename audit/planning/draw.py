"""Drawing of an evaluation set from a labelled pool by a design, with a report on what the set could decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from audit.plan.audit_plan import NamedRule
from audit.plan.file.plan_file import LoadedPlan, load_design
from audit.plan.sampling_design import Quota, SamplingDesign
from audit.planning.check import CheckReport, check_counts, count_labels
from audit.planning.drawn import Strata, distinct_rows, draw_units, strata_for, unit_shapes, write_drawn
from audit.planning.pool import Copies, Pool, Spent, open_pool, settle_copies
from audit.planning.sample_design import (
    Allocation,
    ClusterShapes,
    GroupReach,
    PoolCell,
    QuotaGap,
    allocate,
    cell_groups,
    least_cases,
    planned_reach,
    quota_gaps,
    with_canonical_levels,
)
from audit.stats.arrays import IntArray
from audit.stats.cluster_power import UnitShapes
from audit.storage import file_sha256
from audit.vocabulary.groups import Family, Group, Level, SensitiveFeature

Why = Literal["pool_has_no_more", "copies_left_out", "whole_units"]
"""Reason why a cell gives another number than was asked: the pool has no more; its other rows are copies of rows of
other cells; units are drawn whole, so that numbers vary and cells come along with others.
"""
_ROUNDS = 8
_OVER = 1.005
_MORE, _STEP_OF_ROWS, _STEP_OF_UNITS = 20, 0.99, 0.95


@dataclass(frozen=True, slots=True)
class CellDraw:
    """One cell of the design: the rows that the pool has, that were asked for, and that it gave."""

    number: int
    """Number of the cell, from 1: the value of `stratum` in the drawn set."""
    codes: tuple[str, ...]
    """A code of each feature on its finest rung, in the order of the design."""
    positive: bool
    """Whether its cases are labelled as exploitation."""
    pool: int
    """Rows in the pool."""
    distinct: int
    """Rows that could be drawn: without copies of others where the design leaves these out."""
    asked: int
    """Rows that the design asks for."""
    expected: float
    """Rows to expect; where rows are drawn one by one, exactly this number is drawn."""
    drawn: int | None
    """Rows drawn; None where nothing is drawn yet."""
    units: int
    """Units whose chance this cell decides: no other cell calls for a larger share of them."""
    units_drawn: int
    """Number of these units that are drawn."""

    @property
    def probability(self) -> float | None:
        """Chance of each of these units; None where there are none."""
        return self.units_drawn / self.units if self.units else None

    @property
    def why(self) -> Why | None:
        """Reason why it gives another number than was asked; None where it does not."""
        available = self.expected if self.drawn is None else float(self.drawn)
        if self.asked > self.distinct:
            return "copies_left_out" if self.asked <= self.pool else "pool_has_no_more"
        return "whole_units" if abs(available - self.asked) >= 0.5 else None


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """What the drawn set means for the verdict about one group."""

    rule: NamedRule
    """Rule, with its id."""
    family: Family
    group: Group
    pool: int
    """Cases in the pool that can be drawn, in the denominator of the rule's rate."""
    cases: int
    """Cases in the drawn set, or to be expected there."""
    required: int | None
    """Cases of the same kind with which it is judged alone; None where no number would do."""
    decidable: bool
    """Whether it is judged alone."""
    judged_as: Group | None
    """If it is not judged alone: the larger group as a part of which it is judged. None also where nothing is drawn
    yet.
    """
    held_back: bool
    """Whether it cannot pass, even if treated like everyone else, since too many people are unknown."""


@dataclass(frozen=True, slots=True)
class DrawReport:
    """Report of `audit7k draw`."""

    design: SamplingDesign
    features: tuple[SensitiveFeature, ...]
    """Sensitive features and the names of their levels."""
    pool_name: str
    pool_sha256: str | None
    pool_rows: int
    unlabelled: int
    """Rows of the pool without a label: they are not drawn from."""
    spent: int
    """Rows of the pool that somebody was asked about: they are not drawn again."""
    copies: Copies | None
    """Copies found, where the design asks about them."""
    columns_left_out: int
    """Columns of the pool that cannot be written."""
    cells: tuple[CellDraw, ...]
    gaps: tuple[QuotaGap, ...]
    """Quotas that describe cells of which the pool has no case."""
    share: float | None
    """For a decidable allocation: the margin at which groups with enough cases can pass, as a share of the rules'
    own.
    """
    rules_take: int | None
    """Where the size is too small for the rules' own margins: rows to draw one by one that would be enough."""
    largest_unit: int
    """Rows of the largest unit; 1 where rows are drawn one by one."""
    planned: tuple[GroupReach, ...]
    """Groups of the rules, with what is planned for each."""
    drawn_sha256: str | None
    """SHA-256 of the drawn set; None where nothing is drawn yet."""
    check: CheckReport | None
    """Report of `audit7k check` on the drawn set; None without rules, or where nothing is drawn yet."""

    @property
    def drawn(self) -> int:
        """Rows drawn, or to be expected."""
        return round(sum(cell.expected if cell.drawn is None else cell.drawn for cell in self.cells))

    @property
    def draws_left(self) -> int:
        """Number of further such sets in the pool, if none shares a case with another."""
        taken = [(cell.distinct - cell.drawn, cell.drawn) for cell in self.cells if cell.drawn]
        return min((left // drawn for left, drawn in taken), default=0)

    @property
    def absent(self) -> tuple[Quota, ...]:
        """Quotas that describe no cell of the pool."""
        return tuple(gap.quota for gap in self.gaps if gap.lacking == gap.cells)

    @property
    def absent_levels(self) -> tuple[Level, ...]:
        """Levels that the design expects of a feature and nobody in the pool has: no rule passes without them."""
        levels_found = {
            (feature.name, cell.codes[index]) for cell in self.cells for index, feature in enumerate(self.features)
        }
        return tuple(
            Level(feature.name, feature.rungs[0], code)
            for feature in self.features
            for code in feature.expected
            if (feature.name, code) not in levels_found
        )

    @property
    def short(self) -> tuple[CellDraw, ...]:
        """Cells that cannot give what was asked of them."""
        return tuple(cell for cell in self.cells if cell.asked > cell.distinct)

    @property
    def unlucky(self) -> tuple[CellDraw, ...]:
        """Cells that could give what was asked of them and gave less, since units are drawn whole."""
        return tuple(cell for cell in self.cells if cell.drawn is not None and cell.drawn < cell.asked <= cell.distinct)

    def standings(self) -> tuple[GroupStanding, ...]:
        """List every group of every rule on the finest rungs, in the drawn set if there is one, else as planned."""
        groups_checked = {} if self.check is None else _checked_groups(self.check)
        named = self.design.as_plan().named_rules
        standings = []
        for reach in self.planned:
            rule = named[self.design.rules.index(reach.groups.rule)]
            group = reach.groups.groups[reach.place]
            judged = _Judged(reach.cases, reach.wanted, reach.decidable, None, reach.held_back)
            if self.check is not None:
                judged = groups_checked.get((rule.id, group), _Judged(0, reach.wanted, False, None, held_back=False))
            standings.append(GroupStanding(rule, reach.groups.family, group, reach.pool, *judged))
        return tuple(standings)


def draw_set(
    design: SamplingDesign | str | Path, pool: str | Path, target: Path | None, spent: Spent | None = None
) -> DrawReport:
    """Draw a set and write it.

    Parameters
    ----------
    design
        A design, or the path of a design file.
    pool
        The file to draw from: Parquet, CSV or JSONL, plain or compressed.
    target
        Where to write the set: its ending says whether Parquet or CSV. None to plan the allocation and draw nothing.
    spent
        Cases that are not drawn again.

    Raises
    ------
    AuditError
        If the design or the pool is in error, or there is no room.
    """
    wanted_design = with_canonical_levels(design if isinstance(design, SamplingDesign) else load_design(design))
    with open_pool(Path(pool), wanted_design, spent) as opened:
        settle_copies(opened, wanted_design)
        rows = distinct_rows(opened)
        cells = [
            PoolCell(cell.codes, cell.positive, cell.rows, int(distinct))
            for cell, distinct in zip(opened.cells, rows, strict=True)
        ]
        shapes = _cached_shapes(opened, rows)
        allocation, strata = _allocate_in_pool(wanted_design, opened, cells, rows, shapes)
        plan = wanted_design.as_plan()
        planned = planned_reach(plan, cell_groups(plan.groups, wanted_design.rules, cells), cells, strata.sums, shapes)
        drawn = None
        if target is not None:
            drawn = draw_units(opened, strata)
            write_drawn(opened, wanted_design, strata, target)
        opened.check_unchanged()
        return DrawReport(
            design=wanted_design,
            features=opened.features,
            pool_name=opened.source.source_name,
            pool_sha256=opened.source.sha256,
            pool_rows=opened.source.rows,
            unlabelled=opened.unlabelled,
            spent=opened.spent,
            copies=opened.copies,
            columns_left_out=opened.columns_left_out,
            cells=_cells(cells, allocation, strata, drawn),
            gaps=quota_gaps(wanted_design, cells),
            share=allocation.share,
            rules_take=allocation.rules_take,
            largest_unit=strata.largest,
            planned=planned,
            drawn_sha256=None if target is None else file_sha256(target),
            check=None if target is None or not wanted_design.rules else _check_drawn(wanted_design, target),
        )


def _cached_shapes(pool: Pool, rows: IntArray) -> ClusterShapes:
    """Return a function that gives the sizes of units by groups, with one look at the units for each family."""
    known: dict[tuple[bytes, int], UnitShapes] = {}

    def shapes(assigned: IntArray, groups: int) -> UnitShapes:
        key = assigned.tobytes(), groups
        if key not in known:
            known[key] = unit_shapes(pool, rows, assigned, groups)
        return known[key]

    return shapes


def _allocate_in_pool(
    design: SamplingDesign, pool: Pool, cells: Sequence[PoolCell], rows: IntArray, shapes: ClusterShapes
) -> tuple[Allocation, Strata]:
    """Return the allocation of the design and its strata."""
    plan, size = design.as_plan(), design.draw.size

    def at(tried: int | None) -> tuple[Allocation, Strata]:
        allocation = allocate(design, plan, cells, shapes, tried)
        return allocation, strata_for(pool, rows, allocation.drawn)

    if size is None:
        return _raise_until_enough(design, pool, cells, rows, shapes, at(None))
    return _fit_to_size(size, least_cases(design, cells), at) if pool.whole_units else at(size)


def _fit_to_size(size: int, least: int, at: Callable[[int], tuple[Allocation, Strata]]) -> tuple[Allocation, Strata]:
    """Ask for less than a size until no more than it is to be expected: whole units bring other cells along.

    Returns the allocation that comes nearest to the size from below; if even the `least` that can be asked goes beyond
    it, that allocation.
    """
    fits, beyond, tried = least - 1, size + 1, size
    looked, allocation = at(tried), None
    for last in (*[False] * (_ROUNDS - 1), True):
        expected = float(looked[1].expected.sum())
        if expected <= _OVER * size:
            fits, allocation = tried, looked
        else:
            beyond = tried
        if last or beyond - fits <= 1 or size <= _OVER * expected <= _OVER**2 * size:
            break
        guess = int(tried * size / expected)
        middle = least if allocation is None else (fits + beyond) // 2
        tried = guess if fits < guess < beyond else middle
        looked = at(tried)
    return looked if allocation is None else allocation


def _raise_until_enough(
    design: SamplingDesign,
    pool: Pool,
    cells: Sequence[PoolCell],
    rows: IntArray,
    shapes: ClusterShapes,
    first: tuple[Allocation, Strata],
) -> tuple[Allocation, Strata]:
    """Ask for more until every group that the pool has enough of can be judged.

    An allocation can be short by a case or two, and knows nothing of how uneven weights become where units are drawn
    because of another cell.
    """
    allocation, strata = first
    if design.draw.allocation != "decidable":
        return first
    plan = design.as_plan()
    judged = cell_groups(plan.groups, design.rules, cells)
    share = 1.0
    for _ in range(_MORE):
        reach = planned_reach(plan, judged, cells, strata.sums, shapes)
        if not any(group.cases < min(group.wanted or 0, group.pool) for group in reach):
            break
        share *= _STEP_OF_UNITS if pool.whole_units else _STEP_OF_ROWS
        allocation = allocate(design, plan, cells, shapes, None, share)
        strata = strata_for(pool, rows, allocation.drawn)
    return allocation, strata


def _cells(
    cells: Sequence[PoolCell], allocation: Allocation, strata: Strata, drawn: IntArray | None
) -> tuple[CellDraw, ...]:
    return tuple(
        CellDraw(
            number=index + 1,
            codes=cell.codes,
            positive=cell.positive,
            pool=cell.rows,
            distinct=cell.distinct,
            asked=int(allocation.asked[index]),
            expected=float(strata.expected[index]),
            drawn=None if drawn is None else int(drawn[index]),
            units=int(strata.units[index]),
            units_drawn=int(strata.drawn[index]),
        )
        for index, cell in enumerate(cells)
    )


def _check_drawn(design: SamplingDesign, target: Path) -> CheckReport:
    """Check the set as it was written, by the same steps as `audit7k check`."""
    plan = design.as_plan(target)
    counts, moments, features = count_labels(LoadedPlan(plan, {}, Path()))
    return check_counts(plan, counts, features, moments)


class _Judged(NamedTuple):
    cases: int
    required: int | None
    decidable: bool
    judged_as: Group | None
    held_back: bool


def _checked_groups(check: CheckReport) -> dict[tuple[str | None, Group], _Judged]:
    return {
        (rule.rule, group.group): _Judged(
            group.cases,
            group.required,
            group.decidable,
            group.judged_as,
            group.group in family.held_back,
        )
        for rule in check.rules
        for family in rule.families
        for group in family.groups
    }
