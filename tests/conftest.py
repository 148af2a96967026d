"""What holds for every test: known keys, no examples against the clock, and memory of earlier tests set aside."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from _pytest.mark.expression import Expression
from hypothesis import HealthCheck, settings
from later import marks_of, place_of
from made import once

from audit.cli import collect_rarely
from audit.detectors.command_setup import ALWAYS_SET
from audit.disclosure.digests import KEY_BYTES
from audit.stats import power, score_test
from audit.stats.arrays import FloatArray

# How long an example takes says nothing of the code. `--hypothesis-profile=full` tries more, and others every time.
_LENIENT = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)
settings.register_profile(
    "quick", deadline=None, max_examples=20, derandomize=True, database=None, suppress_health_check=_LENIENT
)
settings.register_profile("full", settings.get_profile("quick"), max_examples=200, derandomize=False)
settings.load_profile("quick")

# Before any of them is loaded: libraries of as many threads as there are cores, in every worker, wait for each other.
for _name in ALWAYS_SET:
    os.environ.setdefault(_name, "1")

collect_rarely()  # as the command does: tests make as many small objects

# Whoever starts the tests may ignore interrupts (`nohup make test &`), and every process inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of which the mark expression can choose no test, before anything is imported."""
    if not config.option.markexpr or not collection_path.name.startswith("test_"):
        return None
    chosen = Expression.compile(config.option.markexpr).evaluate
    either = (marks_of(collection_path, ""), marks_of(collection_path))
    return None if any(chosen(lambda name, /, _marks=marks, **_: name in _marks) for marks in either) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that take long, and put the longest files first; see `later.py`."""
    items.sort(key=lambda item: place_of(item.path))
    for item in items:
        for mark in marks_of(item.path, getattr(item, "originalname", item.name)):
            item.add_marker(mark)


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


@pytest.fixture(scope="session", autouse=True)
def _made_once_for_all_workers(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let workers share what takes seconds to make, in the folder that holds those of each."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        once.kept["folder"] = tmp_path_factory.getbasetemp().parent / "made"
        once.kept["folder"].mkdir(exist_ok=True)


@pytest.fixture(scope="session", autouse=True)
def _no_stale_bytecode() -> Iterator[None]:
    """Write no bytecode of the modules that tests write.

    Python takes bytecode for that of a source of the same length and second: a test that writes a detector twice
    within one would ask the first again.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_power_fails() -> Iterator[None]:
    """Have nothing wait for the disk. Tests of what is brought to it put something of their own in this place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nobody_s_terminal() -> Iterator[None]:
    """Have everything drawn as wide and as plain as where nobody has set anything, from whatever terminal it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        for name in ("LINES", "TERM", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _commands_made_once() -> Iterator[None]:
    """Make the commands of an app from their functions once, and not in every test that runs one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="module", autouse=True)
def _exact_p_values_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute an exact p-value, and the cases that a group needs, once in a worker: tests audit the same made-up sets
    again and again.

    Not for tests of the statistics, which also ask what becomes of a p-value where something else is changed.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name != "stats":
            for place, computed in _ONCE.items():
                patch.setattr(place, computed)
        yield


def _once(compute: Callable[..., FloatArray]) -> Callable[..., FloatArray]:
    known: dict[tuple[object, ...], FloatArray] = {}

    def computed(*arguments: object, **named: object) -> FloatArray:
        given = (*arguments, *itertools.chain(*sorted(named.items())))
        key = tuple((each.shape, each.tobytes()) if isinstance(each, np.ndarray) else each for each in given)
        if key not in known:
            known[key] = compute(*arguments, **named)
        return known[key].copy()

    return computed


def _once_a_group(compute: Callable[..., FloatArray]) -> Callable[..., FloatArray]:
    """Ask only about groups that are new: the answer for one does not depend on those beside it."""
    known: dict[tuple[object, ...], float] = {}

    def computed(*given: Any) -> FloatArray:
        *counts, boundary, limit = given
        limits = [None] * counts[0].size if limit is None else limit.tolist()
        asked = [(boundary, *group) for group in zip(*(of.tolist() for of in counts), limits, strict=True)]
        if new := list({key: place for place, key in enumerate(asked) if key not in known}.values()):
            found = compute(*(of[new] for of in counts), boundary, None if limit is None else limit[new])
            known.update(zip((asked[place] for place in new), found.tolist(), strict=True))
        return np.array([known[key] for key in asked], dtype=np.float64)

    return computed


_CASES_ONCE = _once(power.cases_to_decide)
_ONCE = {
    "audit.stats.score_test._largest_over_rest": _once_a_group(score_test._largest_over_rest),
    "audit.verdicts.planned_people.cases_to_decide": _CASES_ONCE,
    "audit.verdicts.margin_tests.cases_to_decide": _CASES_ONCE,
}


@pytest.fixture(scope="session")
def _nursery(tmp_path_factory: pytest.TempPathFactory, _made_once_for_all_workers: None) -> Iterator[Any]:
    if sys.platform != "linux":
        yield None
        return
    from made.warm_children import Nursery

    with contextlib.closing(Nursery(once.kept.get("folder", tmp_path_factory.getbasetemp()))) as shared:
        yield shared


@pytest.fixture
def warm_children(_nursery: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the children of detectors from a process that has loaded what they load, for tests that are not about how
    they start. Elsewhere than on Linux they start as ever.
    """
    if _nursery is not None:
        monkeypatch.setattr("audit.detectors.isolation.process.subprocess", _nursery)


@pytest.fixture(scope="module")
def warm_children_of_module(_nursery: Any) -> Iterator[None]:
    """The same for the fixtures and tests of a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        if _nursery is not None:
            patch.setattr("audit.detectors.isolation.process.subprocess", _nursery)
        yield


@pytest.fixture(scope="module", autouse=True)
def _heap_of_earlier_tests() -> None:
    """Set aside what is in memory before a module.

    A worker that has rendered every report holds a gigabyte, mostly results that are made once. Libraries that ask the
    collector to look at all of it, as Hypothesis and statsmodels do between examples, made tests of 5 seconds last two
    minutes.
    """
    gc.freeze()
