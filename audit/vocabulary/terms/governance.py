"""Terms of what stands beside the numbers: evidence and its states, oversight, expiry, and a form from employment."""

from __future__ import annotations

from typing import Final

from audit.vocabulary.terms.term import Term

GOVERNANCE: Final = (
    Term(
        "measured, declared, not shown",
        "The three states of evidence. Measured: numbers of this audit speak to the question, whatever they say. "
        "Declared: the operator says so, and nothing here checks it. Not shown: neither.",
        "A question can be measured and the answer be bad: the state is about the evidence, not about the system.",
        "None of the three is a pass, and “not shown” least of all.",
        "how-to/governance.md",
        ("safeguards matrix", "safeguard", "measured", "declared", "not shown", "state of evidence"),
    ),
    Term(
        "evidence relevant to",
        "How this audit speaks of laws and standards: some of its evidence bears on what a provision asks for. It is "
        "present, partial or absent; in public also “not shown here”, where the restricted report has some, or may.",
        "“Present” means that the evidence is there, whatever it shows.",
        "It does not say that a law applies to the system, or that it is kept. That is for a lawyer to say.",
        "how-to/governance.md",
        ("present, partial, absent", "not shown here", "laws and standards", "frameworks"),
    ),
    Term(
        "impact ratio",
        "The share flagged in a group, divided by the highest share flagged in any group that is compared. The form is "
        "that of New York City's Local Law 144, which is about tools that help to choose whom to hire.",
        "0.80 means four flags where the group flagged most has five, among as many people.",
        "Groups whose true rates differ should be flagged at different rates; no verdict rests on it.",
        "how-to/governance.md",
        (
            "adverse impact ratio",
            "disparate impact",
            "four-fifths",
            "four-fifths rule",
            "80% rule",
            "ll144",
            "local law 144",
            "selection ratio",
        ),
    ),
    Term(
        "override rate",
        "Of the flags that a person reviewed, the share that was not followed. The operator declares it; an audit on a "
        "test set sees no reviews.",
        "One near zero can mean that flags are right, or that nobody dares to say no.",
        "It does not say which groups of people it falls on.",
        "how-to/governance.md",
        ("review rate", "override", "human review", "oversight"),
    ),
    Term(
        "valid until",
        "The last day on which the operator says that an audit may be relied on. Systems, languages and traffickers "
        "change; an audit does not.",
        "After that day another audit is due. An audit that ended after it says so on its first screen.",
        "A day in the future does not say that nothing has changed since.",
        "how-to/governance.md",
        ("expiry", "expired", "past its expiry", "date of expiry"),
    ),
)
