"""The further questions of an audit, of which the public report says no more than whether they were asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audit.public.about import PublicLook
from reports.language import Language


@dataclass(frozen=True, slots=True)
class PublicQuestion:
    """A further question, and whether the restricted report answers it."""

    title: str
    asked: bool
    named: bool
    """Whether the title is ours; else it is the name in the release."""


def questions(looks: Iterable[PublicLook], language: Language) -> tuple[PublicQuestion, ...]:
    """Return every question, known ones in words."""
    titles = _titles(language)
    return tuple(PublicQuestion(titles.get(look.name, look.name), look.asked, look.name in titles) for look in looks)


def _titles(language: Language) -> dict[str, str]:
    """Return names of looks, by those of a release."""
    t = language.translations
    swaps, sure = t.gettext("Swaps: what if only the person were another?"), t.gettext("How sure is each verdict?")
    sample, failures = t.gettext("Cases drawn at random, beside the others"), t.gettext("Answers that failed, and why")
    again, several = t.gettext("Asked again: does it say the same?"), t.gettext("People of several nationalities")
    like, together = t.gettext("Like with like"), t.gettext("All groups of a kind together")
    ranking, calibration = t.gettext("Do scores rank people alike?"), t.gettext("Do scores mean the same for everyone?")
    thresholds, deployed = t.gettext("Would another threshold help?"), t.gettext("At work, where cases are rarer")
    patterns, search = (
        t.gettext("Does it add to existing patterns?"),
        t.gettext("A search for subgroups that nobody named"),
    )
    costs, measures = t.gettext("What errors cost"), t.gettext("The operator’s own measures")
    opinions = t.gettext("A second and a third opinion")
    return {
        "probes": swaps,
        "sensitivity": sure,
        "random_sample": sample,
        "failures": failures,
        "asked_again": again,
        "several_nationalities": several,
        "like_with_like": like,
        "all_groups": together,
        "ranking": ranking,
        "calibration": calibration,
        "thresholds": thresholds,
        "at_work": deployed,
        "existing_patterns": patterns,
        "subgroup_search": search,
        "costs": costs,
        "own_measures": measures,
        "second_opinion": opinions,
    }
