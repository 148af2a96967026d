"""The subgroup scan says what was planted in the demonstration's world, and nothing where nothing was planted."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from audit.analyses.subgroup_scan import power_of_ten, subgroup_scan
from audit.counting.scan_cells import ScanAttribute, ScanCells, count_scan_cells
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import ScanSection
from audit.result.findings.subgroup_scan import SubgroupScan
from audit.scoring import score
from audit.worlds.demo.detector import FEATURES, train_detector
from audit.worlds.demo.prepare import make_cases
from tools.simulate.scan import SHARES, World, drawn_cells, plan_of_scan
from tools.simulate.scan import scanned as simulated


def demo_plan() -> AuditPlan:
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "Triage", "owner": "Nobody", "use": "hotline-triage", "route": "services"},
            "detector": {"kind": "predictions", "score": "score", "threshold": 0.25},
            "evaluation_set": {"id": "case_id", "label": "exploited", "label_source": "planted"},
            "groups": {"gender": {"column": "gender"}, "nationality": {"column": "nationality"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
            "scan": {"columns": ["age_band", "referral_source"]},
        }
    )


@pytest.fixture(scope="module")
def demo_cases() -> pa.Table:
    evaluation, training = make_cases(7)
    signs = evaluation.select(FEATURES).to_pandas().astype("float64")
    return evaluation.append_column("score", pa.array(train_detector(training).predict_proba(signs)[:, 1]))


def scanned(plan: AuditPlan, table: pa.Table) -> tuple[SubgroupScan, ...]:
    with open_evaluation_set(plan, Path(), table) as evaluation_set:
        score(plan, evaluation_set, Path())
        cells = count_scan_cells(evaluation_set, plan.evaluation_set, plan.scan)
    return subgroup_scan(plan, cells)


def named(answer: SubgroupScan) -> dict[str, set[str]]:
    return {values.attribute: set(values.values) for values in answer.subset}


def test_the_demonstration_misses_men_and_wrongly_flags_two_nationalities(demo_cases: pa.Table) -> None:
    """What `audit.worlds.demo.referral_cases` planted, found among all subgroups without being asked for."""
    missed, wrongly = scanned(demo_plan(), demo_cases)
    assert (missed.outcome, named(missed)) == ("confirmed", {"gender": {"man"}})
    assert (wrongly.outcome, named(wrongly)) == ("confirmed", {"nationality": {"VNM", "NGA"}})
    for answer in (missed, wrongly):
        half = answer.confirmation
        assert half is not None
        assert half.harmed / half.cases > 1.5 * half.rest_harmed / half.rest_cases
        assert half.cases + half.rest_cases == answer.confirmation_cases
        assert answer.p_search == 1 / 200
        assert answer.p_confirmation is not None
        assert answer.p_confirmation < 1e-5
        assert answer.subsets_power_of_ten == 8


def test_without_the_two_nationalities_and_men_nothing_is_found(demo_cases: pa.Table) -> None:
    others = [
        row for row, (gender, code) in enumerate(zip(
            demo_cases["gender"].to_pylist(), demo_cases["nationality"].to_pylist(), strict=True
        )) if gender == "woman" and code is not None and code not in ("VNM", "NGA")
    ]  # fmt: skip
    answers = scanned(demo_plan(), demo_cases.take(others))
    assert [answer.outcome for answer in answers] == ["nothing_found", "nothing_found"]
    for answer in answers:
        assert answer.subset == ()
        assert (answer.search, answer.confirmation, answer.p_confirmation) == (None, None, None)
        assert answer.detectable_rate is not None


def test_the_order_of_the_rows_changes_no_byte(demo_cases: pa.Table) -> None:
    some = demo_cases.slice(0, 4_000)
    shuffled = some.take(np.random.default_rng(0).permutation(4_000))
    plan = demo_plan()
    assert plan.scan is not None
    plan = plan.model_copy(update={"scan": plan.scan.model_copy(update={"replicates": 19})})
    first, second = ([a.model_dump_json() for a in scanned(plan, table)] for table in (some, shuffled))
    assert first == second


def test_noise_is_confirmed_no_more_often_than_alpha_and_a_gap_is_found() -> None:
    """A slice of `tools.simulate --only subgroup_scan`: two of 4 found or confirmed make it fail."""
    rng = np.random.default_rng(1)
    for name, share in simulated(4, rng, World(1_000), 19).items():
        assert share.events <= 1, name
    for name, share in simulated(4, rng, World(1_000, family=8, alike="two"), 19, by_cluster=True).items():
        assert share.events <= 1, name
    assert simulated(1, rng, World(60_000, 0.9), 19)["planted confirmed, with its nationality"].share == 1.0


def small_cells(positives: int, missed: int, half: int = 0, cluster: bool = False) -> ScanCells:
    """`positives` cases of exploitation in each half, of which the first `missed` in a half are missed."""
    place = np.tile(np.arange(positives), 2)
    return ScanCells(
        attributes=(ScanAttribute("age", "column", ("a", "b")), ScanAttribute("gender", "feature", ("man", "woman"))),
        codes=np.stack([place % 2, (place // 2) % 2], axis=1),
        half=np.repeat([0, 1], positives),
        positive=np.ones(2 * positives, dtype=np.int64),
        decision=(place < missed).astype(np.int64),
        cases=np.ones(2 * positives, dtype=np.int64),
        cluster=np.arange(2 * positives) if cluster else None,
    )


@pytest.mark.parametrize(
    ("cells", "outcome", "reason"),
    [
        (small_cells(9, 3), "cannot_tell", "too_few_cases"),
        (small_cells(400, 0), "nothing_found", "nobody_harmed"),
        (small_cells(400, 400), "nothing_found", "everybody_harmed"),
        (small_cells(400, 120), "nothing_found", None),
    ],
)
def test_silence_has_a_reason(cells: ScanCells, outcome: str, reason: str | None) -> None:
    answer, negatives = subgroup_scan(plan_of_scan(99, 3), cells)
    assert (answer.outcome, answer.reason) == (outcome, reason)
    assert (negatives.outcome, negatives.reason) == ("cannot_tell", "too_few_cases")


def test_a_search_that_could_have_found_little_does_not_say_that_there_is_nothing() -> None:
    cells = drawn_cells(World(250), np.random.default_rng(8), by_cluster=False)
    answer, _ = subgroup_scan(plan_of_scan(39, 1), cells)
    assert (answer.outcome, answer.reason) == ("cannot_tell", "too_few_to_find")
    assert answer.p_search is not None
    assert answer.detectable_rate is None


def with_gap(in_confirmation: bool, cases: int, values: int = 4, name: str = "value") -> ScanCells:
    """One value of an attribute is missed in the search half, and in the other one where asked; it is rare there."""
    rows, records = np.arange(values), []
    for half in (0, 1):
        for value in rows:
            gap = value == 0 and (half == 0 or in_confirmation)
            size = cases if value == 0 and half == 1 else 200
            hit = round(size * (0.95 if gap else 0.2))
            records += [(value, half, 1, hit), (value, half, 0, size - hit)]
    table = np.array([record for record in records if record[3]], dtype=np.int64)
    return ScanCells(
        attributes=(ScanAttribute("age", "column", tuple(f"{name} {row}" for row in rows)),),
        codes=table[:, :1],
        half=table[:, 1],
        positive=np.ones(len(table), dtype=np.int64),
        decision=table[:, 2],
        cases=table[:, 3],
        cluster=None,
    )


@pytest.mark.parametrize(
    ("gap", "cases", "outcome", "reason"),
    [
        (True, 200, "confirmed", None),
        (False, 200, "not_confirmed", None),
        (True, 4, "cannot_tell", "too_few_to_confirm"),
    ],
)
def test_what_is_found_must_hold_on_the_other_half(gap: bool, cases: int, outcome: str, reason: str | None) -> None:
    answer, _ = subgroup_scan(plan_of_scan(99, 3), with_gap(gap, cases))
    assert (answer.outcome, answer.reason) == (outcome, reason)
    assert named(answer) == {"age": {"value 0"}}
    assert (answer.p_confirmation is None) == (outcome == "cannot_tell")
    assert answer.search is not None
    assert (answer.search.harmed, answer.search.cases) == (190, 200)


def test_values_are_cut_and_counted() -> None:
    cells = with_gap(True, 200, 40, "x" * 100)
    decision = cells.decision.copy()
    many = cells.codes[:, 0] < 15
    swapped = ScanCells(
        cells.attributes, cells.codes, cells.half, cells.positive, np.where(many & (decision == 0), 1, decision),
        cells.cases, None,
    )  # fmt: skip
    (subset,) = subgroup_scan(plan_of_scan(19, 0), swapped)[0].subset
    assert len(subset.values) == 12
    assert (subset.others, subset.of) == (3, 40)
    assert {len(value) for value in subset.values} == {60}


def test_families_are_kept_whole_and_said_to_be() -> None:
    world = World(3_000, family=6, correlation=0.3)
    answers = subgroup_scan(plan_of_scan(19, 1), drawn_cells(world, np.random.default_rng(2), by_cluster=True))
    assert all(answer.by_cluster for answer in answers)
    assert not any(answer.outcome == "confirmed" for answer in answers)


def test_weights_have_no_part_in_it_and_that_is_said() -> None:
    plan = plan_of_scan(19, 0)
    weighted = plan.model_copy(update={"evaluation_set": plan.evaluation_set.model_copy(update={"weight": "w"})})
    with_weights, without = (subgroup_scan(of, small_cells(100, 30))[0] for of in (weighted, plan))
    assert (with_weights.leaves_out_weights, without.leaves_out_weights) == (True, False)
    assert with_weights.score == without.score


def test_a_plan_without_a_scan_gives_no_record() -> None:
    plan = plan_of_scan(19, 0)
    assert subgroup_scan(plan.model_copy(update={"scan": None}), small_cells(20, 3)) == ()
    assert subgroup_scan(plan, None) == ()


@pytest.mark.parametrize("levels", [(1,), (2,), (4, 4, 5, 17), (200, 3, 5), (1000,) * 12])
def test_the_number_of_subsets_is_a_power_of_ten(levels: tuple[int, ...]) -> None:
    subsets = prod(2**count - 1 for count in levels)
    digits = 0
    while subsets >= 10:
        subsets //= 10
        digits += 1
    assert power_of_ten(levels) == digits


def test_the_seed_of_the_plan_decides() -> None:
    cells = drawn_cells(World(1_500), np.random.default_rng(4), by_cluster=False)
    answers: list[list[dict[str, Any]]] = [
        [answer.model_dump() for answer in subgroup_scan(plan_of_scan(19, seed), cells)] for seed in (1, 1, 2)
    ]
    assert answers[0] == answers[1]
    assert len(SHARES) == len(cells.attributes)
    assert isinstance(plan_of_scan(19, 1).scan, ScanSection)
    assert [answer["score"] for answer in answers[0]] != [None, None]
