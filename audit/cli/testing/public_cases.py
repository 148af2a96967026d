"""Cases of a public release. They hold only what the release says, so whoever may read it may read the log.

The verdict over the whole set is exact. A test of a group or a rule reports the word of the protected figures:
beyond the limit fails, and neither "cannot tell" nor "not shown" is a pass. People who have one code on every rung of
a ladder are one test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from audit.cli.testing.cases import OVERALL, AuditCase, CaseOutcome, block, group_label, with_names_apart
from audit.public.figures import State, each_people_once, per_cent_text, state_of, state_tally
from audit.public.sentences import NO_WORDS, SENTENCES
from audit.public.table import (
    PublicRate,
    PublicRelease,
    PublicRule,
    PublicWord,
    has_words,
    why_no_rates,
    why_nobody_named,
)
from audit.vocabulary.groups import Group

_OUTCOMES: Final[Mapping[State, CaseOutcome]] = {
    "below": "fail",
    "meets": "pass",
    "cannot_tell": "inconclusive",
    "not_shown": "not_shown",
}
_SAID: Final[Mapping[str, str]] = {
    "fail": "beyond the limit in the protected figures",
    "pass": "within the limit in the protected figures",
    "inconclusive": "cannot tell in the protected figures",
    "not_shown": "not shown in the protected figures",
}
_WHY: Final[Mapping[CaseOutcome, str]] = {
    "inconclusive": "the likely range does not exclude the limit, or too few cases for a word",
    "not_shown": "too little is shown to hold it against the limit",
}
_MOST: Final = 3
"""Most groups that are named under a rule."""


def public_cases(release: PublicRelease) -> tuple[AuditCase, ...]:
    """Return the verdict, then every rule on groups with the groups that it judges, in the order of the release."""
    return with_names_apart([_overall(release), *_rule_cases(release)])


def _overall(release: PublicRelease) -> AuditCase:
    outcome = release.headline.outcome
    failing = "; ".join(rule.rule for rule in release.rules if _outcome_of(release, rule) == "fail")
    said = [SENTENCES[f"figures_{release.figures}"]] if release.figures != "shown" else []
    said += [SENTENCES[name] for name in why_no_rates(release) or why_nobody_named(release)]
    said += [SENTENCES["fails_on_probes"]] if "probes" in release.headline.fails_on else []
    change = release.headline.change
    said += [] if change is None else change.sentences
    found = "from the exact figures, which the auditor holds"
    if outcome == "inconclusive":
        found += ": the evidence shows neither a fail nor a pass, and silence is no pass"
    text = block(
        f"the audit {'FAILS' if outcome == 'fail' else 'is INCONCLUSIVE' if outcome == 'inconclusive' else 'passes'}",
        system=release.about.title,
        found=found,
        rules=f"{failing} in the protected figures" if failing else "",
        note=" ".join(said),
    )
    return AuditCase(OVERALL, None, None, outcome, text)


def _rule_cases(release: PublicRelease) -> Iterator[AuditCase]:
    rates = {(rate.metric, rate.group.levels): rate for rate in release.rates}
    names = {
        (feature.name, level.rung, level.code): level.name
        for feature in release.table.features
        for level in feature.levels
    }
    finest = {feature.name: feature.rungs[0] for feature in release.table.features}
    for rule in release.rules:
        judged = [(word, group_label(word.group.levels, finest)) for word in _words(release, rule)]
        yield _rule(release, rule, judged)
        for word, label in judged:
            rate = rates.get((rule.metric, word.group.levels))
            yield _group(release, rule, word, (label, _name(word.group, names)), rate)


def _words(release: PublicRelease, rule: PublicRule) -> list[PublicWord]:
    """Return the words under a rule; none if there are no figures for them."""
    return [word for word in each_people_once(release.words) if word.rule == rule.rule] if has_words(release) else []


def _outcome_of(release: PublicRelease, rule: PublicRule) -> CaseOutcome:
    """Return the outcome of a rule as far as it is public: a pass of the whole set is a pass of each rule."""
    if release.headline.outcome == "pass":
        return "pass"
    return "fail" if any(state_of(word) == "below" for word in _words(release, rule)) else "inconclusive"


def _rule(release: PublicRelease, rule: PublicRule, judged: list[tuple[PublicWord, str]]) -> AuditCase:
    outcome = _outcome_of(release, rule)
    counted = state_tally([word for word, _ in judged])
    below = [label for word, label in judged if state_of(word) == "below"]
    more = f" and {len(below) - _MOST:,} more" if len(below) > _MOST else ""
    counts = (
        f"in the protected figures {counted['below']:,} groups beyond the limit, {counted['meets']:,} within it, "
        f"{counted['cannot_tell']:,} cannot tell, {counted['not_shown']:,} not shown"
    )
    found = counts if judged else NO_WORDS
    if outcome == "inconclusive":
        text = f"{rule.rule}: {found}; see {OVERALL} for the exact figures"
        return AuditCase(rule.rule, rule.rule, None, outcome, text)
    text = block(
        f"{rule.rule}: {_SAID[outcome]}",
        limit=_limit(rule),
        found=found,
        groups=f"{'; '.join(below[:_MOST])}{more}",
        plan=_place(release, rule),
    )
    return AuditCase(rule.rule, rule.rule, None, outcome, text)


def _group(
    release: PublicRelease, rule: PublicRule, word: PublicWord, named: tuple[str, str], rate: PublicRate | None
) -> AuditCase:
    label, name = named
    outcome = _OUTCOMES[state_of(word)]
    case = f"{rule.rule}[{label}]"
    if outcome in _WHY:
        # The same words for many groups are one line of pytest's summary.
        why = SENTENCES[rate.why] if outcome == "not_shown" and rate is not None and rate.why else _WHY[outcome]
        return AuditCase(case, rule.rule, label, outcome, f"{rule.rule}: {_SAID[outcome]}: {why}")
    text = block(
        f"{case}: {_SAID[outcome]}",
        rule=f"{rule.rule} ({_metric(release, rule)})",
        group=f"{label} ({name})",
        limit=_limit(rule),
        found=_rate(rate),
        plan=_place(release, rule),
    )
    return AuditCase(case, rule.rule, label, outcome, text)


def _limit(rule: PublicRule) -> str:
    sides = " or ".join(f"{side}er" for side in rule.worse)
    if rule.scale == "difference":
        return f"{sides} by at most {rule.limit:g} than for everyone else"
    return f"{sides} by a ratio of at least {rule.limit:g} to everyone else"


def _rate(rate: PublicRate | None) -> str:
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return ""
    value, low, high = map(per_cent_text, (rate.value, rate.low, rate.high))
    return f"{value} (likely range {low} to {high}), protected figures"


def _metric(release: PublicRelease, rule: PublicRule) -> str:
    return next((metric.plain for metric in release.about.metrics if metric.name == rule.metric), rule.metric)


def _place(release: PublicRelease, rule: PublicRule) -> str:
    file = release.about.plan_file or "the plan"
    return file if rule.line is None else f"{file}, line {rule.line}"


def _name(group: Group, names: Mapping[tuple[str, str, str], str]) -> str:
    return ", ".join(names.get((level.feature, level.rung, level.code), level.code) for level in group.levels)
