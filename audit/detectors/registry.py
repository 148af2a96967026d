"""Finds the class of a detector by the kind that the plan names, and imports nothing else."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from audit.detectors.error_names import name_of
from audit.detectors.protocol import API_VERSION, Detector, TableDetector
from audit.errors import AuditError, DetectorError

ENTRY_POINT_GROUP: Final = "audit.detectors"
"""Where packages offer kinds. `audit.plan.detectors` has the same word: a plan is checked without this layer."""


def known_kinds() -> tuple[str, ...]:
    """Kinds that installed packages offer, sorted; none of them is imported."""
    return tuple(sorted(entry_points(group=ENTRY_POINT_GROUP).names))


def make_detector(section: Any, folder: Path) -> Detector | TableDetector:
    """Make the detector of a plan.

    Parameters
    ----------
    section : a detector section of a plan
        Its `kind` names the entry point; the class is called with the section and `folder`.
    folder : Path
        The folder of the plan.

    Raises
    ------
    DetectorError
        No package, or more than one, offers the kind; or its class cannot be imported, raises when it is called, or
        follows another version of the protocol.
    """
    found = _find(section.kind)
    made = _made(found, section, folder)
    version = getattr(made, "api_version", None)
    if version != API_VERSION:
        raise DetectorError(
            f"the detector kind {found.name!r} from {_package(found)} follows "
            f"version {version if isinstance(version, int) else 'unknown'} of the detector protocol, "
            f"this version of audit7k needs {API_VERSION}",
            slug="detector-api-version",
            hint=f"install a version of {_package(found)} made for protocol {API_VERSION}",
        )
    return made


def _find(kind: str) -> EntryPoint:
    offers = {(offer.value, _package(offer)): offer for offer in entry_points(group=ENTRY_POINT_GROUP, name=kind)}
    if not offers:
        raise DetectorError(
            f"no detector kind {kind!r}",
            slug="unknown-detector-kind",
            hint=f"the kinds installed here are: {', '.join(known_kinds()) or 'none'}",
        )
    if len(offers) > 1:
        packages = ", ".join(sorted({_package(offer) for offer in offers.values()}))
        raise DetectorError(
            f"more than one installed package offers the detector kind {kind!r}: {packages}",
            slug="ambiguous-detector-kind",
            hint="uninstall all but one of them",
        )
    return next(iter(offers.values()))


def _load(found: EntryPoint) -> Any:
    try:
        return found.load()
    except (Exception, SystemExit) as error:
        raise DetectorError(
            f"the detector kind {found.name!r} from {_package(found)} cannot be imported ({name_of(error)})",
            slug="detector-import",
            hint=f"reinstall {_package(found)}; its entry point is {found.value}",
        ) from None


def _made(found: EntryPoint, section: Any, folder: Path) -> Detector | TableDetector:
    try:
        made: Detector | TableDetector = _load(found)(section, folder)
    except AuditError:
        raise
    except (Exception, SystemExit) as error:
        raise DetectorError(
            f"the detector kind {found.name!r} from {_package(found)} cannot be made: it raised {name_of(error)}",
            slug="detector-made",
            hint="check what its documentation says of [detector], and of `options` there",
        ) from None
    return made


def _package(found: EntryPoint) -> str:
    return found.dist.name if found.dist is not None else "an unnamed package"
