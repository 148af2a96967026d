"""Nationalities that people have beside others, with all who hold them."""

from __future__ import annotations

from audit.result.findings.judged import Estimate
from audit.vocabulary.groups import Part


class Membership(Part):
    """A rate of a nationality over all who hold it, whatever else they hold.

    Over the nationalities these cases add up to more than the set. Verdicts are about those who hold it alone; a group
    passes only if it would pass whichever of the others belonged to it.
    """

    estimate: Estimate
    """The rate over all who hold it; `group` is the nationality."""
    beside_others: int
    """Cases of the set that hold it beside others, whatever their label and decision."""
