"""What holds for every test: what earlier tests have left in memory is not looked at again and again."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _heap_of_earlier_tests() -> None:
    """Set aside what is in memory before a module.

    A worker that has rendered every report holds a gigabyte, mostly results that are made once. Libraries that ask the
    collector to look at all of it, as Hypothesis and statsmodels do between examples, made tests of 5 seconds last two
    minutes.
    """
    gc.freeze()
