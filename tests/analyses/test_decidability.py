from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from made.counts import cells, families_of, group, nationality, plan_of

from audit.stats.arrays import IntArray
from audit.verdicts.decidability import RuleDecidability, rule_decidability

RULE = {"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}
BIG, SMALL = 2_000, 40


def _decide(rows: dict[tuple[str, ...], IntArray], **verdict: float) -> RuleDecidability:
    feature = nationality([codes[0] for codes in rows])
    plan = plan_of([RULE], [feature], verdict=verdict)
    _, families = families_of(plan, [feature], rows)
    return rule_decidability(plan, plan.named_rules[0], families, {"nationality": feature})


def _positives(**cases: int) -> dict[tuple[str, ...], IntArray]:
    return {(code,): cells(tp=number // 2, fn=number - number // 2) for code, number in cases.items()}


def test_a_small_country_is_judged_as_a_part_of_the_first_larger_group_that_can_be() -> None:
    rows = _positives(NGA=BIG, MLI=SMALL, FRA=BIG, DEU=BIG, THA=SMALL, unknown=500)
    decided = _decide(rows)
    assert decided.judged_as[group(nationality="MLI")] == group(nationality="m49-subregion:011")
    assert decided.judged_as[group(nationality="THA")] is None
    assert group(nationality="NGA") not in decided.judged_as
    covered = (3 * BIG + 500 + SMALL) / (3 * BIG + 500 + 2 * SMALL)
    assert decided.lowest_coverage == covered


def test_unknown_is_a_group_and_stands_for_itself_on_every_rung() -> None:
    decided = _decide(_positives(NGA=BIG, unknown=SMALL))
    assert decided.judged_as[group(nationality="unknown")] is None


def test_a_number_in_min_cases_is_taken_at_its_word() -> None:
    feature = nationality(["NGA", "FRA"])
    plan = plan_of([RULE], [feature], groups={"nationality": {"min_cases": SMALL}})
    rows = _positives(NGA=BIG, FRA=SMALL)
    _, families = families_of(plan, [feature], rows)
    decided = rule_decidability(plan, plan.named_rules[0], families, {"nationality": feature})
    assert decided.lowest_coverage == 1.0
    assert all(family.required.tolist() == [SMALL] * len(family.groups) for family in decided.families)


def test_nobody_in_the_denominator_gives_no_coverage() -> None:
    rows: dict[tuple[str, ...], IntArray] = {("NGA",): cells(tn=BIG), ("FRA",): cells(tn=BIG)}
    assert _decide(rows).lowest_coverage is None


counts = st.integers(min_value=0, max_value=3_000)


@given(st.lists(st.tuples(counts, st.floats(0, 1), st.floats(0, 1)), min_size=6, max_size=6))
def test_who_can_be_judged_depends_on_labels_and_never_on_predictions(groups: list[tuple[int, float, float]]) -> None:
    codes = ["NGA", "GHA", "MLI", "FRA", "DEU", "THA"]

    def decided(which: int) -> RuleDecidability:
        rows: dict[tuple[str, ...], IntArray] = {}
        for code, (positives, *shares) in zip(codes, groups, strict=True):
            flagged = int(positives * shares[which])
            abstained = (positives - flagged) // 3
            rows[code,] = cells(tp=flagged, fn=positives - flagged - abstained, tn=50, abstained=(abstained, 0, 0))
        return _decide(rows)

    one, other = decided(0), decided(1)
    assert one.judged_as == other.judged_as
    assert one.coverage == other.coverage
    for before, after in zip(one.families, other.families, strict=True):
        np.testing.assert_array_equal(before.required, after.required)
        np.testing.assert_array_equal(before.decidable, after.decidable)


def test_a_two_sided_rule_needs_more_cases_so_that_both_sides_pass_together() -> None:
    rows = _positives(NGA=BIG, FRA=BIG, DEU=BIG)
    feature = nationality([codes[0] for codes in rows])
    required = []
    for direction in ("worse", "both"):
        plan = plan_of([{**RULE, "direction": direction}], [feature])
        _, families = families_of(plan, [feature], rows)
        decided = rule_decidability(plan, plan.named_rules[0], families, {"nationality": feature})
        required.append(decided.families[0].required)
    assert (required[1] > required[0]).all()
