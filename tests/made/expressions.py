"""What each scan counts as an Ibis expression, bound to no engine: the texts that DuckDB runs are held to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis

from audit.counting.count import CELL
from audit.counting.table import ABSTAINED, DECISIONS, NEAR, NEGATIVE, POSITIVE, UNLABELLED


def count_expression(relation: str, groups: Sequence[str], *, only: str | None = None, cases: str | None = None) -> Any:
    """The expression of `audit.counting.count.count_text`."""
    further = {**({} if only is None else {only: "boolean"}), **({} if cases is None else {cases: "int64"})}
    scored = _scored(relation, groups, further)
    kept = scored if only is None else scored.filter(scored[only])
    return kept.group_by([*groups, *CELL]).aggregate(cases=kept.count() if cases is None else kept[cases].sum())


def moments_expression(relation: str, groups: Sequence[str], *, weighted: bool, clustered: bool) -> Any:
    """The expression of `audit.counting.count.moments_text`."""
    clusters = {"cluster": "string"} if clustered else {}
    scored = _scored(relation, groups, {**clusters, **({"weight_units": "int64"} if weighted else {})})
    rows = scored.count()
    sums = {"sum_0": rows, "sum_1": rows, "sum_2": rows}
    if weighted:
        weight, square = scored.weight_units, scored.weight_units * scored.weight_units
        sums = {
            "sum_0": rows,
            "sum_1": weight.sum(),
            "high": (square >> 30).sum(),
            "low": (square & (1 << 30) - 1).sum(),
        }
        if not clustered:
            cut = (square >> 20).cast("decimal(19, 0)")
            sums |= {"sum_4": (cut * cut).sum(), "sum_low": weight.min(), "sum_high": weight.max()}
    return scored.group_by([*groups, *clusters, *CELL]).aggregate(**sums)


def score_expression(
    relation: str, groups: Sequence[str], score_range: tuple[float, float], threshold: float | None
) -> Any:
    """The expression of `audit.counting.score_table.score_text`."""
    scored, (low, high) = _scored(relation, groups, {"score": "float64"}), score_range
    share = (scored.score - low) / (high - low)
    fine = ibis.least((share * 200.0 + 1e-9).floor().cast("int16"), 199)
    label = scored.label.cases((1, POSITIVE), (0, NEGATIVE), else_=UNLABELLED).cast("int16")
    cell = (label * DECISIONS + scored.decision) * 402 + scored.score.isnull().ifelse(200, fine)
    if threshold is not None:
        cell += ((scored.score - threshold).abs() <= NEAR).fill_null(False).ifelse(201, 0)
    units, squares = ((each + 2.0**32) - 2.0**32 for each in (share, share * share))
    by = scored.group_by([scored[name] for name in groups], cell=cell.cast("int16"))
    return by.aggregate(cases=scored.count(), sums=units.sum(), squares=squares.sum())


def scan_expression(relation: str, groups: Sequence[str], *, clustered: bool) -> Any:
    """The expression of `audit.counting.scan_cells.scan_text`."""
    of = "cluster" if clustered else "case_id"
    scored = _scored(relation, groups, {of: "string"}).filter(ibis._.label.notnull())
    digest = (ibis.literal("audit7k subgroup scan: ") + scored[of]).hexdigest("md5")
    decision = (scored.decision >= ABSTAINED).ifelse(ABSTAINED, scored.decision)
    cell = (scored.label * 6 + (digest >= "8").ifelse(3, 0) + decision).cast("int8")
    keys = {"cell": cell, **({"key": digest.substr(0, 16)} if clustered else {})}
    return scored.group_by([scored[name] for name in groups], **keys).aggregate(cases=scored.count())


def _scored(relation: str, groups: Sequence[str], further: dict[str, str]) -> Any:
    return ibis.table(
        {**dict.fromkeys(groups, "string"), "label": "int8", "decision": "int8", **further}, name=relation
    )
