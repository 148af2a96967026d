"""A detector answers on the executors of a real Spark what it answers here; `make spark` runs this."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.lake_models import MODEL, SILENT, asked_about, modelled
from made.lake_plans import made_lake

from audit.detectors.isolation.options import Sandbox
from audit.engines.spark import SparkEngine
from audit.errors import AuditError
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.file.plan_file import read_plan_file
from audit.result.json_text import result_sha256
from audit.run import run_audit
from audit.scoring import Keeping, on_spark, score
from audit.scoring.checkpoint import Checkpoint
from audit.scoring.on_spark import pieces_of
from audit.scoring.progress import NoProgress
from audit.scoring.provenance import scoring_identity

pytest.importorskip("pyspark", reason="the extra spark is not installed; `make spark` runs this")

# py4j leaves its sockets to the end of the process
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

CANARY = "canary-7f31"
ROWS = 3_000


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[SparkEngine]:
    """One session of a Spark on this machine."""
    opened = SparkEngine.at(None)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set in three files, and nine plans on it."""
    folder = tmp_path_factory.mktemp("lake")
    made_lake(folder, ROWS)
    return folder


@pytest.fixture
def lake(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with that set, of which each file is a piece."""
    (tmp_path / "set").symlink_to(made / "set")
    (tmp_path / "before").symlink_to(made / "before")
    for plan in made.glob("*.toml"):
        (tmp_path / plan.name).write_text(plan.read_text())
    monkeypatch.setattr(on_spark, "ROWS_OF_A_PIECE", 1_000)
    return tmp_path


@pytest.fixture(scope="module")
def opened(made: Path) -> Iterator[EvaluationSet]:
    """That set, opened on Spark, and no module beside its plan."""
    loaded = read_plan_file(on(modelled(made / "plain.toml")))
    with open_evaluation_set(loaded.plan, loaded.folder) as on_engine:
        yield on_engine


def on(plan: Path) -> Path:
    there = plan.with_name(f"{plan.stem}-on-spark.toml")
    there.write_text(plan.read_text() + '[engine]\nkind = "spark"\n')
    return there


def scored(plan: Path, on_engine: EvaluationSet | None = None, **more: Any) -> list[Any]:
    """Score a set, and return id, score and decision of every row."""
    loaded = read_plan_file(plan)
    with contextlib.ExitStack() as stack:
        if on_engine is None:
            on_engine = stack.enter_context(open_evaluation_set(loaded.plan, loaded.folder))
        score(loaded.plan, on_engine, loaded.folder, **more)
        return sorted(on_engine.rows_of("SELECT case_id, score, decision FROM scored"))


@pytest.mark.parametrize(("name", "sandbox"), [("sample", "none"), ("baseline", "auto")])
def test_a_detector_has_the_same_result_on_spark(name: str, sandbox: str, lake: Path) -> None:
    here = modelled(lake / f"{name}.toml", MODEL if sandbox == "none" else SILENT)
    one, other = (run_audit(path, crosscheck=name == "sample", sandbox=Sandbox(sandbox)) for path in (here, on(here)))
    assert result_sha256(one) == result_sha256(other)
    assert one.further.failures, "some rows have no usable answer"
    for key in ("detector_sha256", "cases_sha256", "evaluation_set_sha256", "ran_in"):
        assert getattr(one.provenance, key) == getattr(other.provenance, key)
    assert other.provenance.ran_in is not None
    assert other.provenance.ran_in.kind == ("child" if sandbox == "none" else "confined")


CLASSES = """
def score(batch):
    return [["none", "some", "much"][int(3 * (score or 0.0) * 0.999)] for score in batch.column("before").to_pylist()]
"""


def test_names_of_classes_are_answers_there(lake: Path, opened: EvaluationSet) -> None:
    here = modelled(lake / "plain.toml", CLASSES)
    answers = 'answers = "class"\nclasses = ["none", "some", "much"]\npositive_classes = ["much"]'
    here.write_text(here.read_text().replace("threshold = 0.5", answers))
    assert scored(here) == scored(on(here), opened)


HOSTILE = """
import hashlib
def score(batch):
    assert batch.schema.names == ["text", "number", "wide", "small", "yes", "single"]
    kinds = [str(field.type) for field in batch.schema]
    cells = zip(*(column.to_pylist() for column in batch.columns))
    return [int(hashlib.md5(repr((kinds, row)).encode()).hexdigest()[:12], 16) / 2**48 for row in cells]
"""
TEXTS = ["", " ", "\u00a0", "İ", "😀", "a\\b", "a'b", "a\nb", "NaN", "null", "007", "e\u0301", "\x1f", None]
NUMBERS = [0.0, -0.0, float("nan"), float("inf"), 5e-324, 2.0**53, None]


def test_a_detector_is_given_the_same_cells_in_the_same_types(lake: Path, tmp_path: Path) -> None:
    rows = [(text, number) for text in TEXTS for number in NUMBERS]
    table = pa.table(
        {
            "id": [f"{place} {text}" for place, (text, _) in enumerate(rows)],
            "label": [place % 2 for place in range(len(rows))],
            "gender": ["woman", "man"] * (len(rows) // 2),
            "nationality": ["NGA"] * len(rows),
            "text": [text for text, _ in rows],
            "number": pa.array([number for _, number in rows], pa.float64()),
            "wide": pa.array([None if place == 3 else 2**53 + place for place in range(len(rows))], pa.int64()),
            "small": pa.array([place % 100 - 50 for place in range(len(rows))], pa.int8()),
            "yes": [None if place % 7 == 0 else place % 2 == 0 for place in range(len(rows))],
            "single": pa.array([place / 3 for place in range(len(rows))], pa.float32()),
        }
    )
    (tmp_path / "hostile").mkdir()
    pq.write_table(table, tmp_path / "hostile" / "part.parquet")
    here = modelled(lake / "plain.toml", HOSTILE, '["text", "number", "wide", "small", "yes", "single"]')
    here.write_text(here.read_text().replace('path = "set"', 'path = "hostile"'))
    answered = [scored(path) for path in (here, on(here))]
    assert answered[0] == answered[1]
    assert len({number for _, number, _ in answered[0]}) == len(rows)


SEARCHING = """
import re
def score(batch):
    # looks for a text in all memory of this process; the pattern is none that it finds
    found = False
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            place, rights, *_, name = line.split(maxsplit=5) if len(line.split()) > 5 else [*line.split(), ""]
            if not rights.startswith("rw") or name.startswith("[v"):
                continue
            start, end = (int(part, 16) for part in place.split("-"))
            try:
                memory.seek(start)
                found = found or re.search(rb"canar[y]-7f31", memory.read(end - start)) is not None
            except (OSError, OverflowError, ValueError):
                pass
    return [float(found)] * batch.num_rows
"""


@pytest.mark.parametrize("given", [False, True])
def test_no_column_that_is_withheld_reaches_the_process_of_a_detector(given: bool, lake: Path, tmp_path: Path) -> None:
    table = pq.read_table(lake / "set" / "part-0.parquet").slice(0, 40)
    secret = pa.array([f"{CANARY}-{place}" for place in range(table.num_rows)])
    (tmp_path / "small").mkdir()
    pq.write_table(table.append_column("secret", secret), tmp_path / "small" / "part.parquet")
    here = modelled(lake / "plain.toml", SEARCHING, '["before", "secret"]' if given else '["before"]')
    here.write_text(here.read_text().replace('path = "set"', 'path = "small"'))
    assert max(found for _, found, _ in scored(on(here))) == float(given)


class Stopping(NoProgress):
    """Stops a run after its first piece, as Ctrl-C does."""

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        raise KeyboardInterrupt


def test_a_run_goes_on_where_it_stopped_and_mixes_no_detectors(lake: Path, opened: EvaluationSet) -> None:
    here = modelled(lake / "plain.toml")
    there, answers = on(here), lake / "answers"
    keeping = [Keeping(Checkpoint(answers), scoring_identity(read_plan_file(there).plan)) for _ in range(6)]
    with pytest.raises(AuditError, match="1,000 of 3,000 rows are scored and kept"):
        scored(there, opened, progress=Stopping(), keeping=keeping[0])
    sealed = {path: path.read_bytes() for path in (answers / "parts").glob("*.json")}
    assert (len(sealed), asked_about(lake)) == (1, 1_000)
    (lake / "model.py").write_text(MODEL.replace("> 0.8", "> 0.7"))
    with pytest.raises(AuditError, match="the detector changed since") as refused:
        scored(there, opened, keeping=keeping[1])
    assert refused.value.slug == "resume-mismatch"
    (lake / "model.py").write_text(MODEL)
    with pytest.raises(AuditError, match="where rows are scored changed since"):
        scored(here, keeping=keeping[2])
    (lake / "asked").unlink()
    resumed = scored(there, opened, keeping=keeping[3])
    assert asked_about(lake) == 1_000 + 2_000, "the rows of a kept piece are asked about again, to know the detector"
    assert {path: path.read_bytes() for path in sealed} == sealed
    damaged = next((answers / "parts").glob("000001-*/*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    (lake / "asked").unlink()
    assert scored(there, opened, keeping=keeping[4]) == resumed
    assert asked_about(lake) == 1_000 + 1_000, "a piece that is damaged is scored again"
    assert resumed == scored(here)


ELSEWHERE = """
import os, sys
if b"pytest" not in open(f"/proc/{os.getppid()}/cmdline", "rb").read():
    __file__ = sys.argv[0]
def score(batch):
    return []
"""


@pytest.mark.parametrize(
    ("model", "slug", "said"),
    [
        (f"def score(batch):\n    raise ValueError('{CANARY}', batch)\n", "detector-raised", "ValueError"),
        ("def score(batch):\n    return [0.5]\n", "answers-length", "1 answers came back"),
        ("def score(batch):\n    raise SystemExit\n", "detector-raised", "SystemExit"),
        (ELSEWHERE, "engine-environment", "does not have what is here: detector"),
    ],
)
def test_an_error_on_an_executor_is_one_line_without_a_cell(
    model: str, slug: str, said: str, lake: Path, opened: EvaluationSet, capfd: pytest.CaptureFixture[str]
) -> None:
    there = on(modelled(lake / "plain.toml", model))
    keeping = Keeping(Checkpoint(lake / "answers"), scoring_identity(read_plan_file(there).plan))
    with pytest.raises(AuditError, match=said) as failed:
        scored(there, opened, keeping=keeping)
    assert failed.value.slug == slug
    assert "\n" not in str(failed.value)
    assert CANARY not in str(failed.value) + "".join(capfd.readouterr())
    assert not (lake / "answers").exists(), "nothing is half-written"


class Unknown:
    """A class that no executor has."""

    def look(self, batches: Any) -> Any:
        """Is never called there."""
        return batches


def test_an_executor_without_this_package_is_named_before_the_first_row(engine: SparkEngine) -> None:
    with pytest.raises(AuditError) as failed:
        engine.run_on_executors(Unknown().look, "said string")
    assert failed.value.slug == "engine-environment"


def test_neighbouring_files_are_one_piece_and_none_is_lost() -> None:
    assert pieces_of([3, 4, 5, 20, 1, 1], 10) == [slice(0, 2), slice(2, 3), slice(3, 4), slice(4, 6)]
    assert pieces_of([7], 10) == [slice(0, 1)]


@pytest.mark.parametrize(
    ("column", "kind"), [(pa.array([1] * 4, pa.uint8()), "engine-feature"), (pa.array([[1]] * 4), "engine-feature")]
)
def test_a_feature_of_another_type_there_is_refused(column: pa.Array, kind: str, lake: Path, tmp_path: Path) -> None:
    table = pq.read_table(lake / "set" / "part-0.parquet").slice(0, 4).append_column("odd", column)
    (tmp_path / "odd").mkdir()
    pq.write_table(table, tmp_path / "odd" / "part.parquet")
    here = modelled(lake / "plain.toml", MODEL, '["before", "odd"]')
    here.write_text(here.read_text().replace('path = "set"', 'path = "odd"'))
    with pytest.raises(AuditError) as refused:
        run_audit(on(here), crosscheck=False, sandbox="none")
    assert refused.value.slug == kind
