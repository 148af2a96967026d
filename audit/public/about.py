"""Facts beside the figures of a public report: who audits what, under which limits, and who answers for it.

Nothing here may follow from an exact count. It comes from the plan, from what the operator declares, and from names of
what was looked at: whoever adds a field decides that it tells of no person.
"""

from __future__ import annotations

from typing import Literal

from audit.vocabulary.attempts import HistoryRecord
from audit.vocabulary.groups import Part
from audit.vocabulary.metrics import MetricName

Unit = Literal["row", "cluster"]


class PublicCoding(Part):
    """Coding of a sensitive feature, by which a report names its groups in the reader's language."""

    name: str
    """The feature's name in the plan."""
    coding: Literal["gender", "nationality", "categorical"]
    """Kind of coding by which its values were read."""
    given_to_detector: bool
    """Whether the plan hands this column to the detector."""
    children: tuple[str, ...] = ()
    """Codes of levels that are children, for an age band."""
    means: str = ""
    """Meaning of the feature in the operator's words, such as `form`; empty if none is given."""
    forced_criminality: tuple[str, ...] = ()
    """Codes of levels that are forced criminality, for the form of exploitation."""


class PublicMetric(Part):
    """A rate, as the report explains it."""

    name: MetricName
    """The name in the field."""
    plain: str
    """The name in reports."""
    counted: str
    """Cases that the numerator counts."""
    among: str
    """Cases that the denominator counts."""
    definition: str
    """One sentence."""
    formula: str
    """The formula in counts."""
    worse: Literal["low", "high", "not_judged"]
    """Direction in which the rate harms a group, under the route of this plan."""


class PublicSafeguard(Part):
    """Evidence of this audit on a clause of the draft resolution, without a number about anybody."""

    clause: str
    """The clause, for example `7(k)`."""
    words: str
    """The words of the draft."""
    question: str
    """Question of an auditor about the clause."""
    evidence: str
    """Evidence in the audit that speaks to the clause."""
    state: Literal["measured", "declared", "not_shown"]
    """`measured`, `declared` by the operator, or `not_shown`: never a pass."""
    date: str | None = None
    """Day of the evidence, as YYYY-MM-DD; null where there is none."""
    key: str = ""
    """The name of the evidence: the same in every row that asks for the same."""


class PublicFramework(Part):
    """Evidence of this audit that is relevant to one provision of a law or standard, and nothing about its being
    kept.
    """

    instrument: str
    """The law or standard, by its usual short name."""
    article: str
    """The provision."""
    evidence: str
    """Subject of the provision, to follow "evidence relevant to"; in words of this tool, not of the instrument."""
    state: Literal["present", "partial", "not_shown", "absent"]
    """State of the evidence: all that is asked for, some of it, none in public (`not_shown`: the restricted report has
    some, or may), or none anywhere."""
    declared_only: bool = False
    """Whether all that is there is the operator's word, and nothing of it was measured."""
    measured: tuple[str, ...] = ()
    """Evidence relevant to it that is measured and public, by its name."""
    declared: tuple[str, ...] = ()
    """Evidence relevant to it that the operator declares."""
    not_shown: tuple[str, ...] = ()
    """Evidence relevant to it that the restricted report alone has, or may have: which of the two is not public."""
    absent: tuple[str, ...] = ()
    """Evidence relevant to it that no report has."""
    checked: str = ""
    """Source against which the table of this law or standard was checked."""


class PublicGovernance(Part):
    """Declarations of the operator, as the public may read them: offices and roles, and no share of anything."""

    declared_on: str | None = None
    """The day of these declarations, as YYYY-MM-DD."""
    office: str = ""
    """The office that answers for the system; like all that follows, empty where nothing is declared."""
    role: str = ""
    """The role in that office that answers for it."""
    oversight: str = ""
    """Who can stop the system."""
    reviewed: bool = False
    """Whether shares of flags that are reviewed or not followed are declared; they stand in the restricted report."""
    contact: str = ""
    """Address to which a reader writes about errors."""
    appeal: str = ""
    """Way in which a person contests a flag."""
    consulted: tuple[str, ...] = ()
    """Organisations and roles that were consulted."""
    downstream: str = ""
    """Place where a flag goes, and what can follow from it."""
    group_data: str = ""
    """Why features such as gender and nationality were processed, and when they are deleted."""
    named_patterns: tuple[str, ...] = ()
    """Patterns of inequality that were named in advance."""
    patterns_not_tested: tuple[str, ...] = ()
    """Named patterns that no rule of the plan is about; results on the others are in the restricted report."""
    limits_set_on: str | None = None
    """The day on which the limits were fixed, as YYYY-MM-DD."""
    baseline: str = ""
    """Practice without the system."""
    previous_audit: str = ""
    """The audit before this one."""


class PublicLook(Part):
    """A further question that the audit asked, or did not: its answers stand in the restricted report alone."""

    name: str
    """A stable name, for example `thresholds`."""
    asked: bool
    """Whether the restricted report answers it."""


class PublicDigest(Part):
    """A keyed digest: whoever holds the restricted folder can check it, and nobody can guess an input and compare."""

    of: Literal["evaluation_set", "predictions", "detector", "result"]
    """Part of the audit that the digest is of."""
    blake2b: str
    """Hexadecimal BLAKE2b-256 of the SHA-256 under the folder's key."""


class PublicAbout(Part):
    """The audit that a public report is of."""

    title: str
    """The system under audit and its version."""
    system: str = ""
    """Name of the system in every version, by which a portal knows its audits; if empty, the title counts."""
    owner: str
    """Who answers for the system."""
    auditor: str
    """Who carried out the audit; empty where the plan does not say."""
    limits_set_by: str
    """Who set the limits, and on what ground; empty where the plan does not say."""
    use: str
    """Use of the system: a word of the plan's `use`."""
    route: Literal["services", "enforcement", "both"]
    """Place where a flag goes."""
    primary_harm: Literal["missed", "wrongly_flagged", "both"]
    """Error that harms most, given where flags go."""
    label_source: str
    """Source of the labels."""
    kind: str
    """Kind of detector."""
    decision: str
    """The decision rule, in words."""
    features: tuple[str, ...]
    """Columns given to the detector; empty for predictions."""
    sensitive_features_used: tuple[str, ...]
    """Sensitive features among them, or the label."""
    codings: tuple[PublicCoding, ...]
    """The sensitive features."""
    metrics: tuple[PublicMetric, ...]
    """The rates that the rules limit, and those that are shown."""
    probe_rules: int
    """Number of rules on probes in the verdict; their results are in the restricted report."""
    weighted: bool
    """Whether the audit weights its cases: rates and their ranges do too, and do not follow from numbers of people."""
    clustered: bool
    """Whether cases belong together: likely ranges know of it, and do not follow from numbers of people."""
    unit: Unit = "row"
    """Unit that the table counts once: each row, or each cluster of rows, such as a person with several cases."""
    safeguards: tuple[PublicSafeguard, ...]
    """Clause by clause."""
    frameworks: tuple[PublicFramework, ...] = ()
    """Laws and standards, and whether evidence relevant to their provisions is there."""
    governance: PublicGovernance | None = None
    """Declarations of the operator; null if there are none."""
    looks: tuple[PublicLook, ...]
    """Further questions."""
    finished: str
    """The day on which the audit ended, as YYYY-MM-DD (UTC)."""
    valid_until: str | None
    """The last day on which it may be relied on, as YYYY-MM-DD; null where nobody declared one. Where `finished` is
    later, the audit was past its expiry when it ended, and every report of it says so."""
    tool: str
    """Name and version of the tool."""
    plan_sha256: str
    """SHA-256 of the plan as used, in canonical JSON."""
    digests: tuple[PublicDigest, ...]
    """Keyed digests of what the audit was made from."""
    formats: tuple[str, ...]
    """Public files that were asked for: names of public reporters."""
    languages: tuple[str, ...]
    """Languages of the files; the first one is the chosen one."""
    without_figures: tuple[str, ...] = ()
    """Features and control features of the plan of which no public figures are made."""
    rows_are: str = "cases"
    """Thing for which one row of the set stands, as the plan says."""
    period: tuple[str, str] | None = None
    """First and last day from which the cases are, as YYYY-MM-DD; null where the plan does not say."""
    history: HistoryRecord | None = None
    """What a history of audits shows of this one; null where it was run without one."""
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
