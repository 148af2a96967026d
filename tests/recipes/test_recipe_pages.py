"""The pages about pipelines, followed to the letter: every command in its order, every file as it stands there."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import yaml
from made.gates import elsewhere
from made.published import write_set
from made.recipes import ACTION, GITLAB, HOOKS, ROOT, commands, environment, in_shell, stub_wheel

HOW_TO = ROOT / "docs" / "how-to"
EXPECTED = {
    "python -m pip install audit7k-*.whl": 0,
    "audit7k demo --out screener": 0,
    "audit7k check plan.toml": 0,
    "audit7k run plan.toml --quiet": 1,
    "audit7k gate audit-out": 1,
    r"printf 'audit-out/\n' >> .gitignore": 0,
    'mkdir -p -m 700 "$HOME/audit-keys"': 0,
    'mv audit-out/restricted "$HOME/audit-keys/screener"': 0,
    "sh gate.sh": 1,
}
BESIDE = {"audit7k run plan.toml --restricted": 1, "audit7k check plan.toml": 0, "audit7k power plan.toml": 0}
"""Commands that the text names."""
ELSEWHERE = {"audit7k init cases.csv", "audit7k chain accept audit-out --restricted-folder …"}
"""Those that stand there in part: the tests of the tutorial and of the page on chains run them."""


def section(heading: str) -> str:
    """The page about pipelines from a heading of the second order to the next one."""
    text = (HOW_TO / "pipeline.md").read_text(encoding="utf-8")
    _, _, behind = text.partition(f"\n## {heading}\n")
    assert behind, heading
    return behind.partition("\n## ")[0] + "\n"


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def typed(text: str) -> list[str]:
    return [line for block in blocks(text, "console") for line in block.splitlines()]


BEGIN = section("From nothing in ten minutes")


def test_a_new_user_has_a_gate_in_ten_minutes(tmp_path: Path, audit7k: list[str]) -> None:
    """Once made and looked at, the demonstration makes place for a smaller set, which is published sooner."""
    bin_folder, home = commands(tmp_path / "bin", audit7k), tmp_path / "home"
    home.mkdir()
    stub_wheel(tmp_path, "audit7k")
    pip = {"PIP_NO_INDEX": "1", "PIP_TARGET": str(tmp_path / "lib")}
    shown = environment(bin_folder, home, **pip)
    done: list[str] = []
    folder, log = tmp_path, ""
    for command in typed(BEGIN):
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
        elif command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            shown[name] = shlex.split(value)[0].replace("$HOME", str(home))
            (script,) = blocks(BEGIN, "sh")
            (folder / "gate.sh").write_text(script, encoding="utf-8")
        else:
            # the smaller set has answers and no model file, which the demonstration has: the tutorial's test gates that
            more = f" {' '.join(elsewhere('audit-out'))}" if command == "audit7k gate audit-out" else ""
            ended = in_shell(["sh", "-c", f"{command}{more}"], folder, shown)
            log = ended.stdout
            if command.startswith("audit7k check"):
                write_set(folder)
            assert ended.returncode == EXPECTED[command], f"{command}\n{log}"
            assert "Traceback" not in log
            done.append(command)
    assert done == list(EXPECTED)
    assert (tmp_path / "lib" / "audit7k-0.dist-info").is_dir()
    assert log.startswith("**Exceeds the limit in this test.**")
    assert (folder / "audit-out" / "public" / "report.html").is_file()
    assert (home / "audit-keys" / "screener" / "key").is_file()
    assert not (folder / "audit-out" / "restricted").exists()
    shown["AUDIT7K_RESTRICTED_FOLDER"] = str(folder / "nowhere")
    ended = in_shell(["sh", "gate.sh"], folder, shown)
    assert (ended.returncode, ended.stdout) == (4, "no key in the restricted folder\n")
    shown["AUDIT7K_RESTRICTED_FOLDER"] = str(home / "audit-keys" / "screener")
    (folder / "plan.toml").unlink()
    ended = in_shell(["sh", "gate.sh"], folder, shown)
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (4, "nothing was judged")


def test_what_the_page_names_beside_its_commands_runs_too(tmp_path: Path, audit7k: list[str]) -> None:
    shown = environment(commands(tmp_path / "bin", audit7k), tmp_path)
    write_set(tmp_path)
    text = re.sub(r"```.*?```", "", BEGIN, flags=re.DOTALL)
    named = set(re.findall(r"`(audit7k \w+ [^`]+)`", text)) - ELSEWHERE
    assert named == set(BESIDE)
    for command, code in BESIDE.items():
        assert in_shell(["sh", "-c", command], tmp_path, shown).returncode == code


def test_the_files_for_services_fit_what_they_use() -> None:
    """The action and the job are carried out by `test_recipes.py`; here are their inputs, as the page gives them."""
    github, gitlab = (yaml.safe_load(text) for text in blocks(BEGIN, "yaml"))
    (job,) = github["jobs"].values()
    (step,) = [step for step in job["steps"] if step["uses"] == "OWNER/audit7k@REF"]
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert "pull_request_target" not in github[True]  # `on`, which YAML takes for a truth
    assert job["if"].endswith("github.event.pull_request.head.repo.full_name == github.repository")
    assert (ROOT / gitlab["include"][0]["file"].lstrip("/")).is_file()
    assert gitlab["audit"]["extends"] == ".audit7k"
    assert set(gitlab["audit"]["variables"]) <= set(GITLAB["variables"])
    assert set(re.findall(r"AUDIT7K_[A-Z_]+", BEGIN)) <= {*GITLAB["variables"], "AUDIT7K_SECRET"}


def test_the_recipes_for_other_tools_name_what_there_is() -> None:
    (text,) = blocks(section("pre-commit"), "yaml")
    (repository,) = yaml.safe_load(text)["repos"]
    assert [hook["id"] for hook in repository["hooks"]] == list(HOOKS)
    assert all(len(hook["args"]) == len(HOOKS[hook["id"]]["args"]) for hook in repository["hooks"])
    (makefile,) = blocks(section("make"), "make")
    assert makefile == "AUDIT7K_MODEL := model.skops\nAUDIT7K_SET := cases.csv\ninclude audit7k.mk\n"
    assert typed(section("make")) == ["make gate"]
    named = re.findall(r"`(examples/pipelines/[^`]+)`", section("make") + section("DVC"))
    assert len(named) == 2
    assert all((ROOT / each).is_file() for each in named)


def test_the_settings_on_the_page_about_pytest_are_those_of_the_plugin() -> None:
    plugin = (ROOT / "audit7k_pytest" / "__init__.py").read_text(encoding="utf-8")
    settings: set[str] = set()
    page = (HOW_TO / "pytest.md").read_text(encoding="utf-8")
    for text in blocks(page, "ini"):
        parser = configparser.ConfigParser()
        parser.read_string(text)
        settings |= set(parser["pytest"])
    assert settings == set(re.findall(r'addini\(\s*"(\w+)"', plugin))
    options = set(re.findall(r"`(--audit7k[\w-]+)`", page))
    assert options == set(re.findall(r'"(--audit7k[\w-]+)"', plugin))
