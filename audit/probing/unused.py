"""What of an operator's own words and texts a probe does not use, and why: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from audit.plan.probes import TextProbe
from audit.probing.templates import Template, Templates
from audit.probing.words import GENDERS_OF_NAMES, Words
from audit.vocabulary.text import shown

__all__ = ["unused_texts", "unused_words"]

_NAMED: Final = 6


def unused_words(probe: TextProbe, words: Words) -> Iterator[str]:
    """One sentence for each slot and reason."""
    for slot, levels in words.own.items():
        reasons: dict[str, list[str]] = {}
        for level in levels:
            reason = _why_not(probe, words, slot, level)
            if reason:
                reasons.setdefault(reason, []).append(level)
        for reason, those in reasons.items():
            yield f"{slot} {_listed(those)}: {reason}"


def _why_not(probe: TextProbe, words: Words, slot: str, level: str) -> str:
    """Why a level is not used, or not wholly; empty where it is."""
    if slot not in probe.slots:
        return "the probe does not change this slot"
    asked = {of: named for of, named in probe.levels.items() if of == slot}
    anchors = {anchor for of, anchor in probe.anchor.items() if of == slot}
    if any(level not in (*named, *anchors) for named in asked.values()):
        return "not among the levels that the plan names"
    if slot == "name":
        longest = max(len(words.given_names[level][gender]) for gender in GENDERS_OF_NAMES)
        return f"only the first {probe.names} names, as `names` says" if longest > probe.names else ""
    lacking = [language for language in probe.languages if language not in words.forms[slot][level]]
    return f"no words in {', '.join(lacking)}" if lacking else ""


def unused_texts(
    probe: TextProbe, templates: Templates, paired: Collection[int], used: Sequence[Template]
) -> Iterator[str]:
    """The texts of a file of one's own that no change is seen in. `paired` are places in `used`."""
    if templates.sha256 is None:
        return
    languages = ", ".join(probe.languages)
    others = {template.id for template in used}
    without = [template.id for template in templates.templates if template.id not in others]
    if without:
        yield f"text {_listed(without)}: not in {languages}"
    still = [template.id for place, template in enumerate(used) if place not in paired]
    if still:
        yield f"text {_listed(still)}: nothing in it is changed in {languages}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(shown(name) for name in names[:_NAMED]) + more
