"""Words for the verdict: one heading, one sentence "in this test", three numbers and the next step.

Most people read nothing else of an audit. The words say "clearly" only about groups that fail, "up to" about people
counted in groups that were picked because they fail, and nothing about the world beyond the test.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.result.findings.judged import RuleResult
from audit.result.reading import JudgedRate, Reading, result_of_second, worst_outcomes
from audit.result.reasons import open_cures, open_verdicts
from audit.result.urgency import primary_metrics, widest_gap
from reports.change_words import ChangeWords
from reports.harms import due_words
from reports.language import WORDS
from reports.most_affected import MostAffected, kind_of_finding
from reports.screen_numbers import Number, ScreenNumbers
from reports.second_words import SecondWords
from reports.swap_words import SwapWords
from reports.unknown_words import UnknownWords
from reports.unnamed_words import Kind, UnnamedWords
from reports.writer import Report, Writer


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """The words of the first screen."""

    outcome: str
    heading: str
    sentence: str
    widest: str
    numbers: tuple[Number, ...]
    next_step: str
    first: JudgedRate | None
    """The failing group in which most people are harmed; None where none is named."""


class VerdictWriter(Writer):
    """Writes the verdict of one result in one language."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        reading, language = self.reading, self.language
        self._unnamed_words = UnnamedWords(language, reading.rates)
        self._unknown = UnknownWords(self.result, language, self.names)
        self._swaps = SwapWords(self.result, language)
        self._change = ChangeWords(self.result, language)
        self._second = SecondWords(self.result, language, self.names)
        people = self.result.people_verdict
        self._people = None if people is None else Reading(result_of_second(self.result, people))
        """What is said of people's decisions that count; None where these are no part of the verdict."""
        self._outcome = self.result.overall.outcome
        self._of_rates = reading.outcome_of_rates
        self._failing = [finding for finding in reading.each_once if finding.outcome == "fail"]
        self._worst = worst_outcomes(reading.judged_rates)
        self._passing = {finding.group.people for finding in reading.with_outcome("pass")}
        self._unnamed = reading.unnamed
        self._affected = MostAffected(reading, self._failing)

    def write(self) -> VerdictWords:
        """Return the words for the verdict of the whole audit."""
        return VerdictWords(
            outcome=self.result.relied_on,
            heading=self._heading(),
            sentence=self._sentence(),
            widest=self._widest(),
            numbers=ScreenNumbers(self.report).write(self._rules(), self._affected.shown()),
            next_step=self.language.joined(filter(None, (self._past_expiry() or self._next_step(), self._due()))),
            first=self._affected.worst() if self._of_rates == "fail" and self._failing else None,
        )

    def _rules(self) -> list[RuleResult]:
        """Return the rules in their order: where the verdict names nobody, the rules of that verdict come first; then
        the harm that comes first.
        """
        wanted = primary_metrics(self.reading)
        unnamed = [rule for rule, _ in self._unnamed]
        return sorted(self.result.rules, key=lambda rule: (rule not in unnamed, rule.metric not in wanted))

    def _heading(self) -> str:
        return self.language.word("headings", self.result.relied_on)

    def _sentence(self) -> str:
        text = {"fail": self._failing_sentence, "pass": self._passing_sentence}.get(
            self._of_rates, self._undecided_sentence
        )()
        unknown = self._unknown.of_fails([finding.verdict for finding in self._failing])
        alone = ""
        if self._of_rates == "pass":
            unknown, alone = self._unknown.of_passes(), self._not_alone()
        planned = self._planned_pass() if self._of_rates == "inconclusive" else ""
        more_said = (self._selected_by_decision(), self._known_in_full(), alone, unknown, planned)
        for more in filter(
            None, (*more_said, self._swaps.sentence(), self._change.sentence(), self._second.sentence())
        ):
            text = self.t.gettext("%(first)s %(more)s") % {"first": text, "more": more}
        return text

    def _selected_by_decision(self) -> str:
        if not any(notice.code == "selected_by_decision" for notice in self.result.notices):
            return ""
        return self.language.word("verdict", "selected")

    def _known_in_full(self) -> str:
        if not any(notice.code == "known_in_full" for notice in self.result.notices):
            return ""
        return self.language.word("verdict", "known_in_full")

    def _passing_sentence(self) -> str:
        """Return how many groups were judged and stayed within; and on how many limits, where that differs."""
        judged = len(self._passing)
        text = self.language.counted("verdict", "passing", judged)
        on_all = sum(outcome == "pass" for outcome in self._worst.values())
        if on_all == judged:
            return text
        if on_all:
            more = self.language.counted("verdict", "on_every_limit", on_all)
        else:
            more = self.t.gettext("No group was large enough to be judged on every limit.")
        return self.t.gettext("%(first)s %(more)s") % {"first": text, "more": more}

    def _not_alone(self) -> str:
        """Return where most people were not judged alone, and the gap that could have been seen there."""
        unjudged = self.result.further.not_judged_alone
        if not unjudged:
            return ""
        most = max(unjudged, key=lambda family: family.share)
        rule = next(rule for rule in self.result.rules if rule.rule == most.rule)
        return self.words.not_alone(most, rule.scale, self.result.plan.verdict.power)

    def _undecided_sentence(self) -> str:
        """Return what was not found, and which of the reasons present keeps the audit from a verdict."""
        undecided = [rule for rule in self.result.rules if rule.outcome == "inconclusive"]
        reasons = self._reasons()
        if "too_many_failed" in reasons:
            return self.language.word("verdict", "too_many_failed")
        if {rule.because for rule in undecided} == {"nothing_judged"} and reasons <= {"too_few_cases"}:
            return self.t.gettext(
                "In this test no group has enough cases to be judged, so there is no verdict on any group."
            )
        both_ways = any(rule.direction == "both" for rule in undecided)
        first = (
            self.t.gettext("In this test no group was clearly apart from everyone else by more than the limit")
            if both_ways
            else self.t.gettext("In this test no group was clearly worse off than everyone else by more than the limit")
        )
        open_reasons = [reason for reason in WORDS["undecided"] if reason in reasons] or ["too_few_cases"]
        why = self.language.joined((self.language.word("undecided", reason) for reason in open_reasons), "clauses")
        return self.t.gettext("%(first)s, but %(why)s.") % {"first": first, "why": why}

    def _planned_pass(self) -> str:
        """Return the chance that a system which treats everyone alike had of a pass, and what would raise it most."""
        planned = self.result.further.planned_pass
        if planned is None:
            return ""
        text = self.language.word("verdict", "planned_pass", chance=self.n.percent(planned.chance))
        if planned.out_of_reach is not None:
            text = self.language.word("out_of_reach", planned.out_of_reach)
        elif planned.least_sure:
            least = self.t.gettext("The group least sure to pass is %(group)s.")
            more = least % {"group": self.names.group(planned.least_sure[0].group)}
            text = self.t.gettext("%(first)s %(more)s") % {"first": text, "more": more}
        if planned.remedy is None:
            return text
        more = self.language.word("remedies", planned.remedy, chance=self.n.percent(planned.with_remedy))
        return self.t.gettext("%(first)s %(more)s") % {"first": text, "more": more}

    def _reasons(self) -> set[str]:
        """Return why undecided rules have no verdict: the reasons of the groups that keep them from one."""
        reasons: set[str] = set()
        for rule in self.result.rules:
            if rule.because == "too_many_failed":
                reasons.add(rule.because)
            few = ("too_few_for_a_rate", "no_cases")
            causes = {verdict.because for verdict in open_verdicts(rule, self.result.verdicts)}
            reasons |= {"too_few_cases" if because in few else because for because in causes}
            if rule.outcome == "inconclusive" and rule.missing_expected:
                reasons.add("too_few_cases")
        return reasons

    def _failing_sentence(self) -> str:
        """Return what happened clearly more (or less) often, and in how many groups; the primary harm first."""
        if not self._failing:
            return self._unnamed_words.sentence(self._unnamed)
        counts: dict[Kind, set[object]] = {}
        for finding in self._failing:
            counts.setdefault(kind_of_finding(finding), set()).add(finding.group.people)
        wrong_first = self.result.overall.primary_harm == "wrongly_flagged"
        order = sorted(counts, key=lambda kind: (kind.what != "wrongly_flagged") if wrong_first else 0)
        happened = [self.language.counted("clearly", kind.key, len(counts[kind])) for kind in order]
        than = self.t.gettext("In this test the system %(what)s than among everyone else.")
        if len(happened) > 1:
            than = self.t.gettext("In this test the system %(what)s, than among everyone else.")
        text = than % {"what": self.language.joined(happened, "clauses")}
        if not self._unnamed:
            return text
        more = self._unnamed_words.sentence_beside_names(self._unnamed)
        return self.t.gettext("%(first)s %(more)s") % {"first": text, "more": more}

    def _widest(self) -> str:
        """Return the failing group in which most people are harmed, by name. Empty where failing groups are better off.

        Where the verdict names nobody, the caution that nobody can be named.
        """
        if self._outcome != "fail":
            return self._widest_gap()
        if self._of_rates != "fail":
            return self._widest_of_people() or self._swaps.widest()
        if not self._failing:
            return self._unnamed_words.not_to_conclude()
        worst = self._affected.worst()
        if worst is None:
            return ""
        which = "widest_smallest" if self._affected.larger_too else "widest"
        group = self.names.whole(worst.group, worst.same_people)
        return self.language.word("verdict", which, group=group, compared=self.words.compared(worst))

    def _widest_of_people(self) -> str:
        """Return the group that is most affected beyond a limit in what people decided; empty where none is named."""
        if self._people is None:
            return ""
        failing = [finding for finding in self._people.each_once if finding.outcome == "fail"]
        worst = MostAffected(self._people, failing).worst()
        if worst is None:
            return ""
        group, rate = self.names.whole(worst.group, worst.same_people), self.words.rate(worst.metric)
        value, rest = self.n.percent(worst.value), self.n.percent(worst.rest)
        return self.language.word("verdict", "widest_of_people", group=group, rate=rate, value=value, rest=rest)

    def _widest_gap(self) -> str:
        """Return who is worst off where nobody is beyond a limit: what the public page shows first, too."""
        widest = widest_gap(self.reading)
        if widest is None:
            return ""
        group = self.names.whole(widest.group, widest.same_people)
        return self.language.word("verdict", "widest_gap", group=group, compared=self.words.compared(widest))

    def _past_expiry(self) -> str:
        """Return the next step for a pass that may not be relied on, or not any more; otherwise an empty text."""
        if self.result.relied_on != self._outcome:
            return self.language.word("next_steps", "cannot_tell_ask")
        return self.language.word("next_steps", "expired") if self._outcome == "pass" and self._is_expired else ""

    @property
    def _is_expired(self) -> bool:
        valid_until = self.result.plan.governance.valid_until
        return valid_until is not None and valid_until < self.result.provenance.finished[:10]

    def _due(self) -> str:
        result, audit = self.result, self.result.plan.audit
        finished = result.provenance.finished
        return due_words(self.language, result.relied_on, audit.respond_by, finished, is_expired=self._is_expired)

    def _next_step(self) -> str:
        if self._change.decides:
            return self._change.next_step()
        if self._outcome not in {self._of_rates, "pass"}:
            return self._next_step_for_people() or self._swaps.next_step()
        if self._outcome == "fail" and not self._failing:
            return self._unnamed_words.next_step()
        if self._outcome == "fail":
            return self.language.word("next_steps", "explain_gaps")
        if self._outcome == "pass":
            return self.language.word("next_steps", "pass")
        return self._what_it_takes()

    def _next_step_for_people(self) -> str:
        """Return the next step where people's decisions keep the audit from a pass; empty where they do not."""
        if self._people is None or self._people.outcome_of_rates != self._outcome:
            return ""
        return self.language.word("next_steps", "explain_people" if self._outcome == "fail" else "decide_people")

    def _what_it_takes(self) -> str:
        """Return the next step where groups have no verdict: what each reason takes, and that it is no pass."""
        cures = open_cures(self.result.rules, (finding.verdict for finding in self.reading.each_once))
        if "mend_system" in cures:
            return self.language.word("next_steps", "mend_system")
        section = self.result.plan.evaluation_set
        otherwise = {"decide_cases": section.is_counted, "more_of_others": bool(section.stratum)}
        text = self.t.gettext("Then audit again. Until then this is not a pass.")
        for cure in [cure for cure in WORDS["cures"] if cure in cures][::-1]:
            step = self.language.word("cures_otherwise" if otherwise.get(cure) else "cures", cure)
            text = self.t.gettext("%(first)s %(more)s") % {"first": step, "more": text}
        return text
