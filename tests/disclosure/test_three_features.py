"""Groups of three features are judged, and stand in no public file, whatever the plan asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made.disclosure import SECRET, made_method
from made.published import PLAN, install_reporters, keep_key

from audit.counting.table import CountsTable
from audit.disclosure.exact import exact_counts
from audit.disclosure.features import features_without_figures, public_features
from audit.disclosure.lattice import lattice_of
from audit.disclosure.protect import protect
from audit.disclosure.publish import publish
from audit.disclosure.release import into
from audit.disclosure.table import view_of
from audit.disclosure.vocabulary import ladder_of
from audit.public.table import group_key
from audit.run import run_audit
from audit.vocabulary.groups import LevelName

THREE = (
    PLAN.replace('expected = ["north", "south"]', 'expected = ["north", "south"]\n[groups.age]\ncolumn = "age"\n')
    .replace('column = "age"', 'column = "age"\nexpected = ["CANARY-AGE", "adult"]')
    .replace('["gender", ["gender", "site"]]', '["gender", ["gender", "site", "age"]]')
)
VICTIMS, FOUND = 211, 47


def test_three_features_crossed_are_judged_and_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    install_reporters(tmp_path / "site")
    lines = ["case,label,score,sex,site,age"]
    for sex in ("woman", "man"):
        for where in ("north", "south"):
            for age in ("CANARY-AGE", "adult"):
                bad = (sex, where, age) == ("woman", "north", "CANARY-AGE")
                found = FOUND if bad else 180
                at = f"{sex},{where},{age}"
                lines += [f"{sex}-{where}-{age}-{n},1,{0.9 if n < found else 0.1},{at}" for n in range(VICTIMS)]
                lines += [f"{sex}-{where}-{age}-o{n},0,0.1,{at}" for n in range(150)]
    (tmp_path / "cases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "plan.toml").write_text(THREE, encoding="utf-8")
    result = run_audit(tmp_path / "plan.toml", crosscheck=False, details=False)
    assert [len(verdict.group.levels) for verdict in result.verdicts if verdict.outcome == "fail"].count(3) == 1
    assert public_features(result.plan) == ("gender", "site")
    assert features_without_figures(result.plan) == ("age",)
    keep_key(tmp_path / "restricted")
    formats = ("html", "json", "csv", "junit", "markdown", "sarif")
    made = publish(result, tmp_path / "restricted", into(tmp_path / "public"), formats, ("en",))
    assert made.public.figures == "shown"
    assert max(len(row.group.levels) for row in made.public.table.groups) == 2
    assert max(len(word.group.levels) for word in made.public.words) == 1  # the rule judges no two features
    assert all("age:" not in group_key(row.group) for row in made.public.table.groups)
    for name, content in made.files.items():
        assert b"CANARY-AGE" not in content, name
        assert not any(f"{number}" in content.decode().split() for number in (VICTIMS, FOUND)), name


def test_a_table_over_three_features_holds_pairs_alone() -> None:
    ladders = [
        ladder_of(name, ("level",), [LevelName(rung="level", code=code, name=code) for code in "ab"]) for name in "xyz"
    ]
    lattice = lattice_of(ladders)
    assert max(len(group.levels) for group in lattice.groups()) == 2
    assert lattice.nodes > lattice.published  # those of three tie the pairs together for the attack


def test_of_groups_of_three_features_a_release_is_held_to_have_printed_nothing() -> None:
    """What it is held to have printed is what its table gives back: else what nobody reads is withheld and counted."""
    lattice = lattice_of([
        ladder_of(name, ("level",), [LevelName(rung="level", code=code, name=code) for code in "ab"], closed=True)
        for name in "xyz"
    ])  # fmt: skip
    cells = np.zeros((3, 4), dtype=np.int64)
    cells[0, :2] = cells[1, :2] = 40
    counts = CountsTable.of(("x", "y", "z"), dict.fromkeys(lattice.finest_names(), cells))
    made = protect(exact_counts(lattice, counts, SECRET), made_method())
    printed = view_of(lattice, made.table)
    assert made.withheld == 0
    for name in ("totals", "codes", "errors"):
        assert (getattr(made.seen.view, name) == getattr(printed, name)).all(), name
    assert made.seen.view.was_shown is not None
    assert not made.seen.view.was_shown[lattice.published :].any()
