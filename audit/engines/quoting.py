"""Names and texts in SQL: any column name and any value, with any characters."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str) -> str:
    """Quote a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def stored(text: str, kind: str) -> str:
    """Write a value as a column of a type stores it: comparing integers with integers needs no text for each row."""
    return literal(text) if kind == "VARCHAR" else f"CAST({literal(text)} AS {kind})"


def literals(texts: Iterable[str]) -> str:
    """Quote texts as the items of an SQL list."""
    return ", ".join(literal(text) for text in texts)
