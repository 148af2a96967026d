"""A result made public: what the files say, what they never say, and what is left where a check refuses."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.published import (
    COUNTS,
    KEY,
    PLAN,
    install_reporters,
    keep_key,
    read_public,
    render_in_this_process,
    state_of,
    write_set,
)
from made.replaced import replaced
from made.tallies import surfaces_agree

from audit.cli.mlflow_run import release_metrics
from audit.cli.outputs.verdict_code import result_exit_code
from audit.disclosure.digests import release_of
from audit.disclosure.features import features_without_figures, public_features, public_lattice
from audit.disclosure.from_result import ready
from audit.disclosure.publish import Published, publish
from audit.disclosure.release import into
from audit.errors import AuditError, PlanError, RefusedReleaseError, ResultError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import parse_plan
from audit.public.figures import state_of as public_state
from audit.public.sentences import SENTENCES
from audit.public.table import group_key
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import result_to_json
from audit.run import run_audit

FORMATS = ("json", "csv", "junit")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def audited(folder: Path, plan: str = PLAN, counts: Mapping[tuple[str, str], tuple[int, int]] = COUNTS) -> AuditResult:
    return run_audit(write_set(folder, plan, counts), crosscheck=False, details=False)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    """The audit of the plan and the counts that most tests publish."""
    return audited(tmp_path_factory.mktemp("usual"))


@pytest.fixture
def rendered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    render_in_this_process(monkeypatch)


def published(result: AuditResult, folder: Path, formats: tuple[str, ...] = FORMATS) -> Published:
    if not (folder / "restricted").exists():
        keep_key(folder / "restricted")
    return publish(result, folder / "restricted", into(folder / "public"), formats, ("en",), (folder / "result.json",))


def test_no_exact_count_is_in_a_public_file(tmp_path: Path, site: Path, usual: AuditResult) -> None:
    install_reporters(site)
    made = published(usual, tmp_path)
    assert (made.public.figures, made.number, made.refusal) == ("shown", 1, None)
    assert set(made.files) == {"release.json", "groups.csv", "junit.xml"}
    shown = {group_key(row.group): row for row in made.public.table.groups}
    differ = 0
    for (sex, where), (victims, found) in COUNTS.items():
        row = shown[f"gender:level={sex},site:level={where if where != 'west' else 'unlisted'}"]
        if victims < 10:
            assert row.positives.cases is None
        for exact, protected in ((victims, row.positives.cases), (victims - found, row.positives.errors)):
            if protected != exact and exact > 20:  # a small number stands there for many reasons
                differ += 1
                said = rf"(?<![\d.]){exact}(?![\d.])"
                lines = [line for file in made.files.values() for line in file.decode().splitlines()]
                about = [line for line in lines if group_key(row.group) in line]
                assert not any(re.search(said, line) for line in about)
    assert differ >= 5
    judged = {frozenset(level.feature for level in word.group.levels) for word in made.public.words}
    assert judged == {frozenset({"gender"}), frozenset({"gender", "site"})}  # the plan judges no site by itself
    everything = b"".join(made.files.values())
    assert b"CANARY" not in everything
    assert KEY.hex().encode() not in everything


@pytest.mark.usefixtures("rendered_here")
def test_the_same_counts_under_one_key_give_the_same_bytes_and_no_second_attack(
    tmp_path: Path, site: Path, usual: AuditResult
) -> None:
    install_reporters(site)
    first = published(usual, tmp_path)
    again = published(audited(tmp_path), tmp_path)
    assert dict(again.files) == dict(first.files)
    assert (first.number, first.attacked, again.number, again.attacked) == (1, True, 1, False)
    fewer = published(usual, tmp_path, ("csv",))
    assert (fewer.number, fewer.attacked) == (2, False)
    assert set(fewer.files) == {"release.json", "groups.csv"}
    assert fewer.files["groups.csv"] == first.files["groups.csv"]


@pytest.mark.usefixtures("rendered_here")
def test_a_written_result_is_enough(tmp_path: Path, site: Path) -> None:
    install_reporters(site)
    result = audited(tmp_path, PLAN.replace('groups = ["gender", ["gender", "site"]]', 'groups = ["gender"]'))
    assert not any(len(counts.group.levels) > 1 for counts in result.counts)
    assert sum(counts.true_positive for counts in result.further.finest) == sum(found for _, found in COUNTS.values())
    text = result_to_json(result)
    made = published(parse_result(text), tmp_path)
    assert any(len(row.group.levels) == 2 and row.positives.cases for row in made.public.table.groups)
    assert release_of(result, tmp_path / "public" / "release.json", tmp_path / "restricted") == made.public
    other = result.model_copy(update={"waivers": (), "rows": result.rows[:1]})
    assert release_of(other, tmp_path / "public" / "release.json", tmp_path / "restricted") is None
    with pytest.raises(ResultError, match="do not add up"):
        ready(replaced(result, finest=result.further.finest[1:]), FORMATS, ("en",))
    with pytest.raises(ResultError, match="earlier version"):
        ready(replaced(result, finest=()), FORMATS, ("en",))


CHEATS = {
    "clock": "import time\nreturn f'made at {time.time_ns()}'",
    "reads": "import os\nfrom pathlib import Path\nreturn Path(HERE + '/result.json').read_text()[:5000]",
    "reads_from_the_folder": """
        import os
        folder = os.open(HERE, os.O_RDONLY)
        return os.read(os.open('result.json', os.O_RDONLY, dir_fd=folder), 5000).decode()
        """,
    "moves_the_folder": """
        import os
        from pathlib import Path
        os.rename(HERE, HERE + '-moved')
        try:
            return Path(HERE + '-moved/result.json').read_text()[:5000]
        finally:
            os.rename(HERE + '-moved', HERE)
        """,
    "asks": "import subprocess\nreturn subprocess.run(['ls'], capture_output=True, text=True).stdout",
}


def refused(made: Published, folder: Path, slug: str) -> None:
    """No figure was made public, no release remembered, and what is written is what is said to be."""
    assert isinstance(made.refusal, RefusedReleaseError)
    assert made.refusal.slug == slug
    assert (made.public.figures, made.number) == ("refused", None)
    assert not (folder / "restricted" / "releases").exists()
    assert {path.name: path.read_bytes() for path in (folder / "public").iterdir()} == dict(made.files)
    assert all(row.positives.cases is None and row.negatives.errors is None for row in made.public.table.groups)
    assert all(word.word == "cannot_tell" for word in made.public.words)
    assert not made.public.headline.no_group_named


def test_reporters_that_cheat_are_refused_and_each_is_left_out(tmp_path: Path, site: Path, usual: AuditResult) -> None:
    """Each is tried alone, with nothing to find, before the files without figures are made: none of them is."""
    install_reporters(site, **{name: body.replace("HERE", repr(str(tmp_path))) for name, body in CHEATS.items()})
    (tmp_path / "result.json").write_text(result_to_json(usual), encoding="utf-8")
    made = published(usual, tmp_path, ("junit", *CHEATS))
    refused(made, tmp_path, "not-rendered-again")
    assert made.left_out == tuple(CHEATS)
    assert b"<failure" in made.files["junit.xml"]


def test_a_reporter_that_prints_an_exact_number_is_refused(tmp_path: Path, site: Path, usual: AuditResult) -> None:
    """In the row of everyone no figure is 187; without figures it does not say so, and is made."""
    body = "return 'none' if release.table.groups[0].positives.cases is None else 'women found in the north: 187'"
    install_reporters(site, exact=body)
    made = published(usual, tmp_path, ("exact",))
    refused(made, tmp_path, "unexplained-number")
    assert made.left_out == ()
    assert made.files["exact.txt"] == b"none"


def test_a_reporter_that_fails_ends_the_command_and_nothing_is_written(
    tmp_path: Path, site: Path, usual: AuditResult
) -> None:
    install_reporters(site, broken="raise ValueError('SECRET')")
    with pytest.raises(AuditError) as caught:
        published(usual, tmp_path, (*FORMATS, "broken"))
    assert caught.value.slug == "reporter-failed"
    assert "SECRET" not in str(caught.value)
    assert not (tmp_path / "public").exists()


@pytest.mark.usefixtures("rendered_here")
@pytest.mark.parametrize("column", ["weight", "cluster"])
def test_weighted_and_clustered_sets_show_sizes_alone(tmp_path: Path, site: Path, column: str) -> None:
    install_reporters(site)
    write_set(tmp_path)
    lines = (tmp_path / "cases.csv").read_text(encoding="utf-8").splitlines()
    more = [f"{line},{1.5 if column == 'weight' else n // 3}" for n, line in enumerate(lines[1:])]
    plan = PLAN.replace('label = "label"\n', f'label = "label"\n{column} = "more"\n')
    (tmp_path / "cases.csv").write_text("\n".join([f"{lines[0]},more", *more]) + "\n", encoding="utf-8")
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    made = published(run_audit(tmp_path / "plan.toml", crosscheck=False, details=False), tmp_path).public
    assert getattr(made.about, "weighted" if column == "weight" else "clustered")
    assert made.table.groups[0].positives.cases is not None
    assert {(word.word, word.why) for word in made.words} == {("cannot_tell", "rate_not_shown")}
    assert all(rate.value is None and rate.at_least is None and rate.why for rate in made.rates)
    assert made.headline.outcome == "fail"
    assert (
        SENTENCES["weighted" if column == "weight" else "counted_once"].encode()
        in (tmp_path / "public" / "junit.xml").read_bytes()
    )


_PRECISION = '[[rules]]\nmetric = "precision"\ngroups = ["gender"]\nmargin = 0.1\n'
HONEST: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "numbers in the names of title, feature and level": (
        PLAN.replace('"Screener"', '"Three Rivers Screener"')
        .replace("groups.site", "groups.area2")
        .replace('"site"]', '"area2"]')
        .replace('"south"]', '"Once"]'),
        "Once",
        ("en", "ru", "zh"),
    ),
    "weights, and a limit on precision": (
        PLAN.replace('id = "case"', 'id = "case"\nweight = "w"') + _PRECISION,
        "south",
        ("en", "zh"),
    ),
}


@pytest.mark.usefixtures("rendered_here")
@pytest.mark.parametrize("name", HONEST)
def test_a_release_with_unusual_names_or_weights_is_published(tmp_path: Path, site: Path, name: str) -> None:
    """The gates once took these for numbers that the table does not hold, and refused what was in order."""
    install_reporters(site)
    plan, south, languages = HONEST[name]
    write_set(tmp_path, plan, {(sex, south if where == "south" else where): n for (sex, where), n in COUNTS.items()})
    head, *rows = (tmp_path / "cases.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "cases.csv").write_text("\n".join([f"{head},w", *(f"{row},1.5" for row in rows)]), encoding="utf-8")
    keep_key(tmp_path / "restricted")
    result, formats = run_audit(tmp_path / "plan.toml", crosscheck=False, details=False), ("html", *FORMATS)
    places = tmp_path / "restricted", into(tmp_path / "public")
    made = publish(result, *places, formats, languages, (tmp_path / "result.json",))
    assert (made.public.figures, made.refusal, made.left_out) == ("shown", None, ())
    assert (made.public.table.groups[0].positives.cases or 0) > 0


def plan_of(text: str) -> AuditPlan:
    return parse_plan(text, folder=Path()).plan


def plan_with(groups: str) -> str:
    return re.sub(r"\[groups\.gender\].*(?=\[\[rules\]\])", groups, PLAN, flags=re.DOTALL)


@pytest.mark.usefixtures("rendered_here")
def test_a_plan_without_fixed_levels_has_the_headline_alone(tmp_path: Path, site: Path) -> None:
    install_reporters(site)
    plan = plan_with('[groups.site]\ncolumn = "site"\n').replace('["gender", ["gender", "site"]]', '["site"]')
    made = published(audited(tmp_path, plan), tmp_path)
    assert made.public.figures == "not_made"
    assert made.public.about.without_figures == ("site",)
    assert b"No public figures are made for: site." in made.files["junit.xml"]
    assert [row.positives.cases for row in made.public.table.groups] == [None]
    assert made.public.about.digests == ()
    assert not (tmp_path / "restricted" / "releases").exists()


def test_gender_and_nationality_come_first_and_two_features_are_enough() -> None:
    more = '[groups.age]\ncolumn = "age"\nexpected = ["0-17"]\n[groups.nationality]\ncolumn = "nat"\n'
    plan = plan_of(plan_with(f'{more}[groups.gender]\ncolumn = "sex"\n').replace(', ["gender", "site"]', ""))
    assert public_features(plan) == ("nationality", "gender")
    assert features_without_figures(plan) == ("age",)
    long = ", ".join(f'"v{n}"' for n in range(250))
    plan = plan_of(
        plan_with(f'[groups.nationality]\ncolumn = "nat"\n[groups.gender]\ncolumn = "site"\ncoding = "categorical"\n'
                  f"expected = [{long}]\n").replace(', ["gender", "site"]', "")
    )  # fmt: skip
    assert public_features(plan) == ("nationality",)


def test_levels_that_give_two_groups_one_name_are_refused() -> None:
    groups = '[groups.a]\ncolumn = "a"\nexpected = ["x", "x,b:level=y"]\n[groups.b]\ncolumn = "b"\nexpected = ["y"]\n'
    plan = plan_of(plan_with(groups).replace('["gender", ["gender", "site"]]', '["a", "b"]'))
    with pytest.raises(PlanError, match="two groups have one name"):
        public_lattice(plan)


@given(st.lists(st.tuples(st.integers(0, 260), st.integers(0, 100)), min_size=4, max_size=4), st.integers(0, 2**32))
@settings(max_examples=3)  # each a second: a whole audit, published
@pytest.mark.usefixtures("rendered_here")
def test_files_headline_and_exit_code_agree(site: Path, cells: list[tuple[int, int]], seed: int) -> None:
    if not any(site.iterdir()):
        install_reporters(site)
    keys = [("woman", "north"), ("woman", "south"), ("man", "north"), ("man", "south")]
    counts = {key: (n + 1, n * share // 100) for key, (n, share) in zip(keys, cells, strict=True)}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        result = audited(folder, counts=counts)
        restricted = keep_key(folder / "restricted")
        (restricted / "key").write_text(seed.to_bytes(32, "big").hex(), encoding="ascii")
        made = published(result, folder)
    assert made.refusal is None
    said = read_public(made.files)
    outcome = said["release"]["headline"]["outcome"]
    assert result_exit_code(result) == {"pass": 0, "fail": 1, "inconclusive": 3}[outcome]
    (headline,) = said["junit"]["verdict"].findall("testcase")
    assert state_of(headline) == {"pass": "passed", "fail": "failure", "inconclusive": "skipped"}[outcome]
    cases = {case.get("name"): state_of(case) for case in said["junit"]["true_positive_rate"].findall("testcase")}
    words = {group_key(word.group): public_state(word) for word in made.public.words}
    assert cases == {key: {"below": "failure", "meets": "passed"}.get(word, "skipped") for key, word in words.items()}
    surfaces_agree(made.public)
    assert release_metrics(made.public)["audit7k/exit_code"] == result_exit_code(result)
    for key, row in said["csv"].items():
        assert row["word under true_positive_rate"] == words.get(key, "")
    assert outcome == "fail" or "below" not in words.values()
    assert made.public.headline.no_group_named == (outcome == "fail" and "below" not in words.values())


@pytest.mark.usefixtures("rendered_here")
def test_a_table_passed_in_memory_has_no_digest_of_a_file(tmp_path: Path, site: Path) -> None:
    install_reporters(site)
    write_set(tmp_path)
    plan = plan_of(PLAN.replace('path = "cases.csv"\n', ""))
    table = pd.read_csv(tmp_path / "cases.csv", dtype={"case": str})
    made = published(run_audit(plan, table, crosscheck=False, details=False), tmp_path)
    assert [digest.of for digest in made.public.about.digests] == ["result"]
