"""Evidence that the operator declares: nothing here checks it, and it is never called measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.plan.governance import NOT_TESTED
from audit.result.findings import ChangeOutcome, ProbeRuleResult, RuleResult
from audit.safeguards.found import Finding, Found, declared, measured, not_shown
from audit.safeguards.held import Held
from audit.vocabulary.numbers import exact_percent
from audit.vocabulary.text import count_of

__all__ = ["DECLARATIONS"]

_ROUTES: Final = {"services": "services", "enforcement": "enforcement", "both": "services and enforcement"}


def _owner(held: Held) -> Found:
    governance = held.governance
    told = [f"The plan names an owner: {held.plan.audit.owner}."]
    rests_on = ["plan.audit.owner"]
    if governance.office is not None:
        told.append(f"The office that answers for the system: “{governance.office}”.")
        rests_on.append("plan.governance.office")
    if governance.role is not None:
        told.append(f"The role that answers for the system: “{governance.role}”.")
        rests_on.append("plan.governance.role")
    return declared(" ".join(told), *rests_on, date=governance.declared_on)


def _stop(held: Held) -> Found:
    words = held.governance.oversight
    if words is None:
        return not_shown("Who can stop the system is not shown.")
    return _said(held, f"The operator declares who can stop the system: “{words}”.", "oversight")


def _review(held: Held) -> Found:
    governance = held.governance
    told, rests_on = [], []
    if governance.review_rate is not None:
        told.append(f"The operator declares that people reviewed {exact_percent(governance.review_rate)} of flags.")
        rests_on.append("review_rate")
    if governance.override_rate is not None:
        told.append(f"Of reviewed flags, the operator declares, {exact_percent(governance.override_rate)} were not "
                    "followed.")  # fmt: skip
        rests_on.append("override_rate")
    if not told:
        return not_shown("Review and override of flags are not shown.")
    told.append(f"The time that this is about: “{governance.review_period}”.")
    told.append("By group it is not shown.")
    return _said(held, " ".join(told), *rests_on, "review_period")


def _expiry(held: Held) -> Found:
    day = held.governance.valid_until
    if day is None:
        return not_shown("No day is declared after which this audit should not be relied on.")
    return declared(
        f"The operator declares that it may be relied on until {day}.",
        "plan.governance.valid_until",
        date=held.governance.declared_on,
    )


def _limits_before(held: Held) -> Found:
    day = held.governance.limits_set_on
    if day is None:
        return not_shown("When the limits were set is not shown.")
    return declared(
        "The operator declares on which day the limits were set.", "plan.governance.limits_set_on", date=day
    )


def _patterns(held: Held) -> Found:
    named = held.governance.named_patterns
    if not named:
        return not_shown("No pattern was named in advance.")
    told = [f"The operator named {count_of(len(named), 'pattern')} in advance: “{'”, “'.join(named)}”."]
    about = {rule for rule in named.values() if rule != NOT_TESTED}
    rules: list[RuleResult | ProbeRuleResult] = [*held.result.rules, *held.result.probe_rules]
    outcomes = [rule.outcome for rule in rules if rule.rule in about]
    if not outcomes:
        return _said(held, f"{told[0]} No rule of this plan is about any of them.", "named_patterns")
    met, missed = outcomes.count("pass"), outcomes.count("fail")
    told.append(
        f"Limits of this plan on them: {missed} not met, {met} met, {len(outcomes) - met - missed} not decided."
    )
    if not met + missed:
        return _said(held, " ".join(told), "named_patterns")
    decided = {rule.rule for rule in rules if rule.rule in about and rule.outcome in ("pass", "fail")}
    of_rates = [name for name in ("rules", "probe_rules") if decided & {one.rule for one in getattr(held.result, name)}]
    return measured(" ".join(told), *of_rates)


_CHANGED: Final[Mapping[ChangeOutcome, str]] = {
    "fail": "the system became worse for at least one group by more than the limit set for that.",
    "pass": "for no group that could be judged the system became worse by the limit set for that.",
    "inconclusive": "whether the system became worse for a group cannot be told.",
}


def _previous(held: Held) -> Found:
    change = held.result.change
    if change is not None and change.rules:
        day = change.baseline.finished[:10]
        return measured(
            f"This audit was compared with the one that ended on {day}: {_CHANGED[change.outcome]}", "change"
        )
    words = held.governance.previous_audit
    if words is None:
        return not_shown("This audit was not compared with an earlier one.")
    return _said(
        held, f"The operator names an audit before this one: “{words}”. The two were not compared.", "previous_audit"
    )


def _group_data(held: Held) -> Found:
    words = held.governance.group_data
    if words is None:
        return not_shown("Why features of people were processed, and when they are deleted, is not shown.")
    return _said(held, f"The operator declares why features of people were processed: “{words}”.", "group_data")


def _consulted(held: Held) -> Found:
    names = held.governance.consulted
    if not names:
        return not_shown("Who was consulted is not shown.")
    return _said(held, f"The operator names who was consulted: “{'”, “'.join(names)}”.", "consulted")


def _appeal(held: Held) -> Found:
    words = held.governance.appeal
    if words is None:
        return not_shown("How a person contests a flag is not shown.")
    return _said(held, f"The operator declares how a person contests a flag: “{words}”.", "appeal")


def _contact(held: Held) -> Found:
    words = held.governance.contact
    if words is None:
        return not_shown("No contact is declared.")
    return _said(held, f"The operator names a contact: “{words}”.", "contact")


def _baseline(held: Held) -> Found:
    words = held.governance.baseline
    if words is None:
        return not_shown("What is done without the system is not shown.")
    return _said(
        held, f"The operator declares what is done without the system: “{words}”. It was not run here.", "baseline"
    )


def _route(held: Held) -> Found:
    told, rests_on = [f"The plan says that flags go to {_ROUTES[held.plan.audit.route]}."], ["plan.audit.route"]
    if held.governance.downstream is not None:
        told.append(f"The operator declares what follows from a flag: “{held.governance.downstream}”.")
        rests_on.append("plan.governance.downstream")
    told.append("What becomes of people there was not measured.")
    return declared(" ".join(told), *rests_on, date=held.governance.declared_on)


def _labels(held: Held) -> Found:
    return declared(
        f"Labels come from: {held.plan.evaluation_set.label_source}. Whether several sources agree was not measured.",
        "plan.evaluation_set.label_source",
        date=held.governance.declared_on,
    )


def _auditor(held: Held) -> Found:
    name = held.plan.audit.auditor
    if not name.strip():
        return not_shown("The plan does not say who carried out the audit.")
    return declared(
        f"The plan names who carried out the audit: {name}. That they are independent is not shown.",
        "plan.audit.auditor",
        date=held.governance.declared_on,
    )


def _summary(_: Held) -> Found:
    return not_shown("This result is restricted; a summary for the public is a file of its own.")


def _indicators(_: Held) -> Found:
    return not_shown("Single signs and indicators were not tested.")


def _said(held: Held, evidence: str, *keys: str) -> Found:
    return declared(evidence, *(f"plan.governance.{key}" for key in keys), date=held.governance.declared_on)


_MAYBE: Final = ("declared", "not_shown")
DECLARATIONS: Final[Mapping[str, Finding]] = {
    "owner": Finding(_owner, ("declared",)),
    "stop": Finding(_stop, _MAYBE),
    "review": Finding(_review, _MAYBE),
    "expiry": Finding(_expiry, _MAYBE),
    "limits_before": Finding(_limits_before, _MAYBE),
    "patterns": Finding(_patterns, ("measured", "declared", "not_shown")),
    "previous": Finding(_previous, ("measured", *_MAYBE)),
    "group_data": Finding(_group_data, _MAYBE),
    "consulted": Finding(_consulted, _MAYBE),
    "appeal": Finding(_appeal, _MAYBE),
    "contact": Finding(_contact, _MAYBE),
    "baseline": Finding(_baseline, _MAYBE),
    "route": Finding(_route, ("declared",)),
    "labels": Finding(_labels, ("declared",)),
    "auditor": Finding(_auditor, _MAYBE),
    "summary": Finding(_summary, ("not_shown",)),
    "indicators": Finding(_indicators, ("not_shown",)),
}
"""By the key of the evidence."""
