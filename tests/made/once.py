"""Results and releases that take seconds to make, made once for all workers of a run of the tests."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

kept: dict[str, Path] = {}
"""The folder that the workers share, as `folder`; nothing where there is one worker."""


def made_once(make: Callable[..., T]) -> Callable[..., T]:
    """Call a function once with the same arguments, named or left out, and not at all where another worker has."""
    takes = inspect.signature(make)

    def asked(*given: Any, **named: Any) -> T:
        bound = takes.bind(*given, **named)
        bound.apply_defaults()
        return made(*bound.args)

    @functools.cache
    def made(*arguments: Any) -> T:
        if "folder" not in kept:
            return make(*arguments)
        name = hashlib.blake2b(repr((make.__module__, make.__qualname__, arguments)).encode()).hexdigest()[:32]
        path = kept["folder"] / name
        if not path.exists():
            whole = path.with_name(f"{name}-{os.getpid()}")
            whole.write_bytes(pickle.dumps(make(*arguments)))
            whole.rename(path)
        found: T = pickle.loads(path.read_bytes())
        return found

    return functools.wraps(make)(asked)
