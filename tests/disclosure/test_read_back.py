"""Every kind of release is read back as it was written, and what was changed in it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from made.disclosure import RULE
from made.public import ABOUT_ALL, FLAGGED, bands, every_limit, made
from made.published import PLAN, install_reporters, keep_key, render_in_this_process, write_set
from typer.testing import CliRunner

import audit.disclosure.words
from audit.cli.commands.app import app
from audit.disclosure.explain import blank
from audit.disclosure.publish import Published, publish
from audit.disclosure.read import parse_release, refuse_unless_read_back
from audit.disclosure.release import into
from audit.disclosure.words import follow, public_release
from audit.errors import RefusedReleaseError, ResultError
from audit.public.sentences import SENTENCES
from audit.public.table import PublicRelease, PublicTable, public_json
from audit.run import run_audit

RULES = (RULE, FLAGGED)
GENDER_ONLY = (RULE.model_copy(update={"groups": (("gender",),)}), FLAGGED)


def table() -> PublicTable:
    return made("small").table


def empty() -> PublicTable:
    return blank(made("small")).table


def about(**more: Any) -> Any:
    return ABOUT_ALL.model_copy(update=more)


KINDS: dict[str, Callable[[], PublicRelease]] = {
    "fail": lambda: made("small"),
    "fail, nobody named": lambda: made("unnamed"),
    "pass": lambda: made("passing"),
    "inconclusive": lambda: made("undecided"),
    "weighted": lambda: public_release(table(), "fail", RULES, about(weighted=True)),
    "clustered": lambda: public_release(table(), "fail", RULES, about(clustered=True)),
    "weighted and clustered pass": lambda: public_release(
        table(), "pass", RULES, about(weighted=True, clustered=True)
    ),
    "pass, a below withheld": lambda: public_release(table(), "pass", RULES, ABOUT_ALL),
    "inconclusive, a below withheld": lambda: public_release(table(), "inconclusive", RULES, ABOUT_ALL),
    "probes alone fail": lambda: public_release(table(), "fail", RULES, about(probe_rules=1), fails_on=("probes",)),
    "groups and probes fail": lambda: public_release(
        table(), "fail", RULES, about(probe_rules=1), fails_on=("groups", "probes")
    ),
    "refused, fail": lambda: public_release(empty(), "fail", RULES, ABOUT_ALL, figures="refused"),
    "refused, pass": lambda: public_release(empty(), "pass", RULES, ABOUT_ALL, figures="refused"),
    "refused, weighted": lambda: public_release(empty(), "fail", RULES, about(weighted=True), figures="refused"),
    "not made, fail": lambda: public_release(
        empty().model_copy(update={"features": (), "groups": empty().groups[:1]}),
        "fail", RULES, ABOUT_ALL, figures="not_made",
    ),
    "a rule on gender alone": lambda: public_release(table(), "fail", GENDER_ONLY, ABOUT_ALL),
    "no rules": lambda: public_release(table(), "inconclusive", (), ABOUT_ALL),
    "no rates at all": lambda: public_release(table(), "inconclusive", (), about(metrics=())),
    "strict": lambda: public_release(table(), "fail", RULES, ABOUT_ALL, alpha=0.005, level=0.99),
    "loose": lambda: public_release(table(), "fail", RULES, ABOUT_ALL, alpha=0.2, level=0.5),
    "between": lambda: public_release(table(), "fail", RULES, ABOUT_ALL, alpha=0.08, level=0.9),
    "every rate": every_limit,
    "bands of age": bands,
}  # fmt: skip


@cache
def of_kind(kind: str) -> PublicRelease:
    return KINDS[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_of_each_kind_is_read_back_as_it_was_written(kind: str) -> None:
    refuse_unless_read_back(of_kind(kind))
    assert parse_release(public_json(of_kind(kind)).encode()) == of_kind(kind)


def test_the_kinds_are_what_they_are_called() -> None:
    """The small set has groups below a limit, so that there is something to withhold."""
    assert any(word.word == "below" for word in of_kind("fail").words)
    for kind in KINDS:
        release = of_kind(kind)
        if any(word in kind for word in ("withheld", "probes alone", "weighted", "clustered", "refused", "not made")):
            assert not any(word.word == "below" for word in release.words), kind
        if "weighted" in kind or "clustered" in kind:
            assert all(rate.value is None for rate in release.rates), kind
        named = any(word.word == "below" for word in release.words)
        coarse = "groups" in release.headline.fails_on and release.figures == "shown" and not named
        assert release.headline.no_group_named == coarse, kind
    assert of_kind("weighted").headline.no_group_named
    assert not of_kind("refused, fail").headline.no_group_named
    judged = {len(word.group.levels) for word in of_kind("a rule on gender alone").words if word.rule == RULE.rule}
    assert judged == {1}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where reporters are offered."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def _first(document: dict[str, Any], part: str, **wanted: object) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each for each in document[part] if all(each[name] == value for name, value in wanted.items())
    )
    return found


CHANGED: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "a rate put into a weighted one": (
        "weighted", lambda d: d["rates"][0].update(value=0.5, low=0.4, high=0.6, why=None), "a rate or an interval"
    ),
    "weights forgotten": ("weighted", lambda d: d["about"].update(weighted=False), "a rate or an interval"),
    "weights made up": ("fail", lambda d: d["about"].update(weighted=True), "a rate or an interval"),
    "a rate of no rule": ("fail", lambda d: d["about"]["metrics"].clear(), "a rate or an interval"),
    "a word of accusation in a pass": (
        "pass, a below withheld",
        lambda d: _first(d, "words", why="limit_not_excluded").update(word="below", why="beyond_limit"),
        "a word on a group",
    ),
    "a fail made a pass": ("fail", lambda d: d["headline"].update(outcome="pass"), "its verdict and what fails"),
    "a fail made a pass in both places": (
        "fail", lambda d: d["headline"].update(outcome="pass", fails_on=[]), "a word on a group"
    ),
    "a fail of nothing": ("fail", lambda d: d["headline"].update(fails_on=[]), "its verdict and what fails"),
    "figures called refused": ("fail", lambda d: d.update(figures="refused"), "says that it has none"),
    "refused called shown": ("refused, fail", lambda d: d.update(figures="shown"), "a word on a group"),
    "a rule widened": ("a rule on gender alone", lambda d: d["rules"][0].update(groups=[]), "a word on a group"),
    "a rule narrowed": ("fail", lambda d: d["rules"][0].update(groups=[["gender"]]), "a word on a group"),
    "somebody named and denied": (
        "fail", lambda d: d["headline"].update(no_group_named=True), "a word on a group"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_what_was_changed_is_not_read(what: str) -> None:
    kind, edit, words = CHANGED[what]
    document = json.loads(public_json(of_kind(kind)))
    edit(document)
    content = (json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
    with pytest.raises(ResultError, match=words) as caught:
        parse_release(content)
    assert caught.value.slug == "changed-release"


def test_a_release_of_the_first_versions_is_read() -> None:
    """They say neither what fails nor how figures are."""
    document = json.loads(public_json(of_kind("fail")))
    del document["headline"]["fails_on"], document["figures"]
    content = (json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
    assert parse_release(content).headline.outcome == "fail"


def _audited(folder: Path, plan: str, site: Path, formats: tuple[str, ...] = ("json",)) -> Published:
    """An audit of the small set, whose rows have weights and clusters that a plan may name."""
    install_reporters(site, exact=CHEAT)
    path = write_set(folder, plan)
    rows = (folder / "cases.csv").read_text(encoding="utf-8").splitlines()
    more = [f"{row},{1 + n % 3},c{n // 4}" for n, row in enumerate(rows[1:])]
    (folder / "cases.csv").write_text("\n".join([f"{rows[0]},w,c", *more]) + "\n", encoding="utf-8")
    keep_key(folder / "restricted")
    result = run_audit(path, crosscheck=False, details=False)
    return publish(result, folder / "restricted", into(folder / "public"), formats, ("en",))


CHEAT = "return 'none' if release.table.groups[0].positives.cases is None else 'women found in the north: 187'"
ALPHA = "[verdict]\nalpha = 0.2\n"
NO_LEVELS = (
    PLAN.replace('expected = ["north", "south"]\n', "")
    .replace('[groups.gender]\ncolumn = "sex"\n', "")
    .replace('["gender", ["gender", "site"]]', '["site"]')
)


WEIGHTED_AND_CLUSTERED = 'id = "case"\nweight = "w"\ncluster = "c"\nexpected_icc = 0.05'
AUDITS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "a wide limit": (PLAN.replace("margin = 0.1", "margin = 0.9"), ("html",), "shown"),
    "gender alone, weighted and clustered": (
        PLAN.replace('["gender", ["gender", "site"]]', '["gender"]').replace('id = "case"', WEIGHTED_AND_CLUSTERED),
        ("html",),
        "shown",
    ),
    "not made": (NO_LEVELS, ("html",), "not_made"),
    "refused": (PLAN, ("html", "exact"), "refused"),
}


def test_the_portal_takes_real_audits_of_every_kind_with_their_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_in_this_process(monkeypatch)
    for name, (plan, formats, figures) in AUDITS.items():
        folder, site = tmp_path / "audits" / name, tmp_path / "sites" / name
        folder.mkdir(parents=True)
        site.mkdir(parents=True)
        monkeypatch.syspath_prepend(str(site))
        titled = plan.replace('title = "Screener"', f'title = "{name}"')
        assert _audited(folder, titled, site, formats).public.figures == figures
    arguments = [str(tmp_path / "audits"), "--out", str(tmp_path / "site"), "--lang", "en", "--today", "2026-11-26"]
    done = CliRunner().invoke(app, ["portal", *arguments])
    assert (done.exit_code, done.stderr) == (0, "")
    copies = {path.read_bytes() for path in (tmp_path / "site").rglob("report.html")}
    assert copies == {path.read_bytes() for path in (tmp_path / "audits").rglob("report.html")}
    assert len(copies) == len(AUDITS)
    pages = " ".join(path.read_text(encoding="utf-8") for path in (tmp_path / "site" / "systems").iterdir())
    sentences = [SENTENCES[name].partition(".")[0] for name in ("figures_refused", "figures_not_made")]
    for said in ("weighs its cases", "belong together", *sentences):
        assert said in unescape(pages)


@pytest.mark.parametrize("figures", ["shown", "not_made"])
def test_a_release_that_the_portal_would_refuse_is_never_written(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch, figures: str
) -> None:
    """The maker forgets, once, what the reader works out: nothing is written, with figures and without."""
    real = follow

    def otherwise(*arguments: Any, **named: Any) -> Any:
        shown = real(*arguments, **named)
        return shown._replace(rates=shown.rates[:-1])

    render_in_this_process(monkeypatch)
    plan = PLAN if figures == "shown" else NO_LEVELS
    monkeypatch.setattr(audit.disclosure.words, "follow", otherwise)
    with pytest.raises(RefusedReleaseError) as caught:
        _audited(tmp_path, plan, site)
    assert caught.value.slug == "not-read-back"
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "public").exists()
    monkeypatch.setattr(audit.disclosure.words, "follow", real)
    (tmp_path / "again").mkdir()
    assert _audited(tmp_path / "again", plan + ALPHA, tmp_path / "again").public.figures == figures
