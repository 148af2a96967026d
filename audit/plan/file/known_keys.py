"""Keys, values and their meaning at each place of a plan or a design, all read from their models."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from audit.plan.audit_plan import PLAN_SCHEMA, AuditPlan, Rule
from audit.plan.detectors import OtherDetector, OwnDetector
from audit.plan.file.lines import Where
from audit.plan.probes import COUNTERFACTUAL_SHIFT, Probe, ProbeRule, rule_form
from audit.plan.sampling_design import DESIGN_SCHEMA, SamplingDesign
from audit.vocabulary.documented import field_docstrings
from audit.vocabulary.metrics import METRICS, metric_called, metrics_like


def _models_in(annotation: object) -> tuple[type[BaseModel], ...]:
    """Models that an annotation names, in its order."""
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return (annotation,) if issubclass(annotation, BaseModel) else ()
    return tuple(dict.fromkeys(model for part in typing.get_args(annotation) for model in _models_in(part)))


def _by_kind(annotation: object) -> dict[str, type[BaseModel]]:
    return {typing.get_args(model.model_fields["kind"].annotation)[0]: model for model in _models_in(annotation)}


def _by_name(root: type[BaseModel], *containers: type | None) -> dict[str, type[BaseModel]]:
    """First model of each table of `root` that is written so, by its name; tables of several kinds are left out."""
    fields = {field.alias or name: field.annotation for name, field in root.model_fields.items()}
    return {
        name: models[0]
        for name, annotation in fields.items()
        if (models := _models_in(annotation))
        and (len(models) == 1 or "kind" not in models[0].model_fields)
        and _container(annotation) in containers
    }


def _container(annotation: object) -> type | None:
    return next((origin for origin in (dict, tuple) if typing.get_origin(annotation) is origin), None)


DETECTORS: Final = _by_kind(OwnDetector)
"""Detectors of a plan by their kind."""
PROBES: Final = _by_kind(Probe)
"""Probes of a plan by their kind."""
RULE_FORMS: Final[Mapping[str, type[BaseModel]]] = {"rates": Rule, "probes": ProbeRule}
"""Rules of a plan by what they limit."""
TABLES: Final = _by_name(AuditPlan, None)
"""Tables that a plan has once."""
REPEATED: Final = _by_name(AuditPlan, dict, tuple)
"""Tables that a plan has several times, by name or in a list."""


class Layout(NamedTuple):
    """Tables and models of one kind of file."""

    noun: str
    """Noun for the file in messages: plan, design."""
    root: type[BaseModel]
    schema: int
    """Version of the format."""
    start: str
    """Sentence that says where to find a file to start from."""
    tables: Mapping[str, type[BaseModel]]
    repeated: Mapping[str, type[BaseModel]]
    listed: frozenset[str]
    """Tables among `repeated` that stand in a list, in double brackets."""
    detectors: Mapping[str, type[BaseModel]] = types.MappingProxyType({})
    probes: Mapping[str, type[BaseModel]] = types.MappingProxyType({})
    rule_forms: Mapping[str, type[BaseModel]] = types.MappingProxyType({})
    """Model of each form of a rule, where rules can limit more than one kind of thing."""

    @property
    def places(self) -> list[Where]:
        """Every possible table, one of each kind."""
        table_places: list[Where] = [("detector",)] if self.detectors else []
        table_places += [(name, 0) if name in self.listed else (name, "<name>") for name in self.repeated]
        return table_places + [(name,) for name in self.tables]


PLAN: Final = Layout(
    noun="plan",
    root=AuditPlan,
    schema=PLAN_SCHEMA,
    start="`audit7k init DATA` writes one to start from",
    tables=TABLES,
    repeated=REPEATED,
    listed=frozenset({*_by_name(AuditPlan, tuple), "probes"}),
    detectors=DETECTORS,
    probes=PROBES,
    rule_forms=RULE_FORMS,
)
DESIGN: Final = Layout(
    noun="design",
    root=SamplingDesign,
    schema=DESIGN_SCHEMA,
    start='"Draw a set from a pool" in the documentation has one to start from',
    tables=_by_name(SamplingDesign, None),
    repeated=_by_name(SamplingDesign, dict, tuple),
    listed=frozenset(_by_name(SamplingDesign, tuple)),
)


def other_kinds() -> list[str]:
    """Kinds of detectors that other installed packages offer, sorted; none of the packages is imported."""
    from audit.plan.offers import KINDS, names_offered

    return sorted(set(names_offered(KINDS)) - set(DETECTORS))


def _model_of_kind(kind: object, models: Mapping[str, type[BaseModel]]) -> type[BaseModel] | None:
    if not isinstance(kind, str):
        return None
    return OtherDetector if models is DETECTORS and kind in other_kinds() else models.get(kind)


def model_at(table: Where, raw: Mapping[str, Any], layout: Layout = PLAN) -> type[BaseModel] | None:
    """Model of the table at `table`; for a detector it depends on the kind in `raw`."""
    match table:
        case ():
            return layout.root
        case ("detector",) | ("probes", int()):
            kind = step_into(raw, (*table, "kind"))
            return _model_of_kind(kind, layout.probes if len(table) > 1 else layout.detectors)
        case ("rules", int()) if layout.rule_forms:
            return layout.rule_forms[rule_form(step_into(raw, table))]
        case (str() as name, place) if name in layout.repeated and isinstance(place, int) == (name in layout.listed):
            return layout.repeated[name]
        case (str() as name,):
            return layout.tables.get(name)
        case _:
            return None


def known_keys(table: Where, raw: Mapping[str, Any], layout: Layout = PLAN) -> list[str]:
    """Keys that the table at `table` may have, as they are written in a file."""
    model = model_at(table, raw, layout)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def known_values(where: Where, raw: Mapping[str, Any], layout: Layout = PLAN) -> list[str]:
    """Words that the key at `where` may have; empty where it is not a choice among words."""
    if where == ("detector", "kind"):
        return [*layout.detectors, *other_kinds()]
    match where:
        case ("probes", int(), "kind"):
            return list(layout.probes)
        case ("rules", int(), "metric"):
            declared = raw.get("rates") if "rates" in layout.repeated else None
            names = [*METRICS, *(declared if isinstance(declared, dict) else ())]
            return [*names, COUNTERFACTUAL_SHIFT] if layout.rule_forms else names
    field = _field_at(where, raw, layout)
    return list(dict.fromkeys(_literals(field.annotation))) if field else []


def description(where: Where, raw: Mapping[str, Any], layout: Layout = PLAN) -> str:
    """Meaning of the key at `where`, in the words of the model."""
    container = _holding_model(where, raw, layout)
    return field_docstrings(container[0]).get(container[1], "") if container else ""


def table_header(table: Where, layout: Layout = PLAN) -> str:
    """Header that opens the table at `table` in a file."""
    if not table:
        return f"the top of a {layout.noun}"
    name, *rest = table
    if name in layout.listed:
        return f"[[{name}]]"
    if name in layout.repeated:
        return f"[{name}.{rest[0] if rest else '<name>'}]"
    return f"[{name}]"


def nearest(word: str, known: Sequence[str]) -> str | None:
    """Known word that `word` was probably meant to be, or None."""
    if set(known) >= set(METRICS):
        declared = [name for name in known if name not in METRICS]
        if near := difflib.get_close_matches(word[:60].casefold().replace("-", "_"), declared, n=1, cutoff=0.8):
            return near[0]
        metric = metric_called(word) or next(iter(metrics_like(word, 1)), None)
        if metric or not difflib.get_close_matches(word[:60].casefold().replace("-", "_"), [COUNTERFACTUAL_SHIFT]):
            return metric.name if metric else None
        return COUNTERFACTUAL_SHIFT
    plain = {name.casefold().replace("-", "_"): name for name in known}
    matches = difflib.get_close_matches(word[:60].casefold().replace("-", "_"), plain, n=1)
    return plain[matches[0]] if matches else None


def elsewhere(key: str, table: Where, raw: Mapping[str, Any], layout: Layout = PLAN) -> str:
    """Header of another table in which `key` is a known key, or an empty text."""
    places = [
        candidate for candidate in layout.places if candidate != table and key in known_keys(candidate, raw, layout)
    ]
    header = table_header(table, layout)
    return next((home for candidate in places if (home := table_header(candidate, layout)) != header), "")


def quoted(words: Sequence[str], last: str) -> str:
    """Words in quotes, joined as a list in a sentence."""
    shown = [f'"{word}"' for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}" if shown else "…"


def step_into(raw: object, where: Where) -> object:
    """Value at `where`; None where there is none."""
    for part in where:
        if isinstance(raw, dict) and isinstance(part, str):
            raw = raw.get(part)
        elif isinstance(raw, list) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        else:
            return None
    return raw


def _field_at(where: Where, raw: Mapping[str, Any], layout: Layout) -> FieldInfo | None:
    """Field that holds the value at `where`, or the field around it."""
    container = _holding_model(where, raw, layout)
    return container[0].model_fields[container[1]] if container else None


def _holding_model(where: Where, raw: Mapping[str, Any], layout: Layout) -> tuple[type[BaseModel], str] | None:
    """Model and name of the field that holds the value at `where`, or of the field around it."""
    for end in range(len(where) - 1, -1, -1):
        model = model_at(where[:end], raw, layout)
        if model is not None:
            names = {field.alias or name: name for name, field in model.model_fields.items()}
            return (model, names[str(where[end])]) if str(where[end]) in names else None
    return None


def _literals(annotation: object) -> list[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return [word for word in typing.get_args(annotation) if isinstance(word, str)]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [word for part in typing.get_args(annotation) for word in _literals(part)]
    return []
