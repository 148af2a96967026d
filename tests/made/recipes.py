"""What stands in for a build service: its environment, its steps in a shell, and audit7k on the path."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load(
    (ROOT / "examples" / "pipelines" / "gitlab" / "audit7k.gitlab-ci.yml").read_text(encoding="utf-8")
)[".audit7k"]
PUSH = {
    "event_name": "push",
    "ref": "refs/heads/main",
    "sha": "5" * 40,
    "repository": "ministry/triage",
    "run_attempt": "1",
}
"""What a runner says of a build of the default branch."""
PULL_REQUEST = {
    **PUSH,
    "event_name": "pull_request",
    "ref": "refs/pull/7/merge",
    "event.pull_request.head.repo.full_name": "ministry/triage",
}
JOB = {
    "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_PROJECT_PATH": "ministry/triage", "CI_PROJECT_ID": "7",
    "CI_COMMIT_SHA": "5" * 40,
}  # fmt: skip
"""What GitLab says of a job of the default branch."""
HOOKS: dict[str, Any] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}
_PLACE = re.compile(r"\$\{\{ ([a-z0-9._-]+) \}\}")


def commands(folder: Path, audit7k: Sequence[str], python: Sequence[str] = (sys.executable,)) -> Path:
    """A folder with the commands `audit7k` and `python`, started by these words.

    For speed nothing is cross-checked, and a demonstration publishes nothing: its own test does, and the pages go on
    with a run that does.
    """
    folder.mkdir()
    _command(
        folder / "audit7k",
        'command=$1; shift\n[ "$command" = run ] && set -- --no-crosscheck "$@"\n'
        '[ "$command" = demo ] && set -- --restricted "$@"\n'
        f'exec {shlex.join(audit7k)} "$command" "$@"\n',
    )
    _command(folder / "python", f'exec {shlex.join(python)} "$@"\n')
    for name in ("bash", "sh", "cat", "find", "rm", "tee", "make", "mkdir", "mv", "touch", "cp", "mktemp"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def _command(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
    path.chmod(0o755)


def environment(bin_folder: Path, home: Path, **more: str) -> dict[str, str]:
    """No more of this process than a build would have."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": str(bin_folder), "HOME": str(home), "PYTHONUTF8": "1", **more}


@dataclass
class Build:
    """What a build came to."""

    code: int
    log: str
    summary: str = ""
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """Actions of others that were used, with their inputs."""


class Cache:
    """What stands in for the cache of a repository: copies of folders, by key, the newest last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, path: Path, key: str) -> None:
        """Keep a folder under a key that is not taken."""
        shutil.copytree(path, self.folder / f"{time.time_ns()} {key.replace('/', ' ')}")

    def restore(self, path: Path, prefix: str) -> None:
        """Write the newest folder whose key begins so, if there is one."""
        begins = prefix.replace("/", " ")
        for entry in sorted(self.folder.glob("*"), reverse=True):
            if entry.name.partition(" ")[2].startswith(begins):
                shutil.copytree(entry, path)
                return

    def lose(self) -> None:
        """Lose all that is kept."""
        shutil.rmtree(self.folder)


def run_action(
    checkout: Path,
    work: Path,
    bin_folder: Path,
    source: Path | None = None,
    context: Mapping[str, str] | None = None,
    cache: Cache | None = None,
    /,
    **inputs: str,
) -> Build:
    """Carry out `action.yml` in a checkout, step by step, as a runner would: its own steps for real.

    `source` is where the action itself is; without it audit7k is not installed, but taken from `bin_folder`.
    `context` is what the runner says of the build; by default it is one of the branch main.
    """
    skip = ("Install audit7k",) if source is None else ()
    given = {name: each["default"] for name, each in ACTION["inputs"].items()}
    assert set(inputs) <= {name.replace("-", "_") for name in given}
    given.update({name.replace("_", "-"): value for name, value in inputs.items()})
    values = {f"inputs.{name}": value for name, value in given.items()}
    temporary = work / "runner"
    temporary.mkdir(parents=True)
    values |= {f"github.{name}": value for name, value in (PUSH if context is None else context).items()}
    values |= {"runner.temp": str(temporary), "github.run_id": work.name}
    output, summary = work / "output", work / "summary"
    build = Build(0, "")
    for step in ACTION["runs"]["steps"]:
        if step["name"] in skip or not _holds(step.get("if", ""), values):
            continue
        if "uses" in step:
            given_with = {name: _filled(str(value), values) for name, value in step["with"].items()}
            build.used[step["uses"].partition("@")[0]] = given_with
            if cache is not None and "restore-keys" in given_with:
                cache.restore(Path(given_with["path"]), given_with["restore-keys"])
            elif cache is not None and "cache" in step["uses"]:
                cache.save(Path(given_with["path"]), given_with["key"])
            continue
        output.write_text("", encoding="utf-8")
        own = {name: _filled(value, values) for name, value in step.get("env", {}).items()}
        places = {"RUNNER_TEMP": temporary, "GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": summary}
        if source is not None:
            places["GITHUB_ACTION_PATH"] = source
        shown = environment(bin_folder, work, **own, **{name: str(place) for name, place in places.items()})
        done = in_shell(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], checkout, shown)
        build.log += done.stdout
        build.code = done.returncode
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step.get('id')}.outputs.{name}"] = value
        if done.returncode:
            break
    build.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
    return build


def run_gitlab(checkout: Path, bin_folder: Path, home: Path, **variables: str) -> Build:
    """Carry out the script of GitLab's job in a checkout, as its runner would."""
    shown = environment(bin_folder, home, **{**GITLAB["variables"], **JOB, **variables})
    log = ""
    for script in GITLAB["script"]:
        done = in_shell(["sh", "-e", "-c", script], checkout, shown)
        log += done.stdout
        if done.returncode:
            return Build(done.returncode, log)
    return Build(0, log)


def in_shell(words: list[str], folder: Path, shown: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command, what it says on stderr together with the rest, as a log has it."""
    return subprocess.run(
        words, cwd=folder, env=dict(shown), text=True, check=False, timeout=240,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values.get(found[1], ""), text)


def _holds(condition: str, values: Mapping[str, str]) -> bool:
    """A condition of the two forms that the action has, joined by `&&`."""
    for part in filter(None, condition.split(" && ")):
        found = re.fullmatch(r"(\S+) (==|!=) '(\w*)'", part)
        assert found is not None, part
        name, compared, text = found.groups()
        if (values.get(name, "") == text) != (compared == "=="):
            return False
    return True


def stub_wheel(folder: Path, name: str) -> Path:
    """A wheel with nothing in it, for pip to install where there is no index."""
    import zipfile

    wheel = folder / f"{name}-0-py3-none-any.whl"
    info = f"{name}-0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel
