"""Decide which detectors run in a process of their own and how it is limited; describe afterwards where one ran.

List the files that a child may read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from audit.detectors.command_setup import ALWAYS_SET, GIVEN
from audit.detectors.isolation.contained import ChildSettings, ContainedDetector
from audit.detectors.isolation.options import Isolating, Sandbox
from audit.detectors.isolation.restarted import RestartedDetector
from audit.detectors.own_files import files_of_the_audit, is_exposed, own_files
from audit.detectors.protocol import Detector, TableDetector, table_detector
from audit.detectors.registry import make_detector
from audit.errors import DetectorError
from audit.operating_system import LIBRARY_FOLDERS, POSIX
from audit.plan.answers import ModelDetector
from audit.plan.services import ServiceDetector
from audit.result.findings.system import RanIn
from audit.vocabulary.sentences import Value, Word, english, sentence

if TYPE_CHECKING:
    from audit.plan.audit_plan import AuditPlan


NEVER_HERE: Final = frozenset({"pickle", "transformers"})
"""Kinds that never run in the process of the audit, even if the person who runs it asks for that."""
_APART_ON_POSIX: Final = NEVER_HERE | {"python"}
"""Kinds that never run there where a child can be ended with all that it started. To import a module from a folder
changes the modules of a process, which may be the user's own."""
_GIVEN: Final = (
    *GIVEN,
    "LC_CTYPE",
    "TZ",
    "LD_LIBRARY_PATH",
    "PYTHONHASHSEED",
    "PYTHONUTF8",
    "PYTHONDONTWRITEBYTECODE",
)
"""Environment variables that the child is given, if they are set. None of them holds a secret."""


def place_detector(plan: AuditPlan, folder: Path, isolating: Isolating) -> Detector | TableDetector:
    """Make the detector of a plan, in this process or in a child.

    Parameters
    ----------
    plan : AuditPlan
    folder : Path
        The folder of the plan.
    isolating : Isolating
        Options of the person who runs the audit.

    Raises
    ------
    DetectorError
        There is no such kind, it may not be loaded, or the sandbox does not exist here.
    """
    section = plan.detector
    if section.kind == "pickle" and not isolating.allow_pickle:
        raise DetectorError(
            "a pickled model runs whatever code stands in its file when it is loaded, and was not loaded",
            slug="pickle-not-allowed",
        )
    if not isinstance(section, ModelDetector) or isinstance(section, ServiceDetector):
        return make_detector(section, folder)
    if isolating.sandbox == Sandbox.NONE and section.kind not in _APART_ON_POSIX and not section.files:
        return make_detector(section, folder)
    if not POSIX:
        if isolating.sandbox != Sandbox.STRICT and section.kind not in NEVER_HERE:
            return make_detector(section, folder)
        raise DetectorError(
            "a detector can only be shut in on Linux, macOS and other systems with process groups",
            slug="isolation-platform",
        )
    # its class is looked for in the child alone: to import one of another package runs code of that package

    return ContainedDetector(section, folder, _settings(plan, folder, isolating))


def place_restartable_detector(plan: AuditPlan, folder: Path, isolating: Isolating) -> Detector | TableDetector:
    """Make the detector of a plan for a run: a detector in a child is restarted if its process is lost."""
    detector = place_detector(plan, folder, isolating)
    if table_detector(detector) is not None:
        return detector

    if not isinstance(detector, ContainedDetector):
        return detector
    return RestartedDetector(lambda: cast("ContainedDetector", place_detector(plan, folder, isolating)))


def where_it_ran(detector: Detector | TableDetector) -> RanIn | None:
    """Describe where a detector ran, once it was open; None for answers in a table."""
    if table_detector(detector) is not None:
        return None
    if isinstance(detector, RestartedDetector):
        detector = detector.inner
    if not isinstance(detector, ContainedDetector):
        here = sentence("ran_in_process")
        return RanIn(kind="in_process", network="open", sentence=english([here]), sentences=(here,))
    settings, blocked = detector.settings, detector.network == "blocked"
    kind: Literal["confined", "child"] = "confined" if detector.is_shut_in else "child"
    where = "in a process of its own, from which files and other programs of this user can be reached"
    if detector.is_shut_in:
        where = "in a process of its own that can read its own files alone"
    without = "without network" if blocked else "with network"
    if settings.shut_in and not blocked:
        without += ", because this system does not let it be shut off"
    values: dict[str, Value] = {"where": Word(word=where), "network": Word(word=without)}
    if settings.memory_mib is None:
        apart = sentence("ran_apart", **values)
    else:
        apart = sentence("ran_within_memory", **values, memory=settings.memory_mib)
    return RanIn(
        kind=kind,
        network="blocked" if blocked else "open",
        memory_limit_mib=settings.memory_mib,
        batch_timeout=settings.limits.batch_timeout,
        open_timeout=settings.limits.open_timeout,
        sentence=english([apart]),
        sentences=(apart,),
    )


def _settings(plan: AuditPlan, folder: Path, isolating: Isolating) -> ChildSettings:
    path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 - as Python reads the empty entry
    shut_in = isolating.sandbox != Sandbox.NONE
    section = plan.detector
    detector_files = own_files(plan, folder)
    readable = [*_libraries(path), *(str(file) for file in detector_files.files)] if shut_in else []
    return ChildSettings(
        limits=plan.sandbox,
        environment=_environment(section, plan.sandbox.environment),
        path=path,
        readable=readable,
        detector_files=detector_files,
        is_exposed=shut_in and is_exposed(files_of_the_audit(plan, folder), readable),
        shut_in=shut_in,
        must_be_shut_in=isolating.sandbox == Sandbox.STRICT,
        memory_mib=plan.sandbox.memory_mib if shut_in else None,
    )


def _environment(section: Any, named: tuple[str, ...]) -> dict[str, str]:
    """Make the whole environment of the child: `ALWAYS_SET`, the variables that it needs, and those that the plan
    names.
    """
    chosen = {name: os.environ[name] for name in _GIVEN if name in os.environ}
    chosen.update(dict.fromkeys(ALWAYS_SET, "1"))
    for name in named:
        if name not in os.environ:
            raise DetectorError(
                f"the environment variable {name}, which the detector is to be given, is not set",
                slug="isolation-environment",
            )
    # the detector of a program checks the variables of the program, and names one that is not set
    of_a_program = [name for name in getattr(section, "environment", ()) if name in os.environ]
    chosen.update({name: os.environ[name] for name in (*named, *of_a_program)})
    return chosen


_SYSTEM: Final = (
    *(f"{root}/{name}" for root in ("", "/usr", "/usr/local") for name in ("bin", "sbin", "lib", "lib32", "lib64")),
    *("/usr/libexec", "/usr/share", "/usr/include", "/usr/local/share", *map(str, Path("/usr/local").glob("cuda*"))),
    *("/etc/alternatives", "/etc/ssl", "/etc/R"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/timezone"),
    *("/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/mime.types", *map(str, Path("/etc").glob("java*"))),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory", "/sys/devices/system"),
)
"""What programs and libraries read of the system. None of it is about the user but the names of accounts: containers
often have the user's files in `/usr/src` or `/usr/local`."""
_OF_A_PYTHON: Final = ("bin", "lib", "lib32", "lib64", "libexec", "share", "etc", "ssl", "pyvenv.cfg")
"""What a Python needs of its folder: an environment may have been made in a folder of the user's own files."""


def _libraries(path: Iterable[str]) -> list[str]:
    """List the files and folders of the system, of Python and its libraries, and of this package."""
    pythons = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    site_packages = [entry for entry in path if Path(entry).name in LIBRARY_FOLDERS]
    return [
        *_SYSTEM,
        *(str(Path(python, name)) for python in pythons for name in _OF_A_PYTHON),
        *site_packages,
        str(Path(sys.executable).resolve()),
        str(Path(__file__).resolve().parents[2]),
    ]
