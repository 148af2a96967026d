"""`release.json`: the release itself. Every other public file says a part of it."""

from __future__ import annotations

from typing import Final

from audit.public.release import PublicRelease, public_json


class PublicJsonReporter:
    """Writes `release.json`."""

    name: Final = "json"
    filename: Final = "release.json"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The canonical text of the release: the same bytes for the same numbers."""
        return public_json(release)
