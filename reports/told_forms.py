"""The forms of the sentences that a result holds in English: each as it is written, with names where values stand."""

# ruff: noqa: E501 - a sentence a line

from __future__ import annotations

from typing import Final

NOTICES: Final = (
    "Restricted, not for publication: the counts are exact and can single out people.",
    "Labels are not truth. These come from: %(source)s. A bias in how they were made can hide a disparity of the detector or look like one.",
    "Rates, disparities and verdicts take %(ground)s into account. Scores, like with like, amplification, the random sample and the subgroup search take each row once, and most of them as independent.",
    "No rule of this plan limits %(harm)s, which is the primary harm where flags go to %(route)s. The verdict says nothing about it.",
    "A pickled model was executed: its file can hold any program, and whoever ran this audit let it run. What such a program does beside scoring is not seen here.",
    "The detector is given: %(columns)s.",
    "%(unscored)s of %(read)s rows were not scored (%(abstained)s abstained, %(failed)s without a usable answer). Rates are over the others; verdicts hold whatever these would have been.",
    "Within a capacity one of them could also have displaced another case, and that is not bounded.",
    "%(unlabelled)s of %(read)s rows have no label (%(share)s). They are in the share flagged and in no other rate.",
    "In some groups far more rows than elsewhere have no label: %(groups)s. Their rates are about the rows that have one.",
    "%(feature)s is unknown for %(unknown)s of %(total)s rows (%(share)s). They are shown as a group of their own; what holds for the others need not hold for them.",
    "%(feature)s: %(cases)s several in one cell, counted under the first that is written; the others are not looked at.",
    "%(feature)s: %(cases)s several in one cell, counted under all of them together, and a group passes only if it would pass whichever of them belonged to it.",
    "%(feature)s: %(cases)s several in one cell, counted as nationals where any of them is that of the country of exploitation.",
    "Group sizes for rule %(rule)s were planned for a rate of %(planned)s; measured overall was %(measured)s. Set expected_rate before the next audit.",
    "%(rows)s rows have a score at the threshold or within 1e-6 of it. The smallest change of a score or of the threshold decides them.",
    "%(rows)s rows share the lowest flagged score; which of them are flagged was decided by the order of their ids.",
    "Rule %(rule)s: which groups are large enough depends on how many were flagged, so it was known only after scoring.",
    "Rule %(rule)s: 1 group that would pass by the records cannot, because people whose group is unknown may belong there.",
    "Rule %(rule)s: %(groups)s groups that would pass by the records cannot, because people whose group is unknown may belong there.",
    "All of them would pass if in no group more than %(share)s of its own cases were unknown.",
    "No declared share would let all of them pass: a single person could hold one of them back.",
    "With at most %(share)s, half of the largest of them would. Whoever can vouch for a share writes it, with the ground, as [sensitivity] max_missing_share; otherwise it has to be found out who these people are.",
    "fairlearn and AIF360 were not asked for the same numbers: nobody but this tool has computed them.",
    "%(name)s was asked for the same rates and could not answer; nothing here was compared with it.",
    "%(library)s was asked about %(compared)s of %(all)s groups: the finest families first.",
)

SAFEGUARDS: Final = (
    "Can an outsider repeat the audit?",
    "This result holds the plan, the digests of its inputs, every count and the versions used.",
    "Who is missed?",
    "The share of victims found, by group, under %(rules)s.",
    "The share of victims found is listed by group, but no rule limits it.",
    "Are there limits, and could they be tested?",
    "%(rules)s; %(verdicts)s on groups that the data decide. That the limits were set before the data were seen is not shown.",
    "Who answers for the system and can stop it?",
    "The plan names an owner: %(owner)s. Review and override of flags are not shown.",
    "What exactly was audited?",
    "The detector was run in this audit; its inputs and its decision rule are recorded.",
    "The detector's answers were supplied; that they are its answers is declared by the operator.",
    "Do rates differ between groups by more than the limit?",
    "Differences and ratios with intervals for every group; %(rules)s.",
    "No group could be judged.",
    "Does the detector add inequality that its labels do not have?",
    "Flags against labels, for %(groups)s: the gap is added to or turned round for %(adds)s, repeated for %(repeats)s, narrowed for %(removes)s; the cases do not say for %(open)s.",
    "Flags were not compared with labels.",
    "What it would do without gender and nationality was not tested.",
    "Does it repeat inequality that the labels already have?",
    "Labels are compared by %(feature)s with a table from elsewhere (%(source)s), which is no truth either.",
    "Labels are compared with nothing from outside the set.",
    "Are like cases treated alike?",
    "Gaps among cases of the same %(controls)s, beside those among all: %(vanishes)s vanish, %(appears)s appear, %(reverses)s turn round, %(stays)s stay; of %(open)s it cannot be told.",
    "The plan declares no control features, so like cases were not compared.",
    "Does naming a nationality move the detector?",
    "Answers were supplied: whether nationality entered them is not known.",
    "The detector is given the nationality of the person; its effect was not tested.",
    "The nationality column was withheld; whether other columns stand in for it was not tested.",
    "When only the %(slot)s was changed, %(flipped)s of %(decisions)s changed (%(levels)s, %(scored)s); the widest mean shift of the score is %(shift)s of its range.",
    "When only the %(slot)s was changed, %(flipped)s of %(decisions)s changed (%(levels)s, %(scored)s); the widest mean shift of the score is %(shift)s of its range (“%(name)s”: %(flips)s of %(pairs)s changed).",
    "Under rule %(rule)s, %(fail)s of these changes are beyond the limit, %(pass)s within it, %(open)s not decided.",
    "Of the same changes within one level of another word or column, %(fail)s are beyond the limit, %(pass)s within it, %(open)s not decided.",
    "This speaks of what was changed here and of its like; whether other words or columns stand in was not tested.",
)

SYSTEM: Final = (
    "flagged when the %(what)s is at least %(threshold)s",
    "flagged when its score is among the %(count)s highest; equal scores in the order of their ids",
    "flagged when its level is among the %(count)s highest; equal levels in the order of their ids",
    "flagged when the column %(column)s puts it among the first %(count)s",
    "flagged when the column %(column)s says so",
    "flagged when the detector's answer is one of: %(answers)s",
    "flagged when the detector's answer is %(answers)s",
    "flagged when the detector says so",
    "The detector is given the column that names the cases.",
    "The digest covers the module's own file, not what it imports or reads.",
    "The numerical libraries that the function uses were limited to one thread.",
    "Loading a pickled model runs whatever code stands in its file. It was loaded in a process of its own.",
    "The digest covers the file of the model, not the modules that it uses.",
    "The model was run on one thread, so that the same batch always gives the same scores.",
    "The features of every case were sent to the service, over the network.",
    "The detector ran in this process, with network.",
    "The detector ran %(where)s, %(network)s.",
    "The detector ran %(where)s, %(network)s, with at most %(memory)s MiB of memory.",
)

PHRASES: Final = (
    "design weights",
    "clusters",
    "design weights and clusters",
    "victims missed",
    "people wrongly flagged",
    "score",
    "level",
    "nationality column",
    "in a bubblewrap sandbox, with read-only files",
    "in a process of its own",
    "without network",
    "with network",
    "with network, because this system does not let it be shut off",
)
"""What stands in the places of a sentence, where it is no number and nobody else's word."""

SENTENCES: Final = (*NOTICES, *SAFEGUARDS, *SYSTEM)
