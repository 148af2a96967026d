"""Terms of the further questions: all groups at once, scores, patterns, searches and costs."""

from __future__ import annotations

from typing import Final

from audit.vocabulary.terms.term import Term

FURTHER_QUESTIONS: Final = (
    Term(
        "test of all equal",
        "Asks whether all groups of a kind have the same rate. The outcomes are dealt out at random over the groups "
        "many times, and the widest gap is compared with what chance deals (a max-T permutation test).",
        "“In 1 of 1,000 random divisions” means that chance hardly ever shows as much.",
        "That groups differ does not say which, nor by more than a limit.",
        "how-to/doubts.md",
        ("max-t", "max t", "equality test", "permutation test", "all groups equal"),
    ),
    Term(
        "spread between groups",
        "How far the true rates of groups typically lie from their middle, in percentage points, without what chance "
        "alone would show. The widest gap of many small groups would be mostly chance.",
        "At 5 points, rates of 75% and 85% are both usual where the middle is 80%.",
        "It passes and fails nobody, and hides who is where.",
        "how-to/doubts.md",
        ("heterogeneity", "between-group spread", "spread"),
    ),
    Term(
        "funnel limits",
        "Lines over the number of cases: beyond one a group of that size is beyond the limit, from the other on it is "
        "within. They come from the same tests as the verdicts.",
        "Small groups scatter widely, so the lines open towards few cases like a funnel.",
        "A mark between the lines is “cannot tell”, not a pass.",
        "how-to/doubts.md",
        ("funnel", "funnel chart", "funnel plot"),
    ),
    Term(
        "shrunk estimate",
        "A group's rate pulled towards the middle of all groups, the more the fewer cases it has (empirical Bayes).",
        "Use it to see who stands out without a handful of cases topping the list.",
        "For ranking only: it passes and fails nobody, and makes small groups look more usual than they may be.",
        "how-to/doubts.md",
        ("empirical bayes", "shrunk", "shrinkage", "shrunk rate"),
    ),
    Term(
        "generalized entropy index",
        "One number for how unequally errors fall on people: 0 where they fall on nobody, or alike on all. It splits "
        "into a part between groups and a part within them.",
        "Compare the two parts: a large one within groups is about individuals, not about the groups.",
        "It has no unit and no limit, and with many groups most of the part between can be chance.",
        "how-to/doubts.md",
        ("generalised entropy", "entropy", "theil"),
    ),
    Term(
        "AUC",
        "How often a victim, picked at random, has a higher score than another person picked at random; ties count "
        "half. 1 ranks all victims first, 0.5 is no better than a coin.",
        "By group it says whether the system can tell victims from others in that group.",
        "It knows of no threshold: decisions can differ where it does not.",
        "how-to/doubts.md",
        ("area under the curve", "roc auc", "ranking"),
    ),
    Term(
        "within-group AUC",
        "The AUC among people of the same group only, put together over groups. A score that tells groups apart "
        "instead of victims ranks well over everyone and badly within.",
        "The difference from the AUC of everyone is owed to telling groups apart.",
        "It does not say at which threshold anybody is harmed.",
        "how-to/doubts.md",
        ("within group auc", "xauc", "pooled auc"),
    ),
    Term(
        "calibration",
        "Whether scores mean what they say: of cases scored 0.3, three in ten should be victims, in every group.",
        "“Too low” means that more of the group's cases are victims than their scores say.",
        "Scores can be right in every group and decisions still fall on groups differently.",
        "how-to/doubts.md",
        ("reliability", "calibration error", "ece"),
    ),
    Term(
        "threshold sweep",
        "What other thresholds would have done to each group: who would be found and who wrongly flagged.",
        "It shows whether a gap belongs to one threshold or to the score.",
        "A threshold picked on these cases makes the verdicts on them void: they need other cases.",
        "how-to/doubts.md",
        ("sweep", "thresholds"),
    ),
    Term(
        "top-k",
        "A capacity: only so many cases can be looked at, so those with the highest scores are flagged.",
        "The sweep shows what other capacities would have done to each group.",
        "Within a capacity one person's flag is another's missing one.",
        "how-to/doubts.md",
        ("top k", "capacity", "top_k"),
    ),
    Term(
        "deployed base rate",
        "The share of cases of exploitation among all that the system meets at work, usually far smaller than in a set "
        "that was put together for a test. The share of right flags at work is computed with it.",
        "At 2% even a good system is wrong in most of its flags.",
        "It is taken from the plan, and as the same in every group; none need have it.",
        "how-to/doubts.md",
        ("prevalence at deployment", "prevalence at work", "deployment"),
    ),
    Term(
        "bias amplification",
        "Whether flags differ between a group and everyone else more than labels do. A system that adds to the gap in "
        "its labels facilitates a pattern; one that repeats it perpetuates it.",
        "“Adds 7 points” means that the gap in flags is seven points beyond the gap in labels.",
        "To repeat the labels is no virtue where the labels are one-sided.",
        "how-to/doubts.md",
        ("amplification", "facilitate and perpetuate", "directional bias amplification"),
    ),
    Term(
        "reference table",
        "What is known from elsewhere about who is exploited, given by the plan. The labels of the set are compared "
        "with it.",
        "A gap says that this set speaks of other people than the table does.",
        "It is no truth either: it says who was detected there.",
        "how-to/doubts.md",
        ("reference comparison",),
    ),
    Term(
        "subgroup scan",
        "A search over all subgroups that some columns describe, for the one that is missed or wrongly flagged most. "
        "It searches one half of the cases, and asks the other half whether the finding holds.",
        "Only “held up” counts. The line says how many subgroups were searched.",
        "It is no verdict; to have a subgroup judged, name it in a plan.",
        "how-to/doubts.md",
        ("subgroup search", "bias scan", "scan", "subset scan"),
    ),
    Term(
        "penalty",
        "What each value named in a subgroup costs its score in the search, so that a short description wins over a "
        "long one that is hardly better.",
        "0 lets the largest subgroup win; a high one finds subgroups of a single value only.",
        "It changes what is found, never whether chance explains it.",
        "how-to/doubts.md",
        ("scan penalty",),
    ),
    Term(
        "cost matrix",
        "What a missed victim and a wrong flag cost, in a unit of the plan's choice; the cost per 1,000 cases is then "
        "compared between groups.",
        "Only the ratio of the two costs matters.",
        "How two harms weigh against each other is a choice, not a finding.",
        "how-to/limits.md",
        ("cost", "costs", "cost of errors"),
    ),
    Term(
        "own measure",
        "A function of the operator's own, computed for each group with a range from resampling the cases.",
        "Its name and code are the operator's; ask what it means.",
        "No limit can be set on it, and no verdict depends on it.",
        "how-to/limits.md",
        ("own metric", "custom metric", "measures", "bootstrap"),
    ),
)
