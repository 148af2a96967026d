"""What a further question of an audit looks like on the page, and who tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from audit.vocabulary.groups import Group
from reports.numbers import NOT_KNOWN
from reports.writer import Writer

T = TypeVar("T")

FIRST = 10
"""Rows of a table that are shown; the rest is folded."""
MOST = 16
"""Rows of a folded table; what is left over stands in the result file."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a small table."""

    head: str
    number: bool = True


@dataclass(frozen=True, slots=True)
class SmallTable:
    """A table written out; the first cell of a row names it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: str = ""
    """What stands in the result file alone."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What is folded under a line."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[SmallTable, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its caption; its numbers stand in a table."""

    caption: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class Look:
    """The answer to one further question; with `absent` alone where there is none."""

    anchor: str
    title: str
    sentences: tuple[str, ...] = ()
    """What was found, in plain words with numbers."""
    note: str = ""
    """What it does not say."""
    absent: str = ""
    """Why nothing is shown."""
    pictures: tuple[Picture, ...] = ()
    tables: tuple[SmallTable, ...] = ()
    not_drawn: tuple[str, ...] = ()
    """Pictures that there are none of, each with the reason."""
    folds: tuple[Fold, ...] = ()
    terms: tuple[str, ...] = ()
    """Terms that it uses, by their names in `audit.vocabulary.terms`."""


class LookWriter(Writer):
    """Answers one question; a class for each."""

    def share(self, value: float | None, low: float | None, high: float | None) -> str:
        """A share with its likely range: 61% (55–67%)."""
        if value is None:
            return NOT_KNOWN
        text = self.n.percent(value)
        return text if low is None or high is None else f"{text} ({self.n.percent_range(low, high)})"

    def decimal(self, value: float | None, low: float | None = None, high: float | None = None) -> str:
        """A number to two decimals with its likely range: 0.87 (0.84–0.90)."""
        if value is None:
            return NOT_KNOWN
        text = self.n.ratio(value)
        return text if low is None or high is None else f"{text} ({self.n.ratio(low)}–{self.n.ratio(high)})"

    def part(self, part: int, whole: int) -> str:
        """Counts: 31 of 74."""
        return self.t.gettext("%(part)s of %(whole)s") % {"part": self.n.count(part), "whole": self.n.count(whole)}

    def as_they_are(self) -> tuple[str, ...]:
        """That weights and clusters are left out of a look, where the plan names any."""
        section = self.result.plan.evaluation_set
        if section.weight is None and section.cluster is None:
            return ()
        return (self.unused(),)

    def unused(self) -> str:
        """That weights and clusters are left out."""
        return self.t.gettext(
            "Weights and clusters do not enter these numbers; with clusters the likely ranges are too narrow."
        )

    def group(self, group: Group) -> str:
        """The name of a group."""
        return self.names.group(group)

    def once(self, groups: Iterable[T], group_of: Callable[[T], Group]) -> list[T]:
        """Drop the repeats of people who stand for themselves on every rung, such as those of unknown nationality."""
        first: dict[object, T] = {}
        for each in groups:
            first.setdefault(group_of(each).people, each)
        return list(first.values())

    def group_column(self) -> Column:
        """The column of names."""
        return Column(self.t.gettext("Group"), number=False)

    def listed(self, words: Sequence[str]) -> str:
        """Several things one after the other: "a, b and c"."""
        *before, last = words
        if not before:
            return last
        first = before[0]
        for other in before[1:]:
            first = self.t.gettext("%(first)s, %(other)s") % {"first": first, "other": other}
        return self.t.gettext("%(first)s and %(other)s") % {"first": first, "other": last}

    def more_in_result(self, count: int) -> str:
        """That further rows stand in the result file; empty where there are none."""
        if count <= 0:
            return ""
        return self.t.ngettext(
            "%(count)s more row in the result file (result.json).",
            "%(count)s more rows in the result file (result.json).",
            count,
        ) % {"count": self.n.count(count)}

    def split(
        self, caption: str, columns: tuple[Column, ...], rows: Iterable[tuple[str, ...]], anchor: str
    ) -> tuple[tuple[SmallTable, ...], tuple[Fold, ...]]:
        """A table of the first rows, and a fold of the others; neither where there are no rows.

        A column of which nothing is known in any row is left out.
        """
        every = tuple(rows)
        if not every:
            return (), ()
        kept = [place for place in range(len(columns)) if any(row[place] != NOT_KNOWN for row in every)]
        columns = tuple(columns[place] for place in kept)
        every = tuple(tuple(row[place] for place in kept) for row in every)
        first, rest = every[:FIRST], every[FIRST:]
        if len(rest) <= 2:
            return (SmallTable(caption, columns, every),), ()
        more = self.t.gettext("%(caption)s (continued)") % {"caption": caption}
        folded = SmallTable(more, columns, rest[:MOST], self.more_in_result(len(rest) - MOST))
        title = self.t.gettext("%(count)s more rows: %(caption)s") % {
            "count": self.n.count(len(rest)),
            "caption": caption,
        }
        return (SmallTable(caption, columns, first),), (Fold(anchor, title, tables=(folded,)),)
