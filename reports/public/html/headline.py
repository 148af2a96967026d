"""Screen one of the public report: what was audited, is it failing whom, how sure, and what should happen next.

The verdict comes from the exact figures; everything beside it from protected ones, and the words say which is which.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.public.figures import Harm, below_by_harm, harm_of
from reports.language import Language
from reports.names import Names
from reports.public.html.headline_figures import HeadlineFigures, PublicNumber, RuleBar
from reports.public.next_step import next_step
from reports.public.reading import PublicReading
from reports.public.words import PublicWords


@dataclass(frozen=True, slots=True)
class Headline:
    """Screen one."""

    outcome: str
    heading: str
    sentence: str
    more: tuple[tuple[str, str], ...]
    """Further sentences, each with the row that its numbers belong to (empty where they are of no group)."""
    numbers: tuple[PublicNumber, ...]
    bars: tuple[RuleBar, ...]
    next_step: str
    without_rates: str = ""
    """Why there is no number; empty where there are some, or where the sentence says it."""
    change: tuple[str, ...] = ()
    """What changed from an earlier audit, and how the two were compared; empty where there is none."""


class HeadlineWriter:
    """Writes screen one of one release in one language."""

    def __init__(self, reading: PublicReading, names: Names, words: PublicWords, language: Language) -> None:
        self._reading = reading
        self._names = names
        self._words = words
        self._language = language
        self._t = language.translations
        self._n = language.numbers
        self._outcome = reading.release.headline.outcome
        self._below = reading.below() if reading.shown else []

    def write(self) -> Headline:
        """The screen."""
        shown = self._reading.shown
        figures = HeadlineFigures(self._reading, self._names, self._words, self._language, self._below)
        return Headline(
            outcome=self._outcome,
            heading=self._words.heading(self._outcome),
            sentence=self._sentence(),
            more=tuple(self._more()),
            numbers=figures.numbers() if shown else (),
            bars=figures.bars(),
            next_step=next_step(self._reading.release, self._language, names_groups=bool(self._below)),
            without_rates=self._without_rates(),
            change=self._change(),
        )

    def _sentence(self) -> str:
        if self._below and self._outcome == "fail":
            return self._failing_sentence()
        change = self._reading.release.headline.change
        if change is not None and self._outcome == change.outcome == "inconclusive":
            return self._words.sentence("change_inconclusive")
        told = {
            "pass": self._t.gettext(
                "In this test, on the exact figures, the system stayed within the limit in every group that was large "
                "enough to judge."
            ),
            "inconclusive": self._undecided(),
        }
        return told.get(self._outcome) or self._nobody_named()

    def _undecided(self) -> str:
        """What the exact figures leave open: of groups, unless probes have limits too, which may be what is open."""
        if self._reading.about.probe_rules:
            return self._t.gettext("In this test the exact figures do not settle whether every limit is kept.")
        return self._t.gettext("In this test the exact figures do not settle whether every group is within the limit.")

    def _nobody_named(self) -> str:
        """A fail of which the public figures name no group, and why they do not."""
        fails_on = self._reading.release.headline.fails_on
        if fails_on == ("change",):
            return self._words.sentence("change_fail")
        if not self._reading.shown:
            return self._t.gettext("In this test at least one limit was exceeded on the exact figures.")
        if fails_on and "groups" not in fails_on:
            return self._words.sentence("fails_on_probes")
        if not self._reading.has_rates:
            return self._no_rates()
        if self._reading.about.probe_rules and not fails_on:
            return self._t.gettext(
                "At least one limit is exceeded on the exact figures: a limit on groups, of which the public figures "
                "name none, or a limit on probes, whose answers stand in the restricted report."
            )
        return self._words.sentence("no_group_named")

    def _no_rates(self) -> str:
        """A fail on groups of a set that has sizes alone."""
        return self._t.gettext(
            "On the exact figures the system exceeds the limit for at least one group. The public figures have no "
            "rates here, and name no group."
        )

    def _failing_sentence(self) -> str:
        """What happened clearly more often, in how many groups, rule by rule; the primary harm first."""
        counts = below_by_harm(self._reading.release)
        first_harm_first = dict.fromkeys(harm_of(rule) for rule in self._reading.rules)
        clauses = {harm: self._clause(harm, counts[harm]) for harm in first_harm_first if harm in counts}
        apart = clauses.pop("apart", "")
        both_sides = self._t.gettext("In this test the system %(what)s.") % {"what": apart}
        if not clauses:
            return both_sides
        first, *others = clauses.values()
        than = self._t.gettext("In this test the system %(what)s than among everyone else.")
        for other in others:
            first = self._t.gettext("%(first)s, and %(other)s") % {"first": first, "other": other}
        if others:
            than = self._t.gettext("In this test the system %(what)s, than among everyone else.")
        told = than % {"what": first}
        return self._t.gettext("%(first)s %(more)s") % {"first": told, "more": both_sides} if apart else told

    def _clause(self, harm: Harm, count: int) -> str:
        one_and_many: dict[Harm, str] = {
            "missed": self._t.ngettext(
                "missed victims clearly more often in %(count)s group",
                "missed victims clearly more often in %(count)s groups",
                count,
            ),
            "wrongly_flagged": self._t.ngettext(
                "wrongly flagged people clearly more often in %(count)s group",
                "wrongly flagged people clearly more often in %(count)s groups",
                count,
            ),
            "flagged": self._t.ngettext(
                "flagged people clearly more often in %(count)s group",
                "flagged people clearly more often in %(count)s groups",
                count,
            ),
            "flagged_less": self._t.ngettext(
                "flagged people clearly less often in %(count)s group",
                "flagged people clearly less often in %(count)s groups",
                count,
            ),
            "wrong": self._t.ngettext(
                "was clearly more often wrong in %(count)s group",
                "was clearly more often wrong in %(count)s groups",
                count,
            ),
            "apart": self._t.ngettext(
                "treated %(count)s group clearly otherwise than everyone else",
                "treated %(count)s groups clearly otherwise than everyone else",
                count,
            ),
        }
        return one_and_many[harm] % {"count": self._n.count(count)}

    def _more(self) -> list[tuple[str, str]]:
        """Groups that most people affected are among; or that the protected figures and the verdict part."""
        return [
            *self._of_a_pass(),
            *self._of_groups(),
            *self._of_probes(),
            *self._of_change(),
            *([] if self._reading.shown else [(self._words.sentence(f"figures_{self._reading.release.figures}"), "")]),
        ]

    def _of_a_pass(self) -> list[tuple[str, str]]:
        """People of whom a pass says nothing."""
        told = self._t.gettext("This says nothing about groups that were too small to judge.")
        return [(told, "")] if self._outcome == "pass" else []

    def _without_rates(self) -> str:
        """Why there are sizes and no rates, which stands after what comes next; empty where that is not so, or said."""
        if not self._reading.shown or self._reading.has_rates or self._sentence() == self._no_rates():
            return ""
        return self._t.gettext(
            "No rate is shown and no group is named: protected figures cannot give them for a test of this kind. The "
            "result comes from the exact figures, which the auditor holds."
        )

    def _of_probes(self) -> list[tuple[str, str]]:
        fails_on = self._reading.release.headline.fails_on
        both = self._outcome == "fail" and {"groups", "probes"} <= set(fails_on)
        return [(self._words.sentence("fails_on_probes"), "")] if both else []

    def _of_change(self) -> list[tuple[str, str]]:
        """What changed from an earlier audit, unless it has been said."""
        return [(line, "") for line in self._change() if line != self._sentence()]

    def _change(self) -> tuple[str, ...]:
        """What changed from an earlier audit, of the whole set, and how the two were compared."""
        change = self._reading.release.headline.change
        if change is None:
            return ()
        told, *more = (self._words.sentence(name, features=", ".join(change.differs)) for name in change.sentence_names)
        compared = (
            self._t.gettext("The earlier audit ended on %(day)s; both versions were tested on the same cases.")
            if change.paired
            else self._t.gettext("The earlier audit ended on %(day)s.")
        ) % {"day": self._language.date(change.baseline_finished)}
        return told, compared, *more

    def _of_groups(self) -> list[tuple[str, str]]:
        if self._below and self._outcome == "fail":
            worst = self._below[0]
            if worst.is_worse_off and self._words.compared(worst):
                told = self._t.gettext(
                    "These errors affect the most people in one group: %(group)s. Among them the system %(compared)s."
                ) % {
                    "group": self._names.group(worst.group),
                    "compared": self._words.compared(worst),
                }
                return [(told, worst.key)]
        elif self._below:
            count = len({finding.group for finding in self._below})
            told = self._t.ngettext(
                "The protected figures alone would put %(count)s group beyond the limit; the exact figures, which "
                "decide, do not bear that out.",
                "The protected figures alone would put %(count)s groups beyond the limit; the exact figures, which "
                "decide, do not bear that out.",
                count,
            ) % {"count": self._n.count(count)}
            return [(told, "")]
        return []
