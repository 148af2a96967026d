"""Pages of pydantic models: one table of fields for each part, in the words of the docstrings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

GENERATED = "<!-- Generated from the code by `make reference`. Do not edit by hand. -->\n"

Schema = Mapping[str, Any]


def part_table(schema: Schema, *, anchors: Mapping[str, str], with_default: bool) -> str:
    """Write a Markdown table of the fields of one part.

    `anchors` maps the name of a part to the anchor of its heading on the page; parts that have none are described in
    place. Without `with_default` the column of defaults is left out, as in a result, where every field is written;
    with it nothing can be null, as in TOML. A field `kind` comes first: it says which part this is.
    """
    head = ["Key", "Value", "Default", "Meaning"] if with_default else ["Field", "Value", "Meaning"]
    rows = []
    fields = schema.get("properties", {})
    for name in sorted(fields, key="kind".__ne__):
        field = fields[name]
        cells = [f"`{name}`", value_words(field, anchors)]
        if with_default:
            cells[1] = cells[1].removesuffix(" or null")
            cells.append(_default(name, field, schema.get("required", ())))
        rows.append([*cells, cell(field.get("description", ""))])
    return table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table; the cells are written unchanged."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """Write a text on one line that cannot end its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def value_words(field: Schema, anchors: Mapping[str, str]) -> str:
    """Say in words what a value may be."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{anchors[name]})" if name in anchors else name
    for key in ("anyOf", "oneOf"):
        if key in field:
            words = [value_words(option, anchors) for option in field[key] if option.get("type") != "null"]
            nullable = any(option.get("type") == "null" for option in field[key])
            return " or ".join([*dict.fromkeys(words), *(["null"] if nullable else [])])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    return _typed_words(field, anchors)


def _typed_words(field: Schema, anchors: Mapping[str, str]) -> str:
    kind = field.get("type")
    if kind == "array":
        if "prefixItems" in field:
            return f"list of {len(field['prefixItems'])}"
        items = value_words(field.get("items", {}), anchors)
        return f"list of {items}" if " or " not in items and "," not in items else f"list of: {items}"
    if kind == "object":
        values = field.get("additionalProperties")
        return f"table of {value_words(values, anchors)}" if isinstance(values, Mapping) and values else "table"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}.get(
        str(kind), "anything"
    )
    if field.get("format") == "path":
        words = "path"
    return words + _bounds(field)


def _bounds(field: Schema) -> str:
    bounds = []
    for key, words in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    ):
        if key in field:
            bounds.append(f"{words} {field[key]:g}")
    if "pattern" in field:
        bounds.append(f"of the form `{cell(field['pattern'])}`")
    return f", {', '.join(bounds)}" if bounds else ""


def _default(name: str, field: Schema, required: Sequence[str]) -> str:
    if name in required:
        return "required"
    default = field.get("default")
    if isinstance(default, Mapping) and default:
        return "its defaults"
    return "" if default in (None, "", [], {}) else f"`{cell(json.dumps(default))}`"
