"""An audit as an entry of a history: written down before the first row is scored, and after the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.cli.console.terminal import note
from audit.cli.outputs.evidence_files import write_bundles
from audit.cli.outputs.signer import now, open_signer
from audit.errors import ArgumentError
from audit.evidence.commitments import commitments_of
from audit.evidence.history_file import keys_among, open_history
from audit.evidence.registration import QUESTION, SET, standing_of, system_of, witnessed_sizes
from audit.evidence.seal import question_digest, read_published, seal
from audit.safeguards import with_safeguards
from audit.vocabulary.attempts import HistoryRecord
from audit.vocabulary.text import count_of

if TYPE_CHECKING:
    from audit.evidence.commitments import Opening
    from audit.evidence.history import Entry
    from audit.evidence.history_file import HistoryFile
    from audit.evidence.keys import Signer
    from audit.evidence.statement import System
    from audit.plan.audit_plan import AuditPlan
    from audit.result.audit_result import AuditResult


class Signed(NamedTuple):
    """History that an audit is written into, and the signer of its entries."""

    history: Path
    signer: Signer
    registration: int | None = None
    """The entry that the audit answers; by default an open one of its question, or else the first one open."""


@dataclass(slots=True)
class Attempt:
    """An audit in a history. It starts with its first row: what ended before tells nothing, and is not written down."""

    file: HistoryFile
    signer: Signer
    system: System
    answers: int | None
    opened: Mapping[str, Opening]
    entry: Entry | None = None

    def begin(self) -> None:
        """Write down that the first row is about to be scored."""
        self.entry = self.file.append(self.signer, "started", now(), self.system, self.opened, answers=self.answers)

    @property
    def started(self) -> Entry:
        """The entry that says so."""
        assert self.entry is not None  # noqa: S101 - nothing is judged before it
        return self.entry

    @property
    def is_over(self) -> bool:
        """Whether the history says how the audit ended, or has nothing of it."""
        last = self.file.history.entries[-1:]
        ended = last and last[0].kind in {"sealed", "not_passed"} and last[0].answers == self.started.index
        return self.entry is None or bool(ended)

    def noted(self, result: AuditResult) -> AuditResult:
        """Return the result with what the history shows of it, for its reports."""
        roles = {QUESTION: question_digest(result.plan), SET: result.provenance.evaluation_set_sha256}
        history = self.file.history
        known = [*keys_among(self.file.anchors()), *history.vendors]
        others = {key: 0.0 for key in known if key != self.signer.public}
        sizes, _ = witnessed_sizes(history, self.file.heads(), others, self.started.at)
        standing = standing_of(
            history,
            self.started,
            commitments_of(self.file.opened(roles, self.started.answers)),
            declared=result.plan.governance.limits_set_on is not None,
            witnessed=sizes,
        )
        record = HistoryRecord(**standing._asdict())
        noted = result.provenance.model_copy(update={"history": record})
        return with_safeguards(result.model_copy(update={"provenance": noted}))

    def seal(self, out: Path, restricted_folder: Path) -> None:
        """Seal what was published into `out`, and write that down."""
        published, at = read_published(out, restricted_folder), now()
        history = self.file.history
        places = [at for at in (self.started.index, self.started.answers) if at is not None]
        earlier_openings = {role: opening for at in places for role, opening in self.file.openings.get(at, {}).items()}
        bundles = seal(
            published,
            at,
            self.signer,
            earlier=earlier_openings,
            history=history.head,
            registration=self.started.answers,
        )
        sealed: dict[str, Any] = {
            "answers": self.started.index,
            "headline": published.release.headline.outcome,
            "statement": bundles.statement_sha256,
        }
        longer = history.with_entry(self.signer, "sealed", at, self.started.system, **sealed)
        with write_bundles(out, bundles.with_history(longer.content, self.file.anchors())):
            self.file.append(self.signer, "sealed", at, self.started.system, **sealed)


@contextmanager
def attempt(signed: Signed, plan: AuditPlan) -> Iterator[Attempt]:
    """Hold the history of an audit that will start; write down that it was aborted, if it ends in an error after that.

    Raises
    ------
    FolderInUseError, EvidenceError, StorageError
        From the history, before anything is scored.
    """
    path, signer, answers = signed
    system = system_of(plan.audit.owner, plan.audit.system, plan.audit.title)
    with open_history(path) as file:
        file.heads()  # one of another history would go with the bundle, and contradict it
        keys_among(file.anchors())
        killed = file.end_what_was_killed(signer, now(), system)
        if killed:
            note(f"note: {count_of(killed, 'earlier audit')} did not end: {path.name} says now that it was aborted")
        digest = question_digest(plan)
        answers = file.registration_for(system, digest) if answers is None else answers
        tried = Attempt(file, signer, system, answers, file.opened({QUESTION: digest}, answers))
        try:
            yield tried
        except BaseException:
            if not tried.is_over:
                file.append(signer, "aborted", now(), system, answers=tried.started.index)
            raise


def history_and_signer(history: Path | None, key: Path | None, *, restricted: bool) -> Signed | None:
    """Return a history and the key that signs its entries; None where no history is asked for.

    Raises
    ------
    ArgumentError
        If one of them is given alone, or nothing is published that could be sealed.
    """
    if history is None and key is None:
        return None
    if history is None or key is None:
        raise ArgumentError(
            "--history and --key go together", slug="history-arguments", hint="give both, or seal the audit later"
        )
    if restricted:
        raise ArgumentError(
            "a run with --restricted publishes nothing, so nothing can be sealed",
            slug="history-arguments",
            hint="leave --restricted out",
        )
    return Signed(history, open_signer(key))
