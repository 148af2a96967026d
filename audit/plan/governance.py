"""Declarations of the operator beside the numbers: who can stop the system, how a person contests a flag, until when.

All of them are optional. They are shown as declared, never as measured, and they change no number, no verdict and no
score. The plan asks for offices and roles, not for names: a role outlives its holder, and reports travel.
"""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from audit.plan.answers import Name, Strict, check_disjoint
from audit.vocabulary.text import day_in

Meaning = Literal["form", "period", "language", "site", "legal_status", "religion"]
MEANINGS: Final[tuple[str, ...]] = get_args(Meaning)
NOT_TESTED: Final = "not tested"
"""Text in place of a rule, for a pattern that no rule of the plan is about."""


_LONGEST_PATTERN: Final = 200


def _with_letters(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise ValueError("blank: write it in words, or leave the key out")
    return text


def _a_day(text: str) -> str:
    if day_in(text) is None:
        raise ValueError("no day; write it as YYYY-MM-DD")
    return text


Words = Annotated[str, Field(min_length=1, max_length=600), AfterValidator(_with_letters)]
Role = Annotated[Name, AfterValidator(_with_letters)]
Day = Annotated[str, Field(max_length=10), AfterValidator(_a_day)]
Share = Annotated[float, Field(ge=0, le=1)]


class GovernanceSection(Strict):
    """What the operator declares beside the numbers. It is shown as declared, and changes no number and no verdict."""

    declared_on: Day | None = None
    """The day on which the operator made these declarations, as YYYY-MM-DD. Reports put it beside each of them."""
    office: Role | None = None
    """The office that answers for the system within the owner that `[audit]` names."""
    role: Role | None = None
    """The role in that office that answers for it. A role, not a person's name: it outlives its holder."""
    oversight: Words | None = None
    """Who can stop the system, on what ground, and how fast."""
    review_rate: Share | None = None
    """Share of flags that a person reviewed before anything was done about them. Needs `review_period`."""
    override_rate: Share | None = None
    """Share of the reviewed flags that the reviewer did not follow. Needs `review_period`."""
    review_period: Role | None = None
    """The time that these two shares are about, in words."""
    contact: Words | None = None
    """Where a reader writes about errors in the audit or the report: an address of an office."""
    appeal: Words | None = None
    """How a person contests a flag, and who decides on it."""
    consulted: tuple[Role, ...] = ()
    """Who was consulted on use and limits: organisations and roles, not persons."""
    downstream: Words | None = None
    """Where a flag goes, step by step, and what can follow from it for a person."""
    group_data: Words | None = None
    """Why features such as gender and nationality were processed, who can see them, and when they are deleted."""
    named_patterns: Annotated[dict[str, str], Field(max_length=20)] = {}  # noqa: RUF012 - pydantic copies it
    """Patterns of inequality that were named before the audit, each with the id of the rule that is about it or with
    "not tested": `{ "Men are found less often" = "missed" }`."""
    limits_set_on: Day | None = None
    """The day on which the limits of the rules were fixed, as YYYY-MM-DD."""
    valid_until: Day | None = None
    """The last day on which the report may be relied on, as YYYY-MM-DD. An audit that ends later says so on its first
    screen; the clock of whoever opens the report never enters it."""
    baseline: Words | None = None
    """What was done before the system, or is done without it. It is not run here."""
    previous_audit: Words | None = None
    """The audit before this one: its day, its verdict, and where it can be read. The two are not compared here."""
    features: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    """Which feature of `[groups]` or `[control_features]` is what, where clauses of the draft resolution ask for it:
    `form` of exploitation, `period`, `language`, `site`, `legal_status`, `religion`. Nothing is guessed from a
    name. Children are named by `children` of an age band."""
    forced_criminality: tuple[str, ...] = ()
    """Levels of the feature that is the `form` which are forced criminality, online scams among them."""

    @model_validator(mode="after")
    def _says_what_it_means(self) -> Self:
        shares = (self.review_rate, self.override_rate)
        if (self.review_period is None) != (shares == (None, None)):
            raise ValueError("review_period goes with review_rate and override_rate: write it with them, and only then")
        if self.valid_until is not None and self.declared_on is not None and self.valid_until < self.declared_on:
            raise ValueError("valid_until lies before declared_on")
        for meaning in self.features:
            if meaning not in MEANINGS:
                raise ValueError(f"features: {meaning[:60]}; it takes {', '.join(MEANINGS)}")
        check_disjoint("consulted", self.consulted)
        check_disjoint("forced_criminality", self.forced_criminality)
        if self.forced_criminality and "form" not in self.features:
            raise ValueError("forced_criminality names levels of the form: say with `features` which feature that is")
        for pattern in self.named_patterns:
            if not any(character.isalnum() for character in pattern) or len(pattern) > _LONGEST_PATTERN:
                raise ValueError(f"named_patterns: a pattern is blank, or longer than {_LONGEST_PATTERN} characters")
        return self

    def check(self, features: Container[str], rules: Container[str]) -> Iterator[str]:
        """Yield a sentence for each feature or rule that is named here and missing in the plan."""
        for meaning, feature in self.features.items():
            if feature not in features:
                yield f"governance.features.{meaning} names no feature of [groups] or [control_features]"
        for rule in self.named_patterns.values():
            if rule != NOT_TESTED and rule not in rules:
                known = f'write the id of one, or "{NOT_TESTED}"'
                yield f'governance.named_patterns: "{rule[:60]}" is no rule of this plan; {known}'

    @property
    def says_something(self) -> bool:
        """Whether anything is declared."""
        fields = type(self).model_fields
        return any(
            getattr(self, name) != field.get_default(call_default_factory=True) for name, field in fields.items()
        )


class WaiversSection(Strict):
    """Findings that somebody answers for until a day. They change no verdict, and the digest of no plan."""

    file: Path | None = None
    """A file of waivers (TOML), each with rule, group, who, why and expires; relative to the folder of the plan."""
