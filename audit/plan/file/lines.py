"""Line of each key in a TOML text: tomllib reads values and forgets where they were."""

from __future__ import annotations

import contextlib
import re
import tomllib
from dataclasses import dataclass, field
from typing import Final

Where = tuple[str | int, ...]
"""Path to a value: keys of tables and positions in lists, counted from 0."""

_DEEPEST: Final = 32
"""Most keys on the path to a value; deeper positions are not worth their memory."""
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")
_STRINGS: Final = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class KeyLines:
    """Lines of the keys of a TOML text. Best effort: a key that is not found has no line, which causes no error."""

    def __init__(self, lines: dict[Where, int]) -> None:
        self._lines = lines

    @classmethod
    def of(cls, text: str) -> KeyLines:
        """Find the lines of every key in `text`, which tomllib has read without an error."""
        scan = _Scan(text.replace("\r\n", "\n"))
        with contextlib.suppress(RecursionError, ValueError):
            scan.document()
        return cls(scan.lines)

    def line(self, where: Where) -> int | None:
        """Line (from 1) of the value at `where`, or of the nearest table or list around it that is written out."""
        for end in range(len(where), 0, -1):
            line = self._lines.get(where[:end])
            if line is not None:
                return line
        return None


@dataclass
class _Scan:
    text: str
    at: int = 0
    lines: dict[Where, int] = field(default_factory=dict)
    entries: dict[Where, int] = field(default_factory=dict)
    """Number of `[[headers]]` of each array of tables so far."""
    counted: tuple[int, int] = (0, 1)
    """A place in the text and its line, from which counting goes on."""

    def document(self) -> None:
        table: Where = ()
        while self._skip_blank() < len(self.text):
            if self.text.startswith("[[", self.at):
                table = self._header("[[")
            elif self.text[self.at] == "[":
                table = self._header("[")
            else:
                self._pair(table)

    def _header(self, opening: str) -> Where:
        self.at += len(opening)
        keys = self._keys()
        table = self._found((), keys[:-1])
        table = (*table, keys[-1]) if opening == "[[" else self._found(table, keys[-1:])
        if opening == "[[":
            self.lines.setdefault(table, self._line())
            index = self.entries.get(table, 0)
            self.entries[table] = index + 1
            table = (*table, index)
            self.lines[table] = self._line()
        self._expect("]" * len(opening))
        return table

    def _found(self, table: Where, keys: tuple[str, ...]) -> Where:
        """Walk from `table` along `keys`, into the newest entry of each array of tables on the way."""
        if len(table) + len(keys) > _DEEPEST:
            raise ValueError("deeper than any plan")
        for key in keys:
            table = (*table, key)
            self.lines.setdefault(table, self._line())
            if table in self.entries:
                table = (*table, self.entries[table] - 1)
        return table

    def _pair(self, table: Where) -> None:
        line_of_key = self._found(table, self._keys())
        self._expect("=")
        self._value(line_of_key)

    def _keys(self) -> tuple[str, ...]:
        keys: list[str] = []
        while True:
            self._skip_blank()
            quoted = next((matched for kind in _STRINGS[2:] if (matched := kind.match(self.text, self.at))), None)
            bare = quoted or _BARE_KEY.match(self.text, self.at)
            if bare is None:
                raise ValueError("no key here")
            self.at = bare.end()
            keys.append(tomllib.loads(f"key = {quoted[0]}")["key"] if quoted else bare[0])
            self._skip_blank()
            if not self.text.startswith(".", self.at):
                return tuple(keys)
            self.at += 1

    def _value(self, where: Where) -> None:
        self._skip_blank()
        first = self.text[self.at : self.at + 1]
        if first == "[":
            self._list(where)
        elif first == "{":
            self._inline_table(where)
        else:
            kinds = (*_STRINGS, _SCALAR) if first in "\"'" else (_SCALAR,)
            ends = [matched.end() for kind in kinds if (matched := kind.match(self.text, self.at))]
            self.at = ends[0]

    def _list(self, where: Where) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() < len(self.text) and self.text[self.at] != "]":
            self.lines[*where, index] = self._line()
            self._value((*where, index))
            index += 1
            self._skip_blank()
            if self.text.startswith(",", self.at):
                self.at += 1
        self._expect("]")

    def _inline_table(self, where: Where) -> None:
        self.at += 1
        while self._skip_blank() < len(self.text) and self.text[self.at] != "}":
            self._pair(where)
            self._skip_blank()
            if self.text.startswith(",", self.at):
                self.at += 1
        self._expect("}")

    def _skip_blank(self) -> int:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.at

    def _expect(self, closing: str) -> None:
        self._skip_blank()
        if not self.text.startswith(closing, self.at):
            raise ValueError("not where it was expected")
        self.at += len(closing)

    def _line(self) -> int:
        offset, line = self.counted
        line += self.text.count("\n", offset, self.at)
        self.counted = (self.at, line)
        return line
