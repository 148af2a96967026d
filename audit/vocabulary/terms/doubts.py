"""Terms of doubt: what would have to be wrong, or unknown, for a verdict not to stand."""

from __future__ import annotations

from typing import Final

from audit.vocabulary.terms.term import Term

DOUBTS: Final = (
    Term(
        "label flips",
        "The fewest labels of a group that would have to be wrong for its verdict not to stand, if they were the ones "
        "that matter most.",
        "“11 of 1,529” means that eleven wrong labels in the worst places would do. A few are soon found in any set.",
        "It does not say that any label is wrong.",
        "statistics.md",
        ("wrong labels", "fewest flips", "label noise", "overturned by"),
    ),
    Term(
        "Rogan-Gladen",
        "Corrects a rate for labels that are right only with a known share, among victims and among others (Rogan and "
        "Gladen 1978). The table says at which qualities of a group's labels its verdict would fall.",
        "Find the cell of what you believe of the labels: it shows the corrected rate and whether the verdict stands.",
        "It supposes that labels elsewhere are right, and that errors do not depend on the score.",
        "statistics.md",
        ("rogan gladen grid", "label quality", "corrected rate"),
    ),
    Term(
        "worst case for unknown features",
        "Some people's gender or nationality is not recorded, so they may belong to any group. A group passes only if "
        "it would for every number of them that the plan supposes: by default up to twice its share, harmed at up to "
        "twice the odds.",
        "“Would pass, but for people of unknown group” means: record who they are, or vouch for a share.",
        "It does not say that they do belong to the group.",
        "statistics.md",
        ("worst-case bounds", "worst case bounds", "unknown feature", "missing attributes", "unknown_attribute"),
    ),
    Term(
        "several nationalities",
        "A person who holds several nationalities is counted under all of them together, as a group of its own, where "
        "the plan says so. Every nationality is also shown with all who hold it.",
        "A group passes only if it would whichever of these people belonged to it; “would pass, but for people who "
        "have this nationality beside others” means that they decide it.",
        "The rates with all who hold a nationality count such a person once for each, so that the cases add up to more "
        "than there are people.",
        "how-to/evaluation-set.md",
        ("dual nationality", "several_nationalities", "any-of membership", "memberships"),
    ),
    Term(
        "selective labels",
        "Labels exist only where somebody looked, and who is looked at is not left to chance. A system can then seem "
        "good because nobody looked where it fails.",
        "Where some cases were drawn at random, rates among these are shown beside the others.",
        "Without such cases nothing in a set can show it. Rates of people take a weight, or strata of known size.",
        "statistics.md",
        ("control sample", "random sample", "selective labelling"),
    ),
    Term(
        "like with like",
        "Compares the cases of a group only with cases of everyone else of the same kind, such as the same form of "
        "exploitation, and puts the comparisons together (Mantel and Haenszel 1959). A gap can vanish, appear or turn "
        "round.",
        "“Vanishes” means that within kinds of cases the gap is gone.",
        "It does not undo a verdict, and does not say why: people of the group met the gap all the same.",
        "statistics.md",
        ("mantel-haenszel", "mantel haenszel", "conditional gap", "control feature", "stratified", "strata"),
    ),
    Term(
        "Simpson's paradox",
        "A figure over everyone that is better, or worse, than in every single group. It happens where groups differ "
        "in how many cases they have of each kind.",
        "It is named where the ranking of everyone is better than within any group.",
        "Neither figure is wrong; they answer different questions.",
        "statistics.md",
        ("simpson", "simpsons paradox"),
    ),
    Term(
        "cross-check",
        "The same rates and differences, computed again from the same cases by fairlearn and by AIF360. If one of them "
        "disagreed, there would be no verdict.",
        "Where they state a number and this project states none, the rule by which they do is named.",
        "Agreement shows that the arithmetic is right, not that the cases or labels are.",
        "reference/metric-dictionary.md",
        ("crosscheck", "second opinion", "third opinion", "agreement"),
    ),
)
