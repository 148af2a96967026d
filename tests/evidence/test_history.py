"""A history of audits: what it shows of attempts and registrations, and what is noticed when it is changed."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from made.sealed import signer_in

from audit.errors import EvidenceError, StorageError
from audit.evidence.checkpoint import checkpoint_of, parse_checkpoint, root_of
from audit.evidence.history import History, read_history
from audit.evidence.history_file import HistoryFile, open_history
from audit.evidence.keys import Signer
from audit.evidence.registration import QUESTION, SET, standing_of, witnessed_sizes
from audit.evidence.statement import System

SYSTEM = System(owner="An agency", name="Triage")
OTHER = System(owner="An agency", name="Another")
AT = "2026-11-29T12:00:00Z"
ASKED = {QUESTION: "a" * 64, SET: "b" * 64}


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return signer_in(tmp_path_factory.mktemp("keys"))


def sealed(history: History, signer: Signer, answers: int, headline: str = "fail") -> History:
    return history.with_entry(
        signer, "sealed", AT, SYSTEM, answers=answers, headline=headline, statement=f"{answers:064}"
    )


@pytest.fixture(scope="module")
def walked(signer: Signer) -> History:
    """Two audits that failed, one that was aborted, a registration without a result, and one that goes on."""
    history = History().with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    history = history.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=0)
    history = sealed(history, signer, 1)
    history = history.with_entry(signer, "started", AT, SYSTEM)
    history = sealed(history, signer, 3)
    history = history.with_entry(signer, "started", AT, SYSTEM)
    history = history.with_entry(signer, "aborted", AT, SYSTEM, answers=5)
    history = history.with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    return history.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED)


def test_a_history_is_read_as_it_was_written(walked: History) -> None:
    assert read_history(walked.content, "history.a7h") == walked


def test_earlier_attempts_and_open_registrations_are_said(walked: History) -> None:
    standing = standing_of(walked, walked.entries[-1], ASKED, declared=True)
    assert standing.attempt == 4
    assert standing.earlier == ("fail", "fail", "aborted")
    assert standing.open_registrations == 1
    assert standing.registration == "registered_late"  # it answers none, and there is one
    assert standing_of(walked, walked.entries[3], ASKED).attempt == 2


@pytest.mark.parametrize("change", ["drop", "swap", "rewrite", "double"])
def test_whatever_is_done_to_an_entry_is_noticed(walked: History, change: str) -> None:
    lines = walked.content.splitlines(keepends=True)
    for index in range(len(lines) - 1):
        other = list(lines)
        if change == "drop":
            del other[index]
        elif change == "swap":
            other[index], other[index + 1] = other[index + 1], other[index]
        elif change == "double":
            other.insert(index, other[index])
        else:
            other[index] = lines[index].replace(b'"keyid":"', b'"keyid":"0')
        with pytest.raises(EvidenceError):
            read_history(b"".join(other), "history.a7h")


def test_a_tail_that_is_cut_off_is_noticed_by_whoever_holds_a_later_head(walked: History, signer: Signer) -> None:
    shorter = read_history(b"".join(walked.content.splitlines(keepends=True)[:-4]), "history.a7h")
    heads = {"9.checkpoint": checkpoint_of(walked.payloads)}
    assert witnessed_sizes(shorter, heads, {signer.public: 0.0}, AT) == ([], ["9.checkpoint"])


@pytest.mark.parametrize(
    ("answers", "commitments", "witnessed", "expected"),
    [
        (0, ASKED, [1], "shown"),
        (0, {**ASKED, SET: "c" * 64}, [1], "shown_for_limits"),
        (0, {**ASKED, QUESTION: "c" * 64}, [1], "registered_late"),
        (0, ASKED, [], "declared"),
        (0, ASKED, [2], "declared"),  # signed only after it started
        (None, ASKED, [1], "registered_late"),
    ],
)
def test_the_states_of_a_registration(
    signer: Signer, answers: int | None, commitments: dict[str, str], witnessed: list[int], expected: str
) -> None:
    history = History().with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    history = history.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=answers)
    standing = standing_of(history, history.entries[1], commitments, witnessed=witnessed)
    assert standing.registration == expected


def test_a_second_registration_beside_an_open_one_is_a_late_one(signer: Signer) -> None:
    history = History().with_entry(signer, "registered", AT, SYSTEM, commitments={QUESTION: "c" * 64})
    history = history.with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    history = history.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=1)
    assert standing_of(history, history.entries[2], ASKED, witnessed=[2]).registration == "registered_late"


def test_a_registration_that_is_withdrawn_after_the_audit_still_makes_the_other_a_late_one(signer: Signer) -> None:
    history = History().with_entry(signer, "registered", AT, SYSTEM, commitments={QUESTION: "c" * 64})
    history = history.with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    history = history.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=1)
    after = sealed(history, signer, 2).with_entry(signer, "withdrawn", AT, SYSTEM, answers=0)
    standing = standing_of(after, after.entries[2], ASKED, witnessed=[2])
    assert (standing.registration, standing.open_registrations) == ("registered_late", 1)
    before = History(history.envelopes[:2], history.entries[:2]).with_entry(signer, "withdrawn", AT, SYSTEM, answers=0)
    before = before.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=1)
    assert standing_of(before, before.entries[3], ASKED, witnessed=[2]).registration == "shown"


def test_a_registration_answers_one_sealed_audit(signer: Signer) -> None:
    history = History().with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    history = history.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=0)
    history = sealed(history, signer, 1).with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=0)
    assert standing_of(history, history.entries[3], ASKED, witnessed=[1]).registration == "not_shown"


@pytest.mark.parametrize(("seconds", "sizes"), [(-1, [9]), (0, [9]), (1, [])])
def test_a_head_that_was_signed_after_the_start_shows_nothing(
    walked: History, signer: Signer, seconds: int, sizes: list[int]
) -> None:
    """Whoever has the file can cut it to any number of entries, and have that head signed at any time."""
    start = int(datetime.fromisoformat(AT).timestamp())
    heads = {"9.checkpoint": checkpoint_of(walked.payloads).cosigned(signer, start + seconds)}
    assert witnessed_sizes(walked, heads, {signer.public: 0.0}, AT) == (sizes, [])


def test_no_registration_is_declared_or_not_shown(signer: Signer) -> None:
    history = History().with_entry(signer, "started", AT, SYSTEM, commitments=ASKED)
    states = [standing_of(history, history.entries[0], ASKED, declared=said).registration for said in (True, False)]
    assert states == ["declared", "not_shown"]


def test_a_second_audit_after_a_registered_one_is_not_registered(signer: Signer) -> None:
    history = History().with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    history = history.with_entry(signer, "started", AT, SYSTEM, commitments=ASKED, answers=0)
    history = sealed(history, signer, 1).with_entry(signer, "started", AT, SYSTEM, commitments=ASKED)
    assert standing_of(history, history.entries[3], ASKED, witnessed=[1]).registration == "not_shown"
    later = history.with_entry(signer, "registered", AT, SYSTEM, commitments=ASKED)
    assert standing_of(later, history.entries[3], ASKED, witnessed=[1]).registration == "registered_late"


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("sealed", {"headline": "pass", "statement": "0" * 64}),
        ("sealed", {"answers": 0}),
        ("sealed", {"answers": 3, "headline": "pass", "statement": "0" * 64}),
        ("aborted", {"answers": 1}),
        ("aborted", {"answers": 99}),
        ("withdrawn", {"answers": 1}),
        ("superseded", {"answers": 0}),
        ("started", {"answers": 1}),
        ("registered", {"answers": 0}),
        ("started", {"headline": "pass"}),
    ],
)
def test_an_entry_that_answers_what_it_cannot_is_refused(
    walked: History, signer: Signer, kind: str, more: dict[str, object]
) -> None:
    with pytest.raises(EvidenceError):
        walked.with_entry(signer, kind, AT, SYSTEM, **more)  # type: ignore[arg-type]


def test_another_system_cannot_end_an_audit(walked: History, signer: Signer) -> None:
    with pytest.raises(EvidenceError):
        walked.with_entry(signer, "aborted", AT, OTHER, answers=8)


def test_an_audit_ends_once(signer: Signer) -> None:
    started = History().with_entry(signer, "started", AT, SYSTEM)
    for ended in (sealed(started, signer, 0), started.with_entry(signer, "aborted", AT, SYSTEM, answers=0)):
        with pytest.raises(EvidenceError, match="cannot stand"):
            sealed(ended, signer, 0)
        with pytest.raises(EvidenceError, match="cannot stand"):
            ended.with_entry(signer, "aborted", AT, SYSTEM, answers=0)
    taken_back = sealed(started, signer, 0).with_entry(signer, "withdrawn", AT, SYSTEM, answers=1)
    taken_back.with_entry(signer, "superseded", AT, SYSTEM, answers=1)
    with pytest.raises(EvidenceError, match="cannot stand"):
        taken_back.with_entry(signer, "withdrawn", AT, SYSTEM, answers=1)


def _by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    import hashlib

    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = next(size for size in (2**power for power in itertools.count()) if size * 2 >= len(leaves))
    return hashlib.sha256(b"\1" + _by_definition(leaves[:split]) + _by_definition(leaves[split:])).digest()


def test_the_root_is_that_of_rfc_6962() -> None:
    for size in range(1, 70):
        leaves = [bytes([size, leaf]) for leaf in range(size)]
        assert root_of(leaves) == _by_definition(leaves)


def test_a_head_is_signed_by_a_witness_and_says_when(walked: History, tmp_path: Path) -> None:
    witness, stranger = signer_in(tmp_path, "witness.key"), signer_in(tmp_path, "stranger.key")
    head = checkpoint_of(walked.payloads).cosigned(witness, 1_790_000_000)
    read = parse_checkpoint(head.content, "9.checkpoint")
    assert read == head
    assert read.witnessed_by({stranger.public: 0.0, witness.public: 0.0}) == [(witness.public, 1_790_000_000)]
    later = head.content.replace(b"\n9\n", b"\n8\n")
    assert parse_checkpoint(later, "9.checkpoint").witnessed_by({witness.public: 0.0}) == []


def test_a_head_with_any_bit_changed_is_refused_or_signed_by_nobody(walked: History, signer: Signer) -> None:
    head = checkpoint_of(walked.payloads).cosigned(signer, 1_790_000_000).content
    for at in range(len(head)):
        for bit in range(8):
            changed = bytearray(head)
            changed[at] ^= 1 << bit
            try:
                read = parse_checkpoint(bytes(changed), "9.checkpoint")
            except EvidenceError:
                continue
            assert not read.witnessed_by({signer.public: 0.0})


def test_an_entry_that_is_there_though_its_folder_failed_is_known(
    signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it not, the next entry would take its place: "aborted" where the file says "sealed"."""

    def fails(_: Path) -> None:
        raise OSError(5, "Input/output error")

    with open_history(tmp_path / "h.a7h") as file:
        started = file.append(signer, "started", AT, SYSTEM)
        ended: dict[str, Any] = {"answers": started.index, "headline": "fail", "statement": "0" * 64}
        monkeypatch.setattr("audit.storage.sync_folder", fails)
        with pytest.raises(StorageError):
            file.append(signer, "sealed", AT, SYSTEM, **ended)
        assert [entry.kind for entry in file.history.entries] == ["started", "sealed"]
    assert [entry.kind for entry in HistoryFile(tmp_path / "h.a7h").history.entries] == ["started", "sealed"]
