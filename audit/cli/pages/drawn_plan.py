"""Plan that is written beside a drawn set: all that its design says, and gaps where only a person knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, get_args

from audit.plan.audit_plan import Route
from audit.plan.file.unfinished import WRITE_HERE, toml_text

if TYPE_CHECKING:
    from audit.plan.sampling_design import SamplingDesign

_HEAD = """# The plan of an audit of a set that `audit7k draw` drew. Complete every line that says "{write_here}".
# Each row stands for `design_weight` {cases} of the pool; with the weight, rates estimate those of the pool.
schema = 1

[audit]
title = "{write_here}: the system under audit and its version"
owner = "{write_here}: who answers for the system"
use = "{write_here}: what it is used for"
route = {route}

[detector]
kind = "{write_here}: predictions, python, skops or onnx"
"""


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
        parts.append(_table(f"[groups.{_key(feature)}]", group.model_dump(mode="json", exclude_defaults=True)))
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
    return "\n".join([header, *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]) + "\n"


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("-", "_").isidentifier() else toml_text(name)


def _value(value: object) -> str:
    if isinstance(value, str | PurePath):
        return toml_text(str(value))
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{toml_text(str(key))} = {_value(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(inner) for inner in value)}]"
    return json.dumps(value)
