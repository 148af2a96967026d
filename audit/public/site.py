"""Material of a portal, and its index: public releases, a day, languages, a publisher. No exact count has a place here.

`PublicSite` goes in, files come out; `PortalIndex` is the document `index.json` that every portal holds beside its
pages. Change a field of it only together with `INDEX_VERSION`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from audit.public.release import PublicRate, PublicRelease, PublicRule
from audit.vocabulary.attempts import AuditSeal
from audit.vocabulary.groups import Part

INDEX_VERSION: Final = 6
INDEX_KIND: Final = "audit7k-portal"
State = Literal["fail", "inconclusive", "expired", "pass"]


class PublicAudit(Part):
    """One audit of a portal."""

    name: str
    """Name in the portal: letters alone, made from `audit`, so that links stay valid when audits are added."""
    audit: str
    """Digest of the result under its key, and of the day: the same in all its languages and formats."""
    sha256: str
    """SHA-256 of the release that is shown."""
    release: PublicRelease
    report: bool
    other_report: bool = False
    """Whether a `report.html` beside it is not what is made of the release here, and is not copied."""
    seal: AuditSeal | None = None
    evidence: bool = False

    @property
    def system(self) -> str:
        """The system that it is of: what the plan calls it, or the whole title. With the owner it is its identity."""
        return self.release.about.system or self.release.about.title


class PublicPublisher(Part):
    """Publisher of a portal, and what the publisher says there."""

    name: str
    contact: str = ""
    logo: Literal["", "logo.png", "logo.svg"] = ""
    texts: Mapping[str, tuple[str, ...]] = {}
    """Paragraphs of the publisher by the code of their language; it is empty where the publisher names none."""


class PublicSite(Part):
    """All that a portal is rendered from."""

    audits: tuple[PublicAudit, ...]
    """The audits, by operator, system and day; of one day the worse verdict later, so that it is the latest."""
    today: str
    languages: tuple[str, ...]
    publisher: PublicPublisher | None = None


class IndexGap(Part):
    """Of rows beyond the limit that with most people apart from everyone else, else of those judged the furthest; in
    shares.
    """

    side: Literal["positives", "negatives", "both"]
    row: str
    """Name of the row in the release, for example `gender:level=woman,nationality:country=NGA`."""
    beyond: bool
    gap: float
    """Distance of its rate from that of everyone else, towards harm."""
    low: float
    """Lower end: from the row's likely range; everyone else's rate is taken as printed."""
    high: float
    limit: float


class IndexRule(PublicRule):
    """A rule of one audit, and what printed rows say under it."""

    beyond: int
    """Number of findings beyond the limit: of printed rows, or one where the rule fails and no row says of whom."""
    smaller_beyond: int
    """Number of these that are about a smaller group within a row."""
    cannot_tell: int
    not_judged_alone: int
    within: int
    everyone: PublicRate | None
    furthest: IndexGap | None
    """The row that is named; null where no judged row has a rate."""


class IndexAudit(Part):
    """One audit, as `index.json` lists it."""

    audit: str
    title: str
    finished: str
    valid_until: str | None
    expired: bool
    outcome: Literal["pass", "fail", "inconclusive"]
    """The verdict as far as it may be relied on; without its expiry."""
    no_group_named: bool
    set_id: str
    rules: tuple[IndexRule, ...]
    page: str
    release: str
    report: str | None
    evidence: str | None
    seal: AuditSeal | None
    sha256: str


class IndexSystem(Part):
    """A system, and its audits from the oldest to the latest."""

    system: str
    owner: str
    use: str
    state: State
    """State of the latest audit: `expired` for a pass that is no longer valid."""
    page: str
    audits: tuple[IndexAudit, ...]


class PortalIndex(Part):
    """The document `index.json` of a portal."""

    schema_version: int = INDEX_VERSION
    kind: Literal["audit7k-portal"] = INDEX_KIND
    publisher: str
    contact: str
    today: str
    note: str
    systems: tuple[IndexSystem, ...]
    """The systems: failing first, then inconclusive, expired, passing; by operator and name within these."""
