"""Effect of changing one word, or one column, on the score: counterfactual probes and the limits on them."""

from typing import Literal

from audit.result.findings.judged import Outcome
from audit.vocabulary.groups import Part

SwapReason = Literal[
    "no_pairs",  # no pair of a changed text and its anchor was scored
    "too_few_templates",  # a mean without an interval that could be relied on: fewer than ten templates
]
ProbeBecause = Literal[
    "beyond_limit",  # fail: the mean shift is beyond the limit, tested with correction for all comparisons
    "within_limit",  # pass: evidence that the mean shift is within the limit, up and down
    "no_shift",  # pass: every variant was given exactly the score of its anchor, in templates enough
    "limit_not_excluded",  # inconclusive: the templates point neither way
    "unscored_variants",  # inconclusive: it would pass, but for variants that were not scored
    "too_few_templates",  # inconclusive: so few templates cannot show it, even if the shift is the same in all
    "no_pairs",  # not evaluable: no pair was scored
]
ProbeRuleBecause = Literal[
    "comparison_beyond_limit",  # fail: at least one change moves the score beyond the limit
    "all_within_limit",  # pass: every change is within the limit
    "comparison_undecided",  # inconclusive: some change is not decided
]


class ChangedSlot(Part):
    """A slot of the texts, or a column of the rows, and how far its levels lie apart."""

    slot: str
    """`demonym`, `country`, `gender`, `name`, `language`, or the column."""
    anchor: str
    """Level that the others are compared with."""
    levels: int
    """Levels compared with it."""
    templates: int
    """Templates that have the slot, or clusters of rows."""
    templates_scored: int
    """Fewest templates with a scored pair at one level, among the levels that have any: all that can be said rests on
    no more.
    """
    spread_mean: float | None
    """Within one text, the highest score over all levels and the anchor less the lowest, on average over the texts of a
    template and then over templates; null where no pair was scored."""
    spread_max: float | None
    """That difference in the text where it is widest. Zero says that no scored pair differs at all."""
    pairs: int
    """Pairs of a changed text and its anchor of which both were scored, every other slot at its anchor."""
    pairs_unscored: int
    """Such pairs in which one or both were not scored."""
    flipped: int
    """Pairs of these whose decisions differ."""
    undetected_share: float
    """If templates were drawn at random from texts of their kind: the largest share of such texts in which a change
    could work without showing in any of `templates_scored`, at the level of the intervals."""


class SwapShift(Part):
    """One change: the level of one slot in place of its anchor, everything else in the text as it was."""

    slot: str
    """Slot that is changed."""
    level: str
    """Level that it is changed to: a code, a locale, a language or a value."""
    name: str
    """That level, named for a reader."""
    given_slot: str | None
    """The slot that was held at a level meanwhile; null where every other was at its anchor."""
    given: str | None
    """That level."""
    templates: int
    """Templates of which at least one pair was scored."""
    pairs: int
    """Pairs of which both were scored."""
    pairs_unscored: int
    """Pairs in which one or both were not scored. They are in no estimate; a verdict holds whatever they would have
    been.
    """
    shift: float | None
    """Mean over templates of the score after the change less the score before it, as a share of the score range;
    positive: the score rises."""
    low: float | None
    """Lower end of Student's t-interval over templates, of this comparison by itself."""
    high: float | None
    """Upper end of that interval."""
    low_all: float | None
    """Lower end of an interval that holds for all comparisons of the same slots at once (Bonferroni)."""
    high_all: float | None
    """Upper end of that interval."""
    raised: int
    """Templates in which the score rises on average."""
    lowered: int
    """Templates in which it falls on average."""
    unmoved: int
    """Templates in which every score stays exactly as it was. raised + lowered + unmoved is less than `templates` where
    scores move both ways within a template and cancel out."""
    pairs_moved: int
    """Pairs whose two scores differ at all."""
    to_flagged: int
    """Pairs that are flagged after the change and were not before it."""
    to_not_flagged: int
    """Pairs that are not flagged after the change and were before it."""
    reason: SwapReason | None = None
    """Reason why there is no shift, or none to rely on."""


class SwapProbe(Part):
    """A counterfactual probe. It speaks of these templates or rows and of texts like them, never of all texts."""

    probe: str
    """Its id in the plan."""
    kind: Literal["text", "columns"]
    """Whether texts were written, or rows of the set changed."""
    unit: Literal["text", "row", "cluster"]
    """What one template is here: a text in all its languages, a row, or a cluster of rows."""
    columns: tuple[str, ...]
    """The column of the text, or the columns that were changed."""
    languages: tuple[str, ...]
    """Languages of the texts; empty for rows."""
    source: str
    """Origin of the texts or rows."""
    words: str
    """Origin of the words."""
    digests: dict[str, str]
    """SHA-256 of the operator's own templates and words."""
    unused: tuple[str, ...]
    """Words and texts of the operator's own that were not used, or not wholly, and why."""
    templates: int
    """Templates, or clusters of rows."""
    variants: int
    """Texts or rows handed to the detector. variants = scored + abstained + failed."""
    scored: int
    """Variants with a score or a decision."""
    abstained: int
    """Variants on which the detector declined to answer."""
    failed: int
    """Variants without a usable answer."""
    failures: dict[str, int]
    """Failed variants by status and reason."""
    decision: str
    """When a variant counts as flagged, to follow "A variant is"."""
    slots: tuple[ChangedSlot, ...]
    """Slot by slot."""
    shifts: tuple[SwapShift, ...]
    """Comparison by comparison."""
    level: float
    """Level of the intervals."""


class ProbeVerdict(Part):
    """Verdict of a rule on one change."""

    rule: str
    """Id of the rule."""
    probe: str
    """Id of the probe."""
    slot: str
    """Slot that is changed."""
    level: str
    """Level that it is changed to."""
    given_slot: str | None
    """The slot that was held at a level."""
    given: str | None
    """That level."""
    outcome: Outcome
    """Outcome of this change."""
    because: ProbeBecause
    """Reason for the outcome, from a closed set."""
    p_fail: float | None
    """p-value of "not beyond the limit", on the side where the shift is nearer to it; null where it is not tested."""
    level_fail: float | None
    """Level that it had to reach, after correction for all comparisons (Holm) and for everything else that the plan
    judges.
    """
    p_pass: float | None
    """p-value of "beyond the limit, up or down", with variants that were not scored at their worst."""
    side: Literal["up", "down"]
    """Side of `p_fail`."""
    templates_needed: int | None = None
    """Fewest templates that could decide a mean shift like this one, were it the same in all: within the limit at
    alpha, beyond it at `level_fail`. Null where it is on the limit or not tested, and in results of schema version 1.
    """


class ProbeRuleResult(Part):
    """Verdict of a rule on probes on the detector."""

    rule: str
    """Id of the rule."""
    probes: tuple[str, ...]
    """Ids of the probes that it limits."""
    margin: float
    """Largest mean shift within the limit, as a share of the score range."""
    outcome: Outcome
    """Outcome of the rule."""
    because: ProbeRuleBecause
    """Reason for the outcome."""
    comparisons_by_outcome: dict[Outcome, int]
    """Number of comparisons with each outcome."""
    level: float
    """The share of alpha that the comparisons of the same slots could spend on false alarms, on each side."""
    reason: str
    """Reason for this limit, in the words of the plan."""
