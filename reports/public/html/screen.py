"""Screen one of the public page: the verdict, whom it fails as a picture, what comes next, and a few facts.

The verdict and every word are those of the exact audit. Numbers are those of printed rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from markupsafe import Markup

from audit.public.figures import Harm, PublicFinding, harm_of
from audit.public.finding_list import ReleaseFinding, findings_of
from audit.public.release import FailsOn, PublicRule
from audit.vocabulary.finding import tally_of
from audit.vocabulary.groups import Axis
from reports.html.charts import Hundred, axis_end, hundred_people, shift_axis, shift_chart, states
from reports.public.html.tables import PublicWriter, chart
from reports.tally_words import TallyWords

MOST = 6
"""So many rows stand in the picture."""
_MOST_WORDS = 3
"""So many changed words are named."""


_FAILS: Final[Mapping[FailsOn, str]] = {
    "groups": "no_group_named",
    "people": "people_fail",
    "probes": "fails_on_probes",
    "change": "change_fail",
}
"""Sentences for the first reason of a fail, where no row is beyond a limit."""


class Picture(NamedTuple):
    """Rows beyond a limit on one axis; where none is, the widest gap."""

    title: str
    end: float
    rows: Sequence[PublicFinding]
    more: int


class Shifts(NamedTuple):
    """Changed words, each with what it does to the score, on an axis from -`end` to `end`."""

    end: float
    rows: Sequence[tuple[str, Markup, str]]
    """Name of a word, drawing and text."""


class Screen(PublicWriter):
    """Screen one of one release in one language. Sentences have the names by which `public_screen.html` has them, or
    `SENTENCES`.
    """

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
        """Name of what happened, in one sentence."""
        headline = self.release.headline
        if self.outcome == "pass":
            return "pass" if self.reading.rules or not self.about.probe_rules else "pass_on_probes"
        if self.outcome != headline.outcome:
            return "pass_not_shown"
        if self.outcome == "inconclusive":
            return self._why_undecided()
        if self.reading.names_groups:
            return "fail" if self.reading.beyond else "smaller"
        if not headline.fails_on:
            return "fail_somewhere"
        return _FAILS[headline.fails_on[0]]

    def _why_undecided(self) -> str:
        headline = self.release.headline
        if headline.people_outcome == "inconclusive" and all(rule.outcome == "pass" for rule in self.reading.rules):
            return "people_inconclusive"
        if headline.change is not None and headline.change.outcome == "inconclusive":
            return "change_inconclusive"
        return "undecided_limits" if self.about.probe_rules else "undecided_groups"

    @cached_property
    def harms(self) -> dict[Harm, int]:
        """In how many rows beyond a limit each harm is clearly more frequent, the primary harm first."""
        harmed_rows = {
            (self._harm(finding.rule), finding.row.key) for finding in self.reading.beyond if finding.rule is not None
        }
        counts = Counter(harm for harm, _ in harmed_rows)
        return {harm: counts[harm] for harm in dict.fromkeys(map(self._harm, self.reading.rules)) if counts[harm]}

    def _harm(self, rule: PublicRule) -> Harm:
        return harm_of(rule, self.reading.rates[rule.metric])

    def more(self) -> Iterator[str]:
        """Yield names of what the sentence leaves out: of whom a pass says nothing, other reasons of a fail, how sure
        it is.
        """
        headline = self.release.headline
        if self.outcome == "pass":
            yield from ["too_small"] * (self.sentence == "pass")
            yield from ["pass_on_probes"] * (self.about.probe_rules > 0)
        if headline.people_outcome is not None:
            yield from (f"people_{headline.people_outcome}", "people_counted")
        if self.outcome == "fail" and "probes" in headline.fails_on:
            yield "fails_on_probes"
        if self.reading.beyond and any(not finding.row.parts for finding in self.reading.smaller_beyond):
            yield "smaller"  # the row of everyone stands in no table, and cannot say so itself
        if headline.change is not None and headline.change.outcome != "pass":
            yield headline.change.sentence_names[0]
        if not self.reading.shown:
            yield from self.release.left_out
        elif self.outcome != "fail" and self.tally:
            yield "tally"
        yield from self.about.sample_sentences
        if self.reading.shown:
            yield from self.release.left_out

    @cached_property
    def tally(self) -> str:
        """How many comparisons have which word; empty where nothing is compared."""
        tally = tally_of(self.findings)
        return TallyWords(self.language).sentence(tally, self.reason) if tally.total else ""

    @cached_property
    def findings(self) -> tuple[ReleaseFinding, ...]:
        """The findings of the release, the most urgent first."""
        return findings_of(self.release)

    @cached_property
    def _failing_words(self) -> list[ReleaseFinding]:
        """The changed words that move the score most, of those that move it by more than the limit."""
        words = [finding for finding in self.findings if finding.subject == "changed_word"]
        failing = [finding for finding in words if finding.word == "beyond" and finding.measured.rate is not None]
        return failing[:_MOST_WORDS]

    @cached_property
    def changed_words(self) -> list[str]:
        """What each of these words does to the score."""
        return [
            self.words.changed_word(finding.who) + self.t.gettext(": ") + self.words.moves(finding)
            for finding in self._failing_words
        ]

    @cached_property
    def shifts(self) -> Shifts | None:
        """Picture of these words; None where there are none."""
        figures = [finding.measured for finding in self._failing_words]
        if not figures:
            return None
        end = shift_axis(
            value for figure in figures for value in (figure.rate, figure.low, figure.high) if value is not None
        )
        rows = []
        for finding in self._failing_words:
            value, low, high = finding.measured.rate or 0.0, finding.measured.low, finding.measured.high
            shift = value, value if low is None else low, value if high is None else high
            text = self.words.moves(finding)
            drawing = shift_chart(shift, finding.measured.upper_limit, "fail", end, text)
            rows.append((self.words.changed_word(finding.who), drawing, text))
        return Shifts(end, rows)

    @cached_property
    def reason(self) -> str:
        """Most frequent reason why a row has neither a pass nor a fail; empty where each has one."""
        undecided = [finding.because for finding in self.findings if finding.word == "cannot_tell"]
        reasons = Counter([because for because in undecided if because])
        return self.words.sentence(reasons.most_common(1)[0][0]) if reasons else ""

    @cached_property
    def picture(self) -> Picture | None:
        """Rows beyond a limit; else those that hold a group beyond it; else, without a fail, the widest gap."""
        findings: Sequence[PublicFinding] = self.reading.beyond
        title = self.t.gettext("Groups beyond the limit")
        if not findings and self.reading.smaller_beyond:
            findings = self.reading.smaller_beyond
            title = self.t.gettext("A smaller group in these rows is beyond the limit")
        elif not findings and self.outcome != "fail":
            findings, title = self._widest(), self.t.gettext("The widest gap")
        known = [finding for finding in findings if finding.is_known]
        if not known:
            return None
        drawn = known[:MOST]
        axes = {tuple(Axis(part.feature, "") for part in finding.row.parts) for finding in drawn}
        if by := sorted(sorted(axes - {()}), key=len):  # the row of everyone, by no feature, can hold a smaller group
            named = self.t.gettext(", or by ").join(map(self.names.features, by))
            title = self.t.gettext("%(title)s: people by %(features)s") % {"title": title, "features": named}
        drawn_values = (
            (finding.rest, *finding.limits, *(finding.span or (finding.at_least, finding.at_most))) for finding in drawn
        )
        end = axis_end(value for row_values in drawn_values for value in row_values if value is not None)
        return Picture(title, end, drawn, len(known) - len(drawn))

    @cached_property
    def named_alone(self) -> dict[Harm, list[str]]:
        """Names of rows beyond a limit of which no rate is printed, by the harm that is clearly more frequent."""
        names: dict[Harm, list[str]] = {}
        for finding in self.reading.beyond:
            if finding.rule is not None and not finding.is_known:
                names.setdefault(self._harm(finding.rule), []).append(self.names.row(finding.row.parts))
        return {harm: list(dict.fromkeys(rows)) for harm, rows in names.items()}

    @cached_property
    def bar(self) -> Markup | None:
        """How many comparisons have which word, for a fail of which nothing else can be drawn; else None."""
        if self.outcome != "fail" or self.picture is not None or self.shifts is not None or not self.tally:
            return None
        tally = tally_of(self.findings)
        counts = (
            ("fail", tally.beyond),
            ("pass", tally.within),
            ("inconclusive", tally.cannot_tell),
            ("not_evaluable", tally.not_judged_alone + tally.no_rate),
        )
        return states(counts)

    @cached_property
    def hundred(self) -> Hundred | None:
        """A hundred people of the first row beyond a limit, and a hundred others; None where either is not known."""
        first = None if self.picture is None else self.picture.rows[0]
        if first is None or first.state != "beyond" or first.error is None or first.rest is None:
            return None
        name = self.names.row(first.row.parts)
        return hundred_people(self.language, first.rate.metric, name, first.error, first.rest)

    def _widest(self) -> list[PublicFinding]:
        judged = (
            finding for rule in self.reading.rules for finding in self.reading.findings(rule) if not finding.row.total
        )
        wide = [finding for finding in judged if finding.word and finding.word.word and (finding.gap or 0) > 0]
        return sorted(wide, key=lambda finding: (-(finding.gap or 0), finding.row.key))[:1]

    def beside(self, finding: PublicFinding) -> str:
        """Return everyone else, the row's own limit, and its likely range."""
        parts = [self.words.beside(finding, reckoned=True)]
        if finding.span:
            span = self.words.span(finding) + self.standing(finding.row)
            parts.append(self.t.gettext("range %(span)s") % {"span": span})
        return self.t.gettext("; ").join(filter(None, parts))

    def chart(self, finding: PublicFinding, end: float) -> Markup:
        """Draw a row of the picture."""
        texts = {"error": self.words.erring(finding), "rest": self.beside(finding)}
        return chart(finding, end, self.t.gettext("%(error)s; %(rest)s") % texts)

    def _limit(self, rule: PublicRule) -> str:
        """Return a limit with what it is on."""
        metric = self.reading.rates[rule.metric]
        of_rate = rule.scale == "ratio" and metric.is_told_as_errors
        what = self.t.gettext(metric.plain) if of_rate else self.words.erring_people(rule.metric)
        limit = self.words.said_limit(self.words.limit(rule), only_warns=rule.on_fail == "warn")
        return self.t.gettext("Limit (%(rate)s): %(limit)s") % {"rate": what, "limit": limit}

    @cached_property
    def covered(self) -> tuple[str, int] | None:
        """By which feature how many of 100 people stand in a row of their own; None where it is not known."""
        if self.reading.covered is None:
            return None
        feature, share = self.reading.covered
        return self.names.feature(feature), math.floor(share * 100 + 1e-9)

    @cached_property
    def not_stated(self) -> str:
        """What the plan leaves open of what a reader asks first; empty where nothing."""
        topics = (
            (self.about.period, self.t.gettext("from when the cases are")),
            (self.about.limits_set_by or not self.limits, self.t.gettext("who set the limits")),
            (self.about.auditor, self.t.gettext("who audited")),
            (
                self.about.respond_by or self.outcome == "pass",
                self.t.gettext("by when the operator is asked to answer"),
            ),
        )
        return self.t.gettext(", ").join(topic for stated, topic in topics if not stated)
