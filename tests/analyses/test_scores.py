"""What is planted in the scores is what the records say, and what cannot be known is never a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from made.counts import categorical, plan_of
from sklearn.metrics import roc_auc_score

from audit.analyses.score_quality import ScoreFindings, score_findings
from audit.counting.score_table import BINS, UNIT, ScoreRanks, ScoreTable
from audit.counting.table import MOST_GROUPS, NEAR, CountsTable, count_families, plan_families
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.scores import SWEEP_NOTE, AucDecomposition, Calibration, GroupAuc, Sweep
from audit.stats.arrays import FloatArray
from audit.vocabulary.groups import Part, SensitiveFeature

Key = tuple[str, ...]
Scored = tuple[FloatArray, npt.NDArray[np.int64]]
"""Scores in [0, 1] and labels (0 positive, 1 negative, 2 unlabelled) of one group; a score of nan is none."""

RULE = {"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}


def table_of(
    groups: Mapping[tuple[str, ...], Scored],
    features: Sequence[str],
    threshold: float | None = 0.5,
    binned: Sequence[float] | None = None,
) -> ScoreTable:
    codes = tuple(sorted(groups))
    sizes = [groups[code][0].size for code in codes]
    score = np.concatenate([groups[code][0] for code in codes])
    without = np.isnan(score)
    known = np.where(without, 0.0, score)
    fine = np.where(without, BINS, np.minimum(np.floor(known * BINS + 1e-9), BINS - 1)).astype(np.int64)
    place = np.repeat(np.arange(len(codes)), sizes)
    label = np.concatenate([groups[code][1] for code in codes])
    ranked = np.flatnonzero(~without & (label < 2))
    ranked = ranked[np.argsort(score[ranked], kind="stable")]
    distinct, rank = np.unique(score[ranked], return_inverse=True)
    positives = (label[ranked] == 0).astype(np.int64)
    ties = np.zeros(distinct.size, dtype=np.bool_) if binned is None else np.isin(distinct, binned)
    near = None
    if threshold is not None:
        near = np.bincount(place, (np.abs(score - threshold) <= NEAR) * 1.0, len(codes)).astype(np.int64)
    return ScoreTable(
        features=tuple(features),
        codes=codes,
        score_range=(0.0, 1.0),
        place=place,
        label=label,
        bin=fine,
        rows=np.ones(score.size, dtype=np.int64),
        sums=np.round(known * UNIT).astype(np.int64),
        squares=np.round(known**2 * UNIT).astype(np.int64),
        near=near,
        ranks=ScoreRanks(place[ranked], rank, positives, 1 - positives, ties),
    )


def drawn(rng: np.random.Generator, cases: int, shift: float = 0.0) -> Scored:
    """Scores that are right, but for `shift` on the logit of every one."""
    logit = rng.normal(-1.0, 1.5, cases)
    label = np.where(rng.random(cases) < 1.0 / (1.0 + np.exp(-logit)), 0, 1)
    return np.asarray(1.0 / (1.0 + np.exp(-logit - shift))), label.astype(np.int64)


def found_in(
    groups: Mapping[Key, Scored],
    features: Sequence[SensitiveFeature],
    plan: AuditPlan | None = None,
    table: ScoreTable | None = None,
) -> ScoreFindings:
    made = table or table_of(groups, [feature.name for feature in features])
    asked = plan or plan_of([RULE], features)
    empty = CountsTable.of(made.features, {code: np.ones((3, 4), dtype=np.int64) for code in made.codes})
    families = count_families(asked.groups, asked.rules, empty, features)
    return score_findings(
        asked.evaluation_set,
        asked.detector,
        asked.verdict,
        made,
        families,
        {feature.name: feature for feature in features},
    )


def of_gender(groups: Mapping[str, Scored], plan: AuditPlan | None = None) -> ScoreFindings:
    return found_in({(name,): scored for name, scored in groups.items()}, [categorical("gender", list(groups))], plan)


@pytest.fixture(scope="module")
def planted() -> ScoreFindings:
    """Three groups; the scores of `man` are lowered by 1.2 on the logit, and rank as well as anyone's within."""
    rng = np.random.default_rng(20240412)
    woman, other = drawn(rng, 3000), drawn(rng, 1500)
    woman[0][:7] = np.nan
    return of_gender({"woman": woman, "man": drawn(rng, 2000, shift=-1.2), "other": other})


def test_every_record_is_what_its_schema_says(planted: ScoreFindings) -> None:
    kinds: tuple[type[Part], ...] = (GroupAuc, AucDecomposition, Calibration, Sweep)
    for kind, records in zip(kinds, planted, strict=True):
        assert records
        for record in records:
            assert kind.model_validate_json(record.model_dump_json()) == record


def test_everyone_comes_first_and_the_auc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    score = rng.random(800)
    label = np.where(rng.random(800) < score, 0, 1)
    found = of_gender({"woman": (score[:500], label[:500]), "man": (score[500:], label[500:])}).aucs
    assert [len(record.group.levels) for record in found] == [0, 1, 1]
    assert found[0].auc == pytest.approx(roc_auc_score(label == 0, score), abs=1e-9)
    assert found[1].group.levels[0].code == "man"
    assert found[1].auc == pytest.approx(roc_auc_score(label[500:] == 0, score[500:]), abs=1e-9)
    assert found[0].found_among_rest is None


def test_lowered_scores_are_seen_between_groups_and_not_within(planted: ScoreFindings) -> None:
    found = {record.group.levels[0].code: record for record in planted.aucs[1:]}
    man, woman = found["man"], found["woman"]
    assert man.low is not None
    assert woman.low is not None
    assert man.low < (woman.high or 0)
    assert woman.low < (man.high or 0)
    assert man.auc is not None
    assert man.found_high is not None
    assert man.found_high < man.auc
    assert man.cleared_low is not None
    assert man.cleared_low > man.auc
    assert woman.cleared_among_rest is not None
    assert woman.auc is not None
    assert woman.cleared_among_rest < woman.auc
    assert (woman.unscored, man.unscored) == (7, 0)


def test_only_the_group_with_lowered_scores_is_out_of_calibration(planted: ScoreFindings) -> None:
    found = {record.group.levels[0].code: record for record in planted.calibrations[1:]}
    man = found["man"]
    assert man.p_adjusted is not None
    assert man.p_adjusted < 1e-6
    assert man.gap_low is not None
    assert man.gap_low > 0.05
    assert (man.error_beyond_chance or 0) > 0.05
    for name in ("woman", "other"):
        right = found[name]
        assert (right.p_adjusted or 0) > 0.05
        assert right.gap_low is not None
        assert right.gap_low < 0 < (right.gap_high or 0)
        assert abs(right.error_beyond_chance or 1) < 0.02
        assert right.error is not None
        assert right.error > 0.005
        assert sum(entry.cases for entry in right.bins) == right.cases


def test_the_sweep_finds_the_lowered_group_and_counts_what_the_threshold_flags(planted: ScoreFindings) -> None:
    thresholds, capacities = planted.sweeps
    assert (thresholds.over, capacities.over) == ("threshold", "capacity")
    assert thresholds.note == SWEEP_NOTE
    assert len(thresholds.steps) <= 21
    assert len(capacities.steps) <= 11
    (own,) = [step for step in thresholds.steps if step.threshold == 0.5]
    assert [gap.group.levels[0].code for gap in own.gaps] == ["man", "man", "man"]
    assert own.gaps[0].high is not None
    assert own.gaps[0].high < -0.1
    for sweep in planted.sweeps:
        for step in sweep.steps:
            assert sum(step.flagged_by_group) == step.flagged
            assert sum(step.found_by_group) == step.found
            assert sum(step.wrongly_flagged_by_group) == step.wrongly_flagged
        flagged = [step.flagged for step in sweep.steps]
        assert flagged == sorted(flagged, reverse=sweep.over == "threshold")
    assert sum(thresholds.scored_by_group) == thresholds.scored == 6493
    for step in capacities.steps:
        assert step.share is not None
        assert step.flagged == pytest.approx(step.share * 6493, abs=120)


def test_the_plans_own_threshold_is_a_step_where_it_is_an_edge() -> None:
    scored = (np.array([0.37, 0.372, 0.369, 0.9]), np.array([0, 1, 0, 2]))
    for threshold, counted in ((0.37, 3), (0.3712, None)):
        plan = plan_of([RULE], [categorical("gender", ["woman"])])
        detector = plan.detector.model_copy(update={"threshold": threshold})
        sweep = of_gender({"woman": scored}, plan.model_copy(update={"detector": detector})).sweeps[0]
        steps = {step.threshold: step for step in sweep.steps}
        assert (threshold in steps) == (counted is not None)
        if counted is not None:
            assert (steps[threshold].flagged, steps[threshold].found, steps[threshold].wrongly_flagged) == (3, 1, 1)


def test_a_pooled_auc_above_every_groups_is_named() -> None:
    """In each group the score knows little; one group has more cases and higher scores."""
    rng = np.random.default_rng(4)
    groups = {}
    for name, base in (("woman", 3.0), ("man", -3.0)):
        label = np.where(rng.random(2000) < 1.0 / (1.0 + np.exp(-base)), 0, 1)
        score = 1.0 / (1.0 + np.exp(-(base + rng.normal(0.3 * (label == 0), 1.0))))
        groups[name] = (score, label)
    (found,) = of_gender(groups).auc_decompositions
    assert found.pooled_exceeds_all is True
    assert found.highest_auc is not None
    assert found.pooled is not None
    assert found.within is not None
    assert found.between is not None
    assert found.within_share is not None
    assert found.pooled > 0.9 > 0.7 > found.highest_auc
    assert found.difference_low is not None
    assert found.difference_low > 0.2
    assert found.pooled == pytest.approx(found.within_share * found.within + (1 - found.within_share) * found.between)


def test_groups_that_are_alike_owe_nothing_to_being_told_apart() -> None:
    rng = np.random.default_rng(5)
    (found,) = of_gender({name: drawn(rng, 1500) for name in ("woman", "man", "other")}).auc_decompositions
    assert found.pooled_exceeds_all is False
    assert found.difference_low is not None
    assert found.difference_low <= 0.0 <= (found.difference_high or 0.0)
    assert (found.groups, found.groups_stated) == (3, 3)


@pytest.mark.parametrize(
    ("positives", "negatives", "reason"),
    [(0, 0, "no_cases"), (4, 50, "too_few_cases"), (50, 4, "too_few_cases"), (5, 5, None)],
)
def test_too_few_cases_are_no_auc(positives: int, negatives: int, reason: str | None) -> None:
    rng = np.random.default_rng(6)
    small = (rng.random(positives + negatives + 3), np.repeat([0, 1, 2], [positives, negatives, 3]))
    found = of_gender({"woman": drawn(rng, 400), "man": small})
    record = {entry.group.levels[0].code: entry for entry in found.aucs[1:]}["man"]
    assert record.reason == reason
    assert (record.auc is None) == (record.low is None) == (record.status == "not_evaluable") == (reason is not None)
    assert (record.positives, record.negatives) == (positives, negatives)
    (split,) = found.auc_decompositions
    assert split.groups_stated == (1 if reason else 2)
    assert (split.pooled_exceeds_all is None) == (reason is not None)


def test_there_is_no_auc_where_steps_tie_too_many_pairs() -> None:
    """The scores of one group are all in one step with those of few others; a tie that is real withholds nothing."""
    rng = np.random.default_rng(12)
    features = [categorical("gender", ["woman", "man"])]
    woman, label = drawn(rng, 4000)
    narrow = (np.full(200, 0.3), rng.integers(0, 2, 200))
    groups: dict[Key, Scored] = {("woman",): (woman, label), ("man",): narrow}
    for binned in (True, False):
        table = table_of(groups, ["gender"], binned=[0.3] if binned else [])
        found = found_in({}, features, table=table)
        everyone, man, other = found.aucs
        assert (man.auc, man.reason) == ((None, "bins_too_coarse") if binned else (0.5, None))
        assert (man.status, man.low is None) == (("not_evaluable", True) if binned else ("estimated", False))
        assert man.binning == (None if binned else 0.0)
        assert (other.reason, other.binning) == (None, 0.0)
        assert everyone.auc is not None
        assert everyone.binning is not None
        assert (0.0 < everyone.binning < 0.005) if binned else everyone.binning == 0.0
        assert man.found_among_rest is not None
        (split,) = found.auc_decompositions
        assert (split.groups_stated, split.reason) == (1 if binned else 2, None)
    (split,) = found_in(
        {}, features, table=table_of({**groups, ("woman",): (woman[:90], label[:90])}, ["gender"], binned=[0.3])
    ).auc_decompositions
    assert split.reason == "bins_too_coarse"
    assert split.pooled is split.within is split.between is split.difference is split.difference_low is None
    assert split.pooled_exceeds_all is None


def test_a_score_that_is_no_share_is_not_called_out_of_calibration() -> None:
    rng = np.random.default_rng(7)
    features = [categorical("gender", ["woman", "man"])]
    table = table_of({("woman",): drawn(rng, 200), ("man",): drawn(rng, 200)}, ["gender"])
    wide = ScoreTable(**{name: getattr(table, name) for name in table.__slots__} | {"score_range": (0.0, 6.0)})
    found = found_in({}, features, table=wide)
    for record in found.calibrations:
        assert (record.status, record.reason) == ("not_evaluable", "not_a_share")
        assert record.error is record.gap is record.p_value is record.mean_score is None
        assert record.bins == ()
    assert found.aucs[0].auc is not None
    assert found.sweeps[0].steps[1].threshold == pytest.approx(0.3)


def test_few_labelled_cases_have_no_calibration() -> None:
    rng = np.random.default_rng(8)
    sizes = {"woman": 100, "man": 4, "other": 9, "none": 10}
    groups = {name: drawn(rng, size) for name, size in sizes.items()}
    groups["unlabelled"] = (rng.random(30), np.full(30, 2))
    found = of_gender(groups)
    assert {entry.group.levels[0].code: entry.reason for entry in found.calibrations[1:]} == {
        "woman": None,
        "man": "too_few_for_a_rate",
        "other": "too_few_cases",
        "none": None,
        "unlabelled": "no_cases",
    }
    assert sum(found.sweeps[0].scored_by_group) == 100 + 4 + 9 + 10 + 30


def test_a_detector_without_scores_has_no_findings() -> None:
    features = [categorical("gender", ["woman"])]
    plan = plan_of([RULE], features)
    assert score_findings(plan.evaluation_set, plan.detector, plan.verdict, None, {}, {}) == ScoreFindings(
        (), (), (), ()
    )


def test_large_families_are_kept_short() -> None:
    rng = np.random.default_rng(9)
    many = [f"c{place:02d}" for place in range(MOST_GROUPS + 5)]
    groups: dict[Key, Scored] = {(gender, code): drawn(rng, 12) for gender in ("man", "woman") for code in many}
    features = [categorical("gender", ["man", "woman"]), categorical("country", many)]
    plan = plan_of([{**RULE, "groups": ["gender", ["gender", "country"]]}], features)
    assert len(plan_families(plan.groups, plan.rules)) == 3
    found = found_in(groups, features, plan)
    assert [record.groups for record in found.auc_decompositions] == [2, MOST_GROUPS + 5]
    assert len(found.aucs) == len(found.calibrations) == 1 + 2 + MOST_GROUPS + 5
    assert all(record.bins == () for record in found.calibrations[3:])
    assert all(record.bins for record in found.calibrations[:3])
    wide = found.sweeps[2]
    assert wide.groups == wide.scored_by_group == wide.steps[0].flagged_by_group == ()
    assert len(wide.steps[5].gaps) == 3


def test_what_of_the_design_is_left_aside_is_said() -> None:
    rng = np.random.default_rng(10)
    plan = plan_of([RULE], [categorical("gender", ["woman"])])
    design = plan.evaluation_set.model_copy(update={"weight": "w", "cluster": "c"})
    designed = plan.model_copy(update={"evaluation_set": design})
    for changed, expected in ((plan, ()), (designed, ("weights", "clusters"))):
        found = of_gender({"woman": drawn(rng, 50)}, changed)
        for records in found:
            assert {record.unused for record in records} == {expected}


def test_rows_near_the_threshold_are_counted_by_group() -> None:
    near = (np.array([0.5, 0.5 + 5e-7, 0.5 - 2e-6, 0.1]), np.array([0, 1, 0, 2]))
    far = (np.array([0.2, 0.9]), np.array([0, 1]))
    found = of_gender({"woman": near, "man": far}).aucs
    assert [record.near_threshold for record in found] == [2, 0, 2]
    table = table_of({("woman",): near}, ["gender"], threshold=None)
    assert found_in({}, [categorical("gender", ["woman"])], table=table).aucs[1].near_threshold is None
