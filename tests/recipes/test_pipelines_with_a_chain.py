"""Pipelines that carry a system through releases: what is kept, who publishes, and what is stopped."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import pytest
from made.published import PLAN, write_set
from made.recipes import (
    PULL_REQUEST,
    PUSH,
    ROOT,
    Build,
    Cache,
    commands,
    environment,
    in_shell,
    run_action,
    run_gitlab,
)

from audit.evidence.keys import opened_under

SECRET: Final = "5d" * 32
WHY: Final = "the office answers for it"
VICTIMS: Final = 900
FOUND: Final = 720
Service = Literal["github", "gitlab", "dvc"]


@dataclass
class Pipeline:
    """A repository with a set, a model and a build service, whose cache can be lost."""

    service: Service
    folder: Path
    bin_folder: Path
    builds: list[Build] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.checkout = self.folder / "checkout"
        self.checkout.mkdir()
        self.cache = Cache(self.folder / "cache")

    def model(self, found: Mapping[str, int], *, victims: int = VICTIMS, plan: str = PLAN) -> None:
        """Let the model find so many women and men of each site, and wrongly flag as many as ever."""
        counts = {(sex, site): (victims, found[sex]) for sex in ("woman", "man") for site in ("north", "south")}
        answers = self.checkout / "answers.csv"
        write_set(self.checkout, plan=plan, counts=counts)
        lines = [line.split(",") for line in (self.checkout / "cases.csv").read_text(encoding="utf-8").splitlines()]
        answers.write_text("".join(f"{line[0]},{line[2]}\n" for line in lines), encoding="utf-8")
        cases = "".join(",".join((*line[:2], *line[3:])) + "\n" for line in lines)
        (self.checkout / "cases.csv").write_text(cases, encoding="utf-8")
        named = plan.replace('kind = "predictions"', 'kind = "predictions"\npath = "answers.csv"')
        (self.checkout / "plan.toml").write_text(named, encoding="utf-8")

    def build(self, *, branch: bool = False, fork: bool = False, secret: str = SECRET, **inputs: str) -> Build:
        """Carry out a build of the branch main, or of a pull request of a branch or of a fork."""
        work = self.folder / f"build-{len(self.builds)}"
        if self.service == "github":
            event = PULL_REQUEST if branch or fork else PUSH
            context = {**event, "event.pull_request.head.repo.full_name": "stranger/triage"} if fork else event
            done = run_action(self.checkout, work, self.bin_folder, None, context, self.cache, secret=secret, **inputs)
        else:
            done = self._job(branch=branch, fork=fork, secret=secret, **inputs)
        self.builds.append(done)
        return done

    def _job(self, *, branch: bool, fork: bool, secret: str, **inputs: str) -> Build:
        variables = {f"AUDIT7K_{name.upper()}": value for name, value in inputs.items()}
        if variables.get("AUDIT7K_BEGIN"):
            variables["AUDIT7K_BEGIN"] = "yes"
        if branch or fork:
            variables |= {"CI_COMMIT_BRANCH": "", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8" if fork else "7"}
        kept = self.checkout / "audit7k-kept"
        shutil.rmtree(kept, ignore_errors=True)
        self.cache.restore(kept, "gitlab")
        done = run_gitlab(self.checkout, self.bin_folder, self.folder, AUDIT7K_SECRET=secret, **variables)
        if kept.is_dir() and any(kept.iterdir()):
            self.cache.save(kept, "gitlab")
        return done

    @property
    def comment(self) -> str:
        """What a comment on a pull request would say after the last build."""
        runner = self.folder / f"build-{len(self.builds) - 1}" / "runner"
        file = (runner if self.service == "github" else self.checkout) / "audit7k-comment.md"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @property
    def public(self) -> Path:
        """The folder of public files of the last build."""
        runner = self.folder / f"build-{len(self.builds) - 1}" / "runner"
        return (runner / "audit7k-out" if self.service == "github" else self.checkout / "audit-out") / "public"

    def accepted(self) -> int:
        """Return how many versions the newest kept chain has."""
        newest = max(self.cache.folder.glob("*/restricted.a7s"))
        content = opened_under(SECRET.encode(), newest.read_bytes(), newest.name)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(name.endswith("/result.json") for name in archive.namelist())


@dataclass
class Dvc(Pipeline):
    """A repository whose pipeline is that of DVC, on a disk that keeps the restricted folder."""

    def begin(self) -> None:
        """Put the recipe into a new repository, with its variables filled in."""
        self.kept = self.folder / "kept"
        recipe = (ROOT / "examples" / "pipelines" / "dvc" / "dvc.yaml").read_text(encoding="utf-8")
        for name, value in {
            "model: model.skops ": "model: answers.csv ",
            'gate: ""': 'gate: "--inputs-elsewhere"',
            "restricted_folder: audit-out/restricted ": f"restricted_folder: {self.kept} ",
        }.items():
            assert name in recipe, name
            recipe = recipe.replace(name, value)
        (self.checkout / "dvc.yaml").write_text(recipe, encoding="utf-8")
        for words in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
            assert self.shell(words).returncode == 0

    def shell(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the repository."""
        shown = environment(self.bin_folder, self.folder, DVC_NO_ANALYTICS="1")
        return in_shell(words, self.checkout, shown)

    def repro(self) -> Build:
        """Reproduce the pipeline, and return with which code the stage ended that stopped it."""
        done = self.shell(["dvc", "repro"])
        stopped = re.search(r"exited with (\d+)", done.stdout)
        self.builds.append(Build(int(stopped[1]) if stopped else done.returncode, done.stdout))
        return self.builds[-1]

    def accept(self) -> int:
        """Accept what lies there, as a person does, and return the exit code."""
        words = ["audit7k", "chain", "accept", "--inputs-elsewhere", f"--restricted-folder={self.kept}"]
        return self.shell([*words, "--by=Audit office", f"--why={WHY}", "audit-out"]).returncode


@pytest.fixture(params=["github", "gitlab"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path, audit7k: list[str]) -> Iterator[Pipeline]:
    service: Service = request.param
    yield Pipeline(service, tmp_path, commands(tmp_path / "bin", audit7k))
    exact = {"result.json", "predictions.parquet", "chain.jsonl", "key", "restricted.html"}
    left = {path.name for path in tmp_path.rglob("*") if path.is_file() and "bin" not in path.parts}
    assert not left & exact, "nothing exact is left beside what is encrypted"


@pytest.fixture
def dvc(tmp_path: Path, audit7k: list[str]) -> Dvc:
    """A repository of Git and DVC; skips where there is no DVC."""
    program = shutil.which("dvc")
    if program is None:
        pytest.skip("there is no dvc on the path (pip install dvc)")
    bin_folder = commands(tmp_path / "bin", audit7k)
    (bin_folder / "git").symlink_to(str(shutil.which("git")))
    (bin_folder / "dvc").symlink_to(program)
    repository = Dvc("dvc", tmp_path, bin_folder)
    repository.begin()
    return repository


ALIKE: Final = {"woman": FOUND, "man": FOUND}


@pytest.mark.slow
def test_twelve_releases_with_a_drift_a_changed_set_and_a_lost_cache(pipeline: Pipeline, tmp_path: Path) -> None:
    codes: list[tuple[str, int, int]] = []

    def build(name: str, **how: str | bool) -> Build:
        done = pipeline.build(**how)  # type: ignore[arg-type] # inputs are text, events are switches
        codes.append((name, done.code, pipeline.accepted()))
        return done

    pipeline.model(ALIKE)
    assert "not here" in pipeline.build().log, "a first build without begin publishes nothing"
    assert not pipeline.public.exists()
    build("first", begin="true")
    assert (pipeline.public / "report.html").is_file()
    for loss in range(1, 5):
        pipeline.model({"woman": FOUND - 25 * loss, "man": FOUND})
        build(f"drift {loss}")
    assert "earlier release: FAIL" in pipeline.builds[-1].log
    assert not pipeline.public.exists()
    assert "beyond the limit" in pipeline.comment or "earlier release" in pipeline.comment
    pipeline.model(ALIKE)
    build("mended")
    (pipeline.checkout / "answers.csv").write_text("case,score\n", encoding="utf-8")
    build("outage")
    pipeline.model(ALIKE, victims=VICTIMS + 100)
    assert "no version" in build("changed set").log
    build("changed set, accepted", accept=WHY)
    kept = tmp_path / "copy"
    shutil.copytree(pipeline.cache.folder, kept)
    pipeline.cache.lose()
    lost = pipeline.build()
    assert (lost.code, "kept chain is not here" in lost.log, pipeline.public.exists()) == (0, True, False)
    shutil.copytree(kept, pipeline.cache.folder)
    build("cache put back")
    build("reference moved", reference=str(_last(pipeline)))
    assert codes == [
        ("first", 0, 1),
        ("drift 1", 0, 2),
        ("drift 2", 3, 2),
        ("drift 3", 1, 2),
        ("drift 4", 1, 2),
        ("mended", 0, 3),
        ("outage", 4, 3),
        ("changed set", 4, 3),
        ("changed set, accepted", 0, 4),
        ("cache put back", 0, 5),
        ("reference moved", 0, 6),
    ]


def _last(pipeline: Pipeline) -> int:
    return pipeline.accepted() - 1


def test_a_pull_request_shows_words_and_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.model(ALIKE)
    assert pipeline.build(begin="true").code == 0
    before = {path: path.read_bytes() for path in pipeline.cache.folder.rglob("*.a7s")}
    pipeline.model({"woman": FOUND // 2, "man": FOUND})
    done = pipeline.build(branch=True, accept=WHY, reference="0")
    assert (done.code, pipeline.public.exists()) == (1, False), done.log
    assert "true_positive_rate: FAIL" in pipeline.comment
    assert "beyond the limit: Women" in pipeline.comment
    numbers = {word for word in pipeline.comment.replace("%", " ").split() if word.isdigit() and int(word) > 20}
    assert not numbers, "no number of people and no rate"
    assert {path: path.read_bytes() for path in pipeline.cache.folder.rglob("*.a7s")} == before


def test_a_fork_gets_nothing(pipeline: Pipeline) -> None:
    pipeline.model(ALIKE)
    done = pipeline.build(fork=True)
    assert (done.code, "of a fork gets neither" in done.log, pipeline.comment) == (4, True, "")


def test_another_secret_opens_nothing_and_a_weak_one_is_refused(pipeline: Pipeline) -> None:
    pipeline.model(ALIKE)
    assert pipeline.build(begin="true").code == 0
    other = pipeline.build(secret="6e" * 32)
    assert (other.code, "the secret does not open restricted.a7s" in other.log) == (4, True), other.log
    weak = pipeline.build(secret="correct horse")
    assert (weak.code, "fewer than 32 characters" in weak.log) == (4, True), weak.log


def test_inputs_of_the_verdict_are_handed_on(pipeline: Pipeline) -> None:
    """Waivers and single rules decide how a build ends, and so what is accepted."""
    rules = PLAN + '[[rules]]\nmetric = "false_positive_rate"\ngroups = ["gender"]\nmargin = 0.1\n'
    pipeline.model({"woman": FOUND // 2, "man": FOUND}, plan=rules)
    assert pipeline.build(begin="true").code == 1
    assert pipeline.build(only="false_positive_rate").code == 0
    assert pipeline.accepted() == 1
    (pipeline.checkout / "waivers.toml").write_text(
        '[[waivers]]\nrule = "true_positive_rate"\ngroup = { gender = "woman" }\n'
        f'who = "Audit office"\nwhy = "{WHY}"\nexpires = 2099-01-01\n',
        encoding="utf-8",
    )
    waived = pipeline.build(branch=True, waivers="waivers.toml")
    assert "1 finding" in waived.log or "waived" in waived.log, waived.log


def test_two_builds_in_turn_lose_nothing(pipeline: Pipeline) -> None:
    """Builds of the branch wait for each other: the workflow of the docs, and the group of GitLab's job, say so."""
    pipeline.model(ALIKE)
    for number in range(3):
        assert pipeline.build(begin="true" if not number else "false").code == 0
        assert pipeline.accepted() == number + 1


@pytest.mark.slow
def test_dvc_carries_a_system_through_releases(dvc: Dvc) -> None:
    codes: list[tuple[str, int]] = []

    def repro(name: str, found: Mapping[str, int], *, victims: int = VICTIMS, accept: bool = False) -> Build:
        dvc.model(found, victims=victims)
        done = dvc.repro()
        codes.append((name, done.code))
        if accept:
            assert dvc.accept() == 0, done.log
        return done

    repro("first", ALIKE, accept=True)
    for loss in range(1, 5):
        repro(f"drift {loss}", {"woman": FOUND - 25 * loss, "man": FOUND}, accept=loss == 1)
    repro("mended", ALIKE, accept=True)
    (dvc.checkout / "answers.csv").write_text("case,score\n", encoding="utf-8")
    codes.append(("outage", dvc.repro().code))
    repro("changed set", ALIKE, victims=VICTIMS + 100, accept=True)
    codes.append(("changed set, accepted", dvc.repro().code))
    dvc.kept.rename(dvc.folder / "lost")
    dvc.model({"woman": FOUND + 5, "man": FOUND}, victims=VICTIMS + 100)
    codes.append(("lost folder", dvc.repro().code))
    shutil.rmtree(dvc.kept, ignore_errors=True)
    (dvc.folder / "lost").rename(dvc.kept)
    codes.append(("folder put back", dvc.repro().code))
    assert dvc.accept() == 0
    reference = ["audit7k", "chain", "reference", "--by=Audit office", f"--why={WHY}", str(dvc.kept), "4"]
    assert dvc.shell(reference).returncode == 0
    codes.append(("reference moved", dvc.repro().code))
    assert codes == [
        ("first", 0),
        ("drift 1", 0),
        ("drift 2", 3),
        ("drift 3", 1),
        ("drift 4", 1),
        ("mended", 0),
        ("outage", 4),
        ("changed set", 4),
        ("changed set, accepted", 0),
        ("lost folder", 4),
        ("folder put back", 0),
        ("reference moved", 0),
    ]
    assert "has no key" in dvc.builds[9].log
    exact = {b"case_id", b"set_digest"}
    cached = [path for path in (dvc.checkout / ".dvc" / "cache").rglob("*") if path.is_file()]
    assert cached
    assert not any(word in path.read_bytes() for path in cached for word in exact), "DVC's cache goes to remotes"


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_two_builds_at_once_on_one_disk_lose_nothing(service: Service, tmp_path: Path, audit7k: list[str]) -> None:
    """On the disk of one's own runner no group of the service need hold a build back: one waits for the other."""
    kept = tmp_path / "kept"
    bin_folder = commands(tmp_path / "bin", audit7k)
    pipelines = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        pipelines.append(Pipeline(service, tmp_path / str(number), bin_folder))
        pipelines[-1].model({"woman": FOUND + number, "man": FOUND})
    first = pipelines[0].build(secret="", restricted_folder=str(kept), accept=WHY)
    assert first.code == 0, first.log
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(pipeline.build, secret="", restricted_folder=str(kept), accept=WHY) for pipeline in pipelines
        ]
        assert [build.result().code for build in both] == [0, 0], [build.result().log for build in both]
    assert len(list(kept.rglob("result.json"))) == 3
    numbers = {json.loads((pipeline.public / "release.json").read_bytes())["number"] for pipeline in pipelines}
    assert len(numbers) == 2, "each has a release of its own"
