"""Measures of one's own in a plan."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from audit.plan.answers import Strict


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
