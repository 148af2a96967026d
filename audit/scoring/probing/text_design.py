"""Write the variants of a text probe: one slot changes at a time, and each variant is compared with its own anchor."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import permutations, product
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from audit.counting.probed import MOST_VARIANTS, Comparison, Design, Pairs, SlotOfProbe
from audit.errors import PlanError
from audit.plan.probes import ProbeSlot, TextProbe
from audit.scoring.probing.templates import Choice, Template, Templates, read_templates, render, slots_of
from audit.scoring.probing.words import GENDERS_OF_NAMES, NO_NAME, Words, read_words
from audit.vocabulary.text import listed, shown

NEUTRAL: Final = {
    "demonym": "no nationality named",
    "country": "no country named",
    "gender": "person, they",
    "name": NO_NAME,
}
"""The neutral form of each slot, in words."""
LANGUAGE_NAMES: Final = {"en": "English", "es": "Spanish", "fr": "French"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignWithRows(Design):
    """A design, and what the detector is asked. Who judges the answers sees the design alone."""

    batch: pa.RecordBatch
    """The columns that the detector is given, a row for each variant."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One text with its slots filled."""

    template: str
    choice: Choice
    text: str


@dataclass(frozen=True, slots=True)
class ProbeTexts:
    """All texts of a probe, and the pairs that are compared."""

    slots: tuple[SlotOfProbe, ...]
    comparisons: tuple[Comparison, ...]
    pairs: Pairs
    variants: tuple[Variant, ...]
    templates: Templates
    words: Words
    alike: int
    """Number of pairs left out because the text reads the same after the change."""
    unused: tuple[str, ...]
    """Sentences on the operator's own words and texts that are in no pair, and why."""


@dataclass(slots=True)
class _Collected:
    words: Words
    read: dict[tuple[str, Choice], str] = field(default_factory=dict)
    variants: dict[tuple[str, Choice], int] = field(default_factory=dict)
    texts: list[Variant] = field(default_factory=list)
    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    alike: int = 0

    def add(self, number: int, index: int, template: Template, pair: tuple[Choice, Choice]) -> None:
        """Keep a pair, unless both of its texts read the same: no detector could see a difference."""
        keys = [(template.id, choice) for choice in pair]
        for key in keys:
            if key not in self.read:
                self.read[key] = render(template.pieces[key[1].language], key[1], self.words)
        if self.read[keys[0]] == self.read[keys[1]]:
            self.alike += 1
        else:
            self.rows.append((number, index, self._place(keys[0]), self._place(keys[1])))

    def _place(self, key: tuple[str, Choice]) -> int:
        if key not in self.variants:
            self.variants[key] = len(self.texts)
            self.texts.append(Variant(*key, self.read[key]))
        return self.variants[key]


def write_probe_texts(probe: TextProbe, folder: Path) -> ProbeTexts:
    """Write every text of a probe.

    Slots change one at a time, while the others stay at their anchors. With `intersections` each slot also changes
    while one other slot is held at each of its levels. A text counts for a change only if it has the slot and reads
    otherwise after it. Nothing is drawn at random.

    Raises
    ------
    PlanError
        Templates or words cannot be used, a level has no words in a language, no text has a slot, or a change changes
        nothing.
    """
    words, templates = read_words(probe.words, folder), read_templates(probe, folder)
    scheme = _Scheme(probe, words)
    collected = _Collected(words)
    comparisons = tuple(scheme.comparisons())
    used = [template for template in templates.templates if any(known in template.pieces for known in probe.languages)]
    for number, comparison in enumerate(comparisons):
        before, alike = len(collected.rows), collected.alike
        for index, template in enumerate(used):
            for pair in scheme.pairs(comparison, template):
                collected.add(number, index, template, pair)
        if len(collected.rows) == before:
            raise _nothing_to_compare(probe, templates, comparison, alike=collected.alike > alike)
        if len(collected.texts) > MOST_VARIANTS:
            raise PlanError(
                f"probe {probe.id}: more than {MOST_VARIANTS:,} texts",
                slug="probe-too-large",
                hint="name fewer levels or names, or leave out intersections",
            )
    columns = np.array(collected.rows, dtype=np.int64).T
    slots = tuple(SlotOfProbe(slot, scheme.anchor_name(slot), scheme.names(slot)) for slot in probe.slots)
    unused = (*unused_words(probe, words), *unused_texts(probe, templates, {row[1] for row in collected.rows}, used))
    pairs = Pairs(*columns)
    return ProbeTexts(slots, comparisons, pairs, tuple(collected.texts), templates, words, collected.alike, unused)


def _nothing_to_compare(probe: TextProbe, templates: Templates, comparison: Comparison, *, alike: bool) -> PlanError:
    if alike:
        condition = f" within {comparison.given_slot} {shown(comparison.given)}" if comparison.given_slot else ""
        return PlanError(
            f"probe {probe.id}: no text of {templates.source} reads otherwise with the {comparison.slot} "
            f"{shown(comparison.level)}{condition} than without",
            slug="probe-same-text",
        )
    return PlanError(
        f"probe {probe.id}: no text of {templates.source} has the slots {', '.join(filter(None, comparison.family))}",
        slug="probe-slots",
    )


def variant_id(probe: str, template: str, index: int, text: str) -> str:
    """Sixteen hexadecimal digits that stand for one text of one probe, and change with it."""
    content = "\x00".join((probe, template, str(index), text))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


class _Scheme:
    """The comparisons of a probe, and the pairs of choices for each."""

    def __init__(self, probe: TextProbe, words: Words) -> None:
        self._probe = probe
        self._words = words
        self._asked: dict[str, tuple[str, ...]] = dict(probe.levels.items())
        self._anchors: dict[str, str] = dict(probe.anchor.items())
        self._levels = {slot: self._levels_of(slot) for slot in probe.slots}
        self._in_language = lru_cache(8)(
            lambda *arguments: tuple(self._pairs(*arguments))
        )  # the same for every template

    def comparisons(self) -> Iterator[Comparison]:
        """Yield every change, slot by slot; then every change within the levels of each other slot."""
        for slot in self._probe.slots:
            yield from (Comparison(slot, "", level, "") for level in self._levels[slot])
        if self._probe.intersections:
            for slot, fixed_slot in permutations(self._probe.slots, 2):
                if (slot, fixed_slot) == ("gender", "name"):
                    continue  # a name says a gender, and cannot be held while the gender changes
                yield from (
                    Comparison(slot, fixed_slot, level, fixed_level)
                    for fixed_level, level in product(self._levels[fixed_slot], self._levels[slot])
                )

    def pairs(self, comparison: Comparison, template: Template) -> Iterator[tuple[Choice, Choice]]:
        """Yield the pairs of one template, in each language and for each given name."""
        wanted = {slot for slot in comparison.family if slot not in ("", "language")}
        for language in self._languages(comparison):
            pieces = template.pieces.get(language)
            if pieces is None or not wanted <= slots_of(pieces):
                continue
            if comparison.slot == "language":
                other = template.pieces.get(comparison.level)
                if other is None or not wanted <= slots_of(other):
                    continue
            yield from self._in_language(comparison, language)

    def anchor_name(self, slot: str) -> str:
        """The anchor of a slot, in words: its levels are compared with it."""
        if slot == "language":
            return LANGUAGE_NAMES[self._probe.languages[0]]
        named = self._anchors.get(slot)
        return NEUTRAL[slot] if named is None else self._words.names[slot].get(named, named)

    def names(self, slot: ProbeSlot) -> dict[str, str]:
        """The levels of a slot with the names that reports use."""
        known = LANGUAGE_NAMES if slot == "language" else self._words.names[slot]
        return {level: known.get(level, level) for level in self._levels[slot]}

    def _languages(self, comparison: Comparison) -> tuple[str, ...]:
        """The languages in which the anchor of a comparison is written."""
        if "language" not in self._probe.slots:
            return self._probe.languages
        return (comparison.given if comparison.given_slot == "language" else self._probe.languages[0],)

    def _pairs(self, comparison: Comparison, language: str) -> Iterator[tuple[Choice, Choice]]:
        base = Choice(language)
        named = {slot: level for slot, level in self._anchors.items() if slot != "name"}
        if comparison.given_slot in ("demonym", "country", "gender"):
            named[comparison.given_slot] = comparison.given
        base = replace(base, **named)
        anchor_name = self._anchors.get("name")
        if comparison.slot == "name":
            for gender, number in self._places(base, comparison.level):
                without = NO_NAME if anchor_name is None else self._name(anchor_name, gender, number)
                yield replace(base, name=without), replace(base, name=self._name(comparison.level, gender, number))
            return
        level = comparison.given if comparison.given_slot == "name" else anchor_name
        names = [NO_NAME] if level is None else [self._name(level, *person) for person in self._places(base, level)]
        for name in names:
            anchor = replace(base, name=name)
            yield anchor, replace(anchor, **{comparison.slot: comparison.level})

    def _places(self, choice: Choice, level: str) -> list[tuple[str, int]]:
        """Gender and number of each given name of a level: of the gender in the text, or of both.

        A list that is shorter than `names` gives each of its names once.
        """
        genders = (choice.gender,) if choice.gender in GENDERS_OF_NAMES else GENDERS_OF_NAMES
        lists = self._words.given_names[level]
        return [(gender, number) for gender in genders for number in range(min(self._probe.names, len(lists[gender])))]

    def _name(self, level: str, gender: str, number: int) -> str:
        """The given name with this number. An anchor with fewer names than its level starts again at the first."""
        names = self._words.given_names[level][gender]
        return names[number % len(names)]

    def _levels_of(self, slot: str) -> tuple[str, ...]:
        probe = self._probe
        if slot == "language":
            return probe.languages[1:]
        offered = self._words.levels(slot, probe.languages)
        levels = self._asked.get(slot, offered)
        anchor = self._anchors.get(slot)
        for level in (*levels, *([] if anchor is None else [anchor])):
            if level not in offered:
                raise PlanError(
                    f"probe {probe.id}: no {slot} {level[:40]!r} with words in {', '.join(probe.languages)}",
                    slug="probe-level",
                    hint=f"there are {len(offered)}, such as {', '.join(offered[:4])}; `words` takes your own",
                )
        return tuple(level for level in levels if level != anchor)


_NAMED: Final = 6


def unused_words(probe: TextProbe, words: Words) -> Iterator[str]:
    """Say which of the operator's own words are not used: a sentence for each slot and reason."""
    for slot, levels in words.added.items():
        reasons: dict[str, list[str]] = {}
        for level in levels:
            reason = _why_not(probe, words, slot, level)
            if reason:
                reasons.setdefault(reason, []).append(level)
        for reason, those in reasons.items():
            yield f"{slot} {listed(those, _NAMED)}: {reason}"


def _why_not(probe: TextProbe, words: Words, slot: str, level: str) -> str:
    """Why a level is not used, or only in part; empty if it is used."""
    if slot not in probe.slots:
        return "the probe does not change this slot"
    levels = {key: named for key, named in probe.levels.items() if key == slot}
    anchors = {anchor for key, anchor in probe.anchor.items() if key == slot}
    if any(level not in (*named, *anchors) for named in levels.values()):
        return "not among the levels that the plan names"
    if slot == "name":
        longest = max(len(words.given_names[level][gender]) for gender in GENDERS_OF_NAMES)
        return f"only the first {probe.names} names, as `names` says" if longest > probe.names else ""
    lacking = [language for language in probe.languages if language not in words.forms[slot][level]]
    return f"no words in {', '.join(lacking)}" if lacking else ""


def unused_texts(
    probe: TextProbe, templates: Templates, paired: Collection[int], used: Sequence[Template]
) -> Iterator[str]:
    """Say which texts of the operator's own file show no change. `paired` holds places in `used`."""
    if templates.sha256 is None:
        return
    languages = ", ".join(probe.languages)
    others = {template.id for template in used}
    without = [template.id for template in templates.templates if template.id not in others]
    if without:
        yield f"text {listed(without, _NAMED)}: not in {languages}"
    still = [template.id for index, template in enumerate(used) if index not in paired]
    if still:
        yield f"text {listed(still, _NAMED)}: nothing in it is changed in {languages}"
