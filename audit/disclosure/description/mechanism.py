"""The noise of a description: the discrete Laplace mechanism of OpenDP, which draws it and states what it costs.

There is no seed: OpenDP draws from the random numbers of the system. A release that somebody can draw again is not
private.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Protocol

from audit.errors import AuditError

__all__ = ["SURE", "Mechanism", "Noise", "OpenDP"]

SURE: Final = 0.95
"""The share of counts for which the error to expect is stated."""
_STEPS: Final = 64


class Noise(Protocol):
    """Noise of one size, ready to be added."""

    @property
    def scale(self) -> float:
        """The scale of the discrete Laplace distribution: P(k) is proportional to exp(-|k| / scale)."""
        ...

    @property
    def error(self) -> int:
        """The smallest whole number that at least 95 % of changes do not exceed, in either direction."""
        ...

    def add(self, counts: Sequence[int]) -> tuple[int, ...]:
        """The counts, each changed on its own; some may come out below 0."""
        ...


class Mechanism(Protocol):
    """What protects counts."""

    @property
    def library(self) -> str:
        """Who draws the noise, with the version."""
        ...

    def noise(self, sensitivity: int, epsilon: float) -> Noise:
        """Noise with which counts are epsilon-differentially private.

        Parameters
        ----------
        sensitivity : int
            By how much one unit more or less can change all counts of the table together.
        epsilon : float
            The bound on the privacy loss, above 0.
        """
        ...


class OpenDP:
    """The mechanism of OpenDP.

    Raises
    ------
    AuditError
        When it is made, where the extra `dp` is missing: before anything is read.
    """

    def __init__(self) -> None:
        self._dp: Any = _opendp()
        self._dp.enable_features("contrib")

    @property
    def library(self) -> str:
        """As in `OpenDP 0.16.0`."""
        from importlib.metadata import version

        return f"OpenDP {version('opendp')}"

    def noise(self, sensitivity: int, epsilon: float) -> Noise:
        """Noise whose privacy loss, as OpenDP itself computes it, is at most `epsilon`.

        Raises
        ------
        ValueError
            If `sensitivity` or `epsilon` is not above 0.
        """
        if sensitivity < 1 or not epsilon > 0.0:
            raise ValueError("sensitivity and epsilon are above 0")
        dp, scale = self._dp, sensitivity / epsilon
        for _ in range(_STEPS):  # a quotient is rounded, and OpenDP rounds losses upwards: a scale may be a bit short
            measurement = dp.m.make_geometric(
                dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale=scale
            )
            if measurement.map(sensitivity) <= epsilon:
                beyond = dp.discrete_laplacian_scale_to_accuracy(scale, 1.0 - SURE)
                return _Geometric(measurement, scale, max(math.ceil(beyond) - 1, 0))
            scale = math.nextafter(scale, math.inf)
        raise AuditError("OpenDP gives no noise for this epsilon", slug="dp-epsilon", hint="ask for a larger --epsilon")


@dataclass(frozen=True, slots=True)
class _Geometric:
    measurement: Any
    scale: float
    error: int

    def add(self, counts: Sequence[int]) -> tuple[int, ...]:
        changed = tuple(int(count) for count in self.measurement(list(counts)))
        if len(changed) != len(counts):
            raise ValueError("the mechanism lost a count")
        return changed


def _opendp() -> ModuleType:
    try:
        return importlib.import_module("opendp.prelude")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "opendp":
            raise AuditError(
                'a description needs the extra "dp"', slug="dp-extra", hint="pip install 'audit7k[dp]'"
            ) from None
        raise _broken(error) from None
    except Exception as error:
        raise _broken(error) from None


def _broken(error: Exception) -> AuditError:
    return AuditError(
        f'what the extra "dp" installs cannot be imported ({type(error).__name__})',
        slug="dp-extra",
        hint="pip install --force-reinstall 'audit7k[dp]'",
    )
