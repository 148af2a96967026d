"""Commands `chain`: accepted versions of a system, and the reference that a release is held against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from audit.cli.commands.gate_command import InputsElsewhere
from audit.cli.commands.shared_options import AsJson, PlanOfResult, RestrictedFolder
from audit.cli.console.guard import guarded
from audit.cli.console.terminal import note, say, say_document
from audit.cli.outputs.named_folders import find_restricted_folder
from audit.cli.outputs.verdict_code import result_at
from audit.errors import ArgumentError, ResultError
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult
    from audit.verdicts.changes.chain import AcceptedVersion, Chain

chain = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Accept versions of a system, and name the one that releases are held against.",
)
"""The commands."""

_LONGEST = 500
"""Most characters of a person and of a reason: a line of `list`, not a document."""
_SHOWN: Final = 12
"""Digits of a digest in a line of `list`; the file has all 64."""
Accepting = Annotated[str, typer.Option("--by", metavar="WHO", help="Who decides: an office, rather than a person.")]
Reason = Annotated[str, typer.Option("--why", metavar="TEXT", help="On what ground.")]
ChainFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The restricted folder.")]
KeptFile = Annotated[Path, typer.Argument(metavar="FILE", help="The encrypted file.")]
SystemName = Annotated[
    str | None,
    typer.Option(
        "--system", metavar="NAME", help="The system or its operator, where the folder has several.  [the only]"
    ),
]


@chain.command("accept", short_help="Accept the version of a result; restricted.")
@guarded
def accept(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="A result.json, or the folder with it.")],
    by: Accepting,
    why: Reason,
    restricted_folder: RestrictedFolder = None,
    plan: PlanOfResult = None,
    inputs_elsewhere: InputsElsewhere = False,
) -> None:
    """Accept a version: `run` and `gate` hold every later one against it.

    Result and answers are copied into the restricted folder. The first accepted version of a set is the reference.
    """
    from audit.cli.outputs.baselines import refuse_from_the_future
    from audit.cli.outputs.gate_result import ResultRequest
    from audit.verdicts.changes.baseline import Baseline, plan_at_hand
    from audit.verdicts.changes.chain import accept as append

    document = result_at(result) or result
    file = ResultRequest(document, inputs_elsewhere, False).read()
    audited = file.result
    refuse_from_the_future(Baseline(audited, document.parent))
    loaded = plan_at_hand(audited, plan, document.parent)
    folder = None if loaded is None else loaded.folder
    restricted = find_restricted_folder(document.parent, audited.plan.disclosure, folder, restricted_folder)
    longer = append(file, folder, restricted, *_person(by, why))
    _warn(audited)
    number = longer.entries[-1].index
    line = longer.versions_beside(number)
    what = "the reference" if line.reference.index == number else f"held against version {line.reference.index}"
    note(f"Version {number} of {_system(longer)} is accepted in {restricted}: {what}.")
    if restricted_folder is None and audited.plan.disclosure.folder is None:
        note(
            "note: neither a gate of a plan nor a run into another folder looks there; name the folder with "
            "--restricted-folder, or in the plan ([disclosure] folder)"
        )


@chain.command("list", short_help="List accepted versions; restricted.")
@guarded
def list_versions(folder: ChainFolder, system: SystemName = None, as_json: AsJson = False) -> None:
    """List accepted versions of the systems of a restricted folder: who accepted each, and which is the reference."""
    from audit.verdicts.changes.chain import chains_in

    chains = [_chosen(folder, system)] if system is not None else chains_in(folder)
    if as_json:
        lines = [entry.model_dump_json() for chain in chains for entry in chain.entries]
        say_document("".join(f"{line}\n" for line in lines))
        return
    if not chains:
        raise ResultError(f"there is no chain in {folder}", slug="no-chain")
    say("\n".join(line for chain in chains for line in _lines(chain)))


@chain.command("reference", short_help="Name the version that releases are held against.")
@guarded
def reference(
    folder: ChainFolder,
    number: Annotated[int, typer.Argument(min=0, help="Number of an accepted version.")],
    by: Accepting,
    why: Reason,
    system: SystemName = None,
) -> None:
    """Name another reference: a later accepted version, before the next release is scored. It moves forward only."""
    from audit.verdicts.changes.chain import name_reference

    chain = _chosen(folder, system)
    name_reference(chain, folder, number, *_person(by, why))
    note(f"Version {number} of {_system(chain)} is the reference from here on.")


@chain.command("pack", short_help="Encrypt the restricted folder into one file.")
@guarded
def pack_folder(folder: ChainFolder, file: KeptFile) -> None:
    """Encrypt a restricted folder, with key, chain and log of releases, into one file for a store of a pipeline.

    The secret stands in the variable AUDIT7K_SECRET: 32 characters or more, made with `openssl rand -hex 32`.
    """
    from audit.cli.outputs.signer import secret_of_pipeline
    from audit.evidence.kept_folder import pack

    pack(folder, file, secret_of_pipeline())


@chain.command("unpack", short_help="Write such a file as a restricted folder again.")
@guarded
def unpack_folder(
    file: KeptFile,
    folder: ChainFolder,
    begin: Annotated[
        bool,
        typer.Option("--begin", help="Where there is no such file: make a folder whose key is that of the secret."),
    ] = False,
) -> None:
    """Write the restricted folder of a file into a new folder. The secret stands in the variable AUDIT7K_SECRET.

    `--begin` is for the first time. Where the file is lost its log is lost too: what was printed is not known any more,
    and the next release would be drawn without it.
    """
    from audit.cli.outputs.signer import secret_of_pipeline
    from audit.evidence.kept_folder import begin_kept, unpack

    secret = secret_of_pipeline()
    if begin and not file.exists():
        begin_kept(folder, secret)
    else:
        unpack(file, folder, secret)


def _person(by: str, why: str) -> tuple[str, str]:
    """Return person and reason without blanks around them. Raises ArgumentError if one is empty or too long."""
    person, reason = by.strip(), why.strip()
    if not person or not reason or max(len(person), len(reason)) > _LONGEST:
        raise ArgumentError(f"--by and --why have 1 to {_LONGEST} characters", slug="chain-person")
    return person, reason


def _warn(result: AuditResult) -> None:
    if result.overall.outcome != "pass":
        note(f"note: its verdict is {result.overall.outcome.upper()}; later versions are held against it all the same")


def _chosen(folder: Path, system: str | None) -> Chain:
    """Return the chain of a system, or the only one. Raises ResultError if there is none, or several."""
    from audit.verdicts.changes.chain import chains_in

    chains = [
        chain
        for chain in chains_in(folder)
        if system is None or system in (chain.entries[0].system.name, chain.entries[0].system.owner)
    ]
    if not chains:
        raise ResultError(f"there is no chain in {folder}", slug="no-chain")
    if len(chains) > 1:
        raise ResultError(f"{folder} has chains of {len(chains)} systems", slug="several-chains")
    return chains[0]


def _system(chain: Chain) -> str:
    system = chain.entries[0].system
    return printable(system.name or system.owner)


def _lines(chain: Chain) -> Iterator[str]:
    """Yield two lines for each accepted version, oldest first, under the system, and a line for every other entry."""
    yield f"{_system(chain)}: {chain.folder}"
    sets: dict[tuple[str, str], int] = {}
    for entry in chain.entries:
        person = f"{printable(entry.accepted_by)}: {printable(entry.reason)}"
        if entry.kind == "reference":
            yield f"  {entry.at[:10]}  version {entry.reference} named as the reference  ({person})"
        elif entry.baseline is not None:
            earlier = f"{entry.baseline.finished[:10]} (SHA-256 {entry.baseline.result_sha256[:_SHOWN]})"
            yield f"  {entry.at[:10]}  a gate was pointed at the earlier result of {earlier} with --baseline"
        elif (version := entry.version) is not None:
            number = sets.setdefault((version.question_sha256, version.evaluation_set_sha256), len(sets) + 1)
            yield f"  {entry.index:>3}  {_described(version)}{_role(chain, entry.index)}  ({person})" + (
                f"  set or question {number}" if number > 1 else ""
            )
            yield f"       {_counted(version)}; SHA-256 of {_digests(version)}"
    yield "Restricted: not for publication."


def _described(version: AcceptedVersion) -> str:
    return f"{version.finished[:10]}  {version.outcome.upper():<12}  {printable(version.title)}"


def _counted(version: AcceptedVersion) -> str:
    """Say how many cases there are, and how many of those labelled as exploitation the version missed."""
    everyone = version.counts[0]
    cases = sum(count for name, count in everyone if name != "group")
    labelled = everyone.true_positive + everyone.false_negative + everyone.unscored_positive
    return f"{cases:,} cases, {everyone.false_negative:,} of {labelled:,} labelled as exploitation missed"


def _digests(version: AcceptedVersion) -> str:
    """Name the digests that there are, each by its beginning."""
    named = {
        "set": version.evaluation_set_sha256,
        "plan": version.plan_sha256,
        "detector": version.detector_sha256,
        "answers": version.answers_sha256,
    }
    return ", ".join(f"{name} {digest[:_SHOWN]}" for name, digest in named.items() if digest is not None)


def _role(chain: Chain, number: int) -> str:
    line = chain.versions_beside(number)
    roles = [
        role for role, entry in (("reference", line.reference), ("last", line.versions[-1])) if entry.index == number
    ]
    return f"  [{', '.join(roles)}]" if roles else ""
