"""Harms: what each error does to people, by use. Shown with every finding, because a rate is about someone."""

from __future__ import annotations

from typing import Literal

from reports.language import Language

Error = Literal["missed", "wrongly_flagged"]


def use_in_words(use: str, language: Language) -> str:
    """Return the use of a system in words."""
    t = language.translations
    return {
        "victim-identification": t.gettext("identifying victims"),
        "hotline-triage": t.gettext("sorting calls to a hotline"),
        "moderation": t.gettext("moderating a platform"),
        "lead-generation": t.gettext("generating leads for the police"),
        "financial-monitoring": t.gettext("monitoring payments and accounts"),
        "border-screening": t.gettext("screening at borders and in asylum procedures"),
        "supply-chain": t.gettext("checking supply chains and vessels"),
    }.get(use, use)


def route_in_words(route: str, language: Language) -> str:
    """Return where a flag goes, in words."""
    t = language.translations
    return {
        "services": t.gettext("A flag goes to services that assist."),
        "enforcement": t.gettext("A flag goes to law enforcement."),
        "both": t.gettext("A flag goes to services that assist and to law enforcement."),
    }.get(route, route)


def harm(error: Error, use: str, language: Language) -> str:
    """Return what `error` means for the people concerned where a system is used for `use`."""
    missed, wrongly_flagged = _harms(language).get(use, ("", ""))
    return missed if error == "missed" else wrongly_flagged


def _harms(language: Language) -> dict[str, tuple[str, str]]:
    t = language.translations
    triage = (
        t.gettext(
            "The person stays exploited: no recovery period, no shelter, no residence permit, no legal aid. "
            "A child is not safeguarded."
        ),
        t.gettext(
            "A scarce place is used. The person faces unwanted contact or a forced “rescue”; "
            "lesbian, gay, bisexual, trans and intersex persons may be outed."
        ),
    )
    return {
        "victim-identification": triage,
        "hotline-triage": triage,
        "moderation": (
            t.gettext("The recruitment advert stays up, and more people are recruited."),
            t.gettext(
                "Lawful job adverts of migrants are removed and tools for safety are lost; "
                "a nationality can end up hidden without anyone saying so."
            ),
        ),
        "lead-generation": (
            t.gettext(
                "The network is not investigated. "
                "Cases of men, of forced labour and of forced criminality do not appear."
            ),
            t.gettext(
                "Raids, arrests of sex workers, deportation, loss of income and home; "
                "communities lose trust, and evidence is contaminated."
            ),
        ),
        "financial-monitoring": (
            t.gettext(
                "The proceeds flow on. The victim’s own account is treated as a mule’s, and the victim is prosecuted."
            ),
            t.gettext(
                "The account is closed and remittances stop; "
                "a report is filed on an innocent person who can never see it."
            ),
        ),
        "border-screening": (
            t.gettext(
                "The victim is returned to the traffickers, or penalised for immigration offences "
                "and for crimes that were forced on her or him."
            ),
            t.gettext(
                "A nationality is profiled; people are refused entry or detained “for their protection”; "
                "women travelling alone are stopped."
            ),
        ),
        "supply-chain": (
            t.gettext("Workers stay unprotected, and the goods are sold."),
            t.gettext("Fleets of small flag States lose access to ports, and workers lose their jobs."),
        ),
    }
