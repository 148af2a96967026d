"""References of the plan and of the design, from the docstrings of their models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.schema_page import GENERATED, cell, part_table

SECTIONS = (
    ("[audit]", "AuditSection"),
    ('[detector] with kind = "predictions"', "PredictionsDetector"),
    ('[detector] with kind = "python"', "PythonDetector"),
    ('[detector] with kind = "skops"', "SkopsDetector"),
    ('[detector] with kind = "pickle"', "PickleDetector"),
    ('[detector] with kind = "onnx"', "OnnxDetector"),
    ('[detector] with kind = "mlflow"', "MlflowDetector"),
    ('[detector] with kind = "transformers"', "TransformersDetector"),
    ('[detector] with kind = "command"', "CommandDetector"),
    ('[detector] with kind = "http"', "HttpDetector"),
    ('[detector] with kind = "chat"', "ChatDetector"),
    ('[detector] with kind = "blind"', "BlindDetector"),
    ("[detector] with a kind of another package", "OtherDetector"),
    ("[evaluation_set]", "EvaluationSetSection"),
    ("[groups.NAME]", "GroupFeature"),
    ("[rates.NAME]", "DeclaredRate"),
    ("[[rules]]", "Rule"),
    ('[[rules]] with metric = "counterfactual_shift"', "ProbeRule"),
    ('[[probes]] with kind = "text"', "TextProbe"),
    ('[[probes]] with kind = "columns"', "ColumnsProbe"),
    ("[verdict]", "VerdictSection"),
    ("[scoring]", "ScoringSection"),
    ("[sandbox]", "SandboxSection"),
    ("[engine]", "EngineSection"),
    ("[disclosure]", "DisclosureSection"),
    ("[deployment]", "DeploymentSection"),
    ("[control_features.NAME]", "ControlFeature"),
    ("[control_sample]", "ControlSampleSection"),
    ("[sensitivity]", "SensitivitySection"),
    ("[scan]", "ScanSection"),
    ("[costs]", "CostsSection"),
    ("[reference_table]", "ReferenceTableSection"),
    ("[[measures]]", "Measure"),
    ("[governance]", "GovernanceSection"),
    ("[waivers]", "WaiversSection"),
    ("[baseline]", "BaselineSection"),
    ("[decisions]", "DecisionsSection"),
    ("[forms]", "FormsSection"),
    ("[exposure]", "ExposureSection"),
)

DESIGN_SECTIONS = (
    ("[pool]", "PoolSection"),
    ("[draw]", "DrawSection"),
    ("[groups.NAME]", "GroupFeature"),
    ("[[rules]]", "Rule"),
    ("[[quotas]]", "Quota"),
    ("[duplicates]", "DuplicatesSection"),
    ("[verdict]", "VerdictSection"),
)

INTRODUCTION = """
# The plan file

A plan is one [TOML](https://toml.io) file. It is strict: a key that is not on this page is an error that names the
line and the nearest known key. `audit7k init DATA` writes a commented plan by looking at a file, and
`audit7k check PLAN` reads a plan and its data without scoring anything. Paths are relative to the folder of the plan.

The first line is `schema = 1`, the version of this format.
"""


DESIGN_INTRODUCTION = """
# The design of a drawn set

`audit7k draw POOL --design FILE` [draws a set](../how-to/draw.md) by it. It is one [TOML](https://toml.io) file, as
strict as [a plan](plan.md), and shares `[groups]`, `[[rules]]` and `[verdict]` with it.

The first line is `schema = 1`, the version of this format.
"""


def plan_page() -> str:
    """Write the page of the plan, as Markdown. Raises ValueError if sections and models of the plan do not match."""
    from audit.plan.audit_plan import AuditPlan

    return _page(INTRODUCTION, SECTIONS, AuditPlan.model_json_schema()["$defs"])


def design_page() -> str:
    """Write the page of the design, as Markdown. Raises ValueError if its sections and models do not match."""
    from audit.plan.sampling_design import SamplingDesign

    return _page(DESIGN_INTRODUCTION, DESIGN_SECTIONS, SamplingDesign.model_json_schema()["$defs"])


def _page(introduction: str, sections: Sequence[tuple[str, str]], parts: Mapping[str, Any]) -> str:
    if set(parts) != {name for _, name in sections}:
        raise ValueError("a part has no section on its page; see SECTIONS")
    blocks = [GENERATED + introduction]
    for title, name in sections:
        text = part_table(parts[name], anchors={}, with_default=True)
        blocks.append(f"## `{title}`\n\n{cell(parts[name]['description'])}\n\n{text}")
    return "\n".join(blocks)
