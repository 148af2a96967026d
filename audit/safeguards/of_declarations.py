"""Evidence that the operator declares. Nothing here checks it, and it is never called measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.plan.governance import NOT_TESTED
from audit.result.findings.judged import RuleResult
from audit.result.findings.safeguards import EvidenceState
from audit.result.findings.swaps import ProbeRuleResult
from audit.safeguards.result_view import ResultView
from audit.safeguards.searches import FoundEvidence, Said, Search, declared, measured, not_shown
from audit.vocabulary.numbers import exact_percent
from audit.vocabulary.sentences import Sentence, Word, counted, sentence, share

_ROUTES: Final = {"services": "services", "enforcement": "enforcement", "both": "services and enforcement"}


def _owner(view: ResultView) -> FoundEvidence:
    governance = view.governance
    sentences, rests_on = [sentence("owner", owner=view.plan.audit.owner)], ["plan.audit.owner"]
    for key, words in (("office", governance.office), ("role", governance.role)):
        if words is not None:
            sentences.append(sentence(key, words=words))
            rests_on.append(f"plan.governance.{key}")
    return declared(tuple(sentences), *rests_on, date=governance.declared_on)


def _words_of(key: str, field: str) -> Search:
    """Return a search that quotes one field of the plan, or several, in the sentence `key`."""

    def find(view: ResultView) -> FoundEvidence:
        words = getattr(view.governance, field)
        if not words:
            return not_shown(f"no_{key}")
        statement = sentence(key, words=words if isinstance(words, str) else "”, “".join(words))
        return _declared(view, statement, field)

    return Search(find, _MAYBE)


def _review(view: ResultView) -> FoundEvidence:
    after = view.result.further.after_detector
    if after is not None:
        flagged, others = (override for override in after.overrides if not override.group.root)
        counts = {"decided": flagged.decided, "changed": flagged.changed, "others": others.decided}
        said_of_people = sentence("decided_after", **counts, taken=others.changed)
        return measured((said_of_people, "decided_by_group"), "further.after_detector", "further.second_verdicts")
    governance = view.governance
    sentences, rests_on = [], []
    if governance.review_rate is not None:
        sentences.append(sentence("reviewed", share=share(governance.review_rate, exact_percent)))
        rests_on.append("review_rate")
    if governance.override_rate is not None:
        sentences.append(sentence("not_followed", share=share(governance.override_rate, exact_percent)))
        rests_on.append("override_rate")
    if not sentences:
        return not_shown("no_review")
    period = sentence("review_period", words=str(governance.review_period))
    return _declared(view, (*sentences, period, "not_by_group"), *rests_on, "review_period")


def _expiry(view: ResultView) -> FoundEvidence:
    day = view.governance.valid_until
    return not_shown("no_expiry") if day is None else _declared(view, sentence("expiry", day=day), "valid_until")


def _limits_before(view: ResultView) -> FoundEvidence:
    day, history = view.governance.limits_set_on, view.result.provenance.history
    if history is not None and history.registration in {"shown", "shown_for_limits"}:
        return measured("limits_registered", "provenance.history")
    if day is None:
        return not_shown("no_limits_before")
    return declared("limits_before", "plan.governance.limits_set_on", date=day)


def _patterns(view: ResultView) -> FoundEvidence:
    named = view.governance.named_patterns
    if not named:
        return not_shown("no_patterns")
    statement = sentence("patterns", patterns=counted(len(named), "pattern"), words="”, “".join(named))
    about = {rule for rule in named.values() if rule != NOT_TESTED}
    rules: list[RuleResult | ProbeRuleResult] = [*view.result.rules, *view.result.probe_rules]
    outcomes = [rule.outcome for rule in rules if rule.rule in about]
    if not outcomes:
        return _declared(view, (statement, "patterns_no_rule"), "named_patterns")
    met, missed = outcomes.count("pass"), outcomes.count("fail")
    counts = {"fail": missed, "pass": met, "open": len(outcomes) - met - missed}
    judged = sentence("patterns_judged", **counts)
    if not met + missed:
        return _declared(view, (statement, judged), "named_patterns")
    decided = {rule.rule for rule in rules if rule.rule in about and rule.outcome in ("pass", "fail")}
    of_rates = [
        name for name in ("rules", "probe_rules") if decided & {rule.rule for rule in getattr(view.result, name)}
    ]
    return measured((statement, judged), *of_rates)


def _previous(view: ResultView) -> FoundEvidence:
    change = view.result.change
    if change is not None and change.rules:
        return measured(sentence(f"previous_{change.outcome}", day=change.baseline.finished[:10]), "change")
    words = view.governance.previous_audit
    if words is None:
        return not_shown("no_previous")
    return _declared(view, sentence("previous_named", words=words), "previous_audit")


def _route(view: ResultView) -> FoundEvidence:
    sentences: list[str | Sentence] = [sentence("route", route=Word(word=_ROUTES[view.plan.audit.route]))]
    rests_on = ["plan.audit.route"]
    if view.governance.downstream is not None:
        sentences.append(sentence("downstream", words=view.governance.downstream))
        rests_on.append("plan.governance.downstream")
    return declared((*sentences, "downstream_not_measured"), *rests_on, date=view.governance.declared_on)


def _labels(view: ResultView) -> FoundEvidence:
    statement = sentence("labels", source=view.plan.evaluation_set.label_source)
    return declared((statement, "labels_sources"), "plan.evaluation_set.label_source", date=view.governance.declared_on)


def _auditor(view: ResultView) -> FoundEvidence:
    name = view.plan.audit.auditor
    if not name.strip():
        return not_shown("no_auditor")
    sentences = (sentence("auditor", name=name), "auditor_independent")
    return declared(sentences, "plan.audit.auditor", date=view.governance.declared_on)


def _declared(view: ResultView, sentences: Said, *keys: str) -> FoundEvidence:
    return declared(sentences, *(f"plan.governance.{key}" for key in keys), date=view.governance.declared_on)


_MAYBE: Final[tuple[EvidenceState, ...]] = ("declared", "not_shown")
DECLARATIONS: Final[Mapping[str, Search]] = {
    "owner": Search(_owner, ("declared",)),
    "stop": _words_of("stop", "oversight"),
    "review": Search(_review, ("measured", *_MAYBE)),
    "expiry": Search(_expiry, _MAYBE),
    "limits_before": Search(_limits_before, ("measured", *_MAYBE)),
    "patterns": Search(_patterns, ("measured", "declared", "not_shown")),
    "previous": Search(_previous, ("measured", *_MAYBE)),
    "group_data": _words_of("group_data", "group_data"),
    "consulted": _words_of("consulted", "consulted"),
    "appeal": _words_of("appeal", "appeal"),
    "contact": _words_of("contact", "contact"),
    "baseline": _words_of("baseline", "baseline"),
    "route": Search(_route, ("declared",)),
    "labels": Search(_labels, ("declared",)),
    "auditor": Search(_auditor, _MAYBE),
    "summary": Search(lambda _: not_shown("no_summary"), ("not_shown",)),
    "indicators": Search(lambda _: not_shown("no_indicators"), ("not_shown",)),
}
"""Searches by the key of the evidence."""
