"""Screen one of the public page: the verdict, whom it fails as a picture, what comes next, and one line of facts.

The verdict and every word are those of the exact audit. Numbers are those of printed rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.public.figures import Harm, PublicFinding, harm_of
from audit.public.names import RowNames
from audit.vocabulary.groups import Axis
from reports.html.charts import axis_end
from reports.language import Language
from reports.public.html.tables import Chart, chart
from reports.public.next_step import next_step
from reports.public.reading import PublicReading
from reports.public.words import PublicWords

MOST = 6
"""So many rows stand in the picture."""
_WIDEST = 1


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A row of the picture."""

    name: str
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


@dataclass(frozen=True, slots=True)
class Screen:
    """Screen one."""

    outcome: str
    heading: str
    sentence: str
    more: tuple[str, ...]
    picture: Picture | None
    next_step: str
    cases: int | None
    covered: str
    """How many of 100 people stand in a row of their own; empty where it is not known."""
    tally: str
    """How many verdicts on rows are open, beside a fail; empty beside others, where `more` says it."""


class ScreenWriter:
    """Writes screen one of one release in one language."""

    def __init__(self, reading: PublicReading, names: RowNames, words: PublicWords, language: Language) -> None:
        self._reading = reading
        self._names = names
        self._words = words
        self._language = language
        self._t = language.translations
        self._n = language.numbers
        self._outcome = reading.release.headline.outcome

    def write(self) -> Screen:
        """Write the screen."""
        sentence = self._sentence()
        return Screen(
            outcome=self._outcome,
            heading=self._words.heading(self._outcome),
            sentence=sentence,
            more=tuple(told for told in self._more() if told and told != sentence),
            picture=self._picture(),
            next_step=next_step(self._reading.release, self._language, names_groups=self._reading.names_groups),
            cases=self._reading.cases,
            covered=self._covered(),
            tally=self._tally() if self._outcome == "fail" else "",
        )

    def change(self) -> tuple[str, ...]:
        """Return what changed from an earlier audit, of the whole set, and how the two were compared."""
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

    def _sentence(self) -> str:
        if self._outcome == "pass":
            return self._t.gettext(
                "In this test, on the exact figures, the system stayed within the limit in every group that was large "
                "enough to judge."
            )
        if self._outcome == "inconclusive":
            return self._undecided()
        if self._reading.beyond:
            return self._failing_sentence()
        if self._reading.smaller_beyond:
            return self._t.gettext(
                "In this test at least one group is beyond the limit that is too small for a row of its own; the rows "
                "that hold such a group say so."
            )
        return self._nobody_named()

    def _undecided(self) -> str:
        change = self._reading.release.headline.change
        if change is not None and change.outcome == "inconclusive":
            return self._words.sentence("change_inconclusive")
        if self._reading.about.probe_rules:
            return self._t.gettext("In this test the exact figures do not settle whether every limit is kept.")
        return self._t.gettext("In this test the exact figures do not settle whether every group is within the limit.")

    def _nobody_named(self) -> str:
        fails_on = self._reading.release.headline.fails_on
        if fails_on == ("change",):
            return self._words.sentence("change_fail")
        if fails_on and "groups" not in fails_on:
            return self._words.sentence("fails_on_probes")
        if not fails_on:
            return self._t.gettext("In this test at least one limit was exceeded on the exact figures.")
        return self._words.sentence("no_group_named")

    def _failing_sentence(self) -> str:
        """State what happened clearly more often, in how many rows, rule by rule; the primary harm first."""
        found = [(harm_of(each.rule), each.row.key) for each in self._reading.beyond if each.rule is not None]
        harms = dict.fromkeys(harm_of(rule) for rule in self._reading.rules)
        counts = {harm: len({key for each, key in found if each == harm}) for harm in harms}
        clauses = {harm: self._clause(harm, count) for harm, count in counts.items() if count}
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
        one: dict[Harm, str] = {
            "missed": self._t.gettext("missed victims clearly more often in one group"),
            "wrongly_flagged": self._t.gettext("wrongly flagged people clearly more often in one group"),
            "flagged": self._t.gettext("flagged people clearly more often in one group"),
            "flagged_less": self._t.gettext("flagged people clearly less often in one group"),
            "wrong": self._t.gettext("was clearly more often wrong in one group"),
            "apart": self._t.gettext("treated one group clearly otherwise than everyone else"),
        }
        many: dict[Harm, str] = {
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
        return one[harm] if count == 1 else many[harm] % {"count": self._n.count(count)}

    def _more(self) -> Iterator[str]:
        """Yield what the sentence leaves out: of whom a pass says nothing, other reasons of a fail, how sure it is."""
        headline = self._reading.release.headline
        if self._outcome == "pass":
            yield self._t.gettext("This says nothing about groups that were too small to judge.")
        if self._outcome == "fail" and "probes" in headline.fails_on:
            yield self._words.sentence("fails_on_probes")
        if headline.change is not None and headline.change.outcome != "pass":
            yield self._words.sentence(headline.change.sentence_names[0])
        if not self._reading.shown:
            yield self._words.sentence("figures_none")
        elif self._outcome != "fail":
            yield self._tally()

    def _tally(self) -> str:
        """Return how many judgements on rows are a pass, and how many are open; empty where there is none."""
        words = [word for row in self._reading.release.rows if not row.total for word in row.words if word.word]
        if not words:
            return ""
        reasons = Counter(word.because for word in words if word.word == "cannot_tell" and word.because)
        counts = Counter(word.word for word in words)
        told = {name: self._n.count(counts[name]) for name in ("beyond", "within", "cannot_tell")}
        told["all"] = self._n.count(len(words))
        if counts["beyond"]:
            first = self._t.gettext(
                "Of %(all)s published judgements on groups, %(beyond)s are beyond the limit, %(within)s within it"
            )
        else:
            first = self._t.gettext("Of %(all)s published judgements on groups, %(within)s are within the limit")
        if not reasons:
            return self._t.gettext("%(first)s.") % {"first": first % told}
        last = {"first": first % told, "open": told["cannot_tell"]}
        last["reason"] = self._words.sentence(reasons.most_common(1)[0][0])
        return self._t.gettext("%(first)s; %(open)s are open, mostly because: %(reason)s.") % last

    def _picture(self) -> Picture | None:
        """Draw rows beyond a limit; else those that hold a group beyond it; else, without a fail, the widest gap."""
        found: Sequence[PublicFinding] = [each for each in self._reading.beyond if each.error is not None]
        title = self._t.gettext("Groups beyond the limit")
        if not found and self._reading.smaller_beyond:
            found = [each for each in self._reading.smaller_beyond if each.error is not None]
            title = self._t.gettext("A smaller group in these rows is beyond the limit")
        elif not found and self._outcome != "fail":
            found, title = self._widest(), self._t.gettext("The widest gap")
        drawn = found[:MOST]
        if not drawn:
            return None
        features = {part.feature for each in drawn for part in each.row.parts}
        named = self._names.features(tuple(Axis(feature, "") for feature in sorted(features)))
        title = self._t.gettext("%(title)s (%(features)s)") % {"title": title, "features": named}
        end = axis_end(place for each in drawn for place in self._places(each))
        rows = tuple(self._row(each, end) for each in drawn)
        return Picture(title, self._words.hundred(end), rows, drawn[0].look, len(self._reading.beyond) - len(rows))

    def _widest(self) -> list[PublicFinding]:
        judged = (each for rule in self._reading.rules for each in self._reading.findings(rule) if not each.row.total)
        wide = [each for each in judged if each.word and each.word.word and (each.gap or 0) > 0]
        return sorted(wide, key=lambda each: (-(each.gap or 0), each.row.key))[:_WIDEST]

    @staticmethod
    def _places(finding: PublicFinding) -> Iterator[float]:
        yield from (each for each in (finding.rest, *finding.limits, *(finding.span or ())) if each is not None)

    def _row(self, finding: PublicFinding, end: float) -> PictureRow:
        span = self._t.gettext("likely range %(span)s") % {"span": self._words.span(finding)}
        beside = self._t.gettext("; ").join(told for told in (self._words.beside(finding), span) if told)
        error = self._words.erring(finding)
        return PictureRow(
            name=self._names.row(finding.row.parts),
            error=error,
            beside=beside,
            chart=chart(finding, end, self._t.gettext("%(error)s; %(rest)s") % {"error": error, "rest": beside}),
        )

    def _covered(self) -> str:
        covered = self._reading.covered
        if covered is None:
            return ""
        feature, share = covered
        if self._names.is_nationality(Axis(feature, "")):
            told = self._t.gettext("%(count)s of 100 people are of a nationality published by name")
        else:
            told = self._t.gettext("%(count)s of 100 people are in a group published by name, by %(feature)s")
        return told % {"count": self._n.count(math.floor(share * 100 + 1e-9)), "feature": self._names.feature(feature)}
