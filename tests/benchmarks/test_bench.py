"""The bench on small data: what it makes, what each measure returns, and what it prints. Counted, never timed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audit import AuditResult, load_result
from tools.bench.__main__ import Sizes, main, measure
from tools.bench.aequitas_environment import LOCK, aequitas_python
from tools.bench.contender_fairlearn import by_group
from tools.bench.harness import MEASURED, harness_lines
from tools.bench.lines import Line, table
from tools.bench.made_cases import GENDERS, NATIONALITIES, write_cases
from tools.bench.plans import THRESHOLD
from tools.bench.processes import ProcessError, run
from tools.bench.scored_kinds import KINDS
from tools.bench.scored_set import write_set
from tools.bench.scoring import overhead

ROWS = 150
TINY = Sizes(
    counted=(ROWS,),
    peers=ROWS,
    largest=ROWS,
    strata=100,
    rounds=1,
    scored=0,
    gates=1,
    scanned=(1,),
    demo=False,
    on_spark=(),
)


def made(folder: Path, rows: int, seed: int = 1, spread: str = "zipf") -> Path:
    path = folder / f"{spread}-{rows}-{seed}.parquet"
    write_cases(path, rows, seed=seed, spread="even" if spread == "even" else "zipf")
    return path


def test_the_same_seed_makes_the_same_cases_and_another_seed_others(tmp_path: Path) -> None:
    first = pq.read_table(made(tmp_path, 500))
    again = tmp_path / "again"
    again.mkdir()
    assert pq.read_table(made(again, 500)).equals(first)
    assert not pq.read_table(made(tmp_path, 500, seed=2)).equals(first)


def test_cases_have_the_spread_and_the_prevalence_that_were_asked_for(tmp_path: Path) -> None:
    table = pq.read_table(made(tmp_path, 40_000))
    frame = table.to_pandas()
    assert frame["case_id"].is_unique
    sizes = frame["nationality"].value_counts()
    assert 150 < len(sizes) <= NATIONALITIES
    assert sizes.iloc[0] > 20 * sizes.iloc[100]
    large = frame.groupby("nationality").filter(lambda rows: len(rows) >= 1_000)
    assert large.groupby("nationality")["label"].mean().between(0.08, 0.42).all()
    assert frame["gender"].isna().mean() == pytest.approx(0.02, abs=0.005)
    assert (frame["decision"] == (frame["score"] >= THRESHOLD)).all()
    assert frame["score"].between(0, 1).all()


def test_an_even_spread_fills_every_stratum(tmp_path: Path) -> None:
    frame = pq.read_table(made(tmp_path, 2_400, spread="even")).to_pandas()
    sizes = frame.fillna("unknown").groupby(["gender", "nationality"]).size()
    assert len(sizes) == NATIONALITIES * len(GENDERS) == 800
    assert set(sizes) == {3}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Line], Path]:
    """Every line of the table at the smallest size, and the folder of all that was made for them: every night, since
    it starts twenty programs.
    """
    if "AUDIT7K_BENCH" not in os.environ:
        pytest.skip("every line of the table is measured in small by .ci/nightly, or with AUDIT7K_BENCH=1")
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        return list(measure(folder, TINY)), folder


@pytest.fixture(scope="module")
def audited(measured: tuple[list[Line], Path]) -> tuple[Path, AuditResult]:
    data = measured[1] / "zipf" / f"{ROWS}.parquet"
    return data, load_result(data.with_suffix(".out") / "result.json")


def test_the_whole_audit_reads_every_row(audited: tuple[Path, AuditResult]) -> None:
    _, result = audited
    assert result.rows[0].read == ROWS
    assert (audited[0].with_suffix(".out") / "report.html").is_file()


def test_fairlearn_is_asked_for_the_same_groups_and_says_the_same(audited: tuple[Path, AuditResult]) -> None:
    data, result = audited
    theirs = by_group(str(data))
    ours = {
        (tuple(level.code for level in estimate.group.levels), estimate.metric): estimate
        for estimate in result.estimates
        if tuple(level.rung for level in estimate.group.levels) == ("level", "country")
    }
    assert len({codes for codes, _ in ours}) == len(theirs)
    for codes, rates in theirs.iterrows():
        for metric, value in rates.items():
            estimate = ours[codes, metric]  # type: ignore[index]
            if estimate.value is not None:
                assert value == pytest.approx(estimate.value, rel=0, abs=1e-12)


def test_everything_is_measured_and_what_cannot_be_is_said(measured: tuple[list[Line], Path]) -> None:
    lines, folder = measured
    assert len(lines) == 24
    unmeasured = [line for line in lines if line.measured is None]
    assert ["aequitas" in line.what for line in unmeasured] == [True, True]
    assert ["No matching distribution" in line.note for line in unmeasured] == [True, True]
    assert unmeasured[0].verdict == "not measured"
    goals = [line.goal for line in lines if line.goal is not None]
    assert goals[:11] == [100, 3, 6, 1, 0.5, 1.5, 1.5, 2.5, 1.3, 2.5, 1.3]
    assert goals[11:13] == [1 / 3, 1 / 15]
    assert 2 < goals[13] < 4  # two seconds and five bare scans
    assert goals[14:] == [1, 60, 1.5, 4, 0.5]
    assert all(line.measured > 0 for line in lines if line.measured is not None)
    (memory,) = [line.measured for line in lines if line.what.endswith("peak memory")]
    assert memory is not None
    assert 0.05 < memory < 1.5
    assert not (folder / "aequitas" / "ready").exists()


def test_counts_are_complete(tmp_path: Path) -> None:
    data = made(tmp_path, 2_000)
    used = run([sys.executable, "-m", "tools.bench.counting", str(data), "score", "1"], folder=tmp_path)
    counted = json.loads(used.output)
    assert counted["rows"] == 2_000
    assert 300 < counted["strata"] < 800
    assert min(counted["bare"], counted["ours"]) > 0


def test_an_environment_without_its_lock_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="lock is not there"):
        aequitas_python(tmp_path / "made", tmp_path / "lock")
    assert not (tmp_path / "made").exists()


def test_the_lock_of_aequitas_is_by_hash_without_addresses_and_has_the_old_pandas() -> None:
    text = LOCK.read_text(encoding="utf-8")
    pinned = [line.split(" ")[0] for line in text.splitlines() if "==" in line]
    assert "aequitas==1.1.0" in pinned
    assert [pin for pin in pinned if pin.startswith("pandas==2.")]
    assert text.count("--hash=sha256:") > len(pinned)
    assert "://" not in text


def test_a_process_is_measured_by_itself(tmp_path: Path) -> None:
    idle = run([sys.executable, "-c", "pass"], folder=tmp_path)
    large = run([sys.executable, "-c", "held = bytearray(300_000_000); print(len(held))"], folder=tmp_path)
    busy = run([sys.executable, "-c", "sum(range(20_000_000))"], folder=tmp_path)
    assert large.output == "300000000\n"
    assert large.peak_bytes > 300_000_000
    assert busy.processor_seconds > idle.processor_seconds


def test_what_the_measuring_process_holds_is_not_counted(tmp_path: Path) -> None:
    held = bytearray(b"x") * 400_000_000
    assert run([sys.executable, "-c", "pass"], folder=tmp_path).peak_bytes < 100_000_000
    assert len(held) == 400_000_000


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="No such file"):
        run([tmp_path / "missing"], folder=tmp_path)


def test_an_unexpected_end_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(ProcessError, match="no such thing"):
        run(command, folder=tmp_path)
    assert run(command, folder=tmp_path, expected=(1,)).exit_code == 1
    with pytest.raises(ProcessError, match="exit code 7"):
        run([sys.executable, "-c", "raise SystemExit(7)"], folder=tmp_path)


def test_the_table_says_ok_over_and_not_measured() -> None:
    text = table(
        [
            Line("counts", 2.5, "x", 2.5),
            Line("memory", 1.62, "GB", 1.5, "of all rows"),
            Line("another library", None, "x", None, "not installed"),
            Line("audit", 1234.5, "s"),
        ]
    )
    words = [line.split() for line in text.splitlines()]
    assert words == [
        ["what", "measured", "goal"],
        ["counts", "2.5", "x", "<=", "2.5", "x", "ok"],
        ["memory", "1.62", "GB", "<=", "1.5", "GB", "over", "of", "all", "rows"],
        ["another", "library", "-", "-", "not", "measured", "not", "installed"],
        ["audit", "1,234", "s", "-"],
    ]


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    assert "--small" in capsys.readouterr().out


def test_what_the_harness_costs_is_a_line_for_every_kind(tmp_path: Path) -> None:
    said: list[str] = []
    lines = list(harness_lines(tmp_path, 200, (200, 400), rounds=1, say=said.append, measured=(("python", 64),)))
    assert len(said) == len(lines) == 4
    first, durable, *held = lines
    assert first.what == "scoring by python, batches of 64, to the bare model"
    assert first.measured is not None
    assert first.measured > 0
    assert (first.goal, first.unit) == (1.3, "x")  # 25,000 rows in a second at most
    assert (durable.unit, durable.goal) == ("ms", 20)
    assert [line.goal is None for line in held] == [True, False]
    assert {kind for kind, _ in MEASURED} == set(KINDS)


@pytest.mark.parametrize("kind", ["skops-fast", "onnx-fast", "command", "http"])
def test_every_row_is_scored_with_and_without_the_harness(kind: str, tmp_path: Path) -> None:
    write_set(tmp_path / "set.parquet", 200)
    measured = overhead(tmp_path / "set.parquet", kind, 64, 1)
    assert measured.rows == 200
    assert (measured.opening > 0) == kind.endswith("fast")
