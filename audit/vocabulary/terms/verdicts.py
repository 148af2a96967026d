"""Terms of the verdict: who is judged, against what, and with which errors."""

from __future__ import annotations

from typing import Final

from audit.vocabulary.terms.term import Term

VERDICTS: Final = (
    Term(
        "verdict",
        "PASS, FAIL or INCONCLUSIVE, also written “cannot tell”. FAIL: a group is worse off than everyone else by more "
        "than the limit, and chance does not explain it. PASS: for every group that the plan asks about and that is "
        "large enough, the cases rule that out. INCONCLUSIVE: the cases do neither, or too few people could be judged.",
        "“Cannot tell” is never a pass; the report says what it takes. A group without a rate has too few cases.",
        "It holds for this version, these cases and these labels, and for no group that was not judged.",
        "how-to/report.md",
        ("pass", "fail", "inconclusive", "cannot tell", "no rate", "not evaluable", "outcome", "within"),
    ),
    Term(
        "interval",
        "A range of values that the counts leave possible; reports call it the likely range. If the test were repeated "
        "many times with new cases of the same kind, ranges made in this way would hold the true value as often as "
        "their level says, usually 95 times in 100.",
        "A wide range means few cases. Two ranges that overlap prove nothing either way.",
        "It says nothing of wrong labels or missing people, and it decides no verdict: a sharper test does.",
        "statistics.md",
        ("likely", "likely range", "confidence interval", "ci", "wilson"),
    ),
    Term(
        "p-value",
        "How often chance alone would give counts at least as far out, if there were nothing to find. A small one "
        "means that chance is a poor explanation.",
        "It is compared with a level that was set before; below it, the finding counts.",
        "It is not the chance that the finding is wrong, and not how large a gap is.",
        "statistics.md",
        ("p", "p value", "significance"),
    ),
    Term(
        "alpha",
        "The largest chance of a false alarm that the plan accepts, over the whole audit: that any group is called "
        "beyond the limit which is not. The same number bounds the chance that a group at the limit is passed.",
        "At 0.05, at most one audit in twenty of systems that treat all alike raises any alarm.",
        "It is no promise about systems that are beyond the limit: these can be missed, where cases are few.",
        "statistics.md",
        ("level", "false alarm rate of the audit", "family-wise error"),
    ),
    Term(
        "power",
        "How often a set would decide something that is so: name a group with a gap of a given size, or pass one that "
        "is treated as everyone else is. It depends on cases, rates and levels, and never on what the system answered.",
        "At 80%, one group in five that should be named, or passed, would still be left undecided.",
        "It does not say how large any gap is, nor that a group left undecided has none.",
        "how-to/power.md",
        ("statistical power", "sample size", "planning"),
    ),
    Term(
        "smallest decidable gap",
        "The smallest gap to everyone else that would be named with the power asked for, given a group's cases and its "
        "part of the chance of a false alarm; and the smallest limit at which an equal group would pass.",
        "A gap of 27 points with a limit of 10 means that gaps between 10 and 27 points will often stay undecided.",
        "It is no finding about the group: nothing was scored yet.",
        "how-to/power.md",
        ("minimum detectable disparity", "minimum detectable effect", "mdd", "fail from", "pass at"),
    ),
    Term(
        "people judged",
        "The share of people who are in groups that could be judged, alone or only as part of a larger one. It is "
        "stated for the features by which it is smallest. A pass needs a minimum of it, set in the plan.",
        "At 60% by nationality, four people in ten have a nationality of which nothing was shown.",
        "Who was judged only as part of a larger group was not judged alone, and who is not in the set was not judged.",
        "statistics.md",
        ("coverage", "min coverage", "judged"),
    ),
    Term(
        "everyone else",
        "All cases of the test that are not in the group. Each group is compared with these, so that no group has to "
        "be chosen as the standard.",
        "A gap is the group's rate minus theirs.",
        "It does not say that everyone else is treated well.",
        "decisions/0002-judged-against-the-rest.md",
        ("rest", "the rest"),
    ),
    Term(
        "judged as part",
        "A group too small for a verdict of its own is judged with the larger group that it belongs to: a nationality "
        "with its sub-region, a sub-region with its region.",
        "By itself it stays “cannot tell”, and can still be found beyond the limit. Beside a pass stands the smallest "
        "gap that would have been named in a group not judged alone.",
        "“Western Africa passes” is not “each country of Western Africa passes”.",
        "decisions/0003-who-can-be-judged-alone.md",
        ("as part", "judged as a part", "judged as part of", "not judged alone"),
    ),
    Term(
        "ladder",
        "The rungs on which a feature is looked at, from fine to coarse: country, sub-region, region. A group that is "
        "too small climbs to the first rung on which it can be judged.",
        "The rung stands beside each group.",
        "Rungs are the United Nations' statistical regions, and no statement about peoples.",
        "decisions/0003-who-can-be-judged-alone.md",
        ("rung", "rungs"),
    ),
    Term(
        "intersection",
        "A group by two or more features together, such as women of one country. It can be harmed where neither women "
        "nor that country as a whole are.",
        "It is judged like any other group, and has fewer cases.",
        "That single features pass says nothing of their intersections.",
        "statistics.md",
        ("intersections", "intersectional group"),
    ),
    Term(
        "unnamed fail",
        "Of all nationalities judged together at least as many as are said are beyond the limit, and the cases of none "
        "suffice to name it. The limit is then not met, and no group is named.",
        "The system is to be corrected for all of them; more cases of each would tell which.",
        "It says nothing about any single nationality. Nobody may be singled out from it.",
        "decisions/0011-a-fail-without-a-name.md",
        ("fail without a name", "none can be named", "unnamed_beyond_limit"),
    ),
    Term(
        "design weight",
        "How many cases of the population a row stands for, where rows were drawn with different chances. Rates are "
        "then weighted sums divided by each other (Hájek's estimate).",
        "A row drawn with one chance in four weighs four.",
        "Weights repair how rows were drawn, not who never had a chance to be drawn.",
        "statistics.md",
        ("weight", "weights", "hajek", "hájek", "weighted rate"),
    ),
    Term(
        "cluster",
        "Rows that belong together, such as adverts of one advertiser or persons of one case. They resemble each "
        "other, so that ten of them say less than ten independent rows.",
        "With clusters the likely ranges are wider, and verdicts need more rows.",
        "It does not say that rows of different clusters are independent: the plan claims that.",
        "statistics.md",
        ("clusters", "intracluster correlation", "icc"),
    ),
    Term(
        "effective cases",
        "As many independent rows of equal weight would tell as much about this rate as the rows at hand do.",
        "400 rows with 90 effective cases are as good as 90 independent ones.",
        "It is itself estimated, and with few clusters poorly: see degrees of freedom.",
        "statistics.md",
        ("effective sample size", "effective size", "design effect"),
    ),
    Term(
        "degrees of freedom",
        "How many independent pieces of information there are on how much a rate varies; with clusters, somewhat fewer "
        "than there are clusters. Few of them make every range wide.",
        "Below 3 nothing is decided: the group can neither pass nor fail.",
        "It is not the number of cases, and more rows of the same clusters do not raise it.",
        "statistics.md",
        ("df", "satterthwaite", "too few clusters"),
    ),
)
