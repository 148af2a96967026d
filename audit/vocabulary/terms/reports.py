"""Words that every report uses, and its glossary says in the same words."""

from __future__ import annotations

from typing import Final

from audit.vocabulary.terms.term import Term

REPORTS: Final = (
    Term(
        "limit",
        "How much worse off than everyone else a group may be before the audit fails. Set in the plan.",
        "“At most 10 percentage points below everyone else”: 72% where everyone else has 80% is within it.",
        "Where it lies is a choice of whoever set it. It does not say that a gap within it does no harm.",
        "how-to/limits.md",
        ("margin", "tolerance", "beyond the limit", "within the limit"),
    ),
    Term(
        "disparity",
        "The difference, or the ratio, between the rate of a group and that of everyone else. Equal opportunity "
        "compares the share of victims found, equalized odds this and the share of others who are wrongly flagged, "
        "demographic parity the share flagged, and predictive parity the share of flags that are right.",
        "A plan has a rule for each rate that it compares; equalized odds is two rules.",
        "It does not say why the rates differ, and no single rate stands for all of them.",
        "reference/glossary.md",
        ("disparities", "gap", "equalized odds", "equalised odds", "average odds"),
    ),
    Term(
        "clearly",
        "Beyond the limit by more than chance explains, also after correction for having looked at many groups.",
        "Where it is not said, a group may still be beyond the limit: its cases do not show it, or too few do.",
        "It does not say how far beyond the limit a group is, nor why.",
        "statistics.md",
    ),
    Term(
        "percentage point",
        "The unit of a difference of shares: from 70% to 60% is ten points.",
        "Shares are compared by taking one from the other, unless the plan sets a ratio.",
        "It is no share of a share: ten points less than 70% is one seventh less.",
        "how-to/limits.md",
        ("percentage points", "point", "points"),
    ),
    Term(
        "protected figures",
        "Numbers that a secret key has changed a little, so that nobody can be found in them. The exact ones are with "
        "the auditor.",
        "Each count was changed by at most 5 unless the file says otherwise, and likely ranges allow for it.",
        "They do not add up exactly: a difference of two of them is no number of people.",
        "disclosure.md",
        ("protected figure", "public figures", "protected table"),
    ),
    Term(
        "restricted report",
        "The report with exact counts and all answers. It is not published; the auditor holds it.",
        "It says on every page that it is restricted, and small counts in it can single out people.",
        "It has no verdict of its own: the public report says the same one, from the same exact counts.",
        "privacy.md",
        ("restricted", "exact counts"),
    ),
)
