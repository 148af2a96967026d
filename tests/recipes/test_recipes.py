"""Every recipe, carried out as far as one machine can: a verdict is an exit code, nothing exact is left or shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from made.published import COUNTS, PLAN, keep_key, write_set
from made.recipes import (
    ACTION,
    GITLAB,
    HOOKS,
    ROOT,
    Build,
    commands,
    environment,
    in_shell,
    run_action,
    run_gitlab,
    stub_wheel,
)
from made.sealed import members_of, signer_in

MAKE = ROOT / "examples" / "pipelines" / "make" / "audit7k.mk"
DVC: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "pipelines" / "dvc" / "dvc.yaml").read_text(encoding="utf-8"))

WHY = "the office lets it run until a better one is there"
ALONE = "Words alone: only an accepted version has figures. Groups are named only with the key of the set."
OWNER = "Exact figures, for those who may see the cases: audit7k run plan.toml --restricted --out exact"

FEW = {
    ("woman", "north"): (30, 24),
    ("woman", "south"): (31, 25),
    ("man", "north"): (32, 26),
    ("man", "south"): (33, 26),
}
ALIKE = {("woman", "north"): (400, 320), ("woman", "south"): (400, 318), ("man", "north"): (400, 322),
         ("man", "south"): (400, 321)}  # fmt: skip
EXACT = ("CANARY", "51 of 243", "0.20988")


@pytest.fixture
def bin_folder(tmp_path: Path, audit7k: list[str]) -> Path:
    return commands(tmp_path / "bin", audit7k)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    write_set(folder)
    return folder


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_action_publishes_and_ends_as_a_fail_does(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    kept = keep_key(tmp_path / "kept")
    before = files_of(checkout)
    given = {"restricted_folder": str(kept), "code_scanning": "true", "accept": WHY}
    build = run_action(checkout, tmp_path / "work", bin_folder, **given)
    assert build.code == 1, build.log
    public = tmp_path / "work" / "runner" / "audit7k-out" / "public"
    assert build.summary == (public / "summary.md").read_text(encoding="utf-8")
    assert "::warning" not in build.log
    assert "::error file=plan.toml,line=21,title=true_positive_rate::" in build.log
    assert build.used["actions/upload-artifact"] == {"name": "audit7k", "path": str(public)}
    assert build.used["github/codeql-action/upload-sarif"]["sarif_file"] == str(public / "report.sarif.json")
    assert Path(build.used["github/codeql-action/upload-sarif"]["sarif_file"]).is_file()
    assert [path.name for path in public.parent.iterdir()] == ["public"]
    assert files_of(checkout) == before
    assert (kept / "releases" / "0001.json").exists()
    shown = build.log + build.summary + "".join(path.read_text(encoding="utf-8") for path in public.iterdir())
    assert not [word for word in EXACT if word in shown]


def test_without_a_kept_key_the_action_publishes_the_verdict_alone(
    tmp_path: Path, checkout: Path, bin_folder: Path
) -> None:
    build = run_action(checkout, tmp_path / "work", bin_folder)
    lines = ["true_positive_rate: FAIL (at most 10 points lower than everyone else)", "✗ FAIL", ALONE, OWNER]
    assert (build.code, build.log) == (1, "".join(f"{line}\n" for line in lines))
    assert build.summary == "".join(f"    {line}\n" for line in lines)
    assert not any("upload" in name for name in build.used)
    assert files_of(tmp_path / "work" / "runner") == ["audit7k-comment.md"]
    write_set(checkout, counts=ALIKE)
    assert run_action(checkout, tmp_path / "second", bin_folder).code == 0


def test_the_action_keeps_a_verified_seal_or_nothing(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    kept = keep_key(tmp_path / "kept")
    signer = signer_in(tmp_path)
    (tmp_path / "auditor.key.pub").unlink()
    key = str(tmp_path / "auditor.key")
    given = {"restricted_folder": str(kept), "signing_key": key, "accept": WHY}
    build = run_action(checkout, tmp_path / "work", bin_folder, **given)
    public = Path(build.used["actions/upload-artifact"]["path"])
    assert (build.code, "signed by the owner of" in build.log) == (1, True), build.log
    assert members_of((public / "evidence.a7k").read_bytes())["public/release.json"]
    assert [path.name for path in public.parent.iterdir()] == ["public"]
    write_set(checkout, counts=ALIKE)

    def sealing(name: str, fingerprint: str = "") -> Build:
        return run_action(checkout, tmp_path / name, bin_folder, signing_fingerprint=fingerprint, **given)

    prints = {"own": signer.public.fingerprint, "other": "0" * 64}
    for name, code, refused in (("own", 0, False), ("other", 4, True)):  # without its seal nothing passes
        build = sealing(name, prints[name])
        assert (build.code, "could not be sealed" in build.log) == (code, refused), build.log
    (tmp_path / "auditor.key").write_text("no key", encoding="utf-8")
    write_set(checkout)
    build = sealing("again")
    assert (build.code, "could not be sealed" in build.log, "✗ FAIL" in build.summary) == (1, True, True), build.log
    assert files_of(tmp_path / "again" / "runner") == ["audit7k-comment.md"]
    assert not any("upload" in name for name in build.used)
    build = run_action(checkout, tmp_path / "third", bin_folder, signing_key=key)
    assert (build.code, "Nothing was published, so nothing is sealed" in build.log) == (1, True)


def test_the_action_hands_on_what_inconclusive_means(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    write_set(checkout, counts=FEW)
    build = run_action(checkout, tmp_path / "work", bin_folder, on_inconclusive="warn")
    assert (build.code, f"    ? INCONCLUSIVE\n    {ALONE}\n    {OWNER}\n" in build.summary) == (0, True)


@pytest.mark.parametrize("plan", ["nowhere.toml", "$(touch owned)`touch owned`.toml; touch owned", "--help", "'\"x"])
def test_where_nothing_is_judged_the_action_says_so_and_no_input_is_run(
    tmp_path: Path, checkout: Path, bin_folder: Path, plan: str
) -> None:
    build = run_action(checkout, tmp_path / "work", bin_folder, plan=plan)
    assert build.code == 4
    assert build.summary == "Nothing was judged (exit code 4): the log of the build says why.\n"
    assert "error: " in build.log
    assert not list(tmp_path.rglob("owned"))


def test_a_key_that_is_not_there_is_told_of(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    """`run --quiet` says nothing of a new key; two keys can be averaged."""
    (checkout / "plan.toml").unlink()
    nowhere = str(tmp_path / "nowhere")
    assert (
        "::warning title=audit7k::No key in"
        in run_action(checkout, tmp_path, bin_folder, restricted_folder=nowhere).log
    )
    assert "no key in" in run_gitlab(checkout, bin_folder, tmp_path, AUDIT7K_RESTRICTED_FOLDER=nowhere).log


def test_no_input_stands_in_a_script_of_the_action() -> None:
    """A runner puts `${{ … }}` into the text of a script before a shell reads it."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert step.get("shell") == ("bash" if "run" in step else None)
    assert "run" in ACTION["runs"]["steps"][-1], "an exit code that comes before an upload loses the upload"
    assert all(each["description"] and "default" in each for each in ACTION["inputs"].values())


def test_every_action_is_pinned_by_commit_with_its_version_beside_it() -> None:
    """A tag can be moved by whoever owns the action, or by whoever has taken it over."""
    found = []
    for path in (ROOT / "action.yml", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.yml")):
        found += re.findall(r"^\s*(?:- )?uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    others = [one for one in found if one != "OWNER/audit7k@REF"]
    assert len(others) >= 4
    for one in others:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


def test_what_is_installed_can_be_said(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    """The step that installs, and GitLab's: pip is handed one requirement and no option.

    tests/project/test_packaging.py carries out the whole action with the wheel that its step installs.
    """
    wheel, target = stub_wheel(tmp_path, "stand_in"), tmp_path / "target"
    (step,) = [step for step in ACTION["runs"]["steps"] if step["name"] == "Install audit7k"]
    (script,) = GITLAB["before_script"]

    def installing(script: str, requirement: str, target: Path = target) -> int:
        pip = {"PIP_TARGET": str(target), "PIP_NO_INDEX": "1", "AUDIT7K_REQUIREMENT": requirement}
        pip["GITHUB_ACTION_PATH"] = str(wheel)
        return in_shell(["bash", "-ec", script], checkout, environment(bin_folder, tmp_path, **pip)).returncode

    assert (installing(script, str(wheel)), (target / "stand_in-0.dist-info").is_dir()) == (0, True)
    own = tmp_path / "own"
    assert (installing(step["run"], "source", own), (own / "stand_in-0.dist-info").is_dir()) == (0, True)
    assert installing(script, "--version") != 0
    assert installing(step["run"], "--version") != 0


def test_the_job_of_gitlab_leaves_its_reports_and_ends_as_the_audit_does(
    tmp_path: Path, checkout: Path, bin_folder: Path
) -> None:
    kept = keep_key(tmp_path / "kept")
    build = run_gitlab(checkout, bin_folder, tmp_path, AUDIT7K_RESTRICTED_FOLDER=str(kept), AUDIT7K_ACCEPT=WHY)
    assert build.code == 1, build.log
    assert "✗ FAIL" in build.log
    assert "no key" not in build.log
    assert "true_positive_rate: FAIL (at most 10 points lower than everyone else); rows: " in build.log
    assert [path.name for path in (checkout / "audit-out").iterdir()] == ["public"]
    artefacts = GITLAB["artifacts"]
    assert artefacts["when"] == "always"
    assert all((checkout / place).is_file() for place in artefacts["reports"].values())
    assert all(place.startswith("audit-out/public/") for place in artefacts["reports"].values())
    assert artefacts["paths"] == ["audit-out/public", "audit7k-comment.md"]
    assert (checkout / "audit7k-comment.md").read_bytes() == (checkout / "audit-out/public/comment.md").read_bytes()
    assert not [word for word in EXACT if word in build.log]


def test_the_job_of_gitlab_without_a_kept_key(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    write_set(checkout, counts=FEW)
    build = run_gitlab(checkout, bin_folder, tmp_path)
    assert (build.code, files_of(checkout / "audit-out")) == (3, [])
    assert build.log.endswith(f"? INCONCLUSIVE\n{ALONE}\n{OWNER}\n")
    for place in ("audit-out/public/release.json", "audit-out/public/junit.xml", "audit-out/result.json"):
        (checkout / place).parent.mkdir(parents=True, exist_ok=True)
        (checkout / place).write_text("of an earlier job", encoding="utf-8")
    build = run_gitlab(checkout, bin_folder, tmp_path, AUDIT7K_PLAN="$(touch owned)")
    assert (build.code, "error: " in build.log) == (4, True)
    assert files_of(checkout / "audit-out") == []


@pytest.mark.parametrize(
    ("folder", "stated"),
    [
        ("audit-out/restricted", "audit-out/restricted"),
        ("audit-out/restricted", "{checkout}/audit-out/restricted"),
        ("audit-out/restricted", "link"),
        ("audit-out/restricted", "../checkout/audit-out/restricted"),
        ("audit-out/restricted", ""),  # no word of it, and the plan may name it
        ("audit-out/keys/ours", "{checkout}/../elsewhere"),
        ("audit-out", "audit-out"),
    ],
)
def test_the_job_of_gitlab_refuses_to_remove_a_key(
    tmp_path: Path, checkout: Path, bin_folder: Path, folder: str, stated: str
) -> None:
    """The job ends before it judges, with what was kept as it was, and the reports of an earlier job gone."""
    (checkout / folder).parent.mkdir(exist_ok=True, parents=True)
    kept = keep_key(checkout / folder)
    (checkout / "link").symlink_to(kept)
    public = checkout / "audit-out" / "public"
    public.mkdir()
    (public / "junit.xml").write_text("of an earlier job", encoding="utf-8")
    named = stated.format(checkout=checkout)
    build = run_gitlab(checkout, bin_folder, tmp_path, AUDIT7K_RESTRICTED_FOLDER=named)
    assert build.code == 4, build.log
    assert build.log.startswith("error: the restricted folder, or a key, is in audit-out")
    assert (kept / "key").is_file()
    assert list(public.iterdir()) == []


def test_the_first_job_of_gitlab_makes_no_key_that_it_would_remove(
    tmp_path: Path, checkout: Path, bin_folder: Path
) -> None:
    build = run_gitlab(checkout, bin_folder, tmp_path, AUDIT7K_RESTRICTED_FOLDER="audit-out/restricted")
    assert build.code == 4
    assert not (checkout / "audit-out" / "restricted" / "key").exists()


def test_the_action_refuses_to_remove_a_key(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    out = tmp_path / "work" / "runner" / "audit7k-out"
    build = run_action(checkout, tmp_path / "work", bin_folder, restricted_folder=str(out / "restricted"))
    assert build.code == 4
    assert "::error title=audit7k::The restricted folder is where" in build.log
    assert list(build.used) == ["actions/setup-python"]


def test_the_hooks_check_a_plan_and_gate(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    """As pre-commit calls them: the entry, then the arguments, and no file names."""
    stated = environment(bin_folder, tmp_path)
    done = {name: in_shell([*hook["entry"].split(), *hook["args"]], checkout, stated) for name, hook in HOOKS.items()}
    assert {name: each.returncode for name, each in done.items()} == {"audit7k-check": 0, "audit7k-gate": 1}
    assert "CANARY" not in "".join(each.stdout for each in done.values())
    assert files_of(checkout) == ["cases.csv", "plan.toml"]
    (checkout / "plan.toml").write_text(PLAN.replace("margin", "margn"), encoding="utf-8")
    hook = HOOKS["audit7k-check"]
    assert in_shell([*hook["entry"].split(), *hook["args"]], checkout, stated).returncode == 4
    assert all(not hook["pass_filenames"] for hook in HOOKS.values())
    assert all(hook["always_run"] for hook in HOOKS.values()), "a model may be a file of any name"


def test_pre_commit_takes_the_hooks() -> None:
    """`validate-manifest` reads no network; what it would install is the package itself."""
    command = [
        str(Path(sys.executable).with_name("pre-commit")),
        "validate-manifest",
        str(ROOT / ".pre-commit-hooks.yaml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_audits_when_something_has_changed_and_gates(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    answers_of_their_own(checkout)
    named = "AUDIT7K_MODEL := answers.csv\nAUDIT7K_SET := cases.csv\nAUDIT7K_GATE := --inputs-elsewhere\n"
    (checkout / "Makefile").write_text(f"{named}include {MAKE}\n", encoding="utf-8")
    keep_key(tmp_path / "kept")
    stated = environment(bin_folder, tmp_path, AUDIT7K_RESTRICTED_FOLDER=str(tmp_path / "kept"))
    audited = in_shell(["make", "--no-print-directory", "audit"], checkout, stated)
    assert audited.returncode == 0, audited.stdout
    gated = in_shell(["make", "--no-print-directory", "gate"], checkout, stated)
    assert gated.returncode == 2
    assert "✗ FAIL" in gated.stdout
    assert gated.stdout.count("audit7k run") == gated.stdout.count(OWNER) == 1
    assert re.search(r"\[.*gate\] Error 1$", gated.stdout, flags=re.MULTILINE)
    for makefile in (f"include {MAKE}\n", f"AUDIT7K_SET := cases.csv\ninclude {MAKE}\n"):
        (checkout / "Makefile").write_text(makefile, encoding="utf-8")
        planned = in_shell(["make", "--no-print-directory", "--dry-run", "gate"], checkout, stated)
        assert "audit7k run" in planned.stdout, "without model and set nobody knows what changed"
        assert "gate --inputs-elsewhere" in planned.stdout, "what was audited in this call is not old"
    (checkout / "plan.toml").write_text(PLAN.replace("margin", "margn"), encoding="utf-8")
    broken = in_shell(["make", "--no-print-directory", "gate"], checkout, stated)
    assert (broken.returncode, "Error 4" in broken.stdout) == (2, True)
    (checkout / "plan.toml").write_text(PLAN, encoding="utf-8")
    marked = in_shell(["audit7k", "gate", "audit-out", "--inputs-elsewhere"], checkout, stated)
    assert (marked.returncode, "of an earlier run" in marked.stdout) == (4, True)


def answers_of_their_own(checkout: Path) -> None:
    """Put the answers into a file beside the set: what stands for the model."""
    rows = [line.split(",") for line in (checkout / "cases.csv").read_text(encoding="utf-8").splitlines()]
    answers = "".join(f"{row[0]},{row[2]}\n" for row in rows)
    (checkout / "answers.csv").write_text(answers, encoding="utf-8")
    cases = "".join(",".join((*row[:2], *row[3:])) + "\n" for row in rows)
    (checkout / "cases.csv").write_text(cases, encoding="utf-8")
    own = PLAN.replace('kind = "predictions"', 'kind = "predictions"\npath = "answers.csv"')
    (checkout / "plan.toml").write_text(own, encoding="utf-8")


def worse(checkout: Path, name: str) -> None:
    """Replace plan, set or answers by what fails; time and size of the file do not show it."""
    place = checkout / name
    before, at = place.read_text(encoding="utf-8"), place.stat()
    if name == "plan.toml":
        after = before.replace("margin = 0.4", "margin = 0.1")
    elif name == "cases.csv":  # more victims among the women, whom nothing flags
        after = re.sub(r"(CANARY-woman-[a-z]+-o[0-9]+),0,", r"\1,1,", before)
    else:
        after = re.sub(r"(CANARY-woman-south-[0-9]+),0\.9", r"\1,0.1", before)
    assert after != before
    place.write_text(after, encoding="utf-8")
    os.utime(place, ns=(at.st_atime_ns, at.st_mtime_ns))


LOOSE = {("woman", "north"): (400, 320), ("woman", "south"): (400, 240), ("man", "north"): (400, 322),
         ("man", "south"): (400, 321)}  # fmt: skip
REPLACED = ("plan.toml", "cases.csv", "answers.csv")


@pytest.fixture
def passing(checkout: Path) -> Path:
    """A set that passes with a wide margin, with its answers in a file."""
    write_set(checkout, counts=LOOSE)
    answers_of_their_own(checkout)
    plan = (checkout / "plan.toml").read_text(encoding="utf-8")
    (checkout / "plan.toml").write_text(plan.replace("margin = 0.1", "margin = 0.4"), encoding="utf-8")
    for name in REPLACED:
        os.utime(checkout / name, (1_600_000_000, 1_600_000_000))
    return checkout


@pytest.mark.parametrize("name", REPLACED)
def test_make_tells_no_old_verdict(tmp_path: Path, passing: Path, bin_folder: Path, name: str) -> None:
    """Neither where a newer file asks for a new audit, nor where a copy has kept its time and make sees nothing."""
    named = "AUDIT7K_MODEL := answers.csv\nAUDIT7K_SET := cases.csv\nAUDIT7K_GATE := --inputs-elsewhere\n"
    (passing / "Makefile").write_text(f"{named}include {MAKE}\n", encoding="utf-8")
    keep_key(tmp_path / "kept")
    stated = environment(bin_folder, tmp_path, AUDIT7K_RESTRICTED_FOLDER=str(tmp_path / "kept"))
    gate = ["make", "--no-print-directory", "gate"]
    first = in_shell(gate, passing, stated)
    assert (first.returncode, "✓ PASS" in first.stdout) == (0, True), first.stdout
    worse(passing, name)
    unseen = in_shell(gate, passing, stated)
    assert "audit7k run --quiet" not in unseen.stdout, "make goes by time alone"
    assert (unseen.returncode, "Error 4" in unseen.stdout) == (2, True), unseen.stdout
    assert f"{name} differs; nothing was judged" in unseen.stdout
    os.utime(passing / name)
    again = in_shell(gate, passing, stated)
    assert "audit7k run --quiet" in again.stdout
    assert (again.returncode, "PASS" in again.stdout) == (2, False), again.stdout


@pytest.mark.parametrize("name", REPLACED)
def test_the_action_and_the_job_of_gitlab_tell_no_old_verdict(
    tmp_path: Path, passing: Path, bin_folder: Path, name: str
) -> None:
    assert [run_action(passing, tmp_path / "a", bin_folder).code, run_gitlab(passing, bin_folder, tmp_path).code] == [
        0,
        0,
    ]
    worse(passing, name)
    codes = [run_action(passing, tmp_path / "b", bin_folder).code, run_gitlab(passing, bin_folder, tmp_path).code]
    assert all(code in (1, 3, 4) for code in codes), codes
    stated = environment(bin_folder, tmp_path)
    hook = HOOKS["audit7k-gate"]
    assert in_shell([*hook["entry"].split(), *hook["args"]], passing, stated).returncode in (1, 3, 4)


@pytest.mark.parametrize("name", REPLACED)
def test_dvc_tells_no_old_verdict(tmp_path: Path, passing: Path, bin_folder: Path, name: str) -> None:
    """Each of the three is what its audit depends on, and where DVC runs the gate alone, that ends with 4."""
    stages, stated = stages_of_dvc(model="answers.csv", gate="--inputs-elsewhere"), environment(bin_folder, tmp_path)

    def code_of(stage: str) -> int:
        return in_shell(["sh", "-c", stages[stage]["cmd"]], passing, stated).returncode

    assert [code_of("audit"), code_of("gate")] == [0, 0]
    worse(passing, name)
    assert name in stages["audit"]["deps"]
    assert stages["gate"]["always_changed"]
    assert code_of("gate") == 4
    assert [code_of("audit"), code_of("gate") in (1, 3)] == [0, True]


def stages_of_dvc(**given: str) -> dict[str, Any]:
    """The stages with their variables filled in, some by other values, as `dvc.yaml` of a repository has them."""
    (variables,) = DVC["vars"]
    stages: dict[str, Any] = _with_variables(DVC["stages"], {**variables["audit7k"], **given})
    return stages


def test_the_stages_of_dvc_run_and_depend_on_each_other(tmp_path: Path, checkout: Path, bin_folder: Path) -> None:
    """DVC is no dependency: what it would hand to a shell is handed to one."""
    answers_of_their_own(checkout)
    stated = environment(bin_folder, tmp_path)
    stages = stages_of_dvc(model="answers.csv", gate="--inputs-elsewhere")
    assert list(stages) == ["audit", "gate"]
    assert stages["audit"]["deps"] == ["plan.toml", "answers.csv", "cases.csv"]
    assert all((checkout / place).exists() for place in stages["audit"]["deps"])
    audited = in_shell(["sh", "-c", stages["audit"]["cmd"]], checkout, stated)
    assert audited.returncode == 0, audited.stdout
    outputs = [next(iter(each)) if isinstance(each, dict) else each for each in stages["audit"]["outs"]]
    assert outputs == stages["gate"]["deps"]
    assert all((checkout / place).exists() for place in outputs)
    assert {"audit-out/result.json": {"cache": False}} in stages["audit"]["outs"]
    assert not any(DVC["vars"][0]["audit7k"]["restricted_folder"].startswith(place) for place in outputs)
    assert in_shell(["sh", "-c", stages["gate"]["cmd"]], checkout, stated).returncode == 1
    assert in_shell(["sh", "-c", stages_of_dvc()["gate"]["cmd"]], checkout, stated).returncode == 4
    (checkout / "plan.toml").unlink()
    assert in_shell(["sh", "-c", stages["audit"]["cmd"]], checkout, stated).returncode == 4


def _with_variables(stated: Any, values: dict[str, str]) -> Any:
    if isinstance(stated, dict):
        return {_with_variables(key, values): _with_variables(value, values) for key, value in stated.items()}
    if isinstance(stated, list):
        return [_with_variables(each, values) for each in stated]
    return (
        re.sub(r"\$\{audit7k\.(\w+)\}", lambda found: values[found[1]], stated) if isinstance(stated, str) else stated
    )


def test_the_counts_of_these_tests_are_those_that_must_not_be_shown() -> None:
    victims, found = COUNTS["woman", "south"]
    assert EXACT[1:] == (f"{found} of {victims}", f"{found / victims:.5f}")
