"""Screen one of the public report: what was audited, is it failing whom, how sure, and what should happen next.

The verdict comes from the exact figures; everything beside it from protected ones, and the words say which is which.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from audit.public_figures import Harm, State, below_by_harm, groups_open, harm_of, spans_of, state_tally
from audit.public_table import PublicRate, PublicRule, group_key
from reports.language import Language
from reports.names import Names
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.public.html.charts import bar_of_states
from reports.public.reading import OUTCOMES, PublicFinding, PublicReading
from reports.public.words import PublicWords


@dataclass(frozen=True, slots=True)
class PublicNumber:
    """One of the three numbers."""

    value: str
    label: str
    note: str
    key: str = ""
    """The row that it belongs to, where it is of one group."""


@dataclass(frozen=True, slots=True)
class StateLine:
    """How many groups are in a state under a rule."""

    outcome: str
    told: str


@dataclass(frozen=True, slots=True)
class RuleBar:
    """A rule with the bar of its states."""

    name: str
    limit: str
    bar: Markup
    lines: tuple[StateLine, ...]


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
        return Headline(
            outcome=self._outcome,
            heading=self._words.heading(self._outcome),
            sentence=self._sentence(),
            more=tuple(self._more()),
            numbers=self._numbers() if shown else (),
            bars=tuple(map(self._bar, self._reading.rules)),
            next_step=self._next_step(),
            without_rates=self._without_rates(),
            change=self._change(),
        )

    def plain(self, metric: str) -> str:
        """The name of a rate, as a noun phrase."""
        return self._reading.metrics[metric].plain if metric in self._reading.metrics else self._words.rate(metric)

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
        """Whom most people affected are among; or that the protected figures and the verdict part."""
        return [
            *self._of_a_pass(),
            *self._of_groups(),
            *self._of_probes(),
            *self._of_change(),
            *([] if self._reading.shown else [(self._words.sentence(f"figures_{self._reading.release.figures}"), "")]),
        ]

    def _of_a_pass(self) -> list[tuple[str, str]]:
        """Of whom a pass is none."""
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
        told, *more = (self._words.sentence(name, features=", ".join(change.differs)) for name in change.told)
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

    def _numbers(self) -> tuple[PublicNumber, ...]:
        """Three at most: the rate of everyone, that of the group most affected, and how many groups stand how.

        Of a fail that names nobody, a large "0 groups beyond the limit" would say the contrary, and so would how many
        are within it: of how many it is not known is said. Nor is a number of groups that the public table does not
        hold.
        """
        if not self._reading.rules or not self._reading.has_rates:
            return ()
        rule = self._below[0].rule if self._below and self._below[0].rule else self._counted_rule()
        everyone, tally = self._everyone(rule), self._tally(rule)
        judged = sum(count for state, count in tally.items() if state != "not_shown")
        if not judged:
            return (everyone,)
        of_groups = self._t.ngettext(
            "of %(count)s group with public figures on this rate",
            "of %(count)s groups with public figures on this rate",
            judged,
        ) % {"count": self._n.count(judged)}
        if sum(harm_of(each) == harm_of(rule) for each in self._reading.rules) > 1:
            of_groups = ""  # each limit has a number of groups of its own
        if self._outcome == "fail" and self._below:
            count = below_by_harm(self._reading.release)[harm_of(rule)]
            return everyone, self._worst(self._below[0]), self._counted("below", count, of_groups)
        if self._outcome == "fail":
            return everyone, *self._not_cleared()
        told: tuple[State, ...] = ("meets", "cannot_tell") if self._outcome == "pass" else ("cannot_tell", "meets")
        return everyone, *(self._counted(state, tally[state], of_groups) for state in told)

    def _counted_rule(self) -> PublicRule:
        """The first rule on groups that the public table holds; the first of all where it holds none."""
        rules = self._reading.rules
        return next((rule for rule in rules if any(self._tally(rule).values())), rules[0])

    def _everyone(self, rule: PublicRule) -> PublicNumber:
        rate = self._reading.everyone_at(rule.metric)
        label = self._t.gettext("%(rate)s, everyone together") % {"rate": self.plain(rule.metric)}
        if rate is not None and rate.value is None and (rate.at_least, rate.at_most) != (None, None):
            return PublicNumber(self._bound(rate), label, "", group_key(rate.group))
        if rate is None or rate.value is None:
            why = self._words.sentence((rate and rate.why) or "small_or_withheld")
            return PublicNumber(NOT_KNOWN, label, why, "everyone")
        span = self._n.percent_range(rate.low, rate.high)
        note = self._t.gettext("likely range %(span)s") % {"span": span}
        return PublicNumber(self._n.percent(rate.value), label, note, group_key(rate.group))

    def _bound(self, rate: PublicRate) -> str:
        """What is known of a rate that is not shown."""
        if rate.at_least is not None:
            return self._t.gettext("at least %(share)s") % {"share": self._n.percent(rate.at_least)}
        return self._t.gettext("at most %(share)s") % {"share": self._n.percent(rate.at_most)}

    def _worst(self, finding: PublicFinding) -> PublicNumber:
        label = self._t.gettext("%(rate)s: %(group)s") % {
            "rate": self.plain(finding.rate.metric),
            "group": self._names.group(finding.group),
        }
        if finding.rate.value is None:
            return PublicNumber(self._words.value(finding), label, self._words.note(finding), finding.key)
        note = self._t.gettext("likely range %(span)s") % {"span": self._words.span(finding)}
        return PublicNumber(self._n.percent(finding.rate.value), label, note, finding.key)

    def _counted(self, state: State, count: int, of_groups: str) -> PublicNumber:
        labels = {
            "below": self._t.ngettext("group beyond the limit", "groups beyond the limit", count),
            "meets": self._t.ngettext("group within the limit", "groups within the limit", count),
            "cannot_tell": self._t.ngettext(
                "group for which the public figures cannot tell",
                "groups for which the public figures cannot tell",
                count,
            ),
        }
        return PublicNumber(self._n.count(count), labels[state], of_groups)

    def _not_cleared(self) -> list[PublicNumber]:
        """How many groups may be those of a fail that names nobody; none where the fail is of none, or of a word."""
        count = groups_open(self._reading.release)
        if "groups" not in self._reading.release.headline.fails_on or not count:
            return []
        label = self._t.ngettext(
            "group for which the public figures cannot tell, or show nothing",
            "groups for which the public figures cannot tell, or show nothing",
            count,
        )
        return [PublicNumber(self._n.count(count), label, self._t.gettext("any of these may be beyond the limit"))]

    def _bar(self, rule: PublicRule) -> RuleBar:
        """The bar of states, from the words as released; the limit alone where there are no rates."""
        if not (self._reading.shown and self._reading.has_rates):
            what = self._t.gettext("Limit on: %(rate)s") % {"rate": self.plain(rule.metric)}
            return RuleBar(what, self._words.limit(rule), Markup(""), ())
        limit = self._t.gettext("limit: %(limit)s") % {"limit": self._words.limit(rule)}
        lines = self._states(rule)
        title = self._t.gettext("; ").join(line.told for line in lines)
        spans = {OUTCOMES[state]: span for state, span in spans_of(self._tally(rule)).items()}
        return RuleBar(capital(self.plain(rule.metric)), limit, bar_of_states(spans, title), lines)

    def _tally(self, rule: PublicRule) -> dict[State, int]:
        return state_tally([word for word in self._reading.release.words if word.rule == rule.rule])

    def _states(self, rule: PublicRule) -> tuple[StateLine, ...]:
        """How many groups are in which state under a rule, without those in which none is."""
        tally = self._tally(rule)
        return tuple(
            StateLine(OUTCOMES[state], self._words.groups_in(state, count)) for state, count in tally.items() if count
        )

    def _next_step(self) -> str:
        if self._outcome != "fail" and self._reading.is_expired:
            return self._t.gettext("Have the system audited again before anyone relies on it.")
        if self._outcome == "fail" and self._below:
            return self._t.gettext(
                "Before anyone relies on this system, its operator should explain these gaps, correct them, and have "
                "it audited again."
            )
        if self._outcome == "fail":
            return self._t.gettext(
                "Before anyone relies on this system, its operator should learn from the auditor, who holds the exact "
                "figures, where it fails; explain that, correct it, and have it audited again."
            )
        if self._outcome == "pass":
            return self._t.gettext(
                "Before anyone relies on this result, they should ask the auditor, who holds the figures, which groups "
                "could be judged. It holds for this version of the system and these cases. When either changes, the "
                "operator should have it audited again."
            )
        return self._t.gettext(
            "This is not a pass. The operator should ask the auditor, who holds the exact figures, why, put that "
            "right, and have the system audited again; until then nobody should rely on it as if it had passed."
        )
