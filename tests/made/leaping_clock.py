"""A clock that leaps over the waits between two requests, so that patience of half a minute is over at once.

How long a request may take is then no matter of how busy the machine is.
"""

from __future__ import annotations

import threading
import time

import pytest

from audit.detectors.http_service import asker, network, pace


class LeapingClock(threading.local):
    """Stands for the module `time`. Each thread has leapt on its own, as each waits on its own."""

    leapt = 0.0

    def monotonic(self) -> float:
        """The seconds of the system and those that this thread did not wait for."""
        return time.monotonic() + self.leapt


def leap_over_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have no request of a service wait; returns a list to which the seconds of each wait are added.

    Not where a service asks for quiet of several at once: each would have its own idea of when that is over.
    """
    clock, waits = LeapingClock(), list[float]()

    def wait(_: pace.Pace, seconds: float) -> None:
        waits.append(seconds)
        clock.leapt += max(0.0, seconds)
        assert clock.leapt < 36_000, "it waits without end"

    for module in (asker, network, pace):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(pace.Pace, "wait", wait)
    return waits
