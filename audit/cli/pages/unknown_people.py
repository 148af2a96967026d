"""Lines of `check` and `draw` on groups that cannot pass, because so many people are in no known group."""

from __future__ import annotations

import math


def held_back_line(held: int, alone: int) -> str:
    """State how many of the groups judged alone cannot pass."""
    which = f"{held:,} of them" if held < alone else "None of them" if alone > 1 else "It"
    can = "can" if which == "None of them" else "cannot"
    return f"{which} {can} pass while so many people are unknown, even if treated like everyone else"


def remedy_lines(share: float) -> list[str]:
    """State what would change that."""
    if share < 0.001:
        return ["No share that could be vouched for changes that: find out who these people are"]
    most = f"{math.floor(share * 1000.0 + 1e-9) / 10.0:.1f}%"
    return [
        f"All could if in no group more than {most} of its own cases were unknown. Whoever can vouch for that",
        "writes it as [sensitivity] max_missing_share; else find out who these people are",
    ]
