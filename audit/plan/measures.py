"""Measures and rates of one's own in a plan."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from audit.plan.answers import Strict
from audit.vocabulary.metrics import Metric, Worse, cells_called, depends_on_decisions, formula_of
from audit.vocabulary.text import harmless


class OverGroups:
    """What is asked of groups, by the features that make them."""

    if TYPE_CHECKING:  # a field of the classes below, in its place among their fields
        groups: tuple[str | tuple[str, ...], ...]

    @property
    def feature_sets(self) -> tuple[tuple[str, ...], ...]:
        """`groups` with single features as one-tuples."""
        return tuple((entry,) if isinstance(entry, str) else entry for entry in self.groups)


class Measure(OverGroups, Strict):
    """A measure of your own: any function with the signature of a scikit-learn metric."""

    metric: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """`module:function`, called as `function(y_true, y_pred)`; the module is looked for beside the plan first."""
    groups: Annotated[tuple[str | tuple[str, ...], ...], Field(min_length=1)]
    """Features, and lists of features for their intersections, as in a rule."""
    given: Literal["decision", "score"] = "decision"
    """What is passed as `y_pred`: 1 for flagged and 0 for not, or the score."""
    name: str = ""
    """What reports call it; the function's own name where it is empty."""
    replicates: Annotated[int, Field(ge=99, le=9_999)] = 499
    """Bootstrap replicates of its intervals. Clusters are drawn whole."""

    @model_validator(mode="after")
    def _sets_of_features(self) -> Self:
        if any(not names or len(set(names)) < len(names) for names in self.feature_sets):
            raise ValueError("groups of a measure: an intersection names at least one feature, and each once")
        return self


DecidedCell = Literal["TP", "FN", "FP", "TN", "unlabelled_flagged", "unlabelled_not_flagged"]
"""A cell that a rate of one's own may count: cases with a decision, by their label."""


def _on_one_line(text: str) -> str:
    """Return words as they are. Raises ValueError where a report would print others."""
    if harmless(text) != text or text != text.strip():
        raise ValueError("words on one line, without unseen characters and spaces around them")
    return text


Words = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_on_one_line)]


class DeclaredRate(Strict):
    """A rate of your own: judged, reported and checked against other libraries like any other."""

    numerator: Annotated[tuple[DecidedCell, ...], Field(min_length=1)]
    """The cells that are counted, each one of the denominator: `["TN"]`. Victims: `TP` flagged, `FN` not; others: `FP`
    flagged, `TN` not; cases without a label: `unlabelled_flagged`, `unlabelled_not_flagged`."""
    denominator: Annotated[tuple[DecidedCell, ...], Field(min_length=1)]
    """The cells among which they are counted: `["TN", "FN"]`."""
    harm: Literal["low", "high", "by_route"]
    """Which side harms a group: a `low` rate, a `high` one, or, `by_route`, a low one where flags lead to services and
    a high one where they lead to enforcement."""
    plain: Words
    """What reports call it: "share of cases left alone that are right"."""
    counted: Words
    """The cases that are counted, in the plural: "cases rightly left alone"."""
    among: Words
    """The cases among which they are counted: "labelled cases that were not flagged"."""
    definition: Words
    """What it is, in one sentence for a person who is no statistician."""
    expected_rate: Annotated[float, Field(gt=0, lt=1)] = 0.50
    """The rate that planning assumes where a rule names none; it sizes groups and enters no test."""

    @model_validator(mode="after")
    def _is_a_rate(self) -> Self:
        for key, cells in (("numerator", self.numerator), ("denominator", self.denominator)):
            if len(set(cells)) < len(cells):
                raise ValueError(f"{key} names a cell twice")
        if beyond := [cell for cell in self.numerator if cell not in self.denominator]:
            raise ValueError(f"numerator counts {beyond[0]}, which the denominator does not")
        if len(self.numerator) == len(self.denominator):
            raise ValueError("numerator counts all of the denominator: such a rate is always 1")
        if not depends_on_decisions(cells_called(self.numerator), cells_called(self.denominator)):
            raise ValueError(
                "numerator and denominator count the same of flagged and other cases: no rate of a detector"
            )
        return self

    def as_metric(self, name: str) -> Metric:
        """Return the rate under its name."""
        numerator, denominator = cells_called(self.numerator), cells_called(self.denominator)
        return Metric(
            name=name,
            numerator=numerator,
            denominator=denominator,
            worse=Worse(self.harm),
            expected_rate=self.expected_rate,
            plain=self.plain,
            counted=self.counted,
            among=self.among,
            definition=self.definition,
            formula=formula_of(numerator, denominator),
            short=name.replace("_", " "),
        )
