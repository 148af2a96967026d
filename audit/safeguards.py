"""What an audit has to say to the draft resolution: paragraph 7(k) in its parts, and paragraph 2.

The text is a draft by Belarus, Nicaragua and the Syrian Arab Republic to the Commission on Crime Prevention and
Criminal Justice (thirty-third session, 12 April 2024, item 6 of the provisional agenda). It binds nobody. A clause
without evidence is `not_shown`, which is a state of its own and never a pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from audit.findings import RuleResult
from audit.plan import AuditPlan
from audit.result import Safeguard, SystemDescription

__all__ = ["safeguards"]


def safeguards(plan: AuditPlan, rules: Sequence[RuleResult], system: SystemDescription) -> tuple[Safeguard, ...]:
    """Clause by clause: the words of the draft, the question, the evidence in this result, and its state."""
    return (
        _assist_victims(rules),
        _effective_safeguards(rules),
        _oversight(plan),
        _algorithms(system),
        _not_shown(
            "do not facilitate",
            "Does the detector add inequality that its labels do not have?",
            "Not examined here: amplification over the labels and ablation of gender and nationality.",
        ),
        _not_shown(
            "and perpetuate existing patterns",
            "Does it repeat inequality that the labels already have?",
            "The share labelled as victims is listed by group, but it is compared with no outside reference.",
        ),
        _inequality(rules),
        _not_shown(
            "and discrimination",
            "Are like cases treated alike?",
            "Not examined here: comparison of cases that are alike in form, age and channel.",
        ),
        Safeguard(
            clause="7(k)",
            words="To cooperate with the relevant academic and research communities",
            question="Can an outsider repeat the audit?",
            evidence="This result holds the plan, the digests of its inputs, every count and the versions used.",
            state="measured",
        ),
        _nationality(plan, system),
    )


def _assist_victims(rules: Sequence[RuleResult]) -> Safeguard:
    judged = [rule for rule in rules if rule.metric in ("true_positive_rate", "false_negative_rate")]
    return Safeguard(
        clause="7(k)",
        words="and to assist victims of trafficking",
        question="Who is missed?",
        evidence=(
            f"The share of victims found, by group, under {len(judged)} rule(s)."
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
        evidence=f"{len(rules)} rule(s); {judged} verdict(s) on a group that the data could decide. "
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
        evidence=f"Differences and ratios with intervals for every group; {len(rules)} rule(s)."
        + ("" if judged else " No group could be judged."),
        state="measured" if judged else "not_shown",
    )


def _not_shown(words: str, question: str, evidence: str) -> Safeguard:
    return Safeguard(clause="7(k)", words=words, question=question, evidence=evidence, state="not_shown")


def _nationality(plan: AuditPlan, system: SystemDescription) -> Safeguard:
    nationalities = [feature for feature in plan.groups if plan.coding(feature) == "nationality"]
    given = [feature for feature in nationalities if feature in system.sensitive_features_used]
    if not system.features:
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
        state="not_shown",
    )
