"""The files of a public release as texts."""

from __future__ import annotations

from collections.abc import Sequence

from audit.disclosure.public_files import find_public_reporters
from audit.public.release import PublicRelease


def public_texts(release: PublicRelease, formats: Sequence[str]) -> dict[str, str]:
    """Text of each file, by its name."""
    return {reporter.filename: reporter.content(release).decode() for reporter in find_public_reporters(formats)}
