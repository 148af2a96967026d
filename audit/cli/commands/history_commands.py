"""Commands `register` and `history`: what will be asked, how often it was tried, and who has seen that."""

from __future__ import annotations

import hashlib
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.commands.shared_options import PlanPath
from audit.cli.console.terminal import note, say
from audit.cli.outputs.signer import now, open_signer
from audit.errors import ArgumentError, EvidenceError, ExitCode
from audit.storage import bytes_of_result
from audit.vocabulary.text import count_of, printable

if TYPE_CHECKING:
    from audit.evidence.history_file import HistoryFile
    from audit.evidence.statement import System
    from audit.plan.file.plan_file import LoadedPlan

HistoryPath = Annotated[Path, typer.Argument(help="The history: history.a7h.")]


def register(
    plan: PlanPath,
    history: Annotated[Path, typer.Option(metavar="FILE", help="The history, which is made if there is none.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private key that signs.")],
) -> None:
    """Write into a history what an audit will ask: rules, limits, groups, and the set if it is there.

    Entries hold commitments: nobody learns what is asked until the plan is shown. To prove that it was fixed in time,
    let another party sign the head of the history before the run: audit7k history FILE --cosign THEIR.key
    """
    from audit.evidence.history import payload_sha256
    from audit.evidence.history_file import open_history
    from audit.evidence.registration import QUESTION, SET, system_of
    from audit.evidence.seal import question_digest
    from audit.plan.file.plan_file import read_plan_file

    loaded, signer = read_plan_file(plan), open_signer(key)
    about = loaded.plan.audit
    system, set_sha256 = system_of(about.owner, about.system, about.title), _set_sha256(loaded)
    with open_history(history) as file:
        opened = file.opened({QUESTION: question_digest(loaded.plan), SET: set_sha256}, None)
        if set_sha256 is None:
            del opened[SET]
        entry = file.append(signer, "registered", now(), system, opened)
        digest = payload_sha256(file.history.payloads[-1])
        _keep_head(file)
    what = "rules, limits and groups" if set_sha256 is None else "rules, limits, groups and set"
    note(f"Entry {entry.index} of {history}: {what} of {plan.name}")
    if set_sha256 is None:
        note("The set is not there yet, so the history cannot show that it was fixed before.")
    note(f"Keep {history.name}.openings, and give it to nobody: without it nothing shows what was registered.")
    say(digest)


def history(  # noqa: PLR0913, PLR0917 - a parameter for each option
    file: HistoryPath,
    cosign: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Sign its head as a witness, with this private key.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A head or a copy that you kept: say whether it is a part.")
    ] = None,
    time_request: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a request for a time stamp over its head (RFC 3161).")
    ] = None,
    time_reply: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the reply of a time authority over its head.")
    ] = None,
    beacon: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="Print a seed for `draw` of the last registration and this value."),
    ] = None,
    withdraw: Annotated[
        int | None, typer.Option(metavar="ENTRY", min=0, help="Withdraw a registration or a sealed audit.")
    ] = None,
    supersede: Annotated[
        int | None, typer.Option(metavar="ENTRY", min=0, help="Say that a sealed audit is replaced by a later one.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The private key for the last two.")] = None,
) -> None:
    """Show a history of audits; sign its head, compare it with one that you kept, or take an entry back.

    Exit code 5: an entry was changed, or the other file is of another history.
    """
    from audit.evidence.history_file import HistoryFile, open_history

    if not file.is_file() or not file.stat().st_size:
        raise ArgumentError(f"there is no history in {file}", slug="no-history")
    if (withdraw is not None or supersede is not None) != (key is not None):
        raise ArgumentError(
            "--withdraw and --supersede are signed", slug="history-arguments", hint="name the key with --key"
        )
    try:
        is_read = cosign is None and key is None and time_request is None and time_reply is None
        # an entry is there whole or not at all: to read them, nobody need be able to write beside them
        with nullcontext(HistoryFile(file)) if is_read else open_history(file) as opened:
            code = ExitCode.PASS if against is None else _compare(opened, against)
            if code == ExitCode.PASS:  # nobody signs what is not the history that they kept
                if key is not None:
                    _take_back(opened, withdraw, supersede, key)
                if cosign is not None:
                    _cosign(opened, cosign)
                _stamp(opened, time_request, time_reply)
            say("\n".join(_lines(opened)) if beacon is None else str(_seed(opened, beacon)))
    except EvidenceError as error:
        if error.slug != "broken-history":
            raise
        note(f"error: {error}")
        code = ExitCode.NOT_VERIFIED
    raise typer.Exit(code)


def _set_sha256(loaded: LoadedPlan) -> str | None:
    """Return the digest of the set that a plan names, in the form of a result; None if it is not there yet."""
    from audit.cli.outputs.audience import input_files
    from audit.evaluation.evaluation_set import open_evaluation_set

    if not any(path.exists() for path in input_files(loaded.plan, loaded.folder)[:1]):
        return None
    with open_evaluation_set(loaded.plan, loaded.folder) as evaluation_set:
        return evaluation_set.sha256


def _keep_head(file: HistoryFile) -> None:
    """Write the head of now beside the history, for other parties to sign."""
    from audit.evidence.checkpoint import HEAD, checkpoint_of

    head, heads = checkpoint_of(file.history.payloads), file.anchors()
    if f"{head.size}{HEAD}" not in heads:  # others may have signed it
        file.keep_anchor(f"{head.size}{HEAD}", head.content)


def _cosign(file: HistoryFile, key: Path) -> None:
    from audit.evidence.checkpoint import HEAD, checkpoint_of

    signer, head = open_signer(key), checkpoint_of(file.history.payloads)
    name = f"{head.size}{HEAD}"
    largest = next((largest for largest in file.heads().values() if largest.size == head.size), head)
    file.keep_anchor(name, largest.cosigned(signer, int(time.time())).content)
    file.keep_anchor(f"{signer.public.fingerprint[:16]}.pem", signer.public.pem)
    entries = count_of(head.size, "entry", "entries")
    note(f"Signed: the head of {entries}. Keep a copy of {name}: it shows if one is changed later.")


def _stamp(file: HistoryFile, request: Path | None, reply: Path | None) -> None:
    """Write a request for a time stamp over the head of now; keep the reply to one that was written."""
    from audit.cli.outputs.output_folder import write_file
    from audit.evidence.checkpoint import checkpoint_of
    from audit.evidence.time_stamps import MAX_BYTES, TOKEN, is_over, time_request

    head = checkpoint_of(file.history.payloads)
    if request is not None:
        _keep_head(file)
        write_file(request, time_request(head.body.encode()))
        note(f"Request: {request}; send it to a time authority, and give the reply with --time-reply")
    if reply is not None:
        content = bytes_of_result(reply, MAX_BYTES)
        over = next(
            (signed_head.size for signed_head in file.heads().values() if is_over(content, signed_head.body.encode())),
            None,
        )
        if over is None:
            raise ArgumentError(
                f"{reply.name} is no time stamp over a head of {file.path.name}",
                slug="other-time-stamp",
                hint="ask for one with --time-request",
            )
        file.keep_anchor(f"{over}{TOKEN}", content)
        note(f"Kept, over the head of {count_of(over, 'entry', 'entries')}; audit7k verify says when that was seen.")


def _seed(file: HistoryFile, beacon: str) -> int:
    """Return a seed that neither who registered nor who made the value could choose alone."""
    registered = [entry.index for entry in file.history.entries if entry.kind == "registered"]
    if not registered:
        raise ArgumentError("nothing is registered yet", slug="no-entry", hint="audit7k register writes what is asked")
    message = file.history.payloads[registered[-1]] + beacon.encode()
    return int.from_bytes(hashlib.sha256(message).digest()[:4], "big") >> 1


def _take_back(file: HistoryFile, withdraw: int | None, supersede: int | None, key: Path) -> None:
    signer = open_signer(key)
    if withdraw is not None:
        file.append(signer, "withdrawn", now(), _system(file, withdraw), answers=withdraw)
    if supersede is not None:
        file.append(signer, "superseded", now(), _system(file, supersede), answers=supersede)


def _system(file: HistoryFile, index: int) -> System:
    if index >= len(file.history.entries):
        raise ArgumentError(f"there is no entry {index}", slug="no-entry", hint="audit7k history shows them")
    return file.history.entries[index].system


def _compare(file: HistoryFile, other: Path) -> ExitCode:
    from audit.evidence.checkpoint import HEAD, checkpoint_of, parse_checkpoint
    from audit.evidence.history import MAX_BYTES, read_history

    content, payloads = bytes_of_result(other, MAX_BYTES), file.history.payloads
    if other.name.endswith(HEAD):
        head = parse_checkpoint(content, other.name)
        size = head.size
        same_head = checkpoint_of(payloads[:size]) if 1 <= size <= len(payloads) else None
        same = same_head is not None and (same_head.origin, same_head.root) == (head.origin, head.root)
    else:
        before = read_history(content, other.name).payloads
        size, same = len(before), payloads[: len(before)] == before
    if not same:
        say(
            f"{file.path.name} is not the history of {other.name}: entries were changed or taken out, or there are two."
        )
        return ExitCode.NOT_VERIFIED
    say(f"{other.name} is a part of it: {count_of(size, 'entry', 'entries')}.")
    return ExitCode.PASS


def _lines(file: HistoryFile) -> list[str]:
    lines = []
    for entry in file.history.entries:
        reference = "" if entry.answers is None else f" (of entry {entry.answers})"
        verdict = "" if entry.headline is None else f": {entry.headline}"
        verdict = verdict if entry.alike is None else ": all alike" if entry.alike else ": some otherwise"
        system = printable(f"{entry.system.name} · {entry.system.owner}")
        lines.append(f"{entry.index:>4}  {entry.at[:16].replace('T', ' ')}  {entry.kind}{verdict}{reference}  {system}")
    return lines
