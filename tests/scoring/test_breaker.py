"""A detector that is gone ends the run; what it would have answered is never counted as its failure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.detectors.answers import NO_REASON, CheckedAnswers
from audit.detectors.protocol import REASONS, STATUSES, Reason, Status
from audit.errors import DetectorGoneError
from audit.scoring.breaker import GONE, Breaker, why_gone

Row = tuple[Status, Reason | None]


def answers(*rows: Row) -> CheckedAnswers:
    return CheckedAnswers(
        np.full(len(rows), np.nan),
        np.array([STATUSES.index(status) for status, _ in rows], dtype=np.int8),
        np.array([NO_REASON if why is None else REASONS.index(why) for _, why in rows], dtype=np.int8),
    )


OK: Row = (Status.OK, None)
GONE_ROW: Row = (Status.TIMEOUT, None)
ALIVE = answers(OK, GONE_ROW)
DEAD = answers(GONE_ROW, (Status.ERROR, Reason.NO_CONNECTION))
FAILED = answers((Status.ERROR, Reason.HTTP_4XX), GONE_ROW)


def test_what_is_held_back_counts_once_another_batch_shows_that_the_service_is_there() -> None:
    breaker: Breaker[int] = Breaker(3, "it")
    assert breaker.take(0, ALIVE) == [(0, ALIVE)]
    assert breaker.take(1, DEAD) == []
    assert breaker.kept(2, ALIVE) == []
    assert breaker.take(3, DEAD) == []
    assert breaker.take(4, FAILED) == [(1, DEAD), (2, ALIVE), (3, DEAD), (4, FAILED)]
    assert breaker.kept(5, ALIVE) == [(5, ALIVE)]
    assert breaker.take(6, DEAD) == []
    assert breaker.rest(lambda: True) == [(6, DEAD)]


def test_too_many_in_a_row_end_the_run() -> None:
    breaker: Breaker[int] = Breaker(3, "detector kind http")
    breaker.take(0, ALIVE)
    breaker.take(1, DEAD)
    breaker.take(2, answers((Status.ERROR, Reason.HTTP_5XX)))
    with pytest.raises(DetectorGoneError) as caught:
        breaker.take(3, DEAD)
    assert str(caught.value).startswith(
        "detector kind http: 3 batches in a row got no answer to any row (http_5xx 1, timeout 2) — see that what"
    )
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("before", [[], [ALIVE]])
def test_the_last_batches_count_only_where_the_service_answers_still(before: list[CheckedAnswers]) -> None:
    for still in (True, False):
        breaker: Breaker[int] = Breaker(3, "it")
        for answered in before:
            breaker.take(0, answered)
        breaker.take(1, DEAD)
        if still:
            assert breaker.rest(lambda: True) == [(1, DEAD)]
        else:
            with pytest.raises(DetectorGoneError, match="the only batch got no answer to any row"):
                breaker.rest(lambda: False)


def test_nobody_is_asked_where_nothing_is_held_back() -> None:
    breaker: Breaker[int] = Breaker(3, "it")
    breaker.take(0, ALIVE)
    assert breaker.rest(lambda: pytest.fail("was asked")) == []


def test_nought_lets_any_number_count() -> None:
    breaker: Breaker[int] = Breaker(0, "it")
    for number in range(50):
        assert breaker.take(number, DEAD) == [(number, DEAD)]
    assert breaker.rest(lambda: False) == []


def test_which_failures_are_those_of_what_answers() -> None:
    every = [(status, why) for status in Status for why in [None, *Reason]]
    found = {row for row in every if why_gone(answers(row, row)) is not None}
    assert found == GONE
    assert why_gone(answers()) is None


@given(st.lists(st.sampled_from("ADFK"), max_size=40), st.integers(1, 6), st.booleans())
def test_every_batch_counts_once_in_its_order_or_the_run_ends(kinds: list[str], most: int, still: bool) -> None:
    """A: answered, D: dead, F: failed otherwise, K: kept."""
    breaker: Breaker[int] = Breaker(most, "it")
    came: list[int] = []
    row, longest = 0, 0
    for kind in kinds:
        row = row + 1 if kind == "D" else row if kind == "K" else 0
        longest = max(longest, row)
    try:
        for number, kind in enumerate(kinds):
            took = breaker.kept if kind == "K" else breaker.take
            came += [key for key, _ in took(number, {"D": DEAD, "F": FAILED}.get(kind, ALIVE))]
        came += [key for key, _ in breaker.rest(lambda: still)]
    except DetectorGoneError:
        assert longest >= most or (row and not still)
        assert came == list(range(len(came)))
    else:
        assert longest < most
        assert still or not row
        assert came == list(range(len(kinds)))
