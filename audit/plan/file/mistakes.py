"""Turn pydantic's errors about a plan or a design into one line that a person can act on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from audit.errors import PlanError
from audit.plan.file.known_keys import (
    PLAN,
    Layout,
    description,
    elsewhere,
    known_keys,
    known_values,
    nearest,
    other_kinds,
    quoted,
    step_into,
    table_header,
)
from audit.plan.file.lines import KeyLines, Where
from audit.plan.file.unfinished import WRITE_HERE, leaves, unfinished
from audit.plan.file.words import WORDS
from audit.vocabulary.text import printable

_LONGEST: Final = 400
"""Characters of a message that are shown, because a plan may hold a megabyte in one value."""

_TYPES, _BOUNDS, _PATTERNS = WORDS["types"], WORDS["bounds"], WORDS["patterns"]
_NAMED_IN_MESSAGE: Final = re.compile(
    r"^(?:(?P<list>rule|measures|probes|quotas) (?P<place>\d+)|groups\.(?P<group>[^:.]+)(?:\.(?P<key>\w+))?)"
)


class Said(NamedTuple):
    """A mistake in words."""

    what: str
    hint: str
    slug: str


class Mistake(NamedTuple):
    """A mistake: its place, and a function for its words, because a file may hold a hundred thousand mistakes."""

    where: Where
    words: Callable[[], Said]


def first_of(mistakes: Sequence[Mistake], lines: KeyLines, name: str, layout: Layout = PLAN) -> PlanError:
    """Error for the mistake that comes first in the file, with the number of the others."""
    numbered = [(lines.line(mistake.where), mistake) for mistake in mistakes]
    line, first = min(numbered, key=lambda entry: (entry[0] is None, entry[0] or 0))
    message = first.words()
    others = len(mistakes) - 1
    kind = "to complete" if message.slug == "plan-unfinished" else f"mistake{'s' if others > 1 else ''}"
    more = f" (and {others} more {kind} in this {layout.noun})" if others else ""
    line_name = f"{name}, line {line}" if line else name
    return PlanError(one_line(f"{line_name}: {message.what}"), slug=message.slug, hint=one_line(message.hint) + more)


def one_line(text: str) -> str:
    """Put `text` on one line, without control characters, and cut it if it is very long."""
    clean = printable(text.replace("\n", " "))
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


def wrong_version(raw: Mapping[str, Any], layout: Layout = PLAN) -> list[Mistake]:
    """Report the wrong version of a file first: everything else in it may be right in that version."""
    version = raw.get("schema")
    if version is None or (type(version) is int and version == layout.schema):
        return []
    newer = type(version) is int and version > layout.schema
    what = f"schema is {version}, which this version cannot read" if newer else "schema is not known"
    hint = f"this version reads schema = {layout.schema}" + ("; a newer audit7k is needed" if newer else "")
    return [Mistake(("schema",), lambda: Said(what, hint=hint, slug="plan-schema-version"))]


def dated_values(raw: Mapping[str, Any], layout: Layout = PLAN) -> list[Mistake]:
    """Report dates and times without quotes: TOML has them, but no key of a plan or a design takes one."""
    dates = [where for where, value in leaves(raw) if isinstance(value, dt.date | dt.time)]
    return [Mistake(where, partial(_date, where, layout)) for where in dates]


def _date(where: Where, layout: Layout) -> Said:
    what = f"{dotted(where)} is a date or time; nothing in a {layout.noun} is"
    return Said(what, hint="put it in quotes", slug="plan-wrong-type")


def gaps(raw: Mapping[str, Any], layout: Layout = PLAN) -> list[Mistake]:
    """Report values that a person must still write: a plan with gaps is not run, even if they are well formed."""
    return [Mistake(where, partial(_gap, where, raw, layout)) for where in unfinished(raw)]


def _gap(where: Where, raw: Mapping[str, Any], layout: Layout) -> Said:
    allowed = known_values(where, raw, layout)
    hint = quoted(allowed, "or") if allowed else _describe(where, raw, layout)
    return Said(f'{dotted(where)} still says "{WRITE_HERE}"', hint=hint, slug="plan-unfinished")


def unknown_kinds(raw: Mapping[str, Any], layout: Layout = PLAN) -> list[Mistake]:
    """Report a kind of detector that neither audit7k nor another package has; the keys of its table are unknown."""
    where: Where = ("detector", "kind")
    kind = step_into(raw, where)
    if not layout.detectors or not isinstance(kind, str) or kind in layout.detectors or kind in other_kinds():
        return []
    return [Mistake(where, partial(_unknown_value, where, raw, layout))]


def mistakes_in(error: ValidationError, raw: Mapping[str, Any], layout: Layout = PLAN) -> list[Mistake]:
    """Mistakes that pydantic found in `raw`: one for each place, for any number of forms tried there."""
    by_place: dict[Where, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False, include_input=False):
        where = _place(details, raw, layout)
        if where is not None:
            by_place.setdefault(where, []).append(details)
    unknown = [where for where, errors_there in by_place.items() if errors_there[0]["type"] == "extra_forbidden"]
    return [
        Mistake(_within(where, errors_there[0], raw), partial(_explain, where, errors_there, raw, layout))
        for where, errors_there in by_place.items()
        if not (errors_there[0]["type"] == "missing" and _misspelt(where, unknown))
    ]


def dotted(where: Where) -> str:
    """Path to a value as a reader writes it: `rules[2].metric` is the metric of the second rule."""
    shown = ""
    for part in where:
        if isinstance(part, int):
            shown += f"[{part + 1}]"
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            shown += f".{key[:60]}" if shown else key[:60]
    return shown


def _place(details: ErrorDetails, raw: Mapping[str, Any], layout: Layout) -> Where | None:
    """Place of an error in the file: pydantic's location without the names of the forms that it tried."""
    location = list(details["loc"])
    detector = raw.get("detector")
    if layout.detectors and len(location) > 1 and location[0] == "detector" and isinstance(detector, dict):
        # remove pydantic's choice among the detectors: the form "own" or "other", and then the kind
        del location[1 : 3 if location[1] == "own" else 2]
    if layout.rule_forms and len(location) > 2 and location[0] in {"rules", "probes"} and isinstance(location[1], int):
        del location[2]  # the form of a rule, the kind of a probe
    where: Where = ()
    value: object = raw
    for part in location:
        inside = isinstance(value, dict) and part in value
        if inside or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = value[part]  # type: ignore[index]
            where = (*where, part)
        elif details["type"] == "missing" and isinstance(value, dict | list):
            where = (*where, part)
            break
        else:
            break
    if details["type"] == "too_short" and isinstance(value, list | dict) and value:
        return None  # it is not short: all its entries are wrong, and each has its own error
    if details["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        where = (*where, "kind")
    return where or _named_place(details)


def _misspelt(missing: Where, unknown: Sequence[Where]) -> bool:
    """Whether a missing key is there under a similar unknown name, which is then the mistake to report."""
    siblings = [where for where in unknown[:50] if where[:-1] == missing[:-1]]
    return any(nearest(str(where[-1]), [str(missing[-1])]) for where in siblings)


def _within(where: Where, details: ErrorDetails, raw: Mapping[str, Any]) -> Where:
    """Key below the table at `where` with which the words of a conflict begin, if they do: `scan.columns`."""
    if details["type"] != "value_error":
        return where
    for part in _words_of(details).split(" ", 1)[0].strip("`:,").split("."):
        table = step_into(raw, where)
        if not isinstance(table, dict) or part not in table:
            break
        where = (*where, part)
    return where


def _named_place(details: ErrorDetails) -> Where:
    """Place of an error about the plan as a whole, if its words begin with one."""
    mention = _NAMED_IN_MESSAGE.match(_words_of(details))
    if mention is None:
        return ()
    if mention["list"]:
        return ("rules" if mention["list"] == "rule" else mention["list"], int(mention["place"]) - 1)
    return ("groups", mention["group"], mention["key"]) if mention["key"] else ("groups", mention["group"])


def _words_of(details: ErrorDetails) -> str:
    return str(details.get("ctx", {}).get("error", "")) or details["msg"]


def _explain(where: Where, errors: Sequence[ErrorDetails], raw: Mapping[str, Any], layout: Layout) -> Said:
    details = errors[0]
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown_key(where, raw, layout)
    if kind in {"missing", "union_tag_not_found"}:
        return _missing(where, raw, layout)
    if kind == "value_error":
        return _conflict(where, _words_of(details))
    if kind in {"literal_error", "union_tag_invalid"} and len(errors) == 1:
        return _unknown_value(where, raw, layout)
    if any(details["type"] in _TYPES for details in errors) or len(errors) > 1:
        return _wrong_type(where, errors, raw, layout)
    return _bad_value(where, details, raw, layout)


def _bad_value(where: Where, details: ErrorDetails, raw: Mapping[str, Any], layout: Layout) -> Said:
    what, hint = "is not as it must be", _describe(where, raw, layout)
    kind = details["type"]
    if kind == "json_invalid":
        return Said(f"lists or tables nested deeper than in any {layout.noun}", hint=hint, slug="plan-unreadable")
    if kind in {"string_too_short", "too_short"}:
        what = "is empty"
    elif kind == "string_pattern_mismatch":
        what, hint = "is not of the right form", _PATTERNS.get(str(where[-1]), hint)
    elif kind in _BOUNDS:
        what = f"must be {_bound(details)}"
    return Said(f"{dotted(where) or f'the {layout.noun}'} {what}", hint=hint, slug="plan-bad-value")


def _bound(details: ErrorDetails) -> str:
    return _BOUNDS[details["type"]].format(**details.get("ctx", {}))


def _unknown_key(where: Where, raw: Mapping[str, Any], layout: Layout) -> Said:
    *table, key = where
    shown = dotted(where)
    known = known_keys(tuple(table), raw, layout)
    near = nearest(str(key), known)
    other = elsewhere(str(key), tuple(table), raw, layout)
    if near:
        hint = f"did you mean {near}?"
    elif other:
        hint = f"it belongs in {other}"
    else:
        hint = f"{table_header(tuple(table), layout)} takes {', '.join(known)}"
    return Said(f"{shown} is not a key of a {layout.noun}", hint=hint, slug="plan-unknown-key")


def _missing(where: Where, raw: Mapping[str, Any], layout: Layout) -> Said:
    if isinstance(where[-1], int):
        return Said(
            f"{dotted(where[:-1])} is too short", hint=_describe(where[:-1], raw, layout), slug="plan-bad-value"
        )
    if len(where) == 1 and where[0] != "schema":
        return Said(
            f"no {table_header(where, layout)} in this {layout.noun}",
            hint=_describe(where, raw, layout),
            slug="plan-missing-key",
        )
    if where == ("schema",):
        return Said(
            f"no schema in this {layout.noun}",
            hint=f"write schema = {layout.schema} at the top",
            slug="plan-missing-key",
        )
    if where[-1] == "kind":
        return Said(
            f"{dotted(where)} is missing", hint=f"write kind = {_one_of(where, {}, layout)}", slug="plan-missing-key"
        )
    allowed = known_values(where, raw, layout)
    value = quoted(allowed, "or") if allowed else "…"
    return Said(
        f"{dotted(where)} is missing",
        hint=f"write {where[-1]} = {value}: {_describe(where, raw, layout)}",
        slug="plan-missing-key",
    )


def _unknown_value(where: Where, raw: Mapping[str, Any], layout: Layout) -> Said:
    value = step_into(raw, where)
    key = dotted(where)
    allowed = known_values(where, raw, layout)
    if not isinstance(value, str):
        return Said(
            f"{key} is not one of its values", hint=f"write {_one_of(where, raw, layout)}", slug="plan-bad-value"
        )
    near = nearest(value, allowed)
    ask = f'did you mean "{near}"? It takes ' if near else "it takes "
    return Said(f'{key} = "{value[:60]}" is not known', hint=ask + quoted(allowed, "or"), slug="plan-bad-value")


def _one_of(where: Where, raw: Mapping[str, Any], layout: Layout) -> str:
    return quoted(known_values(where, raw, layout), "or")


def _wrong_type(where: Where, errors: Sequence[ErrorDetails], raw: Mapping[str, Any], layout: Layout) -> Said:
    key = dotted(where)
    kinds = [details["type"] for details in errors]
    if len(where) == 1 and where[0] in layout.listed:
        hint = f"write [[{where[0]}]] in double brackets"
        return Said(f"{where[0]} is not a list of {where[0]}", hint=hint, slug="plan-wrong-type")
    if any(_TYPES.get(kind) == "a table" for kind in kinds) and len(where) <= 2:
        return Said(
            f"{key} is not a table",
            hint=f"write {table_header(where, layout)} on a line by itself",
            slug="plan-wrong-type",
        )
    allowed = known_values(where, raw, layout)
    forms = [quoted(allowed, "or")] if "literal_error" in kinds and allowed else []
    forms += [_TYPES[kind] for kind in kinds if kind in _TYPES]
    forms += [f"a number {_bound(details)}" for details in errors if details["type"] in _BOUNDS]
    return Said(f"{key} must be {' or '.join(forms)}", hint=_describe(where, raw, layout), slug="plan-wrong-type")


def _conflict(where: Where, words: str) -> Said:
    named = _NAMED_IN_MESSAGE.match(words)
    what = words if named or not where else f"{dotted(where)}: {words}"
    return Said(what, hint="", slug="plan-conflict")


def _describe(where: Where, raw: Mapping[str, Any], layout: Layout) -> str:
    return description(where, raw, layout).rstrip(".")
