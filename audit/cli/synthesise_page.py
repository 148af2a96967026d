"""What `synthesise` prints: the worlds and what can be planted in them, or what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from audit.vocabulary.groups import Group
from audit.worlds.folder import TRUTH, Synthesised
from audit.worlds.world import World

__all__ = ["worlds_page", "written_page"]


def worlds_page(worlds: Iterable[World]) -> str:
    """Every world and its findings, as plain lines."""
    return "\n".join(line for world in worlds for line in (*_world(world), "")).rstrip("\n")


def written_page(made: Synthesised) -> str:
    """What was written, and what to do with it."""
    rows_are = made.mechanism.world.rows_are
    planted = [
        f"  {finding.possible.finding:<18}{_group(finding.possible.group)}, size {finding.size:g}"
        for finding in made.findings
    ]
    return "\n".join(
        (
            f"Wrote {made.rows:,} {rows_are} to {made.data}, seed {made.seed}. They describe nobody.",
            *(["Planted:", *planted] if planted else ["Nothing is planted: every group is a control."]),
            f"Truth:   {made.folder / TRUTH}",
            f"Next:    audit7k run {made.plan}",
        )
    )


def _world(world: World) -> Iterator[str]:
    yield f"{world.name}: {world.title}; {world.rows:,} rows unless asked otherwise"
    for possible in world.findings:
        yield f"  {possible.finding}={possible.size:g}  {_group(possible.group)}"
        yield f"      {possible.measured_as}"
        yield f"      {possible.cause}"


def _group(group: Group) -> str:
    return " x ".join(f"{level.feature} {level.code}" for level in group.levels)
