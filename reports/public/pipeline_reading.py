"""A public release as pipelines read it: the verdict, what must be said beside it, and each finding beyond a limit.

Files for pipelines name only what fails, so a name or a number in them is not in the same file made without figures.
What they print of a group must therefore be explained by the group's own row: a name that holds digits of another
kind, or that is not what it looks like, is not printed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from audit.public.figures import State, each_people_once, people_apart, per_cent_text, state_of, state_tally
from audit.public.sentences import SENTENCES
from audit.public.table import (
    PublicChange,
    PublicRate,
    PublicRelease,
    PublicRule,
    PublicWord,
    group_key,
    why_no_rates,
    why_nobody_named,
)
from audit.vocabulary.groups import Group
from audit.vocabulary.text import harmless
from reports.language import ENGLISH
from reports.plain_text import LONGEST, shortened
from reports.public.next_step import is_expired, next_step
from reports.public.plain_names import PlainNames
from reports.public.waived import PublicWaived

PLAN: Final = "plan.toml"
"""The plan file where the release does not name it."""
VERDICTS: Final = {
    "fail": "Exceeds the limit in this test",
    "pass": "Within the limit in every group that could be judged in this test",
    "inconclusive": "Inconclusive: cannot tell in this test whether the limit is met",
}
_PROTECTED: Final = (
    "The verdict comes from the exact figures, which the auditor holds. Figures of groups are protected: each was"
    " changed by at most {largest_change}, groups with fewer than {floor} people are never shown, and some larger ones"
    " are withheld too."
)
_WAIVED: Final = "Findings are waived: somebody answers for each of them until a day, and no verdict changes by it."
_NO_NAME: Final = "a group whose name cannot be shown here"
_PLAIN_PATH: Final = re.compile(r"\w[\w.-]{0,99}(?:/\w[\w.-]{0,99}){0,8}", re.ASCII)
_PLAIN_KEY: Final = re.compile(r"""[^\s|"`\\]{1,300}""")
_BROKEN_NUMBER: Final = re.compile(r"\d[.,'’\u00a0\u202f]\d|[^\W\d]\d|[^\x00-\x7f]\d|\d[^\x00-\x7f]")
"""Numbers that are no plain whole ones: a row explains the whole numbers in its own name and no others."""
_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


@dataclass(frozen=True, slots=True)
class Finding:
    """A group beyond the limit of a rule in the protected figures."""

    rule: PublicRule
    group: Group
    key: str
    """The key of its row."""
    name: str
    """What it is called, in English; a text that says so where it cannot be shown."""
    rate: PublicRate | None
    apart: int
    """At most how many people would have fared otherwise; for the order alone, 0 where it is not known."""


class PipelineReading:
    """One release."""

    def __init__(self, release: PublicRelease) -> None:
        self.release = release
        self.about = release.about
        self.outcome = release.headline.outcome
        named = release.about.plan_file
        self.plan = named if _PLAIN_PATH.fullmatch(named) else PLAN
        self._names = PlainNames(release)
        self.waived = PublicWaived(release)

    @property
    def title(self) -> str:
        """The system, on one line, with nothing unseen in it."""
        return shortened(harmless(self.about.title))

    @property
    def notice(self) -> str:
        """Who may read the file, and what its figures are."""
        return "Public: protected figures" if self.release.figures == "shown" else "Public: without figures"

    @property
    def is_expired(self) -> bool:
        """Whether the audit ended after the day until which it may be relied on."""
        return is_expired(self.release)

    @property
    def look(self) -> Literal["fail", "pass", "inconclusive", "expired"]:
        """The verdict as one sign: a pass past its expiry is none."""
        return "expired" if self.outcome == "pass" and self.is_expired else self.outcome

    @property
    def verdict(self) -> str:
        """The verdict as one sentence without its full stop."""
        alone = self.release.headline.fails_on == ("change",)
        said = "Worse than in the earlier audit in this test" if alone else VERDICTS[self.outcome]
        return f"Past its expiry, do not rely on it. {said}" if self.is_expired else said

    def sentences(self, without_figures: str) -> list[str]:
        """Sentences that must stand beside the verdict; features without figures are named as the file writes them."""
        headline = self.release.headline
        notes = []
        no_rates = why_no_rates(self.release)
        notes += [SENTENCES[name] for name in why_nobody_named(self.release) if name not in no_rates]
        if "probes" in headline.fails_on:
            notes.append(SENTENCES["fails_on_probes"])
        if headline.change is not None:
            told, *more = headline.change.sentences
            notes += [told, _earlier(headline.change), *more]
        if self.release.figures == "shown":
            notes.append(_PROTECTED.format(**self.release.table.method.model_dump()))
        else:
            notes.append(SENTENCES[f"figures_{self.release.figures}"])
        notes += [_WAIVED] if self.waived.all else []
        notes += [SENTENCES[name] for name in no_rates]
        if without_figures:
            notes.append(SENTENCES["without_figures"].format(features=without_figures))
        return notes

    @property
    def notes(self) -> list[str]:
        """Sentences that stand beside the verdict, with features without figures by their own names."""
        return self.sentences(", ".join(map(harmless, self.about.without_figures)))

    def about_verdict(self) -> str:
        """The verdict with all that must stand beside it, in one paragraph."""
        return harmless(" ".join([f"{self.verdict}.", *self.notes]))

    def metric(self, rule: PublicRule) -> str:
        """What the rate of a rule is called; empty where the release does not say."""
        return next((metric.plain for metric in self.about.metrics if metric.name == rule.metric), "")

    @staticmethod
    def line(rule: PublicRule | None) -> int:
        """The line of a rule in the plan; the first where it is not known."""
        return 1 if rule is None or rule.line is None else rule.line

    @property
    def next_step(self) -> str:
        """What should happen next, in the words of the page."""
        return next_step(self.release, ENGLISH, names_groups=bool(self._below))

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is beyond a limit, rule by rule, in the order of the table; the same people once a rule."""
        rules = {rule.rule: rule for rule in self.release.rules}
        rows = {row.group: row for row in self.release.table.groups}
        rates = {(rate.metric, rate.group): rate for rate in self.release.rates}
        everyone, found = self.release.table.groups[0], []
        for word in self._below:
            rule = rules[word.rule]
            rate, row = rates.get((rule.metric, word.group)), rows.get(word.group)
            apart = None if rate is None or row is None or rate.value is None else people_apart(everyone, row, rate)
            name = self._name(word.group)
            found.append(Finding(rule, word.group, group_key(word.group), name, rate, apart or 0))
        return tuple(found)

    @property
    def first(self) -> list[Finding]:
        """Findings, most people first."""
        return sorted(self.findings, key=lambda finding: (-finding.apart, finding.key, finding.rule.rule))

    def failing_rules(self) -> list[PublicRule]:
        """Rules under which a group is beyond the limit."""
        failing = {word.rule for word in self._below}
        return [rule for rule in self.release.rules if rule.rule in failing]

    def tally(self, rule: str) -> dict[State, int]:
        """How many groups are in which state under a rule."""
        return state_tally([word for word in self.release.words if word.rule == rule])

    def fingerprint(self, rule: str, key: str) -> str:
        """Key of a rule and a group of one system, in letters alone: a digit would be a number."""
        of = json.dumps([self.about.system or self.about.title, rule, key])
        return hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest().translate(_LETTERS)

    @cached_property
    def _below(self) -> list[PublicWord]:
        ids = {rule.rule for rule in self.release.rules}
        once = each_people_once(self.release.words)
        return [word for word in once if state_of(word) == "below" and word.rule in ids]

    def _name(self, group: Group) -> str:
        name = harmless(self._names.group(group))
        unnamed = any(
            level.code in ("unknown", "unlisted") and any(map(str.isdigit, level.feature)) for level in group.levels
        )
        if unnamed or "[U+" in name or len(name) > LONGEST or _BROKEN_NUMBER.search(name):
            return _NO_NAME
        return name


def is_plain_key(key: str) -> bool:
    """Whether a key can stand as one word of a line, so that numbers of its row can stand beside it."""
    return _PLAIN_KEY.fullmatch(key) is not None and key == harmless(key)


def _earlier(change: PublicChange) -> str:
    """When the audit before was, and how the two were compared."""
    compared = "; both versions were tested on the same cases" if change.paired else ""
    return f"The earlier audit ended on {harmless(change.baseline_finished)}{compared}."


def likely_range(rate: PublicRate | None) -> tuple[str, str] | None:
    """A rate and its likely range, as texts; None where they are not shown."""
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return None
    value, low, high = map(per_cent_text, (rate.value, rate.low, rate.high))
    return value, f"{low} to {high}"
