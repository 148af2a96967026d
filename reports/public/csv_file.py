"""`groups.csv`: one row for each group. The column `group` says whose numbers stand in it.

The same people have a row on every rung on which they have one code: who counts words counts them once, at their worst
word, as `audit.public.figures.state_tally` does.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from audit.public.figures import state_of, tenth, whole_per_cent
from audit.public.sentences import SENTENCES
from audit.public.table import PublicGroup, PublicMethod, PublicRate, PublicRelease, PublicSide, group_key, has_words
from reports.plain_text import spreadsheet_text
from reports.public.plain_names import PlainNames
from reports.public.waived import PublicWaived


class PublicCsvReporter:
    """Writes `groups.csv`."""

    name: Final = "csv"
    filename: Final = "groups.csv"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for cells in _Rows(release).all():
            writer.writerow(map(spreadsheet_text, cells))
        return text.getvalue()


class _Rows:
    def __init__(self, release: PublicRelease) -> None:
        self._release = release
        self._names = PlainNames(release)
        self._waived = PublicWaived(release)
        self._metrics = list(dict.fromkeys(rate.metric for rate in release.rates))
        self._rates = {(rate.metric, group_key(rate.group)): rate for rate in release.rates}
        words = release.words if has_words(release) else ()  # of sizes alone no group was judged
        self._words = {(word.rule, group_key(word.group)): state_of(word) for word in words}

    def all(self) -> Iterator[list[str]]:
        yield [
            "group", "name", "positives", "missed", "missed_in_words", "negatives", "wrongly_flagged",
            "wrongly_flagged_in_words", "unscored", "unlabelled", *self._heads(),
        ]  # fmt: skip
        for row in self._release.table.groups:
            yield self._row(row)

    def _heads(self) -> Iterator[str]:
        for metric in self._metrics:
            for part in ("percent", "low_percent", "high_percent", "at_least_percent", "at_most_percent", "why_not"):
                yield f"{metric}_{part}"
        for rule in self._release.rules:
            yield f"word under {rule.rule}"
        if self._waived.all:
            yield "waived"

    def _row(self, row: PublicGroup) -> list[str]:
        key, method = group_key(row.group), self._release.table.method
        cells = [key, self._names.group(row.group)]
        for side in (row.positives, row.negatives):
            cells += [_count(side.cases), _count(side.errors), _in_words(side, method)]
        cells += [_count(row.unscored), _count(row.unlabelled)]
        for metric in self._metrics:
            cells += _rate(self._rates.get((metric, key)))
        cells += [self._words.get((rule.rule, key), "") for rule in self._release.rules]
        return [*cells, *([self._waivers(row)] if self._waived.all else [])]

    def _waivers(self, row: PublicGroup) -> str:
        """Who answers for findings on a group; in the row of everyone, for those that are not named."""
        told = [
            ": ".join(filter(None, (waiver.rule, self._waived.words(waiver))))
            for waiver in self._waived.all
            if waiver.group == row.group or (waiver.group is None and not row.group.levels)
        ]
        return "; ".join(told)


def _count(value: int | None) -> str:
    return "" if value is None else str(value)


def _in_words(side: PublicSide, method: PublicMethod) -> str:
    if side.shown == "few_errors":
        return SENTENCES["few_errors"].format(few_errors=method.few_errors)
    if side.shown == "few_correct":
        return SENTENCES["few_correct"].format(few_correct=method.few_correct)
    return "" if side.why is None else SENTENCES[side.why]


def _rate(rate: PublicRate | None) -> list[str]:
    if rate is None:
        return [""] * 6
    value = "" if rate.value is None else f"{tenth(rate.value)}"
    ends = [_per_cent(end) for end in (rate.low, rate.high, rate.at_least, rate.at_most)]
    return [value, *ends, "" if rate.why is None else SENTENCES[rate.why]]


def _per_cent(share: float | None) -> str:
    return "" if share is None else str(whole_per_cent(share))
