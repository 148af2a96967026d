"""Names of one number here, in fairlearn and in AIF360, and the meaning of one name in each.

docs/reference/metric-dictionary.md is written from `ENTRIES`, and a test computes every entry in all three.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Section = Literal["Rates", "Comparisons of two groups", "One number for all groups", "Conventions"]


class Entry(NamedTuple):
    """One line of the dictionary."""

    id: str
    """Name of the case that computes it in all three."""
    section: Section
    """Section of the page."""
    ours: str
    """Name here."""
    fairlearn: str
    """Name in fairlearn 0.15 and the scikit-learn that it uses."""
    aif360: str
    """Name in AIF360 0.6.1."""
    reconciled: str
    """What agrees and what does not: sign, denominator, weights."""


def _rate(ours: str, fairlearn: str, aif360: str, reconciled: str) -> Entry:
    return Entry(ours, "Rates", f"`{ours}`", fairlearn, aif360, reconciled)


ENTRIES: Final[tuple[Entry, ...]] = (
    _rate(
        "true_positive_rate",
        "`true_positive_rate`, `sklearn.metrics.recall_score`",
        "`true_positive_rate`, `recall`, `sensitivity`",
        "TP / (TP + FN) in all three. AIF360's `power` is not it, but the number of true positives.",
    ),
    _rate("false_negative_rate", "`false_negative_rate`", "`false_negative_rate`", "FN / (TP + FN) in all three."),
    _rate("false_positive_rate", "`false_positive_rate`", "`false_positive_rate`", "FP / (FP + TN) in all three."),
    _rate(
        "true_negative_rate",
        "`true_negative_rate`",
        "`true_negative_rate`, `specificity`",
        "TN / (FP + TN) in all three.",
    ),
    _rate(
        "precision",
        "`sklearn.metrics.precision_score`",
        "`precision`, `positive_predictive_value`",
        "TP / (TP + FP) in all three. AIF360's `false_discovery_rate` is one minus it.",
    ),
    _rate(
        "accuracy",
        "`sklearn.metrics.accuracy_score`",
        "`accuracy`",
        "(TP + TN) / labelled cases in all three. AIF360's `error_rate` is one minus it.",
    ),
    _rate(
        "selection_rate",
        "`selection_rate`",
        "`ClassificationMetric.selection_rate`",
        "Flagged / scored. Here unlabelled cases are in it; the libraries take the rows they are given, and AIF360 "
        "needs a label on each, so it is asked for the `base_rate` of the decisions.",
    ),
    _rate(
        "base_rate",
        "`selection_rate` of the labels",
        "`base_rate`",
        "Positives / labelled. fairlearn has no name for it.",
    ),
    Entry(
        "difference_from_rest",
        "Comparisons of two groups",
        "difference from the `rest`",
        "none; `MetricFrame.difference` of two groups is its absolute value",
        "`<rate>_difference`, unprivileged = group, privileged = rest",
        "Group minus rest here and in AIF360: negative where the group's rate is lower. fairlearn has no sign.",
    ),
    Entry(
        "equal_opportunity",
        "Comparisons of two groups",
        "difference of `true_positive_rate`",
        "`equal_opportunity_difference`",
        "`equal_opportunity_difference`",
        "One name with two meanings: signed, of two groups in AIF360; the largest minus the smallest in fairlearn.",
    ),
    Entry(
        "statistical_parity",
        "Comparisons of two groups",
        "difference of `selection_rate`",
        "`demographic_parity_difference`",
        "`statistical_parity_difference`, `mean_difference`",
        "Signed here and in AIF360, largest minus smallest in fairlearn.",
    ),
    Entry(
        "disparate_impact",
        "Comparisons of two groups",
        "ratio of `selection_rate` to that of the rest",
        "`demographic_parity_ratio`",
        "`disparate_impact`",
        "Group over rest here and in AIF360, and above 1 where the group is flagged more; smallest over largest in "
        "fairlearn, never above 1.",
    ),
    Entry(
        "difference_from_overall",
        "Comparisons of two groups",
        'difference with `compare_with = ["overall"]`',
        '`MetricFrame.difference(method="to_overall")`',
        "none",
        "Signed and of each group here; the largest absolute one in fairlearn. Everyone includes the group in both.",
    ),
    Entry(
        "average_odds",
        "One number for all groups",
        "none: both differences are shown",
        '`equalized_odds_difference(agg="mean")`',
        "`average_odds_difference`, `average_abs_odds_difference`",
        "Half the sum of the differences in FPR and TPR. AIF360's first keeps their signs, so that a group with 50 "
        "points more of both kinds of error can have 0; its second and fairlearn's mean do not.",
    ),
    Entry(
        "equalized_odds",
        "One number for all groups",
        "none: both differences are shown",
        "`equalized_odds_difference`",
        "`equalized_odds_difference`",
        "The larger of the absolute differences in TPR and FPR in both. Over more than two groups fairlearn takes the "
        "largest minus the smallest of each, AIF360 the two groups it is given.",
    ),
    Entry(
        "equalized_odds_ratio",
        "One number for all groups",
        "none: both ratios are shown",
        "`equalized_odds_ratio`",
        "none; `false_positive_rate_ratio` for one half",
        "The smaller of the ratios of TPR and FPR, smallest over largest.",
    ),
    Entry(
        "generalized_entropy",
        "One number for all groups",
        "generalized entropy index, alpha = 2",
        "none",
        "`generalized_entropy_index(alpha=2)`",
        "Of the benefits 1 + decision - label of labelled cases. From counts here, from rows in AIF360, which leaves "
        "instance weights out of it.",
    ),
    Entry(
        "between_group_entropy",
        "One number for all groups",
        "its part between groups",
        "none",
        "`between_all_groups_generalized_entropy_index(alpha=2)`",
        "The same. AIF360's `between_group_…` takes the two groups it is given, `between_all_groups_…` all of them.",
    ),
    Entry(
        "theil",
        "One number for all groups",
        "generalized entropy index, alpha = 1",
        "none",
        "`theil_index`",
        "The same.",
    ),
    Entry(
        "undefined_rate",
        "Conventions",
        "a rate without a denominator is unknown, with a reason",
        "0, silently; a precision 0 with a warning",
        "NaN with a warning; a precision 0",
        "A group without positives is the worst of all in fairlearn's difference, and unknown here.",
    ),
    Entry(
        "empty_group",
        "Conventions",
        "a group without cases is shown as such",
        "left out; NaN in an intersection",
        "an accuracy of 0, every other rate NaN",
        "An error-rate ratio of AIF360 can come from a group without anyone.",
    ),
    Entry(
        "ratio_to_zero",
        "Conventions",
        "unknown, `zero_in_rest`; the difference is stated",
        "NaN for 0/0, and 0 for a zero beside any other rate",
        "infinite",
        "Nothing can be said of a ratio to nothing.",
    ),
    Entry(
        "positive_label",
        "Conventions",
        "declared in the plan: `label_positive`, `label_negative`; every other value is refused",
        "`pos_label` of `selection_rate` is 1: of other labels it is 0, silently; a score counts where it is exactly 1",
        "`favorable_label` of the data set, 1 by default, must be among numeric labels",
        "Decisions are made from scores here, by the plan's threshold, before anything is counted.",
    ),
    Entry(
        "missing_feature",
        "Conventions",
        "the level `unknown`, a group like any other",
        "an error",
        "an error",
        "No row is dropped and none is guessed.",
    ),
    Entry(
        "weights",
        "Conventions",
        "`evaluation_set.weight`: sums of weights over sums of weights (Hájek), with variances",
        "`sample_weight`, point values only",
        "`instance_weights`, point values only; not in the generalized entropy index",
        "The same weighted rates. Both data sets of an AIF360 metric must have the same weights, and groups that "
        "overlap are refused.",
    ),
)
