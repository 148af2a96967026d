"""Page of `audit7k codes` about a column, and the map that it writes for a person to complete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from audit.cli.console.group_names import fit
from audit.cli.console.terminal import Style
from audit.evaluation.meaning import REASONS, Meaning
from audit.evaluation.nationality import name_of
from audit.plan.file.unfinished import WRITE_HERE, any_of, toml_text
from audit.plan.sections import GENDERS
from audit.vocabulary.text import count_of, printable

if TYPE_CHECKING:
    from audit.evaluation.column_codes import ColumnCodes, ValueReading

_WIDEST: Final = 36
_NAMED: Final = 4
"""Most candidates that are named; more stand there as codes."""
_MAY_BE_MISSING: Final = frozenset({"not_known", "number", "suppressed"})


def codes_page(column_codes: ColumnCodes, style: Style) -> str:
    """List every different value: first those that are not read and why, then those that are read and as what."""
    refused, read = column_codes.refused, column_codes.read
    head = f"{printable(column_codes.column)} in {printable(column_codes.source_name)}, read as {column_codes.coding}"
    rows = f"{count_of(column_codes.rows, 'row')}, {column_codes.missing:,} of them empty"
    values = f"{count_of(len(column_codes.values), 'value')}: {len(read):,} read, {len(refused):,} not"
    lines = [style.paint(head, "strong"), f"  {rows}; {values}"]
    width = max((_width(value) for value in column_codes.values), default=0)
    if refused:
        lines += ["", style.paint("Not read", "strong")]
        lines += [_line(value, width, _why(value)) for value in refused]
        lines += [f"  {hint}" for hint in _hints(column_codes)]
    if read:
        lines += ["", style.paint("Read", "strong")]
        lines += [_line(value, width, _named(value.meaning.code or "")) for value in read]
    return "\n".join(lines) + "\n"


def codes_document(column_codes: ColumnCodes) -> str:
    """Write the values of a column and how they are read as JSON."""
    document = {
        "source": column_codes.source_name,
        "column": column_codes.column,
        "coding": column_codes.coding,
        "rows": column_codes.rows,
        "missing": column_codes.missing,
        "read": len(column_codes.read),
        "refused": len(column_codes.refused),
        "values": [_entry(value) for value in column_codes.values],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def map_to_complete(column_codes: ColumnCodes) -> str:
    """Write all values as a `map` of a plan: codes where they are read, and lines to complete where they are not.

    A line to complete has the reason and what the value may stand for as comments.
    """
    column = toml_text(column_codes.column)
    lines = [
        f"# Values of {column} for the plan. Complete each line that says to write here, or take",
        "# it out and name the value under `missing` in the table above. Nobody has decided those yet.",
        f"[groups.{column_codes.coding}.map]",
    ]
    for value in column_codes.refused:
        reason = value.meaning.reason or "unknown_word"
        missing = f"; or missing = [{toml_text(value.value)}]" if reason in _MAY_BE_MISSING else ""
        lines.append(f"# {_why(value)}{missing}")
        lines.append(
            f"{toml_text(value.value)} = {toml_text(f'{WRITE_HERE}: {_choices(column_codes, value.meaning)}')}"
        )
    lines += [
        f"{toml_text(value.value)} = {toml_text(value.meaning.code or '')}  # {value.name}"
        for value in filled_in(column_codes)
    ]
    return "\n".join(lines) + "\n"


def filled_in(column_codes: ColumnCodes) -> tuple[ValueReading, ...]:
    """Return the values that are read as a code which they are not themselves."""
    return tuple(value for value in column_codes.read if value.value != value.meaning.code)


def _hints(column_codes: ColumnCodes) -> list[str]:
    total = len(column_codes.refused)
    hints = [
        f"--codes {codes} reads {count} of these {total}: add it if the column holds the codes of that list"
        for codes, count in column_codes.lists_that_read.items()
    ]
    if column_codes.coding == "nationality" and {value.value for value in column_codes.values} == {"0", "1"}:
        hints.append('a flag of citizenship is coding = "relation" with a map to national and foreign')
    return hints


def _choices(column_codes: ColumnCodes, meaning: Meaning) -> str:
    if column_codes.coding == "gender":
        return any_of(GENDERS)
    codes = [code for code in meaning.candidates if not code.isdigit()]
    if not codes or meaning.reason == "several":
        return "an ISO 3166-1 code, XXA, XXB, XXC, XXX or unknown"
    return any_of([*codes, "unknown"])


def _entry(value: ValueReading) -> dict[str, object]:
    meaning = value.meaning
    return {
        "value": value.value,
        "rows": value.rows,
        "code": meaning.code,
        "name": value.name or None,
        "reason": meaning.reason,
        "why": REASONS[meaning.reason] if meaning.reason else None,
        "candidates": list(meaning.candidates),
        "suggestions": list(value.suggestions),
    }


def _line(value: ValueReading, width: int, words: str) -> str:
    return f"{value.rows:>9,}  {fit(printable(value.value), width)}  {words}"


def _width(value: ValueReading) -> int:
    return min(cell_len(printable(value.value)), _WIDEST)


def _why(value: ValueReading) -> str:
    meaning = value.meaning
    why, codes = REASONS[meaning.reason or "unknown_word"], meaning.candidates or value.suggestions
    if not codes:
        return why
    named = ", ".join(code if len(codes) > _NAMED else _named(code) for code in codes)
    return f"{why}: {named}" if meaning.candidates else f"{why}; perhaps {named}"


def _named(code: str) -> str:
    name = name_of(code)
    return code if name == code else f"{code} {name}"
