"""What we use of AIF360: its next release may move it, or not install beside fairlearn at all."""

from __future__ import annotations

import inspect
import tomllib
from importlib.metadata import requires, version
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from made.aif360_import import quiet_import
from packaging.requirements import Requirement

from audit.analyses.crosscheck import libraries

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

with quiet_import():
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric


def frame_of(labels: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"group": [0.0, 0.0, 0.0, 1.0, 1.0], "answer": labels, "weight": [3.0, 1.0, 4.0, 1.0, 5.0]})


def dataset_of(labels: list[float]) -> BinaryLabelDataset:
    return BinaryLabelDataset(
        favorable_label=1.0,
        unfavorable_label=0.0,
        df=frame_of(labels),
        label_names=["answer"],
        protected_attribute_names=["group"],
        instance_weights_name="weight",
    )


@pytest.mark.parametrize("library", libraries.LIBRARIES)
def test_versions_that_are_asked_are_those_that_the_package_allows_without_extras(library: ModuleType) -> None:
    declared = [Requirement(line) for line in tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]]
    (requirement,) = [requirement for requirement in declared if requirement.name == library.DISTRIBUTION]
    least, before = library.VERSIONS
    assert (str(requirement.specifier), requirement.extras) == (f"<{before},>={least}", set())
    assert libraries.is_known(version(library.DISTRIBUTION), library.VERSIONS)


def test_it_installs_beside_what_we_need() -> None:
    needed = [Requirement(line) for line in requires("aif360") or []]
    for requirement in needed:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            assert requirement.specifier.contains(version(requirement.name), prereleases=True), requirement


def test_weighted_rates_of_one_group_are_where_we_look_for_them() -> None:
    metric = ClassificationMetric(
        dataset_of([1, 1, 0, 0, 1]), dataset_of([1, 0, 1, 0, 1]), unprivileged_groups=[{"group": 0}]
    )
    found = {
        name: float(getattr(metric, name)(privileged=False))
        for name in (
            "true_positive_rate", "false_negative_rate", "precision", "accuracy", "selection_rate", "base_rate",
            "false_positive_rate", "true_negative_rate",
        )
    }  # fmt: skip
    assert found == {
        "true_positive_rate": 3 / 4,
        "false_negative_rate": 1 / 4,
        "false_positive_rate": 1.0,
        "true_negative_rate": 0.0,
        "precision": 3 / 7,
        "accuracy": 3 / 8,
        "selection_rate": 7 / 8,
        "base_rate": 4 / 8,
    }


def test_the_base_rate_of_one_data_set_is_the_share_of_its_favourable_label() -> None:
    metric = BinaryLabelDatasetMetric(dataset_of([1, 0, 1, 0, 1]), unprivileged_groups=[{"group": 1}])
    assert float(metric.base_rate(privileged=False)) == 5 / 6


def test_it_takes_numbers_only_and_no_missing_group() -> None:
    words = frame_of([1, 0, 1, 0, 1]).assign(group=["woman", "woman", "man", "man", "man"])
    missing = frame_of([1, 0, 1, 0, 1]).assign(group=[np.nan, 0, 0, 1, 1])
    for frame, message in ((words, "must be numerical"), (missing, "cannot contain NA")):
        with pytest.raises(ValueError, match=message):
            BinaryLabelDataset(df=frame, label_names=["answer"], protected_attribute_names=["group"])


def test_it_takes_a_set_with_a_single_class_and_none_without_rows() -> None:
    single = ClassificationMetric(dataset_of([1] * 5), dataset_of([0] * 5), unprivileged_groups=[{"group": 0}])
    with np.errstate(invalid="ignore"):
        assert np.isnan(single.false_positive_rate(privileged=False))
    assert single.precision(privileged=False) == 0
    with pytest.raises(ValueError, match="do not match"):
        dataset_of([2, 2, 2, 2, 2])


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (ClassificationMetric.__init__, ["self", "dataset", "classified_dataset", "unprivileged_groups"]),
        (BinaryLabelDatasetMetric.__init__, ["self", "dataset", "unprivileged_groups"]),
        (BinaryLabelDataset.__init__, ["self", "favorable_label", "unfavorable_label", "kwargs"]),
    ],
)
def test_parameters_have_the_names_we_use(function: object, parameters: list[str]) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters)[: len(parameters)] == parameters
