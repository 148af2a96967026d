"""Where the detector ran: a part of the provenance, because it may differ between machines and changes no score."""

from __future__ import annotations

from typing import Literal

from audit.vocabulary.groups import Part

__all__ = ["RanIn", "SystemDescription"]


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


class SystemDescription(Part):
    """What exactly was audited."""

    kind: str
    """Kind of detector."""
    name: str
    """File, function or columns that answered."""
    decision: str
    """The decision rule, in words."""
    features: tuple[str, ...]
    """Columns given to the detector; empty for predictions."""
    sensitive_features_used: tuple[str, ...]
    """Sensitive features among them, or the label."""
    near_threshold: int | None = None
    """Rows whose score lies within 1e-6 of the threshold."""
    ties_at_capacity: int | None = None
    """With `top_k`: rows that share the lowest flagged score where not all of them fit, so that ids decided; else 0."""
    notes: tuple[str, ...] = ()
    """Facts about how the detector was run that a reader must know."""
