"""Terms of counterfactual probes."""

from __future__ import annotations

from typing import Final

from audit.vocabulary.terms.term import Term

PROBES: Final = (
    Term(
        "counterfactual probe",
        "Texts, or rows, that differ in one place only: the nationality word, the country, the word for gender, a "
        "given name, the language, or one column. The detector scores all of them; scores and decisions are compared.",
        "“5 of 100 decisions changed” means that in five of a hundred pairs the changed word alone decided.",
        "It speaks of these texts and of texts like them. Other words can stand in for the one that was changed.",
        "how-to/probes.md",
        ("counterfactual", "swap", "swaps", "swap test", "invariance test", "probe"),
    ),
    Term(
        "anchor",
        "What a changed text is compared with: by default the neutral form, which names no nationality and no country "
        "and says “person” and “they”. A plan can name a level instead.",
        "Every shift is a distance from the anchor, so two levels can be compared by their shifts.",
        "Naming any nationality at all makes a text longer. Where all levels shift alike, that may be why; name one of "
        "them as the anchor to see.",
        "how-to/probes.md",
        ("neutral form",),
    ),
    Term(
        "mean shift",
        "How far the score moves when one word is changed, on average over templates, as a share of the score's range. "
        "Each template counts once, whatever number of texts it has. A rule calls it `counterfactual_shift`.",
        "+5 points: with the changed word the score is higher by a twentieth of its range.",
        "A small mean can hide large shifts up and down; the spread within a text and the changed decisions show them.",
        "how-to/probes.md",
        ("counterfactual_shift", "counterfactual shift", "score shift"),
    ),
)
