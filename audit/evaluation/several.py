"""Several nationalities in one cell: take the first one, or all of them together as a group of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from audit.evaluation.relation import BETWEEN_ITEMS
from audit.plan.sections import GroupFeature

TOGETHER: Final = "+"
"""Separator of the codes of a person who has several; the code of one nationality never holds it."""

UNKNOWN: Final = "unknown"
"""The word for a nationality that is not known."""

ReadOne = Callable[[str], str | None]
"""Function from the text of one nationality to its canonical code; None where it is not read."""


def nationality_texts(text: str, section: GroupFeature, *, is_list: bool) -> list[str]:
    """Texts of the nationalities in a cell, in their order; the cell itself where it holds one.

    A missing item of a list is an unknown nationality; nothing between two separators means that a text was left out.
    """
    if is_list and BETWEEN_ITEMS in text:
        return [part.strip() or UNKNOWN for part in text.split(BETWEEN_ITEMS)]
    if section.separator is None or section.separator not in text:
        return [text]
    return [part.strip() for part in text.split(section.separator)]


def read_parts(parts: list[str], read: ReadOne) -> list[str] | None:
    """Distinct codes of `parts`, in their order; None unless every part can be read."""
    codes = [read(part) if part else None for part in parts]
    known = dict.fromkeys(code for code in codes if code is not None)
    return None if None in codes else list(known)


def counted_under(codes: list[str], section: GroupFeature) -> str:
    """Code under which a case with these nationalities is counted."""
    return codes[0] if section.dual == "primary" else joint_code(codes)


def joint_code(codes: Iterable[str]) -> str:
    """Code of several nationalities together, each once, in an order that says nothing."""
    return TOGETHER.join(sorted(set(codes)))


def parts_of(code: str) -> tuple[str, ...]:
    """Codes of the nationalities in a code: the code itself where it is one nationality."""
    return tuple(code.split(TOGETHER))
