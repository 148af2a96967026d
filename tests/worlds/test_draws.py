"""Random numbers of the worlds: whole bits of a stream that numpy promises, and nothing of its methods."""

from __future__ import annotations

import numpy as np
import pytest

from audit.worlds.draws import Draws

FIRST = [5630359420943529, 8081383479436493, 6986755571089759]


def test_the_bits_of_a_seed_never_change() -> None:
    """Were these to change, every seed would name other rows."""
    assert (Draws(7, 0).uniform(3) * 2.0**53).astype(np.int64).tolist() == FIRST
    assert Draws(7, 0).uniform(3).tolist() != Draws(7, 1).uniform(3).tolist()
    assert Draws(7, 0).uniform(3).tolist() != Draws(8, 0).uniform(3).tolist()


def test_uniform_is_uniform() -> None:
    drawn = Draws(3).uniform(100_000)
    assert 0.0 <= drawn.min() < drawn.max() < 1.0
    assert np.histogram(drawn, 10, (0, 1))[0] == pytest.approx(10_000, abs=450)


def test_places_are_picked_by_their_share() -> None:
    places = Draws(3).pick((1.0, 0.0, 3.0), 40_000)
    assert np.bincount(places, minlength=3) / 40_000 == pytest.approx([0.25, 0.0, 0.75], abs=0.01)


def test_whole_numbers_stay_below_their_limit() -> None:
    numbers = Draws(3).below(5, 50_000)
    assert np.bincount(numbers) / 50_000 == pytest.approx(0.2, abs=0.01)
    assert Draws(3).below(1, 10).tolist() == [0] * 10


def test_chances_can_differ_from_row_to_row() -> None:
    happens = Draws(3).happens(np.repeat([0.0, 0.3, 1.0], 20_000), 60_000).reshape(3, -1).mean(axis=1)
    assert happens == pytest.approx([0.0, 0.3, 1.0], abs=0.015)
