"""Questions that a plan asks beside that of the detector's flag: what people decided, each form, the first places."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from audit.plan.answers import ClassName, Column, Strict, check_disjoint, check_lists_differ


class DecisionsSection(Strict):
    """What people decided after the detector. The rules on rates are judged on it too."""

    column: Column
    """The column of the evaluation set with the final decision. An empty cell is a case that nobody decided, and never
    one in which people agreed with the detector."""
    decision_positive: Annotated[tuple[str, ...], Field(min_length=1)] = ("1", "true")
    """Values that mean flagged, in the end; compared without regard to case."""
    decision_negative: Annotated[tuple[str, ...], Field(min_length=1)] = ("0", "false")
    """Values that mean not flagged."""
    decision_missing: tuple[str, ...] = ()
    """Values that stand for no decision yet, beside the empty cell."""
    verdict: Annotated[Literal["beside", "counts"], Field(exclude_if=lambda verdict: verdict == "beside")] = "beside"
    """What they are to the verdict of the audit. `beside`: no part of it; they have one of their own. `counts`: the
    audit fails where they fail, and passes only where they pass too; half of what false FAILs may spend is theirs."""

    @model_validator(mode="after")
    def _decisions_differ(self) -> Self:
        check_lists_differ(self, "decision_positive", "decision_negative", "decision_missing")
        return self


class FormsSection(Strict):
    """Forms of exploitation, each judged by itself against all other cases by the rules of the plan."""

    named: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=20)]
    """Forms, as the label and the answers call them: among `label_positive`, and among the classes or the words of a
    decision that mean flagged."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        check_disjoint("forms.named", self.named)
        return self


class ExposureSection(Strict):
    """Who is among the first of the ranking by score: described, never judged."""

    first: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=20)]
    """Numbers of cases that could be looked at, `[50, 200]`, fixed before the scores are seen."""
