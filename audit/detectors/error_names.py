"""Names an error that somebody else's code raised. Its text can quote a row, and so can the name of its type.

`type("E_" + text, (Exception,), {})` makes a type with any name. So a name is told only of a type that stands, under
that name, in the standard library or in a library that is known here.
"""

from __future__ import annotations

import builtins
import sys
from typing import Final

__all__ = ["OWN", "RaisedThereError", "is_builtin", "name_of"]

OWN: Final = "an error of its own"
"""What is told of any other type."""
_LIBRARIES: Final = frozenset(
    {
        "audit",
        "duckdb",
        "httpcore2",
        "numpy",
        "onnxruntime",
        "pandas",
        "pyarrow",
        "pydantic",
        "safetensors",
        "scipy",
        "sklearn",
        "skops",
        "tokenizers",
        "torch",
        "transformers",
    }
)


class RaisedThereError(Exception):
    """Stands for an error that was raised in another process; `name` is what is told of it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def name_of(error: BaseException) -> str:
    """The name of the type of an error, or that it is one of its own."""
    if isinstance(error, RaisedThereError):
        return error.name
    kind = type(error)
    top = kind.__module__.partition(".")[0]
    known = top in _LIBRARIES or top in sys.stdlib_module_names
    home = sys.modules.get(kind.__module__)
    return kind.__name__ if known and getattr(home, kind.__qualname__, None) is kind else OWN


def is_builtin(name: str) -> bool:
    """Whether this is the name of an error of Python itself, which says nothing of anybody."""
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)
