"""Write the plan of a world, ready for `audit7k run`."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import Final

from audit.worlds.as_typed import MAPS, MISSING, Feature
from audit.worlds.mechanism import GENDERS, Mechanism
from audit.worlds.probe_texts import probe_sections
from audit.worlds.tabular import number_column
from audit.worlds.truth import Truth
from audit.worlds.world import World, table, template

_PLANS: Final = table("plans")
_PLAN: Final = template("plan.template")


def plan_text(mechanism: Mechanism, data: str, *, as_typed: bool = False) -> str:
    """Write plan.toml for the data file `data`; with maps if values are written as people type them."""
    world = mechanism.world
    texts = _PLANS[world.name]
    everyone = Truth.of(mechanism).everyone()
    plan = _PLAN.format(
        name=world.name,
        title=texts["title"],
        use=texts["use"],
        route=texts["route"],
        features=_features(world),
        path=data,
        id=world.id,
        rows_are=world.rows_are,
        evaluation_set=_evaluation_set(world, in_text=data.endswith(".csv")),
        gender=_map("gender", GENDERS) if as_typed else "",
        coding="codes and names" if as_typed else "ISO 3166-1 alpha-3",
        nationality=texts["several"] + (_map("nationality", (*world.nationalities, "PRT")) if as_typed else ""),
        found=everyone[0],
        flagged=everyone[1],
        channel=world.channel,
        first=world.channels[0],
    )
    return plan + probe_sections() if world.name == "adverts" else plan


def feature_columns(world: World) -> tuple[str, ...]:
    """The columns that the detector of a world is given."""
    if world.name == "adverts":
        return ("text",)
    if world.name == "triage":
        return tuple(sign.name for sign in world.signs)
    return tuple(number_column(sign.name) for sign in world.signs)


def _features(world: World) -> str:
    """The columns as a TOML list, on several lines if it is long."""
    names = ", ".join(f'"{name}"' for name in feature_columns(world))
    if len(names) <= 80:
        return f"[{names}]"
    lines = wrap(names, 110, break_on_hyphens=False, break_long_words=False)
    return "\n".join(["[", *(f"  {line}" for line in lines), "]"])


def _map(feature: Feature, levels: Iterable[str]) -> str:
    """The part of a plan on values in no table: values that mean unknown, and a map for the others."""
    missing, known = ", ".join(f'"{value}"' for value in MISSING[feature]), set(levels)
    mapped = [f'"{value}" = "{level}"' for value, level in sorted(MAPS[feature].items()) if level in known]
    return "\n".join([f"missing = [{missing}]", "", f"[groups.{feature}.map]", *mapped, ""])


def _evaluation_set(world: World, *, in_text: bool) -> str:
    lines = []
    if in_text and world.name != "adverts":
        lines.append(f"numbers = {_features(world)}")
    if world.clustered:
        lines.append('cluster = "account"                      # rows of one account belong together, and say less')
        lines.append("expected_icc = 0.05                      # how alike they are expected to be; plans sizes")
    return "".join(f"{line}\n" for line in lines)
