"""Material of a portal, and its index: public releases, a day, languages, a publisher. No exact count has a place here.

`PublicSite` goes in, files come out; `PortalIndex` is the document `index.json` that every portal holds beside its
pages. Change a field of it only together with `INDEX_VERSION`.
"""

from __future__ import annotations

from typing import Final, Literal

from audit.public.release import PublicRelease
from audit.vocabulary.groups import Part
from audit.vocabulary.metrics import MetricName

INDEX_VERSION: Final = 4
INDEX_KIND: Final = "audit7k-portal"

State = Literal["fail", "inconclusive", "expired", "pass"]


class PublicAudit(Part):
    """One audit of a portal."""

    name: str
    """Name in the portal: letters alone, made from the digest, so that links stay valid when audits are added."""
    sha256: str
    """SHA-256 of its `release.json`."""
    release: PublicRelease
    """Public release of the audit."""
    report: bool
    """Whether the portal holds a copy of the `report.html` beside the release."""
    other_report: bool = False
    """Whether a `report.html` beside it is not what is made of the release here, and is not copied."""

    @property
    def system(self) -> str:
        """The system that it is of: what the plan calls it, or the whole title. With the owner it is its identity."""
        return self.release.about.system or self.release.about.title


class PublicText(Part):
    """Text of a publisher, in one language."""

    language: str
    """Code of the language; empty where the publisher names none."""
    paragraphs: tuple[str, ...]
    """Plain text."""


class PublicPublisher(Part):
    """Publisher of a portal, and what the publisher says there."""

    name: str
    """Name of the publisher."""
    contact: str = ""
    """Address to which readers write; empty where there is none."""
    logo: Literal["", "logo.png", "logo.svg"] = ""
    """File of the logo in the portal; empty where there is none."""
    texts: tuple[PublicText, ...] = ()
    """The publisher's text, once for each language."""


class PublicSite(Part):
    """All that a portal is rendered from."""

    audits: tuple[PublicAudit, ...]
    """The audits, by operator, system and day; of one day the worse verdict later, so that it is the latest."""
    today: str
    """The day on which validity is judged, as YYYY-MM-DD."""
    languages: tuple[str, ...]
    """Codes of languages; the first stands at the root."""
    publisher: PublicPublisher | None = None
    """The publisher; null where none is named."""


class IndexRate(Part):
    """A rate of everyone, from printed numbers."""

    value: float | None
    """The rate; null where only a bound or nothing is known."""
    low: float | None
    """Lower end of the likely range."""
    high: float | None
    """Upper end."""
    at_least: float | None
    """Lower bound of the rate, if errors or right answers are too rare for a rate."""
    at_most: float | None
    """Upper bound of the rate, if errors or right answers are too rare for a rate."""


class IndexGap(Part):
    """The printed row that is furthest worse off than everyone else, and by how much, in shares.

    Of the rows beyond the limit if there are any, else of the rows that the audit judges.
    """

    side: Literal["positives", "negatives", "both"]
    """Side of the row in the release."""
    row: str
    """Name of the row in the release, for example `gender:level=woman,nationality:country=NGA`."""
    beyond: bool
    """Whether the audit says that the row is beyond the limit."""
    gap: float
    """Distance of its rate from that of everyone else, towards harm."""
    low: float
    """Lower end: from the row's likely range; everyone else's rate is taken as printed."""
    high: float
    """Upper end."""
    limit: float
    """The distance at which the rule's limit lies for this row."""


class IndexRule(Part):
    """A rule of one audit."""

    rule: str
    """Id of the rule."""
    metric: MetricName
    """The rate."""
    scale: Literal["difference", "ratio"]
    """Scale on which a group is compared with everyone else."""
    limit: float
    """The margin of a difference, or the smallest ratio."""
    outcome: Literal["pass", "fail", "inconclusive"]
    """Verdict of the exact audit on the rule."""
    beyond: int
    """Number of printed rows that are beyond the limit; rows that are sums of others are left out, here and below."""
    smaller_beyond: int
    """Number of printed rows within which a smaller group is beyond it."""
    cannot_tell: int
    """Number of printed rows of which it cannot be told."""
    within: int
    """Number of printed rows within the limit."""
    everyone: IndexRate | None
    """The rate of everyone; null where the release has none."""
    furthest: IndexGap | None
    """The row furthest from everyone else; null where no judged row has a rate."""


class IndexAudit(Part):
    """One audit, as `index.json` lists it."""

    audit: str
    """Name of the audit in this portal."""
    title: str
    """The system and its version, as this audit names it."""
    finished: str
    """The day on which it ended, as YYYY-MM-DD."""
    valid_until: str | None
    """The day after which it should not be relied on; null where nobody declared one."""
    expired: bool
    """Whether that day lies before `today`."""
    outcome: Literal["pass", "fail", "inconclusive"]
    """The verdict, computed from the exact figures that the auditor holds."""
    no_group_named: bool
    """Whether a rule on groups fails, and no printed row says so."""
    set_id: str
    """Name of the set and key: gaps of two audits compare where it is the same."""
    rules: tuple[IndexRule, ...]
    """The rules on groups; first that on the primary harm."""
    page: str
    """Page of the audit in the portal, as a relative link."""
    release: str
    """The copy of its `release.json`, as a relative link."""
    report: str | None
    """The copy of its `report.html`, as a relative link; null where none was copied."""
    sha256: str
    """SHA-256 of its `release.json`."""


class IndexSystem(Part):
    """A system, and its audits from the oldest to the latest."""

    system: str
    """Name of the system: `system` of the plan, or the title if the plan gives none."""
    owner: str
    """Who answers for it."""
    use: str
    """Its use by the latest audit: a word of the plan's `use`."""
    state: State
    """State of the latest audit: `expired` for a pass that is no longer valid."""
    page: str
    """Page of the system, as a relative link."""
    audits: tuple[IndexAudit, ...]
    """Audits of the system, oldest first."""


class PortalIndex(Part):
    """The document `index.json` of a portal."""

    schema_version: int = INDEX_VERSION
    """Version of this form."""
    kind: Literal["audit7k-portal"] = INDEX_KIND
    """Kind of this file."""
    publisher: str
    """Name of the publisher; empty where none is named."""
    contact: str
    """Address to which readers write; empty where there is none."""
    today: str
    """The day on which validity was judged."""
    note: str
    """Note that must be read with the figures."""
    systems: tuple[IndexSystem, ...]
    """The systems: failing first, then inconclusive, expired, passing; by operator and name within these."""
