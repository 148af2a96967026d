"""Whether later nights put a PASS in doubt: what was shown of a group once need not be true of it for ever.

A long good past outweighs what is new, in evidence for a PASS as in evidence for a FAIL. So from the night after a
group has passed, evidence that it is beyond the limit is collected that forgets: at every night a part of it begins
anew, 1/(k(k+1)) at the k-th, and of what each part shows only the nights since count. The parts add up to 1, so while
the group is within the limit all of it together has a mean of at most 1, whenever one stops (Ville 1939; Shin, Ramdas &
Rinaldo 2024, "E-detectors", NEJSDS 2, 229-260, for sums of evidence begun at each moment): a PASS that is true of every
night is put in doubt in at most the share alpha of whole histories, for each group and each side by itself. Then the
group is undecided, and to pass again it must be shown again by what comes after. Taking a PASS back makes neither a
false FAIL nor a false PASS more frequent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Doubt", "looked_again"]


class Doubt(NamedTuple):
    """What is remembered of each group since it passed; every field has shape (G,)."""

    evidence: npt.NDArray[np.float64]
    """Of the parts that have begun; 0 for a group that has not passed."""
    nights: npt.NDArray[np.int64]
    """Nights with cases of the group since it passed."""


def looked_again(
    before: Doubt,
    log_factor: npt.NDArray[np.float64],
    told: npt.NDArray[np.bool_],
    passed: npt.NDArray[np.bool_],
    alpha: float,
) -> tuple[Doubt, npt.NDArray[np.bool_]]:
    """Take in what a night says against groups that had passed before it; every array has shape (G,).

    Parameters
    ----------
    log_factor
        Logarithm of what the night's new cases multiply evidence by: `audit.stats.safe_process.log_factor`.
    told
        Groups of which, and of whose rest, there were new cases.
    passed
        Groups that had passed before this night.
    alpha
        The share of histories in which a PASS that is true may be put in doubt.

    Returns
    -------
    tuple of Doubt and bool[G]
        What to remember, and which groups are in doubt from this night on; of these nothing is remembered.
    """
    seen = passed & told
    nights = np.where(passed, before.nights + seen, 0)
    begins = np.where(seen, 1.0 / np.maximum(nights * (nights + 1), 1), 0.0)
    with np.errstate(over="ignore"):
        evidence = np.where(passed, (before.evidence + begins) * np.exp(np.where(seen, log_factor, 0.0)), 0.0)
    # what has not begun yet counts as it is
    doubted = passed & (evidence + 1.0 / (nights + 1.0) >= 1.0 / alpha)
    return Doubt(np.where(doubted, 0.0, evidence), np.where(doubted, 0, nights)), doubted
