"""Tables of the answers, each share with its 95 % limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from audit.stats.intervals import clopper_pearson
from audit.worlds.world import FindingName
from tools.bench.planted.answers import OURS, Answer
from tools.bench.planted.planning import PLANNED_POWER, Planned
from tools.bench.planted.sets import ASKED, Arm

__all__ = ["Share", "goals", "of_tools", "of_words", "of_worlds", "share_of"]

GOAL_FOUND: Final = 0.95
GOAL_ACCUSED: Final = 0.05
NO_QUESTION: Final = "no such question"


class Share:
    """Share, as a count out of a total."""

    def __init__(self, events: Iterable[bool]) -> None:
        counted = list(events)
        self.events, self.runs = sum(counted), len(counted)

    @property
    def value(self) -> float | None:
        """Share as a number; None of nothing."""
        return self.events / self.runs if self.runs else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """95 % limits of the share (Clopper and Pearson 1934); None of nothing."""
        if not self.runs:
            return None
        low, high = clopper_pearson(np.array([self.events]), np.array([self.runs]))
        return float(low[0]), float(high[0])

    def __str__(self) -> str:
        """Write the share in percent, with its 95 % limits: no event in 60 runs can be a share of 6 %."""
        if self.value is None or self.bounds is None:
            return NO_QUESTION
        low, high = self.bounds
        return f"{100.0 * self.value:.1f} ({100.0 * low:.0f}-{100.0 * high:.0f})"


def share_of(answers: Iterable[Answer], finding: FindingName) -> Share:
    """Return how often a finding is found by those that have a question for it."""
    return Share(answer.found[finding] for answer in answers if finding in answer.found)


def of_tools(answers: Sequence[Answer]) -> str:
    """Write a table of every tool over all worlds: what it finds in doubled sets, how often it accuses a control."""
    header = ["tool", *ASKED, "accuses alone, planted", "any, planted", "accuses alone, controls", "any, controls"]
    return _table(header, (_tool(tool, answers) for tool in dict.fromkeys(answer.tool for answer in answers)))


def of_worlds(planned: Sequence[Planned], answers: Sequence[Answer]) -> str:
    """Write a table of audit7k by finding: size, planned power, share found with planned and with doubled rows."""
    header = ["world", "rows", "finding", "size", "planned power %", "found, planned rows", "found, twice the rows"]
    return _table(header, (line for world in planned for line in _world(world, answers)))


def of_words(answers: Sequence[Answer]) -> str:
    """Write a table of further questions where nothing is planted: how often their word is said of anybody."""
    of_controls = [answer for answer in answers if answer.tool == OURS and answer.arm == "controls"]
    lines = []
    for world in dict.fromkeys(answer.world for answer in of_controls):
        words = [answer.said_of_anyone for answer in of_controls if answer.world == world]
        names = [name for name in ASKED if name in words[0]]
        lines.append([world, *(str(Share(words_of_audit[name] for words_of_audit in words)) for name in names)])
    return _table(["world", "vanishes", "labels differ from the table", "adds"], lines)


def goals(planned: Sequence[Planned], answers: Sequence[Answer]) -> tuple[Share, Share]:
    """Return the two goals: findings of decidable size that are found in doubled sets; audits that accuse a control."""
    # texts and detector are the same in every set, so that each of them would count one answer again
    decidable = {
        (mechanism.world, finding)
        for mechanism in planned
        for finding, power in mechanism.power.items()
        if power >= PLANNED_POWER and finding != "word-leak"
    }
    ours = [answer for answer in answers if answer.tool == OURS and answer.arm != "planned"]
    of_planted = Share(
        answer.found[finding]
        for answer in ours
        for finding in answer.found
        if (answer.world, finding) in decidable and answer.arm == "doubled"
    )
    return of_planted, Share(answer.accuses_any for answer in ours)


def _tool(tool: str, answers: Sequence[Answer]) -> list[str]:
    of_tool = [answer for answer in answers if answer.tool == tool]

    def of(arm: Arm) -> list[Answer]:
        return [answer for answer in of_tool if answer.arm == arm]

    accused = [
        str(Share(getattr(answer, kind) for answer in of(arm)))
        for arm in ("doubled", "controls")
        for kind in ("accuses_alone", "accuses_any")
    ]
    return [tool, *(str(share_of(of("doubled"), finding)) for finding in ASKED), *accused]


def _world(set_plan: Planned, answers: Sequence[Answer]) -> Iterator[list[str]]:
    of_world = [answer for answer in answers if answer.tool == OURS and answer.world == set_plan.world]
    for finding, size in set_plan.sizes.items():
        of_arms = [
            str(share_of((answer for answer in of_world if answer.arm == arm), finding))
            for arm in ("planned", "doubled")
        ]
        yield [
            set_plan.world,
            f"{set_plan.rows:,}",
            finding,
            f"{size:g}",
            f"{100.0 * set_plan.power[finding]:.1f}",
            *of_arms,
        ]


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
