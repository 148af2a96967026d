"""Puts a text into every string that somebody else may have written, whatever fields a result and its plan have.

The models are walked, not listed: a field that is added takes part, or a test says that nothing reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from made.replaced import replaced
from made.results import UNDECIDED, sample_result
from made.second_looks import further_result
from pydantic import BaseModel, RootModel

from audit.plan.audit_plan import AuditPlan
from audit.plan.probes import ColumnsProbe, ProbeRule, TextProbe
from audit.result.audit_result import AuditResult
from audit.result.findings.further import LeastSure, NotJudgedAlone, PlannedPass
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict
from audit.vocabulary.metrics import MetricName

__all__ = ["KEPT", "Field", "completed", "everything", "everywhere", "filled", "open_fields", "rewritten"]

Field = tuple[str, str]
"""A model and one of its fields."""
KEPT: Mapping[Field, str] = {
    ("Level", "rung"): "a word of ours, by which reports find a level",
    ("Axis", "rung"): "the same",
    ("LevelName", "rung"): "the same",
    ("SensitiveFeature", "rungs"): "the same",
    ("Rule", "metric"): "a rate that audit7k or the plan has: every other name is refused",
}
"""Fields that are text to Python, and that nobody else can write."""


_WORD = "words"
"""What fills every text that made-up results leave out: the name of their probe, so that what refers to it finds it."""


@cache
def everything() -> AuditResult:
    """A failing result with an answer to every question, under a plan in which nothing is left out."""
    sample = replace(UNDECIDED, rows=4_000, countries=("GHA", "NPL"), gaps={("woman", "GHA"): (0.1, 0.1)}, found=0.9)
    result = further_result(sample_result(sample))
    plan = completed(result.plan, _WORD)
    detectors = [kind for kind in _leaves(AuditPlan.model_fields["detector"].annotation) if _is_part(kind)]
    plan.__dict__["detector"] = filled(detectors[0], _WORD)
    plan.__dict__["every_rule"] = (*plan.every_rule, filled(ProbeRule, _WORD))
    plan.__dict__["probes"] = tuple(filled(kind, _WORD) for kind in (TextProbe, ColumnsProbe))
    small = NotJudgedAlone(
        rule=result.rules[0].rule,
        family=result.rules[0].families[0].family,
        groups=2,
        as_part=1,
        cases=40,
        share=0.1,
        gap=0.3,
        gap_in=result.verdicts[0].group,
    )
    return replaced(
        result,
        plan=plan,
        not_judged_alone=(small,),
        planned_pass=PlannedPass(
            chance=0.4,
            coverage=0.9,
            least_sure=(LeastSure(rule=result.rules[0].rule, group=result.verdicts[0].group, chance=0.7),),
            remedy="twice_the_cases",
            with_remedy=0.7,
        ),
        plan_as_asked={"detectors": tuple(filled(kind, _WORD) for kind in detectors)},
        provenance=completed(result.provenance, _WORD),
        features=completed(result.features, _WORD),
        conditional=completed(result.further.conditional, _WORD),
        probe_rules=filled(tuple[ProbeRuleResult, ...], _WORD),
        probe_verdicts=filled(tuple[ProbeVerdict, ...], _WORD),
    )


def everywhere(rewrite: Callable[[str], str]) -> AuditResult:
    """`everything`, every text in it rewritten."""
    made = rewritten(everything(), rewrite, set())
    assert isinstance(made, AuditResult)
    return made


def open_fields(model: Any, seen: set[Any] | None = None) -> Iterator[Field]:
    """Every field that takes any text, of a model and of all models and tuples with names in it."""
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)
    for name, annotation in _fields(model).items():
        if name in _open_names(model):
            yield model.__name__, name
        for leaf in _leaves(annotation):
            if _is_part(leaf):
                yield from open_fields(leaf, seen)


def rewritten(part: Any, rewrite: Callable[[str], str], reached: set[Field]) -> Any:
    """A copy with every such text rewritten, not validated again; `reached` collects the fields that had any."""
    if isinstance(part, BaseModel):
        made = part.model_copy()
        made.__dict__.update(_values(part, rewrite, reached))
        return made
    if hasattr(part, "_fields"):
        return type(part)(**_values(part, rewrite, reached))
    if isinstance(part, tuple):
        return tuple(rewritten(each, rewrite, reached) for each in part)
    if isinstance(part, list):
        return [rewritten(each, rewrite, reached) for each in part]
    if isinstance(part, Mapping):
        return {key: rewritten(each, rewrite, reached) for key, each in part.items()}
    return part


def filled(annotation: Any, text: str) -> Any:
    """Something of a type, with `text` for every text in it; nothing of it is validated."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return inner[0]
    if origin is Annotated:
        return filled(inner[0], text)
    if origin in (tuple, list, frozenset):
        kinds = [each for each in inner if each is not Ellipsis]
        return origin(filled(each, text) for each in kinds)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        keys = get_args(inner[0]) if get_origin(inner[0]) is Literal else (filled(inner[0], text),)
        return {key: filled(inner[1], text) for key in keys}
    if inner:
        return filled(next(each for each in inner if each is not type(None)), text)
    if _is_part(annotation):
        values = {name: filled(each, text) for name, each in _fields(annotation).items()}
        return annotation.model_construct(**values) if issubclass(annotation, BaseModel) else annotation(**values)
    known: Mapping[Any, Any] = {str: text, int: 1, float: 0.5, bool: True, Path: Path("file")}
    return known.get(annotation, text)


def completed(part: Any, text: str) -> Any:
    """A copy in which everything that is left out is there, with `text` for every text in it."""
    if isinstance(part, tuple) and not hasattr(part, "_fields"):
        return tuple(completed(each, text) for each in part)
    if isinstance(part, Mapping):
        return {key: completed(each, text) for key, each in part.items()}
    if not isinstance(part, BaseModel):
        return part
    made = part.model_copy()
    for name, annotation in _fields(type(part)).items():
        value = getattr(part, name)
        made.__dict__[name] = filled(annotation, text) if value in (None, "", (), {}, []) else completed(value, text)
    return made


def _values(part: Any, rewrite: Callable[[str], str], reached: set[Field]) -> dict[str, Any]:
    kind: Any = type(part)
    return {
        name: _texts(getattr(part, name), (kind.__name__, name), rewrite, reached)
        if name in _open_names(kind) and (kind.__name__, name) not in KEPT
        else rewritten(getattr(part, name), rewrite, reached)
        for name in _fields(kind)
    }


def _texts(value: Any, field: Field, rewrite: Callable[[str], str], reached: set[Field]) -> Any:
    if isinstance(value, str):
        reached.add(field)
        return rewrite(value)
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)(_texts(each, field, rewrite, reached) for each in value)
    if isinstance(value, Mapping):
        return {
            _texts(key, field, rewrite, reached): _texts(each, field, rewrite, reached) for key, each in value.items()
        }
    return rewritten(value, rewrite, reached)


@cache
def _fields(model: Any) -> dict[str, Any]:
    if issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    return get_type_hints(model)


def _is_part(leaf: Any) -> bool:
    return isinstance(leaf, type) and (issubclass(leaf, BaseModel) or hasattr(leaf, "_fields"))


@cache
def _open_names(model: Any) -> frozenset[str]:
    """The fields that take any text: `str` is among their types, and no list of words is."""
    types = {name: list(_leaves(annotation)) for name, annotation in _fields(model).items()}
    names_of_rates = (
        set()
        if not issubclass(model, BaseModel)
        else {name for name, field in model.model_fields.items() if any(held in field.metadata for held in _RATE_NAME)}
    )
    return frozenset(
        name for name, found in types.items() if str in found and Literal not in found and name not in names_of_rates
    )


_RATE_NAME = RootModel[MetricName].model_fields["root"].metadata
"""What pydantic keeps of the form of a rate's name: a result takes no other text there."""


def _leaves(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal or annotation == MetricName:
        yield Literal
    elif get_origin(annotation) is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif get_args(annotation):
        for inner in get_args(annotation):
            yield from _leaves(inner)
    else:
        yield annotation
