"""The word for what conditioning does: each from the numbers that call for it, and none from noise."""

from __future__ import annotations

import numpy as np
import pytest

from audit.stats.mantel_haenszel import NOTES, Gap, change_by_conditioning

MOVED_UP = (0.15, 0.12, 0.18)
STILL = (0.01, -0.02, 0.04)


def note(
    crude: tuple[float, ...], conditional: tuple[float, ...], shift: tuple[float, ...], limit: float | None
) -> str:
    first, second, third = (_gap(gap) for gap in (crude, conditional, shift))
    return NOTES[int(change_by_conditioning(first, second, third, limit)[0])]


def _gap(gap: tuple[float, ...]) -> Gap:
    return np.array([gap[0]]), np.array([gap[1]]), np.array([gap[2]])


@pytest.mark.parametrize(
    ("crude", "conditional", "shift", "limit", "expected"),
    [
        ((-0.16, -0.20, -0.12), (-0.01, -0.06, 0.04), MOVED_UP, 0.1, "vanishes"),
        ((-0.16, -0.20, -0.12), (-0.01, -0.06, 0.04), MOVED_UP, None, "vanishes"),
        # the limit could still be exceeded
        ((-0.16, -0.20, -0.12), (-0.01, -0.06, 0.04), MOVED_UP, 0.05, "cannot_tell"),
        # more than half of the crude gap could remain
        ((-0.16, -0.20, -0.12), (-0.01, -0.09, 0.07), MOVED_UP, None, "cannot_tell"),
        # a small group: nothing is excluded, and that is no evidence
        ((-0.16, -0.30, -0.02), (-0.10, -0.28, 0.08), STILL, 0.1, "cannot_tell"),
        # chance put the crude gap beyond 0, and conditioning did nothing
        ((-0.03, -0.059, -0.001), (-0.005, -0.014, 0.012), (0.025, -0.001, 0.05), 0.1, "stays"),
        ((-0.03, -0.059, -0.001), (-0.005, -0.014, 0.012), (0.025, -0.001, 0.05), None, "cannot_tell"),
        ((0.01, -0.03, 0.05), (0.16, 0.12, 0.20), MOVED_UP, 0.1, "appears"),
        ((0.01, -0.03, 0.05), (0.16, 0.12, 0.20), STILL, 0.1, "cannot_tell"),
        ((-0.08, -0.11, -0.05), (0.07, 0.04, 0.10), MOVED_UP, 0.1, "reverses"),
        ((-0.2, -0.3, -0.1), (-0.1, -0.18, -0.02), (0.1, 0.05, 0.15), 0.1, "stays"),
        ((0.0, -0.03, 0.03), (0.01, -0.03, 0.05), STILL, 0.1, "stays"),
        ((0.0, -0.03, 0.03), (0.01, -0.03, 0.05), STILL, None, "cannot_tell"),
        ((float("nan"),) * 3, (0.16, 0.12, 0.20), MOVED_UP, 0.1, "cannot_tell"),
        # a ratio of 0 is minus infinity here, and a gap like any other
        ((-np.inf, -np.inf, -0.5), (-np.inf, -np.inf, -0.4), STILL, 0.2, "stays"),
    ],
)
def test_each_word(
    crude: tuple[float, ...],
    conditional: tuple[float, ...],
    shift: tuple[float, ...],
    limit: float | None,
    expected: str,
) -> None:
    assert note(crude, conditional, shift, limit) == expected
    crude, conditional, shift = ((-gap[0], -gap[2], -gap[1]) for gap in (crude, conditional, shift))
    assert note(crude, conditional, shift, limit) == expected
