"""`index.json`: the list of the portal for machines. Its form is `audit.public.site.PortalIndex`."""

from __future__ import annotations

from audit.public.cases import relied_on
from audit.public.release import PublicRule
from audit.public.site import IndexAudit, IndexGap, IndexRule, IndexSystem, PortalIndex, PublicSite
from audit.vocabulary.numbers import half_up
from reports.portal.gaps import Figures, Gap
from reports.portal.systems import System, is_expired

_NOTE = (
    "Verdicts are those of the exact audits. Numbers are of printed rows, each changed by a few to protect people. Do "
    "not sum or subtract them, within an audit or across audits. Gaps of audits compare where set_id is the same."
)
_DIGITS = 6


def index_document(site: PublicSite, systems: tuple[System, ...], figures: dict[str, Figures]) -> bytes:
    """Return the document. Its links are relative to it and lead to the first language."""
    index = PortalIndex(
        publisher=site.publisher.name if site.publisher else "",
        contact=site.publisher.contact if site.publisher else "",
        today=site.today,
        note=_NOTE,
        systems=tuple(_system(system, figures, site.today) for system in systems),
    )
    return (index.model_dump_json(indent=1) + "\n").encode()


def _system(system: System, figures: dict[str, Figures], today: str) -> IndexSystem:
    return IndexSystem(
        system=system.name,
        owner=system.owner,
        use=system.use,
        state=system.state,
        page=system.page,
        audits=tuple(_audit(figures[audit.name], system, today) for audit in system.audits),
    )


def _audit(figures: Figures, system: System, today: str) -> IndexAudit:
    audit, release = figures.audit, figures.release
    folder = f"reports/{audit.name}"
    return IndexAudit(
        audit=audit.name,
        title=release.about.title,
        finished=release.about.finished,
        valid_until=release.about.valid_until,
        expired=is_expired(audit, today),
        outcome=relied_on(release),
        no_group_named=release.headline.no_group_named,
        set_id=release.set_id,
        rules=tuple(_rule(figures, rule) for rule in figures.reading.rules),
        page=f"{system.page}#{audit.name}",
        release=f"{folder}/release.json",
        report=f"{folder}/report.html" if audit.report else None,
        evidence=f"{folder}/evidence.a7k" if audit.evidence else None,
        seal=audit.seal,
        sha256=audit.sha256,
    )


def _rule(figures: Figures, rule: PublicRule) -> IndexRule:
    tally, gap, everyone = figures.tally(rule), figures.furthest(rule), figures.everyone(rule)
    return IndexRule(
        **rule.model_dump(),
        beyond=tally.beyond,
        smaller_beyond=tally.smaller_groups,
        cannot_tell=tally.cannot_tell,
        not_judged_alone=tally.not_judged_alone,
        within=tally.within,
        everyone=None if everyone is None else everyone.rate,
        furthest=None if gap is None else _gap(gap),
    )


def _gap(gap: Gap) -> IndexGap:
    return IndexGap(
        side=gap.finding.row.side,
        row=gap.finding.row.key,
        beyond=gap.finding.state == "beyond",
        gap=float(half_up(gap.value, _DIGITS)),
        low=float(half_up(gap.low, _DIGITS)),
        high=float(half_up(gap.high, _DIGITS)),
        limit=float(half_up(gap.limit, _DIGITS)),
    )
