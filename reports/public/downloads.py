"""The protected figures as data, for a link inside of a page: what stands in it stands in the page or its release.

A row names its group by a column for each feature: `country=NGA` under `nationality`. Names and the form as JSON are
left to the files beside the page: of a thousand groups it has half a megabyte for all (docs/decisions/0031).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from audit.public.figures import state_of, tenth, whole_per_cent
from audit.public.sentences import SENTENCES
from audit.public.table import PublicGroup, PublicRelease, PublicSide, PublicWord, why_no_rates
from audit.vocabulary.groups import Group
from audit.vocabulary.text import harmless
from reports.plain_text import spreadsheet_text
from reports.public.reading import PublicReading

_PER_CENT: Final = ("percent", "low_percent", "high_percent", "at_most_percent", "at_least_percent")


def table_csv(release: PublicRelease) -> str:
    """The table as CSV: a row for each group of which anything is shown, an empty cell for what is not."""
    reading = PublicReading(release)
    features = [feature.name for feature in release.table.features]
    metrics = list(dict.fromkeys(rule.metric for rule in reading.rules))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = [*features, "victims", "victims_missed", "others", "others_wrongly_flagged", "unscored", "unlabelled"]
    head += [f"{metric}_{end}" for metric in metrics for end in _PER_CENT]
    writer.writerow(map(spreadsheet_text, [*head, *(f"word:{rule.rule}" for rule in reading.rules)]))
    words = {(word.rule, word.group.root): state_of(word) for word in _words(release)}
    rates = {(rate.metric, rate.group.root): rate for rate in release.rates}
    for row in release.table.groups:
        if not _is_shown(row):
            continue
        cells: list[object] = list(_levels(row.group, features))
        for side in (row.positives, row.negatives):
            cells += [side.cases, _errors(side, release)]
        cells += [row.unscored, row.unlabelled]
        for metric in metrics:
            rate = rates[metric, row.group.root]
            cells += [None if rate.value is None else tenth(rate.value)]
            ends = (rate.low, rate.high, rate.at_most, rate.at_least)
            cells += [None if end is None else whole_per_cent(end) for end in ends]
        cells += [words.get((rule.rule, row.group.root)) for rule in reading.rules]
        writer.writerow([spreadsheet_text(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()


def _levels(group: Group, features: Sequence[str]) -> Iterator[str]:
    """A cell for each feature: `country=NGA`, which with the name of its column is a part of the key of the group."""
    levels = {level.feature: harmless(f"{level.rung}={level.code}") for level in group.levels}
    for place, feature in enumerate(features):
        yield levels.get(feature, "" if levels or place else "everyone")


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
