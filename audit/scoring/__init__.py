"""Runs a detector over an evaluation set batch by batch, accounts for every row, and applies the decision rule."""

from audit.scoring.progress import Progress
from audit.scoring.runner import Keeping, score
from audit.scoring.scored import Scored

__all__ = ["Keeping", "Progress", "Scored", "score"]
