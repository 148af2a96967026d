"""Manifest of a drawn set, which is also what `audit7k draw --json` prints: counts and digests, and no row.

Plan that is written beside a drawn set: all that its design says, and gaps where only a person knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from audit.cli.console.group_names import GroupNames
from audit.plan.audit_plan import Route
from audit.plan.file.plan_file import canonical_plan_sha256
from audit.plan.file.unfinished import WRITE_HERE, toml_key, toml_text, toml_value
from audit.scoring.provenance import package_version
from audit.version import __version__

if TYPE_CHECKING:
    from audit.plan.sampling_design import SamplingDesign
    from audit.planning.draw import CellDraw, DrawReport, GroupStanding
    from audit.planning.sample_design import QuotaGap


SCHEMA_VERSION = 1


def draw_document(report: DrawReport, name: str | None) -> str:
    """Write the document; `name` is the name of the drawn file, None where nothing is drawn."""
    design = report.design
    document = {
        "schema_version": SCHEMA_VERSION,
        "kind": "planned_draw" if name is None else "drawn_set",
        "release": "restricted",
        "tool": f"audit7k {__version__}",
        "packages": {package: package_version(package) for package in ("duckdb", "pyarrow")},
        "seed": design.draw.seed,
        "pool": {
            "name": report.pool_name,
            "sha256": report.pool_sha256,
            "rows": report.pool_rows,
            "without_label": report.unlabelled,
            "not_drawn_again": report.spent,
            "columns_left_out": report.columns_left_out,
        },
        "design": {
            "sha256": canonical_plan_sha256(design),
            "used": design.model_dump(mode="json", by_alias=True),
        },
        "drawn": None if name is None else {"name": name, "sha256": report.drawn_sha256, "rows": report.drawn},
        "rows_expected": round(sum(cell.expected for cell in report.cells), 3),
        "drawn_as": _drawn_as(design),
        "weights_stand_for": _weights_stand_for(design),
        "copies": None if report.copies is None else asdict(report.copies),
        "largest_unit": report.largest_unit,
        "share_of_margins": None if report.share is None else round(report.share, 6),
        "rules_take": report.rules_take,
        "cells": [_cell(cell, tuple(design.groups)) for cell in report.cells],
        "quotas_without_cases": [quota.model_dump(mode="json") for quota in report.absent],
        "quotas_in_part_without_cases": [_gap(gap) for gap in report.gaps if gap.lacking < gap.cells],
        "expected_without_cases": [list(level) for level in report.absent_levels],
        "groups": [_group(standing, GroupNames(report.features)) for standing in report.standings()],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _drawn_as(design: SamplingDesign) -> str:
    if design.together:
        return "clusters_with_their_copies" if design.pool.cluster else "sets_of_copies"
    return "clusters" if design.pool.cluster else "rows"


def _weights_stand_for(design: SamplingDesign) -> str:
    distinct = design.duplicates is not None and design.duplicates.copies == "out"
    return "labelled rows of the pool, each set of copies as one" if distinct else "labelled rows of the pool"


def _cell(cell: CellDraw, features: tuple[str, ...]) -> dict[str, Any]:
    return {
        "stratum": cell.number,
        "of": dict(zip(features, cell.codes, strict=True)),
        "label": "positive" if cell.positive else "negative",
        "in_pool": cell.pool,
        "can_be_drawn": cell.distinct,
        "asked": cell.asked,
        "expected": round(cell.expected, 3),
        "drawn": cell.drawn,
        "units": cell.units,
        "units_drawn": cell.units_drawn,
        "inclusion_probability": cell.probability,
        "why": cell.why,
    }


def _gap(gap: QuotaGap) -> dict[str, Any]:
    return {"quota": gap.quota.model_dump(mode="json"), "cells": gap.cells, "without_cases": gap.lacking}


def _group(standing: GroupStanding, names: GroupNames) -> dict[str, Any]:
    return {
        "rule": standing.rule.id,
        "metric": standing.rule.metric,
        "group": [list(level) for level in standing.group.levels],
        "name": names.name(standing.group),
        "in_pool": standing.pool,
        "cases": standing.cases,
        "cases_required": standing.required,
        "decidable": standing.decidable,
        "held_back": standing.held_back,
        "judged_as": None if standing.judged_as is None else [list(level) for level in standing.judged_as.levels],
    }


_HEAD = Path(__file__).with_name("drawn_plan.template").read_text(encoding="utf-8")


def drawn_plan(design: SamplingDesign, name: str, sha256: str | None = None) -> str:
    """Write the text of the plan.

    Parameters
    ----------
    design : SamplingDesign
        The design of the draw.
    name : str
        The file that was drawn, as it will stand in the plan.
    sha256 : str, optional
        Its digest, with which the plan seals it.
    """
    plan = design.as_plan(path=None)
    section = plan.evaluation_set.model_dump(mode="json", exclude_defaults=True)
    for key in ("format", "encoding", "delimiter", "cluster"):
        section.pop(key, None)
    seal = {} if sha256 is None else {"sha256": sha256}
    section = {"path": name, **seal, **section, "weight": "design_weight"}
    if design.cluster_drawn is not None:
        section["cluster"] = design.cluster_drawn
    parts = [
        _HEAD.format(write_here=WRITE_HERE, route=toml_text(_route(design)), cases=_cases(design)),
        _table("[evaluation_set]", section),
    ]
    for feature, group in design.groups.items():
        parts.append(_table(f"[groups.{toml_key(feature)}]", group.model_dump(mode="json", exclude_defaults=True)))
    if design.rules:
        parts += [_table("[[rules]]", rule.model_dump(mode="json", exclude_defaults=True)) for rule in design.rules]
    else:
        parts.append(f"[[rules]]\nmetric = {toml_text(f'{WRITE_HERE}: the rate that is limited')}\ngroups = "
                     f"[{', '.join(toml_text(feature) for feature in design.groups)}]\nmargin = 0.10\n")  # fmt: skip
    verdict = design.verdict.model_dump(mode="json", exclude_defaults=True)
    return "\n".join([*parts, *([_table("[verdict]", verdict)] if verdict else [])])


def _cases(design: SamplingDesign) -> str:
    if design.duplicates is not None and design.duplicates.copies == "out":
        return "cases, all copies of one another counted as one,"
    return "cases"


def _route(design: SamplingDesign) -> str:
    """Return where flags go, if the design says so: its default is nobody's decision."""
    declared = "route" in design.draw.model_fields_set
    return design.draw.route if declared else f"{WRITE_HERE}: {', '.join(get_args(Route))}"


def _table(header: str, values: Mapping[str, Any]) -> str:
    return "\n".join([header, *(f"{toml_key(key)} = {toml_value(value)}" for key, value in values.items())]) + "\n"
