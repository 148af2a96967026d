"""Figures: the numbers that are drawn, read back from the artists, are those of the release or the result."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from made.portal import made_release
from made.replaced import replaced

from audit.errors import AuditError
from audit.public.names import RowNames
from audit.public.release import PublicRelease, PublicRow, public_json
from audit.result.audit_result import AuditResult
from audit.result.reading import Reading
from audit.vocabulary.names import Names
from reports.figures import forest, funnel, image, reliability, sweep
from reports.figures.data import limit_in_words
from reports.figures.sheet import LOOKS
from reports.language import ENGLISH
from reports.words import Words

if TYPE_CHECKING:  # every worker collects this file, one runs it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

ROOT = Path(__file__).parents[2]
FORMS: tuple[Literal["svg", "png"], ...] = ("svg", "png")
SVG = "{http://www.w3.org/2000/svg}"


def lines(axes: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in axes.get_lines()}


def points(line: Line2D) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    ]


def names_on(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def words_of(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def whole(rate: float) -> Decimal:
    """Per cent, a half rounded up."""
    return (100 * Decimal(repr(rate))).quantize(Decimal(1), ROUND_HALF_UP)


def by_two(release: PublicRelease) -> dict[str, PublicRow]:
    """Rows by nationality and gender that have a rate of victims found, by their names."""
    names = RowNames(release)
    return {
        names.row(row.parts): row
        for row in release.rows
        if len(row.parts) == 2 and not row.total and any(rate.metric == "true_positive_rate" for rate in row.rates)
    }


def test_a_public_forest_draws_the_rows_of_the_release(release: PublicRelease) -> None:
    figure = forest(release, by="gender+nationality")
    (axes,) = figure.axes
    drawn, rows = lines(axes), by_two(release)
    everyone = release.rows[0].rates[0].value
    assert points(drawn["reference"])[0][0] == everyone
    shown = names_on(axes)
    assert len(shown) == min(len(rows), 40)
    written_beside = {text.get_text() for text in axes.texts}
    for place, name in enumerate(shown):
        (row,) = [row for known, row in rows.items() if known[:38] == name.rstrip("*")[:38]]
        (rate,), (word,) = row.rates, row.words
        if rate.value is None:
            assert f"mark {place}" not in drawn
            ends = (rate.at_least or 0.0, 1.0 if rate.at_most is None else rate.at_most)
            assert points(drawn[f"row {place}"]) == [(ends[0], place), (ends[1], place)]
        else:
            assert points(drawn[f"row {place}"]) == [(rate.low, place), (rate.high, place)]
            assert points(drawn[f"mark {place}"]) == [(rate.value, place)]
            look = {"beyond": "^", "within": "o", "cannot_tell": "o", None: "D"}[word.word]
            assert drawn[f"mark {place}"].get_marker() == look
            low, high = round(100 * (rate.low or 0)), round(100 * (rate.high or 0))
            assert f"{whole(rate.value)}% ({low}–{high}%)" in written_beside
        assert points(drawn[f"rest {place}"])[0][0] == rate.rest
        assert (f"limit {place}" in drawn) == (word.word is not None)
        if word.word is not None:
            assert points(drawn[f"limit {place}"])[0][0] == pytest.approx((rate.rest or 0) - 0.1)
        assert f"{row.people:,}" in written_beside
    there = {known: row for known, row in rows.items() if known[:38] in shown}
    fewest = min(row.people for row in there.values() if row.words[0].word != "beyond")
    assert all(row.people <= fewest for known, row in rows.items() if known not in there), "the largest are drawn"
    beyond = sum(row.words[0].word == "beyond" for row in rows.values())
    assert sum(drawn[f"mark {n}"].get_marker() == "^" for n in range(len(shown)) if f"mark {n}" in drawn) == beyond > 0
    written = words_of(figure)
    assert "Everyone:" in written
    assert "Limit: at most 10 percentage points below everyone else." in written
    assert "Every row stands for at least 20 people, and its numbers were changed by at most 5." in written
    assert "The overall verdict is that of the exact audit: exceeds the limits." in written
    assert f"{len(rows) - len(shown)} more rows are not drawn" in written
    assert (
        axes.get_xlabel().replace("\n", " ") == "Share of victims found: victims found, among victims in the test set"
    )
    assert f"{len(shown)} rows." in str(figure.get_label())


def test_a_row_of_few_errors_is_a_bar_without_a_mark() -> None:
    release = made_release("inconclusive")
    (axes,) = forest(release, by="nationality").axes
    drawn, shown = lines(axes), names_on(axes)
    (place,) = [place for place, name in enumerate(shown) if name == "Nepal"]
    (row,) = [row for row in release.rows if row.key == "nationality:country=NPL" and row.side == "positives"]
    assert row.rates[0].value is None
    assert f"mark {place}" not in drawn
    assert points(drawn[f"row {place}"]) == [(row.rates[0].at_least, place), (1.0, place)]
    assert f"at least {whole(row.rates[0].at_least or 0)}%" in {text.get_text() for text in axes.texts}


def test_a_row_beyond_the_limit_without_a_rate_is_named_below(release: PublicRelease) -> None:
    empty = {"value": None, "low": None, "high": None, "rest": None}
    changed = [
        row.model_copy(update={"rates": tuple(rate.model_copy(update=empty) for rate in row.rates)})
        if row.key == "nationality:country=NPL"
        else row
        for row in release.rows
    ]
    drawn = forest(release.model_copy(update={"rows": tuple(changed)}), by="nationality")
    assert "Nepal" not in names_on(drawn.axes[0])
    assert "beyond the limit or with a smaller group that is: Nepal." in words_of(drawn)


def test_a_row_with_a_smaller_group_beyond_the_limit_has_a_star(release: PublicRelease) -> None:
    changed = [
        row.model_copy(update={"words": (row.words[0].model_copy(update={"smaller_beyond": True}),)})
        if row.key == "gender:level=man"
        else row
        for row in release.rows
    ]
    figure = forest(release.model_copy(update={"rows": tuple(changed)}), by="gender")
    assert [name for name in names_on(figure.axes[0]) if "*" in name] == ["Men*"]
    assert "* Within this row a smaller group" in words_of(figure)
    assert "*" not in words_of(forest(release, by="gender"))


def test_rows_that_are_sums_of_others_are_not_drawn_twice(release: PublicRelease) -> None:
    region = next(row for row in release.rows if row.key == "nationality:country=NPL" and row.side == "positives")
    twice = release.model_copy(update={"rows": (*release.rows, region.model_copy(update={"total": True}))})
    assert names_on(forest(twice, by="nationality").axes[0]) == names_on(forest(release, by="nationality").axes[0])


def test_a_public_funnel_draws_numbers_of_people_and_rates(release: PublicRelease) -> None:
    figure = funnel(release, by="nationality")
    (axes,) = figure.axes
    drawn = lines(axes)
    rows = [
        (float(row.people), row.rates[0].value, row.words[0].word)
        for row in release.rows
        if len(row.parts) == 1 and row.parts[0].feature == "nationality" and row.side == "positives" and not row.total
    ]
    labels = {"beyond": "beyond", "within": "within", "cannot_tell": "cannot tell", None: "not judged"}
    for word, label in labels.items():
        wanted = sorted((people, rate) for people, rate, said in rows if said == word and rate is not None)
        found = [line for name, line in drawn.items() if name.startswith(label)]
        assert sorted(points(found[0])) == wanted if wanted else not found
    assert points(drawn["everyone"])[0][1] == release.rows[0].rates[0].value
    assert "They decide nothing" in words_of(figure)


def test_the_curves_of_a_public_funnel_are_chance_and_the_change_of_numbers(release: PublicRelease) -> None:
    """A row with everyone's rate lies within them as often as they say: drawn from the model itself."""
    (axes,) = funnel(release, by="gender+nationality").axes
    drawn = lines(axes)
    rate = points(drawn["everyone"])[0][1]
    below = dict(points(drawn["95 of 100 rows, were all alike"]))
    size = min(below)  # where the change of numbers weighs most
    assert size < 60
    rng, n = np.random.default_rng(3), round(size)
    noise = np.sqrt(release.method.variance)
    cases = n + noise * rng.standard_normal(200_000)
    missed = rng.binomial(n, 1 - rate, 200_000) + noise * rng.standard_normal(200_000)
    away = np.abs((1 - missed / cases) - rate)
    assert np.mean(away <= rate - below[size]) == pytest.approx(0.95, abs=0.02)
    without = np.abs(rng.binomial(n, rate, 200_000) / n - rate)
    assert np.mean(without <= rate - below[size]) > 0.955


def test_an_exact_forest_draws_estimates_rests_and_limits(result: AuditResult) -> None:
    figure = forest(result, by="nationality")
    (axes,) = figure.axes
    drawn, reading, names = lines(axes), Reading(result), Names(result.features)
    rule = result.rules[0]
    family = next(family for family in reading.families if [axis.rung for axis in family.axes] == ["country"])
    findings = {names.group(finding.group): finding for finding in reading.judged(rule, family)}
    shown = names_on(axes)
    assert set(shown) == {name for name, finding in findings.items() if finding.value is not None}
    for place, name in enumerate(shown):
        finding = findings[name]
        assert finding.estimate is not None
        assert points(drawn[f"row {place}"]) == [(finding.estimate.low, place), (finding.estimate.high, place)]
        assert points(drawn[f"mark {place}"]) == [(finding.value, place)]
        assert points(drawn[f"rest {place}"])[0][0] == finding.rest
        assert points(drawn[f"limit {place}"])[0][0] == finding.lower_limit
    assert "limit" not in drawn


def test_the_lines_of_an_exact_funnel_are_those_of_the_verdict(result: AuditResult) -> None:
    """Every group is where its verdict says: beyond the solid line, past the dashed one, or between."""
    (axes,) = funnel(result, by="nationality").axes
    drawn = lines(axes)
    made = next(
        each for each in result.further.funnels if each.rule == "missed" and each.family.axes[0].rung == "country"
    )
    written = {float(point.cases): point.fail_rate for point in made.points if point.fail_rate is not None}
    assert dict(points(drawn["fails from here"])) == written
    passes = dict(points(drawn["passes from here"]))
    exact = {float(point.cases): point.pass_rate for point in made.points}
    judged_alone = [each for each in result.verdicts if each.rule == "missed" and each.decidable]
    assert min(passes) == min(each.cases for each in judged_alone if each.group.levels[0].rung == "country")
    assert min(exact) < min(passes)
    assert all(exact[cases] == rate for cases, rate in passes.items())
    marks = {name.partition(" (")[0]: points(line) for name, line in drawn.items() if "(" in name}
    assert marks["within the limit"]
    assert all(rate >= passes[cases] for cases, rate in marks["within the limit"] if cases in passes)
    assert all(rate <= written[cases] for cases, rate in marks.get("beyond the limit", []) if cases in written)
    verdicts = [verdict for verdict in result.verdicts if verdict.rule == "missed"]
    country = [each for each in verdicts if [level.rung for level in each.group.levels] == ["country"]]
    assert len(marks["within the limit"]) == sum(each.outcome == "pass" for each in country)


def test_a_sweep_draws_the_counts_of_the_result(result: AuditResult) -> None:
    figure = sweep(result)
    upper, lower = figure.axes
    made = next(each for each in result.further.sweeps if each.over == "threshold")
    names = Names(result.features)
    for axes, counts, bases, everyone in (
        (upper, "found_by_group", made.positives_by_group, [step.found / made.positives for step in made.steps]),
        (lower, "wrongly_flagged_by_group", made.negatives_by_group,
         [step.wrongly_flagged / made.negatives for step in made.steps]),
    ):  # fmt: skip
        drawn = lines(axes)
        assert points(drawn["threshold of the plan"])[0][0] == 0.5
        assert points(drawn["Everyone"]) == list(zip([step.threshold for step in made.steps], everyone, strict=True))
        for place, group in enumerate(made.groups):
            shares = [getattr(step, counts)[place] / bases[place] for step in made.steps]
            assert [share for _, share in points(drawn[names.group(group)])] == shares
    assert "Nothing is judged here" in words_of(figure)


def test_a_reliability_diagram_draws_the_bins_of_the_result(result: AuditResult) -> None:
    figure = reliability(result)
    stated: dict[Any, Any] = {(): next(each for each in result.further.calibrations if not each.group.levels)}
    names = Names(result.features)
    stated |= {
        each.group.root: each
        for each in result.further.calibrations
        if each.group.levels[:1] and each.group.levels[0].feature == "gender"
    }
    upper = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(upper) == 3
    for each in stated.values():
        title = f"{names.group(each.group)} ({each.cases:,})"
        (axes,) = [axes for axes in upper if axes.get_title(loc="left") == title]
        assert points(lines(axes)["labels"]) == [(part.mean_score, part.observed) for part in each.bins]
        (ends,) = axes.collections
        segments: Any = ends.get_paths()
        assert [tuple(path.vertices[:, 1]) for path in segments] == [
            (part.observed_low, part.observed_high) for part in each.bins
        ]
        below = figure.axes[figure.axes.index(axes) + 1]
        assert [int(bar.get_height()) for bar in below.patches] == [part.cases for part in each.bins]  # type: ignore[attr-defined]


@pytest.mark.parametrize("draw", [funnel, forest, sweep, reliability])
def test_a_figure_of_exact_counts_says_so_in_the_picture(result: AuditResult, draw: Any) -> None:
    figure = draw(result)
    assert "Restricted, not for publication: exact counts" in [text.get_text() for text in figure.texts]
    text = image(figure, "svg").decode()
    assert text.count("Restricted, not for publication: exact counts") == 2  # the banner, and for a screen reader


@pytest.mark.parametrize("draw", [funnel, forest])
def test_a_figure_of_a_release_does_not(release: PublicRelease, draw: Any) -> None:
    assert "estricted" not in image(draw(release), "svg").decode()


@pytest.mark.parametrize("kind", ["sweep", "reliability"])
def test_scores_are_in_no_public_release(release: PublicRelease, kind: str) -> None:
    with pytest.raises(AuditError, match=f"no {kind} can be drawn from it — .* add --restricted"):
        {"sweep": sweep, "reliability": reliability}[kind](release)


def test_what_is_not_there_is_said_with_what_is(release: PublicRelease, result: AuditResult) -> None:
    for source, has in ((release, "true_positive_rate"), (result, "missed, flagged")):
        with pytest.raises(AuditError, match=f"no such rule .* it has: {has}"):
            forest(source, rule="absent")
    with pytest.raises(AuditError, match=r"no such family .* takes one of: gender, nationality, gender\+nationality$"):
        forest(release, by="age")
    with pytest.raises(AuditError, match="by gender: 2 of its groups were tested exactly, and a funnel takes 10 — a"):
        funnel(result, rule="flagged")
    precision = release.rules[0].model_copy(update={"metric": "precision"})
    with pytest.raises(AuditError, match="no row of this family has a rate — draw it from the exact result"):
        forest(release.model_copy(update={"rules": (precision,)}))


@pytest.mark.parametrize("draw", [funnel, forest])
def test_a_release_without_rows_is_not_drawn_and_says_why(draw: Any) -> None:
    with pytest.raises(AuditError, match=r"holds no figures, and nothing to draw — .* add --restricted"):
        draw(made_release("none"))


@pytest.mark.parametrize("draw", [funnel, forest])
def test_weighted_and_clustered_cases_have_no_public_rate_to_draw(draw: Any) -> None:
    with pytest.raises(AuditError, match=r"no rate of weighted or clustered cases, .* — .* add --restricted"):
        draw(made_release("weighted"))


def test_a_funnel_takes_as_many_groups_as_an_audit_makes_one_of() -> None:
    from audit.result.findings.many_groups import FUNNEL_GROUPS as OF_THE_AUDIT
    from reports.no_funnel import FUNNEL_GROUPS

    assert FUNNEL_GROUPS == OF_THE_AUDIT


def why(draw: Any, *arguments: Any, **chosen: str) -> str:
    with pytest.raises(AuditError) as refused:
        draw(*arguments, **chosen)
    return str(refused.value)


def test_where_there_is_no_funnel_it_says_why_and_what_can_be_drawn(result: AuditResult) -> None:
    few = "there is no funnel to draw by gender: 2 of its groups were tested exactly, and a funnel takes 10"
    assert why(funnel, result, by="gender") == f"{few} — --by takes one of: nationality"
    assert why(funnel, result, by="age") == "there is no such family of groups to draw — --by takes one of: nationality"
    forest_of_it = " — a forest can be drawn of it: audit7k figure RESULT forest --restricted"
    assert why(funnel, result, rule="flagged") == few + forest_of_it
    assert forest(result, rule="flagged").axes, "what it advises can be done"
    verdicts = tuple(each.model_copy(update={"degrees_of_freedom": 7.0}) for each in result.verdicts)
    clustered = replaced(result, funnels=(), verdicts=verdicts)
    written = why(funnel, clustered)
    assert "by gender or by nationality: its lines are those of exact tests, which there are none of where" in written
    assert written.endswith(forest_of_it)
    assert forest(clustered).axes


def test_where_no_group_has_a_rate_no_other_family_is_advised(result: AuditResult, release: PublicRelease) -> None:
    unstated = tuple(each.model_copy(update={"value": None, "low": None, "high": None}) for each in result.estimates)
    without = result.model_copy(update={"estimates": unstated})
    assert why(forest, without, by="gender") == "no group of this family has a rate"
    assert "--by" not in why(funnel, without)
    assert "forest" not in why(funnel, without)
    gender_only = tuple(
        each
        if any(level.feature == "nationality" for level in each.group.levels)
        else each.model_copy(update={"value": None, "low": None, "high": None})
        for each in result.estimates
    )
    written = why(forest, result.model_copy(update={"estimates": gender_only}), by="gender")
    assert written == "no group of this family has a rate — --by takes one of: nationality"
    without_rates = tuple(row.model_copy(update={"rates": ()}) if row.parts else row for row in release.rows)
    for draw in (forest, funnel):
        written = why(draw, release.model_copy(update={"rows": without_rates}))
        assert written.startswith("no row of this family has a rate — draw")
        assert "add --restricted" in written
        assert "--by" not in written


@pytest.mark.parametrize("draw", [forest, funnel])
def test_rows_that_no_rule_judges_have_a_mark_of_their_own(release: PublicRelease, draw: Any) -> None:
    words = {"word": None, "because": None}
    unjudged = tuple(
        row.model_copy(update={"words": tuple(word.model_copy(update=words) for word in row.words)})
        for row in release.rows
    )
    figure = draw(release.model_copy(update={"rows": unjudged}), by="nationality")
    (axes,) = figure.axes
    drawn = lines(axes)
    marks = {name: line for name, line in drawn.items() if line.get_marker() == "D"}
    assert sum(len(points(line)) for line in marks.values()) > 5
    assert not [name for name in drawn if name.startswith(("cannot tell", "within the limit", "beyond the limit"))]
    written = words_of(figure)
    assert "Diamonds: not judged alone" in written
    assert "Open circles" not in written
    if draw is forest:
        assert not [name for name in drawn if name.startswith("limit")]
    if draw is funnel:
        assert [name.partition(" (")[0] for name in marks] == ["not judged by this limit"]


def test_a_limit_both_ways_is_drawn_both_ways(result: AuditResult) -> None:
    (axes,) = forest(result, rule="flagged").axes
    labels = [str(line.get_label()) for line in axes.get_lines()]
    assert labels.count("limit 0") == labels.count("limit 1") == 2


def test_limits_are_told_as_the_report_tells_them(result: AuditResult) -> None:
    words = Words(ENGLISH, Names(result.features))
    for rule in result.rules:
        for worse in ("low", "high", "both"):
            for scale, limit in (("difference", 0.1), ("ratio", 0.8)):
                each = rule.model_copy(update={"worse": worse, "scale": scale, "limit": limit})
                ours = limit_in_words(
                    each.limit, each.scale, ("low", "high") if worse == "both" else (worse,), ENGLISH.numbers
                )
                theirs = words.limit(each)
                assert sorted(re.findall(r"[\d.]+", ours)) == sorted(re.findall(r"[\d.]+", theirs))
                if (scale, worse) not in (("ratio", "high"), ("ratio", "both")):
                    assert ours == theirs


def test_files_hold_title_and_description_and_no_time(release: PublicRelease) -> None:
    from PIL import Image

    root = ET.fromstring(image(forest(release), "svg"))
    first, second = list(root)[:2]
    assert (first.tag, first.text) == (f"{SVG}title", "Are victims found equally often? By gender")
    assert second.tag == f"{SVG}desc"
    assert "Limit: at most 10 percentage points below everyone else." in str(second.text)
    assert root.get("role") == "img"
    text = image(forest(release), "svg").decode()
    assert not re.search(r"\d{4}-\d\d-\d\dT|Matplotlib v|matplotlib\.org", text)
    with Image.open(io.BytesIO(image(forest(release), "png"))) as picture:
        assert set(picture.info) == {"Title", "Description", "dpi"}
        assert picture.info["Title"] == "Are victims found equally often? By gender"
        assert picture.width == 1440


@pytest.mark.parametrize("plain", ["share of victims found", "share of " + "people whom nobody ever asked " * 5])
def test_no_words_around_the_axes_lie_on_others(release: PublicRelease, plain: str) -> None:
    metrics = tuple(each.model_copy(update={"plain": plain}) for each in release.about.metrics)
    long = release.model_copy(update={"about": release.about.model_copy(update={"metrics": metrics})})
    figure = forest(long)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    ticks = [label for label in axes.get_xticklabels() if label.get_text()]
    boxes = [each.get_window_extent() for each in (axes.xaxis.label, *figure.texts, *ticks)]
    assert not [(one, two) for place, one in enumerate(boxes) for two in boxes[:place] if one.overlaps(two)]


def test_a_figure_asks_in_plain_words_and_says_where_its_numbers_are_from(
    release: PublicRelease, result: AuditResult
) -> None:
    about = release.about.model_copy(update={"auditor": "An observatory"})
    public, exact = forest(release.model_copy(update={"about": about})), forest(result)
    for figure in (public, exact):
        assert figure.get_suptitle().replace("\n", " ").startswith("Are victims found equally often? By ")
    written = words_of(public)
    assert f"Source: audit of {about.title} by An observatory, ended on " in written
    assert f"; labels: {about.label_source}; public figures, release 1 of set one set; {about.tool}." in written
    assert "; exact counts; " in words_of(exact)


def test_the_same_numbers_give_the_same_bytes_in_another_process(release: PublicRelease, tmp_path: Path) -> None:
    (tmp_path / "release.json").write_text(public_json(release), encoding="utf-8")
    (tmp_path / "matplotlibrc").write_text(
        "xtick.labelsize: 20\ngrid.alpha: 0.2\nsvg.fonttype: path\n", encoding="utf-8"
    )
    program = (
        "import hashlib, sys; from pathlib import Path\n"
        "from audit.disclosure.read import load_release; from reports.figures import forest, funnel, image\n"
        "release, _ = load_release(Path('release.json'))\n"
        "print(*(hashlib.sha256(image(draw(release), form)).hexdigest()"
        " for draw, form in ((forest, 'svg'), (funnel, 'png'))))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    here = [image(forest(release), "svg"), image(funnel(release), "png")]
    assert done.stdout.split() == [hashlib.sha256(content).hexdigest() for content in here]


def test_hostile_names_are_text(tmp_path: Path) -> None:
    hostile = "</title><script>alert(1)</script> $\\frac{1}{0}$ \u202eevil \x07 % {x} 漢字"
    text = image(forest(made_release("fail", title=hostile)), "svg").decode()
    root = ET.fromstring(text)
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "$\\frac{1}{0}$" in "".join(part for each in root.iter(f"{SVG}text") for part in each.itertext())
    assert image(forest(made_release("fail", title=hostile)), "png").startswith(b"\x89PNG")


def test_outcomes_are_told_apart_without_colour() -> None:
    """By shape, or by filling: each pair differs in one of them."""
    from matplotlib.colors import to_rgb

    seen = {
        (look["marker"], look["markerfacecolor"] == look["color"] or look["marker"] == "x") for look in LOOKS.values()
    }
    assert len(seen) == len(LOOKS)
    for look in LOOKS.values():
        red, green, blue = (channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
                            for channel in to_rgb(look["color"]))  # fmt: skip
        assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 3


def test_a_figure_can_be_changed_before_it_is_saved(release: PublicRelease) -> None:
    figure = forest(release)
    figure.axes[0].set_xlabel("My own words")
    assert "My own words" in image(figure, "svg").decode()


def test_without_matplotlib_one_line_names_the_extra(tmp_path: Path, release: PublicRelease) -> None:
    (tmp_path / "release.json").write_text(public_json(release), encoding="utf-8")
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from pathlib import Path; from audit.disclosure.read import load_release\n"
        "from audit.errors import AuditError\n"
        "import reports.figures\n"
        "try:\n"
        "    reports.figures.forest(load_release(Path('release.json'))[0])\n"
        "except AuditError as error:\n"
        "    print(error.slug, error.exit_code.value, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    assert done.stdout == "figure-extra 4 figures need the extra \"figures\" — pip install 'audit7k[figures]'\n"


def test_nothing_but_figures_loads_matplotlib() -> None:
    ours = [path for package in ("audit", "reports") for path in sorted((ROOT / package).rglob("*.py"))]
    imports = re.compile(r"^\s*(?:import|from) matplotlib", re.MULTILINE)
    named = [path for path in ours if imports.search(path.read_text(encoding="utf-8"))]
    assert named
    assert {path.parent for path in named} == {ROOT / "reports" / "figures"}
