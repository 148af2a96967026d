"""Parts of looks: tables, pictures and folds on the page, and the base class of their writers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from markupsafe import Markup

from audit.vocabulary.groups import Group
from reports.numbers import NOT_KNOWN
from reports.writer import Writer

T = TypeVar("T")

TEXTS: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "looks.toml").read_text(encoding="utf-8")
)
"""Words of looks and of their folds, by anchor."""
_ANY: Final = "every-look"
"""Key of the words that any look can need."""
FIRST = 2
"""The number of rows of a table that are shown. The others stand in the result file."""
MOST = 24
"""Most rows of a table whose rows can be beyond a limit."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a small table, with the head of its column."""

    head: str
    text: str
    number: bool = True


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SmallTable:
    """A table, written out. The first cell of a row names the row; heads are those of the first row."""

    caption: str
    rows: tuple[Row, ...]
    note: str = ""
    """The rows that stand in the result file alone, or what the likely ranges of these do not say."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Content that is folded under a line."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[SmallTable, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its caption. Its numbers stand in a table."""

    caption: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class Look:
    """The answer to one further question. Only `absent` is set where there is no answer."""

    anchor: str
    title: str
    sentences: tuple[str, ...] = ()
    """The findings, in plain words with numbers."""
    note: str = ""
    """What the look does not show."""
    absent: str = ""
    """The reason why nothing is shown."""
    pictures: tuple[Picture, ...] = ()
    tables: tuple[SmallTable, ...] = ()
    folds: tuple[Fold, ...] = ()


class LookWriter(Writer):
    """The base class of writers. Each answers one question."""

    anchor: ClassVar[str]
    """Place on the page, and key of its words in `looks.toml`."""

    @property
    def title(self) -> str:
        """Title of the look."""
        return self.said("title")

    def said(self, what: str, anchor: str = "", /, **values: str) -> str:
        """Return words of this look, or of another anchor, in the language of the report; empty where it has none."""
        text = TEXTS[anchor or self.anchor].get(what, "")
        translated = self.t.gettext(text) if text else ""
        return translated % values if values else translated

    def counted(self, what: str, count: int, anchor: str = "", /, **values: str) -> str:
        """Return the text of an anchor for so many."""
        singular, plural = TEXTS[anchor or self.anchor][what]
        return self.t.ngettext(singular, plural, count) % {"count": self.n.count(count), **values}

    def cell(self, head: str, text: str, *, number: bool = True) -> Cell:
        """Return a cell under one of the heads in `looks.toml`."""
        return Cell(self.said(head, "heads"), text, number)

    def absent(self, why: str = "absent") -> Look:
        """Return a look that says why nothing is shown."""
        return Look(self.anchor, self.title, absent=self.said(why))

    def answer(
        self,
        sentences: Iterable[str],
        tables: tuple[SmallTable, ...] = (),
        folds: Iterable[Fold] = (),
        note: str = "",
        pictures: Iterable[Picture] = (),
    ) -> Look:
        """Return the look with its answer, and with its own note where no other is given."""
        words = tuple(sentences), note or self.said("note"), ""
        return Look(self.anchor, self.title, *words, tuple(pictures), tables, tuple(folds))

    def fold(self, anchor: str, tables: Iterable[SmallTable] = (), **values: str) -> Fold:
        """Return what is folded under the title of its anchor, with its note, in which `values` stand."""
        note = self.said("note", anchor, **values)
        return Fold(anchor, self.said("title", anchor), (note,) if note else (), tuple(tables))

    def share(self, value: float | None, low: float | None, high: float | None) -> str:
        """Return a share with its likely range: 61% (55–67%)."""
        if value is None:
            return NOT_KNOWN
        text = self.n.percent(value)
        return text if low is None or high is None else f"{text} ({self.n.percent_range(low, high)})"

    def ranged(self, written: Callable[[float], str], *ends: float | None, between: str = "–") -> str:
        """Return a number with its likely range, each `written`: 4.1 (2.2–6.0). `ends` are value, low and high."""
        value, low, high = ends
        if value is None:
            return NOT_KNOWN
        text = written(value)
        return text if low is None or high is None else f"{text} ({written(low)}{between}{written(high)})"

    def decimal(self, value: float | None, low: float | None = None, high: float | None = None) -> str:
        """Return a number to two decimals with its likely range: 0.87 (0.84–0.90)."""
        return self.ranged(self.n.ratio, value, low, high)

    def unweighted_notes(self) -> tuple[str, ...]:
        """Return a note that weights and clusters are left out of a look, where the plan names any."""
        section = self.result.plan.evaluation_set
        if not section.is_weighted and section.cluster is None:
            return ()
        return (self.unweighted_note(),)

    def unweighted_note(self) -> str:
        """Return the sentence that weights and clusters are left out."""
        return self.said("unweighted", _ANY)

    def group(self, group: Group) -> str:
        """Return the name of a group."""
        return self.names.group(group)

    def without_repeats(self, groups: Iterable[T], group_of: Callable[[T], Group]) -> list[T]:
        """Drop repeated groups. The same people can stand on every rung, such as those of unknown nationality."""
        first: dict[object, T] = {}
        for group in groups:
            first.setdefault(group_of(group).people, group)
        return list(first.values())

    def group_cell(self, group: Group) -> Cell:
        """Return the cell that names a group."""
        return self.cell("group", self.group(group), number=False)

    def listed(self, words: Sequence[str]) -> str:
        """Return several things one after the other: "a, b and c"."""
        *before, last = words
        return self.language.joined((self.language.joined(before, "list"), last), "ends") if before else last

    def more_in_result(self, count: int) -> str:
        """Return a note that further rows stand in the result file. Empty where there are none."""
        if count <= 0:
            return ""
        return self.counted("more_in_result", count, _ANY)

    def tabled(
        self,
        rows: Iterable[Row],
        sentences: Iterable[str],
        folds: Iterable[Fold] = (),
        *,
        by_result: bool = False,
        most: int = FIRST,
    ) -> Look:
        """Return the answer with a table of its first rows."""
        return self.answer(sentences, self.first(self.said("caption"), rows, by_result=by_result, most=most), folds)

    def first(
        self, caption: str, rows: Iterable[Row], *, by_result: bool = False, most: int = FIRST
    ) -> tuple[SmallTable, ...]:
        """Return a table of the first rows, with how many more the result file has. None where there are no rows.

        A column without a known value in any row is left out. `by_result` says that rows with likely ranges stand in
        the order of what came out, so that those of the first hold less often than they say.
        """
        every = tuple(rows)
        if not every:
            return ()
        columns = [column for column in range(len(every[0])) if any(row[column].text != NOT_KNOWN for row in every)]
        every = tuple(tuple(row[column] for column in columns) for row in every)
        if len(every) <= most + 2:
            return (SmallTable(caption, every),)
        notes = [self.words.sorted_by_result(self.result.plan.verdict.level)] if by_result else []
        notes.append(self.more_in_result(len(every) - most))
        return (SmallTable(caption, every[:most], self.language.joined(notes)),)
