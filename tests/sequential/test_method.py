"""The numbers that a state holds, to the last digits that matter: whoever changes one begins another method."""

from __future__ import annotations

from pathlib import Path

import pytest
from made.nights import draws, made_plan, taken

from audit.errors import AuditError
from audit.verdicts.nights.state import METHOD, Evidence, State, read_state, write_state

RAISE = (
    "the same nights come to other evidence: raise METHOD in audit/verdicts/nights/state.py, and write the new numbers"
)


LOW = [
    (5.110253, -2.475853, "0"),
    (-2.47072, 45.579192, "1.47308e-05"),
    (-3.416992, 41.947132, "4.74842e-05"),
    (11.512578, -1.712127, "0"),
]
HIGH = [
    (-4.300036, 86.600294, "9.92997e-06"),
    (0.007611, -0.932886, "0"),
    (-1.062677, -1.328425, "0"),
    (-5.552373, 31.791428, "1.31919e-06"),
]


def nights() -> State:
    rates = {"a": 0.55, "b": 0.8, "c": 0.78}
    plan = made_plan(rule={"direction": "both"})
    return taken(plan, [*draws(30, rates, 5, unscored=2), *draws(5, {**rates, "d": 0.3}, 6)])


def numbers(one: Evidence) -> list[tuple[float, float, str]]:
    """Of each group the evidence for a FAIL and for a PASS, and that of a change since it passed."""
    columns = zip(one.beyond.log_e, one.within.log_e, one.drift, strict=True)
    return [(round(beyond, 6), round(within, 6), f"{drift:.6g}") for beyond, within, drift in columns]


def test_the_same_nights_come_to_the_same_evidence_as_by_this_method() -> None:
    low, high = nights().evidence
    assert METHOD == 1
    assert numbers(low) == LOW, RAISE
    assert numbers(high) == HIGH, RAISE
    assert (low.failed, low.passed) == ((True, False, False, True), (False, True, True, False)), RAISE
    assert (high.failed, high.passed) == ((False,) * 4, (True, False, False, True)), RAISE


def test_nights_of_another_method_are_refused_and_not_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    other = nights().model_copy(update={"method": METHOD + 1, "tool": "audit7k 9.9.9"})
    write_state(path, other)
    before = path.read_bytes()
    with pytest.raises(AuditError, match=r"method 2 of audit7k 9\.9\.9, and this audit7k has method 1") as caught:
        read_state(path)
    assert caught.value.exit_code == 4
    assert path.read_bytes() == before
