"""Sentences, in English, that a public report must show beside its figures.

A report in another language translates them. No other text says the same, so a pipeline, a table and a page agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "method": (
        "The verdict and the words come from the exact figures, which the auditor holds. To protect people, smaller"
        " groups stand together in rows of at least about {row} people, numbers were changed by at most"
        " {largest_change}, and fewer than {floor} errors or right answers are printed as that."
    ),
    "no_group_named": (
        "At least one group is beyond the limit. To say in public which one could tell about people; the auditor knows."
    ),
    "smaller_beyond": (
        "Within this row a smaller group, which has no row of its own, is beyond the limit. The auditor knows which."
    ),
    "beyond": "beyond the limit",
    "within": "within the limit",
    "cannot_tell": "cannot tell",
    "not_judged": "not judged as one group",
    "limit_not_excluded": "the cases point neither way",
    "unknown_people": "it hangs on people whose group is unknown",
    "too_few_cases": "too few cases",
    "judged_as": "judged as part of {features}",
    "too_few_in_public": "to say it in public could tell about people; the auditor knows",
    "numbers_of_before": "figures of an earlier day, and the verdict has changed since; the auditor knows",
    "figures_people": (
        "Errors are not published this time: together with those of earlier audits they might tell something about"
        " people. The auditor holds the exact figures."
    ),
    "figures_none": (
        "No figures are published: there are too few people for a row, or the plan names no feature to make rows by."
        " The verdict comes from the exact figures, which the auditor holds."
    ),
    "figures_hidden": (
        "The table of counts hides numbers. Rows that hold a hidden number are left out here, that of everyone too. The"
        " verdict and the words hold whatever these numbers are."
    ),
    "weighted": (
        "The verdict and the words weigh the cases, so that they stand for a population. No rate is printed: it would"
        " tell the outcome of whoever stands for many."
    ),
    "clustered": (
        "The verdict and the words take into account which cases belong together, as those of one person. No rate is"
        " printed: it would tell the outcome of whoever has many cases."
    ),
    "counted_once": "Numbers count all cases that belong together once.",
    "without_figures": "No public figures are made for: {features}.",
    "fails_on_probes": (
        "Changing one word or field of a case, and nothing else, moved its score by more than the limit allows."
    ),
    "pass_on_probes": (
        "In this test, changing one word or field of a case, and nothing else, moved scores by no more than the limit"
        " allows."
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
}
"""The English of what a public report must say; other languages translate it."""
