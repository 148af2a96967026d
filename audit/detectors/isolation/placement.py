"""Decide which detectors run in a process of their own and how it is limited; describe afterwards where one ran.

Start the child in the sandbox of bubblewrap: files are read-only, no network, and it ends with the harness.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from audit.detectors.command_setup import ALWAYS_SET, GIVEN
from audit.detectors.isolation.options import Isolating, Sandbox
from audit.detectors.protocol import Detector, TableDetector, table_detector
from audit.detectors.registry import make_detector
from audit.errors import DetectorError
from audit.operating_system import POSIX

if TYPE_CHECKING:
    from audit.detectors.isolation.contained import ContainedDetector, Held
    from audit.plan.audit_plan import AuditPlan
    from audit.result.findings.system import RanIn


NEVER_HERE: Final = frozenset({"pickle", "transformers"})
"""Kinds that never run in the process of the audit, even if the person who runs it asks for that."""
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
    from audit.plan.services import ServiceDetector

    section: Any = plan.detector
    if section.kind == "pickle" and not isolating.allow_pickle:
        raise DetectorError(
            "a pickled model runs whatever code stands in its file when it is loaded, and was not loaded",
            slug="pickle-not-allowed",
        )
    if isinstance(section, ServiceDetector) or (isolating.sandbox == Sandbox.NONE and section.kind not in NEVER_HERE):
        return make_detector(section, folder)
    made = make_detector(section, folder)
    if table_detector(made) is not None:
        return made
    if not POSIX:
        if isolating.sandbox == Sandbox.AUTO and section.kind not in NEVER_HERE:
            return made
        raise DetectorError(
            "a detector can only be shut in on Linux, macOS and other systems with process groups",
            slug="isolation-platform",
        )
    from audit.detectors.isolation.contained import ContainedDetector

    return ContainedDetector(section, folder, _held(plan, folder, isolating))


def place_restartable_detector(plan: AuditPlan, folder: Path, isolating: Isolating) -> Detector | TableDetector:
    """Make the detector of a plan for a run: a detector in a child is restarted if its process is lost."""
    detector = place_detector(plan, folder, isolating)
    if table_detector(detector) is not None:
        return detector
    from audit.detectors.isolation.contained import ContainedDetector
    from audit.detectors.isolation.restarted import RestartedDetector

    if not isinstance(detector, ContainedDetector):
        return detector
    return RestartedDetector(lambda: cast("ContainedDetector", place_detector(plan, folder, isolating)))


def where_it_ran(detector: Detector | TableDetector) -> RanIn | None:
    """Describe where a detector ran, once it was open; None for answers in a table."""
    from audit.detectors.isolation.contained import ContainedDetector
    from audit.detectors.isolation.restarted import RestartedDetector
    from audit.result.findings.system import RanIn
    from audit.vocabulary.sentences import Value, Word, english, sentence

    if table_detector(detector) is not None:
        return None
    if isinstance(detector, RestartedDetector):
        detector = detector.inner
    if not isinstance(detector, ContainedDetector):
        here = sentence("ran_in_process")
        return RanIn(kind="in_process", network="open", sentence=english([here]), sentences=(here,))
    held, blocked = detector.held, detector.network == "blocked"
    kind: Literal["bwrap", "namespaces", "child"] = "child"
    if held.before:
        kind = "bwrap"
    elif held.namespaces and blocked:
        kind = "namespaces"
    where = "in a bubblewrap sandbox, with read-only files" if held.before else "in a process of its own"
    if not detector.alone:
        where = "in a process of its own, from which the names and arguments of other programs can be seen"
    without = "without network" if blocked else "with network"
    if held.namespaces and not blocked:
        without += ", because this system does not let it be shut off"
    values: dict[str, Value] = {"where": Word(word=where), "network": Word(word=without)}
    if held.memory_mib is None:
        apart = sentence("ran_apart", **values)
    else:
        apart = sentence("ran_within_memory", **values, memory=held.memory_mib)
    return RanIn(
        kind=kind,
        network="blocked" if blocked else "open",
        memory_limit_mib=held.memory_mib,
        batch_timeout=held.limits.batch_timeout,
        open_timeout=held.limits.open_timeout,
        sentence=english([apart]),
        sentences=(apart,),
    )


def _held(plan: AuditPlan, folder: Path, isolating: Isolating) -> Held:
    from audit.detectors.isolation.contained import Held

    path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 - as Python reads the empty entry
    shut_in = isolating.sandbox != Sandbox.NONE
    section = plan.detector
    return Held(
        limits=plan.sandbox,
        environment=_environment(section, plan.sandbox.environment, path),
        path=path,
        before=bubblewrap(section, folder, path) if isolating.sandbox == Sandbox.BWRAP else (),
        namespaces=isolating.sandbox == Sandbox.AUTO,
        memory_mib=plan.sandbox.memory_mib if shut_in else None,
    )


def _environment(section: Any, named: tuple[str, ...], path: list[str]) -> dict[str, str]:
    """Make the whole environment of the child: `ALWAYS_SET`, the variables that it needs, and those that the plan
    names.
    """
    chosen = {name: os.environ[name] for name in _GIVEN if name in os.environ}
    chosen.update(dict.fromkeys(ALWAYS_SET, "1"))
    # so that the child finds this package; it sets sys.path itself, entry by entry
    chosen["PYTHONPATH"] = os.pathsep.join(path)
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


_HIDDEN: Final = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108 - they are hidden, not used
"""Folders in which others leave files and sockets. The child sees empty folders instead."""


def bubblewrap(section: Any, folder: Path, path: Iterable[str]) -> list[str]:
    """Make the command that starts the command of the child.

    Parameters
    ----------
    section : a detector section
        The files that it names are shown in the sandbox, wherever they are.
    folder : Path
        The folder of the plan.
    path : iterable of str
        Folders in which Python finds modules.

    Raises
    ------
    DetectorError
        bubblewrap is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise DetectorError(
            "--sandbox bwrap needs bubblewrap, and there is no program bwrap on PATH", slug="bwrap-missing"
        )
    command = [program, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for hidden in _HIDDEN:
        if Path(hidden).is_dir() and not Path(hidden).is_symlink():
            command += ["--tmpfs", hidden]
    for shown in _shown(section, folder, path):
        command += ["--ro-bind", shown, shown]
    return [*command, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--"]


def _shown(section: Any, folder: Path, path: Iterable[str]) -> Sequence[str]:
    """Paths in hidden folders that the child needs; a folder comes before its content."""
    needed = [folder.absolute(), *map(Path, path), Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable)]
    if getattr(section, "path", None) is not None:
        needed.append(folder / section.path)
    needed += [folder / argument for argument in getattr(section, "command", ())]
    found = {str(place) for each in needed for place in (each.absolute(), each.resolve()) if _exists(place)}
    return sorted(place for place in found if any(Path(place).is_relative_to(hidden) for hidden in _HIDDEN))


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):
        return False
