"""Failures counted by reason and group, a share of them above which nothing is decided, and asking twice."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.stats.proportion import proportion_confint
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import AuditResult
from audit.run import run_audit
from audit.scoring.checkpoint import Checkpoint
from audit.vocabulary.groups import Group
from reports.html import render_page as html
from reports.language import ENGLISH

ROWS = 600
COUNTRIES = ("NGA", "VNM", "FRA")


def make_set(folder: Path, **columns: list[Any]) -> None:
    table = {
        "case_id": [f"c{n:04}" for n in range(ROWS)],
        "exploited": [int(n % 2 == 0) for n in range(ROWS)],
        "gender": ["woman" if n % 4 < 2 else "man" for n in range(ROWS)],
        "citizenship": [COUNTRIES[n % 3] for n in range(ROWS)],
        "number": list(range(ROWS)),
        **columns,
    }
    pq.write_table(pa.table(table), folder / "set.parquet")


def plan(code: str, folder: Path, *, detector: dict[str, Any] | None = None, **sections: Any) -> AuditPlan:
    (folder / "answering_model.py").write_text(code, encoding="utf-8")
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"},
            "detector": {
                "kind": "python",
                "entry": "answering_model:score",
                "features": ["number"],
                "threshold": 0.5,
                **(detector or {}),
            },
            "evaluation_set": {
                "path": "set.parquet",
                "id": "case_id",
                "label": "exploited",
                "label_source": "files",
            },
            "groups": {"gender": {"column": "gender"}, "nationality": {"column": "citizenship"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.2}],
            **sections,
        }
    )


def audited(asked: AuditPlan, folder: Path, **options: Any) -> AuditResult:
    return run_audit(asked, folder=folder, crosscheck=False, **options)


def group(feature: str, code: str) -> Group:
    rung = {"gender": "level", "nationality": "country"}[feature]
    return Group.model_validate([[feature, rung, code]])


FAILING = (
    "def score(batch):\n"
    "    numbers = batch['number'].to_pylist()\n"
    "    return [float('nan') if n % 40 == 2 else 7.0 if n % 60 == 5 else None if n % 50 == 9 else 1.0 * (n % 2 == 0)\n"
    "            for n in numbers]\n"
)


def failing(n: int) -> str | None:
    return "not_finite" if n % 40 == 2 else "out_of_range" if n % 60 == 5 else None


def test_failures_are_counted_by_reason_for_every_group(tmp_path: Path) -> None:
    make_set(tmp_path)
    result = audited(plan(FAILING, tmp_path), tmp_path)
    found = {(each.group.root, each.reason): each.rows for each in result.further.failures}
    assert {each.status for each in result.further.failures} == {"invalid_output"}
    everyone = Counter(reason for n in range(ROWS) if (reason := failing(n)))
    assert {reason: rows for (root, reason), rows in found.items() if not root} == everyone
    women = Counter(reason for n in range(ROWS) if n % 4 < 2 and (reason := failing(n)))
    assert {r: rows for (root, r), rows in found.items() if root == group("gender", "woman").root} == women
    vietnamese = Counter(reason for n in range(ROWS) if n % 3 == 1 and (reason := failing(n)))
    assert {r: rows for (root, r), rows in found.items() if root == group("nationality", "VNM").root} == vietnamese
    for account in result.rows:
        assert account.failed == sum(each.rows for each in result.further.failures if each.group == account.group)


def test_without_failures_nothing_is_counted(tmp_path: Path) -> None:
    make_set(tmp_path)
    result = audited(plan("def score(batch):\n    return [0.5] * batch.num_rows\n", tmp_path), tmp_path)
    assert result.further.failures == ()
    assert result.further.self_disagreement == ()


UNEQUAL = (
    "def score(batch):\n"
    "    numbers = batch['number'].to_pylist()\n"
    "    return [{fail} if n % 100 < {share} else 1.0 * (n % 2 == 0 and n % 4 < 2) for n in numbers]\n"
)


@pytest.mark.parametrize(("share", "outcome"), [(0, "fail"), (5, "fail"), (6, "inconclusive"), (100, "inconclusive")])
def test_above_the_declared_share_of_failures_nothing_is_decided(tmp_path: Path, share: int, outcome: str) -> None:
    make_set(tmp_path)
    result = audited(plan(UNEQUAL.format(fail="float('nan')", share=share), tmp_path), tmp_path)
    assert result.overall.outcome == outcome
    if outcome == "inconclusive":
        assert {rule.because for rule in result.rules} == {"too_many_failed"}
        assert not {verdict.outcome for verdict in result.verdicts} & {"pass", "fail"}
        page = html(result, ENGLISH)
        assert "failed to answer on so many rows" in page
        assert "No group was clearly worse off" not in page
        assert "Nothing is said about any group" in page
        assert "the score is not finite" in page


def test_abstaining_is_no_failure(tmp_path: Path) -> None:
    make_set(tmp_path)
    result = audited(plan(UNEQUAL.format(fail="None", share=20), tmp_path), tmp_path)
    assert result.overall.outcome == "fail"
    assert result.rows[0].abstained == 120


def test_a_pass_is_withheld_as_well(tmp_path: Path) -> None:
    make_set(tmp_path)
    code = (
        "def score(batch):\n    return [float('nan') if n % 100 == 0 else 0.9 for n in batch['number'].to_pylist()]\n"
    )
    for most, outcome in ((0.05, "pass"), (0.01, "pass"), (0.009, "inconclusive"), (0.0, "inconclusive")):
        result = audited(plan(code, tmp_path, verdict={"max_failed": most}), tmp_path)
        assert result.overall.outcome == outcome


def test_exactly_the_share_that_the_plan_allows_is_allowed(tmp_path: Path) -> None:
    """0.41 of 600 rows are 246; in doubles they are a little less."""
    assert 0.41 * ROWS < 246
    make_set(tmp_path)
    for failed, stopped in ((246, False), (247, True)):
        code = f"def score(batch):\n    return [9.0 if n < {failed} else 0.9 for n in batch['number'].to_pylist()]\n"
        result = audited(plan(code, tmp_path, verdict={"max_failed": 0.41}), tmp_path)
        assert result.rows[0].failed == failed
        assert any(rule.because == "too_many_failed" for rule in result.rules) == stopped


# ---------------------------------------------------------------- asking twice

WAVERING = (
    "calls = {}\n"
    "def score(batch):\n"
    "    said = []\n"
    "    for n in batch['number'].to_pylist():\n"
    "        calls[n] = calls.get(n, 0) + 1\n"
    "        again = calls[n] > 1\n"
    "        score = 0.9 if n % 2 == 0 else 0.1\n"
    "        if again and n % 30 == 4:\n"
    "            score = 1.0 - score\n"
    "        if again and n % 30 == 7:\n"
    "            score += 2.0 ** -40\n"
    "        said.append(None if again and n % 100 == 50 else score)\n"
    "    return said\n"
)


def test_asked_twice_the_report_shows_who_gets_two_answers(tmp_path: Path) -> None:
    make_set(tmp_path)
    once = audited(plan(WAVERING, tmp_path), tmp_path)
    twice = audited(plan(WAVERING, tmp_path, scoring={"repeat": 2, "batch_size": 64}), tmp_path)
    assert twice.counts == once.counts
    assert twice.verdicts == once.verdicts
    found = {each.group.root: each for each in twice.further.self_disagreement}
    everyone = found[()]
    answered = [n for n in range(ROWS) if n % 100 != 50]
    assert everyone.answered == len(answered)
    assert everyone.decisions_differ == sum(n % 30 == 4 for n in answered)
    assert everyone.scores_differ == sum(n % 30 in (4, 7) for n in answered)
    assert everyone.answered_sometimes == ROWS - len(answered)
    assert everyone.largest_difference == pytest.approx(0.8)
    french = found[group("nationality", "FRA").root]
    assert french.answered == sum(n % 3 == 2 for n in answered)
    assert french.decisions_differ == 0
    assert french.scores_differ == 0
    vietnamese = found[group("nationality", "VNM").root]
    assert vietnamese.decisions_differ == sum(n % 30 == 4 and n % 3 == 1 for n in answered)
    low, high = proportion_confint(vietnamese.decisions_differ, vietnamese.answered, method="wilson")
    assert (vietnamese.low, vietnamese.high) == pytest.approx((low, high))
    page = html(twice, ENGLISH)
    assert "Asked 2 times about every case" in page


def test_every_round_takes_its_own_capacity(tmp_path: Path) -> None:
    make_set(tmp_path)
    code = (
        "calls = {}\n"
        "def score(batch):\n"
        "    numbers = batch['number'].to_pylist()\n"
        "    for n in numbers:\n"
        "        calls[n] = calls.get(n, 0) + 1\n"
        "    return [(n if calls[n] == 1 else 599 - n) / 599 for n in numbers]\n"
    )
    asked = plan(code, tmp_path, detector={"threshold": None, "top_k": 100}, scoring={"repeat": 3})
    everyone = audited(asked, tmp_path).further.self_disagreement[0]
    assert (everyone.answered, everyone.decisions_differ) == (ROWS, 200)


def test_ties_at_the_capacity_are_broken_alike_in_every_round(tmp_path: Path) -> None:
    make_set(tmp_path)
    asked = plan(
        "def score(batch):\n    return [0.5] * batch.num_rows\n",
        tmp_path,
        detector={"threshold": None, "top_k": 100},
        scoring={"repeat": 2},
    )
    result = audited(asked, tmp_path)
    assert result.further.self_disagreement[0].decisions_differ == 0
    assert result.counts[0].true_positive + result.counts[0].false_positive == 100


def test_an_interrupted_second_round_goes_on(tmp_path: Path) -> None:
    make_set(tmp_path)
    code = (
        "import os, pathlib, signal, time\n"
        "seen = pathlib.Path(__file__).with_name('batches')\n"
        "def score(batch):\n"
        "    with seen.open('a') as file:\n"
        "        file.write('x')\n"
        "    if len(seen.read_text()) == 15 and not seen.with_name('broken').exists():\n"
        "        seen.with_name('broken').touch()\n"
        f"        os.kill({os.getpid()}, signal.SIGINT)\n"
        "        time.sleep(60)\n"
        "    return [0.5] * batch.num_rows\n"
    )
    asked = plan(code, tmp_path, scoring={"repeat": 2, "batch_size": 60})
    kept = tmp_path / "scoring"
    with pytest.raises(BaseException, match=r"interrupted: 840 of 1,200 rows"):
        audited(asked, tmp_path, checkpoint=Checkpoint(kept, commit_every=0.0), sandbox="none")
    result = audited(asked, tmp_path, checkpoint=Checkpoint(kept, commit_every=0.0), sandbox="none")
    assert result.further.self_disagreement[0].answered == ROWS
    # 15 before the interrupt, one kept batch asked again to see that it is the same function, and the 6 that were left
    assert len((tmp_path / "batches").read_text(encoding="utf-8")) == 15 + 1 + 6


def test_the_command_line_asks_twice_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_set(tmp_path)
    asked = plan(WAVERING, tmp_path)
    lines = ["schema = 1"]
    for name in ("audit", "detector", "evaluation_set"):
        section = asked.model_dump(mode="json", exclude_unset=True)[name]
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())]
    lines += ["[groups.gender]", 'column = "gender"', "[groups.nationality]", 'column = "citizenship"']
    lines += ["[[rules]]", 'metric = "true_positive_rate"', 'groups = ["gender"]', "margin = 0.1"]
    (tmp_path / "plan.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["run", "--restricted", "plan.toml", "--repeat", "2", "--no-crosscheck", "--sandbox", "none"]
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, command)
    assert done.exit_code in (0, 1, 3), done.stderr
    assert "Asked 2 times: 20 of 594 decisions differ (3%)" in done.stdout
    written = json.loads((tmp_path / "audit-out" / "result.json").read_text(encoding="utf-8"))
    assert written["plan"]["scoring"]["repeat"] == 2


def test_predictions_cannot_be_asked_again(tmp_path: Path) -> None:
    asked = plan("", tmp_path).model_dump(by_alias=True)
    asked["detector"] = {"kind": "predictions", "score": "number", "threshold": 0.5}
    asked["scoring"] = {"repeat": 2}
    with pytest.raises(ValueError, match="cannot be asked"):
        AuditPlan.model_validate(asked)
