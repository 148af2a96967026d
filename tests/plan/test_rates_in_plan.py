"""Rates of one's own in a plan: what is read, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.rates import as_toml, section

from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import canonical_plan_sha256, parse_design, parse_plan
from audit.verdicts.changes.acceptance import question_of
from audit.vocabulary.metrics import METRICS

GOOD = (Path(__file__).parent / "small_plan.toml").read_text(encoding="utf-8")
RATE = f"""
{as_toml("predictive_value_of_rest", section(["TN"], ["FN", "TN"]))}
[[rules]]
metric = "predictive_value_of_rest"
groups = ["gender"]
margin = 0.05
"""
HEAD = "[rates.predictive_value_of_rest]"


def test_it_is_read_and_limited_like_any_other() -> None:
    plan = parse_plan(GOOD + RATE, folder=Path()).plan
    rule = plan.rules[-1]
    assert (rule.rate.name, rule.rate.formula, rule.planned_rate) == (
        "predictive_value_of_rest",
        "TN / (FN + TN)",
        0.5,
    )
    assert plan.named_rules[-1].rate == rule.rate == plan.metrics["predictive_value_of_rest"]
    assert list(plan.metrics) == [*METRICS, "predictive_value_of_rest"]
    assert parse_plan(GOOD, folder=Path()).plan.metrics == METRICS
    again = AuditPlan.model_validate_json(plan.model_dump_json(by_alias=True))
    assert again == plan
    assert again.rules[-1].rate == rule.rate


def test_its_cells_and_words_are_in_the_digest_and_a_plan_without_one_keeps_its_own() -> None:
    digests = {
        canonical_plan_sha256(parse_plan(text, folder=Path()).plan)
        for text in (
            GOOD + RATE,
            GOOD + RATE.replace('["TN"]', '["FN"]'),
            GOOD + RATE.replace("rightly left", "left"),
            GOOD,
        )
    }
    assert len(digests) == 4
    plain = parse_plan(GOOD, folder=Path()).plan
    assert "rates" not in plain.model_dump(mode="json", by_alias=True)


def test_other_cells_under_one_name_are_another_question() -> None:
    """So no release is held against a version that was judged by other cells."""
    plans = [parse_plan(GOOD + text, folder=Path()).plan for text in (RATE, RATE.replace('["TN"]', '["FN"]'), "")]
    asked = [question_of(plan) for plan in plans]
    assert asked[0] != asked[1]
    assert "rates" not in asked[2]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('["TN"]', '["TX"]', 'numerator[1] = "TX" is not known — it takes "TP", "FN", "FP", "TN", "unlabelled_'),
        ('["TN"]', '["TP"]', "numerator counts TP, which the denominator does not"),
        ('["TN"]', "[]", "numerator is empty"),
        ('["TN"]', '["TN", "TN"]', "numerator names a cell twice"),
        ('["FN", "TN"]', '["TN"]', "numerator counts all of the denominator: such a rate is always 1"),
        (
            'numerator = ["TN"]\ndenominator = ["FN", "TN"]',
            'numerator = ["TP", "FN"]\ndenominator = ["TP", "FN", "FP", "TN"]',
            "count the same of flagged and other cases: no rate of a detector",
        ),
        ('harm = "low"', 'harm = "slow"', 'harm = "slow" is not known — did you mean "low"?'),
        ('harm = "low"\n', "", "harm is missing — write harm = "),
        ('plain = "share of cases left alone that are right"\n', "", "plain is missing — write plain = …: What"),
        ('"cases rightly left alone"', '""', "counted is empty"),
        ('"cases rightly left alone"', '"left\\nalone"', "counted: words on one line, without unseen characters"),
        ('"cases rightly left alone"', '"left \\u202ealone"', "counted: words on one line, without unseen characters"),
        (HEAD, "[rates.precision]", "precision is a rate of audit7k: limit that, or take another name"),
        (HEAD, "[rates.recall]", "recall is true_positive_rate here"),
        (HEAD, "[rates.counterfactual_rate]", "is the name of a limit on probes"),
        (HEAD, "[rates.NPV]", "rates.NPV is not of the right form"),
        (HEAD, "[rates.rightly_left]", 'rules[3].metric = "predictive_value_of_rest" is not known'),
        ('metric = "predictive_value', 'metric = "predictiv_value', 'did you mean "predictive_value_of_rest"?'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(old: str, new: str, expected: str) -> None:
    text = GOOD + RATE
    assert old in text
    with pytest.raises(PlanError) as refused:
        parse_plan(text.replace(old, new, 1), name="plan.toml", folder=Path())
    assert expected in str(refused.value)
    assert str(refused.value).startswith("plan.toml, line ")
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 4


def test_a_design_has_none() -> None:
    design = """
schema = 1
[pool]
id = "id"
label = "label"
label_source = "made"
[draw]
seed = 1
allocation = "equal"
size = 10
[groups.gender]
column = "gender"
[[rules]]
metric = "own"
groups = ["gender"]
margin = 0.1
"""
    with pytest.raises(PlanError, match=r'rules\[1\]\.metric = "own" is not known'):
        parse_design(design)
