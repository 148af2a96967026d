"""Material of a portal, and its index: public releases, a day, languages. No exact count has a place here.

`PublicSite` goes in, files come out; `PortalIndex` is the document `index.json` that every portal holds beside its
pages. Change a field of it only together with `INDEX_VERSION`.
"""

from __future__ import annotations

from typing import Final, Literal

from audit.public.table import PublicRelease
from audit.vocabulary.groups import Group, Part
from audit.vocabulary.metrics import MetricName

INDEX_VERSION: Final = 2
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


class PublicSite(Part):
    """All that a portal is rendered from."""

    audits: tuple[PublicAudit, ...]
    """The audits, by operator, system and day; of one day the worse verdict later, so that it is the latest."""
    today: str
    """The day on which validity is judged, as YYYY-MM-DD."""
    languages: tuple[str, ...]
    """Codes of languages; the first stands at the root."""


class IndexRate(Part):
    """A rate of everyone, from protected counts."""

    metric: MetricName
    """The rate."""
    value: float | None
    """The rate; null where only a bound or nothing is known."""
    low: float | None
    """Lower end of the interval, which includes the noise."""
    high: float | None
    """Upper end."""
    at_least: float | None
    """Lower bound of the rate, if errors or right answers are too rare for a rate."""
    at_most: float | None
    """Upper bound of the rate, if errors or right answers are too rare for a rate."""


class IndexGroup(Part):
    """The group furthest beyond a limit, of those that the protected figures name."""

    group: str
    """`AUDIT:FEATURE:RUNG=CODE,…`: the audit's name, and the group as in the public table."""
    levels: Group
    """Group as a list of levels."""
    rule: str
    """Id of the rule whose limit it is beyond."""
    value: float | None
    """Rate of the group; null if only a bound is known."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end."""


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
    """A rule on groups fails, and the protected figures name none."""
    below: int | None
    """Verdicts on groups, in the protected figures: below a limit; null, as the next three, where no group has one."""
    meets: int | None
    """Verdicts on groups that meet the limit."""
    cannot_tell: int | None
    """Verdicts on groups whose shown rate does not decide."""
    not_shown: int | None
    """Verdicts on groups whose rate is not shown. Version 1 counted them as `cannot_tell`."""
    everyone: IndexRate
    """The rate in which the primary harm shows, over everyone."""
    furthest: IndexGroup | None
    """The group furthest beyond a limit; null where none is named."""
    previous: str | None
    """Name of the audit of the same system before this one."""
    following: str | None
    """Name of the one after it."""
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
    today: str
    """The day on which validity was judged."""
    note: str
    """Note that must be read with the figures."""
    systems: tuple[IndexSystem, ...]
    """The systems: failing first, then inconclusive, expired, passing; by operator and name within these."""


def site_row(audit: str, group: str = "") -> str:
    """Return the text by which a portal's file says whose numbers an element holds: an audit's, or one group's."""
    return f"{audit}:{group}" if group else audit
