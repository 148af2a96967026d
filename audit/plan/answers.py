"""The part of a plan that every detector has: its input, its kind of answer, and when a case is flagged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from audit.vocabulary.documented import Documented
from audit.vocabulary.statuses import AbstentionMeaning, Deployed

Name = Annotated[str, Field(min_length=1, max_length=200)]
Column = Annotated[str, Field(min_length=1)]
ClassName = Annotated[str, Field(min_length=1, max_length=200)]
_WHOLE_LEVELS: Final = (
    "an ordinal scale has whole levels: write score_range = [lowest, highest] with both, such as [0, 4]"
)


class Strict(Documented):
    """A table of the plan: an unknown key is an error, and what was checked cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _paths_can_be(self) -> Self:
        for key, value in self:
            if isinstance(value, Path) and "\0" in str(value):
                raise ValueError(f"{key} holds a null character, which no path can")
        return self


class _Decision(Strict):
    abstention_means: Annotated[AbstentionMeaning | None, Field(exclude_if=lambda meaning: meaning is None)] = None
    """What happens in use to a case on which the detector declines to answer, and so what it counts as: `not_flagged`,
    `flagged`, or `people_decide`, which takes what `[decisions]` says. Not given, such a case counts at its worst. An
    answer that failed always does."""
    threshold: float | None = None
    """A case is flagged when its score, or its level, is at least this."""
    top_k: Annotated[int, Field(ge=1)] | None = None
    """The capacity: the k highest scores are flagged; equal scores are taken in the order of their ids."""
    score_range: tuple[float, float] = (0.0, 1.0)
    """The lowest and highest score that the detector can give; anything outside is an error. On an ordinal scale the
    lowest and highest level, `[0, 4]`."""

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        low, high = self.score_range
        if not low < high:
            raise ValueError("score_range must be [lowest, highest] with lowest < highest")
        if self.top_k is not None and self.abstention_means == "flagged":
            raise ValueError(
                'abstention_means = "flagged" goes beyond a capacity (`top_k`): a case without a score is not within it'
            )
        if getattr(self, "answers", "score") == "ordinal" and "score_range" not in self.model_fields_set:
            raise ValueError(_WHOLE_LEVELS)
        if self.threshold is not None and not low <= self.threshold <= high:
            raise ValueError(f"threshold {self.threshold:g} lies outside score_range [{low:g}, {high:g}]")
        return self


class PredictionsDetector(_Decision):
    """A detector known by what it answered: a file joined by id, or columns of the evaluation set itself."""

    kind: Literal["predictions"]
    """`predictions`."""
    path: Path | None = None
    """The file of predictions; without it the columns are taken from the evaluation set."""
    id: Column | None = None
    """The id column of the predictions file; the evaluation set's own id column where it is not given."""
    score: Column | None = None
    """The column with the score."""
    answers: Literal["score", "ordinal"] = "score"
    """What `score` holds: scores, or the levels of an ordinal scale, which are whole numbers."""
    rank: Column | None = None
    """The column with the place in the detector's own ranking, instead of a score: 1 is the first, and `top_k` says how
    many are flagged. An empty cell is a case that it did not rank."""
    decision: Column | None = None
    """The column with the decision itself, or with a class, instead of a score with `threshold` or `top_k`."""
    decision_positive: tuple[str, ...] = ("1", "true")
    """Values of the decision column that mean flagged; compared without regard to case."""
    decision_negative: tuple[str, ...] = ("0", "false")
    """Values of the decision column that mean not flagged. An empty cell is an abstention."""
    encoding: str = "utf-8"
    """With `path`: encoding of a CSV or JSONL file."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """With `path`: delimiter of a CSV file."""
    decimal: Literal[".", ","] = "."
    """With `path`: mark of decimals in its numbers; with `","`, `0,45` is 0.45."""

    @property
    def answer(self) -> Column:
        """The column with what the detector answered."""
        column = self.decision or self.rank or self.score
        assert column is not None  # noqa: S101 - the validator below has seen to it
        return column

    @property
    def answer_key(self) -> Literal["decision", "rank", "score"]:
        """The key of the plan that names that column."""
        return "decision" if self.decision is not None else "rank" if self.rank is not None else "score"

    @property
    def stands_in_set(self) -> bool:
        """Whether the answer is a column of the evaluation set itself."""
        return self.path is None

    @property
    def has_scores(self) -> bool:
        """Whether it is known by scores or levels, so that other cuts can be looked at."""
        return self.score is not None

    @model_validator(mode="after")
    def _one_decision_rule(self) -> Self:
        if self.decision is not None:
            if self.score or self.rank or self.threshold is not None or self.top_k is not None:
                raise ValueError(
                    "`decision` names the decision itself; leave out `score`, `rank`, `threshold` and `top_k`"
                )
            check_lists_differ(self, "decision_positive", "decision_negative")
            return self
        if self.rank is not None:
            if self.score is not None or self.threshold is not None or self.top_k is None:
                raise ValueError("`rank` is a place among the others: write `top_k` with it, and no score or threshold")
            if {"answers", "score_range"} & self.model_fields_set:
                raise ValueError("what `answers` or `score_range` says goes with `score`, and not with `rank`")
            return self
        if self.score is None:
            raise ValueError(
                'write `score = "<column>"` with `threshold` or `top_k`, `rank = "<column>"` with `top_k`, or '
                '`decision = "<column>"`'
            )
        _exactly_one_cut(self)
        if self.answers == "ordinal":
            _check_levels(self)
        return self


class BlindDetector(PredictionsDetector):
    """A model that its vendor keeps. It answered a challenge of `audit7k blind`, and `audit7k blind judge` joins its
    decisions by id.
    """

    kind: Literal["blind"]  # type: ignore[assignment]  # a kind of answers that exist already
    """`blind`."""
    features: Annotated[tuple[Column, ...], Field(min_length=1)]
    """The columns that the vendor is shown; no other leaves the house. The vendor must have declared them."""
    decision: Column | None = "decision"
    """The column with the decision. A vendor gives no scores."""
    contradictions: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    """The share of equal rows that may be answered otherwise than their twins. 0 only for a model that its vendor
    declares deterministic."""
    deployed: Deployed = "declared"
    """Whether the answers are those of the system at work, as `audit7k blind judge` writes it: `declared` by the vendor
    alone, `supported` by decisions that were logged in production, or not shown: these are `too_few` or all alike, or
    differ (`not_shown`)."""
    production: Annotated[int, Field(ge=0)] = 0
    """Number of decisions from production that were mixed in, as `audit7k blind judge` writes it."""
    differ: Annotated[int, Field(ge=0)] = 0
    """How many of these differ from the answers, as `audit7k blind judge` writes it."""

    @property
    def stands_in_set(self) -> bool:
        """Whether the answer is a column of the set: never, though no file is named before the vendor has answered."""
        return False


class ModelDetector(_Decision):
    """A detector that is run: which columns it is given, and what it answers with."""

    names_columns: ClassVar[bool] = False
    """Whether `classes` can also say which columns a model's answer has."""
    features: Annotated[tuple[Column, ...], Field(min_length=1)]
    """Columns that the detector is given. Label, gender and nationality columns are withheld unless named here."""
    files: tuple[Path, ...] = ()
    """Files and folders that the detector reads beside the one that it names, relative to the folder of the plan. The
    system keeps every other one from it, and its digest covers these."""
    answers: Literal["score", "decision", "ordinal", "class"] = "score"
    """What the detector answers with: a score; the decision itself (1 flagged, 0 not); a level of an ordinal scale, a
    whole number within `score_range`, where `threshold` is the cut; or the name of one of `classes`."""
    classes: tuple[ClassName, ...] = ()
    """With `answers = "class"`: every class that it may answer with. Any other answer is a failure, and counted."""
    positive_classes: tuple[ClassName, ...] = ()
    """With `answers = "class"`: the classes among them that mean flagged."""

    @property
    def has_scores(self) -> bool:
        """Whether it answers with scores or levels, so that other cuts can be looked at."""
        return self.answers in ("score", "ordinal")

    @property
    def answer_range(self) -> tuple[float, float]:
        """The lowest and highest number of an answer, as the detector protocol has them."""
        return (0.0, len(self.classes) - 1.0) if self.answers == "class" else self.score_range

    @model_validator(mode="after")
    def _one_decision_rule(self) -> Self:
        if len(set(self.features)) < len(self.features):
            raise ValueError("`features` names a column twice")
        if self.answers != "class" and self.positive_classes:
            raise ValueError('`positive_classes` goes with answers = "class"')
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("`classes` names a class twice")
        if self.answers != "class" and self.classes and not self.names_columns:
            raise ValueError('`classes` goes with answers = "class"')
        if self.answers == "class" and "score_range" in self.model_fields_set:
            raise ValueError("classes have no range: leave out `score_range`")
        if self.answers in ("decision", "class"):
            if self.threshold is not None or self.top_k is not None:
                which = "decisions" if self.answers == "decision" else "classes"
                raise ValueError(f"a detector that answers with {which} takes neither `threshold` nor `top_k`")
        else:
            _exactly_one_cut(self)
        if self.answers == "class":
            _check_classes(self)
        elif self.answers == "ordinal":
            _check_levels(self)
        return self


def check_disjoint(keys: str, values: Sequence[str]) -> None:
    """Raise ValueError where `values` holds one twice, regardless of case; `keys` names their place in the plan."""
    if len({value.casefold() for value in values}) < len(values):
        raise ValueError(f"{keys} name the same value twice")


def check_lists_differ(section: Strict, *keys: str) -> None:
    """Raise ValueError where these lists of a section hold one value twice, regardless of case."""
    check_disjoint(f"{', '.join(keys[:-1])} and {keys[-1]}", [value for key in keys for value in getattr(section, key)])


def _exactly_one_cut(detector: _Decision) -> None:
    if (detector.threshold is None) == (detector.top_k is None):
        raise ValueError("write exactly one of `threshold` (a score) and `top_k` (a capacity)")


def _check_levels(detector: PredictionsDetector | ModelDetector) -> None:
    low, high = detector.score_range
    if not (low.is_integer() and high.is_integer()):
        raise ValueError(_WHOLE_LEVELS)
    if high - low < 2:
        raise ValueError('a scale of two levels is a decision: write answers = "decision", or `decision` of a file')
    if detector.threshold is not None and not detector.threshold.is_integer():
        raise ValueError("the cut of an ordinal scale (`threshold`) is one of its levels, a whole number")


def _check_classes(detector: ModelDetector) -> None:
    known, positive = set(detector.classes), set(detector.positive_classes)
    if len(positive) < len(detector.positive_classes):
        raise ValueError("`positive_classes` names a class twice")
    if len(known) < 2:
        raise ValueError('answers = "class" needs `classes`, every class that the detector may answer with')
    if not positive or not positive < known:
        raise ValueError("`positive_classes` names those of `classes` that mean flagged: at least one, and not all")
