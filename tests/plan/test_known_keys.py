"""What errors say of keys comes from the models; these tests fail where a model grows and errors do not know it."""

from __future__ import annotations

import typing

import pytest
from pydantic import BaseModel

from audit.plan.audit_plan import AuditPlan
from audit.plan.detectors import OWN_KINDS, OtherDetector, OwnDetector
from audit.plan.file.known_keys import (
    DETECTORS,
    PROBES,
    REPEATED,
    RULE_FORMS,
    TABLES,
    known_keys,
    known_values,
    nearest,
)
from audit.vocabulary.documented import field_docstrings
from audit.vocabulary.metrics import METRICS, metric_called, metrics_like

FORMS = (REPEATED, DETECTORS, PROBES, RULE_FORMS, TABLES)
MODELS: list[type[BaseModel]] = [
    AuditPlan,
    OtherDetector,
    *dict.fromkeys(model for forms in FORMS for model in forms.values()),
]


def test_every_table_of_a_plan_is_known() -> None:
    names = {field.alias or name for name, field in AuditPlan.model_fields.items()}
    assert names == {"schema", "detector", "probes", *REPEATED, *TABLES}
    for name, model in TABLES.items():
        assert AuditPlan.model_fields[name].annotation in (model, model | None)


def test_every_detector_of_a_plan_is_known() -> None:
    models = typing.get_args(typing.get_args(OwnDetector)[0])
    assert set(models) == set(DETECTORS.values())
    assert set(DETECTORS) == OWN_KINDS
    for kind, model in DETECTORS.items():
        assert typing.get_args(model.model_fields["kind"].annotation) == (kind,)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_has_words_that_an_error_can_use(model: type[BaseModel]) -> None:
    texts = field_docstrings(model)
    assert [name for name in model.model_fields if not texts.get(name, "").endswith(".")] == []


def test_keys_and_values_are_those_of_the_place() -> None:
    raw = {"detector": {"kind": "skops"}, "rules": [{}]}
    assert "trusted" in known_keys(("detector",), raw)
    assert "entry" not in known_keys(("detector",), raw)
    assert "schema" in known_keys((), raw)
    assert known_values(("rules", 0, "metric"), raw) == [*METRICS, "counterfactual_shift"]
    assert known_values(("groups", "x", "ladder", 1), raw) == ["country", "m49-subregion", "m49-region"]
    assert known_values(("groups", "x", "min_cases"), raw) == ["auto"]
    assert known_values(("verdict", "alpha"), raw) == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Threshold", "threshold"),
        ("treshold", "threshold"),
        ("top-k", "top_k"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_nearest_key_is_found_or_none(word: str, meant: str | None) -> None:
    assert nearest(word, ["threshold", "top_k", "features"]) == meant


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("recall", "true_positive_rate"),
        ("TPR", "true_positive_rate"),
        ("FPR", "false_positive_rate"),
        ("fnr", "false_negative_rate"),
        ("TNR", "true_negative_rate"),
        ("Specificity", "true_negative_rate"),
        ("PPV", "precision"),
        ("positive predictive value", "precision"),
        ("share of victims found", "true_positive_rate"),
        ("False-Positive Rate", "false_positive_rate"),
        ("demographic parity", "selection_rate"),
    ],
)
def test_a_metric_is_found_by_any_name_of_the_field(word: str, name: str) -> None:
    found = metric_called(word)
    assert found is not None
    assert found.name == name


def test_every_metric_is_found_by_each_of_its_own_names() -> None:
    for metric in METRICS.values():
        for word in (metric.name, metric.plain, *metric.also_called):
            assert metric_called(word) is metric


def test_a_word_that_is_no_metric_is_answered_with_those_like_it() -> None:
    assert metric_called("recal") is None
    assert metrics_like("recal")[0].name == "true_positive_rate"
    assert metrics_like("zzzzzz") == []
    assert metric_called("") is None
