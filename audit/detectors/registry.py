"""Find the class of a detector by the kind in the plan, and import nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.detectors.error_names import error_name
from audit.detectors.protocol import API_VERSION, Detector, TableDetector
from audit.errors import AuditError, DetectorError
from audit.plan.offers import KINDS, names_offered, offers_of, package_of, packages_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def make_detector(section: Any, folder: Path) -> Detector | TableDetector:
    """Make the detector of a plan.

    Parameters
    ----------
    section : a detector section of a plan
        Its `kind` names the entry point. The class is called with the section and `folder`.
    folder : Path
        The folder of the plan.

    Raises
    ------
    DetectorError
        No package, or more than one, offers the kind. Or its class cannot be imported, raises when it is called, or
        follows another version of the protocol.
    """
    offer = _find(section.kind)
    detector = _made(offer, section, folder)
    version = getattr(detector, "api_version", None)
    if version != API_VERSION:
        raise DetectorError(
            f"the detector kind {offer.name!r} from {package_of(offer)} follows "
            f"version {version if isinstance(version, int) else 'unknown'} of the detector protocol, "
            f"this version of audit7k needs {API_VERSION}",
            slug="detector-api-version",
            hint=f"install a version of {package_of(offer)} made for protocol {API_VERSION}",
        )
    return detector


def _find(kind: str) -> EntryPoint:
    offers = offers_of(KINDS, kind)
    if not offers:
        raise DetectorError(
            f"no detector kind {kind!r}",
            slug="unknown-detector-kind",
            hint=f"the kinds installed here are: {', '.join(names_offered(KINDS)) or 'none'}",
        )
    if len(offers) > 1:
        raise DetectorError(
            f"more than one installed package offers the detector kind {kind!r}: {packages_of(offers)}",
            slug="ambiguous-detector-kind",
        )
    return offers[0]


def _load(offer: EntryPoint) -> Any:
    try:
        return offer.load()
    except (Exception, SystemExit) as error:
        raise DetectorError(
            f"the detector kind {offer.name!r} from {package_of(offer)} cannot be imported ({error_name(error)})",
            slug="detector-import",
            hint=f"reinstall {package_of(offer)}; its entry point is {offer.value}",
        ) from None


def _made(offer: EntryPoint, section: Any, folder: Path) -> Detector | TableDetector:
    try:
        detector: Detector | TableDetector = _load(offer)(section, folder)
    except AuditError:
        raise
    except (Exception, SystemExit) as error:
        raise DetectorError(
            f"the detector kind {offer.name!r} from {package_of(offer)} cannot be made: it raised {error_name(error)}",
            slug="detector-made",
        ) from None
    return detector
