"""Groups that a plan expects of its set, and that are missing from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import product

from audit.analyses.sides import possible_cases
from audit.counting.families import is_finest, rule_families
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.vocabulary.groups import Family, Group, Level, SensitiveFeature
from audit.vocabulary.metrics import METRICS


def missing_expected(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], features: Mapping[str, SensitiveFeature]
) -> tuple[Group, ...]:
    """Return the expected groups of which no rate can be stated.

    They have fewer cases of the rule's rate than `min_denominator`. A rule does not pass without them, however well the
    others do. Where a rule is about several features together, every combination of their expected levels is expected;
    a feature without expected levels is summed over.

    Parameters
    ----------
    families : mapping of Family to FamilyCounts
        The counts of every family of the plan, as `audit.counting.families.count_families` gives them.

    Returns
    -------
    tuple of Group
        On the finest rungs, in the order of the rule and of the plan.
    """
    missing: dict[Group, None] = {}
    for family in rule_families(plan, rule):
        expecting = [place for place, axis in enumerate(family.axes) if features[axis.feature].expected]
        if not expecting or not is_finest(plan, family):
            continue
        counts = families[family]
        found: Counter[tuple[Level, ...]] = Counter()
        for group, own in zip(counts.groups, possible_cases(counts, METRICS[rule.metric])[0].tolist(), strict=True):
            found[tuple(group.levels[place] for place in expecting)] += own
        axes = [family.axes[place] for place in expecting]
        for codes in product(*(features[axis.feature].expected for axis in axes)):
            levels = tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(axes, codes, strict=True))
            if found[levels] < plan.verdict.min_denominator:
                missing[Group(levels)] = None
    return tuple(missing)
