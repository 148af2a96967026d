"""Chain of the accepted versions of a system: an append-only record in the restricted folder, and what it keeps.

Each line of the file holds one entry as JSON, with the SHA-256 of the line before it. The last line says how many
entries there are, with the SHA-256 of the last: a line that was changed, taken out or cut off is seen. The file is
replaced whole under the lock of the folder, so that two jobs lose nothing and a killed one leaves it as it was.

Beside it lie the result and the answers of each accepted version, by its number: cases are compared one by one with
them. An earlier result that a gate was pointed at with `--baseline` is an entry too, so that nobody goes back to an
older one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from audit.errors import ArgumentError, ResultError
from audit.plan.answers import PredictionsDetector
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import VerdictSection
from audit.result.audit_result import AuditResult
from audit.result.file import ResultFile, parse_result, result_bytes
from audit.result.findings.judged import GroupCounts
from audit.result.json_text import result_sha256
from audit.storage import file_sha256, locked, make_folder, storage, write_durably, written_whole
from audit.verdicts.changes.acceptance import question_of
from audit.verdicts.changes.baseline import PREDICTIONS, AcceptedBaselines, AcceptedVersions, Baseline, answer_files
from audit.verdicts.changes.judge import margins_of
from audit.verdicts.side_tests import RELEASES, budgets_of_versions
from audit.vocabulary.file_names import CHAINS
from audit.vocabulary.groups import Part

CHAIN: Final = "chain.jsonl"
CHAIN_SCHEMA: Final = 1
RESULT: Final = "result.json"
BEFORE_CHAINS: Final = "accepted-baselines.json"
"""Record of versions before, which is read and never written: the last baseline that a gate took, by system."""
_LARGEST: Final = 256 * 1024 * 1024
"""Most bytes of a chain that is read: forty versions of ten thousand groups have less."""
_LARGEST_BEFORE: Final = 16 * 1024 * 1024
"""Most bytes of a record of versions before that is read: it has no counts."""
_FIRST: Final = "0" * 64
"""What stands in the first line for the digest of the one before."""
_SHA256: Final = r"^[0-9a-f]{64}$"


class ChainSystem(Part):
    """System that a chain is of."""

    owner: str
    """Who answers for it."""
    name: str
    """What the plan calls it in every version (`audit.system`); empty where the plan does not say."""


class AcceptedVersion(Part):
    """Version that a person accepted, as its audit found it. The counts are exact: the chain is not for publication."""

    title: str
    """Title of the audit."""
    finished: str
    """When the audit ended: UTC, ISO 8601."""
    outcome: Literal["pass", "fail", "inconclusive"]
    """Verdict of the audit."""
    question_sha256: str = Field(pattern=_SHA256)
    """SHA-256 of all that the plan asks: two versions are compared where it is equal."""
    plan_sha256: str
    """SHA-256 of the plan as used."""
    evaluation_set_sha256: str
    """SHA-256 of the evaluation set: two versions are compared on the same cases, or not at all."""
    detector_sha256: str | None
    """SHA-256 of the model or predictions file; null where there is none."""
    answers_sha256: str | None
    """SHA-256 of `predictions.parquet`; null where a run wrote none."""
    result_sha256: str = Field(pattern=_SHA256)
    """SHA-256 of all that the result says but its provenance."""
    file_sha256: str = Field(pattern=_SHA256)
    """SHA-256 of the `result.json` that lies beside the chain."""
    counts: tuple[GroupCounts, ...] = Field(min_length=1)
    """Counts of the audit: first everyone, then group by group."""


class ComparedBaseline(Part):
    """Earlier result that a gate was pointed at."""

    question_sha256: str = Field(pattern=_SHA256)
    """SHA-256 of all that its plan asks."""
    finished: str
    """When its audit ended: UTC, ISO 8601."""
    result_sha256: str
    """SHA-256 of all that the result says but its provenance."""


class ChainEntry(Part):
    """Line of a chain."""

    schema_version: Literal[1] = 1
    """Version of this format."""
    index: int = Field(ge=0)
    """Number of the entry, from 0."""
    previous: str = Field(pattern=_SHA256)
    """SHA-256 of the line before, without its line feed; zeros in the first."""
    at: str
    """When it was written: UTC, ISO 8601."""
    system: ChainSystem
    """System of the chain, the same in every entry."""
    kind: Literal["accepted", "reference", "baseline"]
    """`accepted`: a person accepted a version. `reference`: a person named the reference. `baseline`: a gate was
    pointed at an earlier result, which no later gate may go behind."""
    accepted_by: str = ""
    """Who accepted the version, or named the reference; empty of a baseline."""
    reason: str = ""
    """Why; empty of a baseline."""
    version: AcceptedVersion | None = None
    """Version that was accepted; null in other entries."""
    reference: int | None = None
    """Number of the entry of the version that is the reference from here on; null in other entries."""
    baseline: ComparedBaseline | None = None
    """Result that a gate was pointed at; null in other entries."""

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> Self:
        content = {"accepted": self.version, "reference": self.reference, "baseline": self.baseline}
        if [kind for kind, value in content.items() if value is not None] != [self.kind]:
            raise ValueError("an entry holds what its kind says")
        if (self.kind != "baseline") != bool(self.accepted_by and self.reason):
            raise ValueError("a person and a reason stand in what a person decides")
        moments = [self.at, *(about.finished for about in (self.version, self.baseline) if about is not None)]
        if any(_moment(stamp).tzinfo is None for stamp in moments):
            raise ValueError("a moment has a zone")
        return self


class ChainEnd(Part):
    """Last line of a chain."""

    entries: int
    """Number of entries above."""
    last: str = Field(pattern=_SHA256)
    """SHA-256 of the last of them, without its line feed; zeros where there is none."""


class VersionsOfSet(NamedTuple):
    """Versions that answered one question over one set: a line of a chain within which versions are compared."""

    reference: ChainEntry
    versions: tuple[ChainEntry, ...]
    """Accepted ones, in their order."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Chain of one system, as it was read."""

    folder: Path
    """Where it lies, with the results and answers of its versions."""
    entries: tuple[ChainEntry, ...] = ()
    last: str = _FIRST
    """SHA-256 of the last line of an entry."""

    def versions(self, question: str, evaluation_set: str | None) -> VersionsOfSet | None:
        """Return the versions of a question over a set; None where none was accepted."""
        accepted = {
            entry.index: entry
            for entry in self.entries
            if entry.version is not None
            and entry.version.question_sha256 == question
            and entry.version.evaluation_set_sha256 == evaluation_set
        }
        if not accepted:
            return None
        named = [entry.reference for entry in self.entries if entry.reference in accepted]
        return VersionsOfSet(accepted[named[-1] if named else min(accepted)], tuple(accepted.values()))

    def versions_beside(self, number: int) -> VersionsOfSet:
        """Return the versions of the question and set of an accepted one, by its number. Raises KeyError."""
        version = self.entries[number].version if 0 <= number < len(self.entries) else None
        line = version and self.versions(version.question_sha256, version.evaluation_set_sha256)
        if not line:
            raise KeyError(number)
        return line

    def asks(self, question: str) -> bool:
        """Say whether a version was accepted by a plan that asks this."""
        return any(entry.version is not None and entry.version.question_sha256 == question for entry in self.entries)

    def latest(self, question: str, evaluation_set: str | None = None) -> ComparedBaseline | AcceptedVersion | None:
        """Return what a plan's gate may not go behind: the latest version or baseline of its question, if any.

        With `evaluation_set`, versions of other sets do not count.
        """
        of_question = [
            about
            for entry in self.entries
            for about in (entry.version, entry.baseline)
            if about is not None and about.question_sha256 == question
        ]
        same = [
            about
            for about in of_question
            if evaluation_set is None
            or isinstance(about, ComparedBaseline)
            or about.evaluation_set_sha256 == evaluation_set
        ]
        return max(same, key=lambda about: _moment(about.finished), default=None)

    def files(self, entry: ChainEntry) -> Path:
        """Return the folder with the result and the answers of a version."""
        return self.folder / _name(entry.index)

    def baseline(self, entry: ChainEntry) -> Baseline:
        """Read a version to be compared with. Raises ResultError where its result is gone or another one."""
        assert entry.version is not None  # noqa: S101 - of an accepted version
        path = self.files(entry) / RESULT
        try:
            content = result_bytes(path)
        except ResultError:
            content = b""
        if hashlib.sha256(content).hexdigest() != entry.version.file_sha256:
            raise ResultError(
                f"the result of version {entry.index} is not beside its chain as it was accepted", slug="chain-version"
            )
        return Baseline(parse_result(content, path.name), path.parent)

    def with_entry(self, entry: ChainEntry) -> Chain:
        """Return the chain with one more entry."""
        return Chain(self.folder, (*self.entries, entry), _line_sha256(_line(entry)))


@dataclass(frozen=True, slots=True)
class Releases(AcceptedVersions):
    """Accepted versions of the question of a plan, of which those of one set are compared with."""

    chain: Chain
    question: str
    verdict: VerdictSection
    """How many releases share a budget, and what it is."""

    @property
    def answer_files(self) -> list[Path]:
        """Files of answers that a set is opened with: which set it is, is known only then."""
        folders = [
            self.chain.files(entry)
            for entry in self.chain.entries
            if entry.version is not None and entry.version.question_sha256 == self.question
        ]
        files = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
        return [path.absolute() for path in files if path.name != RESULT]

    def of_set(self, evaluation_set: str | None, before: str | None = None) -> AcceptedBaselines | None:
        """Return the versions that a new one is held against; None where none was accepted of its set.

        Parameters
        ----------
        evaluation_set : str, optional
            SHA-256 of the set.
        before : str, optional
            When the audit of the new version ended: only earlier ones count. By default all do.

        Raises
        ------
        ResultError
            If as many versions were accepted as the plan has releases, or one is not as it was accepted.
        """
        line = self.chain.versions(self.question, evaluation_set)
        if line is None:
            return None
        earlier = [entry for entry in line.versions if before is None or _ended_before(entry, before)]
        releases = self.verdict.releases or RELEASES
        if len(earlier) >= releases:
            raise ResultError(
                f"all {releases} releases that share a budget over this set were accepted", slug="chain-used-up"
            )
        reference, last = line.reference, earlier[-1] if earlier else line.reference
        budgets = budgets_of_versions(self.verdict, with_first=reference == line.versions[0])
        is_last = reference.index >= last.index
        return AcceptedBaselines(
            self.chain.baseline(reference),
            reference.index,
            budgets[0],
            None if is_last else self.chain.baseline(last),
            reference.index if is_last else last.index,
            budgets[1],
        )

    def is_held(self, result: AuditResult, accepted: AcceptedBaselines) -> bool:
        """Say whether a result says already what came of these versions."""
        held_against, change = result.further.held_against, result.change
        if held_against is None or change is None:
            return False
        numbers = (held_against.reference, held_against.last)
        if numbers != (accepted.reference_number, accepted.last_number):
            return False
        changes = [change] if held_against.other is None else [change, held_against.other]
        if held_against.decides == "last":
            changes.reverse()
        versions = [self.chain.entries[number].version for number in numbers[: len(accepted.both)]]
        digests = [version.result_sha256 for version in versions if version is not None]
        same = [known.baseline.sha256 for known in changes] == digests
        return same and margins_of(accepted.asked_by(result.plan)) == {rule.rule: rule.margin for rule in change.rules}

    def number_of(self, file_sha256: str) -> int | None:
        """Return the number of the version with this `result.json`, by its SHA-256; None where it was not accepted."""
        numbers = [
            entry.index
            for entry in self.chain.entries
            if entry.version is not None and entry.version.file_sha256 == file_sha256
        ]
        return numbers[0] if numbers else None


def _ended_before(entry: ChainEntry, moment: str) -> bool:
    assert entry.version is not None  # noqa: S101 - of accepted versions
    return _moment(entry.version.finished) < _moment(moment)


def releases_of(plan: AuditPlan, restricted: Path) -> Releases | None:
    """Return the accepted versions of the system of a plan; None where there are none.

    Raises ResultError and StorageError as `read_chain` does.
    """
    system = system_of(plan)
    chain = _read(_folder(restricted, system), system)
    is_accepted = chain is not None and any(entry.version is not None for entry in chain.entries)
    return Releases(chain, question_sha256(plan), plan.verdict) if chain is not None and is_accepted else None


def system_of(plan: AuditPlan) -> ChainSystem:
    """Return the system of a plan. A title would not do: it names the version."""
    return ChainSystem(owner=plan.audit.owner, name=plan.audit.system)


def question_sha256(plan: AuditPlan) -> str:
    """SHA-256 of what a plan asks."""
    canonical = json.dumps(question_of(plan), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_chain(restricted: Path, plan: AuditPlan) -> Chain:
    """Read the chain of the system of a plan; without entries where there is none.

    Where there is none yet, the record of versions before is read: it holds the last baseline of each question.

    Raises
    ------
    ResultError
        If it is not as it was written.
    StorageError
        If it cannot be read.
    """
    system = system_of(plan)
    folder = _folder(restricted, system)
    chain = _read(folder, system)
    return _from_before(restricted, plan, folder) if chain is None else chain


def chains_in(restricted: Path) -> list[Chain]:
    """Read all chains of a restricted folder. Raises ResultError where one is not as it was written."""
    with storage(restricted):
        folders = sorted(path.parent for path in (restricted / CHAINS).glob(f"*/{CHAIN}"))
    chains = [_read(folder, None) for folder in folders]
    return [chain for chain in chains if chain is not None and chain.entries]


def accept(document: ResultFile, plan_folder: Path | None, restricted: Path, by: str, why: str) -> Chain:
    """Append a version that a person accepts, with its result and its answers beside the chain.

    Parameters
    ----------
    document : ResultFile
        The result; its answers are looked for beside its file.
    plan_folder : Path, optional
        What paths of the plan start from, for a file of predictions that does not lie beside the result.
    by, why : str
        Who accepts it, and on what ground. Of an office rather than a person, where there is one.

    Raises
    ------
    ResultError
        If it is no later than the last accepted one of the same set, its detector failed on too many rows, it has no
        digest of its set, or the chain is not as it was written.
    FolderInUseError, StorageError
        If the folder is in use, or cannot be written.
    """
    result = document.result
    evaluation_set = _comparable_set(result)
    question, digest = question_sha256(result.plan), result_sha256(result)

    def append(chain: Chain) -> ChainEntry:
        latest, ended = chain.latest(question, evaluation_set), _moment(result.provenance.finished)
        # the baseline that gates were pointed at may be the first version that a person accepts
        is_same = isinstance(latest, ComparedBaseline) and ended == _moment(latest.finished)
        if latest is not None and ended <= _moment(latest.finished) and not is_same:
            raise ResultError(
                f"this version is of {_to_the_second(result.provenance.finished)}, and one of "
                f"{_to_the_second(latest.finished)} was accepted already",
                slug="chain-not-later",
            )
        _keep_files(document, plan_folder, chain.folder / _name(len(chain.entries)))
        version = AcceptedVersion(
            title=result.plan.audit.title,
            finished=result.provenance.finished,
            outcome=result.overall.outcome,
            question_sha256=question,
            plan_sha256=result.provenance.plan_sha256,
            evaluation_set_sha256=evaluation_set,
            detector_sha256=result.provenance.detector_sha256,
            answers_sha256=result.provenance.predictions_sha256,
            result_sha256=digest,
            file_sha256=document.sha256,
            counts=result.counts,
        )
        return _entry(chain, result.plan, kind="accepted", accepted_by=by, reason=why, version=version)

    return _append(restricted, result.plan, append)


def _comparable_set(result: AuditResult) -> str:
    """Return the SHA-256 of the set of a version that later ones can be compared with. Raises ResultError."""
    evaluation_set = result.provenance.evaluation_set_sha256
    if evaluation_set is None:
        raise ResultError(
            "a table that was passed in memory has no digest, so no later version can be of the same set",
            slug="baseline-no-digest",
        )
    if result.too_many_failed:
        raise ResultError(
            "the detector failed on more rows than the plan allows: nothing could be compared with this version",
            slug="chain-outage",
        )
    return evaluation_set


def name_reference(chain: Chain, restricted: Path, number: int, by: str, why: str) -> Chain:
    """Append that a person names another reference: a later accepted version of the same question and set.

    Raises
    ------
    ArgumentError
        If there is no such version, or it is not later than the reference that there is.
    ResultError, FolderInUseError, StorageError
        If the chain is not as it was written, the folder is in use, or cannot be written.
    """
    system = chain.entries[0].system

    def append(latest: Chain) -> ChainEntry:
        try:
            reference = latest.versions_beside(number).reference.index
        except KeyError:
            raise ArgumentError(f"{number} is no accepted version", slug="no-version") from None
        if number <= reference:
            raise ArgumentError(f"the reference moves forward only, and is version {reference}", slug="reference-back")
        return _entry(latest, system, kind="reference", accepted_by=by, reason=why, reference=number)

    return _append_to(restricted, chain.folder, lambda: _read(chain.folder, system) or Chain(chain.folder), append)


def refuse_rolled_back(baseline: Baseline, plan: AuditPlan, restricted: Path) -> None:
    """Refuse a baseline that is named beside accepted versions, or is older than the last one of the same question.

    Raises
    ------
    ResultError
        If it is, or the chain is not as it was written.
    StorageError
        If the chain cannot be read.
    """
    chain, question = read_chain(restricted, plan), question_sha256(plan)
    if chain.asks(question):
        raise ResultError(
            "this system has accepted versions, and a release is held against these", slug="baseline-beside-chain"
        )
    latest = chain.latest(question)
    if latest is not None and _moment(baseline.result.provenance.finished) < _moment(latest.finished):
        raise ResultError(
            f"the baseline is of {_to_the_second(baseline.result.provenance.finished)}, and one of "
            f"{_to_the_second(latest.finished)} was accepted already",
            slug="baseline-rolled-back",
        )


def record_compared(baseline: Baseline, plan: AuditPlan, restricted: Path) -> None:
    """Append a baseline that a gate was pointed at, unless it or a later one stands there by now.

    Raises
    ------
    FolderInUseError, StorageError, ResultError
        If the folder is in use, or the chain cannot be read or written.
    """
    compared = ComparedBaseline(
        question_sha256=question_sha256(plan),
        finished=baseline.result.provenance.finished,
        result_sha256=result_sha256(baseline.result),
    )

    def append(chain: Chain) -> ChainEntry | None:
        latest = chain.latest(compared.question_sha256)
        if latest is not None and _moment(compared.finished) <= _moment(latest.finished):
            return None
        return _entry(chain, plan, kind="baseline", baseline=compared)

    _append(restricted, plan, append)


def _entry(chain: Chain, about: AuditPlan | ChainSystem, **fields: Any) -> ChainEntry:
    return ChainEntry(
        index=len(chain.entries),
        previous=chain.last,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        system=about if isinstance(about, ChainSystem) else system_of(about),
        **fields,
    )


def _append(restricted: Path, plan: AuditPlan, append: Callable[[Chain], ChainEntry | None]) -> Chain:
    folder = _folder(restricted, system_of(plan))
    return _append_to(restricted, folder, lambda: read_chain(restricted, plan), append)


def _append_to(
    restricted: Path, folder: Path, read: Callable[[], Chain], append: Callable[[Chain], ChainEntry | None]
) -> Chain:
    """Read a chain under the lock of its folder, and write it with the entry that `append` makes, if it makes one."""
    with locked(restricted), storage(restricted):
        chain = read()
        make_folder(folder.parent)
        make_folder(folder)
        if not (folder / CHAIN).exists():
            # before a version lies there: versions without a chain tell that it was lost
            _write(chain)
        entry = append(chain)
        if entry is None:
            return chain
        longer = chain.with_entry(entry)
        _write(longer)
        return longer


def _write(chain: Chain) -> None:
    lines = [*map(_line, chain.entries), _line(ChainEnd(entries=len(chain.entries), last=chain.last))]
    content = b"".join(line + b"\n" for line in lines)
    if len(content) > _LARGEST:
        raise ResultError(f"{CHAIN} would have more than {_LARGEST:,} bytes", slug="chain-too-large")
    write_durably(chain.folder / CHAIN, content)


def _name(index: int) -> str:
    """Return the name of the folder of a version."""
    return f"{index:04}"


def _keep_files(document: ResultFile, plan_folder: Path | None, folder: Path) -> None:
    """Copy result and answers of a version beside the chain.

    What a killed command has left there is replaced. Raises ResultError if answers of single cases are not at hand.
    """
    result, beside = document.result, document.path.parent
    provenance, section = result.provenance, result.plan.detector
    answers = [beside / PREDICTIONS] if provenance.predictions_sha256 is not None else []
    answers += answer_files(result, beside, plan_folder or beside)
    digests = {provenance.predictions_sha256, provenance.detector_sha256}
    answers = [path for path in answers if path.is_file() and file_sha256(path) in digests]
    in_a_file = isinstance(section, PredictionsDetector) and section.path is not None
    if not answers and (in_a_file or provenance.predictions_sha256 is not None):
        raise ResultError("the answers of this version are not beside its result", slug="chain-no-answers")
    if folder.exists():
        shutil.rmtree(folder)
    make_folder(folder)
    write_durably(folder / RESULT, document.content)
    for path in answers:
        _copy(path, folder / path.name)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as content, written_whole(target) as file:
        shutil.copyfileobj(content, file)


def _folder(restricted: Path, system: ChainSystem) -> Path:
    """Return the folder of a system: names of systems are no names of folders."""
    digest = hashlib.sha256(json.dumps([system.owner, system.name], ensure_ascii=False).encode()).hexdigest()
    return restricted / CHAINS / digest[:16]


def _read(folder: Path, system: ChainSystem | None) -> Chain | None:
    """Read the chain in a folder; None where there is none. With `system`, it must be that one's."""
    path = folder / CHAIN
    with storage(folder):
        if not path.exists():
            if folder.is_dir() and any(beside.is_dir() for beside in folder.iterdir()):
                raise ResultError(f"{CHAIN} is gone from beside the versions that it accepted", slug="broken-chain")
            return None
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise _broken()
        content = path.read_bytes()
    *lines, end, rest = content.split(b"\n") if content.count(b"\n") else [b"", b"", b"cut"]
    try:
        entries = tuple(_checked(lines))
        closing = ChainEnd.model_validate_json(end)
    except (ValidationError, ValueError, RecursionError):
        raise _broken() from None
    last = _line_sha256(lines[-1]) if lines else _FIRST
    systems = {(entry.system.owner, entry.system.name) for entry in entries}
    is_of_system = system is None or systems <= {(system.owner, system.name)}
    if rest or closing != ChainEnd(entries=len(entries), last=last) or len(systems) > 1 or not is_of_system:
        raise _broken()
    return Chain(folder, entries, last)


def _checked(lines: Sequence[bytes]) -> Iterator[ChainEntry]:
    previous, accepted = _FIRST, set[int]()
    for index, line in enumerate(lines):
        entry = ChainEntry.model_validate_json(line)
        refers_back = entry.reference is None or entry.reference in accepted
        if (entry.index, entry.previous) != (index, previous) or not refers_back or _line(entry) != line:
            raise _broken()
        if entry.version is not None:
            accepted.add(index)
        yield entry
        previous = _line_sha256(line)


def _line(part: Part) -> bytes:
    return json.dumps(part.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _line_sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _broken() -> ResultError:
    return ResultError(f"{CHAIN} of the restricted folder is not as it was written", slug="broken-chain")


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _to_the_second(stamp: str) -> str:
    return _moment(stamp).isoformat(sep=" ", timespec="seconds")


def _from_before(restricted: Path, plan: AuditPlan, folder: Path) -> Chain:
    """Begin a chain with what the record of versions before says of a system: the last baseline of each question."""
    chain, path = Chain(folder), restricted / BEFORE_CHAINS
    with storage(restricted):
        if not path.exists():
            return chain
        content = path.read_bytes() if path.stat().st_size <= _LARGEST_BEFORE else b""
    try:
        systems = _systems_before(json.loads(content))
        for key, known in systems.items():
            owner, name, question = json.loads(key)
            if (owner, name) == (plan.audit.owner, plan.audit.system):
                compared = ComparedBaseline(
                    question_sha256=question.removeprefix("plan "),
                    finished=known["finished"],
                    result_sha256=known["sha256"],
                )
                chain = chain.with_entry(_entry(chain, plan, kind="baseline", baseline=compared))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ResultError(
            f"{BEFORE_CHAINS} of the restricted folder is not as it was written", slug="accepted-baselines-damaged"
        ) from None
    return chain


def _systems_before(record: Any) -> dict[str, dict[str, str]]:
    if record["schema"] != 1:
        raise ValueError
    systems: dict[str, dict[str, str]] = record["systems"]
    return systems
