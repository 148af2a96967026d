"""Batches are read ahead of their answers: what is kept then must still be found under its own number."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audit.detectors.answers import NO_REASON, OK, CheckedAnswers
from audit.scoring.checkpoint import Checkpoint

IDENTITY = {"evaluation_set": "a" * 64, "detector": None, "rows": 20, "plan": "p"}


def answers(number: int) -> CheckedAnswers:
    scores = np.array([number / 10, number / 10 + 0.05])
    return CheckedAnswers(scores, np.full(2, OK, dtype=np.int8), np.full(2, NO_REASON, dtype=np.int8))


def test_answers_on_both_sides_of_a_gap_are_kept_under_their_own_numbers(tmp_path: Path) -> None:
    with Checkpoint(tmp_path / "kept", commit_every=1e9) as checkpoint:
        checkpoint.begin(IDENTITY)
        for number in (0, 1, 5, 6):
            checkpoint.keep(number, answers(number))
        checkpoint.flush()
    with Checkpoint(tmp_path / "kept", commit_every=1e9) as checkpoint:
        checkpoint.begin(IDENTITY)
        # as a run does that has four batches on their way: asked for ahead, kept later
        found = {number: checkpoint.answers(number, 2) for number in range(8)}
        for number in (2, 3, 4, 7):
            assert found[number] is None
            checkpoint.keep(number, answers(number))
        checkpoint.complete()
    with Checkpoint(tmp_path / "kept") as checkpoint:
        checkpoint.begin(IDENTITY)
        for number in range(8):
            kept = checkpoint.answers(number, 2) or answers(99)
            assert kept.scores.tolist() == answers(number).scores.tolist(), number
        assert checkpoint.rows_kept == 16
