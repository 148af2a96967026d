"""Whatever lines come back, every row is accounted for, and no row gets an answer that does not name it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audit.detectors.answers import OK
from audit.detectors.command_reply import Reply
from audit.detectors.protocol import REASONS, STATUSES, Reason, Status

IDS = [4, 5, 6, 7]

_values = st.one_of(
    st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3), st.lists(st.integers(), max_size=2)
)
_objects = st.dictionaries(
    st.sampled_from(["row_id", "score", "decision", "abstain", "refused", "x"]), _values, max_size=3
)
_likely = st.builds(lambda row_id, score: {"row_id": row_id, "score": score}, st.integers(3, 8), st.floats(-0.1, 1.1))
_lines = st.one_of(
    st.binary(max_size=30),
    st.one_of(_objects, _likely).map(lambda found: json.dumps(found).encode()),
    st.builds(lambda found, at: json.dumps(found).encode()[:at], _likely, st.integers(0, 40)),
)


def _named(line: bytes) -> Any:
    """What a lenient reader takes the line for: the row and the score in it."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return (found.get("row_id"), found.get("score")) if isinstance(found, dict) else None


@given(st.lists(_lines, max_size=8))
def test_an_answer_is_only_taken_for_the_row_that_it_names(lines: list[bytes]) -> None:
    reply = Reply(IDS, "score")
    reply.asked = len(IDS)
    taken = []
    for line in lines:
        if reply.complete:
            break
        reply.take(line)
        taken.append(line)
    reply.fail_rest(Status.TIMEOUT, None)
    checked = reply.checked((0.0, 1.0))
    assert len(checked.scores) == len(checked.status) == len(checked.reason) == len(IDS)
    for place, row_id in enumerate(IDS):
        if checked.status[place] == OK:
            assert _named(taken[place]) == (row_id, checked.scores[place])
            assert 0.0 <= checked.scores[place] <= 1.0
        else:
            assert np.isnan(checked.scores[place])
    invalid = checked.status == STATUSES.index(Status.INVALID_OUTPUT)
    assert (checked.reason[invalid] >= 0).all()
    lost = checked.reason == REASONS.index(Reason.OUT_OF_ORDER)
    assert reply.out_of_order == lost.any()
    assert not lost.any() or lost[int(np.argmax(lost)) :].all()


def test_an_answer_to_a_row_that_was_not_asked_about_yet_is_out_of_order() -> None:
    reply = Reply(IDS, "score")
    reply.asked = 1
    for row_id in IDS[:2]:
        reply.take(json.dumps({"row_id": row_id, "score": 0.5}).encode())
    assert reply.complete
    assert reply.checked((0.0, 1.0)).status.tolist() == [OK] + [STATUSES.index(Status.INVALID_OUTPUT)] * 3
