"""Words for a FAIL without a name: some nationalities are beyond a limit, and the cases do not say which.

Under such a verdict no report lists a nationality. A list of the likeliest ones would name them, and the evidence does
not support that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from audit.result.findings.judged import FamilyResult, RuleResult
from audit.vocabulary.metrics import METRICS, Metric, MetricName, Suffered
from reports.language import Language, Wording


class Kind(NamedTuple):
    """The harm to people, and whether more of it or less."""

    what: Suffered | Literal["apart"]
    often: Literal["more", "fewer"]

    @property
    def key(self) -> str:
        """Its key in tables of words."""
        return "apart" if self.what == "apart" else f"{self.what}_{self.often}"


def kind_of(metric: Metric, *, low: bool) -> Kind:
    """Return what a group suffers whose rate is too low or too high."""
    return Kind(metric.suffered or "apart", "more" if low == metric.is_of_good else "fewer")


UnnamedFamilies = Sequence[tuple[RuleResult, FamilyResult]]
"""Families some of whose groups are beyond a limit, and none of them named, with their rules."""


class UnnamedWords(Wording):
    """Words for a FAIL without a name, in one language, under limits on some rates."""

    def __init__(self, language: Language, rates: Mapping[MetricName, Metric] = METRICS) -> None:
        super().__init__(language)
        self._rates = rates

    def sentence(self, families: UnnamedFamilies) -> str:
        """Return the first sentence of a report whose only FAIL has no name."""
        return self._language.word("unnamed_sentences", "sentence", what=self._joined(families))

    def sentence_beside_names(self, families: UnnamedFamilies) -> str:
        """Return the sentence for a FAIL without a name beside groups that were named for another limit or among other
        groups.
        """
        return self._language.word("unnamed_sentences", "beside_names", what=self._joined(families))

    def not_to_conclude(self) -> str:
        """Return what nobody may conclude from it."""
        return self._language.word("unnamed_sentences", "caution")

    def of_the_rule(self, rule: RuleResult) -> str:
        """Return the words beside a limit that some nationalities exceed, none of which is named."""
        family = max(
            (family for family in rule.families if family.unnamed_beyond), key=lambda family: family.unnamed_at_least
        )
        return self._language.word("unnamed_sentences", "of_the_rule", nationalities=self._nationalities(family))

    def next_step(self) -> str:
        """Return the next step where nobody is named."""
        return self._language.word("next_steps", "unnamed")

    def statement(self, rule: RuleResult, family: FamilyResult) -> str:
        """Return what was found, and about whom it says nothing."""
        what = {"what": self._what(rule, family)}
        return self._t.gettext("The system %(what)s. None of these nationalities can be named.") % what

    def _joined(self, families: UnnamedFamilies) -> str:
        return self._language.joined(dict.fromkeys(self._what(rule, family) for rule, family in families), "clauses")

    def _nationalities(self, family: FamilyResult) -> str:
        return self._language.counted(
            "unnamed_sentences",
            "nationalities",
            family.tested,
            count=self._n.count(family.unnamed_at_least),
            tested=self._n.count(family.tested),
        )

    def _what(self, rule: RuleResult, family: FamilyResult) -> str:
        kind = kind_of(self._rates[rule.metric], low=rule.worse == "low")
        key = "both" if rule.worse == "both" or kind.what == "apart" else kind.key
        return self._language.word("unnamed", key, nationalities=self._nationalities(family))
