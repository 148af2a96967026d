"""A static site over many audits: systems and their history, a summary for each operator, a feed, an index.

Only public releases are rendered: `PublicSite` has no place for an exact count. Pages are HTML files without
scripts, requests or inline styles, with relative links, so that the site works from a disk and from any folder of a
server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from audit.vocabulary.text import LANGUAGES
from reports.portal.pages import pages

if TYPE_CHECKING:
    from audit.public.site import PublicSite

__all__ = ["SitePortal"]


class SitePortal:
    """The renderer of a portal."""

    name: str = "site"
    languages: tuple[str, ...] = LANGUAGES
    """The languages that the portal can write, by the codes of `audit.vocabulary.text`."""

    def render(self, site: PublicSite) -> Mapping[str, bytes]:
        """Return every page by its path: the first language at the root, the others in folders named by their code."""
        return pages(site)
