"""Page that reconciles this project's metrics with those of fairlearn and AIF360."""

from __future__ import annotations

from typing import get_args

from audit.analyses.crosscheck.agreement import CONVENTIONS
from tools.metric_dictionary import ENTRIES, Section

_HEAD = """\
<!-- Generated from the code by `make reference`. Do not edit by hand. -->

# Metrics in fairlearn and AIF360

The same number has different names in the three, and the same name different meanings. Every line of this page is
computed in all three by a test, with fairlearn 0.15.0 on scikit-learn and AIF360 0.6.1.

Every `audit7k run` computes its headline numbers in both libraries: the rates of the rules, the shares found, wrongly
flagged and flagged, for every group of the rules and everyone, and their differences from the rest and ratios to it
(fairlearn: of the first 250 groups). It does so from the counts as weighted rows; for sets under a million rows, for
everyone and every level of the rules' single features, from the single cases as well. Agreement means to 1e-9. Where a
library differs in any other way than by the conventions below, no verdict is given: the run ends with exit code 4.
`gate` does not compare; `run --no-crosscheck` does not either, and the result says so.

In AIF360 the group is the unprivileged group and everyone else the privileged one.
"""

_CONVENTIONS = """\
## Numbers that are stated without a denominator

A number of this list, and no other, may be stated by a library where this project states none. The result counts them.

| Library | Name | What it does |
|---|---|---|
"""


def dictionary_page() -> str:
    """docs/reference/metric-dictionary.md."""
    parts = [_HEAD]
    for section in get_args(Section):
        parts.append(f"## {section}\n\n| Here | fairlearn | AIF360 | Same and different |\n|---|---|---|---|")
        parts += [
            f"| {entry.ours} | {entry.fairlearn} | {entry.aif360} | {entry.reconciled} |"
            for entry in ENTRIES
            if entry.section == section
        ]
        parts.append("")
    rows = [f"| {library} | `{code}` | {stated.words} |" for (library, code), stated in CONVENTIONS.items()]
    return "\n".join(parts) + "\n" + _CONVENTIONS + "\n".join(rows) + "\n"
