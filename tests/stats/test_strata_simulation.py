"""How often a comparison in a stratified sample errs, where the group lies exactly on the margin of its rest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from tools.simulate.strata import Setting, errors

RUNS = 300
MILLION, SMALL, THREE = (
    "1,000 of a million and 5,000 in full",
    "100 of 1,000 and 100 of 200",
    "200 of 40,000, 200 of 4,000, 200 of 400",
)


@pytest.mark.parametrize(
    "setting",
    [
        Setting(MILLION, "light", 0.5, 0.002, "ratio", 0.8, low=False, declared=True),
        Setting(MILLION, "heavy", 0.1, 0.002, "difference", 0.02, low=False),
        Setting(SMALL, "everywhere", 0.5, 0.5, "difference", 0.1, low=True),
        Setting(THREE, "everywhere", 0.1, 0.1, "difference", 0.1, low=False, thin=True),
    ],
    ids=str,
)
def test_errors_stay_at_their_level(setting: Setting) -> None:
    assert setting.population() is not None
    for name, measured in errors(RUNS, np.random.default_rng(12), setting).items():
        level = 0.001 if ".001" in name else 0.05
        # a chance of more than 1 in 10,000 that as many come of errors at their level
        assert binom.sf(measured.events - 1, RUNS, level) > 1e-4, name


def test_a_group_that_nobody_saw_where_few_were_drawn_fails_nobody() -> None:
    setting = Setting(MILLION, "light", 0.02, 0.5, "difference", 0.02, low=False, declared=True, thin=True)
    people = np.array([[0, 486, 0, 485_514, 486_000], [11, 39, 0, 2_450, 2_500]])
    assert [measured.events for measured in errors(RUNS, np.random.default_rng(5), setting, people).values()] == [
        0,
        0,
        0,
    ]
