"""Rows of a batch are asked about side by side, come back in their order, and an error begins no other row."""

from __future__ import annotations

import threading
import time

import pytest

from audit.detectors.rows_at_once import RowsAtOnce


def test_results_are_in_order_and_never_more_at_once_than_allowed() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def about(place: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.002 * (place % 3))
        with lock:
            at_once -= 1
        return place * place

    assert RowsAtOnce(3).ask(about, 30) == [place * place for place in range(30)]
    assert most == 3
    assert RowsAtOnce(3).ask(about, 0) == []


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_a_row_raises_is_raised_and_no_other_row_is_begun(error: type[BaseException]) -> None:
    begun: list[int] = []

    def about(place: int) -> int:
        begun.append(place)
        if place == 3:
            raise error
        time.sleep(0.05)
        return place

    rows = RowsAtOnce(2)
    with pytest.raises(error):
        rows.ask(about, 50)
    rows.leave()
    assert len(begun) <= 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("audit7k-row")]
