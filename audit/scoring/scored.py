"""The record of a scored set, from which the result takes its facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Self

from audit.detectors.protocol import Reason, Status

if TYPE_CHECKING:
    from audit.detectors.protocol import TableAnswers
    from audit.result.findings.system import RanIn, SystemDescription


class AnswerSource(NamedTuple):
    """The answers as SQL over one relation, which has a row for each row of the set."""

    relation: str
    """`source`, or a relation with the key of each row; see `EvaluationSet.key`."""
    score: str
    """DOUBLE: finite and in range, or NULL."""
    flagged: str
    """BOOLEAN: the detector's own decision, or NULL. Used when neither threshold nor capacity is set."""
    abstained: str
    """BOOLEAN: the detector declined to answer. Score and `flagged` are NULL there."""
    failed: str = "FALSE"
    """BOOLEAN: there is no usable answer. Score and `flagged` are NULL there."""

    @classmethod
    def of_table(cls, table: TableAnswers) -> Self:
        """Take the answers that existed already; an empty cell is an abstention."""
        return cls(
            relation=table.relation,
            score="NULL::DOUBLE" if table.score is None else f"({table.score})",
            flagged="NULL::BOOLEAN" if table.decision is None else f"({table.decision})",
            abstained=f"({table.score if table.decision is None else table.decision}) IS NULL",
        )


class Tally(NamedTuple):
    """Numbers of rows by what became of them. scored + abstained + failed is the number of rows of the set."""

    scored: int
    """Rows with a score or a decision."""
    abstained: int
    """Rows on which the detector declined to answer."""
    failed: int
    """Rows without a usable answer."""
    near_threshold: int | None
    """Rows whose score lies within 1e-6 of the threshold; None without a threshold."""

    @property
    def rows(self) -> int:
        """Rows of the set."""
        return self.scored + self.abstained + self.failed


class Scored(NamedTuple):
    """The scored set: the view `scored` of its connection, and these facts about it."""

    system: SystemDescription
    """Description of the audited system, for the result."""
    detector_sha256: str | None
    """SHA-256 of the model, module or predictions file; None if the answers stand in the evaluation set."""
    tally: Tally
    """Numbers of rows by what became of them."""
    failures: Mapping[tuple[Status, Reason | None], int]
    """Failed rows by status and reason; they add up to `tally.failed`."""
    legs: tuple[tuple[str, str], ...] = ()
    """Start and end of each stretch of work that scored rows; empty if nothing was kept."""
    rounds: int = 0
    """How often the detector was asked about the set; 0 for a table. The views `round_1` and so on hold the answers."""
    ran_in: RanIn | None = None
    """Where the detector ran; None if its answers are a table."""
    course: tuple[str, ...] = ()
    """Notes of the detector on the stretches of work."""
    answers: AnswerSource | None = None
    """The answers, for questions beside that of the flag; None where nobody asks any."""
    digest_is_whole: bool = False
    """Whether `detector_sha256` covers everything that answers depend on, as the detector says."""
