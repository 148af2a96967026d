"""What installed packages offer by entry point: names without an import, and offers, loaded; and what `reports` has."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.errors import AuditError
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

KINDS: Final = "audit.detectors"
"""Group of the kinds of detectors."""


def names_offered(group: str) -> tuple[str, ...]:
    """Names that installed packages offer in a group, sorted. Nothing is imported."""
    return tuple(sorted(set(_offered(group).names)))


def offers_of(group: str, name: str) -> list[EntryPoint]:
    """Offers of this name. A package that stands on the path twice offers once."""
    offers = _offered(group).select(name=name)
    return list({(offer.value, package_of(offer)): offer for offer in offers}.values())


def _offered(group: str) -> EntryPoints:
    return _offered_from(group, tuple((entry, _changed(entry)) for entry in sys.path))


def _changed(entry: str) -> int | None:
    """Time at which a place on the path changed; None where this user sees nothing there."""
    try:
        return Path(entry).stat().st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=8)
def _offered_from(group: str, _: tuple[tuple[str, int | None], ...]) -> EntryPoints:
    """Read what all packages offer once, as long as nobody installs one."""
    from importlib.metadata import entry_points

    return entry_points(group=group)


def package_of(offer: EntryPoint) -> str:
    """Name of the package that offers it."""
    return offer.dist.name if offer.dist is not None else "an unnamed package"


def packages_of(offers: Sequence[EntryPoint]) -> str:
    """Names of the packages that offer these."""
    return ", ".join(sorted({package_of(offer) for offer in offers}))


def made(offer: EntryPoint) -> Any:
    """Load an offer. Of a class, make one. Raises whatever the package raises."""
    loaded = offer.load()
    return loaded() if isinstance(loaded, type) else loaded


def ours(what: str, entry_point: str) -> Any:
    """Import `module:name` of `reports`, which this package never names in an import; `what` is its name in a message.

    Raises AuditError if it cannot be loaded: a file of somebody else may hide ours.
    """
    module, _, name = entry_point.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        raise AuditError(
            f"{what} cannot be loaded ({type(error).__name__}); {who_answered(module)}", slug="reporter-not-loaded"
        ) from error


def reporters_offered(
    names: Sequence[str], group: str, is_one: Callable[[Any], bool], error: type[AuditError]
) -> list[Any]:
    """Load the reporters with these names, in their order, each once.

    Parameters
    ----------
    is_one : callable
        Whether an object follows the protocol.
    error : type
        What a wrong name raises.

    Raises
    ------
    AuditError
        If nobody offers a name, two packages offer it, or two reporters write one file: `error`. If a reporter cannot
        be loaded, or is none.
    """
    reporters: list[Any] = []
    for name in dict.fromkeys(names):
        offers = offers_of(group, name)
        if not offers:
            shown_name, known = printable(name)[:60], ", ".join(names_offered(group)) or "none"
            raise error(f'no reporter "{shown_name}"', slug="unknown-reporter", hint=f"installed here: {known}")
        if len(offers) > 1:
            raise error(
                f'more than one installed package offers the reporter "{name}": {packages_of(offers)}',
                slug="ambiguous-reporter",
                hint="uninstall all but one of them",
            )
        reporter = _reporter(offers[0], is_one)
        if reporter.filename in [other.filename for other in reporters]:
            raise error(
                f"two of these reporters write {reporter.filename}", slug="same-report-file", hint="ask for one"
            )
        reporters.append(reporter)
    return reporters


def _reporter(offer: EntryPoint, is_one: Callable[[Any], bool]) -> Any:
    try:
        reporter = made(offer)
    except AuditError:  # it says what it lacks
        raise
    except (Exception, SystemExit) as error:
        raise AuditError(
            f'the reporter "{offer.name}" of {package_of(offer)} cannot be loaded ({type(error).__name__}); '
            f"{who_answered(offer.module)}",
            slug="reporter-not-loaded",
        ) from error
    if not is_one(reporter):
        raise AuditError(
            f'the reporter "{offer.name}" of {package_of(offer)} is none: it needs name, filename and render',
            slug="reporter-not-loaded",
            hint='see "A report" in CONTRIBUTING.md',
        )
    return reporter


def who_answered(name: str) -> str:
    """Which file Python took for the top-level package of a module: a user's own folder can hide it."""
    top = name.partition(".")[0]
    module = sys.modules.get(top)
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    if module is None:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            spec = None
        places = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
    file = next((file for file in places if file), None)
    return f'"{top}" is {file} here' if file else f'nothing answers to "{top}"'
