"""The verdict in plain words: one heading, one sentence "in this test", three numbers and what comes next.

These are the words most people will ever read of an audit. They say "clearly" only of groups that fail, "up to" of
people counted in groups picked because they fail, and nothing about the world beyond the test.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.result import RuleResult
from reports.language import Language
from reports.names import Names
from reports.numbers import NOT_KNOWN
from reports.reading import MISSED, WRONGLY_FLAGGED, Finding, Reading, people_beyond, worst_outcomes
from reports.words import Words


@dataclass(frozen=True, slots=True)
class Number:
    """One of the three numbers."""

    value: str
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """Screen one."""

    outcome: str
    heading: str
    sentence: str
    widest: str
    numbers: tuple[Number, Number, Number]
    next_step: str


class VerdictWriter:
    """Writes the verdict of one result in one language."""

    def __init__(self, reading: Reading, names: Names, words: Words, language: Language) -> None:
        self._reading = reading
        self._names = names
        self._words = words
        self._t = language.translations
        self._n = language.numbers
        self._outcome = reading.result.overall.outcome
        self._failing = reading.with_outcome("fail")
        self._worst = worst_outcomes(reading.findings)

    def write(self) -> VerdictWords:
        """The verdict of the whole audit."""
        return VerdictWords(
            outcome=self._outcome,
            heading=self._heading(),
            sentence=self._sentence(),
            widest=self._widest(),
            numbers=(*self._two_numbers(), self._coverage()),
            next_step=self._next_step(),
        )

    def _heading(self) -> str:
        if self._outcome == "fail":
            return self._t.gettext("Does not meet the limit")
        if self._outcome == "pass":
            return self._t.gettext("Meets the limit in every group we could judge")
        return self._t.gettext("We cannot tell")

    def _sentence(self) -> str:
        if self._outcome == "fail":
            return self._failing_sentence()
        if self._outcome == "pass":
            judged = sum(outcome == "pass" for outcome in self._worst.values())
            return self._t.ngettext(
                "In this test the one group that was large enough to judge stayed within the limit.",
                "In this test all %(count)s groups that were large enough to judge stayed within the limit.",
                judged,
            ) % {"count": self._n.count(judged)}
        because = {rule.because for rule in self._reading.result.rules if rule.outcome == "inconclusive"}
        if because == {"nothing_judged"}:
            return self._t.gettext("In this test no group has enough cases to be judged, so there is no verdict.")
        return self._t.gettext(
            "In this test no group was clearly worse off than everyone else by more than the limit, "
            "but there are too few cases to say that none is."
        )

    def _failing_sentence(self) -> str:
        """What happened clearly more (or less) often, in how many groups; the primary harm first."""
        counts: dict[tuple[str, str], set[object]] = {}
        for finding in self._failing:
            counts.setdefault(_kind(finding), set()).add(finding.group.root)
        wrong_first = self._reading.result.overall.primary_harm == "wrongly_flagged"
        order = sorted(counts, key=lambda kind: (kind[0] != "wrongly_flagged") if wrong_first else 0)
        first, *others = [self._clearly(kind, len(counts[kind])) for kind in order]
        for other in others:
            first = self._t.gettext("%(first)s, and %(other)s") % {"first": first, "other": other}
        what = first + ("," if others else "")
        return self._t.gettext("In this test the system %(what)s than among everyone else.") % {"what": what}

    def _clearly(self, kind: tuple[str, str], count: int) -> str:
        """What happened and in how many groups: "missed clearly more victims in 3 groups"."""
        one_and_many = {
            ("missed", "more"): self._t.ngettext(
                "missed clearly more victims in %(count)s group",
                "missed clearly more victims in %(count)s groups",
                count,
            ),
            ("missed", "fewer"): self._t.ngettext(
                "missed clearly fewer victims in %(count)s group",
                "missed clearly fewer victims in %(count)s groups",
                count,
            ),
            ("wrongly_flagged", "more"): self._t.ngettext(
                "wrongly flagged clearly more people in %(count)s group",
                "wrongly flagged clearly more people in %(count)s groups",
                count,
            ),
            ("wrongly_flagged", "fewer"): self._t.ngettext(
                "wrongly flagged clearly fewer people in %(count)s group",
                "wrongly flagged clearly fewer people in %(count)s groups",
                count,
            ),
            ("flagged", "more"): self._t.ngettext(
                "flagged clearly more people in %(count)s group",
                "flagged clearly more people in %(count)s groups",
                count,
            ),
            ("flagged", "fewer"): self._t.ngettext(
                "flagged clearly fewer people in %(count)s group",
                "flagged clearly fewer people in %(count)s groups",
                count,
            ),
            ("wrong", "more"): self._t.ngettext(
                "was clearly more often wrong in %(count)s group",
                "was clearly more often wrong in %(count)s groups",
                count,
            ),
            ("wrong", "fewer"): self._t.ngettext(
                "was clearly less often wrong in %(count)s group",
                "was clearly less often wrong in %(count)s groups",
                count,
            ),
        }
        return one_and_many[kind] % {"count": self._n.count(count)}

    def _widest(self) -> str:
        """The failing group in which most people are affected, by name."""
        if self._outcome != "fail":
            return ""
        worst = max(self._primary(), key=lambda finding: finding.people, default=None)
        if worst is None:
            return ""
        return self._t.gettext("Most people affected: %(group)s. Among them the system %(compared)s.") % {
            "group": self._names.group(worst.group),
            "compared": self._words.compared(worst),
        }

    def _primary(self) -> list[Finding]:
        """Failing findings about the primary harm; all failing ones where none is about it."""
        wanted = WRONGLY_FLAGGED if self._reading.result.overall.primary_harm == "wrongly_flagged" else MISSED
        return [finding for finding in self._failing if finding.metric in wanted] or self._failing

    def _two_numbers(self) -> tuple[Number, Number]:
        groups = len(self._worst)
        by_outcome = {name: sum(value == name for value in self._worst.values()) for name in self._worst.values()}
        of_groups = self._t.ngettext("of %(count)s group", "of %(count)s groups", groups) % {
            "count": self._n.count(groups)
        }
        undecided = Number(
            self._n.count(by_outcome.get("inconclusive", 0) + by_outcome.get("not_evaluable", 0)),
            self._t.gettext("groups we cannot judge alone"),
            of_groups,
        )
        if self._outcome != "fail":
            within = self._n.count(by_outcome.get("pass", 0))
            return Number(within, self._t.gettext("groups within the limit"), of_groups), undecided
        beyond = Number(self._n.count(by_outcome.get("fail", 0)), self._t.gettext("groups beyond the limit"), of_groups)
        return self._people(), beyond

    def _people(self) -> Number:
        primary = self._primary()
        kind = _kind(primary[0]) if primary else ("", "")
        labels = {
            "missed": self._t.gettext("more victims missed"),
            "wrongly_flagged": self._t.gettext("more people wrongly flagged"),
        }
        affected = [finding for finding in primary if _kind(finding) == kind]
        return Number(
            self._t.gettext("up to %(count)s") % {"count": self._n.about(people_beyond(affected))},
            labels.get(kind[0], self._t.gettext("more cases decided otherwise"))
            if kind[1] == "more"
            else self._t.gettext("cases decided otherwise"),
            self._t.gettext("in these groups, than at the rate of everyone else"),
        )

    def _coverage(self) -> Number:
        rules: tuple[RuleResult, ...] = self._reading.result.rules
        lowest = min((rule for rule in rules if rule.coverage is not None), key=_coverage_of, default=None)
        return Number(
            NOT_KNOWN if lowest is None else self._n.percent(lowest.coverage, against=lowest.min_coverage),
            self._t.gettext("of people are in groups that could be judged"),
            ""
            if lowest is None
            else self._t.gettext("a pass needs %(share)s") % {"share": self._n.percent(lowest.min_coverage)},
        )

    def _next_step(self) -> str:
        if self._outcome == "fail":
            return self._t.gettext(
                "Before anyone relies on this system for the groups named below, "
                "its operator should explain these gaps, correct them, and have it audited again."
            )
        if self._outcome == "pass":
            return self._t.gettext(
                "This holds for this version of the system and these cases. Audit again when either changes."
            )
        return self._t.gettext(
            "Add labelled cases and audit again: “Cases still needed” says how many, group by group. "
            "Until then this is not a pass."
        )


def _coverage_of(rule: RuleResult) -> float:
    return 1.0 if rule.coverage is None else rule.coverage


def _kind(finding: Finding) -> tuple[str, str]:
    """What a failing group suffers, and whether more or less of it than everyone else."""
    low = finding.verdict is not None and finding.verdict.side == "low"
    if finding.metric in MISSED:
        return "missed", "more" if low == (finding.metric == "true_positive_rate") else "fewer"
    if finding.metric in WRONGLY_FLAGGED:
        return "wrongly_flagged", "more" if low == (finding.metric == "true_negative_rate") else "fewer"
    if finding.metric == "selection_rate":
        return "flagged", "fewer" if low else "more"
    return "wrong", "more" if low else "fewer"
