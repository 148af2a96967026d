"""Sentences that a result holds: one table by key, in English, with names where values stand.

A notice, a safeguard or a decision rule keeps the keys and values of its sentences beside their English text. A report
writes them in its own language from these; a result without them is shown as its English text. The forms are messages
of the catalogs (`reports/locale`): after a change run `python -m tools.catalogs update`.
"""

# ruff: noqa: E501 - a sentence a line

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from audit.vocabulary.groups import Part
from audit.vocabulary.numbers import percent
from audit.vocabulary.text import count_of


class Counted(Part):
    """A number of things."""

    count: int
    """How many."""
    noun: str
    """What they are: a key of `NOUNS`."""


class Share(Part):
    """A share, and how it is rounded for a reader."""

    share: float
    """Not rounded."""
    written: str
    """In English per cent, for example `<1%` or `79.5%`."""


class Word(Part):
    """A word that catalogs may know: one of `WORDS`, a slot of a probe, the name of a feature."""

    word: str
    """In English, or as the plan has it."""


Value = int | str | Counted | Share | Word
"""What stands in a place of a sentence: a count, the words of others, or one of the parts above."""


class Sentence(Part):
    """A sentence of `SENTENCES` with its values."""

    key: str
    """Its key in the table."""
    values: dict[str, Value]
    """What stands in its places, by name. Text is the words of others."""


def sentence(key: str, **values: Value) -> Sentence:
    """A sentence of the table."""
    return Sentence(key=key, values=values)


def counted(count: int, noun: str) -> Counted:
    """So many of a noun of `NOUNS`."""
    return Counted(count=count, noun=noun)


def share(value: float, written: Callable[[float], str] = percent) -> Share:
    """A share with its rounding: to whole per cent unless `written` rounds otherwise."""
    return Share(share=value, written=written(value))


def english(sentences: Iterable[Sentence]) -> str:
    """The English text of sentences, one after another. Raises KeyError for an unknown key or a value that lacks."""
    return " ".join(
        SENTENCES[one.key] % {name: _english(value, one.key in _PLAIN) for name, value in one.values.items()}
        for one in sentences
    )


def _english(value: Value, plain: bool) -> str:
    if isinstance(value, int):
        return str(value) if plain else f"{value:,}"
    if isinstance(value, Counted):
        return count_of(value.count, value.noun, NOUNS[value.noun])
    if isinstance(value, Share):
        return value.written
    return value.word if isinstance(value, Word) else value


SENTENCES: Final[Mapping[str, str]] = {
    # notices
    "restricted": "Restricted, not for publication: the counts are exact and can single out people.",
    "labels_not_truth": "Labels are not truth. These come from: %(source)s. A bias in how they were made can hide a disparity of the detector or look like one.",
    "rows_as_they_are": "Rates, disparities and verdicts take %(ground)s into account. Scores, like with like, amplification, the random sample and the subgroup search take each row once, and most of them as independent.",
    "no_limit_on_harm": "No rule of this plan limits %(harm)s, the primary harm of this audit (flags go to %(route)s). The verdict says nothing about it.",
    "pickled": "A pickled model was executed: its file can hold any program, and whoever ran this audit let it run. What such a program does beside scoring is not seen here.",
    "columns_given": "The detector is given: %(columns)s.",
    "added_over": "Columns of the table of counts that the plan does not name: %(columns)s. Rows of one group that differ there were added up, and no verdict is by these columns.",
    "hidden_numbers": "The table of counts hides numbers: up to %(hidden)s of %(read)s cases. Verdicts hold whatever these are. A rate is stated where that moves it by at most one point; that of everyone else is taken in the middle. Wherever this report speaks of cases without a decision, these are meant.",
    "unscored": "%(unscored)s of %(read)s rows were not scored (%(abstained)s abstained, %(failed)s without a usable answer). Rates are over the others; verdicts hold whatever these would have been.",
    "beyond_capacity": "Within a capacity one of them could also have displaced another case, and that is not bounded.",
    "unlabelled": "%(unlabelled)s of %(read)s rows have no label (%(share)s). They are in the share flagged and in no other rate.",
    "unlabelled_groups": "In some groups far more rows than elsewhere have no label: %(groups)s. Their rates are about the rows that have one.",
    "unknown_feature": "%(feature)s is unknown for %(unknown)s of %(total)s rows (%(share)s). They are shown as a group of their own; what holds for the others need not hold for them.",
    "several_first": "%(feature)s: %(cases)s several in one cell, counted under the first that is written; the others are not looked at.",
    "several_together": "%(feature)s: %(cases)s several in one cell, counted under all of them together, and a group passes only if it would pass whichever of them belonged to it.",
    "several_standing": "%(feature)s: %(cases)s several in one cell, counted as nationals where any of them is that of the country of exploitation.",
    "far_from_plan": "Group sizes for rule %(rule)s were planned for a rate of %(planned)s; measured overall was %(measured)s. Set expected_rate before the next audit.",
    "selected_by_decision": "The set was put together by the decision: of the cases drawn at random and of the others, nearly all of one part were flagged and nearly nobody of the other. Its rates hold for the cases of the set and not for people at large. Name in [evaluation_set] what its cases stand for: weight, or stratum with stratum_sizes.",
    "known_in_full": "Known in full, with everyone they are compared with: %(groups)s. Everybody in such a group is in the set: the figure is what happened to these people, and says nothing of the next.",
    "near_threshold": "%(rows)s rows have a score at the threshold or within 1e-6 of it. The smallest change of a score or of the threshold decides them.",
    "ties_at_capacity": "%(rows)s rows share the lowest flagged score; which of them are flagged was decided by the order of their ids.",
    "after_scoring": "Rule %(rule)s: which groups are large enough depends on how many were flagged, so it was known only after scoring.",
    "one_held_back": "Rule %(rule)s: 1 group that would pass by the records cannot, because people whose group is unknown may belong there.",
    "held_back": "Rule %(rule)s: %(groups)s groups that would pass by the records cannot, because people whose group is unknown may belong there.",
    "one_supposed_unsaid": "Rule %(rule)s: 1 group passes only because something is supposed of people whose group was not recorded: that a group has at most twice its share of them, and that an error is at most twice as likely (as odds) for these as for all of them. If that is wrong, it may be beyond the limit. The plan does not say whether it is right: [sensitivity] unknown_share_factor, unknown_odds_factor, reason.",
    "supposed_unsaid": "Rule %(rule)s: %(groups)s groups pass only because something is supposed of people whose group was not recorded: that a group has at most twice its share of them, and that an error is at most twice as likely (as odds) for these as for all of them. If that is wrong, they may be beyond the limit. The plan does not say whether it is right: [sensitivity] unknown_share_factor, unknown_odds_factor, reason.",
    "missing_share_for_all": "All of them would pass if in no group more than %(share)s of its own cases were unknown. Whoever can vouch for that writes it, with the ground, as [sensitivity] max_missing_share; otherwise it has to be found out who these people are.",
    "no_missing_share_for_all": "No declared share would let all of them pass: a single person could hold one of them back.",
    "crosscheck_skipped": "fairlearn and AIF360 were not asked for the same numbers: nobody but this tool has computed them.",
    "crosscheck_missing": "%(name)s was asked for the same rates and could not answer; nothing here was compared with it.",
    "crosscheck_part": "%(library)s was asked about %(compared)s of %(all)s groups: the finest families first.",
    # evidence of safeguards
    "repeat": "This result holds the plan, the digests of its inputs, every count and the versions used.",
    "no_repeat": "The evaluation set has no digest, so nobody else can know that theirs is the same.",
    "algorithms": "The detector was run in this audit; its inputs and its decision rule are recorded.",
    "answers_supplied": "The detector's answers were supplied; that they are its answers is declared by the operator.",
    "ran_here": "The detector was run here; when the run began and ended is recorded.",
    "answers_supplied_what_it_takes": "Answers were supplied, so what running the detector takes is not known.",
    "no_offline": "The features of every case were sent to a service: that none is needed is not shown.",
    "offline": "The detector was run on the machine of the audit and not as a service; the versions that it ran with are recorded, and whether it could reach a network.",
    "comparable": "This result is of version %(version)s of a published schema.",
    "codes_of_standards": "Nationalities have codes of ISO 3166, and sub-regions and regions those of UN M49.",
    "no_clusters": "The plan does not say which cases belong together, so that groups are judged by single cases.",
    "clusters": "%(verdicts)s on groups take all cases that belong together as one.",
    "not_an_organised_group": "That these are of an organised group is not shown.",
    "missed": "The share of victims found, by group, under %(rules)s.",
    "missed_no_rule": "The share of victims found is listed by group, but no rule limits it.",
    "no_missed": "No group has enough victims for a rate.",
    "false_alarms": "The share of non-victims wrongly flagged is stated for %(groups)s, under %(rules)s.",
    "no_false_alarms": "No group has enough cases for a share wrongly flagged.",
    "gender_no_feature": "No feature of the plan is a gender.",
    "no_gender": "No group by gender has enough victims for a rate.",
    "gender": "The share of victims found is stated for %(groups)s by %(features)s; %(rows)s where it is unknown stand as a group of their own.",
    "children_not_named": "The plan does not say which levels are children (children of an age band), so that they are in no group.",
    "no_children": "No group of children has enough victims for a rate.",
    "children": "The share of victims found is stated for %(groups)s of children; of these %(both)s are also by gender.",
    "present_not_named": "Neither a gender nor children are a group of this plan.",
    "no_present": "Neither women nor children are in the set, as far as the plan names them.",
    "present": "In the set: %(rows)s of women, %(children)s of children, as far as the plan names them.",
    "forced_criminality_not_named": "The plan does not say which groups are forced criminality, so that its victims are not seen apart.",
    "no_forced_criminality": "No group of forced criminality has enough victims for a rate.",
    "forced_criminality": "The share of victims found is stated for %(groups)s of forced criminality.",
    "legal_status_not_named": "The plan does not say which groups are by legal status.",
    "drift_not_named": "The plan does not say which groups are periods, languages or sites.",
    "no_rates_by": "No group by %(features)s has enough victims for a rate.",
    "rates_by": "The share of victims found is stated for %(groups)s by %(features)s.",
    "forms_not_named": "The plan does not say which feature is the form of exploitation.",
    "no_forms": "No form of exploitation has enough victims for a rate.",
    "forms": "The share of victims found is stated for %(groups)s by form of exploitation; of %(open)s more there are too few victims.",
    "no_forms_compared": "No gap could be compared among cases of the same form of exploitation.",
    "forms_compared": "Gaps were compared among cases of the same %(controls)s; rates by form of exploitation are not stated.",
    "nationalities_no_feature": "No feature of the plan is a nationality.",
    "no_nationalities": "No group by nationality could be judged.",
    "nationalities": "%(verdicts)s on groups by nationality that the data decide.",
    "no_selection": "No group has enough cases for a share flagged.",
    "selection": "The share flagged is stated for %(groups)s.",
    "ratios": "Ratios of shares flagged are stated for %(groups)s; %(out)s are left out, each with its reason.",
    "no_ratios": "No such ratio of shares flagged can be stated.",
    "no_ratios_unknown": "Cases of unknown gender or nationality are not counted.",
    "ratios_unknown": "%(cases)s of unknown gender or nationality are counted, in %(groups)s.",
    "limits": "%(rules)s; %(verdicts)s on groups that the data decide.",
    "no_limits": "Limits were set in the plan, and the data decide on no group.",
    "inequality": "Differences and ratios with intervals for every group; %(rules)s.",
    "nobody_judged": "No group could be judged.",
    "facilitate": "Flags against labels, for %(groups)s: the gap is added to or turned round for %(adds)s, repeated for %(repeats)s, narrowed for %(removes)s; the cases do not say for %(open)s.",
    "no_facilitate": "Flags were not compared with labels.",
    "not_without_features": "What it would do without gender and nationality was not tested.",
    "perpetuate": "Labels are compared by %(feature)s with a table from elsewhere (%(source)s), which is no truth either.",
    "no_perpetuate": "Labels are compared with nothing from outside the set.",
    "forms_outside": "The forms in the set are compared with a table from elsewhere (%(source)s), which is no truth either.",
    "no_forms_outside": "The forms in the set are compared with nothing from outside.",
    "like_cases": "Gaps among cases of the same %(controls)s, beside those among all: %(vanishes)s vanish, %(appears)s appear, %(reverses)s turn round, %(stays)s stay; of %(open)s it cannot be told.",
    "no_like_cases": "The plan declares no control features, so like cases were not compared.",
    "weighed": "What errors cost is stated for %(groups)s, at costs that the plan weighs.",
    "no_weighed": "The plan weighs no cost of an error against another, or no cost can be stated.",
    "above_chance": "%(right)s of flags are right; %(chance)s of flags at random would be.",
    "no_above_chance": "Nobody was flagged or labelled, so that flags cannot be set beside chance.",
    "at_work": "At the base rate where it works, %(right)s of flags are right.",
    "no_at_work": "The base rate where the detector works is not in the plan, or the cases do not say.",
    "calibration": "Scores are set against labels for %(groups)s.",
    "no_calibration": "Whether scores mean the same for everyone is not shown.",
    "unnamed_groups": "Subgroups that nobody named were searched for.",
    "no_unnamed_groups": "Subgroups that nobody named were not searched for.",
    "doubts": "What would overturn a verdict is stated under %(rules)s.",
    "no_doubts": "How easily verdicts would change is not shown.",
    "nationality_supplied": "Answers were supplied: whether nationality entered them is not known.",
    "nationality_given": "The detector is given the nationality of the person; its effect was not tested.",
    "nationality_withheld": "The nationality column was withheld; whether other columns stand in for it was not tested.",
    "word_changed": "When only the %(slot)s was changed, %(flipped)s of %(decisions)s changed (%(levels)s, %(scored)s); the widest mean shift of the score is %(shift)s of its range.",
    "word_changed_widest": "When only the %(slot)s was changed, %(flipped)s of %(decisions)s changed (%(levels)s, %(scored)s); the widest mean shift of the score is %(shift)s of its range (“%(name)s”: %(flips)s of %(pairs)s changed).",
    "changes_judged": "Under rule %(rule)s, %(fail)s of these changes are beyond the limit, %(pass)s within it, %(open)s not decided.",
    "changes_within_judged": "Of the same changes within one level of another word or column, %(fail)s are beyond the limit, %(pass)s within it, %(open)s not decided.",
    "other_words": "This speaks of what was changed here and of its like; whether other words or columns stand in was not tested.",
    "religion": "When only the religion column was changed, %(flipped)s of %(decisions)s changed.",
    "no_religion": "Religion was changed in no text and no row.",
    "no_swaps": "No text or row was scored with one word or one column changed.",
    "swaps": "When one word or one column was changed, and nothing else, %(flipped)s of %(decisions)s changed.",
    "swaps_no_rule": "No rule limits it.",
    "swaps_judged": "Under the rules on it, %(fail)s of these changes are beyond the limit, %(pass)s within it, %(open)s not decided.",
    "owner": "The plan names an owner: %(owner)s.",
    "office": "The office that answers for the system: “%(words)s”.",
    "role": "The role that answers for the system: “%(words)s”.",
    "no_stop": "Who can stop the system is not shown.",
    "stop": "The operator declares who can stop the system: “%(words)s”.",
    "reviewed": "The operator declares that people reviewed %(share)s of flags.",
    "not_followed": "Of reviewed flags, the operator declares, %(share)s were not followed.",
    "no_review": "Review and override of flags are not shown.",
    "review_period": "The time that this is about: “%(words)s”.",
    "not_by_group": "By group it is not shown.",
    "no_expiry": "No day is declared after which this audit should not be relied on.",
    "expiry": "The operator declares that it may be relied on until %(day)s.",
    "no_limits_before": "When the limits were set is not shown.",
    "limits_registered": "What is asked was written into a history of audits before the cases were scored, as another key than the auditor’s signed.",
    "limits_before": "The operator declares on which day the limits were set.",
    "no_patterns": "No pattern was named in advance.",
    "patterns": "The operator named %(patterns)s in advance: “%(words)s”.",
    "patterns_no_rule": "No rule of this plan is about any of them.",
    "patterns_judged": "Limits of this plan on them: %(fail)s not met, %(pass)s met, %(open)s not decided.",
    "no_previous": "This audit was not compared with an earlier one.",
    "previous_fail": "This audit was compared with the one that ended on %(day)s: the system became worse for at least one group by more than the limit set for that.",
    "previous_pass": "This audit was compared with the one that ended on %(day)s: for no group that could be judged the system became worse by the limit set for that.",
    "previous_inconclusive": "This audit was compared with the one that ended on %(day)s: whether the system became worse for a group cannot be told.",
    "previous_named": "The operator names an audit before this one: “%(words)s”. The two were not compared.",
    "no_group_data": "Why features of people were processed, and when they are deleted, is not shown.",
    "group_data": "The operator declares why features of people were processed: “%(words)s”.",
    "no_consulted": "Who was consulted is not shown.",
    "consulted": "The operator names who was consulted: “%(words)s”.",
    "no_appeal": "How a person contests a flag is not shown.",
    "appeal": "The operator declares how a person contests a flag: “%(words)s”.",
    "no_contact": "No contact is declared.",
    "contact": "The operator names a contact: “%(words)s”.",
    "no_baseline": "What is done without the system is not shown.",
    "baseline": "The operator declares what is done without the system: “%(words)s”. It was not run here.",
    "route": "The plan says that flags go to %(route)s.",
    "downstream": "The operator declares what follows from a flag: “%(words)s”.",
    "downstream_not_measured": "What becomes of people there was not measured.",
    "labels": "Labels come from: %(source)s.",
    "labels_sources": "Whether several sources agree was not measured.",
    "no_auditor": "The plan does not say who carried out the audit.",
    "auditor": "The plan names who carried out the audit: %(name)s.",
    "auditor_independent": "That they are independent is not shown.",
    "no_summary": "This result is restricted; a summary for the public is a file of its own.",
    "no_indicators": "Single signs and indicators were not tested.",
    # how the detector decides, and how it ran
    "threshold": "flagged when the %(what)s is at least %(threshold)s",
    "top_k_scores": "flagged when its score is among the %(count)s highest; equal scores in the order of their ids",
    "top_k_levels": "flagged when its level is among the %(count)s highest; equal levels in the order of their ids",
    "rank_says": "flagged when the column %(column)s puts it among the first %(count)s",
    "column_says": "flagged when the column %(column)s says so",
    "one_of_classes": "flagged when the detector's answer is one of: %(answers)s",
    "class_says": "flagged when the detector's answer is %(answers)s",
    "detector_says": "flagged when the detector says so",
    "id_given": "The detector is given the column that names the cases.",
    "own_file_digested": "The digest covers the module's own file, not what it imports or reads.",
    "one_thread_libraries": "The numerical libraries that the function uses were limited to one thread.",
    "pickle_loaded": "Loading a pickled model runs whatever code stands in its file. It was loaded in a process of its own.",
    "model_file_digested": "The digest covers the file of the model, not the modules that it uses.",
    "one_thread_model": "The model was run on one thread, so that the same batch always gives the same scores.",
    "sent_over_network": "The features of every case were sent to the service, over the network.",
    "ran_in_process": "The detector ran in this process, with network.",
    "ran_apart": "The detector ran %(where)s, %(network)s.",
    "ran_within_memory": "The detector ran %(where)s, %(network)s, with at most %(memory)s MiB of memory.",
}
"""Every sentence by its key."""

_PLAIN: Final = frozenset(
    {"unscored", "unlabelled", "unknown_feature", "near_threshold", "ties_at_capacity", "held_back", "facilitate"}
    | {"like_cases", "changes_judged", "changes_within_judged", "swaps_judged", "patterns_judged", "comparable"}
    | {"threshold", "top_k_scores", "top_k_levels", "rank_says"}
)
"""Sentences whose English text sets no thousands apart."""

SLOT_WORDS: Final[Mapping[str, str]] = {
    "demonym": "nationality word",
    "country": "country",
    "gender": "word for gender",
    "name": "given name",
    "language": "language",
}
"""Words for the slots of a text in reports."""

NOUNS: Final[Mapping[str, str]] = {
    "rule": "rules",
    "verdict": "verdicts",
    "group": "groups",
    "decision": "decisions",
    "level": "levels",
    "text": "texts",
    "row": "rows",
    "cluster": "clusters",
    "case": "cases",
    "case has": "cases have",
    "pattern": "patterns",
}
"""What is counted in a sentence: one of it, and several."""

WORDS: Final = (
    "design weights",
    "strata",
    "clusters",
    "design weights and clusters",
    "victims missed",
    "people wrongly flagged",
    "score",
    "level",
    "nationality column",
    "services",
    "enforcement",
    "services and enforcement",
    "in a bubblewrap sandbox, with read-only files",
    "in a process of its own",
    "in a process of its own, from which the names and arguments of other programs can be seen",
    "without network",
    "with network",
    "with network, because this system does not let it be shut off",
)
"""What stands in the places of a sentence, where it is no number and nobody else's word."""
