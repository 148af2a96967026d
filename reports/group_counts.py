"""Exact counts of groups as CSV. They are restricted, attached to a PDF and held inside a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from audit.result.findings.judged import GroupCounts
from audit.result.reading import Reading
from reports.plain_text import spreadsheet_text

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult
    from audit.vocabulary.groups import Family

_PLAIN: Final = "/:,;=+-_.!~*'(){}[]|@$?^"
_COUNTS: Final = tuple(name for name in GroupCounts.model_fields if name != "group")


def counts_csv(result: AuditResult) -> str:
    """Return a line for each group: the rung and code of each sensitive feature (empty: all of them), then the nine
    counts.
    """
    features = [feature.name for feature in result.features]
    lines: list[list[str | int]] = [[*(head for name in features for head in (f"{name}_rung", name)), *_COUNTS]]
    for row in result.counts:
        levels = {level.feature: level for level in row.group.levels}
        cells = [
            cell
            for name in features
            for cell in ((levels[name].rung, levels[name].code) if name in levels else ("", ""))
        ]
        lines.append([*cells, *(getattr(row, name) for name in _COUNTS)])
    return _lines(lines)


def groups_csv(result: AuditResult, most: int) -> tuple[str, tuple[Family, ...]]:
    """Return a line for each group with what each rule says of it, in at most `most` characters.

    A column for each feature holds the code of the group, which no two rungs share. It is empty where the group holds
    everyone. People with one code on every rung have one line, with their worst outcome. A count that is 0 for all
    groups has no column. Families of few features and few groups come first.

    Returns
    -------
    tuple of str and tuple of Family
        The file, and the families for which there was no room.
    """
    families: dict[Family, list[GroupCounts]] = {}
    for row in result.counts:
        families.setdefault(row.group.family, []).append(row)
    features, rules = [feature.name for feature in result.features], [rule.rule for rule in result.rules]
    words = {
        (finding.rule.rule, group.people): finding.outcome
        for finding in Reading(result).each_once
        for group in (finding.group, *finding.same_people)
    }
    counts = [name for name in _COUNTS if any(getattr(row, name) for row in result.counts)]
    text = _lines([[*features, *counts, *(f"verdict {rule}" for rule in rules)]])
    left_out: list[Family] = []
    written: set[tuple[str, ...]] = set()
    for family in sorted(families, key=lambda family: (len(family.root), len(families[family]))):
        lines: list[list[str | int]] = []
        for row in families[family]:
            codes = {level.feature: level.code for level in row.group.levels}
            group_codes = tuple(codes.get(name, "") for name in features)
            if group_codes not in written:
                written.add(group_codes)
                verdicts = [words.get((rule, row.group.people), "") for rule in rules]
                lines.append([*group_codes, *(getattr(row, name) for name in counts), *verdicts])
        more = _lines(lines)
        if len(text) + len(more) > most:
            left_out.append(family)
        else:
            text += more
    return text, tuple(left_out)


def _lines(rows: Iterable[Sequence[str | int]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([spreadsheet_text(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def as_link(kind: str, text: str) -> str:
    """Return a `data:` link that holds a text, so that a page loads nothing."""
    return f"data:{kind};charset=utf-8,{quote(text, safe=_PLAIN)}"
