"""What exactly was audited."""

from __future__ import annotations

from audit.vocabulary.groups import Part

__all__ = ["SystemDescription"]


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
