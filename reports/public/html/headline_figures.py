"""Screen one of the public report in figures: three numbers at most, and a bar of states for each rule.

All come from the protected table. The verdict beside them does not, so that a number which would deny it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from audit.public.figures import State, below_by_harm, groups_open, harm_of, spans_of, state_tally
from audit.public.table import PublicRate, PublicRule, group_key
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


class HeadlineFigures:
    """The figures of screen one of one release in one language."""

    def __init__(
        self,
        reading: PublicReading,
        names: Names,
        words: PublicWords,
        language: Language,
        below: Sequence[PublicFinding],
    ) -> None:
        self._reading = reading
        self._names = names
        self._words = words
        self._t = language.translations
        self._n = language.numbers
        self._outcome = reading.release.headline.outcome
        self._below = below

    def numbers(self) -> tuple[PublicNumber, ...]:
        """Three numbers at most: the rate of everyone, that of the group most affected, and how many groups stand how.

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

    def bars(self) -> tuple[RuleBar, ...]:
        """A bar for each rule."""
        return tuple(map(self._bar, self._reading.rules))

    def _plain(self, metric: str) -> str:
        """The name of a rate, as a noun phrase."""
        return self._reading.metrics[metric].plain if metric in self._reading.metrics else self._words.rate(metric)

    def _counted_rule(self) -> PublicRule:
        """The first rule on groups that the public table holds; the first of all where it holds none."""
        rules = self._reading.rules
        return next((rule for rule in rules if any(self._tally(rule).values())), rules[0])

    def _everyone(self, rule: PublicRule) -> PublicNumber:
        rate = self._reading.everyone_at(rule.metric)
        label = self._t.gettext("%(rate)s, everyone together") % {"rate": self._plain(rule.metric)}
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
            "rate": self._plain(finding.rate.metric),
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
            what = self._t.gettext("Limit on: %(rate)s") % {"rate": self._plain(rule.metric)}
            return RuleBar(what, self._words.limit(rule), Markup(""), ())
        limit = self._t.gettext("limit: %(limit)s") % {"limit": self._words.limit(rule)}
        lines = self._states(rule)
        title = self._t.gettext("; ").join(line.told for line in lines)
        spans = {OUTCOMES[state]: span for state, span in spans_of(self._tally(rule)).items()}
        return RuleBar(capital(self._plain(rule.metric)), limit, bar_of_states(spans, title), lines)

    def _tally(self, rule: PublicRule) -> dict[State, int]:
        return state_tally([word for word in self._reading.release.words if word.rule == rule.rule])

    def _states(self, rule: PublicRule) -> tuple[StateLine, ...]:
        """How many groups are in which state under a rule, without those in which none is."""
        tally = self._tally(rule)
        return tuple(
            StateLine(OUTCOMES[state], self._words.groups_in(state, count)) for state, count in tally.items() if count
        )
