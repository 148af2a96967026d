"""What a gate of a result is told where the plan's answers exist already: nothing says which model gave them."""

from __future__ import annotations


def elsewhere(target: str) -> tuple[str, ...]:
    """The option of a gate for this target: a result needs it, and a plan refuses it."""
    return () if target.endswith(".toml") else ("--inputs-elsewhere",)
