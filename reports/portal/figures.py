"""Figures of one release for a portal: the rate of everyone, words on groups, changes. All of it is protected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from audit.public.figures import State, each_people_once, state_of, state_tally
from audit.public.site import PublicAudit
from audit.public.table import PublicRate, PublicRelease, PublicRule, PublicWord, clear_change, has_words
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED

Error = Literal["missed", "wrongly_flagged"]


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one error since the audit before."""

    error: Error
    state: Literal["other_set", "other_key", "no_digest", "other_method", "not_clear", "clear"]
    """`other_key`: the digests of the sets differ, and may do so only because another key was used. `no_digest`: one
    of the two releases has no digest of its set."""
    by: int = 0
    """The signed change, where it is clear."""
    least: int = 0
    most: int = 0


class Figures:
    """One release, read once."""

    def __init__(self, audit: PublicAudit) -> None:
        self.audit = audit
        self.release: PublicRelease = audit.release

    @cached_property
    def metric(self) -> str:
        """The rate that shows the primary harm: the rate of the first rule on it, or the share found or flagged."""
        wanted = WRONGLY_FLAGGED if self.release.about.primary_harm == "wrongly_flagged" else MISSED
        return next((rule.metric for rule in self.release.rules if rule.metric in wanted), wanted[0])

    def everyone(self, metric: str) -> PublicRate | None:
        """Return a rate of everyone, or None where the release does not have it."""
        return self._of_everyone.get(metric)

    @cached_property
    def tallies(self) -> dict[State, int] | None:
        """Count the groups in each state, over all rules. None where no group has a word, because "0 beyond it" reads
        like a finding.
        """
        return state_tally(self.release.words) if has_words(self.release) else None

    @cached_property
    def below(self) -> tuple[tuple[PublicWord, PublicRate], ...]:
        """Return the groups below a limit with their rates, the one furthest from everyone first.

        The distance goes from everyone's rate to the nearer end of the group's interval, or to its bound.
        """
        rules = {rule.rule: rule for rule in self.release.rules}
        words_once = each_people_once(self.release.words)
        words = [word for word in words_once if state_of(word) == "below" and word.rule in rules]
        if not words:
            return ()
        rates = {(rate.metric, rate.group): rate for rate in self.release.rates}
        found = [(word, rates[(rules[word.rule].metric, word.group)]) for word in words]
        return tuple(sorted(found, key=lambda each: -self._distance(each[1], rules[each[0].rule])))

    @cached_property
    def _of_everyone(self) -> dict[str, PublicRate]:
        return {rate.metric: rate for rate in self.release.rates if not rate.group.levels}

    def _distance(self, rate: PublicRate, rule: PublicRule) -> float:
        whole = self._of_everyone.get(rule.metric)
        if whole is None or whole.value is None:
            return 0.0
        least = rate.at_least if rate.low is None else rate.low
        most = rate.at_most if rate.high is None else rate.high
        sides = {
            "low": 0.0 if most is None else whole.value - most,
            "high": 0.0 if least is None else least - whole.value,
        }
        return max(sides[side] for side in rule.worse)


def changes(before: PublicRelease, after: PublicRelease) -> Iterator[Change]:
    """Yield the change of everyone's errors, where both audits asked about the same people and protected them alike."""
    was, now = before.table.groups[0], after.table.groups[0]
    apart = _why_not_same_cases(before, after)
    errors: tuple[Error, Error] = ("missed", "wrongly_flagged")
    for error, one, other in zip(errors, (was.positives, was.negatives), (now.positives, now.negatives), strict=True):
        if other.why == "cannot_occur":
            continue
        if apart is not None:
            yield Change(error, apart)
        elif before.table.method != after.table.method:
            yield Change(error, "other_method")
        else:
            clear = clear_change(one.errors, other.errors, after.table.method)
            yield Change(error, "not_clear") if clear is None else Change(error, "clear", *clear)


def _why_not_same_cases(
    before: PublicRelease, after: PublicRelease
) -> Literal["other_set", "other_key", "no_digest"] | None:
    """Return why two audits are not known to be of the same cases, or None where they are.

    Digests are made under the key of a restricted folder. Two digests that differ prove other cases only if the key was
    the same. The key was the same if the two releases share another digest: of the detector, or of its predictions.
    """
    was, now = _digests(before), _digests(after)
    if "evaluation_set" not in was or "evaluation_set" not in now:
        return "no_digest"
    if was["evaluation_set"] == now["evaluation_set"]:
        return None
    return "other_set" if was.items() & now.items() else "other_key"


def _digests(release: PublicRelease) -> dict[str, str]:
    return {digest.of: digest.blake2b for digest in release.about.digests}
