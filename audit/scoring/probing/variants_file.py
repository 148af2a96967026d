"""Write the variants of a plan's probes to a file, for somebody to read or to score elsewhere."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Final

from audit.errors import PlanError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.file.plan_file import LoadedPlan, read_plan_file
from audit.scoring.probing.probes import design_probe
from audit.scoring.probing.text_design import DesignWithRows
from audit.vocabulary.text import starts_formula as is_formula

_NUMBER: Final = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?\s*")


def designs_of_plan(path: Path, only: str | None = None) -> tuple[LoadedPlan, tuple[DesignWithRows, ...]]:
    """Read the plan at `path` and design its probes; only the probe `only` if one is named.

    Raises
    ------
    AuditError
        Plan, set, templates or words cannot be used, or the plan has no such probe.
    """
    loaded = read_plan_file(path)
    plan = loaded.plan
    probes = [probe for probe in plan.probes if only in (None, probe.id)]
    if not probes:
        known = ", ".join(probe.id for probe in plan.probes)
        raise PlanError(
            f"no probe {only} in this plan" if plan.probes and only else "no probe in this plan",
            slug="no-probe",
            hint=f"it has: {known}" if known else "write [[probes]]; docs/how-to/probes.md shows how",
        )
    with open_evaluation_set(plan, loaded.folder) as evaluation_set:
        designs = tuple(
            design_probe(probe, plan.evaluation_set, plan.detector, evaluation_set, loaded.folder) for probe in probes
        )
    return loaded, designs


def variants_csv(design: DesignWithRows, identity: str) -> str:
    """Write every variant as CSV: the id that an answer must carry, in the column `identity`, and the detector's
    columns.

    Raises
    ------
    PlanError
        The detector is given a column with the name of the id column.
    """
    names = design.batch.schema.names
    if identity in names:
        raise PlanError(
            f"probe {design.probe}: the detector is given the column {identity[:40]}, which holds ids here",
            slug="probe-id-column",
        )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((identity, *names))
    columns = [column.to_pylist() for column in design.batch.columns]
    writer.writerows(
        (variant_id, *("" if value is None else value for value in row))
        for variant_id, row in zip(design.ids, zip(*columns, strict=True), strict=True)
    )
    return file.getvalue()


def holds_formula(written: str) -> bool:
    """Whether a spreadsheet would read a cell of a CSV as a formula. Texts are not changed to prevent it."""
    cells = (cell for row in csv.reader(io.StringIO(written)) for cell in row)
    return any(is_formula(cell) and not _NUMBER.fullmatch(cell.lstrip()) for cell in cells)
