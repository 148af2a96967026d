"""Children that start in no time, for the tests that are not about how they start."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from made.warm_children import Nursery, nursery


@pytest.fixture(scope="module")
def _nursery() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture
def warm_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the children of detectors from a process that has loaded what they load. Elsewhere than on Linux they start
    as ever.
    """
    if sys.platform == "linux":
        monkeypatch.setattr("audit.detectors.isolation.process.subprocess", request.getfixturevalue("_nursery"))
