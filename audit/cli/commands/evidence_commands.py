"""Commands `key`, `seal`, `verify` and `attach`: evidence that a second party can check."""

from __future__ import annotations

import enum
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from audit.cli.commands.shared_options import AsJson, PlanOfResult, RestrictedFolder, SigningKey
from audit.cli.console.terminal import Style, note, say
from audit.cli.outputs.named_folders import find_restricted_folder, public_folder
from audit.cli.outputs.signer import new_passphrase, now, open_signer
from audit.detectors.isolation.options import Sandbox
from audit.errors import ArgumentError, EvidenceError, ExitCode
from audit.evidence.keys import SIGNATURE_BYTES, new_private_key, read_public_key
from audit.storage import bytes_of_result
from audit.vocabulary.file_names import EVIDENCE, OF_FILE_MANAGERS, RELEASE, RESTRICTED_EVIDENCE
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.evidence.bundle import Bundle
    from audit.evidence.replay import Run
    from audit.evidence.seal import Published
    from audit.evidence.shown import Verified


CHECKED_WITH = frozenset({".a7h", ".a7k", ".checkpoint", ".key", ".pem", ".pub", ".sig", ".toml", ".tsq", ".tsr"})
"""Ends of the names of what bundles are checked with: nobody takes such a file for a part of the audit."""


class ReplayLevel(enum.StrEnum):
    """Level of a replay."""

    PUBLIC = "public"
    COUNTS = "counts"
    SCORES = "scores"


RestrictedBundle = Annotated[Path, typer.Argument(help="evidence-restricted.a7k.")]
WhichLevels = Annotated[
    list[ReplayLevel] | None,
    typer.Option(help="What to make again; may be repeated.  [all that can be]"),
]
PlanFolder = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where the plan's files lie, for those not in the bundle.")
]


class KeyAction(enum.StrEnum):
    """Action on a key."""

    NEW = "new"
    SHOW = "show"


def key(
    action: Annotated[KeyAction, typer.Argument(help="new makes a key, show prints the fingerprint of one.")],
    file: Annotated[Path, typer.Argument(help="The private key; for show a public one does too.")],
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the file open to whoever gets it, for a build.")
    ] = False,
) -> None:
    """Make a key that signs audits, or print the fingerprint that its owner gives to others.

    The public part lies beside the private one, as FILE.pub. OpenSSL reads both.
    """
    from audit.cli.outputs.output_folder import write_file

    beside = file.with_name(f"{file.name}.pub")
    if action is KeyAction.SHOW:
        try:
            say(read_public_key(beside if beside.exists() else file).fingerprint)
        except EvidenceError:
            say(open_signer(file).public.fingerprint)
        return
    if file.exists() or beside.exists():
        raise ArgumentError(f"{file.name} or {beside.name} is there already", slug="key-exists")
    private_key, public = new_private_key(None if no_passphrase else new_passphrase())
    write_file(file, private_key)
    write_file(beside, public.pem, private=False)
    note(f"Key: {file}, for you alone; {beside.name} is for everybody.")
    note("Its fingerprint, for whoever is to trust it (on the contract, by telephone; not beside the audit):")
    say(public.fingerprint)


def seal(
    folder: Annotated[Path, typer.Argument(help="The output folder of a run.")],
    key: SigningKey = None,
    with_rows: Annotated[
        bool,
        typer.Option("--with-rows", help="Put set, detector and answers into the restricted bundle, for a replay."),
    ] = False,
    restricted_folder: RestrictedFolder = None,
    plan: PlanOfResult = None,
    history: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Finish a run that was killed once this history said sealed.")
    ] = None,
) -> None:
    """Seal a published audit: sign its public files, and commit to all that is restricted.

    The folder `public` gets evidence.a7k, for everybody. Beside `result.json` lies evidence-restricted.a7k: whoever may
    see exact figures can make the public ones again with it.
    """
    from audit.cli.outputs.evidence_files import write_bundles
    from audit.evidence import seal as sealing

    with _held(folder):
        if history is not None:
            _finish(folder, history)
            return
        document = sealing.read_result(folder)
        result, loaded = document.result, None
        if with_rows or plan is not None or result.plan.disclosure.folder is not None:
            from audit.verdicts.changes.baseline import plan_at_hand  # as much to load as the rest

            loaded = plan_at_hand(result, plan)
        restricted = find_restricted_folder(
            folder, result.plan.disclosure, None if loaded is None else loaded.folder, restricted_folder
        )
        published = sealing.read_published(folder, restricted, document)
        if with_rows:
            from audit.cli.outputs.evidence_files import rows_of

            published = replace(published, rows=rows_of(result, loaded, folder))
        standing = _standing_bundle(folder / RESTRICTED_EVIDENCE, published)
        if standing is not None:
            bundles, signed = (
                sealing.with_rows(standing, published),
                "as it was signed; the restricted one has the rows now",
            )
        else:
            signer = None if key is None else open_signer(key)
            bundles = sealing.seal(published, now(), signer)
            signed = "not signed yet" if signer is None else f"signed with {signer.public.fingerprint}"
        with write_bundles(folder, bundles):
            pass
        note(f"Evidence: {public_folder(folder) / EVIDENCE} ({signed})")
        note(f"For whoever may see exact figures: {folder / RESTRICTED_EVIDENCE} (restricted)")


def _held(folder: Path) -> AbstractContextManager[object]:
    """Keep runs out of an output folder meanwhile, where there is one. Raises FolderInUseError if one writes there."""
    from audit.cli.outputs.output_folder import OutputFolder

    return OutputFolder(folder, replaces=()) if folder.is_dir() else nullcontext()


def _standing_bundle(path: Path, published: Published) -> Bundle | None:
    """Return the bundle that lies there if it is of this audit, with a history or a countersignature, to add rows to.

    Raises
    ------
    ArgumentError
        If no rows are to be added: sealed anew it would have neither.
    """
    from audit.evidence.bundle import MAX_BYTES, read_bundle
    from audit.evidence.seal import has_more_than_a_seal

    if not path.exists():
        return None
    lies = read_bundle(bytes_of_result(path, MAX_BYTES), path.name)
    if not has_more_than_a_seal(lies, published):
        return None
    if not published.rows:
        raise ArgumentError(
            "the audit is sealed, with a history or a countersignature",
            slug="sealed-already",
            hint=f"--with-rows adds rows to {path.name}; remove that file to seal the audit anew, without these",
        )
    return lies


def _finish(folder: Path, history: Path) -> None:
    from audit.cli.outputs.evidence_files import finish_bundles
    from audit.evidence.history_file import open_history

    with open_history(history) as file:
        known = {entry.statement for entry in file.history.entries if entry.statement is not None}
        if not finish_bundles(folder, known):
            raise ArgumentError(f"no bundle waits in {folder} that {history.name} knows", slug="nothing-waits")
    note(f"Evidence: {folder / 'public'}, as the run would have left it")


def verify(
    bundle: Annotated[Path, typer.Argument(help="evidence.a7k, or the folder in which it lies.")],
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Fingerprint or file of a public key that you trust; may be repeated."),
    ] = None,
    trust: Annotated[Path | None, typer.Option(metavar="FILE", help="Whom you trust: trust.toml.")] = None,
    history: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A history that you got elsewhere: the bundle's must be part of it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a bundle of evidence shows, and what it does not. Nothing restricted is needed.

    Exit codes: 0 the evidence holds, whatever the verdict is; 3 something is not shown; 5 something is contradicted.
    """
    from audit.evidence.bundle import MAX_BYTES
    from audit.evidence.trust import read_trust
    from audit.evidence.verification import verify as verified

    if bundle.is_dir():
        bundle = next(
            (at for at in (bundle / EVIDENCE, bundle / "public" / EVIDENCE) if at.exists()), bundle / EVIDENCE
        )
    content = bytes_of_result(bundle, MAX_BYTES)
    trusted = read_trust(trust, key or ())
    given_history = None if history is None else bytes_of_result(history, MAX_BYTES)
    today = datetime.now(UTC).date()
    checks = verified(
        content,
        bundle.name,
        trusted,
        today,
        lambda name: _beside(bundle, name),
        given_history,
        list(_strangers(bundle)),
    )
    _end(checks, bundle, _print, as_json=as_json)


def attach(
    bundle: Annotated[Path, typer.Argument(help="evidence.a7k or evidence-restricted.a7k.")],
    file: Annotated[
        Path, typer.Argument(help="A signature that `openssl pkeyutl` made, or the reply of a time authority.")
    ],
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The public key of the signature.")] = None,
) -> None:
    """Put into a bundle what was made elsewhere: a signature of a card, or a time stamp over one."""
    from audit.cli.outputs.output_folder import write_file
    from audit.evidence.bundle import MAX_BYTES, read_bundle
    from audit.evidence.time_stamps import MAX_BYTES as LARGEST_REPLY

    read = read_bundle(bytes_of_result(bundle, MAX_BYTES), bundle.name)
    if key is None:
        more = read.with_time_stamp(bytes_of_result(file, LARGEST_REPLY))
    else:
        more = read.with_signature(read_public_key(key), bytes_of_result(file, SIGNATURE_BYTES))
    write_file(bundle, more.content, private=read.openings is not None)
    note(f"{file.name} is in {bundle}")


def replay(
    bundle: RestrictedBundle,
    level: WhichLevels = None,
    folder: PlanFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make an audit again from its restricted bundle, and compare it byte for byte. No key is needed.

    Exit codes: 0 all came out the same; 3 something could not be made again; 5 something came out otherwise.
    """
    verification = _replayed(bundle, level or (), folder)[1]
    _end(verification, bundle, _print_lines, as_json=as_json)


def countersign(
    bundle: RestrictedBundle,
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private key of the second party.")],
    level: WhichLevels = None,
    folder: PlanFolder = None,
) -> None:
    """Make an audit again, and sign which levels came out the same. Nothing is signed if one of them does not.

    Both bundles are written with the signature: the restricted one in its place, evidence.a7k beside it.
    """
    from audit.cli.outputs.output_folder import write_file
    from audit.evidence.replay import countersigned

    signer = open_signer(key)
    read, verification = _replayed(bundle, level or (), folder)
    _print_lines(verification, bundle)
    if verification.exit_code:
        note("Nothing was signed.")
        raise typer.Exit(verification.exit_code)
    signed = countersigned(read, verification.shown, now(), signer)
    write_file(bundle, signed.content)
    write_file(bundle.with_name(EVIDENCE), signed.for_everybody.content, private=False)
    note(f"Countersigned with {signer.public.fingerprint}: {bundle} and {bundle.with_name(EVIDENCE)}")


def _replayed(path: Path, levels: Sequence[ReplayLevel], folder: Path | None) -> tuple[Bundle, Verified]:
    """Check a restricted bundle, then make levels of it again: those that are asked for, or all that it can have."""
    from audit.evidence.bundle import MAX_BYTES, read_bundle
    from audit.evidence.replay import LEVELS
    from audit.evidence.replay import replay as replayed
    from audit.evidence.shown import State, Verified
    from audit.evidence.trust import Trust
    from audit.evidence.verification import verify as verified

    content = bytes_of_result(path, MAX_BYTES)
    read, checked = read_bundle(content, path.name), verified(content, path.name, Trust(), datetime.now(UTC).date())
    # what another version made may not be read here: then nothing is known of it either
    wrong = tuple(
        line
        for line in checked.shown
        if line.state == State.CONTRADICTED
        or (line.state == State.NOT_SHOWN and line.code in {"release", "restricted"})
    )
    if wrong:
        return read, Verified(wrong, checked.evidence)
    chosen = [level for level in LEVELS if ReplayLevel(level) in levels]
    return read, Verified(tuple(replayed(read, chosen, folder, run_again)), checked.evidence)


def run_again(plan: dict[str, Any], folder: Path, work: Path) -> Run:
    """Run a plan whose files lie in `folder`, and publish nothing; the answers go into `work`. Raises AuditError."""
    from audit.evidence import replay as replaying
    from audit.run import run_audit

    answers = work / "predictions.parquet"
    result = run_audit(plan, folder=folder, predictions_to=answers, crosscheck=False, sandbox=Sandbox.AUTO)
    return replaying.Run(result, answers)


def _beside(bundle: Path, name: str) -> bytes | None:
    """Return the file of this name that lies beside a bundle: it is what a reader opens."""
    from audit.evidence.bundle import MAX_BYTES

    file = Path(os.path.realpath(bundle.with_name(name)))
    return bytes_of_result(file, MAX_BYTES) if file.is_file() else None


def _strangers(bundle: Path) -> Iterator[str]:
    """Yield the names of what else a reader could open in the folder of a bundle, where it is that of a release."""
    if not bundle.with_name(RELEASE).is_file():
        return
    for entry in sorted(bundle.parent.iterdir()):
        hidden = entry.name.startswith(".") or entry.name in OF_FILE_MANAGERS or entry.suffix in CHECKED_WITH
        if not hidden and (entry.is_file() or entry.is_dir()):
            yield f"{entry.name}/" if entry.is_dir() else entry.name


def _end(verification: Verified, bundle: Path, show: Callable[[Verified, Path], None], *, as_json: bool) -> NoReturn:
    if as_json:
        say(_as_json(verification))
    else:
        show(verification, bundle)
    raise typer.Exit(verification.exit_code)


def _as_json(verification: Verified) -> str:
    shown = [{"code": line.code, "state": line.state.value, "text": line.text} for line in verification.shown]
    return json.dumps({"exit_code": int(verification.exit_code), "shown": shown}, indent=1)


def _print(verification: Verified, bundle: Path) -> None:
    _print_lines(verification, bundle)
    if verification.evidence is None or verification.exit_code == ExitCode.NOT_VERIFIED:
        say("\nDo not rely on it, and ask whoever gave it to you for another.")
        return
    system = verification.evidence.system
    say(f"\nThe statement says that the audit of {printable(system.name)} by {printable(system.owner)} ended:")
    say(f"{verification.evidence.headline}. Whether that is right is not a question of signatures: read the report.")


def _print_lines(verification: Verified, bundle: Path) -> None:
    style = Style.of(sys.stdout)
    roles = {"holds": "pass", "contradicted": "fail", "not shown": "inconclusive"}
    say(printable(bundle.name))
    for line in verification.shown:
        state = f"{line.state.value:<14}"
        say(f"  {style.paint(state, roles.get(line.state.value, 'faint'))}{printable(line.text)}")
