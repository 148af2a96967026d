"""Several nationalities in one cell: the first of them, or all of them together as a group of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from audit.evaluation.columns import BETWEEN_ITEMS
from audit.plan.audit_plan import GroupFeature

TOGETHER: Final = "+"
"""What stands between the codes of somebody who has several: no code of one nationality holds it."""

UNKNOWN: Final = "unknown"
"""The word for a nationality that is not known."""

ReadOne = Callable[[str], str | None]
"""The canonical code of the text of one nationality; None where it is not read."""


def split(text: str, section: GroupFeature, *, is_list: bool) -> list[str]:
    """The texts of the nationalities in a cell, in their order; the cell itself where it holds one.

    An item of a list that is missing is an unknown nationality; between two separators something was left out.
    """
    if is_list and BETWEEN_ITEMS in text:
        return [part.strip() or UNKNOWN for part in text.split(BETWEEN_ITEMS)]
    if section.separator is None or section.separator not in text:
        return [text]
    return [part.strip() for part in text.split(section.separator)]


def read_parts(parts: list[str], read: ReadOne) -> list[str] | None:
    """The different codes of `parts`, in their order; None unless every one of them can be read."""
    codes = [read(part) if part else None for part in parts]
    known = dict.fromkeys(code for code in codes if code is not None)
    return None if None in codes else list(known)


def counted_under(codes: list[str], section: GroupFeature) -> str:
    """The code that a case with these nationalities is counted under."""
    return codes[0] if section.dual == "primary" else join(codes)


def join(codes: Iterable[str]) -> str:
    """The code of all of them together, in an order that says nothing; each once."""
    return TOGETHER.join(sorted(set(codes)))


def parts_of(code: str) -> tuple[str, ...]:
    """The codes that a code stands for together: its own where it is one."""
    return tuple(code.split(TOGETHER))
