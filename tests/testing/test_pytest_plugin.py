"""The plugin of pytest, as pytest finds it: by its entry point, on small audits, in a process of its own or here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from made.entry_points import offered_by_this_version
from made.published import COUNTS, PLAN, keep_key, write_set

import audit as audit7k
from audit.cli.testing.audit_of_plan import PlanRequest, judge_plan

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "pytest.md").read_text(encoding="utf-8")
GATE, IN_MEMORY = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
NAMES, FAILURE = re.findall(r"^```text\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
"""The tests, names and failure of the page about pytest."""
ALIKE = {("woman", "north"): (400, 320), ("woman", "south"): (400, 318), ("man", "north"): (400, 322),
         ("man", "south"): (400, 321)}  # fmt: skip
FEW = {
    ("woman", "north"): (30, 24),
    ("woman", "south"): (31, 25),
    ("man", "north"): (32, 26),
    ("man", "south"): (33, 26),
}

Run = Callable[..., pytest.RunResult]
OURS_ALONE = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")
"""Without plugins of others that take a second to load, in each process and each worker."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return offered_by_this_version(tmp_path_factory.mktemp("site"))


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, site: Path) -> Run:
    """Run pytest over the files of `pytester`, with the plugin where pytest looks for plugins."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)

    def run_pytest(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*OURS_ALONE, *arguments, timeout=240)

    return run_pytest


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Everything that an audit loads: pytest in this process forgets what is loaded within it, NumPy allows no second
    time.
    """
    plan = write_set(tmp_path_factory.mktemp("loaded"), counts=FEW)
    judge_plan(PlanRequest(plan, plan.parent, exact=True))
    audit7k.run_audit(plan, pd.read_csv(plan.with_name("cases.csv")))


@pytest.fixture
def run_here(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, site: Path, loaded: None) -> Run:
    """The same in this process, in which what an audit loads is there already."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)

    def run_pytest(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(*OURS_ALONE, *arguments)

    return run_pytest


def project(
    pytester: pytest.Pytester, counts: Mapping[tuple[str, str], tuple[int, int]] = COUNTS, tests: str = GATE
) -> Path:
    pytester.makepyfile(test_gate=textwrap.dedent(tests))
    return write_set(pytester.path, counts=counts).parent


def outcomes(folder: Path) -> dict[str, str]:
    """The tests of `junit.xml` as pytest itself writes it, by name, in their order."""
    kinds = ("failure", "error", "skipped")
    return {
        str(case.get("name")): next((kind for kind in kinds if case.find(kind) is not None), "passed")
        for case in ET.parse(folder / "junit.xml").iter("testcase")
    }


def test_each_group_each_rule_and_the_verdict_is_a_test_in_public_words(run: Run, pytester: pytest.Pytester) -> None:
    """Two workers ask at once, and it is published for both."""
    folder = project(pytester)
    keep_key(folder / "kept")
    done = run("-n", "2", "--junitxml=junit.xml", "--audit7k-restricted-folder", "kept")
    found = outcomes(folder)
    group = "test_detector[true_positive_rate[gender=woman]]"
    failing = {name for name, outcome in found.items() if outcome == "failure"}
    assert {"test_detector[VERDICT]", "test_detector[true_positive_rate]", group} <= failing
    assert found["test_detector[true_positive_rate[gender=man]]"] == "passed"
    assert found["test_detector[true_positive_rate[gender=non-binary+unknown]]"] == "skipped"
    printed = done.stdout.str()
    assert printed.count("audit7k: plan.toml: audited at collection: FAIL; rows of the public release") == 1
    block = printed.partition(f"_ {group} _")[2].split("\n", 2)[2]
    assert block.startswith(
        "true_positive_rate[gender=woman]: beyond the limit\n"
        "  rule   true_positive_rate (share of victims found)\n"
        "  group  gender=woman (Women)\n"
        "  limit  at most 10 points lower than everyone else\n"
        "  found  share of victims found 4"
    )
    assert "plan.toml, line 21" in block
    of_rows = "2 beyond the limit (1 of these for a smaller group within), 2 within it, 2 not judged alone"
    assert f"\n  found  rows: {of_rows}\n" in printed
    assert FAILURE in printed
    assert {name.partition("::")[2] for name in NAMES.split()[:3]} <= set(found)
    for word in ("Traceback", "test_gate.py:6", "CANARY", " of 243", "51 of", "audit/testing"):
        assert word not in printed
    restricted = folder / "kept"
    assert not (folder / "audit-out").exists()
    assert sorted(path.name for path in restricted.iterdir()) == [
        ".lock",
        "counter.json",
        "key",
        "releases",
    ]
    assert [path.name for path in (restricted / "releases").iterdir()] == ["0001.json"]


def test_exact_counts_are_told_only_where_they_are_asked_for_and_the_header_says_so(
    run_here: Run, pytester: pytest.Pytester
) -> None:
    folder = project(pytester, tests=f"{GATE}\n\ndef test_without_a_body(audit7k_verdict):\n    ...\n")
    tests = (folder / "test_gate.py").read_text(encoding="utf-8")
    marked = tests.replace("def test_without", '@pytest.mark.audit7k("plan.toml")\ndef test_without')
    (folder / "test_gate.py").write_text(marked, encoding="utf-8")
    done = run_here("--audit7k-restricted", "--junitxml=junit.xml")
    done.stdout.fnmatch_lines(
        [
            "audit7k: exact counts (--audit7k-restricted); this log is not for publication",
            "audit7k: plan.toml: audited at collection: FAIL; exact counts, not for publication",
            "the audit FAILS",
            "*found  51 of 243: 21% (likely range 16% to 27%); everyone else 74%",
        ]
    )
    found = outcomes(folder)
    names = [name.partition("[")[2] for name in found]
    assert names[:3] == ["VERDICT]", "true_positive_rate]", "true_positive_rate[gender=woman]]"]
    checked = {name: found[f"test_detector[{name}"] for name in names}
    assert checked == {name: found[f"test_without_a_body[{name}"] for name in names}
    assert checked["true_positive_rate[gender=man]]"] == "passed"
    assert not (folder / "audit-out").exists()
    assert "CANARY" not in done.stdout.str()


@pytest.mark.parametrize(("wanted", "code", "shown"), [("fail", 1, "failure"), ("skip", 0, "skipped")])
def test_an_inconclusive_verdict_is_no_pass(
    run_here: Run, pytester: pytest.Pytester, wanted: str, code: int, shown: str
) -> None:
    folder = project(pytester, FEW)
    if wanted != "fail":
        pytester.makeini(f"[pytest]\naudit7k_on_inconclusive = {wanted}\n")
    done = run_here("-q", "--audit7k-restricted", "--junitxml=junit.xml", "-rs")
    found = outcomes(folder)
    assert (done.ret, found["test_detector[VERDICT]"]) == (code, shown)
    assert {outcome for name, outcome in found.items() if name != "test_detector[VERDICT]"} == {"skipped"}
    end = done.stdout.str().partition("audit7k: plan.toml: VERDICT: ")[2].splitlines()
    assert "silence is no pass" in end[0]
    assert end[1].startswith("audit7k: plan.toml: cannot tell of ")
    assert "more cases needed" in done.stdout.str()


def test_what_cannot_be_judged_is_an_error_of_one_line(run_here: Run, pytester: pytest.Pytester) -> None:
    folder = project(pytester, FEW)
    tests = textwrap.dedent(GATE)
    (folder / "without-key").mkdir()
    (folder / "without-key" / "key").write_text("", encoding="utf-8")
    pytester.makeini("[pytest]\naudit7k_restricted_folder = without-key\n")
    (folder / "misspelt.toml").write_text(PLAN.replace("margin", "margn"), encoding="utf-8")
    for name in ("misspelt", "nowhere"):
        (folder / f"test_{name}.py").write_text(tests.replace("plan.toml", f"{name}.toml"), encoding="utf-8")
    unmarked = tests.replace('@pytest.mark.audit7k("plan.toml")\n', "")
    (folder / "test_unmarked.py").write_text(unmarked, encoding="utf-8")
    untaken = '@pytest.mark.audit7k("plan.toml")\ndef test_detector():\n    pass\n'
    (folder / "test_untaken.py").write_text(f"import pytest\n\n{untaken}", encoding="utf-8")
    done = run_here()
    assert done.ret == pytest.ExitCode.INTERRUPTED
    errors = done.stdout.str().partition("= ERRORS =")[2].partition("short test summary")[0].splitlines()[1:]
    lines = dict(zip(errors[::2], errors[1::2], strict=False))
    assert [name.strip(" _") for name in lines][:5] == [
        f"ERROR collecting test_{name}.py" for name in ("gate", "misspelt", "nowhere", "unmarked", "untaken")
    ]
    gate, misspelt, nowhere, unmarked, untaken = list(lines.values())[:5]
    assert untaken.startswith("audit7k: test_detector is marked audit7k and takes no audit7k_verdict: nothing would be")
    assert gate.startswith("audit7k: plan.toml: counter.json of the restricted folder is not as it was written")
    assert misspelt.startswith("audit7k: misspelt.toml, line 24: rules[1].margn is not a key of a plan")
    assert nowhere.startswith("audit7k: there is no plan nowhere.toml, neither beside test_nowhere.py nor in the root")
    assert unmarked.startswith('audit7k: test_detector takes audit7k_verdict and names no plan: @pytest.mark.audit7k("')
    assert str(folder) not in "".join(lines.values())


WAIVED = (
    "audit7k: plan.toml: waived: true_positive_rate[gender=woman] FAILS, waived by The owner until 2099-12-31: "
    "Being corrected"
)


def waive(folder: Path) -> None:
    (folder / "plan.toml").write_text(f'{PLAN}[waivers]\nfile = "waivers.toml"\n', encoding="utf-8")
    (folder / "waivers.toml").write_text(
        '[[waivers]]\nrule = "true_positive_rate"\ngroup = { gender = "woman" }\nwho = "The owner"\n'
        'why = "Being corrected"\nexpires = 2099-12-31\n',
        encoding="utf-8",
    )


def ends_with(done: pytest.RunResult) -> list[str]:
    """Our lines behind the tests."""
    end = done.stdout.str().partition("[100%]")[2].splitlines()
    return [line for line in end if line.startswith("audit7k: ")]


def test_a_quiet_log_says_at_its_end_what_is_waived_and_what_is_undecided(
    run_here: Run, pytester: pytest.Pytester
) -> None:
    waive(project(pytester))
    done = run_here("-q", "--audit7k-restricted")
    judged, waived, undecided = ends_with(done)
    assert judged == "audit7k: plan.toml: audited at collection: FAIL; exact counts, not for publication"
    assert waived == WAIVED
    assert "cannot tell of" in undecided
    assert "true_positive_rate[gender=non-binary]" in undecided
    assert "CANARY" not in done.stdout.str()


def test_workers_share_an_audit_where_the_system_has_no_locks_and_its_end_is_said_once(
    run: Run, pytester: pytest.Pytester
) -> None:
    folder = project(pytester)
    waive(folder)
    (folder / "conftest.py").write_text("import sys\nsys.modules['fcntl'] = None\n", encoding="utf-8")
    keep_key(folder / "kept")
    done = run("-n", "2", "-q", "--audit7k-restricted-folder", "kept")
    assert done.ret == 1
    judged, waived, undecided = ends_with(done)
    assert judged.startswith("audit7k: plan.toml: audited at collection: FAIL; rows of the public release")
    assert waived == WAIVED
    assert "cannot tell of" in undecided
    assert "internal error" not in done.stdout.str()
    assert [path.name for path in (folder / "kept" / "releases").iterdir()] == ["0001.json"]
    assert not list((folder / "kept").glob("*.held"))


def test_what_a_killed_session_left_goes_with_the_next_and_what_a_living_one_holds_stays(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl")
    temporary = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    tests = """
        import pathlib, sys, time

        def test_that_waits():
            pathlib.Path("begun").touch()
            while not pathlib.Path("end").exists():
                time.sleep(0.05)
        """
    pytester.makepyfile(test_waits=textwrap.dedent(tests))
    command = [sys.executable, "-m", "pytest", *OURS_ALONE, "-q", "-n", "1", "test_waits.py"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as session:
        try:
            until = time.monotonic() + 60
            while not Path("begun").exists() and time.monotonic() < until:
                time.sleep(0.05)
            (left,) = temporary.glob("audit7k-pytest-*")
            (left / "counts.json").touch()
            pytester.makepyfile(test_other="def test_nothing():\n    pass\n")
            run("-q", "-n", "1", "test_other.py").assert_outcomes(passed=1)
            assert (left / "counts.json").is_file()
        finally:
            session.kill()
            Path("end").touch()
    assert (left / "counts.json").is_file()
    run("-q", "-n", "1", "test_other.py").assert_outcomes(passed=1)
    assert not list(temporary.glob("audit7k-*"))


def test_the_word_for_inconclusive_is_one_of_three(run_here: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naudit7k_on_inconclusive = warn\n")
    done = run_here()
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*audit7k_on_inconclusive is fail, skip or pass"])


def test_a_plan_is_run_over_a_table_in_memory(run_here: Run, pytester: pytest.Pytester) -> None:
    project(
        pytester,
        ALIKE,
        """
        import pandas as pd
        import pytest
        from audit import AuditError

        def test_a_table(audit7k):
            table = pd.read_csv("cases.csv", dtype=str).astype({"score": float})
            assert audit7k("memory.toml", table=table).overall.outcome == "pass"

        def test_an_error_is_one(audit7k):
            with pytest.raises(AuditError):
                audit7k("memory.toml", table=pd.DataFrame({"case": ["CANARY"]}))

        def test_that_fails(audit7k):
            audit7k("memory.toml", table=pd.DataFrame({"case": ["CANARY-ROW"]}))

        def test_without_a_plan(audit7k):
            audit7k("nowhere.toml")
        """
        f"\n{textwrap.indent(IN_MEMORY, ' ' * 8)}",
    )
    Path("memory.toml").write_text(PLAN.replace('path = "cases.csv"\n', ""), encoding="utf-8")
    done = run_here("--tb=long", "--showlocals", "-rf")
    done.assert_outcomes(passed=3, failed=2)
    printed = done.stdout.str()
    assert "CANARY-ROW" not in printed.replace('["CANARY-ROW"]', "")
    assert "audit/run.py" not in printed
    assert "audit7k: there is no plan nowhere.toml" in printed


def test_projects_that_audit_nothing_pay_nothing(run: Run, run_here: Run, pytester: pytest.Pytester) -> None:
    heavy = (
        "numpy",
        "pandas",
        "pydantic",
        "audit.result.audit_result",
        "audit.plan.audit_plan",
        "audit.run",
        "audit.errors",
        "audit",
        "typer",
        "rich",
    )
    pytester.makepyfile(
        f"""
        import sys

        def test_nothing_is_loaded(request):
            assert request.config.pluginmanager.has_plugin("audit7k")
            assert "audit7k_pytest" in sys.modules
            assert not [name for name in {heavy!r} if name in sys.modules]
        """
    )
    done = run("--strict-markers", "--strict-config", "-W", "error")
    done.assert_outcomes(passed=1)
    assert "audit7k:" not in done.stdout.str()
    helped = run_here("--help").stdout.str()
    ours = re.findall(r"^  (--\S*audit7k\S*)", helped, flags=re.MULTILINE)
    assert sorted(each.partition("=")[0] for each in ours) == [
        "--audit7k-allow-pickle",
        "--audit7k-restricted",
        "--audit7k-restricted-folder",
    ]


def test_a_project_with_a_package_named_audit_of_its_own_is_tested_as_before(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its folder comes before ours or is put before it by pytest, later than plugins are loaded."""
    pytester.makepyfile(
        **{
            "audit/__init__": "",
            "audit/books": "PAGES = 7",
            "test_books": "from audit.books import PAGES\n\ndef test_pages():\n    assert PAGES == 7\n",
        }
    )
    run().assert_outcomes(passed=1)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pytester.path), os.environ["PYTHONPATH"]]))
    run().assert_outcomes(passed=1)


def test_a_plan_beside_a_package_named_audit_of_its_own_is_refused_in_one_line(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        **{
            "audit/__init__": "raise AssertionError",
            "test_plan": """
                import pytest

                @pytest.mark.audit7k("plan.toml")
                def test_audit(audit7k_verdict):
                    audit7k_verdict.check()
                """,
            "test_run": """
                def test_run(audit7k):
                    audit7k("plan.toml")
                """,
        }
    )
    (pytester.path / "plan.toml").write_text("schema = 1", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pytester.path), os.environ["PYTHONPATH"]]))
    done = run("--continue-on-collection-errors", "-rN")
    assert done.ret != 0
    output = done.stdout.str()
    assert output.count('audit7k: the package "audit" is not that of audit7k but') == 2
    assert "AssertionError" not in output


def test_a_user_who_blocks_the_plugin_has_none(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\n\ndef test_nothing():\n    assert 'audit7k_pytest' not in sys.modules\n")
    run("-p", "no:audit7k").assert_outcomes(passed=1)


def test_importing_the_plugin_alone_imports_pytest_and_nothing_else() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import audit7k_pytest; "
        "print(*sorted(set(sys.modules) - before))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.split() == ["audit7k_pytest"]
