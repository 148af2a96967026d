"""Draft of a plan to begin from. A value that only a person knows says "write here"; such a plan is not run."""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from audit.plan.audit_plan import PLAN_SCHEMA, Route, Use
from audit.plan.evaluation_set import SIDES_OF_CELLS
from audit.plan.file.counts_draft import Counted, counts_section, group_section
from audit.plan.file.lines import KeyLines
from audit.plan.file.mistakes import dotted
from audit.plan.file.unfinished import WRITE_HERE, toml_text, unfinished
from audit.plan.sections import GENDERS


@dataclass(frozen=True, slots=True)
class TwoSided:
    """A column with two sides, such as a label: the values for yes, for no, and for neither."""

    column: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    neither: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """Known facts about an evaluation set before its plan is written; None or empty where not known."""

    path: str
    """The file, as it will stand in the plan; empty for a table in memory."""
    columns: tuple[str, ...] = ()
    """Every column of the file."""
    left_out: tuple[str, ...] = ()
    """Columns of lists and the like, which were not looked at."""
    encoding: str = "utf-8"
    """Encoding of a text file."""
    delimiter: str = ","
    """Delimiter of a CSV file."""
    encoding_guessed: bool = False
    """Whether the encoding is a guess that a person must confirm."""
    sheet: str | None = None
    """Sheet of a spreadsheet."""
    id: str | None = None
    """Column of ids."""
    label: TwoSided | None = None
    """Column of labels."""
    score: str | None = None
    """Column of scores."""
    score_in_unit_interval: bool = True
    """Whether all scores lie within [0, 1]."""
    threshold: float | None = None
    """Score from which on a case is flagged."""
    score_as_text: bool = False
    """Whether the scores are no numbers that can be read, for decimal commas or signs of per cent are mixed."""
    score_in_per_cent: bool = False
    """Whether the scores have signs of per cent."""
    decimal: str | None = "."
    """Mark of decimals in the scores."""
    counted: Counted | None = None
    """Columns of counts, where the file is a table of counts."""
    decision: TwoSided | None = None
    """Column of decisions; used where there is no score."""
    gender: str | None = None
    """Column of gender."""
    gender_values: tuple[str, ...] = ()
    """Distinct values of that column."""
    genders: Mapping[str, str] = field(default_factory=dict)
    """What some of them are taken for."""
    nationality: str | None = None
    """Column of nationality."""
    nationality_others: int = 0
    """Number of its values that are not codes of a nationality."""
    nationality_refused: tuple[str, ...] = ()
    """Some of those values."""
    status: TwoSided | None = None
    """Column that says who is a national."""
    numbers: tuple[str, ...] = ()
    """Columns of text that hold numbers."""
    alternatives: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For a column that was taken without asking: other columns that would fit."""

    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For a role that no column stands out for: the columns that could have it."""

    @property
    def known(self) -> tuple[str, ...]:
        """Sensitive features with a known column, or with columns to choose from."""
        known = {"gender": self.gender, "nationality": self.nationality, "status": self.status}
        return tuple(name for name, one in known.items() if one is not None or self.choices.get(name))

    @property
    def others(self) -> dict[str, str]:
        """Features of a table of counts that a person must decide on, by the names they would have, with columns."""
        named: dict[str, str] = {}
        for place, column in enumerate(self.counted.groups if self.counted else (), start=1):
            name = re.sub(r"\W+", "_", column.strip()).strip("_").casefold()
            fits = name.isidentifier() and name not in {"gender", "nationality", "status", *named}
            named[name if fits else f"group_{place}"] = column
        return named

    @property
    def features(self) -> tuple[str, ...]:
        """Sensitive features of the plan; gender and nationality where none is known."""
        return (*self.known, *self.others) or ("gender", "nationality")

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns that the plan neither uses nor asks about."""
        used = {one for one in (self.id, self.score, self.gender, self.nationality, *self.others.values()) if one}
        used |= {one.column for one in (self.label, self.decision, self.status) if one}
        for offered in (*self.alternatives.values(), *self.choices.values()):
            used.update(offered)
        if self.counted:
            used |= {*self.counted.named.values(), *(one for each in self.counted.asked.values() for one in each)}
        return tuple(column for column in (*self.columns, *self.left_out) if column not in used)


def draft_plan(draft: PlanDraft) -> str:
    """Text of a plan with comments, to be completed at each "write here"."""
    groups = {"gender": _gender, "nationality": _nationality, "status": _status}
    cases = (
        [counts_section(draft.counted, _file(draft, "counts"))]
        if draft.counted
        else [_detector(draft), _evaluation_set(draft)]
    )
    parts = [_head(draft), _audit(), *cases]
    parts += [groups[feature](draft) for feature in draft.features if feature not in draft.others]
    parts += [group_section(draft.counted, *other) for other in draft.others.items() if draft.counted]
    return "\n".join((*parts, _rules(draft), _verdict(), _governance()))


def gaps_in(text: str) -> list[str]:
    """Keys of a plan that still say "write here", each with its line, in the order of the file."""
    lines = KeyLines.of(text)
    places = [(lines.line(where) or 0, dotted(where)) for where in unfinished(tomllib.loads(text))]
    return [f"line {line}: {key}" for line, key in sorted(places)]


def _head(draft: PlanDraft) -> str:
    unused = draft.unused
    columns = "".join(
        f"#   {toml_text(column)}{'  (not used)' if column in unused else ''}\n" for column in draft.columns
    )
    return (
        "# The plan of an audit, begun by `audit7k init`. Nothing is judged yet, and the file was only looked at.\n"
        f'# Complete every line that says "{WRITE_HERE}", then see what could be judged with `audit7k check`.\n'
        + (f"# Columns of the file:\n{columns}" if columns else "")
        + (f"# Of lists, and not looked at: {', '.join(map(toml_text, draft.left_out))}\n" if draft.left_out else "")
        + f"schema = {PLAN_SCHEMA}\n"
    )


def _audit() -> str:
    return f"""[audit]
title = "{WRITE_HERE}: the system under audit and its version"
owner = "{WRITE_HERE}: who answers for the system"
use = "{WRITE_HERE}: {_choices(Use)}"
# Where a flag leads decides which error is the primary harm: a missed case, or a person wrongly flagged.
route = "{WRITE_HERE}: {_choices(Route)}"
limits_set_by = "{WRITE_HERE}: who set the limits of the rules below, and on what ground"
"""


def _detector(draft: PlanDraft) -> str:
    lines = ["[detector]"]
    if draft.score is not None or draft.decision is not None:
        lines.append('# Answers that stand in the file. To run a model instead: kind = "skops" or kind = "python".')
        lines.append('kind = "predictions"')
    if draft.score is not None:
        if draft.score_as_text:
            numbers = f"{draft.score}, once its cells are numbers such as 0.45, without percent signs or commas"
            lines.append(f"score = {toml_text(f'{WRITE_HERE}: {numbers}')}")
        else:
            lines.append(f"score = {_taken(draft, draft.score)}")
        if draft.score_in_per_cent and not draft.score_as_text:
            lines.append("score_range = [0, 100]  # its cells are per cent: 45 % is 45")
        elif not draft.score_in_unit_interval:
            lines.append(f'score_range = "{WRITE_HERE}: [lowest, highest] score that the detector can give"')
        unit = ", in per cent such as 50" if draft.score_in_per_cent else ""
        least = f'"{WRITE_HERE}: flagged is a score of at least this number{unit} (or top_k, a capacity)"'
        lines.append(f"threshold = {least if draft.threshold is None else repr(draft.threshold)}")
        if draft.choices.get("decision"):
            lines.append(f"# In place of score and threshold: decision = {toml_text(draft.choices['decision'][0])}")
    elif draft.decision is not None:
        lines.append(f"decision = {_taken(draft, draft.decision.column)}")
        lines += _sides("decision", draft.decision, "flagged", "not flagged")
    elif draft.choices.get("score"):
        lines.append('kind = "predictions"')
        lines.append(f"score = {_column(draft, None, 'score', 'the column with the score of the system under audit')}")
        lines.append(f'threshold = "{WRITE_HERE}: flagged is a score of at least this number (or top_k, a capacity)"')
    else:
        lines.append('# Answers that are there already: kind = "predictions" with score or decision, a column.')
        lines.append('# A model that is run: kind = "skops" (path, features) or kind = "python" (entry, features).')
        lines.append(f'kind = "{WRITE_HERE}: predictions, python, skops or onnx"')
    return "\n".join(lines) + "\n"


def _file(draft: PlanDraft, key: str) -> list[str]:
    lines = [f"{key} = {toml_text(draft.path)}"] if draft.path else []
    if draft.sheet is not None:
        lines.append(f"sheet = {toml_text(draft.sheet)}")
    if draft.encoding_guessed:
        guess = f"{draft.encoding}, if names are spelt rightly when it is read so; it is not utf-8"
        lines.append(f"encoding = {toml_text(f'{WRITE_HERE}: {guess}')}")
    elif draft.encoding.casefold().replace("-", "") != "utf8":
        lines.append(f"encoding = {toml_text(draft.encoding)}")
    if draft.delimiter != ",":
        lines.append('delimiter = "\\t"' if draft.delimiter == "\t" else f"delimiter = {toml_text(draft.delimiter)}")
    return lines


def _evaluation_set(draft: PlanDraft) -> str:
    lines = ["[evaluation_set]", *_file(draft, "path")]
    if draft.decimal == ",":
        lines.append('decimal = ","  # 0,45 is read as 0.45')
    lines.append(f"id = {_column(draft, draft.id, 'id', 'the column that names each case once')}")
    if draft.label is None:
        meaning = "the column that says whether a case is one of exploitation"
        lines.append(f"label = {_column(draft, None, 'label', meaning)}")
        lines.append('# Unless its values are 1 and 0: label_positive = ["..."] and label_negative = ["..."]')
    else:
        lines.append(f"label = {_taken(draft, draft.label.column)}")
        lines += _sides("label", draft.label, "exploitation", "no exploitation")
    lines.append(f'label_source = "{WRITE_HERE}: who labelled the cases, and how"')
    if draft.numbers:
        lines.append(f"# Columns that a model is given as numbers: numbers = {_list(draft.numbers)}")
    return "\n".join(lines) + "\n"


def _sides(key: str, column: TwoSided, yes: str, no: str) -> list[str]:
    """Values of a column with two sides. They are written out even where they are the default, to be checked."""
    of = f"; they are {', '.join(column.neither)}" if column.neither else ""
    lines = [
        f"{key}_{side} = {_list(values) if values else _list([f'{WRITE_HERE}: values that mean {meaning}{of}'])}"
        + (f"  # taken for: {meaning}" if values else "")
        for side, values, meaning in (("positive", column.yes, yes), ("negative", column.no, no))
    ]
    if not (column.yes and column.no):
        return lines
    if column.neither and key == "label":
        lines.append(f"# Other values of the column; if they stand for a missing one: {key}_missing = ")
        lines[-1] += _list(column.neither)
    elif column.neither:
        lines.append(f"# Other values of the column: {_list(column.neither)}")
    return lines


def _gender(draft: PlanDraft) -> str:
    lines = [
        "[groups.gender]",
        f"column = {_column(draft, draft.gender, 'gender', 'the column that holds the gender')}",
    ]
    unread = [value for value in draft.gender_values if value.casefold() not in GENDERS]
    if unread:
        lines.append("# Its values: correct what they were taken for. M is man in one language and woman in another.")
        lines.append("[groups.gender.map]")
        lines += [
            f"{toml_text(value)} = {toml_text(draft.genders.get(value, f'{WRITE_HERE}: {_words(GENDERS)}'))}"
            + (f"  # taken for: {draft.genders[value]}" if value in draft.genders else "")
            for value in unread
        ]
    return "\n".join(lines) + "\n"


def _nationality(draft: PlanDraft) -> str:
    lines = ["[groups.nationality]"]
    if draft.nationality_others:
        one = draft.nationality_others == 1
        some = f", such as {', '.join(map(toml_text, draft.nationality_refused))}" if draft.nationality_refused else ""
        lines.append(f"# {draft.nationality_others:,} of its values {'is' if one else 'are'} not read{some}:")
        lines.append("# `audit7k codes` says why, and writes a map. Until then a run refuses the rows that hold them.")
    meaning = "the column that holds the nationality"
    lines.append(f"column = {_column(draft, draft.nationality, 'nationality', meaning)}")
    lines.append("# A nationality with too few cases to pass alone is judged as part of a larger group:")
    lines.append('ladder = ["country", "m49-subregion", "m49-region"]')
    return "\n".join(lines) + "\n"


def _status(draft: PlanDraft) -> str:
    assert draft.status is not None  # noqa: S101 - it is a feature only then
    lines = ["[groups.status]", f"column = {toml_text(draft.status.column)}", 'coding = "relation"']
    lines += ["# Who is a national, and who is foreign:", "[groups.status.map]"]
    values = (*draft.status.yes, *draft.status.no, *draft.status.neither)
    lines += [f'{toml_text(value)} = "{WRITE_HERE}: national or foreign"' for value in values]
    return "\n".join(lines) + "\n"


def _rules(draft: PlanDraft) -> str:
    groups = [toml_text(feature) for feature in draft.features]
    both = [f"[{', '.join(groups[:2])}]"] if len(groups) > 1 else []
    found = f"""[[rules]]
metric = "true_positive_rate"  # the share of victims found
groups = [{", ".join(groups + both)}]
margin = 0.10  # at most ten percentage points below the rest
"""
    wrong = f"""[[rules]]
metric = "false_positive_rate"  # the share of non-victims wrongly flagged
groups = [{", ".join(groups)}]
margin = 0.05  # at most five percentage points above the rest
"""
    sides = zip((found, wrong), SIDES_OF_CELLS, strict=True)
    counted = draft.counted
    rules = [
        rule for rule, side in sides if counted is None or (counted.named.keys() | counted.asked.keys()) & set(side)
    ]
    head = "# Limits: how much worse off than the rest a group may be. Examples: set your own, say why in `reason`.\n"
    return head + "\n".join(rules)


def _verdict() -> str:
    return """[verdict]
alpha = 0.05  # the largest chance of any false FAIL over the whole audit
min_coverage = 0.80  # the share of people who must be in groups that could be judged, for a pass
"""


def _governance() -> str:
    return """# What the operator declares beside the numbers. It is optional, changes no verdict, and is shown as
# declared. Roles, and no names. "Declare oversight, appeal and expiry" in the documentation says more.
# [governance]
# oversight = "Who can stop the system, on what ground, and how fast"
# appeal = "How a person contests a flag, and who decides on it"
# contact = "Where a reader writes about errors: an address of an office"
# limits_set_on = "2026-06-03"  # the day on which the limits above were fixed
# valid_until = "2027-11-24"  # the last day on which the report may be relied on
"""


def _column(draft: PlanDraft, name: str | None, role: str, meaning: str) -> str:
    if name is not None:
        return _taken(draft, name)
    offered = draft.choices.get(role, ())
    return toml_text(f"{WRITE_HERE}: {meaning}" + (f"; it could be {' or '.join(offered)}" if offered else ""))


def _taken(draft: PlanDraft, name: str) -> str:
    others = draft.alternatives.get(name, ())
    return (
        f"{toml_text(name)}  # or is it: {', '.join(toml_text(other) for other in others)}?"
        if others
        else toml_text(name)
    )


def _choices(literal: object) -> str:
    return _words([str(word) for word in typing.get_args(literal)])


def _words(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(toml_text(value) for value in values)}]"
