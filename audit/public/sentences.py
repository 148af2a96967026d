"""Sentences, in English, that a public report must show beside protected counts.

A report in another language translates them. No other text says the same, so a pipeline, a table and a page agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "above_the_table": (
        "The result above was computed from the exact figures, which the auditor holds. To protect people, every figure"
        " below was changed by at most {largest_change}; figures do not add up exactly. Groups with fewer than {floor}"
        " people are never shown; some larger ones are withheld too."
    ),
    "no_group_named": (
        "On the exact figures the system exceeds the limit for at least one group; the public figures do not show"
        " which."
    ),
    "below": "in the protected figures: beyond the limit",
    "meets": "in the protected figures: within the limit",
    "cannot_tell": "in the protected figures: cannot tell",
    "not_shown": "in the protected figures: not shown",
    "few_errors": "fewer than {few_errors}",
    "few_correct": "all but fewer than {few_correct}",
    "small_or_withheld": "not shown: small, or withheld to protect others",
    "too_small_for_a_rate": "too few for a rate",
    "cannot_occur": "does not occur in this set",
    "not_in_table": "not computed from protected figures",
    "figures_refused": (
        "No figures are published: they might tell something about people in the test. Not publishing them does not"
        " change the result. The auditor holds the exact figures."
    ),
    "figures_not_made": (
        "No figures are published: the plan of the audit names no feature with a fixed list of values, such as gender,"
        " by which they could be protected. The auditor holds the exact figures, and the result comes from them."
    ),
    "weighted": (
        "The result weighs its cases, so that they stand for a population. The figures below count each case once: they"
        " are sizes, no rates are made of them, and they say of no group whether it is within the limit."
    ),
    "weighted_once": "The result weighs its cases, so that they stand for a population. The figures below do not.",
    "clustered": (
        "Cases of this set belong together, and the protected figures do not know which. An interval from them would be"
        " too narrow, so no rates are made of them, and they say of no group whether it is within the limit. The plan"
        " says that no two cases are of one person: if two are, fewer people than cases stand behind a figure."
    ),
    "counted_once": (
        "Cases of this set belong together, for example those of one person. The figures below count all that belong"
        " together once; under unknown where they differ. They are sizes, no rates are made of them, and they say of no"
        " group whether it is within the limit."
    ),
    "without_figures": "No public figures are made for: {features}.",
    "fails_on_probes": (
        "Changing one word or field of a case, and nothing else, moved its score by more than the limit allows."
    ),
    "change_fail": (
        "The system became worse for at least one group than in the earlier audit, by more than the limit set for that."
    ),
    "change_pass": (
        "For no group that could be judged the system became worse than in the earlier audit by the limit set for that."
    ),
    "change_inconclusive": "Whether the system became worse for a group than in the earlier audit cannot be told.",
    "change_weighted_set": "It is not judged: there is no exact test of a change for weighted cases.",
    "change_clustered_set": "It is not judged: there is no exact test of a change for cases that belong together.",
    "change_differs": "The plans of the two audits differ in: {features}.",
    "no_clear_change": "no clear change",
}
"""The English of what a public report must say about its figures; other languages translate these."""
NO_WORDS: Final = "the protected figures say of no group whether it is within the limit"
"""Said of a rule in the place of counts of words, where none are made: "0 beyond the limit" would read as a finding."""
