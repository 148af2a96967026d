"""The command `draw`: what it prints and writes, and that nothing is left where it fails."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made.pools import GROUPS, POOL, RULE, drawn_rows, pool_cells, usual_pool
from made.sets import write_set
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.errors import ExitCode
from audit.evidence.blind.ledger import Ledger
from audit.evidence.history_file import HistoryFile
from audit.plan.file.plan_file import parse_plan
from audit.plan.sampling_design import COLUMNS_ADDED
from audit.planning.check import check_plan
from audit.run import run_audit

DESIGN = f"{POOL}\n[draw]\nallocation = 'decidable'\nsize = 160\nseed = 3\n{GROUPS}{RULE}"
WRITTEN = ["drawn.manifest.json", "drawn.parquet", "drawn.plan.toml"]


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    write_set(folder / "pool.csv", usual_pool())
    (folder / "design.toml").write_text(DESIGN, encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        folder = enter(tmp_path_factory.mktemp("once"), patch)
        assert invoke("pool.csv", "--design", "design.toml")[0] == 0
    return folder


@pytest.fixture
def drawn(once: Path, here: Path) -> Path:
    """The same folder once the set is drawn."""
    shutil.copytree(once, here, dirs_exist_ok=True)
    return here


def invoke(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["draw", *arguments])
    return done.exit_code, done.stdout, done.stderr


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in {"pool.csv", "design.toml"})


def test_a_set_is_drawn_with_its_manifest_and_a_plan_to_complete(here: Path) -> None:
    code, out, err = invoke("pool.csv", "--design", "design.toml")
    assert code == 0
    assert files(here) == WRITTEN
    assert out.splitlines()[0] == "Drawn from pool.csv: 160 of 1,532 rows, seed 3"
    assert "  7 rows without a label: not drawn, and not in what the weights stand for" in out
    assert "can be judged alone" in out
    assert "wanted, the pool has" in out
    assert err.splitlines() == [
        "Set: drawn.parquet", "Manifest: drawn.manifest.json", "Plan to complete: drawn.plan.toml"
    ]  # fmt: skip
    manifest = json.loads((here / "drawn.manifest.json").read_text(encoding="utf-8"))
    assert manifest["kind"] == "drawn_set"
    assert manifest["seed"] == 3
    for name, part in (("pool.csv", "pool"), ("drawn.parquet", "drawn")):
        assert manifest[part]["sha256"] == hashlib.sha256((here / name).read_bytes()).hexdigest()
    assert manifest["drawn"]["rows"] == sum(cell["drawn"] for cell in manifest["cells"]) == 160
    assert manifest["pool"]["rows"] - manifest["pool"]["without_label"] == sum(c["in_pool"] for c in manifest["cells"])
    assert {cell["why"] for cell in manifest["cells"]} == {None, "pool_has_no_more"}


def test_the_manifest_holds_no_id_and_no_text(drawn: Path) -> None:
    here = drawn
    text = (here / "drawn.manifest.json").read_text(encoding="utf-8") + (here / "drawn.plan.toml").read_text()
    cells = usual_pool()
    for column in ("case_id", "advert", "advertiser"):
        assert not [value for value in cells[column] if value and value in text]


def test_a_dry_run_says_the_same_of_the_allocation_and_writes_nothing(here: Path) -> None:
    code, out, err = invoke("pool.csv", "--design", "design.toml", "--dry-run", "--json")
    assert (code, err, files(here)) == (0, "", [])
    planned = json.loads(out)
    _, out, _ = invoke("pool.csv", "--design", "design.toml", "--json")
    assert out == (here / "drawn.manifest.json").read_text(encoding="utf-8")
    drawn = json.loads(out)
    assert planned["kind"] == "planned_draw"
    assert planned["drawn"] is None
    for before, after in zip(planned["cells"], drawn["cells"], strict=True):
        assert before["drawn"] is None
        assert before | {"drawn": after["drawn"]} == after
        assert before["expected"] == after["drawn"]
    assert [group["cases"] for group in planned["groups"]] == [group["cases"] for group in drawn["groups"]]
    code, out, _ = invoke("pool.csv", "--design", "design.toml", "--dry-run")
    assert out.startswith("To be drawn from pool.csv: 160 of 1,532 rows, seed 3")
    assert "As planned." in out


def test_nothing_is_replaced_unless_it_is_asked_for(drawn: Path) -> None:
    here = drawn
    before = {name: (here / name).read_bytes() for name in WRITTEN}
    (here / "design.toml").write_text(DESIGN.replace("seed = 3", "seed = 4"), encoding="utf-8")
    code, out, err = invoke("pool.csv", "--design", "design.toml")
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == "error: drawn.parquet is there already — name another with --out, or add --force\n"
    assert {name: (here / name).read_bytes() for name in WRITTEN} == before
    assert invoke("pool.csv", "--design", "design.toml", "--force")[0] == 0
    assert (here / "drawn.parquet").read_bytes() != before["drawn.parquet"]
    (here / "set.plan.toml").write_text(DESIGN, encoding="utf-8")
    code, _, err = invoke("pool.csv", "--design", "set.plan.toml", "--out", "set.csv", "--force")
    assert (code, err) == (ExitCode.USAGE, "error: set.plan.toml is the design itself — name another file with --out\n")
    assert (here / "set.plan.toml").read_text(encoding="utf-8") == DESIGN
    code, _, err = invoke("drawn.parquet", "--design", "design.toml", "--force")
    assert (code, err) == (ExitCode.USAGE, "error: drawn.parquet is the pool itself — name another file with --out\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pool.csv", "--design", "absent.toml"), ExitCode.NOT_JUDGED, "no design at absent.toml"),
        (("absent.csv", "--design", "design.toml"), ExitCode.NOT_JUDGED, "absent.csv does not exist"),
        (("pool.csv", "--design", "design.toml", "--out", "set.xlsx"), ExitCode.USAGE, "neither .parquet nor .csv"),
        (("broken.csv", "--design", "design.toml"), ExitCode.NOT_JUDGED, "line 3 has 2 cells where the header has 6"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_and_leaves_nothing(here: Path, arguments: list[str], code: int, words: str) -> None:
    lines = (here / "pool.csv").read_text(encoding="utf-8").splitlines()
    (here / "broken.csv").write_text("\n".join([*lines[:2], "a,b", *lines[3:]]), encoding="utf-8")
    before = files(here)
    ended, out, err = invoke(*arguments)
    assert (ended, out, err.count("\n")) == (code, "", 1)
    assert err.startswith("error: ")
    assert words in err
    assert files(here) == before


@pytest.mark.parametrize(
    ("copies", "words"), [("out", "all copies of one another counted as one, of"), ("together", "cases of")]
)
def test_the_plan_says_what_weights_stand_for(here: Path, copies: str, words: str) -> None:
    text = f"{DESIGN}[duplicates]\ncolumns = ['advert']\ncopies = '{copies}'\n"
    (here / "design.toml").write_text(text, encoding="utf-8")
    assert invoke("pool.csv", "--design", "design.toml")[0] == 0
    plan = (here / "drawn.plan.toml").read_text(encoding="utf-8")
    assert f"{words} the pool; with the weight, rates estimate those of the pool" in plan


def test_the_plan_seals_the_set(drawn: Path) -> None:
    here = drawn
    seal = hashlib.sha256((here / "drawn.parquet").read_bytes()).hexdigest()
    assert f'sha256 = "{seal}"' in (here / "drawn.plan.toml").read_text(encoding="utf-8")


def test_a_full_disk_is_no_fault_of_the_pool(here: Path) -> None:
    cells = usual_pool()
    cells["advert"] = [hashlib.sha512(one.encode()).hexdigest() for one in cells["case_id"] if one]
    write_set(here / "pool.parquet", cells)
    (here / "design.toml").write_text(
        DESIGN.replace("decidable", "proportional").replace("size = 160", "size = 1500"), encoding="utf-8"
    )
    before = files(here)
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "sys.argv = ['audit7k', 'draw', 'pool.parquet', '--design', 'design.toml'];"
        "from audit.cli import main; sys.exit(main())"
    )
    # -B: a module compiled under the limit would be kept cut off, and no process could load it again
    done = subprocess.run([sys.executable, "-B", "-c", limited], capture_output=True, text=True, check=False)
    assert done.stderr == (
        "error: cannot write drawn.parquet (File too large) — free some space or choose another folder with --out; "
        "nothing was changed\n"
    )
    assert done.returncode == ExitCode.STORAGE_FAILED
    assert files(here) == before


def test_whole_clusters_and_copies_are_told_of(here: Path) -> None:
    cells = usual_pool()
    cells["advertiser"] = [f"advertiser {place % 200}" for place in range(len(cells["case_id"]))]
    cells["advert"][0] = cells["advert"][1]
    write_set(here / "pool.csv", cells)
    text = DESIGN.replace("[draw]", 'cluster = "advertiser"\n[draw]').replace("size = 160\n", "")
    text += '[duplicates]\ncolumns = ["advert"]\ncopies = "together"\n'
    (here / "design.toml").write_text(text, encoding="utf-8")
    code, out, _ = invoke("pool.csv", "--design", "design.toml", "--out", "set.csv")
    assert code == 0
    assert "  1 set of copies (2 rows): each drawn whole or not at all" in out
    assert "Drawn whole, up to " in out
    assert 'cluster = "sampling_unit"' in (here / "set.plan.toml").read_text(encoding="utf-8")
    assert json.loads((here / "set.manifest.json").read_text())["drawn_as"] == "clusters_with_their_copies"


def test_cells_that_got_less_than_was_asked_are_told(here: Path) -> None:
    """Each cell is one advertiser with most rows and 19 with one; the three drawn are mostly of the small ones."""
    cells = pool_cells([("woman", "NGA", "1", 200), ("man", "NGA", "1", 200), ("man", "NGA", "0", 200)])
    cells["advertiser"] = [f"{place // 200}-{max(0, place % 200 - 180)}" for place in range(600)]
    write_set(here / "pool.csv", cells)
    text = f"{POOL}cluster = 'advertiser'\n[draw]\nseed = 1\n{GROUPS}[[quotas]]\ncases = 30\n"
    (here / "design.toml").write_text(text, encoding="utf-8")
    _, out, _ = invoke("pool.csv", "--design", "design.toml", "--dry-run")
    assert "Every cell has what was asked of it, on average" in out
    _, out, _ = invoke("pool.csv", "--design", "design.toml")
    drawn = json.loads((here / "drawn.manifest.json").read_text())["cells"]
    short = [cell["drawn"] for cell in drawn if cell["drawn"] < cell["asked"]]
    assert short
    assert f"{len(short)} cell{'s have' if len(short) > 1 else ' has'} fewer cases than asked in this draw" in out
    shown = [line for line in out.splitlines() if line.endswith("30.0 to expect")]
    assert [int(line.split()[-4]) for line in shown] == sorted(short)
    assert "Every cell has what was asked of it" not in out


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (
            "allocation = 'proportional'\nsize = 5000",
            "5,000 rows were asked for: the pool has no more that can be drawn",
        ),
        ("allocation = 'decidable'\nsize = 999", "999 rows were asked for: more would help no group of the rules"),
    ],
)
def test_a_size_that_is_not_reached_is_told(here: Path, draw: str, words: str) -> None:
    text = f"{POOL}\n[draw]\n{draw}\nseed = 3\n{GROUPS}{RULE}"
    (here / "design.toml").write_text(text, encoding="utf-8")
    for more in ("--dry-run", "--force"):
        _, out, _ = invoke("pool.csv", "--design", "design.toml", more)
        assert f"  {words}" in out.splitlines()


def test_cells_of_a_quota_that_the_pool_lacks_are_told(here: Path) -> None:
    """The pool has unknown genders only among exploited Nigerians; of a quota without a label half is missing."""
    quotas = "[[quotas]]\nof = { gender = 'unknown', nationality = 'NGA' }\ncases = 2\n"
    quotas += "[[quotas]]\nof = { gender = 'unknown' }\ncases = 2\n[[quotas]]\nlabel = 'negative'\ncases = 3\n"
    text = f"{POOL}\n[draw]\nseed = 3\n{GROUPS}{quotas}"
    (here / "design.toml").write_text(text, encoding="utf-8")
    _, out, _ = invoke("pool.csv", "--design", "design.toml")
    assert (
        "  Quota of 2 (unknown, NGA): no case in the pool for 1 of its 2 cells: Nigeria, gender unknown, negative\n"
        "  Quota of 2 (unknown): no case in the pool for 5 of its 6 cells\n"
        "  Quota of 3 (negative): no case in the pool for 4 of its 9 cells\n"
    ) in out
    manifest = json.loads((here / "drawn.manifest.json").read_text(encoding="utf-8"))
    found = [(one["cells"], one["without_cases"]) for one in manifest["quotas_in_part_without_cases"]]
    assert found == [(2, 1), (6, 5), (9, 4)]
    assert manifest["quotas_without_cases"] == []


def test_the_drawn_set_is_audited_with_its_weights(drawn: Path) -> None:
    """From the pool to the verdict: the plan that was written, completed, and a detector that misses a known share."""
    here = drawn
    table = pq.read_table(here / "drawn.parquet")
    score = pa.array([0.9 if int(one[-1]) % 5 else 0.1 for one in table["case_id"].to_pylist()])
    pq.write_table(pa.table({"case_id": table["case_id"], "score": score}), here / "answers.parquet")
    text = (here / "drawn.plan.toml").read_text(encoding="utf-8")
    for gap, value in (("title", "A screener"), ("owner", "An office"), ("use", "moderation"), ("route", "services")):
        line = next(line for line in text.splitlines() if line.startswith(f'{gap} = "write here'))
        text = text.replace(line, f'{gap} = "{value}"')
    line = next(line for line in text.splitlines() if line.startswith("kind = "))
    text = text.replace(
        line, 'kind = "predictions"\npath = "answers.parquet"\nscore = "score"\nthreshold = 0.5'
    )  # fmt: skip
    loaded = parse_plan(text, folder=here)
    review = check_plan(loaded).review
    assert review is not None
    assert not [shown.column for shown in review.revealed_by if shown.column in COLUMNS_ADDED]
    given = text.replace('kind = "predictions"\npath = "answers.parquet"\nscore = "score"',
                         'kind = "python"\nentry = "m:f"\nfeatures = ["stratum"]')  # fmt: skip
    review = check_plan(parse_plan(given, folder=here)).review
    assert review is not None
    assert [shown.column for shown in review.revealed_by if shown.column in COLUMNS_ADDED] == ["stratum"]
    result = run_audit(loaded)
    assert result.plan.evaluation_set.weight == "design_weight"
    everyone = next(one for one in result.estimates if one.metric == "true_positive_rate" and not one.group.levels)
    rows = [row for row in pq.read_table(here / "drawn.parquet").to_pylist() if row["exploited"] == "1"]
    found = sum(row["design_weight"] for row in rows if int(row["case_id"][-1]) % 5)
    assert everyone.value == pytest.approx(found / sum(row["design_weight"] for row in rows))
    pool = [one for one, label in zip(usual_pool()["case_id"], usual_pool()["exploited"], strict=True) if label == "1"]
    assert everyone.low is not None
    assert everyone.high is not None
    assert everyone.low <= sum(int((one or "0")[-1]) % 5 > 0 for one in pool) / len(pool) <= everyone.high
    manifest = json.loads((here / "drawn.manifest.json").read_text(encoding="utf-8"))
    shown = {tuple(map(tuple, group["group"])): group["cases"] for group in manifest["groups"]}
    for rows_of in result.counts:
        if rows_of.group.levels and tuple(map(tuple, rows_of.group.levels)) in shown:
            counted = rows_of.true_positive + rows_of.false_negative
            assert counted == shown[tuple(map(tuple, rows_of.group.levels))]


def test_cases_that_a_blind_challenge_asked_are_not_drawn_again(here: Path) -> None:
    """A fresh draw for each challenge, until the pool holds no more."""
    file, drawn = HistoryFile(Path("h.a7h")), list[set[str]]()
    ledger, (opened,) = Ledger(file), file.opened({"labels": None}, None).values()
    for number in range(3):
        code, out, err = invoke(
            *("pool.csv", "--design", "design.toml", "--out", f"{number}.parquet", "--unused", "h.a7h")
        )
        assert code == 0, err
        ids = {row["case_id"] for row in drawn_rows(here / f"{number}.parquet")}
        assert all(ids.isdisjoint(before) for before in drawn)
        if drawn:
            assert f"{sum(map(len, drawn))} rows asked in earlier challenges: not drawn again" in out
            assert re.search(r"After this one the pool holds \d+ more such set", out)
        drawn.append(ids)
        ledger.add(number + 1, ids, ids, opened)
    assert len(set().union(*drawn)) == sum(map(len, drawn))
