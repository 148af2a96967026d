"""Detector that was audited, where it ran, and what a reader must know about it."""

from typing import Literal

from audit.vocabulary.groups import Part
from audit.vocabulary.sentences import Sentence, english


class RanIn(Part):
    """Place where the detector ran, and what was kept from it.

    It is a part of the provenance, because it may differ between machines and changes no score.
    """

    kind: Literal["in_process", "child", "confined", "namespaces", "bwrap"]
    """`in_process`: in the process of the audit. `child`: in a process of its own. `confined`: in one of its own that
    the kernel kept from other files, the network and other processes. `namespaces` and `bwrap` stand in older results:
    shut off from the network by the kernel, and in a bubblewrap sandbox."""
    network: Literal["open", "blocked"]
    """Whether it could reach a network, as was seen from where it ran."""
    memory_limit_mib: int | None = None
    """MiB of address space that it might have; null without a limit."""
    batch_timeout: float | None = None
    """Seconds that it had for a batch; null without a limit."""
    open_timeout: float | None = None
    """Seconds that it had to load; null without a limit."""
    sentence: str
    """Place and limits in a sentence for a reader."""
    sentences: tuple[Sentence, ...] = ()
    """That sentence by key and values; empty in results of versions that did not keep them."""


class SystemDescription(Part):
    """Description of the detector that was audited."""

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
    decision_sentence: Sentence | None = None
    """The decision rule by key and values; null in results of versions that did not keep it."""
    notes: tuple[str, ...] = ()
    """Facts about how the detector was run that a reader must know."""


class Notice(Part):
    """Something a reader must know before using the numbers."""

    code: str
    """A stable name."""
    text: str
    """One or two sentences."""
    sentences: tuple[Sentence, ...] = ()
    """The sentences of `text` by key and values; empty in results of versions that did not keep them."""

    @classmethod
    def of(cls, code: str, *sentences: Sentence) -> "Notice":
        """A notice made of these sentences."""
        return cls(code=code, text=english(sentences), sentences=sentences)
