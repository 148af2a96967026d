"""Pool of labelled cases to draw from, and rows of it that are copies of one another.

Pool to draw from: every row that can be drawn with its cell, its ticket and the unit that it is drawn with.

The tickets are 128-bit digests (MD5) of the seed and an id, so that the choice of rows depends on nothing else: not on
the order of rows, the number of threads or the format of the file. The pool is never loaded: a few numbers of each row
go into a table that DuckDB writes to the private folder where it does not fit into memory.

Rows that are copies of one another: all but one left out, or drawn together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from duckdb.func import PythonUDFType
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import ROW, identifier, literal
from audit.engines.read_errors import reading
from audit.errors import DataError
from audit.evaluation.checks import alongside, run_check
from audit.evaluation.design import cluster_text
from audit.evaluation.ids import check_ids
from audit.evaluation.labels import check_labels
from audit.evaluation.on_engine import OnEngine, close_on_error
from audit.evaluation.relation import Relation, check_asked, check_text_type, text_of
from audit.evaluation.sensitive import CodedFeature, check_maps, check_names, code_features, list_columns
from audit.evaluation.table_file import ReadOptions, read_file
from audit.plan.sampling_design import COLUMNS_ADDED, SamplingDesign
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import duckdb
    import numpy.typing as npt


PREFIX: Final = "audit7k_"
"""Prefix of names in queries over the pool's own columns."""
_BETWEEN: Final = "chr(31)"


@dataclass(frozen=True, slots=True)
class CellRows:
    """A cell and its rows."""

    codes: tuple[str, ...]
    """A code of each feature on its finest rung, in the order of the design."""
    positive: bool
    """Whether its rows are labelled as exploitation."""
    rows: int
    """Number of rows."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows that are copies of one another."""

    sets: int
    """Sets of two and more rows."""
    rows: int
    """Rows in them."""
    labels_differ: int
    """Sets whose rows are labelled differently."""
    joined_clusters: int = 0
    """Clusters that are drawn with others, because they share copies."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Cases that are not drawn again, since somebody was asked about them."""

    salt: str
    digests: Sequence[str]
    """SHA-256 of salt and id, in hexadecimal."""


@dataclass(slots=True)
class Pool(OnEngine):
    """Checked pool around one DuckDB. A context manager: closing it removes every trace.

    The table `frame` holds a row for each row of the pool that can be drawn: its number `place`, its `cell` (from 0, in
    the order of `cells`), and its `unit` (UHUGEINT), which is drawn whole and is its ticket.
    """

    engine: DuckDBEngine
    source: Relation
    """The pool's file; every column of it can be asked for."""
    case_id: str
    """SQL of the id."""
    features: tuple[SensitiveFeature, ...]
    """The sensitive features with every level found."""
    cells: tuple[CellRows, ...]
    """The cells, sorted; a cell without an exploited (or another) case is not among them."""
    unlabelled: int
    """Rows without a label: counted, and not in the frame."""
    spent: int
    """Rows that are not drawn again: counted, and not in the frame."""
    copies: Copies | None
    """Copies found, where the design asks about them."""
    whole_units: bool
    """Whether units can have more than one row."""

    @property
    def columns_left_out(self) -> int:
        """Number of columns of the file that cannot be written: those without a name, and lists or objects in JSONL."""
        return len(self.source.columns) - len(self.source.types)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return every row of an answer. Raises DataError or StorageError as reading the pool does."""
        with reading(self.source_name):
            return self.engine.execute(sql, dict(parameters or {})).fetchall()

    def put(self, name: str, columns: Mapping[str, Any]) -> None:
        """Put a small table (lists, numpy or Arrow arrays) beside the frame, in the place of the last of that name."""
        self.engine.register("incoming", pa.table(dict(columns)))
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS SELECT * FROM incoming")  # noqa: S608
        self.engine.unregister("incoming")


def check_columns(source: Relation, design: SamplingDesign) -> None:
    """Check that every column that the design names is there and usable, and that none has a name that the drawn set
    gives.

    Raises DataError.
    """
    keys: dict[str, str] = {}
    pool = design.pool
    columns_named = [(pool.id, "pool.id"), (pool.label, "pool.label"), (pool.cluster, "pool.cluster")]
    for name, feature in design.groups.items():
        columns_named.append((feature.column, f"groups.{name}.column"))
        columns_named.append((feature.country_column, f"groups.{name}.country_column"))
    duplicates = design.duplicates
    columns_named += [(column, "duplicates.columns") for column in (duplicates.columns if duplicates else ())]
    for column, key in columns_named:
        if column is not None:
            keys.setdefault(column, key)
    check_asked(source.source_name, source.columns, keys)
    nested = [column for column in keys if column not in source.types]
    if nested:
        raise DataError(
            f'{shown(source.source_name)}: "{shown(nested[0])}" ({keys[nested[0]]}) holds lists or objects',
            slug="column-type",
        )
    taken = [column for column in source.types if column.casefold() in COLUMNS_ADDED]
    if taken:
        raise DataError(
            f"{shown(source.source_name)}: a column is called {taken[0]}, a name that a drawn set gives",
            slug="column-reserved",
            hint="rename the column: a set that was drawn before keeps its weights under another name",
        )


def find_cells(pool: Pool, label: str, coded: Sequence[CodedFeature]) -> None:
    """Find the cells, and make the table `cell_of` from what stands in the file to the number of the cell."""
    expressions = [*(entry.expression for entry in coded), label]
    places = ", ".join(str(index) for index in range(1, len(expressions) + 1))
    counted = pool.query(f"SELECT {', '.join(expressions)}, count(*) FROM source GROUP BY {places}")  # noqa: S608
    rows: dict[tuple[tuple[str, ...], bool], int] = {}
    for *values, side, count in counted:
        if side is None:
            pool.unlabelled += count
            continue
        key = (_codes(coded, values), side == 1)
        rows[key] = rows.get(key, 0) + count
    if not rows:
        raise DataError(f"{shown(pool.source.source_name)}: no row has a label", slug="no-labels")
    ordered = sorted(rows, key=lambda key: (key[0], not key[1]))
    pool.cells = tuple(CellRows(codes, positive, rows[codes, positive]) for codes, positive in ordered)
    at = {key: index for index, key in enumerate(ordered)}
    labelled = [(values, side) for *values, side, _ in counted if side is not None]
    keys = [(_codes(coded, values), side == 1) for values, side in labelled]
    columns: dict[str, list[Any]] = {
        f"value_{index}": [values[index] for values, _ in labelled] for index in range(len(coded))
    }
    columns["side"] = [side for _, side in labelled]
    columns["cell"] = [at[key] for key in keys]
    _put_texts(pool, columns)


def _codes(coded: Sequence[CodedFeature], values: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(entry.codes[value] for entry, value in zip(coded, values, strict=True))


def _put_texts(pool: Pool, columns: Mapping[str, Sequence[Any]]) -> None:
    """Make the table `cell_of`; a column of which every value is missing is one of texts all the same."""
    kinds = {"side": pa.int8(), "cell": pa.int32()}
    pool.put("cell_of", {name: pa.array(values, kinds.get(name, pa.string())) for name, values in columns.items()})


def make_frame(
    pool: Pool, design: SamplingDesign, label: str, coded: Sequence[CodedFeature], cluster: str | None
) -> None:
    """Write the frame of a pool: for each row its place, its cell, its unit and what copies are recognised by."""
    seed = design.draw.seed
    unit = ticket_of(seed, "row", pool.case_id) if cluster is None else ticket_of(seed, "cluster", cluster)
    read = {"place": ROW, "side": label, "unit": unit}
    read |= {f"value_{index}": entry.expression for index, entry in enumerate(coded)}
    columns = ["place", "cell", "unit"]
    if design.duplicates is not None:
        columns += ["side", "copy"]
        read["copy"] = _copy_key(pool, design)
        if design.duplicates.compare == "text":
            add_copy_text(pool.connection)
    if design.duplicates is not None and not design.together:
        # a ticket of its own: the first of a set would else be drawn more often than other rows
        columns.append("lot")
        read["lot"] = ticket_of(seed, "copy", pool.case_id)
    # the inner query has the names of the file alone, and gives names that none of its columns is confused with
    inner = ", ".join(f"{sql} AS {PREFIX}{name}" for name, sql in read.items())
    on = [f"{PREFIX}value_{index} IS NOT DISTINCT FROM value_{index}" for index in range(len(coded))]
    outer = ", ".join(f"{PREFIX}{name} AS {name}" if name in read else name for name in columns)
    pool.query(
        f"CREATE TEMP TABLE frame AS SELECT {outer} FROM (SELECT {inner} FROM source) "  # noqa: S608
        f"JOIN cell_of ON {' AND '.join([*on, f'{PREFIX}side = cell_of.side'])}"
    )


def ticket_of(seed: int, what: str, text: str) -> str:
    """Return SQL of the ticket (UHUGEINT) of a text, of one kind of `what`: kinds are as good as independent."""
    return f"md5_number(concat({literal(f'{seed}:{what}:')}, {text}))"


def _copy_key(pool: Pool, design: SamplingDesign) -> str:
    """Return SQL of the key that copies share (UHUGEINT), NULL for a row that is nobody's copy."""
    duplicates = design.duplicates
    assert duplicates is not None  # noqa: S101 - asked for by a design that has them
    texts = []
    for column in duplicates.columns:
        kind = pool.source.types[column]
        check_text_type(pool.source.source_name, column, kind, "the text")
        texts.append(f"COALESCE({text_of(pool.source.expression(column), kind)}, '')")
    if duplicates.compare == "value":
        filled = " AND ".join(f"{text} <> ''" for text in texts)
        parts = ", ".join(f"length({text}), ':', {text}" for text in texts)
        return f"CASE WHEN {filled} THEN md5_number(concat({parts})) END"
    key = f"concat_ws({_BETWEEN}, {', '.join(f'copied({text})' for text in texts)})"
    letters = f"length(replace(replace({key}, {literal(NUMBER)}, ''), {_BETWEEN}, ''))"
    return f"CASE WHEN {letters} >= {duplicates.least_letters} THEN md5_number({key}) END"


NUMBER: Final = "#"
"""Sign that stands for any number: of a telephone, a price, a date."""
_NO_WORD: Final = re.compile("[\\W_\u02bb\u02bc\u0640]+")
"""Characters that are no letter or digit, with two apostrophes and the Arabic tatweel, which Unicode counts among
letters.
"""
_DIGITS: Final = re.compile(r"\d+")
_ASCII: Final = bytes(ord(NUMBER) if 0x30 <= one <= 0x39 else ord(chr(one).lower()) for one in range(128)) + bytes(128)
_ASCII_MARKS: Final = bytes(one for one in range(128) if not chr(one).isalnum())
_ASCII_NUMBERS: Final = re.compile(b"##+")


def copy_text(text: str) -> str:
    """Reduce a text to what its copies share: its letters, and `#` for each number.

    This is the spelling rule of names (`audit.evaluation.meaning.fold`: compatibility forms, case, accents, width,
    spaces) without any other character: punctuation, symbols and emoji go, vowel signs and other marks as well. What is
    left of digits is then one number wherever it stood together: `+39 06 123-45` and `+39 06 99` are both `#`. Words
    are compared as they are spelt: `m4ssage` is no copy of `massage`, and a text with one more word is another text.
    """
    if text.isascii():  # the same, ten times as fast: a pool can have ten million texts
        return _ASCII_NUMBERS.sub(b"#", text.encode().translate(_ASCII, _ASCII_MARKS)).decode()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).casefold()
    return _DIGITS.sub(NUMBER, _NO_WORD.sub("", plain.replace("ı", "i")))


def add_copy_text(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the SQL function `copied`, of texts that are not NULL."""
    connection.create_function("copied", _copy_texts, ["VARCHAR"], "VARCHAR", type=PythonUDFType.ARROW)


def _copy_texts(texts: Any) -> Any:
    """Reduce Arrow texts to Arrow texts; DuckDB evaluates the annotations of a function, so that they name no
    module.
    """
    return pa.array([copy_text(text) for text in texts.to_pylist()], type=pa.string())


def open_pool(path: Path, design: SamplingDesign, spent: Spent | None = None) -> Pool:
    """Open the pool of a design and check every cell that the design uses, as an audit would; without what is `spent`.

    Raises
    ------
    DataError
        If anything in the pool is not as the design says: one line that counts and numbers the rows.
    PlanError
        If the design maps a nationality to no code, or names two features alike.
    StorageError
        If there is no room for the frame.
    """
    plan = design.as_plan()
    check_names(plan.groups, plan.control_features)
    check_maps(plan.groups)
    path = path.absolute()
    engine = DuckDBEngine([path])
    with close_on_error(engine):
        return _open(path, design, engine, spent)


def _open(path: Path, design: SamplingDesign, engine: DuckDBEngine, spent: Spent | None) -> Pool:
    plan, section = design.as_plan(), design.pool
    options = ReadOptions(section.format, section.encoding, section.delimiter, list_columns(plan.groups))
    source = read_file(engine, "source", path, options)
    check_columns(source, design)
    checks = [
        check_ids(source, section.id),
        check_labels(source, plan.evaluation_set),
        code_features(source, plan.groups, plan.detector),
    ]
    clusters = [] if section.cluster is None else [cluster_text(source, section.cluster)]
    case_id, label, coded, *problems = run_check(engine, source, alongside(*checks, *clusters))
    cluster = problems[0] if problems else None
    pool = Pool(
        engine=engine,
        source=source,
        case_id=case_id,
        features=tuple(entry.feature for entry in coded),
        cells=(),
        unlabelled=0,
        spent=0,
        copies=None,
        whole_units=cluster is not None or design.together,
    )
    if spent is not None:
        label = _without(pool, spent, label)
    find_cells(pool, label, coded)
    pool.unlabelled -= pool.spent
    make_frame(pool, design, label, coded, cluster)
    return pool


def _without(pool: Pool, spent: Spent, label: str) -> str:
    """Return SQL of the label that is NULL where a row is not drawn again, and count these rows."""
    pool.put("spent", {"digest": list(spent.digests)})
    digest = f"sha256(concat({literal(spent.salt)}, {pool.case_id}))"
    is_spent = f"({digest} IN (SELECT digest FROM spent))"  # noqa: S608 - a name of our own
    ((pool.spent,),) = pool.query(f"SELECT count(*) FROM source WHERE {is_spent} AND {label} IS NOT NULL")  # noqa: S608
    return f"CASE WHEN NOT {is_spent} THEN {label} END"


_DIFFER = "count(*) FILTER (least_side <> most_side), COALESCE(sum(copies), 0)"
_SETS = "SELECT copy, count(*) AS copies, min(side) AS least_side, max(side) AS most_side"


def settle_copies(pool: Pool, design: SamplingDesign) -> None:
    """Leave copies out of the frame, or draw them together, if the design looks for them."""
    if design.duplicates is not None:
        pool.copies = join_copies(pool, design) if design.together else leave_copies_out(pool)


def leave_copies_out(pool: Pool) -> Copies:
    """Keep one row of each set in the frame: the one with the lowest lot.

    The table `doubles` then says for each set (`copy`) how many rows it had (`copies`).
    """
    pool.query(
        f"CREATE TEMP TABLE doubles AS {_SETS}, min(lot) AS first FROM frame WHERE copy IS NOT NULL "
        "GROUP BY copy HAVING count(*) > 1"
    )
    copies = _count_copies(pool)
    _replace_frame(
        pool,
        "SELECT place, cell, unit, frame.copy FROM frame LEFT JOIN doubles ON frame.copy = doubles.copy "
        "WHERE doubles.copy IS NULL OR lot = doubles.first",
    )
    return copies


def join_copies(pool: Pool, design: SamplingDesign) -> Copies:
    """Make one unit of the rows of each set, and of whole clusters that share one.

    Such units are found as connected parts of the graph of clusters and sets. Each gets a ticket of its own: the lowest
    ticket of its clusters would let large ones be drawn more often.
    """
    pool.query(
        f"CREATE TEMP TABLE doubles AS {_SETS}, min(unit) <> max(unit) AS spans FROM frame WHERE copy IS NOT NULL "
        "GROUP BY copy HAVING count(*) > 1"
    )
    copies = _count_copies(pool)
    if design.pool.cluster is None:
        ticket = ticket_of(design.draw.seed, "joined", "hex(doubles.copy)")
        _replace_frame(
            pool,
            f"SELECT place, cell, CASE WHEN doubles.copy IS NULL THEN unit ELSE {ticket} END AS unit "  # noqa: S608
            "FROM frame LEFT JOIN doubles ON frame.copy = doubles.copy",
        )
        return copies
    return replace(copies, joined_clusters=_join_clusters(pool, design))


def _join_clusters(pool: Pool, design: SamplingDesign) -> int:
    """Give clusters that are linked by sets of copies one unit; returns their number."""
    pool.query("CREATE TEMP TABLE edges AS SELECT DISTINCT unit, copy FROM frame JOIN doubles USING (copy) WHERE spans")
    pool.query(
        "CREATE TEMP TABLE ends AS SELECT unit, row_number() OVER (ORDER BY unit) - 1 AS place "
        "FROM (SELECT DISTINCT unit FROM edges)"
    )
    lowest = _lowest_of_part(pool)
    pool.put("parts", {"place": np.arange(lowest.size), "lowest": lowest})
    ticket = ticket_of(design.draw.seed, "joined", "hex(first.unit)")
    pool.query(
        f"CREATE TEMP TABLE joined AS SELECT ends.unit, {ticket} AS part FROM ends "  # noqa: S608
        "JOIN parts USING (place) JOIN ends AS first ON first.place = parts.lowest"
    )
    _replace_frame(
        pool, "SELECT place, cell, COALESCE(joined.part, frame.unit) AS unit FROM frame LEFT JOIN joined USING (unit)"
    )
    return int(lowest.size)


def _replace_frame(pool: Pool, query: str) -> None:
    """Make the frame anew: changing millions of its rows in place would take many times as long."""
    pool.query(f"CREATE TEMP TABLE new_frame AS {query}")
    pool.query("DROP TABLE frame")
    pool.query("ALTER TABLE new_frame RENAME TO frame")


def _count_copies(pool: Pool) -> Copies:
    ((sets, labels, rows),) = pool.query(f"SELECT count(*), {_DIFFER} FROM doubles")  # noqa: S608
    return Copies(int(sets), int(rows), int(labels))


def _lowest_of_part(pool: Pool) -> npt.NDArray[np.int64]:
    """int64[E]: for each end of an edge, in the order of their tickets, the first end of its connected part."""
    with reading(pool.source.source_name):
        edges = pool.engine.execute(
            "SELECT ends.place AS one, min(ends.place) OVER (PARTITION BY copy) AS other "
            "FROM edges JOIN ends USING (unit)"
        ).fetchnumpy()
    first_end: npt.NDArray[np.int64] = np.asarray(edges["one"], dtype=np.int64)
    other: npt.NDArray[np.int64] = np.asarray(edges["other"], dtype=np.int64)
    count = int(first_end.max()) + 1 if first_end.size else 0
    links = coo_array((np.ones(first_end.size, dtype=np.int8), (first_end, other)), shape=(count, count))
    _, part = connected_components(links, directed=False)
    first = np.full(int(part.max(initial=-1)) + 1, count, dtype=np.int64)
    np.minimum.at(first, part, np.arange(count, dtype=np.int64))
    lowest: npt.NDArray[np.int64] = first[part]
    return lowest
