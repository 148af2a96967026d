"""What should happen after a verdict: one text for the public page, its PDF and the files that pipelines read."""

from __future__ import annotations

from audit.public.cases import is_expired
from audit.public.release import PublicRelease
from reports.language import Language


def next_step(release: PublicRelease, language: Language, *, names_groups: bool) -> str:
    """What should happen next, and who should do it.

    Parameters
    ----------
    names_groups
        Whether the public figures name a group beyond a limit.
    """
    t = language.translations
    outcome = release.headline.outcome
    if outcome == "fail" and names_groups:
        return t.gettext(
            "Before anyone relies on this system, its operator should explain these gaps, correct them, and have "
            "it audited again."
        )
    if outcome == "fail":
        return t.gettext(
            "Before anyone relies on this system, its operator should learn from the auditor, who holds the exact "
            "figures, where it fails; explain that, correct it, and have it audited again."
        )
    if outcome == "pass" and is_expired(release):
        return t.gettext(
            "Before anyone relies on this system, its operator should have it audited again: this audit is past its "
            "expiry."
        )
    if outcome == "pass":
        return t.gettext(
            "Before anyone relies on this result, they should ask the auditor, who holds the figures, which groups "
            "could be judged. It holds for this version of the system and these cases. When either changes, the "
            "operator should have it audited again."
        )
    return t.gettext(
        "This is not a pass. The operator should ask the auditor, who holds the exact figures, why, put that "
        "right, and have the system audited again; until then nobody should rely on it as if it had passed."
    )
