"""Words of a portal in one language: verdicts, states, rates, groups, changes."""

from __future__ import annotations

from typing import assert_never

from audit.public.sentences import SENTENCES
from audit.public.site import State
from audit.public.table import PublicRate, PublicRelease, PublicWaiver, why_no_rates
from audit.vocabulary.text import harmless
from reports.language import Language
from reports.names import Names
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.portal.figures import Change, Error, Figures
from reports.public.reading import OUTCOMES
from reports.public_names import names_of
from reports.rate_words import RateWords
from reports.words import Words


class PortalWords:
    """Words for releases in one language. Every sentence about a verdict says "in this test"."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.t = language.translations
        self.n = language.numbers
        self._names: dict[str, Names] = {}

    def state(self, state: State) -> str:
        """Return the state of a system in a few words."""
        match state:
            case "fail":
                return self.t.gettext("Exceeds the limit")
            case "inconclusive":
                return self.t.gettext("We cannot tell")
            case "expired":
                return self.t.gettext("Met the limit, and has expired")
            case "pass":
                return self.t.gettext("Within the limit in every group we could judge")
            case _:
                assert_never(state)

    def state_in_short(self, state: State) -> str:
        """Return the state of a system in fewer words, for a list of pages."""
        match state:
            case "fail":
                return self.t.gettext("exceeds the limit")
            case "inconclusive":
                return self.t.gettext("we cannot tell")
            case "expired":
                return self.t.gettext("expired")
            case "pass":
                return self.t.gettext("within the limit")
            case _:
                assert_never(state)

    def sentence(self, release: PublicRelease) -> str:
        """Return what the verdict of an audit means."""
        headline = release.headline
        match headline.outcome:
            case "fail":
                if headline.fails_on == ("change",):
                    return self._sentence("change_fail")
                if not headline.no_group_named:
                    return self.t.gettext("In this test at least one limit is exceeded.")
                if release.about.probe_rules or why_no_rates(release):
                    return self.t.gettext(
                        "In this test at least one limit is exceeded on the exact figures; the protected figures do "
                        "not say for whom."
                    )
                return self.t.gettext(
                    "On the exact figures the system exceeds the limit for at least one group; the public "
                    "figures do not show which."
                )
            case "inconclusive":
                return self.t.gettext(
                    "In this test no limit was shown to be exceeded, and there is not enough evidence that every limit "
                    "is met. This is no pass."
                )
            case "pass":
                return self.t.gettext(
                    "In this test every limit is met for every group that could be judged. A group with too few cases "
                    "is not judged."
                )
            case _:
                assert_never(headline.outcome)

    def rate_name(self, metric: str, figures: Figures) -> str:
        """Return the name of a rate as a reader knows it: "Share of victims found"."""
        plain = next((each.plain for each in figures.release.about.metrics if each.name == metric), "")
        return capital(self.t.gettext(plain)) if plain else Words(self.language, self.names(figures)).rate(metric)

    def named_rate(self, rate: PublicRate, figures: Figures) -> str:
        """Return a rate with its interval and its name: "28% (25–32%), share of non-victims wrongly flagged"."""
        plain = next((each.plain for each in figures.release.about.metrics if each.name == rate.metric), "")
        name = self.t.gettext(plain) if plain else self.rate_name(rate.metric, figures)
        return self.t.gettext("%(first)s, %(other)s") % {"first": self.rate_with_range(rate), "other": name}

    def rate(self, rate: PublicRate | None) -> str:
        """Return a rate, or the bound that is known of it; a dash where nothing is shown."""
        if rate is None:
            return NOT_KNOWN
        if rate.value is not None:
            return self.n.percent(rate.value)
        if rate.at_least is not None:
            return self.t.gettext("at least %(rate)s") % {"rate": self.n.percent(rate.at_least)}
        if rate.at_most is not None:
            return self.t.gettext("at most %(rate)s") % {"rate": self.n.percent(rate.at_most)}
        return NOT_KNOWN

    def range(self, rate: PublicRate | None) -> str:
        """Return the interval of a rate, or an empty text."""
        if rate is None or rate.low is None or rate.high is None:
            return ""
        return self.n.percent_range(rate.low, rate.high)

    def rate_with_range(self, rate: PublicRate | None) -> str:
        """Return a rate and its interval: "79% (78–81%)"."""
        text, between = self.rate(rate), self.range(rate)
        return f"{text} ({between})" if between else text

    def tallies(self, figures: Figures) -> list[tuple[str, str]]:
        """Return how many groups are in each state: the outcome whose mark the state has, and the words."""
        counted, words = figures.tallies, RateWords(self.language)
        if counted is None:
            return [("not_evaluable", self.t.pgettext("figure", "not shown"))]
        return [(OUTCOMES[state], words.groups_in(state, count)) for state, count in counted.items()]

    def names(self, figures: Figures) -> Names:
        """Return the names of groups of a release."""
        name = figures.audit.name
        if name not in self._names:
            self._names[name] = names_of(figures.release, self.language)
        return self._names[name]

    def valid_until(self, day: str) -> str:
        """Return until when an audit may be relied on. `day` is empty where nobody declared one."""
        return (
            self.t.gettext("Valid until %(day)s.") % {"day": day}
            if day
            else self.t.gettext("No day of expiry declared.")
        )

    def notes(self, release: PublicRelease) -> list[str]:
        """Return what a reader must know before the figures of an audit."""
        sentences = []
        if release.figures == "refused":
            sentences.append(self._sentence("figures_refused"))
        if release.figures == "not_made":
            sentences.append(self._sentence("figures_not_made"))
        if release.about.weighted:
            sentences.append(
                self.t.gettext(
                    "The exact audit weighs its cases, and the protected figures do not: no rates are made of them, "
                    "and they say of no group whether it is within the limit."
                )
            )
        if release.about.clustered and release.about.unit == "cluster":
            sentences.append(
                self.t.gettext(
                    "Cases of this set belong together, and the protected figures count all that do once: "
                    "no rates are made of them, and they say of no group whether it is within the limit."
                )
            )
        elif release.about.clustered:
            sentences.append(
                self.t.gettext(
                    "Cases of this set belong together, and the protected figures do not know which: no rates are made "
                    "of them, and they say of no group whether it is within the limit."
                )
            )
        if release.about.probe_rules:
            sentences.append(
                self.t.gettext("The verdict also rests on texts in which one word was changed; see the report.")
            )
        change = release.headline.change
        if change is not None:
            differs = ", ".join(change.differs)
            said = [self._sentence(name).format(features=differs) for name in change.sentence_names]
            sentences += said[1:] if release.headline.fails_on == ("change",) else said
        return sentences

    def waivers(self, figures: Figures) -> list[str]:
        """Return who answers for which finding until when, by name where the protected figures name it."""
        lines = []
        for waiver in figures.release.waivers:
            name = self.t.gettext("a group that is not named here")
            if waiver.group is not None:
                name = self.names(figures).group(waiver.group)
            lines.append(f"{capital(name)}{self.t.gettext(': ')}{self._waived(waiver, figures.release.about.finished)}")
        return lines

    def _waived(self, waiver: PublicWaiver, finished: str) -> str:
        of = {
            "who": harmless(waiver.who),
            "day": self.language.date(waiver.expires),
            "why": harmless(waiver.why) or NOT_KNOWN,
        }
        if waiver.expires < finished:
            return self.t.gettext("waiver by %(who)s until %(day)s, expired when the audit was run: %(why)s") % of
        return self.t.gettext("waived by %(who)s until %(day)s: %(why)s") % of

    def _sentence(self, name: str) -> str:
        return self.t.gettext(SENTENCES[name])

    def change(self, change: Change) -> str:
        """Return the change of an error since the audit before, in words."""
        error = self._error(change.error)
        match change.state:
            case "other_set":
                template = self.t.gettext("%(error)s: not compared, the audit before was of other cases")
                return template % {"error": error}
            case "other_key":
                template = self.t.gettext(
                    "%(error)s: not compared: whether these are the same cases cannot be told, because another key may "
                    "have been used"
                )
                return template % {"error": error}
            case "no_digest":
                template = self.t.gettext(
                    "%(error)s: not compared: whether these are the same cases cannot be told, because no digest of "
                    "them was published"
                )
                return template % {"error": error}
            case "other_method":
                return self.t.gettext("%(error)s: not compared, figures were protected in another way") % {
                    "error": error
                }
            case "not_clear":
                return self.t.gettext("%(error)s: no clear change") % {"error": error}
            case "clear":
                form = (
                    self.t.gettext("%(error)s: about %(count)s fewer (%(least)s to %(most)s fewer)")
                    if change.by < 0
                    else self.t.gettext("%(error)s: about %(count)s more (%(least)s to %(most)s more)")
                )
                least, most = sorted((abs(change.least), abs(change.most)))
                return form % {
                    "error": error,
                    "count": self.n.count(abs(change.by)),
                    "least": self.n.count(least),
                    "most": self.n.count(most),
                }
            case _:
                assert_never(change.state)

    def _error(self, error: Error) -> str:
        return self.t.gettext("Victims missed") if error == "missed" else self.t.gettext("Others wrongly flagged")
