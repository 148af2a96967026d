"""Writes a plan to begin from. What only a person can know says "write here", and such a plan is not read."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.plan import GENDERS, PLAN_SCHEMA, Route, Use
from audit.plan_file.unfinished import WRITE_HERE

_MOST_VALUES = 40
"""Values of a gender column that are written out; with more of them the column holds something else."""


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """What is known of an evaluation set before its plan is written; None where it is not known."""

    path: str
    """The file, as it will stand in the plan."""
    columns: Sequence[str] = ()
    """Every column of the file."""
    encoding: str = "utf-8"
    """Encoding of a text file."""
    delimiter: str = ","
    """Delimiter of a CSV file."""
    id: str | None = None
    """Column of ids."""
    label: str | None = None
    """Column of labels."""
    label_values: Sequence[str] = ()
    """Its values."""
    label_positive: Sequence[str] = ()
    """Those that mean exploitation, if known."""
    label_negative: Sequence[str] = ()
    """Those that mean none, if known."""
    score: str | None = None
    """Column of scores."""
    gender: str | None = None
    """Column of gender."""
    gender_values: Mapping[str, int] = field(default_factory=dict)
    """Its values, with the number of rows of each."""
    nationality: str | None = None
    """Column of nationality."""


def draft_plan(draft: PlanDraft) -> str:
    """The text of a plan with comments, to be completed wherever it says "write here"."""
    parts = (
        _head(draft),
        _audit(),
        _detector(draft),
        _evaluation_set(draft),
        *_groups(draft),
        _rules(draft),
        _verdict(),
    )
    return "\n".join(parts)


def _head(draft: PlanDraft) -> str:
    columns = "".join(f"#   {_comment(column)}\n" for column in draft.columns)
    return (
        "# The plan of an audit, begun by `audit7k init`. Nothing is judged yet and nothing was decided for you.\n"
        f'# Complete every line that says "{WRITE_HERE}", then see what could be judged: audit7k check\n'
        + (f"# Columns of the file:\n{columns}" if columns else "")
        + f"schema = {PLAN_SCHEMA}\n"
    )


def _audit() -> str:
    return f"""[audit]
title = "{WRITE_HERE}: the system under audit and its version"
owner = "{WRITE_HERE}: who answers for the system"
use = "{WRITE_HERE}: {_choices(Use)}"
# Where a flag leads decides which error is the primary harm: a missed case, or a person wrongly flagged.
route = "{WRITE_HERE}: {_choices(Route)}"
limits_set_by = "{WRITE_HERE}: who set the limits below, and on what ground"
"""


def _detector(draft: PlanDraft) -> str:
    others = """# A model that is run instead: kind = "skops" (path, features) or kind = "python" (entry, features).
"""
    if draft.score is None:
        return f"""[detector]
{others}# Answers that are there already: kind = "predictions" with score = "<column>", or decision = "<column>".
kind = "{WRITE_HERE}: predictions, python or skops"
"""
    return f"""[detector]
{others}kind = "predictions"
score = {_text(draft.score)}
threshold = "{WRITE_HERE}: a case is flagged when its score is at least this number (or use top_k, a capacity)"
"""


def _evaluation_set(draft: PlanDraft) -> str:
    lines = ["[evaluation_set]", f"path = {_text(draft.path)}"]
    if draft.encoding.lower() not in {"utf-8", "utf8"}:
        lines.append(f"encoding = {_text(draft.encoding)}")
    if draft.delimiter != ",":
        lines.append(f"delimiter = {_text(draft.delimiter)}")
    lines.append(f"id = {_column(draft.id, 'the column that names each case once')}")
    lines.append(f"label = {_column(draft.label, 'the column that says whether a case is one of exploitation')}")
    if draft.label_values:
        lines.append(f"# Values of the label: {', '.join(_comment(value) for value in draft.label_values)}")
    for key, values, meaning in (
        ("label_positive", draft.label_positive, "the values that mean exploitation"),
        ("label_negative", draft.label_negative, "the values that mean none"),
    ):
        if values:
            lines.append(f"{key} = [{', '.join(_text(value) for value in values)}]")
        elif draft.label_values:
            lines.append(f'{key} = ["{WRITE_HERE}: {meaning}"]')
    lines.append(f'label_source = "{WRITE_HERE}: who labelled the cases, and how"')
    return "\n".join(lines) + "\n"


def _groups(draft: PlanDraft) -> list[str]:
    parts = []
    if draft.gender is not None or draft.nationality is None:
        parts.append(_gender(draft))
    if draft.nationality is not None or draft.gender is None:
        column = _column(draft.nationality, "the column that holds the nationality")
        parts.append(
            f"[groups.nationality]\ncolumn = {column}\n"
            "# A nationality with too few cases to pass alone is judged as part of a larger group:\n"
            'ladder = ["country", "m49-subregion", "m49-region"]\n'
        )
    return parts


def _gender(draft: PlanDraft) -> str:
    lines = ["[groups.gender]", f"column = {_column(draft.gender, 'the column that holds the gender')}"]
    unread = {value: rows for value, rows in draft.gender_values.items() if value.strip().casefold() not in GENDERS}
    if unread:
        lines += [
            "# What each value means is not guessed. Take the # away and write one of: " + ", ".join(GENDERS),
            "[groups.gender.map]",
            *(
                f'# {_text(value)} = "{WRITE_HERE}"  # {rows:,} rows'
                for value, rows in list(unread.items())[:_MOST_VALUES]
            ),
        ]
        if len(unread) > _MOST_VALUES:
            lines.append(f"# ... and {len(unread) - _MOST_VALUES:,} more values: is it the right column?")
    return "\n".join(lines) + "\n"


def _rules(draft: PlanDraft) -> str:
    features = ["gender"] if draft.gender is not None or draft.nationality is None else []
    features += ["nationality"] if draft.nationality is not None or draft.gender is None else []
    groups = ", ".join(_text(feature) for feature in features)
    both = f", [{groups}]" if len(features) > 1 else ""
    return f"""# The limits: how much worse off than the rest a group may be. Examples: set your own and say why.
[[rules]]
metric = "true_positive_rate"  # the share of victims found
groups = [{groups}{both}]
margin = 0.10  # at most ten percentage points below the rest

[[rules]]
metric = "false_positive_rate"  # the share of others wrongly flagged
groups = [{groups}]
margin = 0.05  # at most five percentage points above the rest
"""


def _verdict() -> str:
    return """[verdict]
alpha = 0.05  # the largest chance of any false FAIL over the whole audit
min_coverage = 0.80  # the share of people who must be in groups that could be judged, for a pass
"""


def _column(name: str | None, meaning: str) -> str:
    return f'"{WRITE_HERE}: {meaning}"' if name is None else _text(name)


def _choices(literal: object) -> str:
    words = [str(word) for word in typing.get_args(literal)]
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _text(value: str) -> str:
    """`value` as a basic string of TOML."""
    safe = (character if _is_plain(character) else f"\\U{ord(character):08X}" for character in value)
    return '"' + "".join(safe) + '"'


def _is_plain(character: str) -> bool:
    return character.isprintable() and character not in '"\\'


def _comment(value: str) -> str:
    """`value` in quotes, fit to stand in a comment."""
    return _text(value if len(value) <= 60 else value[:59] + "…")
