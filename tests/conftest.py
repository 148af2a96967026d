"""What holds for every test: known keys, no examples against the clock, and memory of earlier tests set aside."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import settings
from later import LATER

from audit.disclosure.keys_file import KEY_BYTES

settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing of the code
settings.load_profile("any machine")

# Whoever starts the tests may ignore interrupts (`nohup make test &`), and every process inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of a folder that holds what takes long."""
    here = Path(__file__).parent
    marks = {here / path: mark for mark, paths in LATER.items() for path in paths}
    for item in items:
        for path in (item.path, *item.path.parents):
            if path in marks:
                item.add_marker(marks[path])


@pytest.fixture(scope="session", autouse=True)
def _known_keys() -> Iterator[None]:
    """Take the keys of restricted folders from one name, so that a test sees the same noise at every run.

    AUDIT7K_TEST_KEY names another: what a test says of the figures of one key should hold with any, and most do.
    Processes that a test starts draw keys of their own.
    """
    name = os.environ.get("AUDIT7K_TEST_KEY", "0")
    key = blake2b(name.encode(), digest_size=KEY_BYTES).digest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audit.disclosure.restricted.new_key", lambda: key)
        yield


@pytest.fixture(scope="module", autouse=True)
def _heap_of_earlier_tests() -> None:
    """Set aside what is in memory before a module.

    A worker that has rendered every report holds a gigabyte, mostly results that are made once. Libraries that ask the
    collector to look at all of it, as Hypothesis and statsmodels do between examples, made tests of 5 seconds last two
    minutes.
    """
    gc.freeze()
