"""The cases of a challenge: declared features under random ids, with twins and decisions from production among them."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import identifier
from audit.engines.read_errors import reading
from audit.errors import DataError, EvidenceError
from audit.evaluation.table_file import ReadOptions, read_file
from audit.evidence.blind.labels import Label, label_root
from audit.evidence.blind.repeats import refuse_repeats
from audit.evidence.blind.terms import CASES, CID, LARGEST_TABLE, TERMS, Terms, read_part
from audit.storage import bytes_of_result
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet

DECISION: Final = "decision"
"""Column of a file from production, and of answers, with what was decided."""
_AN_ANSWER: Final = 256
"""Bytes of one answer at most."""
_MEANING: Final = {"1": True, "true": True, "1.0": True, "0": False, "false": False, "0.0": False}


@dataclass(frozen=True, slots=True)
class Challenge:
    """The cases, and who they are, row by row in the same order."""

    cases: pa.Table
    """`cid` and the features: all that the vendor is given."""
    rows: pa.Table
    """`cid`, `kind` (case, twin, production), `id`, `label` (1, 0 or empty), and `logged`, the decision of
    production."""

    def root(self, key: bytes) -> str:
        """Return the root over the labels."""
        return label_root(key, self.rows[CID].to_pylist(), labels_of(self.rows))


def labels_of(rows: pa.Table) -> list[Label]:
    """Return the labels of a challenge, in its order."""
    return cast("list[Label]", rows["label"].to_pylist())


def make_challenge(
    evaluation_set: EvaluationSet,
    features: Sequence[str],
    key: bytes,
    twins: int,
    production: Path | None = None,
    withheld: Sequence[str] = (),
) -> Challenge:
    """Make a challenge of an evaluation set.

    Parameters
    ----------
    evaluation_set : EvaluationSet
    features : sequence of str
        The columns that the vendor is given.
    key : bytes
        32 random bytes. Ids follow from it, and so do the order of rows and which are given twice.
    twins : int
        How many cases are given twice; all, if there are fewer.
    production : Path, optional
        A file with the features and a column `decision` (1 or 0): what the system at work decided.
    withheld : sequence of str
        Columns of groups: no feature may repeat one that is not a feature itself.

    Raises
    ------
    DataError
        If a feature is called as the ids are, or repeats what is withheld, or the file does not fit.
    """
    import pyarrow as pa

    if any(name.casefold() in {CID, "__row__"} for name in features):
        raise DataError(
            f"a column called {CID} cannot be given: so are the ids called", slug="features-reserved", hint="rename it"
        )
    columns = dict.fromkeys(column for column in withheld if column not in features)
    ids, labels, cells = _cases_of(evaluation_set, (*features, *columns))
    feature_cells = cells.select(list(features))
    refuse_repeats(feature_cells, ids, labels, cells.select(list(columns)))
    # not by what their ids are made of, or the lowest ids would be those of twins
    order = sorted(range(len(ids)), key=lambda index: _mac(key, f"chosen {ids[index]}"))[:twins]
    parts = [feature_cells, feature_cells.take(pa.array(order, type=pa.int64()))]
    identities: list[tuple[str, str, str, bool | None]] = [
        ("case", identity, label, None) for identity, label in zip(ids, labels, strict=True)
    ]
    identities += [("twin", ids[index], labels[index], None) for index in order]
    if production is not None:
        logged, decisions = _production(production, feature_cells.schema)
        parts.append(logged)
        identities += [("production", str(row_number), "", decided) for row_number, decided in enumerate(decisions)]
    cids = [_mac(key, f"{kind} {identity}")[:24] for kind, identity, _, _ in identities]
    by_cid = sorted(range(len(cids)), key=cids.__getitem__)
    names = ("kind", "id", "label", "logged")
    types = (pa.string(), pa.string(), pa.string(), pa.bool_())
    identity_columns = [pa.array([row[at] for row in identities], type=type_) for at, type_ in enumerate(types)]
    cid = pa.array(cids)
    cases = pa.table([cid, *pa.concat_tables(parts).columns], names=[CID, *features])
    rows = pa.table([cid, *identity_columns], names=[CID, *names])
    return Challenge(cases.take(by_cid).combine_chunks(), rows.take(by_cid).combine_chunks())


def labels_by_id(evaluation_set: EvaluationSet) -> dict[str, str]:
    """Return the label of each case of a set."""
    ids, labels, _ = _cases_of(evaluation_set, ())
    return dict(zip(ids, labels, strict=True))


def _mac(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()


def _cases_of(evaluation_set: EvaluationSet, features: Sequence[str]) -> tuple[list[str], list[str], pa.Table]:
    source, expressions = evaluation_set.source, evaluation_set.expressions
    wanted = [expressions["case_id"], expressions["label"], *map(evaluation_set.feature_expression, features)]
    columns = ", ".join(f"{sql} AS _{index}" for index, sql in enumerate(wanted))
    # built from quoted identifiers and checked expressions; nothing of a cell stands in it
    query = f"SELECT {columns} FROM {source.name}"  # noqa: S608
    with reading(source.source_name):
        table: Any = evaluation_set.local_engine.sql(query).to_arrow_table()
    labels = ["" if label is None else str(label) for label in table.column(1).to_pylist()]
    return table.column(0).to_pylist(), labels, table.select(range(2, table.num_columns)).rename_columns(list(features))


def _production(path: Path, schema: pa.Schema) -> tuple[pa.Table, list[bool]]:
    """Read what was decided in production, with the features in the types of the set. Raises DataError."""
    import pyarrow as pa

    with DuckDBEngine([path]) as engine:
        wanted = [*schema.names, DECISION]
        read = read_file(engine, "production", path, ReadOptions(), dict.fromkeys(wanted, ""))
        columns = ", ".join(map(identifier, wanted))
        with reading(read.source_name):
            table: Any = engine.sql(f"SELECT {columns} FROM {read.name}").to_arrow_table()  # noqa: S608
    decided = [_MEANING.get(str(value).casefold()) for value in table[DECISION].to_pylist()]
    known = [decision for decision in decided if decision is not None]
    try:
        logged = table.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError):
        logged = None
    if logged is None or len(known) < len(decided):
        what = f'a "{DECISION}" that is neither 1 nor 0' if logged is not None else "a column of another type"
        raise DataError(f"{shown(path.name)}: {what}", slug="production-rows")
    return logged, known


def table_bytes(table: pa.Table) -> bytes:
    """Return a table as Parquet: the same rows, the same bytes."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), buffer, compression="zstd")
    return buffer.getvalue()


def read_table(path: Path, most: int | None = None) -> tuple[pa.Table, bytes]:
    """Read a table of a blind audit, and its bytes; of somebody's answers `most` rows.

    Raises
    ------
    EvidenceError
        If it is none, or larger than so many answers are.
    ResultError
        If there is no such file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    room = LARGEST_TABLE if most is None else _AN_ANSWER * (most + 4096)
    content = bytes_of_result(path, room)
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        if max(file.metadata.num_rows, sum(group.total_byte_size for group in groups)) <= room:
            return file.read(), content
    except (pa.ArrowException, OSError, ValueError):
        pass
    raise EvidenceError(f"{path.name} cannot be read as Parquet of that size", slug="not-a-challenge") from None


def read_cases(folder: Path, sha256_of_cases: str) -> pa.Table:
    """Read the cases of a challenge. Raises EvidenceError if they are not those of its terms."""
    table, content = read_table(folder / CASES)
    if hashlib.sha256(content).hexdigest() != sha256_of_cases:
        raise EvidenceError(f"{CASES} is not the file that the terms name", slug="other-challenge")
    return table


def cells_asked(challenge: Challenge) -> Iterator[str]:
    """Yield the cells of the cases of the set, each as one text."""
    case_cells = challenge.cases.drop_columns([CID]).to_pylist()
    kinds = challenge.rows["kind"].to_pylist()
    return (json.dumps(cells, default=str) for cells, kind in zip(case_cells, kinds, strict=True) if kind == "case")


def ids_asked(rows: pa.Table) -> Iterator[str]:
    """Yield the ids of the cases of the set."""
    return (
        case_id
        for kind, case_id in zip(rows["kind"].to_pylist(), rows["id"].to_pylist(), strict=True)
        if kind == "case"
    )


def read_challenge(folder: Path) -> tuple[Terms, pa.Table]:
    """Return the terms and cases of a challenge. Raises EvidenceError if they are not whole."""
    terms = read_part(folder / TERMS, Terms)
    return terms, read_cases(folder, terms.sha256)
