"""Command `synthesise`: a synthetic world with known truth. Its rows describe nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from audit.cli.console.terminal import say
from audit.errors import ArgumentError

if TYPE_CHECKING:
    from audit.vocabulary.groups import Group
    from audit.worlds.folder import Synthesised
    from audit.worlds.world import World


def synthesise(  # noqa: PLR0913, PLR0917 - a parameter for each option
    world: Annotated[
        Literal["adverts", "triage", "transactions"] | None, typer.Argument(help="Which world.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where it goes.  [audit7k-WORLD]")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="How many.  [the world's own]", show_default=False)] = None,
    seed: Annotated[int, typer.Option(min=0, help="Makes other rows of the same world.")] = 7,
    plant: Annotated[
        list[str] | None,
        typer.Option(metavar="FINDING[=SIZE]", help="Plant only what is named; can be given several times.  [all]"),
    ] = None,
    controls_only: Annotated[bool, typer.Option("--controls-only", help="Plant nothing.")] = False,
    as_typed: Annotated[
        bool,
        typer.Option(
            "--as-typed", help="Genders and nationalities as people type them, some so that no table has them."
        ),
    ] = False,
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Of the rows.")] = "csv",
    listed: Annotated[bool, typer.Option("--list", help="Say what each world has, and write nothing.")] = False,
) -> None:
    """Make rows that describe nobody, with a detector, a plan, and the truth beside them: what is planted in whom.

    Findings of a stated size are put into the rows, and nothing into the other groups. An audit of the folder should
    find the first and accuse none of the others; truth.json says which is which.
    """
    from audit.worlds.folder import synthesise as write_world
    from audit.worlds.strengths import WORLDS, findings_asked

    if listed:
        say(worlds_page(WORLDS.values() if world is None else (WORLDS[world],)))
        return
    if world is None:
        raise ArgumentError(
            "name a world", slug="synthesise-arguments", hint=f"one of {', '.join(WORLDS)}; --list says what they have"
        )
    if plant and controls_only:
        raise ArgumentError(
            "--controls-only plants nothing", slug="synthesise-arguments", hint="leave out --plant, or this"
        )
    chosen = WORLDS[world]
    planted = [] if controls_only else plant or [possible.finding for possible in chosen.findings]
    written: Synthesised = write_world(
        chosen,
        out or Path(f"audit7k-{world}"),
        rows=rows,
        seed=seed,
        findings=findings_asked(chosen, planted),
        data_format=form,
        as_typed=as_typed,
    )
    say(written_page(written))


def worlds_page(worlds: Iterable[World]) -> str:
    """List every world and its findings, as plain lines."""
    return "\n".join(line for world in worlds for line in (*_world(world), "")).rstrip("\n")


def written_page(written: Synthesised) -> str:
    """Say what was written, and what to do with it."""
    from audit.worlds.folder import TRUTH

    rows_are = written.mechanism.world.rows_are
    planted = [
        f"  {finding.possible.finding:<18}{_group(finding.possible.group)}, size {finding.size:g}"
        for finding in written.findings
    ]
    return "\n".join(
        (
            f"Wrote {written.rows:,} {rows_are} to {written.data}, seed {written.seed}. They describe nobody.",
            *(["Planted:", *planted] if planted else ["Nothing is planted: every group is a control."]),
            f"Truth:   {written.folder / TRUTH}",
            f"Next:    audit7k run {written.plan}",
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
