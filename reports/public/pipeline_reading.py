"""A public release as pipelines read it: the verdict, what must be said beside it, and a suite for each rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final, Literal

from audit.public.cases import (
    PublicCases,
    RowCase,
    exact_figures,
    has_expired,
    is_expired,
    limit_words,
    relied_on,
    sentences_beside,
    waiver_words,
)
from audit.public.finding_list import ReleaseFinding, findings_of, message_of, tally_of_rule, who_words
from audit.public.names import RowNames
from audit.public.release import PublicRelease, PublicRule, PublicWaiver
from audit.vocabulary.finding import Tally, outcome_of, tally_of
from audit.vocabulary.text import harmless
from reports.cases import Case, Suite, Waived, history_properties
from reports.language import ENGLISH
from reports.plain_text import shortened
from reports.public.words import next_step

PLAN: Final = "plan.toml"
"""The plan file where the release does not name it."""
VERDICTS: Final[Mapping[str, str]] = {
    "fail": "Exceeds the limit in this test",
    "pass": "Within the limit in every group that could be judged in this test",
    "inconclusive": "Inconclusive: cannot tell in this test whether the limit is met",
}
_PLAIN_PATH: Final = re.compile(r"\w[\w.-]{0,99}(?:/\w[\w.-]{0,99}){0,8}", re.ASCII)


class PipelineReading:
    """One release."""

    def __init__(self, release: PublicRelease) -> None:
        self.release = release
        self.about = release.about
        self.cases = PublicCases(release)
        self.names = RowNames(release)
        self.findings = findings_of(release)
        self.outcome = relied_on(release)
        self.is_expired = is_expired(release)
        self.title = shortened(harmless(release.about.title))
        named = release.about.plan_file
        self.plan = named if _PLAIN_PATH.fullmatch(named) else PLAN
        self.notes = sentences_beside(release)
        self.system = release.about.system or release.about.title
        self.exact_figures = exact_figures(self.plan)

    @property
    def look(self) -> Literal["fail", "pass", "inconclusive", "expired"]:
        """The verdict as one sign: a pass past its expiry is none."""
        return "expired" if self.outcome == "pass" and self.is_expired else self.outcome

    @property
    def verdict(self) -> str:
        """The verdict as one sentence without its full stop."""
        alone = self.release.headline.fails_on == ("change",)
        sentence = "Worse than in the earlier audit in this test" if alone else VERDICTS[self.outcome]
        if self.outcome != self.release.headline.outcome:
            sentence = "Inconclusive: that the system at work answers as its vendor did is not shown"
        return f"Past its expiry, do not rely on it. {sentence}" if self.is_expired else sentence

    @property
    def only_warned(self) -> bool:
        """Whether the verdict fails, and on nothing but rules that only warn."""
        headline, warning = self.release.headline, {rule.rule for rule in self.release.rules if rule.on_fail == "warn"}
        failing = {rule.rule for rule in self.release.rules if rule.outcome == "fail"}
        failing |= {rule.rule for rule in headline.people if rule.outcome == "fail"}
        return set(headline.fails_on) <= {"groups", "people"} and bool(failing) and failing <= warning

    @property
    def about_verdict(self) -> str:
        """The verdict with all that must stand beside it, in one paragraph."""
        return harmless(" ".join([f"{self.verdict}.", *self.notes]))

    @property
    def tally(self) -> Tally:
        """Number of findings with each word, row by row."""
        return tally_of(self.findings)

    @property
    def next_step(self) -> str:
        """What should happen next, in the words of the page."""
        return next_step(self.release, ENGLISH, self.findings)

    @cached_property
    def suites(self) -> list[Suite]:
        """The verdict; each rule with its rows, what fails first; people's decisions; changed words; the change."""
        rules = map(self._rule, self.release.rules)
        return [self._verdict(), *rules, *self._people(), *self._changed_words(), *self._change()]

    def _verdict(self) -> Suite:
        about, headline = self.about, self.release.headline
        declared = about.valid_until or "not declared"
        properties = [("audited", about.finished), ("valid until", declared), *(("note", note) for note in self.notes)]
        properties += history_properties(about.history)
        properties.append(("findings, row by row", str(self.tally)))
        properties.append(("exact figures", self.exact_figures))
        properties += [("waiver", self.waiver(waiver)) for waiver in self.release.waivers]
        outcome = "inconclusive" if self.look == "expired" else self.outcome
        return Suite(
            "verdict",
            "verdict",
            Case("verdict over the whole set", outcome, self.about_verdict, "verdict"),
            properties=tuple(properties),
            said_by="others" if headline.fails_on == ("groups",) and not self.is_expired else "itself",
            warns=self.only_warned,
        )

    def _rule(self, rule: PublicRule) -> Suite:
        limit = f"{self.release.rates[rule.metric].plain}: {limit_words(rule)}"
        properties = (
            ("limit", limit),
            ("rows judged", str(rule.judged)),
            ("findings, row by row", str(tally_of_rule(self.findings, rule.rule))),
        )
        outcome_words = {"fail": "beyond the limit", "pass": "within the limit"}.get(rule.outcome, "cannot tell")
        unnamed = [
            self._unlike_rows(finding)
            for finding in self.findings
            if finding.subject == "together" and finding.rule == rule.rule
        ]
        nobody_named = "; no row says which group" if unnamed else ""
        message = f"{outcome_words}{nobody_named}; {limit}; {rule.judged} rows judged"
        rule_case = Case(f"rule {rule.rule}", rule.outcome, message, "rule")
        cases = (*unnamed, *map(self._case, self.cases.by_rule[rule.rule]))
        return Suite(rule.rule, "disparity", rule_case, cases, properties, rule.line, warns=rule.on_fail == "warn")

    def _changed_words(self) -> list[Suite]:
        by_rule: dict[str, list[ReleaseFinding]] = {}
        for finding in self.findings:
            if finding.subject == "changed_word":
                by_rule.setdefault(finding.rule, []).append(finding)
        return [self._of_changed_words(rule or "probes", findings) for rule, findings in by_rule.items()]

    def _of_changed_words(self, name: str, findings: Sequence[ReleaseFinding]) -> Suite:
        tally = str(tally_of(findings))
        rule_case = Case(f"rule {name}", outcome_of(findings), f"changed words: {tally}", "rule")
        cases = tuple(map(self._unlike_rows, findings))
        return Suite(name, "disparity", rule_case, cases, (("findings", tally),))

    def _people(self) -> list[Suite]:
        lines = {rule.rule: rule.line for rule in self.release.rules}
        warning = {rule.rule for rule in self.release.rules if rule.on_fail == "warn"}
        decided = [finding for finding in self.findings if finding.subject == "people"]
        cases = [replace(self._unlike_rows(finding), name=f"people's decisions: {finding.rule}") for finding in decided]
        return [
            Suite(
                f"people.{finding.rule}",
                "disparity",
                case,
                line=lines.get(finding.rule),
                warns=finding.rule in warning,
            )
            for finding, case in zip(decided, cases, strict=True)
        ]

    def _change(self) -> list[Suite]:
        cases = [self._unlike_rows(finding) for finding in self.findings if finding.subject == "change"]
        return [Suite("change", "regression", replace(case, name="change since the earlier audit")) for case in cases]

    def _unlike_rows(self, finding: ReleaseFinding) -> Case:
        name = who_words(finding, self.names)
        return Case(name, finding.outcome, message_of(finding), name)

    def _case(self, case: RowCase) -> Case:
        waiver = case.waiver if case.outcome == "fail" else None
        waived = None
        if waiver is not None:
            waived = Waived(waiver_words(waiver, self.release), has_expired(waiver, self.release))
        return Case(case.name, case.outcome, case.message, case.row.key, waived=waived)

    def waiver(self, waiver: PublicWaiver) -> str:
        """A waiver in one sentence, with its rule and group where they are named."""
        return f"{self.waived(waiver)}: {waiver_words(waiver, self.release)}"

    def waived(self, waiver: PublicWaiver) -> str:
        """Which finding a waiver is about."""
        if waiver.group is None:
            return "a finding that is not named in public"
        names = (case.name for case in self.cases.failing if case.row.group == waiver.group)
        return f"{next(names, '')} under {harmless(waiver.rule)}"
