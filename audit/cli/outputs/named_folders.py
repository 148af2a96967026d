"""Folders of an output folder: the public one, and the restricted one, which can lie elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.errors import ArgumentError

if TYPE_CHECKING:
    from audit.plan.sections import DisclosureSection

PUBLIC: Final = "public"
"""Folder within an output folder that may leave the house; nothing else in it may."""
RESTRICTED: Final = "restricted"
"""Folder within an output folder that holds the key and the log, unless another is named."""


def public_folder(out: Path) -> Path:
    """Return the only folder of an output folder that may leave the house."""
    return out / PUBLIC


def find_restricted_folder(
    out: Path, disclosure: DisclosureSection, plan_folder: Path | None, named: Path | None
) -> Path:
    """Return the restricted folder: the named one, else the plan's, else the one in the output folder.

    Raises
    ------
    ArgumentError
        If the plan names one, and the place of the plan is not known.
    """
    if named is not None:
        return named
    if disclosure.folder is None:
        return out / RESTRICTED
    if plan_folder is None and not disclosure.folder.is_absolute():
        raise ArgumentError(
            "the plan keeps its restricted folder beside itself, and a result does not say where the plan is",
            slug="restricted-folder-unknown",
        )
    return (plan_folder or Path()) / disclosure.folder
