"""Read plain YAML from an untrusted file: texts, lists and tables, and no other feature of YAML.

Only the parser of PyYAML is used, event by event, without its construction of Python objects: no tag is obeyed, no
alias is followed, and no text becomes a number or a date. Anything that could be read in two ways is refused.
"""

from __future__ import annotations

from typing import Any, Final

from audit.detectors.extras import import_extra

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
    builder = _Builder(yaml)
    try:
        for event in yaml.parse(content.decode("utf-8"), Loader=yaml.SafeLoader):
            builder.take(event)
    except UnicodeDecodeError:
        raise NotPlainError("it is not UTF-8") from None
    except yaml.YAMLError:
        raise NotPlainError("it is no YAML") from None
    return builder.document()


class _Builder:
    """A builder with the open lists and tables, outermost first, and the keys that wait for a value."""

    def __init__(self, yaml: Any) -> None:
        self._yaml = yaml
        self._root: list[Any] = []
        self._open: list[list[Any] | dict[str, Any]] = [self._root]
        self._keys: list[str | None] = [None]
        self._values = 0

    def take(self, event: Any) -> None:
        """Take the next event of the parser."""
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent):
            raise NotPlainError("it uses an alias (*)")
        if isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._tagless(event)
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()

    def document(self) -> Value:
        """The document that was read."""
        if len(self._root) != 1:
            raise NotPlainError("it is not one document")
        value: Value = self._root[0]
        return value

    def _scalar(self, event: Any) -> str | None:
        self._tagless(event)
        text: str = event.value
        plain = event.style is None
        if plain and text in ("<<", "="):
            raise NotPlainError(f"it uses {text}")
        return None if plain and text in _NULLS else text

    def _tagless(self, event: Any) -> None:
        if event.tag is not None:
            raise NotPlainError("it uses a tag (!)")

    def _begin(self, collection: list[Any] | dict[str, Any]) -> None:
        if len(self._open) > _DEEPEST:
            raise NotPlainError(f"it is nested more than {_DEEPEST} deep")
        self._put(collection)
        self._open.append(collection)
        self._keys.append(None)

    def _put(self, value: Value) -> None:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise NotPlainError(f"it holds more than {_MOST_VALUES:,} values")
        around, key = self._open[-1], self._keys[-1]
        if isinstance(around, list):
            around.append(value)
        elif key is None:
            if not isinstance(value, str):
                raise NotPlainError("a key is no text")
            if value in around:
                raise NotPlainError("a key stands twice in a table")
            self._keys[-1] = value
        else:
            around[key] = value
            self._keys[-1] = None
