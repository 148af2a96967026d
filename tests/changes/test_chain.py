"""A chain of accepted versions: only whole ones are read, nothing is lost, and nobody goes back."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.changes import made_pair, write_plan, write_result_of

from audit.errors import ArgumentError, ResultError
from audit.result.audit_result import AuditResult
from audit.result.file import ResultFile, read_result
from audit.result.json_text import result_to_json
from audit.verdicts.changes.chain import (
    CHAIN,
    Chain,
    accept,
    chains_in,
    name_reference,
    question_sha256,
    read_chain,
    releases_of,
)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AuditResult]:
    folder = tmp_path_factory.mktemp("audited")
    made_pair(folder, rows=600)
    return folder, write_result_of(folder / "plan-1.toml", folder / "one")


def version_of(result: AuditResult, day: int, **changed: object) -> AuditResult:
    """The same result as if its audit had ended on another day of January."""
    finished = {"finished": f"2026-01-{day:02}T00:00:00Z", **changed}
    return result.model_copy(update={"provenance": result.provenance.model_copy(update=finished)})


def file_of(folder: Path, result: AuditResult) -> ResultFile:
    """Write a result into a folder in the place of the one there, and read it."""
    path = folder / "result.json"
    path.write_text(result_to_json(result), encoding="utf-8")
    return read_result(path)


def accepted(audited: tuple[Path, AuditResult], restricted: Path, *days: int) -> Chain:
    """The chain after versions of these days were accepted."""
    folder, result = audited
    chain = read_chain(restricted, result.plan)
    for day in days:
        version = version_of(result, day)
        out = restricted.parent / f"out-{day}"
        out.mkdir()
        shutil.copy(folder / "answers-1.csv", out)
        chain = accept(file_of(out, version), folder, restricted, "Office", f"day {day}")
    return chain


def test_a_version_is_kept_with_its_digests_counts_answers_and_who_accepted_it(
    audited: tuple[Path, AuditResult], tmp_path: Path
) -> None:
    _, result = audited
    chain = accepted(audited, tmp_path / "kept", 1, 2)
    entry = chain.entries[1]
    assert entry.version is not None
    assert (entry.accepted_by, entry.reason) == ("Office", "day 2")
    assert entry.version.counts == result.counts
    assert entry.version.evaluation_set_sha256 == result.provenance.evaluation_set_sha256
    assert entry.version.detector_sha256 == result.provenance.detector_sha256
    assert sorted(path.name for path in chain.files(entry).iterdir()) == ["answers-1.csv", "result.json"]
    assert chain.baseline(entry).result == version_of(result, 2)
    assert read_chain(tmp_path / "kept", result.plan) == chain
    line = chain.versions_beside(1)
    assert (line.reference.index, [version.index for version in line.versions]) == (0, [0, 1])
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "kept").rglob("*"))
    assert "c0000" not in (chain.folder / CHAIN).read_text(encoding="utf-8")


def test_a_chain_that_was_broken_cut_off_or_edited_is_never_read(
    audited: tuple[Path, AuditResult], tmp_path: Path
) -> None:
    restricted = tmp_path / "kept"
    path = accepted(audited, restricted, 1, 2).folder / CHAIN
    content = path.read_bytes()

    @given(st.data())
    def changed(data: st.DataObject) -> None:
        position = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["cut", "byte", "gone", "twice"]))
        lines = content.splitlines(keepends=True)
        line = data.draw(st.integers(0, len(lines) - 1))
        damaged = {
            "cut": content[:position],
            "byte": content[:position]
            + bytes([content[position] ^ data.draw(st.integers(1, 255))])
            + content[position + 1 :],
            "gone": b"".join(lines[:line] + lines[line + 1 :]),
            "twice": b"".join([*lines[: line + 1], *lines[line:]]),
        }[kind]
        path.write_bytes(damaged)
        with pytest.raises(ResultError) as raised:
            read_chain(restricted, audited[1].plan)
        assert raised.value.slug == "broken-chain"
        with pytest.raises(ResultError):
            chains_in(restricted)

    changed()


def test_a_chain_of_another_system_in_the_place_of_this_one_is_not_read(
    audited: tuple[Path, AuditResult], tmp_path: Path
) -> None:
    chain = accepted(audited, tmp_path / "kept", 1)
    plan = audited[1].plan
    other = plan.model_copy(update={"audit": plan.audit.model_copy(update={"system": "Another"})})
    assert read_chain(tmp_path / "kept", other).entries == ()
    shutil.copytree(chain.folder, read_chain(tmp_path / "kept", other).folder)
    with pytest.raises(ResultError):
        read_chain(tmp_path / "kept", other)


def test_a_version_is_accepted_after_the_last_one_and_the_reference_moves_forward(
    audited: tuple[Path, AuditResult], tmp_path: Path
) -> None:
    restricted = tmp_path / "kept"
    chain = accepted(audited, restricted, 2, 3, 4)
    for day in (1, 4):
        with pytest.raises(ResultError) as raised:
            accept(file_of(tmp_path / "out-4", version_of(audited[1], day)), None, restricted, "Office", "why")
        assert raised.value.slug == "chain-not-later"
    assert read_chain(restricted, audited[1].plan) == chain
    moved = name_reference(chain, restricted, 1, "Office", "why")
    assert moved.versions_beside(2).reference.index == 1
    for number in (0, 1, 3, 9):
        with pytest.raises(ArgumentError):
            name_reference(chain, restricted, number, "Office", "why")
    assert read_chain(restricted, audited[1].plan) == moved


def test_another_set_or_question_begins_a_line_with_a_reference_of_its_own(
    audited: tuple[Path, AuditResult], tmp_path: Path
) -> None:
    folder, result = audited
    restricted = tmp_path / "kept"
    accepted(audited, restricted, 2)
    other = version_of(result, 1, evaluation_set_sha256="0" * 64)
    chain = accept(file_of(tmp_path / "out-2", other), folder, restricted, "Office", "a new set")
    question = question_sha256(result.plan)
    assert [chain.versions_beside(number).reference.index for number in (0, 1)] == [0, 1]
    assert chain.versions(question, "1" * 64) is None
    memory = version_of(result, 3, evaluation_set_sha256=None)
    document = read_result(tmp_path / "out-2" / "result.json")
    with pytest.raises(ResultError) as raised:
        accept(document._replace(result=memory), folder, restricted, "Office", "no set")
    assert raised.value.slug == "baseline-no-digest"


def test_an_outage_is_not_accepted(audited: tuple[Path, AuditResult], tmp_path: Path) -> None:
    """Nothing can be compared with it, and the reference moves forward only."""
    folder, result = audited
    rules = tuple(rule.model_copy(update={"because": "too_many_failed"}) for rule in result.rules)
    outage = result.model_copy(update={"rules": rules})
    with pytest.raises(ResultError) as raised:
        accept(
            read_result(folder / "one" / "result.json")._replace(result=outage),
            folder,
            tmp_path / "kept",
            "Office",
            "why",
        )
    assert raised.value.slug == "chain-outage"
    assert not (tmp_path / "kept").exists()


def test_what_a_killed_command_left_is_replaced_and_a_lost_result_is_named(
    audited: tuple[Path, AuditResult], tmp_path: Path
) -> None:
    restricted = tmp_path / "kept"
    accepted(audited, restricted, 1)
    version = read_chain(restricted, audited[1].plan).folder / "0001"
    version.mkdir(parents=True)
    (version / "result.json").write_text("half", encoding="utf-8")
    chain = accepted(audited, restricted, 2)
    assert chain.baseline(chain.entries[1]).result == version_of(audited[1], 2)
    (version / "result.json").unlink()
    with pytest.raises(ResultError) as raised:
        chain.baseline(chain.entries[1])
    assert raised.value.slug == "chain-version"


def test_versions_without_their_chain_tell_that_it_is_gone(audited: tuple[Path, AuditResult], tmp_path: Path) -> None:
    chain = accepted(audited, tmp_path / "kept", 1)
    (chain.folder / "chain.jsonl").unlink()
    for read in (read_chain, lambda restricted, plan: releases_of(plan, restricted)):
        with pytest.raises(ResultError) as raised:
            read(tmp_path / "kept", audited[1].plan)
        assert raised.value.slug == "broken-chain"


def test_jobs_at_once_lose_nothing(tmp_path: Path) -> None:
    made_pair(tmp_path, rows=600)
    rules = '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["region"]\nmargin = {margin}\n'
    for number in range(3):  # versions of one system by plans that ask other things, which may end in any order
        write_plan(tmp_path, 1, rules.format(margin=0.1 + number / 10))
        write_result_of(tmp_path / "plan-1.toml", tmp_path / f"out-{number}")
        for name in ("plan-1.toml", "answers-1.csv"):
            shutil.copy(tmp_path / name, tmp_path / f"out-{number}")
    accepting = [sys.executable, "-m", "audit", "chain", "accept"]
    options = ["--by", "Office", "--why", "why", "--inputs-elsewhere", "--restricted-folder", "kept"]
    jobs = [
        subprocess.Popen([*accepting, f"out-{number}", *options], cwd=tmp_path, stderr=subprocess.PIPE)
        for number in range(3)
    ]
    errors = [job.communicate(timeout=200)[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0], errors
    (chain,) = chains_in(tmp_path / "kept")
    assert len(chain.entries) == 3
    assert len({entry.version.question_sha256 for entry in chain.entries if entry.version}) == 3
    lines = (chain.folder / CHAIN).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line).get("index") for line in lines] == [0, 1, 2, None]


def test_a_command_that_is_killed_leaves_the_chain_as_it_was_or_longer_by_one(tmp_path: Path) -> None:
    made_pair(tmp_path, rows=600)
    rules = '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["region"]\nmargin = {margin}\n'
    accepting = [sys.executable, "-m", "audit", "chain", "accept", "out"]
    options = ["--by", "Office", "--why", "why", "--inputs-elsewhere", "--restricted-folder", "kept"]
    entries, codes = 0, list[int]()
    for attempt, seconds in enumerate((0.6, 0.9, 1.1, 1.3, 1.5, 60.0)):
        write_plan(tmp_path, 1, rules.format(margin=0.1 + attempt / 20))
        write_result_of(tmp_path / "plan-1.toml", tmp_path / "out")
        job = subprocess.Popen([*accepting, *options], cwd=tmp_path, stderr=subprocess.PIPE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.wait(seconds)
        job.kill()
        job.communicate()
        codes.append(job.returncode)
        chains = chains_in(tmp_path / "kept")
        longer = len(chains[0].entries) if chains else 0
        assert longer in (entries, entries + 1)
        assert longer == entries + 1 or codes[-1] != 0
        entries = longer
        for chain in chains:
            for entry in chain.entries:
                assert chain.baseline(entry).result.plan.audit.title == "Screener 1"
    assert codes[-1] == 0
    assert entries >= 1
