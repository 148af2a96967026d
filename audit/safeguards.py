"""What an audit has to say to the draft resolution: paragraph 7(k) in its parts, and paragraph 2.

The text is a draft by Belarus, Nicaragua and the Syrian Arab Republic to the Commission on Crime Prevention and
Criminal Justice (thirty-third session, 12 April 2024, item 6 of the provisional agenda). It binds nobody. A clause
without evidence is `not_shown`, which is a state of its own and never a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from audit.evaluation.row_numbers import count_of
from audit.findings import (
    Amplification,
    ChangedSlot,
    LikeWithLike,
    Outcome,
    ProbeVerdict,
    ReferenceComparison,
    RuleResult,
    SwapProbe,
    SwapShift,
)
from audit.percentages import percent
from audit.plan import AuditPlan
from audit.result import Safeguard, SystemDescription
from audit.terms import SLOT_WORDS

__all__ = ["safeguards"]


def safeguards(
    plan: AuditPlan,
    rules: Sequence[RuleResult],
    system: SystemDescription,
    further: Mapping[str, Any],
    swaps: tuple[Sequence[SwapProbe], Sequence[ProbeVerdict]] = ((), ()),
) -> tuple[Safeguard, ...]:
    """Clause by clause: the words of the draft, the question, the evidence in this result, and its state.

    `further` are the findings that decide nothing, by their field of the result; empty where they were not asked.
    `swaps` are the probes with the verdicts on them.
    """
    return (
        _assist_victims(rules),
        _effective_safeguards(rules),
        _oversight(plan),
        _algorithms(system),
        _facilitate(further.get("amplification", ())),
        _perpetuate(further.get("reference_comparison")),
        _inequality(rules),
        _like_cases(further.get("conditional", ())),
        Safeguard(
            clause="7(k)",
            words="To cooperate with the relevant academic and research communities",
            question="Can an outsider repeat the audit?",
            evidence="This result holds the plan, the digests of its inputs, every count and the versions used.",
            state="measured",
        ),
        _nationality(plan, system, *swaps),
    )


def _assist_victims(rules: Sequence[RuleResult]) -> Safeguard:
    judged = [rule for rule in rules if rule.metric in ("true_positive_rate", "false_negative_rate")]
    return Safeguard(
        clause="7(k)",
        words="and to assist victims of trafficking",
        question="Who is missed?",
        evidence=(
            f"The share of victims found, by group, under {count_of(len(judged), 'rule')}."
            if judged
            else "The share of victims found is listed by group, but no rule limits it."
        ),
        state="measured" if judged else "not_shown",
    )


def _effective_safeguards(rules: Sequence[RuleResult]) -> Safeguard:
    judged = sum(rule.groups_by_outcome["pass"] + rule.groups_by_outcome["fail"] for rule in rules)
    return Safeguard(
        clause="7(k)",
        words="how to provide effective safeguards",
        question="Are there limits, and could they be tested?",
        evidence=f"{count_of(len(rules), 'rule')}; {count_of(judged, 'verdict')} on groups that the data decide. "
        "That the limits were set before the data were seen is not shown.",
        state="measured" if judged else "not_shown",
    )


def _oversight(plan: AuditPlan) -> Safeguard:
    return Safeguard(
        clause="7(k)",
        words="and oversight",
        question="Who answers for the system and can stop it?",
        evidence=f"The plan names an owner: {plan.audit.owner}. Review and override of flags are not shown.",
        state="declared",
    )


def _algorithms(system: SystemDescription) -> Safeguard:
    run = bool(system.features)
    return Safeguard(
        clause="7(k)",
        words="the algorithms used in artificial intelligence-based solutions",
        question="What exactly was audited?",
        evidence=(
            "The detector was run in this audit; its inputs and its decision rule are recorded."
            if run
            else "The detector's answers were supplied; that they are its answers is declared by the operator."
        ),
        state="measured" if run else "declared",
    )


def _inequality(rules: Sequence[RuleResult]) -> Safeguard:
    judged = any(rule.groups_by_outcome["pass"] or rule.groups_by_outcome["fail"] for rule in rules)
    return Safeguard(
        clause="7(k)",
        words="of inequality",
        question="Do rates differ between groups by more than the limit?",
        evidence=f"Differences and ratios with intervals for every group; {count_of(len(rules), 'rule')}."
        + ("" if judged else " No group could be judged."),
        state="measured" if judged else "not_shown",
    )


def _facilitate(records: Sequence[Amplification]) -> Safeguard:
    groups: Counter[str] = Counter()
    for record in records:
        groups.update(record.outcomes)
    told = groups["adds"] + groups["repeats"] + groups["removes"]
    return Safeguard(
        clause="7(k)",
        words="do not facilitate",
        question="Does the detector add inequality that its labels do not have?",
        evidence=(
            f"Flags against labels, for {count_of(groups.total(), 'group')}: the gap is added to or turned round for "
            f"{groups['adds']}, repeated for {groups['repeats']}, narrowed for {groups['removes']}; the cases do not "
            f"say for {groups['cannot_tell']}. "
            if records
            else "Flags were not compared with labels. "
        )
        + "What it would do without gender and nationality was not tested.",
        state="measured" if told else "not_shown",
    )


def _perpetuate(reference: ReferenceComparison | None) -> Safeguard:
    compared = reference is not None and reference.p is not None
    return Safeguard(
        clause="7(k)",
        words="and perpetuate existing patterns",
        question="Does it repeat inequality that the labels already have?",
        evidence=(
            f"Labels are compared by {reference.feature} with a table from elsewhere ({reference.source}), which is no "
            "truth either."
            if reference is not None and compared
            else "Labels are compared with nothing from outside the set."
        ),
        state="measured" if compared else "not_shown",
    )


def _like_cases(records: Sequence[LikeWithLike]) -> Safeguard:
    notes: Counter[str] = Counter()
    for record in records:
        notes.update(record.notes)
    controls = dict.fromkeys(control for record in records for control in record.controls)
    told = notes.total() - notes["cannot_tell"]
    return Safeguard(
        clause="7(k)",
        words="and discrimination",
        question="Are like cases treated alike?",
        evidence=(
            f"Gaps among cases of the same {', '.join(controls)}, beside those among all: {notes['vanishes']} vanish, "
            f"{notes['appears']} appear, {notes['reverses']} turn round, {notes['stays']} stay; of "
            f"{notes['cannot_tell']} it cannot be told."
            if records
            else "The plan declares no control features, so like cases were not compared."
        ),
        state="measured" if told else "not_shown",
    )


def _nationality(
    plan: AuditPlan, system: SystemDescription, probes: Sequence[SwapProbe], verdicts: Sequence[ProbeVerdict]
) -> Safeguard:
    """Paragraph 2: tested by changing the nationality word, or the nationality column, and nothing else."""
    nationalities = [feature for feature in plan.groups if plan.coding(feature) == "nationality"]
    evidence = " ".join(
        told for probe in probes for told in [_moved_by_nationality(plan, nationalities, probe, verdicts)] if told
    )
    measured = bool(evidence)
    given = [feature for feature in nationalities if feature in system.sensitive_features_used]
    if measured:
        evidence += (
            " This speaks of what was changed here and of its like; whether other words or columns stand in was not "
            "tested."
        )
    elif not system.features:
        evidence = "Answers were supplied: whether nationality entered them is not known."
    elif given:
        evidence = "The detector is given the nationality of the person; its effect was not tested."
    else:
        evidence = "The nationality column was withheld; whether other columns stand in for it was not tested."
    return Safeguard(
        clause="2",
        words="trafficking in persons, especially of women and children, cannot and should not be associated with any "
        "religion, nationality or civilization",
        question="Does naming a nationality move the detector?",
        evidence=evidence,
        state="measured" if measured else "not_shown",
    )


def _moved_by_nationality(
    plan: AuditPlan, nationalities: Sequence[str], probe: SwapProbe, verdicts: Sequence[ProbeVerdict]
) -> str:
    """What one probe says of nationality; empty where it changes none, or too few texts were scored."""
    columns = {plan.groups[feature].column for feature in nationalities}
    wanted = {"demonym", "country"} if probe.kind == "text" else columns
    told = []
    for slot in probe.slots:
        shifts = [
            one
            for one in probe.shifts
            if one.slot == slot.slot and one.given_slot is None and one.shift is not None and one.reason is None
        ]
        if slot.slot in wanted and shifts:
            widest = max(shifts, key=lambda one: abs(one.shift or 0.0))
            what = SLOT_WORDS[slot.slot] if probe.kind == "text" else "nationality column"
            told.append(
                f"When only the {what} was changed, {slot.flipped:,} of {count_of(slot.pairs, 'decision')} changed "
                f"({count_of(slot.levels, 'level')}, {_scored(slot, probe)}); the widest mean shift of "
                f"the score is {percent(abs(widest.shift or 0.0))} of its range"
                + (f" (“{widest.name}”: {_flips(widest)})." if widest.shift else ".")
            )
    if not told:
        return ""
    of_nationality = [one for one in verdicts if one.probe == probe.probe and one.slot in wanted]
    for rule in dict.fromkeys(one.rule for one in of_nationality):
        alone, held = (
            Counter(
                one.outcome for one in of_nationality if one.rule == rule and (one.given_slot is not None) is within
            )
            for within in (False, True)
        )
        told.append(f"Under rule {rule}, {_judged(alone, 'of these changes are')}.")
        if held:
            told.append(f"Of the same changes within one level of another word or column, {_judged(held, 'are')}.")
    return " ".join(told)


def _judged(outcomes: Counter[Outcome], are: str) -> str:
    undecided = outcomes["inconclusive"] + outcomes["not_evaluable"]
    return f"{outcomes['fail']} {are} beyond the limit, {outcomes['pass']} within it, {undecided} not decided"


def _scored(slot: ChangedSlot, probe: SwapProbe) -> str:
    """The texts, rows or clusters, or the fewest of them that a level was scored in."""
    every = count_of(slot.templates, probe.unit)
    return every if slot.templates_scored == slot.templates else f"scored in {slot.templates_scored:,} of {every}"


def _flips(shift: SwapShift) -> str:
    return f"{shift.to_flagged + shift.to_not_flagged:,} of {count_of(shift.pairs, 'decision')} changed"
