"""Attacks by who has the terminal and the files that leave the house: every step is a command in a process of its own.

Sets are small and plain: four large groups far from any limit, and a few people beside them. Ids, and a column that no
plan names, hold a word that may stand in no public file, log or error.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from audit.errors import ExitCode
from audit.evidence.bundle import PUBLIC, STATEMENT, read_bundle
from audit.evidence.envelope import Envelope
from audit.evidence.keys import load_signer
from audit.evidence.statement import Evidence, read_statement, sha256, statement_bytes
from audit.result.audit_result import AuditResult
from audit.vocabulary.file_names import EVIDENCE
from tools.attack.near_limits import Event, turned
from tools.attack.world import folder_with_key
from tools.simulate.runner import Counts, Share

CANARY: Final = "CANARY"
OUT: Final = "audit-out"
RUN: Final = ("run", "plan.toml", "--no-crosscheck", "--quiet")
VERIFIED, CONTRADICTED = 0, 5
"""Exit codes of `verify`."""
_FORMS: Final = "html,csv,json,junit"
_OTHER_FORMS: Final = "letter,pdf,sarif,badge"
_CELLS: Final = (("woman", "north"), ("woman", "south"), ("man", "north"), ("man", "south"))
_FEW: Final = (("non-binary", "north"), ("unknown", "west"))
_PLAN: Final = """\
schema = 1
[audit]
title = "{title}"
owner = "Owner"
use = "victim-identification"
route = "services"
[detector]
{detector}
[evaluation_set]
path = "cases.csv"
id = "case"
label = "label"
label_source = "made up"
[groups.gender]
column = "sex"
[groups.site]
column = "site"
expected = ["north", "south"]
[[rules]]
metric = "true_positive_rate"
groups = {groups}
margin = {margin}
{more}
"""
_WAIVER: Final = """\
[[waivers]]
rule = "true_positive_rate"
group = { gender = "woman" }
who = "Owner"
why = "A retrained model is due"
expires = 2999-01-01
"""
PLAN: Final[Mapping[str, Any]] = {
    "title": "Screener",
    "detector": 'kind = "predictions"\nscore = "score"\nthreshold = 0.5',
    "groups": '["gender", ["gender", "site"]]',
    "margin": 0.1,
    "more": "",
}

Victims = Mapping[tuple[str, str], tuple[int, int]]
"""Numbers of victims missed and found, by gender and site."""


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    output: str
    """All that it printed, errors too."""


@dataclass(frozen=True)
class House:
    """A folder with a set and a plan, where somebody audits."""

    folder: Path

    def command(self, *arguments: str) -> Done:
        """Run a command of audit7k in a process of its own, and say how it ended."""
        environment = {
            **os.environ,
            "HOME": str(self.folder),
            "COLUMNS": "200",
            "PYTHONPATH": os.pathsep.join(
                filter(None, (str(self.folder / "site-packages"), os.environ.get("PYTHONPATH")))
            ),
            "AUDIT7K_TOKEN": CANARY,
        }
        ended = subprocess.run(
            [sys.executable, "-m", "audit", *arguments],
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Done(ended.returncode, ended.stdout + ended.stderr)

    def done(self, *arguments: str) -> Done:
        """Run a command that must not be refused: an attack that never ran would find nothing."""
        done = self.command(*arguments)
        if done.code in (ExitCode.USAGE, ExitCode.NOT_JUDGED):
            raise RuntimeError(f"{' '.join(arguments)}: {done.output}")
        return done

    @property
    def public(self) -> Path:
        """The folder that a user carries out."""
        return self.folder / OUT / "public"

    @property
    def release(self) -> dict[str, Any]:
        """The public release, without digests, day and number: no figure stands in these."""
        release: dict[str, Any] = json.loads((self.public / "release.json").read_bytes())
        for name in ("digests", "finished", "plan_sha256"):
            release["about"].pop(name, None)
        return {name: value for name, value in release.items() if name != "number"}

    @property
    def result(self) -> AuditResult:
        """The exact result."""
        return AuditResult.model_validate_json((self.folder / OUT / "result.json").read_bytes())

    def write(self, victims: Victims, **plan: object) -> None:
        """Write a set, and a plan of which some parts are given. Others are flagged one time in ten."""
        rows = ["case,label,score,sex,site,note"]
        for (sex, site), (missed, hits) in victims.items():
            for label, silent, flagged in ((1, missed, hits), (0, 9 * (missed + hits) // 10, (missed + hits) // 10)):
                for number in range(silent + flagged):
                    score = 0.5 + (0.05 + number % 40 / 100) * (1 if number < flagged else -1)
                    row = f"{CANARY}-{sex}-{site}-{label}-{number},{label},{score:.2f},{sex},{site},{CANARY}"
                    rows.append(row)
        (self.folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        (self.folder / "plan.toml").write_text(_PLAN.format(**{**PLAN, **plan}), encoding="utf-8")

    def files(self, *folders: str) -> dict[str, bytes]:
        """Return every file under some folders by its path."""
        paths = (path for folder in folders for path in (self.folder / folder).rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


@contextmanager
def house(rng: np.random.Generator) -> Iterator[House]:
    """Yield a house whose key follows from the generator, as do all numbers that it draws."""
    with tempfile.TemporaryDirectory() as folder:
        folder_with_key(Path(folder) / OUT / "restricted", rng.bytes(32))
        yield House(Path(folder))


def plain(rng: np.random.Generator) -> dict[tuple[str, str], tuple[int, int]]:
    """Draw a set: women of one site are found less often; no other group lies near a limit of 10 points."""
    victims = {}
    for cell in _CELLS:
        size, recall = int(rng.integers(150, 320)), 0.35 if cell == _CELLS[1] else 0.8
        hits = int(rng.binomial(size, recall))
        victims[cell] = size - hits, hits
    for cell in _FEW:
        victims[cell] = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    return victims


def person_through_commands(runs: int, rng: np.random.Generator, event: Event) -> Counts:
    """Run an audit twice, with one person's event between: what do public files, exit codes and logs say of it?

    Left out are sets in which a fail or the headline turned, which shows.
    """
    stood = differ = codes = texts = leaks = 0
    for run in range(runs):
        with house(rng) as scene:
            victims = plain(rng)
            scene.write(victims)
            first, release, result = scene.done(*RUN[:-1]), scene.release, scene.result
            cell, outcome = _CELLS[int(rng.integers(len(_CELLS)))], run % 2
            numbers = list(victims[cell])
            numbers[outcome] += 1 if event == "comes" else -1
            numbers[1 - outcome] += event == "flips"
            scene.write({**victims, cell: (numbers[0], numbers[1])})
            second = scene.done(*RUN[:-1])
            if turned(result, scene.result) == "neither":
                stood += 1
                differ += release != scene.release
                codes += first.code != second.code
            printed = [first.output, second.output, _broken_row(scene)]
            printed += [content.decode("utf-8", "replace") for content in scene.files(f"{OUT}/public").values()]
            texts += len(printed)
            leaks += sum(CANARY in text for text in printed)
    return {
        "public files tell of one person, plain set": Share(differ, stood),
        "exit code tells of one person": Share(codes, stood),
        "id or text of a person in a log, an error or a public file": Share(leaks, texts),
    }


def _broken_row(scene: House) -> str:
    """Spoil the score of a row, and return what is said of it."""
    cases = scene.folder / "cases.csv"
    lines = cases.read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2].replace(",1,", f",1,{CANARY}", 1)
    cases.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return scene.command(*RUN).output


def made_from_release_alone(runs: int, rng: np.random.Generator) -> Counts:
    """Make every public form, portal and figures from `release.json` alone, in a folder with nothing else.

    A file that comes out otherwise beside exact counts says more than the rows printed: by a width, a sum in a
    sentence, or the text of a PDF.
    """
    files = more = 0
    forms: set[str] = set()
    for _ in range(runs):
        with house(rng) as scene, house(rng) as elsewhere:
            scene.write(plain(rng))
            scene.done(*RUN)
            shutil.rmtree(elsewhere.folder / OUT)
            alone = elsewhere.folder / OUT / "public"
            alone.mkdir(parents=True)
            shutil.copy(scene.public / "release.json", alone)
            scene.done("report", OUT, "--format", _OTHER_FORMS, "--lang", "en", "--out", "forms")
            (elsewhere.folder / "forms").mkdir()
            shutil.copy(scene.folder / "forms" / "release.json", elsewhere.folder / "forms")
            elsewhere.done("report", "forms", "--format", _OTHER_FORMS, "--lang", "en", "--out", "forms")
            for folder in (scene, elsewhere):
                if folder is elsewhere:
                    folder.done("report", f"{OUT}/public", "--format", _FORMS, "--out", f"{OUT}/public")
                folder.done("portal", ".", "--out", "site", "--today", "2030-01-01", "--lang", "en")
                for kind in ("funnel", "forest"):
                    folder.done("figure", f"{OUT}/public", kind, "--out", f"drawn/{kind}.svg")
            written, again = (folder.files(f"{OUT}/public", "forms", "site", "drawn") for folder in (scene, elsewhere))
            differ = [path for path in {*written, *again} if written.get(path) != again.get(path)]
            files, more = files + len({*written, *again}), more + len(differ)
            forms.update(Path(path).name for path in differ)
    return {"a file says more than release.json": Share(more, files, ", ".join(sorted(forms)))}


Restated = Callable[[House, Victims], tuple[str, ...]]
"""Writes another question about the same people, and returns the command that asks it."""


def _margin(scene: House, victims: Victims) -> tuple[str, ...]:
    scene.write(victims, margin=0.2)
    return RUN


def _rule(scene: House, victims: Victims) -> tuple[str, ...]:
    scene.write(victims, groups='["site"]', title="Screener, by site")
    return RUN


def _four_answers(scene: House, victims: Victims) -> tuple[str, ...]:
    missed, hits = victims[_CELLS[0]]
    scene.write({**victims, _CELLS[0]: (missed + 4, hits - 4)}, title="Screener 2")
    return RUN


def _waivers(scene: House, victims: Victims) -> tuple[str, ...]:
    scene.write(victims)
    (scene.folder / "waivers.toml").write_text(_WAIVER, encoding="utf-8")
    return (*RUN, "--waivers", "waivers.toml")


def _only(scene: House, victims: Victims) -> tuple[str, ...]:
    scene.write(victims)
    return ("gate", "plan.toml", "--only", "true_positive_rate", "--quiet")


QUESTIONS: Final[Mapping[str, Restated]] = {
    "another margin": _margin,
    "another rule": _rule,
    "another model, four answers differ": _four_answers,
    "waivers": _waivers,
    "gate --only": _only,
}


def asked_again(runs: int, rng: np.random.Generator, question: str) -> Counts:
    """Ask another question about the same people: how many numbers are drawn anew, so that both could be averaged?"""
    rows = anew = 0
    for _ in range(runs):
        with house(rng) as scene:
            victims = plain(rng)
            scene.write(victims)
            scene.done(*RUN)
            before = _numbers(scene)
            scene.done(*QUESTIONS[question](scene, victims))
            after = _numbers(scene)
            rows += len(before.keys() & after.keys())
            anew += sum(before[key] != after[key] for key in before.keys() & after.keys())
    return {"number drawn anew of the same people": Share(anew, rows)}


def _numbers(scene: House) -> dict[str, tuple[object, ...]]:
    """Return the numbers of each row by side and parts."""
    return {
        f"{row['side']} {json.dumps(row['parts'], sort_keys=True)}": tuple(
            row.get(name) for name in ("people", "errors", "few", "fewer_than")
        )
        for row in scene.release["rows"]
    }


def key_lost(runs: int, rng: np.random.Generator) -> Counts:
    """Lose the key, then the public files too, and audit again: releases under two keys could be averaged."""
    released = silent = foreign = rows = anew = 0
    for _ in range(runs):
        with house(rng) as scene:
            scene.write(plain(rng))
            scene.done(*RUN)
            (scene.public / "model-wrote-this.txt").write_text(CANARY, encoding="utf-8")
            before = scene.files(f"{OUT}/public")
            foreign += scene.command(*RUN).code != ExitCode.NOT_JUDGED or scene.files(f"{OUT}/public") != before
            (scene.public / "model-wrote-this.txt").unlink()
            before, set_id, numbers = scene.files(f"{OUT}/public"), scene.release["set_id"], _numbers(scene)
            shutil.rmtree(scene.folder / OUT / "restricted")
            released += scene.command(*RUN).code != ExitCode.NOT_JUDGED or scene.files(f"{OUT}/public") != before
            shutil.rmtree(scene.public)
            released += scene.command(*RUN).code != ExitCode.NOT_JUDGED
            scene.done(*RUN, "--new-key")
            silent += scene.release.get("set_before") != set_id
            rows += len(numbers)
            anew += sum(_numbers(scene).get(key) != row for key, row in numbers.items())
    return {
        "number drawn anew under a new key": Share(anew, rows),
        "release without the key of the one that lies there": Share(released, 2 * runs),
        "release under a new key that does not say so": Share(silent, runs),
        "release beside a file that nobody of ours wrote": Share(foreign, runs),
    }


def planted_lies(runs: int, rng: np.random.Generator) -> Counts:
    """Change each public file of a sealed audit, beside its bundle, and in it under the auditor's own signature: a
    verifier must contradict it, and not the genuine.
    """
    lies = believed = doubted = 0
    for _ in range(runs):
        with house(rng) as scene:
            scene.write(plain(rng))
            scene.done(*RUN)
            scene.done("key", "new", "k.key", "--no-passphrase")
            scene.done("seal", OUT, "--key", "k.key")
            verify = ("verify", f"{OUT}/public", "--key", "k.key.pub")
            doubted += scene.done(*verify).code != VERIFIED
            for path in sorted(path for path in scene.public.iterdir() if path.suffix != ".a7k"):
                genuine = path.read_bytes()
                for lie in _lies(genuine):
                    path.write_bytes(lie)
                    lies += 1
                    believed += scene.command(*verify).code != CONTRADICTED
                path.write_bytes(genuine)
            (scene.folder / "lie").mkdir()
            for lie in _signed_lies((scene.public / EVIDENCE).read_bytes(), scene.folder / "k.key"):
                (scene.folder / "lie" / EVIDENCE).write_bytes(lie)
                lies += 1
                believed += scene.command("verify", "lie", "--key", "k.key.pub").code != CONTRADICTED
    return {"lie in a bundle not contradicted": Share(believed, lies), "genuine bundle doubted": Share(doubted, runs)}


def _signed_lies(content: bytes, key: Path) -> Iterator[bytes]:
    """Put each lie into a bundle, under a statement that the auditor's own key signs."""
    bundle, signer = read_bundle(content, EVIDENCE), load_signer(key, lambda: b"")
    _, evidence = read_statement(bundle.statement, Evidence, STATEMENT)
    for name, genuine in bundle.public.items():
        for lie in _lies(genuine):
            public = {**bundle.public, name: lie}
            subjects = {f"{PUBLIC}{file_name}": sha256(file_content) for file_name, file_content in public.items()}
            signed = Envelope(statement_bytes(subjects, evidence)).signed(signer)
            yield replace(bundle, public=public, envelopes=(signed,)).content


def _lies(genuine: bytes) -> Iterator[bytes]:
    """Another verdict, another number, and one more blank: each where the file has such."""
    for truth, lie in ((b"fail", b"pass"), (b"FAIL", b"PASS"), (b'"errors": ', b'"errors": 1')):
        if truth in genuine:
            yield genuine.replace(truth, lie)
    yield genuine + b"\n"


SILENT: Final[Mapping[str, tuple[str, ...]]] = {
    "remedy": ("remedy", "plan.toml"),
    "gate": ("gate", OUT, "--inputs-elsewhere", "--quiet"),
    "cases": ("cases", OUT, "--group", "gender=woman", "--out", "missed.csv"),
    "compare": ("compare", OUT, OUT),
    "report of exact counts": ("report", OUT, "--restricted", "--out", "exact.html"),
}
"""Commands for whoever may see exact counts."""


def public_folder_touched(runs: int, rng: np.random.Generator) -> Counts:
    """Run what shows exact counts: nothing of it may reach the folder that leaves the house."""
    touched = 0
    for _ in range(runs):
        with house(rng) as scene:
            # a remedy needs both halves of the set to be judged
            scene.write({cell: (8 * missed, 8 * hits) for cell, (missed, hits) in plain(rng).items()})
            scene.done(*RUN)
            before = scene.files(f"{OUT}/public")
            for arguments in SILENT.values():
                scene.done(*arguments)
                touched += scene.files(f"{OUT}/public") != before
    return {"public file changed by a restricted command": Share(touched, runs * len(SILENT))}
