"""Models whose fields have docstrings, which a JSON Schema gives as their descriptions.

Sources are read when somebody asks. Pydantic would read them as it makes each class, and build a validator for each
class beside those of the classes that hold it: two thirds of the time that the models take when a command starts.
Modules of models do not import `annotations` from `__future__`, or it would parse each annotation again: a quarter.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict


def _describe(schema: JsonDict, model: type[BaseModel]) -> None:
    properties = schema.get("properties")
    texts = field_docstrings(model)
    for name, field in model.model_fields.items():
        described = properties.get(field.alias or name) if isinstance(properties, dict) else None
        if isinstance(described, dict) and name in texts:
            described.setdefault("description", texts[name])


class Documented(BaseModel):
    """A model with docstrings under its fields."""

    model_config = ConfigDict(defer_build=True, json_schema_extra=_describe)


def field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring of each field of a model that has one, its own or that of the class it comes from."""
    return {name: text for base in reversed(model.__mro__) for name, text in _of_class(base).items()}


def _of_class(model: type[object]) -> Mapping[str, str]:
    if model is Documented or not issubclass(model, Documented):
        return {}
    return _of_module(model.__module__).get(model.__qualname__, {})


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """Docstrings of fields of the classes of a module; none where its source is not to be had."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):
        return {}
    return {
        definition.name: {
            field.target.id: inspect.cleandoc(text.value.value)
            for field, text in pairwise(definition.body)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
        for definition in tree.body
        if isinstance(definition, ast.ClassDef)
    }
