"""Plugin of pytest: the marker `audit7k`, and the fixtures `audit7k_verdict` and `audit7k`.

pytest imports this module in every project where audit7k is installed, even if the project has a package named
`audit` itself. So the plugin stands outside our package `audit`, and imports nothing from it before a test needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from audit.cli.testing.cases import AuditVerdict, JudgedPlan
    from audit.result.audit_result import AuditResult
    from audit7k_pytest.shared_folder import SharedFolder

_VERDICT: Final = "audit7k_verdict"
_WORDS: Final = ("fail", "skip", "pass")
"""Words of the option `audit7k_on_inconclusive`: what a test does with an inconclusive verdict."""
_SHARED: Final = "audit7k_shared"
"""Key under which a worker of pytest-xdist finds the shared folder in its `workerinput`."""


class _Session:
    """Audits of this session of pytest."""

    def __init__(self, config: pytest.Config) -> None:
        worker: dict[str, Any] = getattr(config, "workerinput", {})
        folder = worker.get(_SHARED)
        self.shared: Path | None = None if folder is None else Path(folder)
        self.is_worker = bool(worker)
        self._judged: dict[str, JudgedPlan] = {}
        self._shared_folder: SharedFolder | None = None

    def judged(self, plan: Path, config: pytest.Config) -> JudgedPlan:
        """Return the outcome of the audit of a plan. Raises CollectError, with one line."""
        if (taken := _taken_name()) is not None:
            raise pytest.Collector.CollectError(taken)
        from audit.cli.testing.audit_of_plan import NotJudgedError, PlanRequest, judge_plan_once

        request = PlanRequest(
            plan=plan,
            root=config.rootpath,
            restricted_folder=_restricted_folder(config),
            exact=config.getoption("audit7k_restricted"),
            allow_pickle=config.getoption("audit7k_allow_pickle"),
        )
        try:
            if request.key not in self._judged:
                self._judged[request.key] = judge_plan_once(request, self.shared)
        except NotJudgedError as error:
            raise pytest.Collector.CollectError(f"audit7k: {error}") from None
        return self._judged[request.key]

    def judged_plans(self) -> list[JudgedPlan]:
        """Return all audits, those of workers too, in an order that does not depend on which was first."""
        plans = list(self._judged.values())
        if self.shared is not None and not self.is_worker and any(self.shared.glob("*.json")):
            from audit.cli.testing.cases import JudgedPlan

            plans += [JudgedPlan.from_json(file.read_text(encoding="utf-8")) for file in self.shared.glob("*.json")]
        return sorted(plans, key=lambda judged: (judged.plan, judged.notes))

    def share(self) -> Path:
        """Return the folder that workers of this session share, which only its owner can read."""
        if self.shared is None:
            from audit7k_pytest.shared_folder import SharedFolder

            self._shared_folder = SharedFolder()
            self.shared = self._shared_folder.path
        return self.shared

    def close(self) -> None:
        """Remove the shared folder: it can hold exact counts."""
        if self._shared_folder is not None:
            self._shared_folder.remove()


_SESSION: Final = pytest.StashKey[_Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options; each of their names begins with `audit7k`."""
    group = parser.getgroup("audit7k", "audits of detectors (audit7k)")
    group.addoption(
        "--audit7k-restricted",
        action="store_true",
        default=False,
        help="Tell of groups by exact counts, and make nothing public: for a log that few read.",
    )
    group.addoption(
        "--audit7k-restricted-folder",
        metavar="FOLDER",
        default=None,
        help="Where the key and the log of public releases are.",
    )
    group.addoption(
        "--audit7k-allow-pickle",
        action="store_true",
        default=False,
        help="Load a pickled model: that runs whatever code stands in the file.",
    )
    parser.addini("audit7k_restricted_folder", "The same, relative to the root of the tests.", default="")
    parser.addini(
        "audit7k_on_inconclusive",
        "What an inconclusive verdict over the whole set is to its test: fail, skip or pass.",
        default="fail",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker. Raises UsageError if `audit7k_on_inconclusive` has an unknown word."""
    config.addinivalue_line(
        "markers", "audit7k(plan): a test for each group, rule and the verdict of the audit that a plan describes"
    )
    if config.getini("audit7k_on_inconclusive") not in _WORDS:
        raise pytest.UsageError("audit7k_on_inconclusive is fail, skip or pass")
    named = config.getoption("audit7k_restricted_folder")
    if named is not None:
        config.option.audit7k_restricted_folder = str(config.invocation_params.dir / named)
    config.stash[_SESSION] = _Session(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the session has left."""
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker of pytest-xdist the folder in which the first one stores the outcome of an audit."""
    node.workerinput[_SHARED] = str(node.config.stash[_SESSION].share())


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say at the top of a log that it is not for everybody; say nothing in projects that audit nothing."""
    if config.getoption("audit7k_restricted"):
        return "audit7k: exact counts (--audit7k-restricted); this log is not for publication"
    return None


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say which plans were audited, because that happens before the first test runs."""
    return [f"audit7k: {note}" for judged in config.stash[_SESSION].judged_plans() for note in judged.notes]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say at the end, even of a quiet log, what was audited, what is waived and what is undecided."""
    judged_plans = config.stash[_SESSION].judged_plans()
    if not judged_plans:
        return
    from audit.cli.testing.log_lines import summary_lines

    for judged in judged_plans:
        for line in summary_lines(judged):
            terminalreporter.write_line(f"audit7k: {line}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for the verdict, each rule and each group of the plan that the marker names. It runs the audit."""
    marker = metafunc.definition.get_closest_marker("audit7k")
    if _VERDICT not in metafunc.fixturenames:
        if marker is not None:
            problem = f"{metafunc.definition.name} is marked audit7k and takes no {_VERDICT}: nothing would be audited"
            raise pytest.Collector.CollectError(f"audit7k: {problem}; take the fixture, or move the marker")
        return
    if marker is None or marker.kwargs or len(marker.args) != 1:
        problem = f'{metafunc.definition.name} takes {_VERDICT} and names no plan: @pytest.mark.audit7k("plan.toml")'
        raise pytest.Collector.CollectError(f"audit7k: {problem}")
    config = metafunc.config
    plan = _plan_at(marker.args[0], metafunc.definition.path, config)
    cases = config.stash[_SESSION].judged(plan, config).cases
    metafunc.parametrize(_VERDICT, cases, indirect=True, ids=[case.name for case in cases])


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Check a verdict that its test has not read: a test without a body is no pass."""
    __tracebackhide__ = True
    verdict = getattr(item, "funcargs", {}).get(_VERDICT)
    if verdict is None:
        return
    from audit.cli.testing.cases import AuditVerdict

    if isinstance(verdict, AuditVerdict) and not verdict.was_read:
        verdict.check()


@pytest.fixture
def audit7k_verdict(request: pytest.FixtureRequest) -> AuditVerdict:
    """Return one outcome of the audit that the marker names: of a group, of a rule, or the verdict."""
    from audit.cli.testing.cases import AuditVerdict

    return AuditVerdict(request.param, request.config.getini("audit7k_on_inconclusive"))


@pytest.fixture
def audit7k(request: pytest.FixtureRequest) -> Callable[..., AuditResult]:
    """Return a function that runs a plan and gives the exact result: `audit7k("plan.toml", table=frame)`.

    Without `table`, the plan names the set. The function raises AuditError if nothing was judged.
    """

    def run(plan: Any, table: Any = None, **options: Any) -> AuditResult:
        __tracebackhide__ = True
        if (taken := _taken_name()) is not None:
            pytest.fail(taken, pytrace=False)
        from audit.errors import AuditError
        from audit.from_python import run_audit

        try:
            if isinstance(plan, str | Path):
                plan = _plan_at(plan, request.path, request.config)
            return run_audit(plan, table, **options)
        except AuditError as error:
            # Drop the frames that hold rows: a long traceback would show them.
            raise error.with_traceback(None) from None
        except pytest.Collector.CollectError as error:
            pytest.fail(str(error), pytrace=False)
        except Exception as error:
            # Never the text of an unknown error: it may quote a row.
            pytest.fail(f"audit7k: internal error ({type(error).__name__}); nothing was judged", pytrace=False)

    return run


def _taken_name() -> str | None:
    """Say in one line which of our names another package has taken, before ours is imported; None where none is."""
    from audit7k import taken_name

    taken = taken_name()
    return None if taken is None else f"audit7k: {taken}"


def _plan_at(name: str | Path, test_file: Path, config: pytest.Config) -> Path:
    """Find a plan beside the test file, or else in the root of the tests."""
    for folder in (test_file.parent, config.rootpath):
        if (folder / name).is_file():
            return folder / name
    raise pytest.Collector.CollectError(
        f"audit7k: there is no plan {name}, neither beside {test_file.name} nor in the root of the tests"
    )


def _restricted_folder(config: pytest.Config) -> Path | None:
    named: str | None = config.getoption("audit7k_restricted_folder")
    ini_folder = str(config.getini("audit7k_restricted_folder"))
    if named is not None:
        return Path(named)
    return config.rootpath / ini_folder if ini_folder else None
