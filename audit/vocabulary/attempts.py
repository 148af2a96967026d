"""What a history and a seal show of an audit, as results, public releases and portals hold it."""

from collections.abc import Mapping
from typing import Literal

from audit.vocabulary.groups import Part

Registration = Literal["shown", "shown_for_limits", "registered_late", "declared", "not_shown"]
"""Whether what is asked was fixed before scoring began, as far as a history shows."""


class HistoryRecord(Part):
    """What a history of audits, to which entries are only added, shows of this one."""

    attempt: int
    """The how many-th audit of this system in that history it is, from 1."""
    earlier: tuple[Literal["pass", "fail", "inconclusive", "aborted", "unfinished", "sealed", "not_passed"], ...]
    """How those before it ended."""
    registration: Registration
    """Whether what is asked was fixed before scoring began. `shown`: question and set were, as another key than the
    auditor's signed; `audit7k verify` says whose it is. `shown_for_limits`: the question was. `registered_late`: it was
    registered after scoring began, or changed since. `declared`: only the auditor says so. `not_shown`: nobody does."""
    open_registrations: int
    """Earlier registrations of the system without a result, but for its own."""


class AuditSeal(Part):
    """Who signed an audit, by the keys that a reader trusts."""

    signatures: int
    """Number of signatures, whoever made them."""
    signed_by: tuple[str, ...]
    """Names of auditors; empty where nobody signed whose key is trusted."""
    not_shown: tuple[str, ...]
    """Codes of what `verify` finds not shown, such as `threshold` where too few have signed."""
    countersigned_by: Mapping[str, tuple[str, ...]]
    """What others made again and found equal, by their names: public files, counts, scores."""
