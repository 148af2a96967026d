"""Single cases: cut into groups as the counts are, whatever the raw values and their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made.counts import plan_of

from audit.analyses.crosscheck import agreement
from audit.analyses.crosscheck.agreement import group_rows
from audit.analyses.crosscheck.questions import Answers
from audit.counting.count import count_cases
from audit.counting.counted import Counted, count_everything
from audit.counting.table import count_families
from audit.errors import CrosscheckError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.run import run_audit
from audit.scoring import score
from audit.vocabulary.groups import Axis, Family, Group, SensitiveFeature

RAW = ("F", "f ", "M", None, "man", "")
FEATURES = [
    SensitiveFeature(
        name=name,
        column=name,
        coding=coding,
        rungs=("level",),
        levels=(),
        given_to_detector=False,
    )
    for name, coding in (("gender", "gender"), ("origin", "categorical"))
]


def plan() -> AuditPlan:
    rules = [
        {"metric": "precision", "groups": ["gender", "origin"], "margin": 0.1},
        {"metric": "true_positive_rate", "groups": [["gender", "origin"]], "margin": 0.1},
    ]
    groups = {"gender": {"map": {"F": "woman", "f ": "woman", "M": "man"}}}
    made = plan_of(rules, FEATURES, groups=groups)
    missing = made.evaluation_set.model_copy(update={"label_missing": ("?",)})
    return made.model_copy(update={"evaluation_set": missing})


def table(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    scores = rng.random(rows)
    return pa.table(
        {
            "id": [f"case-{number}" for number in range(rows)],
            "label": rng.choice(["1", "0", "?"], rows, p=[0.3, 0.6, 0.1]).tolist(),
            "gender": [RAW[place] for place in rng.integers(0, len(RAW), rows)],
            "origin": rng.choice(["north", "south", "east"], rows).tolist(),
            "score": [None if one < 0.05 else float(one) for one in scores],
        }
    )


def test_cases_of_each_group_add_up_to_its_counts() -> None:
    asked = plan()
    families = [Family((Axis("gender", "level"),)), Family((Axis("origin", "level"),))]
    both = Family((Axis("gender", "level"), Axis("origin", "level")))
    with open_evaluation_set(asked, Path(), table(500, 1)) as evaluation_set:
        score(asked, evaluation_set, Path())
        rows = group_rows(evaluation_set, [*families, both])
        counts = count_families(asked.groups, asked.rules, count_cases(evaluation_set), evaluation_set.features)
    assert {group.family for group in rows} == {Family(()), *families}
    assert {group.levels[0].code for group in rows if group.family == families[0]} == {"woman", "man", "unknown"}
    for family in families:
        for group, cells in zip(counts[family].groups, counts[family].cells, strict=True):
            label, decision = rows[group]
            found = [[int(((label == of) & (decision == flagged)).sum()) for flagged in (1, 0)] for of in (1, 0, -1)]
            assert found == cells[:, :2].tolist()
    assert len(rows[Group(())].label) == sum(len(rows[g].label) for g in rows if g.family == families[0])


def test_every_group_that_fails_is_compared_however_few_are_afforded(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("MOST_TABLES", "SMALL_FAMILY", "MOST_RESTS"):
        monkeypatch.setattr(agreement, bound, 0)
    rng = np.random.default_rng(5)
    origin = rng.integers(0, 12, 12_000)
    is_positive, is_flagged = rng.random(12_000) < 0.5, rng.random(12_000) < np.where(origin < 4, 0.3, 0.9)
    columns = {
        "id": [f"case-{number}" for number in range(12_000)],
        "label": np.where(is_positive, "1", "0").tolist(),
        "origin": [f"o{code}" for code in origin],
        "gender": ["woman"] * 12_000,
        "score": np.where(is_flagged, 0.9, 0.1),
    }
    one_rule = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], FEATURES)
    result = run_audit(one_rule, pa.table(columns))
    failing = {verdict.group for verdict in result.verdicts if verdict.outcome == "fail"}
    assert len(failing) == 4
    fairlearn, aif360 = result.further.crosscheck
    assert fairlearn.groups_beside_rest == 4
    assert 4 <= fairlearn.groups_compared == aif360.groups_compared < fairlearn.groups


def test_large_sets_are_compared_from_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "MOST_ROWS", 200)
    assert {one.row_groups_compared for one in run_audit(plan(), table(200, 2)).further.crosscheck} == {0}
    assert {one.row_groups_compared for one in run_audit(plan(), table(199, 2)).further.crosscheck} == {7}


def run(rows: int = 300, *, crosscheck: bool = True) -> AuditResult:
    return run_audit(plan(), table(rows, 3), crosscheck=crosscheck)


def test_every_run_is_compared_with_both_libraries_and_says_so() -> None:
    result = run()
    assert result.further.crosscheck_state == "agreed"
    assert [one.library.split()[0] for one in result.further.crosscheck] == ["fairlearn", "aif360"]
    for one in result.further.crosscheck:
        assert one.groups == one.groups_compared == 1 + 3 + 3 + 9
        assert (one.row_groups_compared, one.row_rates_compared) == (7, 7 * 4)
        assert one.largest_difference == 0.0
        assert one.shown_compared > 100
    assert not [notice for notice in result.notices if notice.code.startswith("crosscheck")]


def test_who_did_not_ask_is_told_so_in_the_result() -> None:
    result = run(crosscheck=False)
    assert (result.further.crosscheck, result.further.crosscheck_state) == ((), "not_asked")
    assert [notice.code for notice in result.notices if notice.code.startswith("crosscheck")] == ["crosscheck-skipped"]
    assert run().verdicts == result.verdicts


def test_a_row_that_the_counts_miss_ends_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases are read from the set again: a fault in counting cannot agree with itself."""

    def miscounted(*args: Any, **named: Any) -> Counted:
        counted = count_everything(*args, **named)
        cells = counted.table.cells[counted.table.codes.index(("woman", "north"))]
        cells[0, 0], cells[0, 1] = cells[0, 0] - 1, cells[0, 1] + 1
        return counted

    monkeypatch.setattr("audit.run.count_everything", miscounted)
    with pytest.raises(CrosscheckError, match=r"fairlearn .* no verdict is given"):
        run()


def test_weighted_rates_are_compared_as_verdicts_take_them() -> None:
    asked = plan()
    section = asked.evaluation_set.model_copy(update={"weight": "weight"})
    rng = np.random.default_rng(4)
    weighed = table(400, 4).append_column("weight", pa.array(np.round(rng.lognormal(1, 1, 400), 4)))
    result = run_audit(asked.model_copy(update={"evaluation_set": section}), weighed)
    for one in result.further.crosscheck:
        assert one.weighted
        assert one.largest_difference <= 5e-10  # weighted rates are shown to ten significant digits
        assert (one.groups_compared, one.row_groups_compared) == (16, 7)
        assert one.rates_compared > 60


def test_a_weighted_rate_that_verdicts_take_differently_ends_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    import audit.analyses.crosscheck.agreement as agreement

    asked = plan()
    section = asked.evaluation_set.model_copy(update={"weight": "weight"})
    weighed = table(400, 4).append_column("weight", pa.array(np.linspace(1, 9, 400)))
    from audit.analyses.crosscheck.agreement import weighted_ours as honest

    def wrong(*args: Any) -> Answers:
        mine = honest(*args)
        mine.rates["precision"][3] += 0.001
        return mine

    monkeypatch.setattr(agreement, "weighted_ours", wrong)
    with pytest.raises(CrosscheckError, match=r"differ by 0\.001 in the precision"):
        run_audit(asked.model_copy(update={"evaluation_set": section}), weighed)
