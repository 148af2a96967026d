"""The counts of every group as CSV: what is attached to a restricted PDF beside the result."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from reports.plain_text import spreadsheet_text

if TYPE_CHECKING:
    from audit.result import AuditResult

__all__ = ["counts_csv"]

_COUNTS: Final = (
    "true_positive",
    "false_negative",
    "false_positive",
    "true_negative",
    "unlabelled_flagged",
    "unlabelled_not_flagged",
    "unscored_positive",
    "unscored_negative",
    "unscored_unlabelled",
)


def counts_csv(result: AuditResult) -> str:
    """A line a group: for each sensitive feature its rung and code (empty: all of them), then the nine counts."""
    features = [feature.name for feature in result.features]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = [head for name in features for head in (spreadsheet_text(f"{name}_rung"), spreadsheet_text(name))]
    writer.writerow([*heads, *_COUNTS])
    for row in result.counts:
        levels = {level.feature: level for level in row.group.levels}
        cells = [
            spreadsheet_text(cell)
            for name in features
            for cell in ((levels[name].rung, levels[name].code) if name in levels else ("", ""))
        ]
        writer.writerow([*cells, *(getattr(row, name) for name in _COUNTS)])
    return text.getvalue()
