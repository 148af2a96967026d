"""What a plan may hold at each place: keys, values and their meaning, all read from the models of `audit.plan`."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from audit.metrics import METRICS
from audit.plan import (
    AuditPlan,
    AuditSection,
    ColumnsProbe,
    ControlFeature,
    ControlSampleSection,
    CostsSection,
    DeploymentSection,
    EvaluationSetSection,
    GroupFeature,
    Measure,
    PredictionsDetector,
    ProbeRule,
    PythonDetector,
    ReferenceTableSection,
    Rule,
    ScanSection,
    ScoringSection,
    SensitivitySection,
    SkopsDetector,
    TextProbe,
    VerdictSection,
)
from audit.plan_file.lines import Where
from audit.plan_file.metric_names import metric_called, metrics_like
from audit.plan_probes import COUNTERFACTUAL_SHIFT, rule_form

DETECTORS: Final[Mapping[str, type[BaseModel]]] = {
    "predictions": PredictionsDetector,
    "python": PythonDetector,
    "skops": SkopsDetector,
}
"""The detectors of a plan by their kind."""
PROBES: Final[Mapping[str, type[BaseModel]]] = {"text": TextProbe, "columns": ColumnsProbe}
"""The probes of a plan by their kind."""
RULE_FORMS: Final[Mapping[str, type[BaseModel]]] = {"rates": Rule, "probes": ProbeRule}
"""The rules of a plan by what they limit."""
TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "audit": AuditSection,
    "evaluation_set": EvaluationSetSection,
    "verdict": VerdictSection,
    "scoring": ScoringSection,
    "deployment": DeploymentSection,
    "control_sample": ControlSampleSection,
    "sensitivity": SensitivitySection,
    "scan": ScanSection,
    "costs": CostsSection,
    "reference_table": ReferenceTableSection,
}
"""The tables that a plan has once."""
REPEATED: Final[Mapping[str, type[BaseModel]]] = {
    "groups": GroupFeature,
    "control_features": ControlFeature,
    "rules": Rule,
    "measures": Measure,
}
"""The tables that a plan has several times, by name or in a list."""

_NOT_YET: Final[Mapping[Where, str]] = {
    ("detector", "kind", kind): "is not supported by this version"
    for kind in ("onnx", "mlflow", "http", "command", "chat")
}
"""Keys and values that are planned. They get an answer, not the nearest known name: that would mean another thing."""


def not_yet(where: Where) -> str:
    """Why a planned key or value cannot be used yet; empty for anything else."""
    return _NOT_YET.get(where, "")


def model_at(table: Where, raw: Mapping[str, Any]) -> type[BaseModel] | None:
    """The model of the table at `table`, for a detector by the kind that `raw` names."""
    match table:
        case ():
            return AuditPlan
        case ("detector",) | ("probes", int()):
            kind = step_into(raw, (*table, "kind"))
            return (PROBES if len(table) > 1 else DETECTORS).get(kind) if isinstance(kind, str) else None
        case ("rules", int()):
            return RULE_FORMS[rule_form(step_into(raw, table))]
        case (("groups" | "control_features") as name, str()) | ("measures" as name, int()):
            return REPEATED[name]
        case (str() as name,):
            return TABLES.get(name)
        case _:
            return None


def known_keys(table: Where, raw: Mapping[str, Any]) -> list[str]:
    """The keys that the table at `table` may have, as they are written in a file."""
    model = model_at(table, raw)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def known_values(where: Where, raw: Mapping[str, Any]) -> list[str]:
    """The words that the key at `where` may have; empty where it is not a choice among words."""
    if where == ("detector", "kind"):
        return list(DETECTORS)
    match where:
        case ("probes", int(), "kind"):
            return list(PROBES)
        case ("rules", int(), "metric"):
            return [*METRICS, COUNTERFACTUAL_SHIFT]
    field = _field_at(where, raw)
    return list(dict.fromkeys(_literals(field.annotation))) if field else []


def description(where: Where, raw: Mapping[str, Any]) -> str:
    """What the key at `where` means, in the words of the plan's model."""
    field = _field_at(where, raw)
    return (field.description or "") if field else ""


def table_header(table: Where) -> str:
    """How the table at `table` is opened in a file."""
    match table:
        case ():
            return "the top of a plan"
        case ("rules" | "measures" | "probes" as name, *_):
            return f"[[{name}]]"
        case ("groups" | "control_features" as name, *rest):
            return f"[{name}.{rest[0] if rest else '<name>'}]"
        case _:
            return f"[{table[0]}]"


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    if set(known) >= set(METRICS):
        metric = metric_called(word) or next(iter(metrics_like(word, 1)), None)
        if metric or not difflib.get_close_matches(word[:60].casefold().replace("-", "_"), [COUNTERFACTUAL_SHIFT]):
            return metric.name if metric else None
        return COUNTERFACTUAL_SHIFT
    plain = {name.casefold().replace("-", "_"): name for name in known}
    found = difflib.get_close_matches(word[:60].casefold().replace("-", "_"), plain, n=1)
    return plain[found[0]] if found else None


def elsewhere(key: str, table: Where, raw: Mapping[str, Any]) -> str:
    """The header of the table in which `key` is a known key, or nothing."""
    places: list[Where] = [("detector",), ("groups", "<name>"), ("rules", 0)]
    places += [("control_features", "<name>"), ("measures", 0), *((name,) for name in TABLES)]
    homes = [table_header(place) for place in places if place != table and key in known_keys(place, raw)]
    own = table_header(table)
    return next((home for home in homes if home != own), "")


def quoted(words: Sequence[str], last: str) -> str:
    """Words in quotes, as a list in a sentence."""
    shown = [f'"{word}"' for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}" if shown else "…"


def step_into(raw: object, where: Where) -> object:
    """The value at `where`; None where there is none."""
    for part in where:
        if isinstance(raw, dict) and isinstance(part, str):
            raw = raw.get(part)
        elif isinstance(raw, list) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        else:
            return None
    return raw


def _field_at(where: Where, raw: Mapping[str, Any]) -> FieldInfo | None:
    """The field that holds the value at `where`, or the one around it."""
    for end in range(len(where) - 1, -1, -1):
        model = model_at(where[:end], raw)
        if model is not None:
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            return fields.get(str(where[end]))
    return None


def _literals(annotation: object) -> list[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return [word for word in typing.get_args(annotation) if isinstance(word, str)]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [word for part in typing.get_args(annotation) for word in _literals(part)]
    return []
