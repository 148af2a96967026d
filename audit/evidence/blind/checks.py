"""What is checked of a vendor's answers before anything is judged: they must be one model's, whole, and in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import identifier
from audit.evidence.blind.challenge import DECISION
from audit.evidence.blind.terms import ANSWERS, CID, MODEL, Terms
from audit.evidence.history import Entry, History
from audit.evidence.shown import Shown, State
from audit.evidence.statement import sha256
from audit.scoring.predictions_file import DECISIONS
from audit.vocabulary.statuses import Deployed
from audit.vocabulary.text import count_of

if TYPE_CHECKING:
    import pyarrow as pa

_CLOCKS: Final = timedelta(days=1)
"""What clocks may differ by."""
_MAY_BE_WRONG: Final = 0.05
"""Chance that answers with as many contradictions as the limit allows are refused."""
_MAY_DIFFER: Final = 0.05
"""Largest share of the decisions of the system at work that may differ, where these support the answers."""
_FLAGGED, _NOT_FLAGGED = DECISIONS[:2]


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings of the checks."""

    shown: tuple[Shown, ...]
    deployed: Deployed
    """Whether the answers are those of the system at work."""
    production: int
    """Decisions from production that were mixed in."""
    differ: int = 0
    """How many of them differ from the answers."""

    @property
    def holds(self) -> bool:
        """Whether the answers hold together, so that they can be judged."""
        return all(check.state != State.CONTRADICTED for check in self.shown)


def check_answers(terms: Terms, cases: pa.Table, rows: pa.Table, answers: pa.Table, deterministic: bool) -> Checked:
    """Check answers against the cases and what is known of them.

    Parameters
    ----------
    terms : Terms
    cases, rows : pyarrow.Table
        A challenge, as `Challenge` has it.
    answers : pyarrow.Table
        What the vendor sent: nothing of it is trusted.
    deterministic : bool
        Whether the vendor declared that the model is.
    """
    wrong = list(_whole(cases, answers))
    if wrong:
        return Checked(tuple(wrong), "not_shown", 0)
    decision_by_cid = dict(zip(answers[CID].to_pylist(), answers[DECISION].to_pylist(), strict=True))
    decisions = [decision_by_cid[cid] for cid in cases[CID].to_pylist()]
    twins, otherwise = _contradictions(cases, decisions)
    what = f"{otherwise} of {count_of(twins, 'twin')} otherwise than the same cells under another id"
    state = State.CONTRADICTED if _too_many(otherwise, twins, terms.contradictions) else State.HOLDS
    completeness = Shown("whole", State.HOLDS, f"every case has one answer: {count_of(len(decisions), 'case')}")
    checks = [completeness, Shown("contradictions", state if twins else State.NOT_SHOWN, f"answered {what}")]
    logged = rows["logged"].to_pylist()
    compared = [(word, was) for word, was in zip(decisions, logged, strict=True) if was is not None]
    differ = sum(word != (_FLAGGED if was else _NOT_FLAGGED) for word, was in compared)
    number = count_of(len(compared), "decision")
    if not compared:
        text = "no decisions from production: that the system at work answers so is the vendor's word"
        return Checked((*checks, Shown("deployed", State.CLAIMED, text)), "declared", 0)
    other = _too_many(differ, len(compared), 0.0 if deterministic else terms.contradictions)
    few = not _at_most(differ, len(compared), max(_MAY_DIFFER, terms.contradictions))
    alike = len({was for _, was in compared}) == 1
    why = f": only {number}" if few else ": all are alike" if alike else ""
    text = f"{differ} of {number} from production {'differs' if differ == 1 else 'differ'}{'' if other else why}"
    checks.append(Shown("deployed", State.NOT_SHOWN if other or why else State.HOLDS, text))
    deployed: Deployed = "not_shown" if other else "too_few" if why else "supported"
    return Checked(tuple(checks), deployed, len(compared), differ)


def check_entries(history: History, terms: Terms, answered: Entry, answers: bytes, received: str) -> Iterator[Shown]:
    """Check who answered, what, when, and with which model; `received` is the moment at which answers came."""
    commitment, challenged = history.entries[terms.commitment_entry], history.entries[answered.answers or 0]
    is_signed = answered.key == commitment.key and answered.statement == sha256(answers)
    yield Shown(
        "signature",
        State.HOLDS if is_signed else State.CONTRADICTED,
        f"{ANSWERS} is {'' if is_signed else 'not '}signed by the key that committed to the model",
    )
    same = answered.commitments.get(MODEL) == commitment.commitments.get(MODEL) is not None
    is_whole = commitment.model is not None and commitment.model.is_whole is True
    yield Shown(
        "commitment",
        State.CONTRADICTED if not same else State.HOLDS if is_whole else State.CLAIMED,
        f"answered by {'the model that' if same else 'another model than'} was committed to, as the vendor says"
        f"{'' if is_whole or not same else '; its answers can depend on what no commitment covers'}",
    )
    begun = datetime.fromisoformat(answered.at) + _CLOCKS >= datetime.fromisoformat(challenged.at)
    in_time = begun and answered.at <= terms.deadline and received <= terms.deadline
    moments = f"answered {answered.at} by the vendor's clock, received {received} by the regulator's"
    state = State.HOLDS if in_time else State.CONTRADICTED
    yield Shown("deadline", state, f"{moments}; deadline {terms.deadline}")


def _whole(cases: pa.Table, answers: pa.Table) -> Iterator[Shown]:
    """Say what keeps answers from being one decision for each case."""
    if answers.column_names != [CID, DECISION]:
        yield Shown("whole", State.CONTRADICTED, f"{ANSWERS} has other columns than {CID} and {DECISION}")
        return
    answer_counts, wanted = Counter(map(str, answers[CID].to_pylist())), Counter(cases[CID].to_pylist())
    missing, surplus = (wanted - answer_counts).total(), (answer_counts - wanted).total()
    if missing or surplus:
        text = f"{count_of(missing, 'case')} without an answer, {count_of(surplus, 'answer')} too many or to no case"
        yield Shown("whole", State.CONTRADICTED, text)
    other = sum(word not in DECISIONS for word in answers[DECISION].to_pylist())
    if other:
        yield Shown("decisions", State.CONTRADICTED, f"{count_of(other, 'answer')} that no decision is")


def _contradictions(cases: pa.Table, decisions: list[Any]) -> tuple[int, int]:
    """Return how many rows have the cells of another one, and how many of them are answered otherwise than most."""
    import pyarrow as pa

    features = ", ".join(identifier(name) for name in cases.column_names if name != CID)
    with DuckDBEngine() as engine:
        engine.register("asked", cases.append_column("__said__", pa.array(decisions)))
        # built from quoted identifiers; nothing of a cell stands in it
        alike = f"SELECT {features}, count(*) AS rows FROM asked GROUP BY {features}, __said__"  # noqa: S608
        sizes = f"SELECT sum(rows) AS rows, max(rows) AS most FROM ({alike}) GROUP BY {features}"  # noqa: S608
        query = f"SELECT sum(rows - 1)::BIGINT, sum(rows - most)::BIGINT FROM ({sizes})"  # noqa: S608
        ((twins, otherwise),) = engine.execute(query).fetchall()
    return twins, otherwise


def _too_many(differing: int, cases: int, limit: float) -> bool:
    """Whether more differ than a share of `limit` gives by chance, at a one-sided level of 5 % (exact binomial)."""
    from scipy.special import bdtrc

    return differing > 0 if not limit else differing > 0 and float(bdtrc(differing - 1, cases, limit)) < _MAY_BE_WRONG


def _at_most(differing: int, cases: int, limit: float) -> bool:
    """Whether at most a share of `limit` differs: the one-sided upper 95 % bound of Clopper and Pearson (1934) says."""
    from scipy.special import bdtr

    return float(bdtr(differing, cases, limit)) <= _MAY_BE_WRONG
