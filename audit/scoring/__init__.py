"""Run a detector over an evaluation set batch by batch, account for every row, and apply the decision rule."""

from audit.scoring.progress import Progress
from audit.scoring.runner import Keeping
from audit.scoring.score_set import score
from audit.scoring.scored import Scored

__all__ = ["Keeping", "Progress", "Scored", "score"]
