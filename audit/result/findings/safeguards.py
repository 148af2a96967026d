"""Evidence of an audit on clauses of the draft resolution, and on laws and standards; and its ratios of selection.

A clause without evidence is `not_shown`, which is a state of its own and never a pass. The fields are part of
`result.json`: change one only together with `audit.result.audit_result.SCHEMA_VERSION`.
"""

from typing import Literal

from audit.vocabulary.groups import Family, Group, Part
from audit.vocabulary.sentences import Sentence

EvidenceState = Literal[
    "measured",  # numbers of this result speak to it
    "declared",  # the operator says so, and nothing here checks it
    "not_shown",  # neither: never a pass
]
PublicState = Literal[
    "measured",
    "declared",
    "elsewhere",  # the restricted report has it, or may: which of the two is not public
    "not_shown",  # nobody has it: the plan does not ask for it
]
GivenBy = Literal["audit", "operator", "nobody"]
MappingState = Literal[
    "present",  # all the evidence that it asks for, each in the way that it asks for
    "partial",  # some of it; or declared where a measurement is asked for
    "absent",  # none of it
]
PublicMappingState = Literal[
    "present",
    "partial",
    "not_shown",  # none of it in public; the restricted report has some, or may
    "absent",  # none of it anywhere
]
LeftOut = Literal[
    "unknown",  # the feature is not known of these people: counted, and compared with nobody
    "below_two_per_cent",  # fewer than 2 % of all cases: the form lets them be left out of the ratio, not of the table
    "too_few_for_a_rate",  # fewer than `min_denominator`: no rate is stated
    "nobody_flagged",  # nobody is flagged in any group that is compared
]


class Safeguard(Part):
    """Evidence of this audit on a clause of the draft resolution."""

    clause: str
    """The clause, for example `7(k)`."""
    words: str
    """Words of the draft."""
    question: str
    """Question that an auditor asks about it."""
    evidence: str
    """Evidence in this result that speaks to it."""
    sentences: tuple[Sentence, ...] = ()
    """Sentences of `evidence` by key and values; empty in results of versions that did not keep them."""
    state: EvidenceState
    """`measured` here, `declared` by the operator, or `not_shown`: never a pass."""
    key: str = ""
    """Name of the evidence: equal in all rows that ask for the same evidence."""
    given_by: GivenBy | None = None
    """Giver of the evidence: the audit where it is measured, the operator where it is declared, else nobody. Null in
    results of versions that did not keep it.
    """
    date: str | None = None
    """Day of a declaration, as YYYY-MM-DD and as the operator dates it; null where the operator gives none, and where
    nothing is declared. The day of a measurement is that of `provenance.finished`: times of a run stand there alone, so
    that two runs on the same input differ nowhere else.
    """
    rests_on: tuple[str, ...] = ()
    """Fields of this result that hold the evidence, for example `verdicts` or `plan.governance.appeal`."""
    public_state: EvidenceState = "not_shown"
    """The state as a public report may tell it: `not_shown` also where the state itself would tell of a small group."""
    public_evidence: str = ""
    """The evidence as a public report may tell it: one fixed sentence for each state, without any number."""


class FrameworkEvidence(Part):
    """Evidence of this audit that is relevant to one provision of a law or standard."""

    article: str
    """The provision."""
    about: str
    """Subject of the provision, in words of this tool and not of the instrument."""
    state: MappingState
    """`present`, `partial` or `absent`: of the evidence, and of nothing else."""
    measured: tuple[str, ...]
    """Evidence relevant to it that is measured in this result, by its name."""
    declared: tuple[str, ...]
    """Evidence relevant to it that the operator declares."""
    not_shown: tuple[str, ...]
    """Evidence relevant to it that is neither."""
    public_state: PublicMappingState = "absent"
    """The state as a public report may tell it: `not_shown` where the restricted report alone has evidence, or may."""
    public_declared_only: bool = False
    """Whether all that a public report may tell of it is the operator's word."""


class Framework(Part):
    """A law or standard, and the evidence of this audit that is relevant to it.

    Whether it applies to the system, since when, and whether it is kept, is said nowhere here.
    """

    instrument: str
    """Usual short name of the instrument."""
    title: str
    """Title of the instrument."""
    checked: str
    """Source against which this table of its provisions was checked."""
    provisions: tuple[FrameworkEvidence, ...]
    """Evidence provision by provision."""


class ImpactRatio(Part):
    """Share flagged in a group, against the group with the highest share. No verdict rests on it."""

    group: Group
    """Group that it is about."""
    cases: int
    """Cases that the detector decided."""
    flagged: int
    """Number of these cases that were flagged."""
    rate: float | None
    """Share flagged, weighted where the plan has weights; null where there is a reason that says so."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of its interval."""
    ratio: float | None
    """`rate` divided by the highest rate among the groups that are compared; null where the group is left out."""
    left_out: LeftOut | None = None
    """Reason why there is no ratio."""


class ImpactRatios(Part):
    """Shares flagged and their ratios, in the form that New York City's Local Law 144 gives to audits of tools for
    employment.

    The form is borrowed: that law is about employment, and a flag is no job.
    """

    family: Family
    """The groups."""
    cases: int
    """Cases of everybody that the detector decided: the 2 % are a share of these."""
    unknown: int
    """Number of these cases of which one feature or more is unknown."""
    highest: Group | None
    """Group that the others are compared with: the one with the highest rate among those compared."""
    groups: tuple[ImpactRatio, ...]
    """Group by group."""
    level: float
    """Level of the intervals."""
