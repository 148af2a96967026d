"""The protected figures as data, for links inside of a page: what stands in them stands in the page or its release.

A row names its group in the column or the field `group`; names are English, and numbers are plain.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from audit.public_figures import of_share, state_of
from audit.public_table import SENTENCES, PublicGroup, PublicRelease, PublicSide, PublicWord, group_key, why_no_rates
from reports.language import ENGLISH
from reports.names import Names
from reports.plain_text import spreadsheet_text
from reports.public.reading import PublicReading

__all__ = ["table_csv", "table_json"]


def table_csv(release: PublicRelease) -> str:
    """The table as CSV: a row for each group of which anything is shown, an empty cell for what is not."""
    reading = PublicReading(release)
    names = Names(reading.features, ENGLISH)
    metrics = list(dict.fromkeys(rule.metric for rule in reading.rules))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["group", "name", "victims", "victims_missed", "others", "others_wrongly_flagged", "unscored", "unlabelled"]
    head += [f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high", "_at_most", "_at_least")]
    writer.writerow(map(spreadsheet_text, [*head, *(f"word:{rule.rule}" for rule in reading.rules)]))
    words = {(word.rule, word.group.root): state_of(word) for word in _words(release)}
    rates = {(rate.metric, rate.group.root): rate for rate in release.rates}
    for row in release.table.groups:
        if not _is_shown(row):
            continue
        cells: list[object] = [group_key(row.group), names.group(row.group)]
        for side in (row.positives, row.negatives):
            cells += [side.cases, _errors(side, release)]
        cells += [row.unscored, row.unlabelled]
        for metric in metrics:
            rate = rates[metric, row.group.root]
            cells += [None if rate.value is None else of_share(rate.value, 4)]
            cells += [rate.low, rate.high, rate.at_most, rate.at_least]
        cells += [words.get((rule.rule, row.group.root)) for rule in reading.rules]
        writer.writerow([spreadsheet_text(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()


def table_json(release: PublicRelease) -> str:
    """The protected counts as JSON, with the rules and how counts were protected: all else follows from them.

    A group has the arrays `victims` (cases, missed) and `others` (cases, wrongly flagged); null or an absent array
    stands for what is not shown.
    """
    groups: list[dict[str, Any]] = []
    for row in release.table.groups:
        if _is_shown(row):
            told: dict[str, Any] = {"group": group_key(row.group)}
            for name, side in (("victims", row.positives), ("others", row.negatives)):
                if side.cases is not None:
                    told[name] = [side.cases, side.errors if side.shown == "value" else _few(side)]
            told |= {name: count for name in ("unscored", "unlabelled") if (count := getattr(row, name)) is not None}
            groups.append(told)
    document = {
        "title": release.about.title,
        "finished": release.about.finished,
        "plan_sha256": release.about.plan_sha256,
        "headline": release.headline.model_dump(mode="json"),
        "method": release.table.method.model_dump(mode="json"),
        "rules": [rule.model_dump(mode="json") for rule in release.rules],
        "arrays": {"victims": ["cases", "missed"], "others": ["cases", "wrongly_flagged"]},
        "groups": groups,
    }
    if release.about.unit == "cluster":
        document["unit"] = release.about.unit
    if release.waivers:
        document["waivers"] = [waiver.model_dump(mode="json") for waiver in release.waivers]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _few(side: PublicSide) -> str | None:
    """What stands in the place of errors that are few; None where nothing does."""
    return side.shown if side.shown in ("few_errors", "few_correct") else None


def _is_shown(row: PublicGroup) -> bool:
    """Whether any count of a group is shown. Nothing is said of a group that is left out."""
    counts = (row.positives.cases, row.negatives.cases, row.unscored, row.unlabelled)
    return any(count is not None for count in counts)


def _words(release: PublicRelease) -> tuple[PublicWord, ...]:
    """The words; none where the audit weights its cases, and they stand for no verdict."""
    return () if why_no_rates(release) else release.words


def _errors(side: PublicSide, release: PublicRelease) -> object:
    method = release.table.method
    if _few(side):
        return SENTENCES[side.shown].format(few_errors=method.few_errors, few_correct=method.few_correct)
    return side.errors
