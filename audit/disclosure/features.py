"""Which features of a plan a public table is broken down by, from the plan alone: what the set holds says nothing here.

A public table takes two features at most. Gender and nationality come before others, then the plan's own order. A
feature without a fixed list of levels has no public figures: the levels of the data would say who is in the set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.disclosure.lattice import MOST_FINEST, Lattice, lattice_of
from audit.disclosure.method import Method, method_of
from audit.disclosure.vocabulary import Ladder, public_ladder
from audit.errors import PlanError
from audit.evaluation.sensitive import expected_codes
from audit.evaluation.standing import STANDINGS
from audit.plan.audit_plan import AuditPlan
from audit.public.about import Unit
from audit.public.table import group_key
from audit.vocabulary.groups import Axis, Family, SensitiveFeature

MOST: Final = 2
"""Features of a public table. A third multiplies what the attack must prove, and leaves groups too small to show."""
_FIRST: Final = ("gender", "nationality")


def public_features(plan: AuditPlan) -> tuple[str, ...]:
    """The features of the public table, in the order of the plan; none where no feature has a fixed list of levels."""
    return tuple(ladder.feature for ladder in _ladders(plan))


def finest_family(plan: AuditPlan, features: Sequence[str]) -> Family:
    """The features crossed, each on its finest rung."""
    return Family(tuple(Axis(feature, plan.rungs(feature)[0]) for feature in features))


def features_without_figures(plan: AuditPlan) -> tuple[str, ...]:
    """Features and control features of which no public figures are made."""
    shown = public_features(plan)
    return (*(name for name in plan.groups if name not in shown), *plan.control_features)


def public_lattice(plan: AuditPlan) -> Lattice | None:
    """The groups of the public table; None where there is no feature for one.

    Raises
    ------
    PlanError
        If two groups would have one name in public files, which say by it whose numbers are whose.
    """
    ladders = _ladders(plan)
    if not ladders:
        return None
    lattice = lattice_of(ladders)
    keys = [group_key(group) for group in lattice.groups()]
    if len(set(keys)) < len(keys):
        raise PlanError(
            f"levels of {' and '.join(public_features(plan))} are written so that two groups have one name",
            slug="levels-alike",
            hint="write no comma, no equals sign and nothing unseen into `expected`",
        )
    return lattice


def public_method(plan: AuditPlan) -> Method:
    """Floor, noise, what cannot occur and what is counted once, as the plan has them."""
    unit: Unit = "row" if plan.evaluation_set.cluster is None else plan.disclosure.unit
    return method_of(plan.disclosure.floor, absent=tuple(sorted(plan.disclosure.absent)), unit=unit)


def _ladders(plan: AuditPlan) -> list[Ladder]:
    ranked = sorted(filter(lambda name: _has_list(plan, name), plan.groups), key=lambda name: _rank(plan, name))
    taken: list[Ladder] = []
    for name in ranked:
        ladder = _ladder(plan, name)
        if len(taken) < MOST and _combinations([*taken, ladder]) <= MOST_FINEST:
            taken.append(ladder)
    order = list(plan.groups)
    return sorted(taken, key=lambda ladder: order.index(ladder.feature))


def _has_list(plan: AuditPlan, name: str) -> bool:
    return plan.coding(name) != "categorical" or bool(plan.groups[name].expected)


def _rank(plan: AuditPlan, name: str) -> int:
    coding = plan.coding(name)
    return _FIRST.index(coding) if coding in _FIRST else len(_FIRST)


def _combinations(ladders: Sequence[Ladder]) -> int:
    total = 1
    for ladder in ladders:
        total *= len(ladder.levels[0])
    return total


def _ladder(plan: AuditPlan, name: str) -> Ladder:
    section, coding = plan.groups[name], plan.coding(name)
    feature = SensitiveFeature(
        name=name,
        column=section.column,
        coding="categorical" if coding == "relation" else coding,
        rungs=plan.rungs(name),
        levels=(),
        given_to_detector=False,
        expected=expected_codes(section, coding),
    )
    return public_ladder(feature, STANDINGS if coding == "relation" else None)
