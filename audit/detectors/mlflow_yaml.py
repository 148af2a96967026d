"""Read plain YAML from an untrusted file: texts, lists and tables, and no other feature of YAML.

Only the parser of PyYAML is used, event by event, without its construction of Python objects: no tag is obeyed, no
alias is followed, and no text becomes a number or a date. Anything that could be read in two ways is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from audit.detectors.extras import import_extra
from audit.errors import DetectorError

LARGEST: Final = 2**20
"""Most bytes of a description of a model."""
_MOST_VALUES: Final = 20_000
_DEEPEST: Final = 20
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})

Value = str | None | list[Any] | dict[str, Any]


class NotPlainError(ValueError):
    """The text is no YAML, or uses a refused feature. The message names the feature and quotes nothing."""


def read_plain_yaml(content: bytes) -> Value:
    """Read a document of texts, lists and tables. Numbers, dates and truth values stay texts.

    Raises
    ------
    NotPlainError
        It is no such document.
    """
    yaml = import_extra("yaml", kind="mlflow", extra="mlflow")
    try:
        events = yaml.parse(content.decode("utf-8"), Loader=yaml.SafeLoader)
        documents = list(_Reader(yaml, events).values(yaml.StreamEndEvent, 0))
    except UnicodeDecodeError:
        raise NotPlainError("it is not UTF-8") from None
    except yaml.YAMLError:
        raise NotPlainError("it is no YAML") from None
    if len(documents) != 1:
        raise NotPlainError("it is not one document")
    return documents[0]


class _Reader:
    """A reader of the parser's events, which counts the values."""

    def __init__(self, yaml: Any, events: Iterator[Any]) -> None:
        self._yaml = yaml
        self._events = events
        self._values = 0

    def values(self, end: type, depth: int) -> Iterator[Value]:
        """Yield values up to the event that ends their collection."""
        for event in self._events:
            if isinstance(event, end):
                return
            if isinstance(event, self._yaml.NodeEvent):
                yield self._value(event, depth)

    def _value(self, event: Any, depth: int) -> Value:
        if isinstance(event, self._yaml.AliasEvent):
            raise NotPlainError("it uses an alias (*)")
        if event.tag is not None:
            raise NotPlainError("it uses a tag (!)")
        self._values += 1
        if self._values > _MOST_VALUES:
            raise NotPlainError(f"it holds more than {_MOST_VALUES:,} values")
        if isinstance(event, self._yaml.ScalarEvent):
            plain = event.style is None
            if plain and event.value in ("<<", "="):
                raise NotPlainError(f"it uses {event.value}")
            return None if plain and event.value in _NULLS else str(event.value)
        if depth >= _DEEPEST:
            raise NotPlainError(f"it is nested more than {_DEEPEST} deep")
        inside = self.values(self._yaml.CollectionEndEvent, depth + 1)
        return list(inside) if isinstance(event, self._yaml.SequenceStartEvent) else _table(inside)


def _table(keys_and_values: Iterator[Value]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key in keys_and_values:
        if not isinstance(key, str):
            raise NotPlainError("a key is no text")
        if key in table:
            raise NotPlainError("a key stands twice in a table")
        table[key] = next(keys_and_values)
    return table


def unreadable(name: str, why: str) -> DetectorError:
    """Make the error for a description `name` that cannot be read; `why` quotes nothing of it."""
    return DetectorError(f"{name} cannot be read: {why}", slug="detector-mlflow")
