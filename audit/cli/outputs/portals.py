"""Portals, found by entry point as reporters are: `audit` never names the package that renders them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from audit.cli.console.guard import ArgumentError
from audit.errors import AuditError
from audit.plan.offers import one_maker
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.public.site import PublicSite

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@runtime_checkable
class Portal(Protocol):
    """Static site over public releases. The entry point `site` of `audit.makers` names a class of this kind."""

    name: str
    """Name of the entry point."""
    languages: tuple[str, ...]
    """Codes of the languages that it can write."""

    def render(self, site: PublicSite) -> Mapping[str, bytes]:
        """Return every file by its path in the site, with `/` between folders. It gets releases alone."""
        ...


def find_portal(name: str = "site") -> Portal:
    """Return the portal that an installed package offers under this name.

    Raises
    ------
    AuditError
        If no package offers one, if several do, or if it cannot be loaded.
    """
    portal: Portal = one_maker(name, "a portal", Portal)
    return portal


def portal_languages(portal: Portal, asked: str | None) -> tuple[str, ...]:
    """Read the languages in `asked`, codes separated by commas; English if it is None. Raises ArgumentError."""
    codes = tuple(dict.fromkeys(code.strip().lower() for code in (asked or "en").split(",")))
    for code in codes:
        if code not in portal.languages:
            raise ArgumentError(
                f'the portal has no language "{printable(code)[:60]}"',
                slug="unknown-language",
                hint=f"it has {', '.join(portal.languages)}; several with commas between them: --lang fr,ar,en",
            )
    return codes


def portal_files(portal: Portal, site: PublicSite) -> dict[str, bytes]:
    """Render the files of a portal. Raises AuditError if it fails, never with the text of that failure."""
    try:
        files = dict(portal.render(site))
    except AuditError:
        raise
    except Exception as error:
        raise AuditError(
            f"the portal failed ({type(error).__name__})", slug="portal-failed", hint="run again as `audit7k --debug …`"
        ) from error
    if not all(_is_plain(path) and isinstance(content, bytes) for path, content in files.items()):
        raise AuditError("the portal makes something else than files", slug="portal-failed", hint="reinstall audit7k")
    return files


def _is_plain(path: str) -> bool:
    """Say whether a file stays within the site, and outside the folder of copied files."""
    parts = path.split("/")
    return parts[0] != "reports" and all(_PLAIN.fullmatch(part) for part in parts)
