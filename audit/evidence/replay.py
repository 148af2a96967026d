"""An audit made again from its restricted bundle, and compared byte for byte: each level by itself, without the key.

A second party signs which levels it made again, and found the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from audit.disclosure.public_files import PAPER, REPORTERS, file_of
from audit.disclosure.publish import made_again
from audit.engines.private_folder import PrivateFolder
from audit.errors import AuditError, EvidenceError
from audit.evidence.bundle import LOG, RESULT, STATEMENT, Bundle
from audit.evidence.envelope import Envelope
from audit.evidence.keys import Signer
from audit.evidence.shown import Shown, State
from audit.evidence.statement import (
    Countersignature,
    Evidence,
    Level,
    read_statement,
    sha256,
    software,
    statement_bytes,
)
from audit.plan.answers import PredictionsDetector
from audit.plan.detectors import is_of_numbers
from audit.plan.file.plan_file import loaded_plan
from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import field_json
from audit.safeguards import with_safeguards
from audit.storage import file_sha256
from audit.verdicts.judge import verdict_without_change
from audit.vocabulary.file_names import RELEASE
from audit.vocabulary.text import printable

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
SET: Final = "evaluation-set"
DETECTOR: Final = "detector"
PREDICTIONS: Final = "predictions"
COUNTED: Final = ("rules", "verdicts", "counts", "estimates", "disparities")
"""What follows from the set and the detector's answers, whatever gave these."""
_PAPER: Final = REPORTERS[PAPER][0]
_BUT_FOR_THE_CHANGE: Final = ", but for the change since an earlier audit, whose answers are not in the bundle"
_ASKED: Final = frozenset({"plan", "plan_as_asked", "provenance"})
"""What says where files lie, and when."""
_ROUNDING: Final = 1e-6
"""Difference between two numbers, relative or absolute, that a processor which adds in another order may cause: that of
32-bit floats, in which networks compute."""


class Run(NamedTuple):
    """A run of a plan: its result, and its file of the detector's answers."""

    result: AuditResult
    predictions: Path


Runner = Callable[[dict[str, Any], Path, Path], Run]
"""Runs a plan whose other files lie in a folder, and writes the answers into another."""


@dataclass(frozen=True, slots=True)
class Material:
    """Material from which an audit is made again."""

    bundle: Bundle
    result: AuditResult
    folder: Path | None
    """Folder with the files of the plan, for what the bundle does not hold."""
    work: Path
    """A private folder."""

    def digest(self, role: str) -> str | None:
        """Return the SHA-256 that the statement commits to."""
        return (self.bundle.openings or {})[role].sha256

    @property
    def base(self) -> Path:
        """Folder that the plan's paths are relative to."""
        return self.folder or self.work

    def place(self, role: str, named: Path) -> Path:
        """Return the path of a file that is what the statement commits to, as the plan names it where that can be.

        Raises
        ------
        EvidenceError
            If it is neither in the folder nor in the bundle, or is another one.
        """
        if self.folder is not None and self.is_what_was_audited(role, self.folder / named):
            return named
        member = next((name for name in self.bundle.restricted if Path(name).stem == role), None)
        if member is None:
            raise EvidenceError(f"the {role} that was audited is not at hand as one file", slug="not-in-bundle")
        # results say what a file is called
        can_stay = self.folder is None and not named.is_absolute() and ".." not in named.parts
        path = named if can_stay else self.work / role / named.name
        target = self.work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.bundle.restricted[member])
        if not self.is_what_was_audited(role, target):
            raise EvidenceError(f"the {role} in the bundle is another one than the statement says", slug="other-file")
        return path

    def is_what_was_audited(self, role: str, file: Path) -> bool:
        """Say whether a file is there and is what the statement commits to."""
        return file.is_file() and file_sha256(file) == self.digest(role)


def replay(bundle: Bundle, levels: Sequence[Level], folder: Path | None, run: Runner) -> Iterator[Shown]:
    """Make levels of an audit again.

    Parameters
    ----------
    bundle : Bundle
        A restricted bundle that `verify` found to hold.
    levels : sequence of {"public", "counts", "scores"}
        `public`: the public files from the exact result and the log's draws. `counts`: the result from the set and the
        detector's answers. `scores`: the answers, and the whole result, from the detector. Empty: all but scores of a
        detector that is known by its answers, a program or a service.
    folder : Path, optional
        Folder of the plan's files, for those that the bundle does not hold.
    run : callable
        Runs a plan.

    Raises
    ------
    EvidenceError
        If the bundle is not a restricted one.
    """
    if bundle.openings is None:
        raise EvidenceError("a public bundle holds nothing to make again", slug="public-bundle")
    result = parse_result(bundle.restricted[RESULT].decode("utf-8", "replace"), RESULT)
    made_by = read_statement(bundle.statement, Evidence, STATEMENT)[1].software
    make: Mapping[Level, Callable[[Material, Runner], list[str]]] = {
        "public": _public,
        "counts": _counts,
        "scores": _scores,
    }
    is_model = is_of_numbers(result.plan.detector)
    for level in levels or (LEVELS if is_model else LEVELS[:2]):
        with PrivateFolder() as work:
            try:
                other = make[level](Material(bundle, result, folder, work), run)
            except AuditError as error:
                yield Shown(level, State.NOT_SHOWN, f"{level} could not be made again: {error}")
                continue
        if other and made_by.is_this:
            yield Shown(level, State.CONTRADICTED, f"{level} come out otherwise: {', '.join(other)}")
        elif other:
            version = f"audit7k {printable(made_by.audit7k)} made them ({made_by.install})"
            yield Shown(level, State.NOT_SHOWN, f"{level} come out otherwise here: {', '.join(other)}; {version}")
        else:
            but = f", but for {_PAPER}, which fonts decide" if level == "public" and _PAPER in bundle.public else ""
            but = _BUT_FOR_THE_CHANGE if level != "public" and result.change is not None else but
            yield Shown(level, State.HOLDS, f"{level} came out the same, byte for byte{but}")


def _public(material: Material, run: Runner) -> list[str]:  # noqa: ARG001 - as the other levels
    bundle = material.bundle
    # without a log nothing is shown, so that nothing was drawn: only verdict and plan are
    log = bundle.restricted.get(LOG, b"\n{}").partition(b"\n")[2]
    try:
        entry = {"release": json.loads(bundle.public[RELEASE]), **json.loads(log)}
        release = PublicRelease.model_validate_json(json.dumps(entry["release"]))
        other = made_again(material.result, entry)
    except (ValueError, LookupError, TypeError, AttributeError):  # whoever made the bundle wrote it
        return [LOG]
    remade = {REPORTERS[form][0]: file_of(release, form) for form in release.about.formats if form != PAPER}
    shown = {name: content for name, content in bundle.public.items() if name != _PAPER}
    return [*other, *(name for name, content in shown.items() if remade.get(name) != content)]


def _counts(material: Material, run: Runner) -> list[str]:
    if isinstance(material.result.plan.detector, PredictionsDetector):
        return _whole(material, run)
    document = _plan(material)
    answers = material.place(PREDICTIONS, Path(f"{PREDICTIONS}.parquet"))
    document["detector"] = _known_answers(material, material.base / answers)
    for key in ("probes", "scoring", "baseline", "measures"):
        document.pop(key, None)
    document["rules"] = [rule for rule in document["rules"] if "probe" not in rule]
    again = run(document, material.base, material.work).result
    return _differing(material.result, again, COUNTED)


def _scores(material: Material, run: Runner) -> list[str]:
    if isinstance(material.result.plan.detector, PredictionsDetector):
        raise EvidenceError("the plan names answers and no detector", slug="no-detector")
    if not is_of_numbers(material.result.plan.detector):
        raise EvidenceError(
            f'a detector of the kind "{material.result.plan.detector.kind}" is a program or a service, and is not run',
            slug="program-in-bundle",
            hint="look at the program, then run the plan itself",
        )
    return _whole(material, run)


def _whole(material: Material, run: Runner) -> list[str]:
    """Run the plan as it was, and compare all that does not say where files lie, and when."""
    if material.result.plan.measures:
        raise EvidenceError(
            "the plan has measures of its own, which are programs, and are not run",
            slug="program-in-bundle",
            hint="look at them, then run the plan itself",
        )
    document = _plan(material)
    document.pop("baseline", None)
    path = getattr(material.result.plan.detector, "path", None)
    if material.digest(DETECTOR) is not None and path is not None:
        document["detector"] = {**document["detector"], "path": str(material.place(DETECTOR, path))}
    rerun = run(document, material.base, material.work)
    # what a history shows is no part of a run, and safeguards follow from it too
    origin = rerun.result.provenance.model_copy(update={"history": material.result.provenance.history})
    again = with_safeguards(rerun.result.model_copy(update={"provenance": origin}))
    pair = (_unopposed(material.result), _unopposed(again))
    if material.result.change is not None:
        pair = (_without_change(pair[0]), _without_change(pair[1]))
    names = [name for name in AuditResult.model_fields if name not in _ASKED]
    other = _differing(*pair, names)
    if material.digest(PREDICTIONS) is not None and not material.is_what_was_audited(PREDICTIONS, rerun.predictions):
        other.append(rerun.predictions.name)
    is_model = is_of_numbers(material.result.plan.detector)
    if other and is_model and _differ_by_rounding(material, *pair, rerun.predictions):
        raise EvidenceError(
            "decisions are the same, and scores differ by less than a millionth: another processor rounds otherwise",
            slug="rounds-otherwise",
        )
    return other


def _differ_by_rounding(material: Material, result: AuditResult, again: AuditResult, predictions: Path) -> bool:
    """Say whether two results, and the detector's answers where the bundle holds them, differ by rounding alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    documents = (document.model_dump(mode="json", by_alias=True, exclude=set(_ASKED)) for document in (result, again))
    answers = material.bundle.restricted.get(f"{PREDICTIONS}.parquet")
    tables = () if answers is None else (pq.read_table(pa.py_buffer(answers)), pq.read_table(predictions))
    return _is_close(*documents) and (not tables or _is_close(*(table.to_pydict() for table in tables)))


def _is_close(first: Any, second: Any) -> bool:
    """Say whether two documents are the same but for rounding."""
    if isinstance(first, float) and isinstance(second, float):
        are_no_numbers = math.isnan(first) and math.isnan(second)
        return are_no_numbers or math.isclose(first, second, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return all(_is_close(value, second[name]) for name, value in first.items())
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return all(map(_is_close, first, second))
    return bool(first == second)


def _unopposed(result: AuditResult) -> AuditResult:
    """Leave out what other libraries said: which are there, and whether they are asked, is not of the audit."""
    further = result.further.model_copy(update={"crosscheck": (), "crosscheck_state": "not_asked"})
    notices = tuple(notice for notice in result.notices if not notice.code.startswith("crosscheck-"))
    return result.model_copy(update={"further": further, "notices": notices})


def _without_change(result: AuditResult) -> AuditResult:
    """Leave out the change since earlier audits, whose answers are in no bundle, and what follows from it."""
    overall = verdict_without_change(result)
    further = result.further.model_copy(update={"held_against": None, "planned_pass": None})
    return with_safeguards(result.model_copy(update={"change": None, "overall": overall, "further": further}))


def _plan(material: Material) -> dict[str, Any]:
    """Return the plan as it was asked, with the set where it lies now.

    Raises
    ------
    EvidenceError
        If it is not the plan of the result, by which is judged whether it may be run.
    """
    section = material.result.plan.evaluation_set
    key = "counts" if section.counts is not None else "path"
    document: dict[str, Any] = json.loads(json.dumps(material.result.plan_as_asked))
    plans = (loaded_plan(document, material.base).plan, material.result.plan)
    read, recorded = (plan.model_dump(mode="json", by_alias=True, exclude={"scoring"}) for plan in plans)
    if read != recorded:
        raise EvidenceError("the result holds two plans that differ", slug="two-plans")
    named = section.counts or section.path or Path(SET)
    document["evaluation_set"] = {**document["evaluation_set"], key: str(material.place(SET, named))}
    return document


def _known_answers(material: Material, answers: Path) -> dict[str, Any]:
    """Return the section of a detector that is known by its answers, in the place of the one that gave them."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    detector, table = material.result.plan.detector, pq.read_table(answers)
    known = table.set_column(
        table.schema.get_field_index("decision"),
        "decision",
        pc.if_else(pc.equal(table["status"].cast("string"), "ok"), table["decision"].cast("string"), None),
    )
    known_path = material.work / "known-answers.parquet"
    pq.write_table(known.select([table.column_names[0], "score", "decision"]), known_path)
    section: dict[str, Any] = {"kind": "predictions", "path": str(known_path), "id": table.column_names[0]}
    if table["score"].null_count == table.num_rows:
        return {
            **section,
            "decision": "decision",
            "decision_positive": ["flagged"],
            "decision_negative": ["not flagged"],
        }
    section["score"] = "score"
    for key in ("threshold", "top_k", "score_range", "answers"):
        value = getattr(detector, key, None)
        if value is not None and key in detector.model_fields_set:
            section[key] = list(value) if isinstance(value, tuple) else value
    return section


def _differing(result: AuditResult, other: AuditResult, names: Sequence[str]) -> list[str]:
    """Return the first place of each field in which two results differ."""
    texts = ((name, field_json(getattr(result, name)), field_json(getattr(other, name))) for name in names)
    return [_place(json.loads(text), json.loads(changed), name) for name, text, changed in texts if text != changed]


def _place(first: Any, second: Any, path: str) -> str:
    inside: Iterator[tuple[str, Any, Any]] = iter(())
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        inside = ((f"{path}.{name}", value, second[name]) for name, value in first.items())
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        inside = ((f"{path}[{index}]", *pair) for index, pair in enumerate(zip(first, second, strict=True)))
    return next((_place(value, changed, at) for at, value, changed in inside if value != changed), path)


def countersigned(bundle: Bundle, replayed: Sequence[Shown], signed_at: str, signer: Signer) -> Bundle:
    """Return a bundle with a countersignature over what a replay of it found.

    Parameters
    ----------
    replayed : sequence of Shown
        What `replay` found, level by level.
    signed_at : str
        Now, as YYYY-MM-DDTHH:MM:SSZ.

    Raises
    ------
    EvidenceError
        If no level was made again, or one did not come out the same: nobody signs what they did not see.
    """
    states = {shown.code: shown.state for shown in replayed}
    if not states or set(states.values()) != {State.HOLDS}:
        raise EvidenceError("nothing is countersigned that was not made again", slug="not-replayed")
    levels = tuple(level for level in LEVELS if level in states)
    countersignature = Countersignature(signed_at=signed_at, levels=levels, software=software())
    envelope = Envelope(statement_bytes({STATEMENT: sha256(bundle.statement)}, countersignature)).signed(signer)
    return bundle.with_envelope(envelope, signer.public)
