"""Facts beside the figures of a public report: who audits what, under which limits, and who answers for it.

Nothing here may follow from an exact count. It comes from the plan, from what the operator declares, and from names of
what was looked at: whoever adds a field decides that it tells of no person.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from audit.vocabulary.attempts import HistoryRecord
from audit.vocabulary.groups import Part
from audit.vocabulary.metrics import MetricDefinition
from audit.vocabulary.statuses import AbstentionMeaning, Deployed

Unit = Literal["row", "cluster"]
Digested = Literal["evaluation_set", "predictions", "detector", "result"]


class PublicSafeguard(Part):
    """Evidence of this audit on a clause of the draft resolution, without a number about anybody."""

    clause: str
    words: str
    question: str
    evidence: str
    state: Literal["measured", "declared", "not_shown"]
    """`measured`, `declared` by the operator, or `not_shown`: never a pass."""
    date: str | None = None
    key: str = ""
    """The name of the evidence: the same in every row that asks for the same."""


class PublicFramework(Part):
    """Evidence of this audit that is relevant to a provision of a law or standard, and nothing about its being kept."""

    instrument: str
    article: str
    evidence: str
    """Subject of the provision, to follow "evidence relevant to"; in words of this tool, not of the instrument."""
    state: Literal["present", "partial", "not_shown", "absent"]
    """State of the evidence: all that is asked for, some of it, none in public (`not_shown`: the restricted report has
    some, or may), or none anywhere."""
    measured: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    """Evidence relevant to it that the restricted report alone has, or may have: which of the two is not public."""
    absent: tuple[str, ...] = ()
    checked: str = ""


class PublicGovernance(Part):
    """Declarations of the operator, as the public may read them: offices and roles, and no share of anything. Days are
    written YYYY-MM-DD.
    """

    declared_on: str | None = None
    office: str = ""
    """The office that answers for the system; like all that follows, empty where nothing is declared."""
    role: str = ""
    oversight: str = ""
    reviewed: bool = False
    """Whether shares of flags that are reviewed or not followed are declared; they stand in the restricted report."""
    contact: str = ""
    appeal: str = ""
    consulted: tuple[str, ...] = ()
    downstream: str = ""
    group_data: str = ""
    named_patterns: tuple[str, ...] = ()
    patterns_not_tested: tuple[str, ...] = ()
    """Named patterns that no rule of the plan is about; results on the others are in the restricted report."""
    limits_set_on: str | None = None
    baseline: str = ""
    previous_audit: str = ""


class PublicAbout(Part):
    """The audit that a public report is of."""

    title: str
    system: str = ""
    """Name of the system in every version, by which a portal knows its audits; if empty, the title counts."""
    owner: str
    auditor: str
    limits_set_by: str
    use: str
    route: Literal["services", "enforcement", "both"]
    primary_harm: Literal["missed", "wrongly_flagged", "both"]
    label_source: str
    kind: str
    decision: str
    features: tuple[str, ...]
    sensitive_features_used: tuple[str, ...]
    metrics: tuple[MetricDefinition, ...]
    probe_rules: int
    weighted: bool
    """Whether the audit weights its cases: rates and their ranges do too, and do not follow from numbers of people."""
    clustered: bool
    """Whether cases belong together: likely ranges know of it, and do not follow from numbers of people."""
    unit: Unit = "row"
    """Unit that the table counts once: each row, or each cluster of rows, such as a person with several cases."""
    safeguards: tuple[PublicSafeguard, ...]
    frameworks: tuple[PublicFramework, ...] = ()
    governance: PublicGovernance | None = None
    asked: tuple[str, ...]
    """Further questions that the plan asks, such as `thresholds`: answers stand in the restricted report alone."""
    finished: str
    valid_until: str | None
    """The last day on which it may be relied on, as YYYY-MM-DD; null where nobody declared one. Where `finished` is
    later, the audit was past its expiry when it ended, and every report of it says so."""
    tool: str
    plan_sha256: str
    digests: Mapping[Digested, str]
    """Hexadecimal BLAKE2b-256 of the SHA-256 of what the audit was made from, under the folder's key: who has it can
    check them, and nobody can guess an input and compare."""
    formats: tuple[str, ...]
    languages: tuple[str, ...]
    without_figures: tuple[str, ...] = ()
    rows_are: str = "cases"
    period: tuple[str, str] | None = None
    """First and last day from which the cases are, as YYYY-MM-DD; null where the plan does not say."""
    history: HistoryRecord | None = None
    """What a history of audits shows of this one; null where it was run without one."""
    abstentions: Annotated[AbstentionMeaning | None, Field(exclude_if=lambda meaning: meaning is None)] = None
    """What a case counts as on which the system declines to answer; null where the plan does not say."""
    deployed: Deployed | None = None
    """Of a model that its vendor keeps: what shows that the system at work answers so. `declared` by the vendor alone,
    `supported` by decisions of that system, or not shown: these are `too_few` or all alike, or differ (`not_shown`)."""
    respond_by: str | None = None
    """The day by which the operator is asked to answer a result that is no pass, as YYYY-MM-DD; left out of the file
    where the plan names none."""
    plan_file: str = ""
    """The plan file as it was named, with `/`, where that is a plain relative path, else its own name; empty where it
    is not known. Never a path from the root of a machine."""

    @property
    def sample_sentences(self) -> tuple[str, ...]:
        """Names of the `SENTENCES` that tell what cases stand for, and how often people of several cases count."""
        holds = {"weighted": self.weighted, "clustered": self.clustered, "counted_once": self.unit == "cluster"}
        return tuple(name for name, it_does in holds.items() if it_does)

    @property
    def is_synthetic(self) -> bool:
        """Whether the plan says that the cases are made up: `rows_are` begins with `synthetic`."""
        return self.rows_are.casefold().startswith("synthetic")
