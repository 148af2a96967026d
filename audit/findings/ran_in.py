"""Where the detector ran: a part of the provenance, because it may differ between machines and changes no score."""

from __future__ import annotations

from typing import Literal

from audit.vocabulary.groups import Part


class RanIn(Part):
    """Where the detector ran, and what was kept from it."""

    kind: Literal["in_process", "child", "namespaces", "bwrap"]
    """`in_process`: in the process of the audit. `child`: in a process of its own. `namespaces`: in one of its own that
    the kernel shut off from the network. `bwrap`: in a bubblewrap sandbox."""
    network: Literal["open", "blocked"]
    """Whether it could reach a network, as was seen from where it ran."""
    memory_limit_mib: int | None = None
    """MiB of address space that it might have; null without a limit."""
    batch_timeout: float | None = None
    """Seconds that it had for a batch; null without a limit."""
    open_timeout: float | None = None
    """Seconds that it had to load; null without a limit."""
    sentence: str
    """The same for a reader."""
