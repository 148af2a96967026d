"""Name an error of foreign code. Its text can quote a row, and so can the name of its type.

`type("E_" + text, (Exception,), {})` makes a type with any name. So a name is shown only if the type exists, under that
name, in the standard library or in a library that `libraries.txt` lists.
"""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Final

OWN: Final = "an error of its own"
"""Words for the type of any other error."""
_LIBRARIES: Final = frozenset(Path(__file__).with_name("libraries.txt").read_text(encoding="utf-8").split())


class RaisedThereError(Exception):
    """An error that was raised in another process; `name` is the name of its type, or `OWN`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def error_name(error: BaseException) -> str:
    """Name of the type of an error, or `OWN`."""
    if isinstance(error, RaisedThereError):
        return error.name
    kind = type(error)
    top = kind.__module__.partition(".")[0]
    known = top in _LIBRARIES or top in sys.stdlib_module_names
    home = sys.modules.get(kind.__module__)
    return kind.__name__ if known and getattr(home, kind.__qualname__, None) is kind else OWN


def is_builtin(name: str) -> bool:
    """Whether this is the name of an error of Python itself, which cannot hold the content of a row."""
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)
