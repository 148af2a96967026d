"""Words of a portal in one language: verdicts, states, rates, gaps, groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from audit.public.cases import relied_on
from audit.public.figures import PublicFinding
from audit.public.finding_list import findings_of
from audit.public.names import RowNames
from audit.public.release import PublicRelease, PublicRule, PublicWaiver
from audit.public.sentences import SENTENCES
from audit.public.site import State
from audit.vocabulary.attempts import AuditSeal
from audit.vocabulary.numbers import half_up, hundredfold
from audit.vocabulary.text import harmless
from reports.language import Language
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.portal.gaps import Figures, Gap
from reports.public.words import PublicWords
from reports.rate_words import RateWords
from reports.sentences import SentenceWriter
from reports.tally_words import TallyWords

_MOST_WORDS: Final = 3
"""So many changed words are named."""
_FAILS: Final = (("people", "people_fail"), ("probes", "fails_on_probes"), ("change", "change_fail"))
"""Sentences for what a release fails on beside groups."""


class PortalWords:
    """Words for releases in one language. Every sentence about a verdict says "in this test"."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.t = language.translations
        self.n = language.numbers
        self._names: dict[str, RowNames] = {}

    def state(self, state: State) -> str:
        """Return the state of a system in a few words."""
        return self.language.word("portal_states", state)

    def sentence(self, release: PublicRelease) -> str:
        """Return what the verdict of an audit means."""
        headline = release.headline
        if relied_on(release) != headline.outcome:
            no_pass = SENTENCES["pass_not_shown"]
            return self.t.gettext(no_pass)
        if headline.outcome != "fail":
            return self.language.word("portal", headline.outcome)
        sentences = [self.t.gettext(SENTENCES[name]) for on, name in _FAILS if on in headline.fails_on]
        if "groups" in headline.fails_on or not sentences:
            sentences.insert(0, self.language.word("portal", "fail_unnamed" if headline.no_group_named else "fail"))
        return self.language.joined([*sentences, *self._changed_words(release)])

    def _changed_words(self, release: PublicRelease) -> list[str]:
        """Return what the changed words beyond a limit do to the score, that which moves it most first."""
        words = PublicWords(self.language, release)
        failing = [
            finding
            for finding in findings_of(release)
            if finding.subject == "changed_word" and finding.word == "beyond" and finding.measured.rate is not None
        ]
        listed = [words.changed_word(each.who) + self.t.gettext(": ") + words.moves(each) for each in failing]
        return [self.t.gettext("; ").join(listed[:_MOST_WORDS])] if listed else []

    def names(self, figures: Figures) -> RowNames:
        """Return the names of rows of a release."""
        name = figures.audit.name
        if name not in self._names:
            self._names[name] = RowNames(figures.release, self.t, self.language.places)
        return self._names[name]

    def of(self, figures: Figures) -> PublicWords:
        """Return the words of the public page for a release."""
        return PublicWords(self.language, figures.release)

    def rate_name(self, metric: str, figures: Figures) -> str:
        """Return the name of a rate as a reader knows it: "Share of victims found"."""
        known = figures.reading.metrics.get(metric)
        return (
            capital(self.t.gettext(known.plain))
            if known
            else RateWords(self.language, figures.release.rates).rate(metric)
        )

    def group(self, finding: PublicFinding, figures: Figures) -> str:
        """Return what a row says by a rule: "misses about 38 in 100 victims; everyone else 20; limit 30"."""
        if not finding.is_known and finding.state:  # no rate is public
            head = self.rate_name(finding.rate.metric, figures)
            return f"{head}{self.t.gettext(': ')}{self.of(figures).state(finding.state)}"
        return self.of(figures).compared(finding)

    def row_name(self, finding: PublicFinding, figures: Figures) -> str:
        """Return the name of the row of a finding."""
        return self.names(figures).row(finding.row.parts)

    def beyond(self, finding: PublicFinding, figures: Figures) -> str:
        """Return what is said of a group beyond a limit, or of a row within which a smaller group is."""
        return self.smaller() if finding.state == "smaller_beyond" else self.group(finding, figures)

    def smaller(self) -> str:
        """Return what is said of a row within which a smaller group is beyond a limit."""
        return RateWords(self.language).state("smaller_beyond")

    def gap(self, gap: Gap) -> str:
        """Return a gap with its range: "18 points (15 … 21)"."""
        values = {"gap": _points(gap.value), "range": f"{_points(gap.low)} … {_points(gap.high)}"}
        return self.t.ngettext("%(gap)s point (%(range)s)", "%(gap)s points (%(range)s)", _count(gap.value)) % values

    def standing(self, finding: PublicFinding) -> str:
        """Return the state of a row in a word or two: nobody takes a group that is not beyond for one that fails."""
        return RateWords(self.language).state(finding.state) if finding.state else ""

    def gap_limit(self, gap: Gap) -> str:
        """Return the distance at which the limit of a gap lies: "10 points"."""
        return self.t.ngettext("%(gap)s point", "%(gap)s points", _count(gap.limit)) % {"gap": _points(gap.limit)}

    def tallies(self, figures: Figures, rule: PublicRule) -> list[tuple[str, str]]:
        """Return how many findings under a rule have which word: the outcome whose mark it has, and the words."""
        text = self.t.gettext("%(state)s: %(count)s")
        return [
            (counted.look, capital(text % {"state": counted.text, "count": self.n.count(counted.count)}))
            for counted in TallyWords(self.language).counted(figures.tally(rule))
        ]

    def valid_until(self, day: str) -> str:
        """Return until when an audit may be relied on. `day` is empty where nobody declared one."""
        return (
            self.t.gettext("Valid until %(day)s.") % {"day": day}
            if day
            else self.t.gettext("No day of expiry declared.")
        )

    def seal(self, seal: AuditSeal | None) -> str:
        """Return who signed an audit, and who made it again."""
        if seal is None or not seal.signatures:
            return self.t.gettext("Not signed")
        clauses = [self.t.gettext("Signed with a key that the publisher of this site does not vouch for")]
        if seal.signed_by:
            clauses = [self.t.gettext("Signed by %(names)s") % {"names": self._listed(seal.signed_by)}]
            if seal.not_shown:
                clauses.append(self.t.gettext("not all that was asked for is shown"))
        for name, replay_levels in seal.countersigned_by.items():
            levels = self._listed(self.language.word("replayed", level) for level in replay_levels)
            words = {"name": harmless(name), "levels": levels}
            clauses.append(self.t.gettext("made again and found equal by %(name)s: %(levels)s") % words)
        return self.t.gettext("; ").join(clauses)

    def _listed(self, names: Iterable[str]) -> str:
        return self.t.gettext(", ").join(map(harmless, names))

    def notes(self, release: PublicRelease) -> list[str]:
        """Return what a reader must know before the figures of an audit."""
        sentences = []
        if "figures_none" in release.left_out:
            sentences.append(
                self.t.gettext("No figures are published: too few people for any row. The auditor knows the figures.")
            )
        if release.about.kind == "blind":
            how = SentenceWriter(self.language).decision(release.about.decision)
            sentences.append(self.t.gettext("How it decides") + self.t.gettext(": ") + how)
        if release.about.probe_rules:
            sentences.append(
                self.t.gettext("The verdict also rests on texts in which one word was changed; see the report.")
            )
        hides = [name for name in release.left_out if name in {"figures_hidden", "other_key"}]
        sentences += [self.t.gettext(SENTENCES[name]) for name in (*hides, *release.about.sample_sentences)]
        people = release.headline.people_outcome
        if people is not None:
            names = (*[f"people_{people}"] * (people != "fail"), "people_counted")
            sentences += [self.t.gettext(SENTENCES[name]) for name in names]
        change = release.headline.change
        if change is not None:
            differs = ", ".join(change.differs)
            change_sentences = [
                self.t.gettext(SENTENCES[name]).format(features=differs) for name in change.sentence_names
            ]
            sentences += change_sentences[1:] if "change" in release.headline.fails_on else change_sentences
        return sentences

    def waivers(self, figures: Figures) -> list[str]:
        """Return who answers for which finding until when, by name where a row names it."""
        lines = []
        for waiver in figures.release.waivers:
            name = self.t.gettext("a group that is not named here")
            if waiver.group is not None:
                name = self.names(figures).group(waiver.group)
            lines.append(f"{capital(name)}{self.t.gettext(': ')}{self._waived(waiver, figures.release.about.finished)}")
        return lines

    def _waived(self, waiver: PublicWaiver, finished: str) -> str:
        values = {
            "who": harmless(waiver.who),
            "day": self.language.date(waiver.expires),
            "why": harmless(waiver.why) or NOT_KNOWN,
        }
        if waiver.expires < finished:
            return self.t.gettext("waiver by %(who)s until %(day)s, expired when the audit was run: %(why)s") % values
        return self.t.gettext("waived by %(who)s until %(day)s: %(why)s") % values


def _points(share: float) -> str:
    """Return a difference of shares in whole percentage points."""
    return str(_whole(share)).replace("-", "−")


def _count(share: float) -> int:
    return abs(_whole(share))


def _whole(share: float) -> int:
    return int(half_up(hundredfold(float(half_up(share, 6))), 0))
