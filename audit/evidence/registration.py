"""What a history shows of an audit: how often the system was tried, and whether its question was fixed before.

"Before anybody saw the data" can never be shown. What can be is that the question was fixed before scoring began, by a
history that somebody else had signed by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from audit.evidence.checkpoint import Checkpoint
from audit.evidence.history import Entry, History
from audit.evidence.keys import PublicKey
from audit.evidence.statement import System
from audit.vocabulary.attempts import Registration

QUESTION: Final = "question"
SET: Final = "evaluation-set"


class Standing(NamedTuple):
    """What a history shows of one audit."""

    attempt: int
    """The how many-th audit of this system it is, from 1."""
    earlier: tuple[str, ...]
    """How those before it ended."""
    registration: Registration
    open_registrations: int
    """Registrations of the system that no sealed audit answers, but for its own."""


def standing_of(
    history: History,
    started: Entry,
    commitments: Mapping[str, str],
    *,
    declared: bool = False,
    witnessed: Iterable[int] = (),
) -> Standing:
    """Return what a history shows of an audit.

    Parameters
    ----------
    started : Entry
        The entry by which the audit began.
    commitments : mapping of str to str
        Its commitments, by role: equal things have those of the registration.
    declared : bool
        Whether the plan names a day on which limits were set.
    witnessed : iterable of int
        Sizes of this history that another party signed, as `witnessed_sizes` finds them.
    """
    attempts = [attempt for attempt in history.attempts(started.system) if attempt.started.index <= started.index]
    waiting = history.open_registrations(started.system, before=started.index)
    return Standing(
        attempt=len(attempts),
        earlier=tuple(attempt.outcome for attempt in attempts[:-1]),
        registration=_registration(history, started, commitments, declared, tuple(witnessed)),
        open_registrations=sum(entry.index != started.answers for entry in waiting),
    )


def _registration(
    history: History, started: Entry, commitments: Mapping[str, str], declared: bool, witnessed: tuple[int, ...]
) -> Registration:
    waiting = history.open_registrations(started.system, before=started.index)  # what is withdrawn later stood then
    registered = next((entry for entry in waiting if entry.index == started.answers), None)
    if registered is None:
        is_late = bool(waiting) or any(entry.index > started.index for entry in history.registrations(started.system))
        return "registered_late" if is_late else "declared" if declared else "not_shown"
    questions = {registered.commitments.get(QUESTION), started.commitments.get(QUESTION), commitments.get(QUESTION)}
    if len(questions) > 1 or waiting[0] != registered:
        return "registered_late"
    if not any(registered.index < size <= started.index for size in witnessed):
        return "declared"
    same_set = registered.commitments.get(SET) is not None and registered.commitments[SET] == commitments.get(SET)
    return "shown" if same_set else "shown_for_limits"


def witnessed_sizes(
    history: History, heads: Mapping[str, Checkpoint], witnesses: Mapping[PublicKey, float], by: str
) -> tuple[list[int], list[str]]:
    """Return which sizes of a history others signed in time, and the names of heads that are of another history.

    A vendor that answers a challenge signs all entries before its own.

    Parameters
    ----------
    heads : mapping of str to Checkpoint
        Heads, by the names of their files.
    witnesses : mapping of PublicKey to float
        Keys of parties that are trusted, and are not the auditor's, and from when on each counts.
    by : str
        Moment by which a head must have been signed, as YYYY-MM-DDTHH:MM:SSZ: a short head is as easily made later.
    """
    sizes, other = list[int](), list[str]()
    last = datetime.fromisoformat(by).timestamp()
    for name, head in heads.items():
        if not head.is_of(history.payloads):
            other.append(name)
        elif any(time <= last for _, time in head.witnessed_by(witnesses)):
            sizes.append(head.size)
    for entry in history.entries:
        since = witnesses.get(PublicKey(bytes.fromhex(entry.key))) if entry.kind == "answered" else None
        if since is not None and since <= datetime.fromisoformat(entry.at).timestamp() <= last:
            sizes.append(entry.index)
    return sizes, other


def system_of(owner: str, name: str, title: str) -> System:
    """Return how evidence names a system: by its name in every version, or else by its title."""
    return System(owner=owner, name=name or title)
