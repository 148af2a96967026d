"""The command that every recipe starts, loaded once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from made.warm_command import warm_command


@pytest.fixture(scope="session")
def audit7k(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Words that start it."""
    with warm_command(tmp_path_factory.mktemp("warm")) as words:
        yield words
