"""Commands `blind`: a regulator audits a model that its vendor keeps, with labels that the vendor never sees."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from secrets import SystemRandom
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.commands.shared_options import AllowPickle, NewKey, RestrictedFolder, Where
from audit.cli.console.guard import InterruptibleProgress, guarded
from audit.cli.console.terminal import note, say
from audit.cli.outputs.made_from import mark, unmark
from audit.cli.outputs.named_folders import find_restricted_folder
from audit.cli.outputs.signer import now, open_signer
from audit.detectors.isolation.options import Isolating, Sandbox
from audit.engines.private_folder import PrivateFolder
from audit.errors import ArgumentError, EvidenceError, ExitCode
from audit.storage import bytes_of_result, locked, new_folders, storage
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.evidence.blind.asked_again import Repeat
    from audit.evidence.blind.vendor import Answered
    from audit.evidence.history_file import HistoryFile
    from audit.evidence.keys import Signer
    from audit.plan.file.plan_file import LoadedPlan
    from audit.result.audit_result import AuditResult

blind = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Audit a model that its vendor keeps, with labels that the vendor never sees.",
)
"""The commands of both sides."""

Key = Annotated[Path, typer.Option(metavar="FILE", help="Your private key.")]
History = Annotated[
    Path, typer.Option(metavar="FILE", help="Your copy of the history; it goes on in what you send and are sent.")
]
VendorPlan = Annotated[Path, typer.Option(metavar="FILE", help="The vendor's plan: [audit] and [detector].")]
ChallengeFolder = Annotated[Path, typer.Argument(help="The folder of the challenge.")]
SecretFolder = Annotated[Path, typer.Argument(help="The folder with the challenge's secret: challenge.secret.")]
Days = Annotated[int, typer.Option(metavar="DAYS", min=1, max=3650, help="How many days the vendor has.")]


def _command(short: str, name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def add(command: Callable[..., None]) -> Callable[..., None]:
        blind.command(name, short_help=short)(guarded(command))
        return command

    return add


@_command("Vendor: commit to a model, before anything is asked.")
def commit(
    plan: Annotated[Path, typer.Argument(help="The vendor's plan: [audit] and [detector].")],
    key: Key,
    history: History,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Declare that equal cases are always answered alike.")
    ] = False,
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
) -> None:
    """Write into a history which model will answer. Nobody learns which, until you open the commitment.

    Send the history to the regulator, and keep the file beside it, which holds the opening.
    """
    from audit.evidence.blind import vendor

    loaded = vendor.vendor_plan(plan)
    artefact = vendor.artefact_of(loaded, Isolating(sandbox=sandbox, allow_pickle=allow_pickle))
    with _history_for(history, key) as (file, signer):
        entry = vendor.commit(file, signer, now(), loaded, artefact, deterministic=deterministic)
    note(f"Entry {entry.index} of {history}: {loaded.plan.audit.title} is committed to.")
    if not artefact.is_whole:
        note("Its answers can depend on more than is committed to, so that they are only claimed to be this model's.")
    note(f"Send {history.name} to the regulator; keep {history.name}.openings.")


@_command("Regulator: register what is asked, and write a challenge.")
def challenge(  # noqa: PLR0913, PLR0917 - a parameter for each option
    plan: Annotated[Path, typer.Argument(help="The plan; or the secret folder of a challenge, for its next attempt.")],
    key: Key,
    history: History,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder for the vendor.")] = Path("challenge"),
    commitment: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The history with the vendor's commitment, as it was sent.")
    ] = None,
    twins: Annotated[int, typer.Option(metavar="N", min=0, help="Cases that are given twice.")] = 200,
    log_rows: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Cases from production with what was decided, to be mixed in.")
    ] = None,
    attempts: Annotated[
        int, typer.Option(metavar="K", min=1, help="How often the vendor may try; each spends its part of alpha.")
    ] = 1,
    days: Days = 30,
    restricted_folder: RestrictedFolder = None,
) -> None:
    """Register question, set and labels, and write what the vendor is asked: declared columns under random ids.

    Only the folder of the challenge leaves the house. Its secret lies in the restricted folder.
    """
    from audit.evidence.blind import regulator
    from audit.evidence.history import MAX_BYTES

    deadline = (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with (
        new_folders(out),
        _secret_folder(plan, out, restricted_folder) as secret,
        _history_for(history, key) as (file, signer),
    ):
        if commitment is not None:
            file.adopt(bytes_of_result(commitment, MAX_BYTES), commitment.name, "committed")
        if plan.is_dir():
            terms, alike = regulator.challenge_again(file, signer, now(), plan, out, deadline), 0
        else:
            wanted = regulator.Wanted(plan, out, secret, deadline, attempts, twins, log_rows)
            terms, alike = regulator.challenge(file, signer, now(), wanted)
    note(f"For the vendor: {out} ({terms.rows:,} cases, until {terms.deadline}; columns {', '.join(terms.features)})")
    if alike:
        note(f"{alike:,} of them have the cells of a case that was asked before: if it is that case, it is spent.")
    if terms.attempts > 1:
        note(f'Attempt {terms.attempt} of {terms.attempts}: before the last, only "not passed" is said.')
    if not plan.is_dir():
        note(f"Keep, and give to nobody: {secret}")


@contextmanager
def _secret_folder(plan: Path, out: Path, named: Path | None) -> Iterator[Path]:
    """Yield the folder of the secret: the given one for another attempt, else a new one in the restricted folder."""
    from audit.evidence.blind.terms import secret_of
    from audit.plan.file.plan_file import read_plan_file

    if plan.is_dir():
        yield plan
        return
    loaded = read_plan_file(plan)
    restricted = find_restricted_folder(Path("audit-out"), loaded.plan.disclosure, loaded.folder, named)
    folder = secret_of(out, restricted)
    with locked(restricted):
        pass  # it is there
    with new_folders(folder):
        yield folder


@_command("Regulator: print the columns that a vendor declared.")
def features(
    history: Annotated[Path, typer.Argument(help="The history with the vendor's commitment, as it was sent.")],
) -> None:
    """Print the sections of the regulator's plan that ask each committed model by the columns its vendor declared."""
    from audit.evidence.blind.vendor import sections_for
    from audit.evidence.history import MAX_BYTES, read_history

    say(sections_for(read_history(bytes_of_result(history, MAX_BYTES), history.name)))


@_command("Vendor: answer a challenge.")
def answer(
    folder: ChallengeFolder,
    plan: VendorPlan,
    key: Key,
    history: History,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder for the regulator.")] = Path("answers"),
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
) -> None:
    """Answer every case of a challenge with the model that was committed to, and sign the decisions. No score is given.

    A run that is interrupted goes on where it stopped.
    """
    from audit.evidence.blind import vendor

    loaded = vendor.vendor_plan(plan)
    with new_folders(out), _history_for(history, key) as (file, signer):
        terms, cases = vendor.open_challenge(file, folder)
        work = out.with_name(f".{out.name}.kept")
        try:
            answered = _let_answer(loaded, cases, work, sandbox, allow_pickle=allow_pickle)
        finally:
            if not (work / "scoring" / "parts").exists():  # nothing to go on from
                shutil.rmtree(work, ignore_errors=True)
        digest = vendor.give_answers(file, signer, now(), loaded, terms, answered, out)
    shutil.rmtree(work, ignore_errors=True)
    note(f"For the regulator: {out} ({terms.rows:,} decisions; SHA-256 {digest})")


@_command("Vendor: try a challenge out; nothing is signed.")
def rehearse(
    folder: ChallengeFolder, plan: VendorPlan, sandbox: Where = Sandbox.AUTO, allow_pickle: AllowPickle = False
) -> None:
    """Answer a challenge, or a public sample of one, twice, and say how many cases got a decision, and the same one.

    A sample that holds answers.parquet says which answers are expected; exit code 3 if others come out.
    """
    from audit.evidence.blind.challenge import DECISION, read_challenge, read_table
    from audit.evidence.blind.terms import ANSWERS, CID
    from audit.evidence.blind.vendor import vendor_plan

    loaded, (terms, cases) = vendor_plan(plan), read_challenge(folder)
    expected = read_table(folder / ANSWERS, terms.rows)[0] if (folder / ANSWERS).exists() else None
    if expected is not None and expected.column_names != [CID, DECISION]:
        raise ArgumentError(f"{ANSWERS} holds no answers", slug="no-answers", hint="take it out of the sample")
    rounds = []
    for _ in range(2):
        with PrivateFolder() as work:
            answered = _let_answer(loaded, cases, work, sandbox, allow_pickle=allow_pickle)
            rounds.append(answered.answers[DECISION].to_pylist())
    for word in sorted(set(rounds[0])):
        say(f"{rounds[0].count(word):>9,}  {word}")
    differ = sum(first != second for first, second in zip(*rounds, strict=True))
    say(f"{differ:>9,}  otherwise when asked again" + ("" if differ else ": --deterministic can be declared"))
    if expected is not None:
        wanted = dict(zip(*(expected[name].to_pylist() for name in (CID, DECISION)), strict=True))
        other = sum(wanted.get(cid) != word for cid, word in zip(cases[CID].to_pylist(), rounds[0], strict=True))
        say(f"{other:>9,}  otherwise than the sample expects")
        raise typer.Exit(ExitCode.INCONCLUSIVE if other else ExitCode.PASS)


@_command("Regulator: check the answers, and audit them.")
def judge(
    secret: SecretFolder,
    answers: Annotated[Path, typer.Argument(help="The folder that the vendor sent.")],
    key: Key,
    history: History,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where outputs go.")] = Path("audit-out"),
    received: Annotated[
        dt.datetime | None,
        typer.Option(
            metavar="TIME",
            formats=["%Y-%m-%dT%H:%M:%S%z"],
            help="When the answers came, by your clock, as the deadline is written: 2027-03-01T14:30:00Z.  [now]",
        ),
    ] = None,
    restricted_folder: RestrictedFolder = None,
    new_key: NewKey = False,
) -> None:
    """Check that answers hold together, then audit and seal them as `run` does.

    Exit codes: those of a verdict; 3 not passed, where attempts are left; 3 a pass that decisions from production do
    not show to be that of the system at work; 4 not judged, as the answers do not hold together. That is no FAIL.
    """
    from audit.cli.outputs.attempt import Signed
    from audit.cli.outputs.audience import requested_output
    from audit.cli.outputs.blind_judgement import judge_answers
    from audit.cli.outputs.output_folder import OutputFolder
    from audit.evidence.blind.regulator import refuse, registered_in, take_answers

    came = now() if received is None else received.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if came > now():
        raise ArgumentError(f"--received {came} has not come yet", slug="received-later")
    output = requested_output((), None, restricted=False, folder=restricted_folder, new_key=new_key)
    with OutputFolder(out):
        pass  # it can be written
    is_new_mark = mark(out)
    with _history_for(history, key) as (file, signer):
        try:
            checked, answered, loaded = take_answers(file, secret, answers, came)
        except EvidenceError as error:
            if error.slug == "judged-before" and is_new_mark:
                unmark(out)  # what lies there can be the very audit of these answers
            raise
        for line in checked.shown:
            say(f"  {line.state.value:<14}{printable(line.text)}")
        if not checked.holds:
            refuse(file, signer, now(), secret, answered)
    if not checked.holds:
        say("\nNot judged: the answers do not hold together. That is no FAIL.")
        raise typer.Exit(ExitCode.NOT_JUDGED)
    judge_answers(secret, loaded, out, Signed(history, signer, registered_in(secret)), output)


@_command("Regulator: ask the system at work again.")
def repeat(
    secret: SecretFolder,
    result: Annotated[Path, typer.Argument(help="The output folder of `blind judge`.")],
    plan: Annotated[
        Path, typer.Option(metavar="FILE", help="How the system is asked, as any customer can: [audit] and [detector].")
    ],
    key: Key,
    history: History,
    sandbox: Where = Sandbox.AUTO,
    allow_pickle: AllowPickle = False,
) -> None:
    """Ask the system at work some cases of each group again, and hold its answers against those of the vendor.

    So many are asked that enough other answers to overturn a verdict would be seen with a chance of 95 %. What came out
    stays in the folder of the secret; the history says whether all were alike. Exit codes: 0 they were; 3 some not.
    """
    from audit.evidence.blind import asked_again as again
    from audit.evidence.blind.vendor import system_in, vendor_plan

    with _history_for(history, key) as (file, signer):
        sealed = again.sealed_entry(file.history, secret)
        audited, loaded = again.sealed_result(sealed, result), vendor_plan(plan)
        if system_in(loaded.plan.audit) != sealed.system:
            raise ArgumentError(f"{plan} is of another system than was audited", slug="other-system")
        repeats = again.choose_repeats(audited, secret, SystemRandom())
        cases, ids = again.cases_of(secret, repeats)
        with storage(secret), tempfile.TemporaryDirectory(prefix=".asked-", dir=secret) as work:
            answered = _let_answer(loaded, cases, Path(work), sandbox, allow_pickle=allow_pickle)
        differ = again.ids_that_differ(secret, answered.answers, ids)
        lines = list(_came_out(audited, repeats, differ))
        entry = again.record_repeat(file, signer, now(), sealed, secret, lines, alike=not differ)
    say("\n".join(lines))
    note(f"Entry {entry.index} of {history}.")
    raise typer.Exit(ExitCode.INCONCLUSIVE if differ else ExitCode.PASS)


def _came_out(audited: AuditResult, repeats: Sequence[Repeat], differ: AbstractSet[str]) -> Iterator[str]:
    from audit.cli.console.group_names import GroupNames

    names = GroupNames(audited.features)
    for again in repeats:
        differing = len(again.ids & differ)
        yield (
            f"{again.rule}: {again.outcome.upper()} of {names.name(again.group)} holds if at most "
            f"{again.overturned_by - 1:,} of {again.case_count:,} answers differ; {len(again.ids):,} were asked again, "
            f"{f'{differing:,} did' if differing else 'none did'}"
            f"{'' if again.is_shown(differing) else ': it is not shown to hold'}"
        )
    repeated = {(again.rule, again.group) for again in repeats}
    for verdict in audited.verdicts:
        if (verdict.rule, verdict.group) not in repeated:
            yield f"{verdict.rule}: {verdict.outcome.upper()} of {names.name(verdict.group)}: none were asked again"


@_command("Both: show that a label was fixed before the answers.", "open")
def open_label(
    path: Annotated[Path, typer.Argument(help="The folder with the secret; or, to check it, the file that this made.")],
    case: Annotated[str | None, typer.Option(metavar="CID", help="Whose label to open, by its id.")] = None,
    challenge: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The challenge that the vendor kept, to check a file by it.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="With --case: your private key.")] = None,
    history: Annotated[Path | None, typer.Option(metavar="FILE", help="With --case: your copy of the history.")] = None,
) -> None:
    """Open the label of one case, or check one that was opened: no other label is told.

    None is opened before its audit is over. Exit code 5: it is not the label that was fixed.
    """
    from audit.evidence.blind.labels import LabelOpening
    from audit.evidence.blind.regulator import write_opening
    from audit.evidence.blind.terms import TERMS, Terms, read_part

    if [case is None, key is None, history is None] != [challenge is not None] * 3:
        raise ArgumentError("--case opens a label, --challenge checks one", slug="blind-open")
    if challenge is None:
        with _history_for(history or Path(), key or Path()) as (file, signer):
            say(write_opening(file, signer, now(), path, case or ""))
        return
    opened, terms = read_part(path, LabelOpening), read_part(challenge / TERMS, Terms)
    holds = opened.root == terms.labels and opened.rows == terms.rows
    label = {"1": "exploitation", "0": "no exploitation", "": "no label"}[opened.label]
    say(f"{opened.cid}: {label}, {'as' if holds else 'NOT as'} was fixed before the answers")
    raise typer.Exit(ExitCode.PASS if holds else ExitCode.NOT_VERIFIED)


@contextmanager
def _history_for(history: Path, key: Path) -> Iterator[tuple[HistoryFile, Signer]]:
    from audit.evidence.history_file import open_history

    signer = open_signer(key)
    with open_history(history) as file:
        yield file, signer


def _let_answer(loaded: LoadedPlan, cases: pa.Table, work: Path, sandbox: Sandbox, *, allow_pickle: bool) -> Answered:
    from audit.evidence.blind import vendor
    from audit.scoring.progress import progress_on_stderr

    isolating = Isolating(sandbox=sandbox, allow_pickle=allow_pickle)
    return vendor.answer(loaded, cases, work, isolating, InterruptibleProgress(progress_on_stderr()))
