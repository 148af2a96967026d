"""`index.json`: the list of the portal for machines. Its form is `audit.public.site.PortalIndex`."""

from __future__ import annotations

from audit.public.site import IndexAudit, IndexGroup, IndexRate, IndexSystem, PortalIndex, PublicSite, site_row
from audit.public.table import PublicRate, group_key
from reports.portal.figures import Figures
from reports.portal.systems import Operator, System, is_expired

_NOTE = (
    "Verdicts come from exact figures; every other figure was protected by noise and a floor. Figures do not add up, "
    "within an audit or across audits: do not sum or subtract them."
)


def index_document(site: PublicSite, listed: tuple[Operator, ...], figures: dict[str, Figures]) -> bytes:
    """Return the document. Its links are relative to it and lead to the first language."""
    systems = [system for operator in listed for system in operator.systems]
    index = PortalIndex(
        today=site.today,
        note=_NOTE,
        systems=tuple(_system(system, figures, site.today) for system in systems),
    )
    return (index.model_dump_json(indent=1) + "\n").encode()


def _system(system: System, figures: dict[str, Figures], today: str) -> IndexSystem:
    names = [None, *(audit.name for audit in system.audits), None]
    return IndexSystem(
        system=system.name,
        owner=system.owner,
        state=system.state,
        page=system.page,
        audits=tuple(
            _audit(figures[audit.name], system, (names[place], names[place + 2]), today)
            for place, audit in enumerate(system.audits)
        ),
    )


def _audit(figures: Figures, system: System, beside: tuple[str | None, str | None], today: str) -> IndexAudit:
    audit, release, counted = figures.audit, figures.release, figures.tallies
    folder = f"reports/{audit.name}"
    return IndexAudit(
        audit=audit.name,
        title=release.about.title,
        finished=release.about.finished,
        valid_until=release.about.valid_until,
        expired=is_expired(audit, today),
        outcome=release.headline.outcome,
        no_group_named=release.headline.no_group_named,
        below=counted and counted["below"],
        meets=counted and counted["meets"],
        cannot_tell=counted and counted["cannot_tell"],
        not_shown=counted and counted["not_shown"],
        everyone=_rate(figures.everyone(figures.metric), figures.metric),
        furthest=_furthest(figures),
        previous=beside[0],
        following=beside[1],
        page=f"{system.page}#{audit.name}",
        release=f"{folder}/release.json",
        report=f"{folder}/report.html" if audit.report else None,
        sha256=audit.sha256,
    )


def _rate(rate: PublicRate | None, metric: str) -> IndexRate:
    names = ("value", "low", "high", "at_least", "at_most")
    return IndexRate.model_validate({"metric": metric, **{name: getattr(rate, name, None) for name in names}})


def _furthest(figures: Figures) -> IndexGroup | None:
    if not figures.below:
        return None
    word, rate = figures.below[0]
    return IndexGroup(
        group=site_row(figures.audit.name, group_key(word.group)),
        levels=word.group,
        rule=word.rule,
        value=rate.value,
        low=rate.low,
        high=rate.high,
    )
