"""Finds portals by entry point, as reporters are found: `audit` never names the package that renders them."""

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
    """A static site over public releases. The entry point `site` of `audit.makers` names a class of these."""

    name: str
    """What the entry point is called."""
    languages: tuple[str, ...]
    """The codes of the languages that it can write."""

    def render(self, site: PublicSite) -> Mapping[str, bytes]:
        """Every file by its path in the site, with `/` between folders. It is given nothing else than the releases."""
        ...


def find_portal(name: str = "site") -> Portal:
    """The portal that an installed package offers under this name.

    Raises
    ------
    AuditError
        None is offered, more than one, or it cannot be loaded.
    """
    portal: Portal = one_maker(name, "a portal", Portal)
    return portal


def portal_languages(portal: Portal, asked: str | None) -> tuple[str, ...]:
    """The languages in `asked`, codes with commas between them; English where it is None. Raises ArgumentError."""
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
    """The files of a portal. Raises AuditError where it fails, never with the text of that failure."""
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
    """Whether a file stays within the site, and out of the folder of what is copied."""
    parts = path.split("/")
    return parts[0] != "reports" and all(_PLAIN.fullmatch(part) for part in parts)
