"""Screen one of the public page: the verdict, whom it fails as a picture, what comes next, and a few facts.

The verdict and every word are those of the exact audit. Numbers are those of printed rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from audit.public.figures import Harm, PublicFinding, harm_of
from audit.public.release import PublicRule
from audit.vocabulary.groups import Axis
from audit.vocabulary.metrics import SHARES_OF_GOOD
from reports.html.charts import axis_end
from reports.public.html.tables import Chart, PublicWriter, chart

MOST = 6
"""So many rows stand in the picture."""
_WIDEST = 1


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A row of the picture."""

    name: str
    cases: str
    error: str
    beside: str
    """Everyone else, the row's own limit, its likely range."""
    chart: Chart


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows beyond a limit on one axis; where none is, the widest gap."""

    title: str
    end: str
    """Number of 100 at which the axis ends."""
    rows: tuple[PictureRow, ...]
    look: str
    """Look of its first row."""
    more: int
    """Number of rows beyond a limit that are not in it."""


class Screen(PublicWriter):
    """Screen one of one release in one language."""

    @property
    def outcome(self) -> str:
        """The verdict of the exact audit."""
        return self.release.headline.outcome

    @cached_property
    def limits(self) -> tuple[str, ...]:
        """Each limit, with what it is on."""
        return tuple(map(self._limit, self.reading.rules))

    @cached_property
    def standing_since(self) -> str:
        """First day from which numbers stand; empty where all are of this audit."""
        first = min((row.as_of for row in self.release.rows), default=self.about.finished)
        return self.language.date(first) if first < self.about.finished else ""

    @cached_property
    def sentence(self) -> str:
        """What happened, in one sentence."""
        if self.outcome == "pass":
            return self.t.gettext(
                "In this test, on the exact figures, the system stayed within the limit in every group that was large "
                "enough to judge."
            )
        if self.outcome == "inconclusive":
            return self._undecided()
        if self.reading.beyond:
            return self._failing_sentence()
        if self.reading.smaller_beyond:
            return self.t.gettext(
                "In this test at least one group is beyond the limit that is too small for a row of its own; the rows "
                "that hold such a group say so."
            )
        return self._nobody_named()

    def _undecided(self) -> str:
        change = self.release.headline.change
        if change is not None and change.outcome == "inconclusive":
            return self.words.sentence("change_inconclusive")
        if self.about.probe_rules:
            return self.t.gettext("In this test the exact figures do not settle whether every limit is kept.")
        return self.t.gettext("In this test the exact figures do not settle whether every group is within the limit.")

    def _nobody_named(self) -> str:
        fails_on = self.release.headline.fails_on
        if fails_on == ("change",):
            return self.words.sentence("change_fail")
        if fails_on and "groups" not in fails_on:
            return self.words.sentence("fails_on_probes")
        if not fails_on:
            return self.t.gettext("In this test at least one limit was exceeded on the exact figures.")
        return self.words.sentence("no_group_named")

    def _failing_sentence(self) -> str:
        """State what happened clearly more often, in how many rows, rule by rule; the primary harm first."""
        found = [(harm_of(each.rule), each.row.key) for each in self.reading.beyond if each.rule is not None]
        harms = dict.fromkeys(harm_of(rule) for rule in self.reading.rules)
        counts = {harm: len({key for each, key in found if each == harm}) for harm in harms}
        clauses = {harm: self._clause(harm, count) for harm, count in counts.items() if count}
        apart = clauses.pop("apart", "")
        both_sides = self.t.gettext("In this test the system %(what)s.") % {"what": apart}
        if not clauses:
            return both_sides
        first, *others = clauses.values()
        than = self.t.gettext("In this test the system %(what)s than among everyone else.")
        for other in others:
            first = self.t.gettext("%(first)s, and %(other)s") % {"first": first, "other": other}
        if others:
            than = self.t.gettext("In this test the system %(what)s, than among everyone else.")
        told = than % {"what": first}
        return self.t.gettext("%(first)s %(more)s") % {"first": told, "more": both_sides} if apart else told

    def _clause(self, harm: Harm, count: int) -> str:
        where = self.t.ngettext("in %(count)s group", "in %(count)s groups", count) % {"count": self.n.count(count)}
        if count == 1:
            where = self.t.gettext("in one group")
        clauses: dict[Harm, str] = {
            "missed": self.t.gettext("missed victims clearly more often %(where)s"),
            "wrongly_flagged": self.t.gettext("wrongly flagged people as victims clearly more often %(where)s"),
            "flagged": self.t.gettext("flagged people as victims clearly more often %(where)s"),
            "flagged_less": self.t.gettext("flagged people as victims clearly less often %(where)s"),
            "wrong": self.t.gettext("was wrong clearly more often %(where)s"),
            "apart": self.t.gettext("decided clearly otherwise than for everyone else %(where)s"),
        }
        return clauses[harm] % {"where": where}

    def more(self) -> Iterator[str]:
        """Yield what the sentence leaves out: of whom a pass says nothing, other reasons of a fail, how sure it is."""
        headline = self.release.headline
        if self.outcome == "pass":
            yield self.t.gettext("This says nothing about groups that were too small to judge.")
        if self.outcome == "fail" and "probes" in headline.fails_on:
            yield self.words.sentence("fails_on_probes")
        if headline.change is not None and headline.change.outcome != "pass":
            yield self.words.sentence(headline.change.sentence_names[0])
        if not self.reading.shown:
            yield self.words.sentence("figures_none")
        elif self.outcome != "fail":
            yield self.tally
        yield from map(self.words.sentence, self.about.sample_sentences)
        if any(side.figures == "people" for side in self.release.sides):
            yield self.words.sentence("figures_people")

    @cached_property
    def tally(self) -> str:
        """How many verdicts on rows are a fail, a pass and open; empty where there is none."""
        words = [word for row in self.release.rows if not row.total for word in row.words if word.word]
        reasons = Counter(word.because for word in words if word.word == "cannot_tell" and word.because)
        counts = Counter(word.word for word in words)
        told = {name: self.n.count(counts[name]) for name in ("beyond", "within", "cannot_tell")}
        told["all"] = self.n.count(len(words))
        if not words:
            return ""
        if not reasons:
            return (
                self.t.gettext(
                    "Comparisons of a group with a limit: %(all)s. Beyond the limit: %(beyond)s; within the limit: "
                    "%(within)s."
                )
                % told
            )
        told["reason"] = self.words.sentence(reasons.most_common(1)[0][0])
        return (
            self.t.gettext(
                "Comparisons of a group with a limit: %(all)s. Beyond the limit: %(beyond)s; within the limit: "
                "%(within)s; cannot tell: %(cannot_tell)s (most often: %(reason)s)."
            )
            % told
        )

    @cached_property
    def picture(self) -> Picture | None:
        """Rows beyond a limit; else those that hold a group beyond it; else, without a fail, the widest gap."""
        found: Sequence[PublicFinding] = self.reading.beyond
        title = self.t.gettext("Groups beyond the limit")
        if not found and self.reading.smaller_beyond:
            found, title = (
                self.reading.smaller_beyond,
                self.t.gettext("A smaller group in these rows is beyond the limit"),
            )
        elif not found and self.outcome != "fail":
            found, title = self._widest(), self.t.gettext("The widest gap")
        drawn = [each for each in found if each.is_known][:MOST]
        if not drawn:
            return None
        features = {part.feature for each in drawn for part in each.row.parts}
        named = self.names.features(tuple(Axis(feature, "") for feature in sorted(features)))
        title = self.t.gettext("%(title)s: people by %(features)s") % {"title": title, "features": named}
        end = axis_end(place for each in drawn for place in self._places(each))
        rows = tuple(self._row(each, end) for each in drawn)
        return Picture(title, self.words.hundred(end), rows, drawn[0].look, len(self.reading.beyond) - len(rows))

    def _widest(self) -> list[PublicFinding]:
        judged = (each for rule in self.reading.rules for each in self.reading.findings(rule) if not each.row.total)
        wide = [each for each in judged if each.word and each.word.word and (each.gap or 0) > 0]
        return sorted(wide, key=lambda each: (-(each.gap or 0), each.row.key))[:_WIDEST]

    @staticmethod
    def _places(finding: PublicFinding) -> Iterator[float]:
        places = (finding.rest, *finding.limits, *(finding.span or (finding.at_least, finding.at_most)))
        yield from (each for each in places if each is not None)

    def _row(self, finding: PublicFinding, end: float) -> PictureRow:
        told = [self.words.beside(finding, reckoned=True)]
        if finding.span:
            told.append(
                self.t.gettext("range %(span)s") % {"span": self.words.span(finding) + self.standing(finding.row)}
            )
        cases = self.t.ngettext("%(count)s case", "%(count)s cases", finding.row.people)
        error, beside = self.words.erring(finding), self.t.gettext("; ").join(filter(None, told))
        return PictureRow(
            name=self.names.row(finding.row.parts),
            cases=cases % {"count": self.n.count(finding.row.people)},
            error=error,
            beside=beside,
            chart=chart(finding, end, self.t.gettext("%(error)s; %(rest)s") % {"error": error, "rest": beside}),
        )

    def _limit(self, rule: PublicRule) -> str:
        """Return a limit with what it is on."""
        metrics = self.reading.metrics
        of_rate = rule.scale == "ratio" and rule.metric in SHARES_OF_GOOD and rule.metric in metrics
        what = metrics[rule.metric].plain if of_rate else self.words.erring_people(rule.metric)
        limit = self.words.said_limit(self.words.limit(rule), only_warns=rule.on_fail == "warn")
        return self.t.gettext("Limit (%(rate)s): %(limit)s") % {"rate": what, "limit": limit}

    @cached_property
    def covered(self) -> str:
        """How many of 100 people stand in a row of their own; empty where it is not known."""
        if self.reading.covered is None:
            return ""
        feature, share = self.reading.covered
        own = math.floor(share * 100 + 1e-9)
        told = {"count": self.n.count(own), "feature": self.names.feature(feature)}
        if own == 100:
            return self.t.gettext("By %(feature)s, everybody is in a group with a row of its own below") % told
        return (
            self.t.gettext(
                "By %(feature)s, %(count)s of 100 people are in a group with a row of its own below; the "
                "others are counted together with other groups, or their group is unknown"
            )
            % told
        )

    @cached_property
    def not_stated(self) -> str:
        """What the plan leaves open of what a reader asks first; empty where nothing."""
        asked = (
            (self.about.period, self.t.gettext("from when the cases are")),
            (self.about.limits_set_by or not self.limits, self.t.gettext("who set the limits")),
            (self.about.auditor, self.t.gettext("who audited")),
        )
        return self.t.gettext(", ").join(told for stated, told in asked if not stated)
