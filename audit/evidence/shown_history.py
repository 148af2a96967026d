"""What a bundle's history shows: attempts, registrations, heads that others signed, and other histories."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from audit.disclosure.read import parse_release
from audit.errors import AuditError
from audit.evidence.checkpoint import HEAD, Checkpoint
from audit.evidence.history import Entry, History, payload_sha256, read_history
from audit.evidence.history_file import heads_among, keys_among
from audit.evidence.keys import PublicKey, can_verify
from audit.evidence.registration import Standing, standing_of, witnessed_sizes
from audit.evidence.shown import Reading, Shown, State
from audit.evidence.trust import party_of
from audit.vocabulary.attempts import Registration
from audit.vocabulary.file_names import RELEASE
from audit.vocabulary.text import count_of, printable

_CLOCKS: Final = timedelta(days=1)
"""What clocks may differ by."""
_FIXED: Final[tuple[Registration, ...]] = get_args(Registration)
_WITNESSED: Final = _FIXED[:2]
"""What the reports say only where another party signed in time."""
_REGISTERED: Final[dict[Registration, tuple[State, str]]] = {
    "shown": (State.HOLDS, "question and set were fixed before scoring began, by a history that another party signed"),
    "shown_for_limits": (
        State.HOLDS,
        "the question was fixed before scoring began, by a history that another party signed; the set was not",
    ),
    "registered_late": (State.CLAIMED, "the question was registered late, or another one was registered first"),
    "declared": (State.CLAIMED, "the question was fixed before scoring began: the auditor's word, no other party's"),
    "not_shown": (State.CLAIMED, "nothing says that the question was fixed before scoring began"),
}


def shown_of_history(reading: Reading) -> Iterator[Shown]:
    """Look at the history in a bundle, at the heads that others signed, and at a history that came by another way."""
    bundle, evidence = reading.bundle, reading.evidence
    if bundle.history is None or evidence.history is None or not can_verify():
        position = evidence.registration if evidence.history is None else evidence.history
        if (bundle.history is None) != (position is None):
            yield Shown("history", State.CONTRADICTED, "the statement and its bundle differ about a history")
        elif reading.history is not None:
            yield Shown("history", State.NOT_SHOWN, "the audit does not stand in the history that you gave")
        else:
            yield Shown("history", State.CLAIMED, "no history: whether earlier audits failed is not shown")
        yield from _report(reading, None) if bundle.history is None else ()
        return
    try:
        history = read_history(bundle.history, "history.a7h")
        heads = heads_among(bundle.anchors)
        witnesses = _witnesses([*keys_among(bundle.anchors), *history.vendors], history, reading)
        other = None if reading.history is None else read_history(reading.history, "the history that you gave")
    except AuditError as error:
        yield Shown("history", State.CONTRADICTED, error.message)
        return
    sealed = _sealed(history, reading)
    if sealed is None or sealed.answers is None:
        yield Shown("history", State.CONTRADICTED, "the history has no such audit at its place")
        return
    yield from _attempts(history, history.entries[sealed.answers], reading, heads, witnesses)
    if other is not None:
        yield from _against(history, other, sealed)
    yield from _of_later(history if other is None or len(other.entries) < len(history.entries) else other, sealed)


def _witnesses(keys: Iterable[PublicKey], history: History, reading: Reading) -> dict[PublicKey, float]:
    """Return keys of other parties, by key and by name, and from when on each counts: a stolen key dates a signature as
    it likes.
    """
    auditor_keys = {entry.key for entry in history.entries if entry.kind in {"registered", "started", "sealed"}}
    prints = {PublicKey(bytes.fromhex(key)).fingerprint for key in auditor_keys}
    prints |= {signature.keyid for signature in reading.bundle.envelopes[0].signatures}
    parties = parties_of(reading, prints)
    begins = dict[PublicKey, float]()
    for key in keys:
        owner = reading.trust.owner(key.fingerprint, "witness", "regulator", "vendor")
        if owner is None or key.fingerprint in prints or owner.party in parties:
            continue
        if owner.until is not None and owner.until < reading.today:
            continue
        since = owner.begins
        begins[key] = 0.0 if since is None else datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp()
    return begins


def parties_of(reading: Reading, fingerprints: Collection[str]) -> set[str]:
    """Return the names of who made an audit: of the owners of these keys, and of the auditor that its release names."""
    named = {signer.party for signer in reading.trust.signer if signer.fingerprint in fingerprints}
    with contextlib.suppress(AuditError):  # said of it already
        named.add(party_of(parse_release(reading.bundle.public.get(RELEASE, b"")).about.auditor))
    return named - {""}


def _sealed(history: History, reading: Reading) -> Entry | None:
    """Return the entry that a statement says is its own, if it says the same of the statement."""
    position = reading.evidence.history
    if position is None or not 0 < position.index < len(history.entries):
        return None
    entry = history.entries[position.index]
    follows = payload_sha256(history.payloads[position.index - 1]) == position.previous
    same = (entry.kind, entry.system, entry.headline) == ("sealed", reading.evidence.system, reading.evidence.headline)
    is_own = entry.statement == hashlib.sha256(reading.bundle.statement).hexdigest()
    starts = [start for start in history.entries if start.index == entry.answers]
    registered = [start.answers for start in starts] == [reading.evidence.registration]
    return entry if follows and same and is_own and registered else None


def _attempts(
    history: History,
    started: Entry,
    reading: Reading,
    heads: dict[str, Checkpoint],
    witnesses: dict[PublicKey, float],
) -> Iterator[Shown]:
    sizes, others = witnessed_sizes(history, heads, witnesses, started.at)
    if others:
        yield Shown("heads", State.CONTRADICTED, f"{printable(', '.join(others))}: a head of another history")
        return
    signer = PublicKey(bytes.fromhex(started.key)).fingerprint
    if reading.trust.owner(signer, "auditor") is None:
        yield Shown("history-signer", State.CLAIMED, f"the history is signed by {signer}: not a key that you trust")
    # a file can be called by another number than its head has entries
    stamps = [
        (heads[f"{name}{HEAD}"].size, time) for name, time in reading.stamps().at.items() if f"{name}{HEAD}" in heads
    ]
    signed = [
        (head.size, datetime.fromtimestamp(time, UTC))
        for head in heads.values()
        for _, time in head.witnessed_by(witnesses)
    ]
    seen = [time for size, time in [*stamps, *signed] if size <= started.index]
    if seen and max(seen) - _CLOCKS > datetime.fromisoformat(reading.evidence.sealed_at):
        yield Shown(
            "sealed-at", State.CONTRADICTED, "the audit says that it was sealed before others saw that it was not"
        )
    began = datetime.fromisoformat(started.at)
    sizes += [size for size, time in stamps if time.replace(microsecond=0) <= began]
    standing = standing_of(history, started, reading.evidence.commitments, witnessed=sizes)
    by_others = [entry for entry in history.entries[: started.index] if entry.key != started.key]
    answered = any(entry.kind == "answered" and entry.system == started.system for entry in by_others)
    yield from _report(reading, standing, answered=answered)
    before = "".join(f"{outcome.replace('_', ' ')}, " for outcome in standing.earlier)
    yield Shown(
        "attempts",
        State.HOLDS,
        f"attempt {standing.attempt} of this system in this history: {before}this one; of audits under another name, "
        f"in another history, or after its {count_of(len(history.entries), 'entry', 'entries')}, nothing is shown",
    )
    yield Shown("registration", *_REGISTERED[standing.registration])
    if standing.open_registrations:
        number = count_of(standing.open_registrations, "earlier registration")
        yield Shown("open-registrations", State.CLAIMED, f"{number} of this system without a result")
    for name, head in heads.items():
        for key, time in head.witnessed_by(witnesses):
            owner = reading.trust.owner(key.fingerprint, "witness", "regulator")
            witness, day = "" if owner is None else printable(owner.name), datetime.fromtimestamp(time, UTC).date()
            entries = count_of(head.size, "entry", "entries")
            yield Shown("head", State.HOLDS, f"{witness} signed the head of {entries} on {day} ({printable(name)})")


def _report(reading: Reading, standing: Standing | None, *, answered: bool = False) -> Iterator[Shown]:
    """Hold what the reports say of the history, and of a vendor's answers, against what it shows to this reader."""
    try:
        about = parse_release(reading.bundle.public.get(RELEASE, b"")).about
    except AuditError:
        return
    if about.kind == "blind" and not answered:
        yield Shown("vendor", State.NOT_SHOWN, "the report says that a vendor answered, and none has signed that here")
    report = about.history
    if report is None:
        return
    if standing is None:
        yield Shown("report", State.NOT_SHOWN, "the report says what a history shows, and none is here to check it")
    elif (report.attempt, report.earlier, report.open_registrations) != (
        standing.attempt,
        standing.earlier,
        standing.open_registrations,
    ):
        yield Shown("report", State.CONTRADICTED, "the report says otherwise of earlier audits than the history")
    elif _FIXED.index(report.registration) < _FIXED.index(standing.registration) and report.registration in _WITNESSED:
        yield Shown(
            "report",
            State.NOT_SHOWN,
            "the report says that another key signed the history before scoring began: nobody whom you trust did",
        )


def _against(history: History, other: History, sealed: Entry) -> Iterator[Shown]:
    """Compare with a history that came by another way: one of the two must be the beginning of the other."""
    shared = min(len(history.entries), len(other.entries))
    if history.payloads[:shared] != other.payloads[:shared]:
        yield Shown("fork", State.CONTRADICTED, "the history that you gave is another one: there are two")
        return
    if len(other.entries) <= sealed.index:
        yield Shown("given-history", State.NOT_SHOWN, "the history that you gave ends before this audit")
        return
    yield Shown("given-history", State.HOLDS, "the history that you gave has the same entries")


def _of_later(longest: History, sealed: Entry) -> Iterator[Shown]:
    for entry in longest.entries[sealed.index + 1 :]:
        if entry.answers != sealed.index:
            continue
        when = f"on {entry.at[:10]}, signed by {PublicKey(bytes.fromhex(entry.key)).fingerprint}"
        if entry.kind != "asked_again":
            yield Shown(entry.kind, State.NOT_SHOWN, f"the audit was {entry.kind} {when}")
        else:
            how = "as its vendor had" if entry.alike else "some cases otherwise than its vendor had"
            state = State.CLAIMED if entry.alike else State.NOT_SHOWN
            yield Shown(entry.kind, state, f"the system at work, asked again, answered {how}: {when}")
