"""One person of a set near a limit: is an outcome told by the public files before and after, words included?

One group of each set is moved to the edge of a verdict, where one answer more or less decides. Then one person leaves,
comes, or is answered otherwise; the outcome was drawn by a coin. The attacker knows who and when, holds both releases,
and has learnt from other sets which outcome stands behind which difference. Digests under the key, the number of a
release and its day say nothing of a person and are left out.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from audit.counting.counted import Counted
from audit.disclosure.publish import publish
from audit.plan.file.plan_file import LoadedPlan
from audit.public.release import PublicRelease, PublicRow, public_json
from audit.result.audit_result import AuditResult
from audit.run import Gathered, summarise
from audit.stages import Scope
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Group, Level
from tools.attack.weighted import ORIGIN, SYSTEM
from tools.attack.words import counted_side, judged, plan
from tools.attack.world import folder_with_key, nowhere, world_ladders
from tools.simulate.audited import families_of
from tools.simulate.runner import Counts, Share

Event = Literal["leaves", "comes", "flips"]
EVENTS: Final[tuple[Event, ...]] = ("leaves", "comes", "flips")
Turned = Literal["headline", "fail", "neither"]
BAR: Final = 0.55
_RECALL: Final = 0.8
_COUNTRIES: Final = ("NPL", "PHL", "NGA", "IND", "VNM", "UKR", "KEN", "unknown")
_GENDERS: Final = (("woman", 0.55), ("man", 0.41), ("unknown", 0.04))
_FAILING: Final = "IND"
"""The nationality that fails beside the group at the edge in every second set, so that the headline stays."""


class Edge(NamedTuple):
    """A set with one group at the edge of a verdict."""

    cells: IntArray
    """int64[genders, countries, 2]: errors and right answers of victims."""
    person: tuple[int, int]
    """Gender and country of the person to whom something happens."""


class Attempt(NamedTuple):
    """What an attacker sees of one person."""

    event: Event
    outcome: int
    """0 missed, 1 found; of who is answered otherwise, the outcome before."""
    turned: Turned
    """Whether the headline, or the verdict of a rule, turned; or at least the FAIL of a group."""
    seen: tuple[str, ...]
    """Differences between the public files, as the attacker sorts them: empty where there is none."""


def edge(rng: np.random.Generator) -> Edge:
    """Draw a set, and move one group in it to the edge of its verdict."""
    ladders = world_ladders()
    genders, countries = ([level.code for level in ladder.levels[0]] for ladder in ladders)
    cells = np.zeros((len(genders), len(countries), 2), dtype=np.int64)
    for code in _COUNTRIES:
        people = int(rng.integers(40, 60) if code == "unknown" else rng.integers(150, 600))
        recall = _RECALL - 0.35 if code == _FAILING and rng.random() < 0.5 else _RECALL
        for name, share in _GENDERS:
            size = int(people * share)
            errors = int(rng.binomial(size, 1.0 - recall))
            cells[genders.index(name), countries.index(code)] = errors, size - errors
    gender = int(rng.choice([genders.index("woman"), genders.index("man")]))
    country = countries.index(str(rng.choice([code for code in _COUNTRIES[:-1] if code != _FAILING])))
    of_gender, of_country = (
        Level("gender", "level", genders[gender]),
        Level("nationality", "country", countries[country]),
    )
    group = Group([(of_gender, of_country), (of_country,), (of_gender,)][int(rng.integers(3))])
    wanted = "pass" if rng.random() < 0.5 else "fail"
    at = _edge_of(cells, (gender, country), group, wanted)
    placed = _with_errors(cells, (gender, country), at + int(rng.integers(-1, 3)))
    there = np.argwhere(placed.min(axis=2) > 0)
    other = there[int(rng.integers(len(there)))]
    return Edge(placed, (gender, country) if rng.random() < 0.75 else (int(other[0]), int(other[1])))


def _edge_of(cells: IntArray, cell: tuple[int, int], group: Group, wanted: str) -> int:
    """Return the fewest errors of a cell with which a group does not pass any more, or with which it fails."""
    low, high = 0, int(cells[cell].sum())
    while low < high:
        middle = (low + high) // 2
        verdict = next(
            verdict for verdict in judged(_with_errors(cells, cell, middle), _RECALL).verdicts
            if group in (verdict.group, *verdict.same_people)
        )  # fmt: skip
        over = verdict.outcome == "fail" or (wanted == "pass" and verdict.outcome != "pass")
        low, high = (low, middle) if over else (middle + 1, high)
    return low


def _with_errors(cells: IntArray, cell: tuple[int, int], errors: int) -> IntArray:
    changed, people = cells.copy(), int(cells[cell].sum())
    errors = min(max(errors, 1), people - 1)
    changed[cell] = errors, people - errors
    return changed


def after(cells: IntArray, person: tuple[int, int], event: Event, outcome: int) -> tuple[IntArray, IntArray]:
    """Return the set before and after something happens to a person with an outcome."""
    before, later = cells.copy(), cells.copy()
    if event == "comes":
        later[person][outcome] += 1
    else:
        later[person][outcome] -= 1
    if event == "flips":
        later[person][1 - outcome] += 1
    return before, later


def attempt(rng: np.random.Generator, event: Event, outcome: int) -> Attempt:
    """Publish a set near a limit twice, with one person's event between, and return what the files show."""
    at_edge = edge(rng)
    results = [result_of(cells) for cells in after(at_edge.cells, at_edge.person, event, outcome)]
    with tempfile.TemporaryDirectory() as folder:
        restricted = folder_with_key(Path(folder) / "restricted", rng.bytes(32))
        releases = [publish(result, restricted, nowhere, (), ("en",)).public for result in results]
    return Attempt(event, outcome, turned(*results), differences(releases[0], releases[1], at_edge.person))


def turned(before: AuditResult, now: AuditResult) -> Turned:
    """Return what turned between two audits."""
    headlines = [(result.overall.outcome, *(rule.outcome for rule in result.rules)) for result in (before, now)]
    if headlines[0] != headlines[1]:
        return "headline"
    failing = [{(v.rule, v.group) for v in result.verdicts if v.outcome == "fail"} for result in (before, now)]
    return "neither" if failing[0] == failing[1] else "fail"


def differences(before: PublicRelease, now: PublicRelease, person: tuple[int, int]) -> tuple[str, ...]:
    """Return how two releases differ: words with the part that the person has in their row, and all else by name."""
    differing: list[str] = []
    for old, new in zip(before.rows, now.rows, strict=len(before.rows) == len(now.rows)):
        if old.key != new.key or old.model_dump(exclude={"words"}) != new.model_dump(exclude={"words"}):
            differing.append("other numbers")
            continue
        for was, is_now in zip(old.words, new.words, strict=True):
            if was != is_now:
                differing.append(
                    f"{_said(was)} > {_said(is_now)}, {'of the person' if _holds(new, person) else 'of others'}"
                )
    documents = [json.loads(public_json(release)) for release in (before, now)]
    for document in documents:
        del document["rows"], document["number"], document["about"]["digests"]
    differing += [name for name in documents[0] if documents[0][name] != documents[1][name]]
    return tuple(sorted(differing))


def _said(word: Any) -> str:
    return f"{word.word}{', a smaller group beyond' if word.smaller_beyond else ''}"


def _holds(row: PublicRow, person: tuple[int, int]) -> bool:
    """Whether the row may hold the person, by its levels; others and joined levels may."""
    codes = {
        ladder.feature: {rung[climb[number]].code for rung, climb in zip(ladder.levels, ladder.climbs, strict=True)}
        for ladder, number in zip(world_ladders(), person, strict=True)
    }
    return all(part.kind != "level" or codes[part.feature] & set(part.codes) for part in row.parts)


def outcomes_guessed(attempts: Sequence[Attempt]) -> int:
    """Return how many outcomes are guessed right by what stands behind the same difference in other sets."""
    counts: dict[tuple[Event, tuple[str, ...]], Counter[int]] = defaultdict(Counter)
    for attempt in attempts:
        counts[attempt.event, attempt.seen][attempt.outcome] += 1
    right = 0.0
    for (_, seen), outcomes in counts.items():
        for outcome, number in outcomes.items():
            others = outcomes[1 - outcome]
            # without this set: a tie is a coin, and what no other set shows may be guessed by its kind alone
            rest = number - 1
            right += number * (0.5 if rest == others or not seen else float(rest > others))
    return round(right)


def result_of(cells: IntArray, recall: float = _RECALL, **parts: Any) -> AuditResult:
    """Audit one side of a set: int64[genders, countries, 2]; `parts` replace parts of the plan."""
    audit_plan = plan(recall).model_copy(update=parts)
    table, features = counted_side(cells)
    families = families_of(audit_plan, table, features)
    loaded = LoadedPlan(plan=audit_plan, as_asked=audit_plan.model_dump(mode="json", by_alias=True), folder=Path())
    return summarise(Gathered(loaded, features, Counted(table), families, SYSTEM, ORIGIN, scope=Scope.RECORDS))


def outcome_told(runs: int, rng: np.random.Generator, event: Event) -> Counts:
    """Attack so many sets, half of whose people were missed: apart by whether the headline turned, what is told."""
    seen = [attempt(rng, event, run % 2) for run in range(runs)]
    counts: dict[str, Share] = {}
    for name, is_headline in (("headline turns", True), ("any other release", False)):
        some = [attack for attack in seen if (attack.turned == "headline") is is_headline]
        counts[f"near a limit, {name}: public files differ"] = Share(
            sum(bool(attack.seen) for attack in some), len(some)
        )
        counts[f"near a limit, {name}: outcome guessed"] = Share(outcomes_guessed(some), len(some))
    return counts
