"""The command that every recipe starts, loaded once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from made.warm_command import warm_command

SMALL_DEMO = "from audit.worlds.demo import prepare\nprepare.EVALUATION_CASES //= 10\nprepare.TRAINING_CASES //= 10"


@pytest.fixture(scope="session")
def audit7k(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Words that start it. Its demonstration has a tenth of the cases: the tutorial's test makes it whole."""
    with warm_command(tmp_path_factory.mktemp("warm"), SMALL_DEMO) as words:
        yield words
