"""Import of fairlearn and AIF360 without what none of their rates uses, which takes two thirds of the time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final, TypeVar

_OF_SCIPY: Final = ("integrate", "sparse.linalg", "spatial", "stats")
_OF_SKLEARN: Final = ("metrics.cluster", "model_selection", "neighbors", "preprocessing", "utils.parallel")
_OF_AIF360: Final = ("algorithms", "detectors", "sklearn")
UNUSED: Final = (
    *(f"scipy.{name}" for name in _OF_SCIPY),
    *(f"sklearn.{name}" for name in _OF_SKLEARN),
    *(f"aif360.{name}" for name in _OF_AIF360),
    *("joblib", "narwhals", "pandas"),
)
"""Packages that the libraries import for models, distributions, frames of data, and work in parallel."""

_T = TypeVar("_T")


@contextmanager
def light_import() -> Iterator[None]:
    """Let packages of `UNUSED` that are not loaded yet be stood in for. Afterwards they are imported as ever; a name
    that was taken meanwhile stands for the real one.
    """
    finder = _StandIns(tuple(name for name in UNUSED if name not in sys.modules))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.withdraw()


def imported_lightly(load: Callable[[], _T]) -> _T:
    """Return what `load` imports: lightly, or as ever where another version of a library needs more than is here."""
    with suppress(Exception), light_import():
        return load()
    return load()


class _StandIns:
    """Finder and loader of empty modules."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = packages
        self._made: list[str] = []

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if any(name == package or name.startswith(f"{package}.") for package in self._packages):
            return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        self._made.append(spec.name)
        module.__dict__["__getattr__"] = lambda name: _later(self, spec.name, name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty."""

    def withdraw(self) -> None:
        """Take every empty module away, so that whoever wants one has the real one."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in self._made:
            module = sys.modules.pop(name)
            parent, _, own = name.rpartition(".")
            vars(sys.modules.get(parent, module)).pop(own, None)
        self._made.clear()


class _Later:
    """Name in a module that is imported when the name is first used."""

    def __init__(self, finder: _StandIns, module: str, name: str) -> None:
        self.__dict__.update(_finder=finder, _module=module, _name=name)

    def __call__(self, *arguments: Any, **further: Any) -> Any:
        return self._real()(*arguments, **further)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # as the names of types ask for each other
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __instancecheck__(self, thing: object) -> bool:
        return isinstance(thing, self._real())

    def __mro_entries__(self, _: object) -> tuple[Any]:
        return (self._real(),)

    def _real(self) -> Any:
        self._finder.withdraw()
        return getattr(import_module(self._module), self._name)


def _later(finder: _StandIns, module: str, name: str) -> _Later:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Later(finder, module, name)
