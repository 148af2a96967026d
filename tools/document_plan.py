"""The reference of the plan file, from the docstrings of `audit.plan`."""

from __future__ import annotations

from tools.schema_page import GENERATED, cell, part_table

SECTIONS = (
    ("[audit]", "AuditSection"),
    ('[detector] with kind = "predictions"', "PredictionsDetector"),
    ('[detector] with kind = "python"', "PythonDetector"),
    ('[detector] with kind = "skops"', "SkopsDetector"),
    ("[evaluation_set]", "EvaluationSetSection"),
    ("[groups.NAME]", "GroupFeature"),
    ("[[rules]]", "Rule"),
    ('[[rules]] with metric = "counterfactual_shift"', "ProbeRule"),
    ('[[probes]] with kind = "text"', "TextProbe"),
    ('[[probes]] with kind = "columns"', "ColumnsProbe"),
    ("[verdict]", "VerdictSection"),
    ("[scoring]", "ScoringSection"),
    ("[deployment]", "DeploymentSection"),
    ("[control_features.NAME]", "ControlFeature"),
    ("[control_sample]", "ControlSampleSection"),
    ("[sensitivity]", "SensitivitySection"),
    ("[scan]", "ScanSection"),
    ("[costs]", "CostsSection"),
    ("[reference_table]", "ReferenceTableSection"),
    ("[[measures]]", "Measure"),
)

INTRODUCTION = """
# The plan file

A plan is one [TOML](https://toml.io) file. It is strict: a key that is not on this page is an error that names the
line and the nearest known key. `audit7k init DATA` writes a commented plan by looking at a file, and
`audit7k check PLAN` reads a plan and its data without scoring anything. Paths are relative to the folder of the plan.

The first line is `schema = 1`, the version of this format.
"""


def plan_page() -> str:
    """The page, as Markdown. Raises ValueError where sections and models of the plan do not match."""
    from audit.plan import AuditPlan

    parts = AuditPlan.model_json_schema()["$defs"]
    if set(parts) != {name for _, name in SECTIONS}:
        raise ValueError("a part of the plan has no section on its page; see SECTIONS")
    blocks = [GENERATED + INTRODUCTION]
    for title, name in SECTIONS:
        text = part_table(parts[name], anchors={}, with_default=True)
        blocks.append(f"## `{title}`\n\n{cell(parts[name]['description'])}\n\n{text}")
    return "\n".join(blocks)
