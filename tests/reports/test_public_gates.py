"""The gates over the public page: every number in it is explained, in every language, and an exact one never is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest
from made.disclosure import changed_text
from made.public import bands, every_limit, exact, in_languages, made, page_files, row_names

from audit.disclosure.explain import blank, refuse_unexplained, unexplained
from audit.disclosure.gates import refuse_unless_rendered_again
from audit.disclosure.printed import numbers_in, read_numbers
from audit.errors import DataError
from audit.public.figures import (
    STATES,
    everyone_else,
    funnel_place,
    natural,
    per_cent_text,
    short_names,
    spans_of,
    state_tally,
)
from audit.public.table import PublicGroup, PublicRate, PublicRelease, group_key
from audit.vocabulary.numbers import frequencies, rounded_up
from reports.language import ENGLISH

SMALL = made("small")
FILES = page_files(SMALL)
FURNITURE = page_files(blank(SMALL))
PAGE = FILES["report.html"].decode()
SHORT = row_names(SMALL)
GROUPS = list(SHORT)
KEYS = {name: key for key, name in SHORT.items()}
RENDERER = "made.public:page_files"


@dataclass(frozen=True)
class Victim:
    """A group with a rate, its protected row, and its exact counts."""

    key: str
    row: PublicGroup
    rate: PublicRate
    cases: int
    errors: int
    printed: str
    """Its row in a table of findings."""


def is_nobodys(key: str, *numbers: int) -> bool:
    """Whether none of these numbers happens to be another one of the row."""
    files = {"a.html": f'<p data-g="{key}">{" ".join(map(str, numbers))}</p>'.encode()}
    return len(unexplained(files, {"a.html": b""}, SMALL)) == len(numbers)


@cache
def victim() -> Victim:
    """A small group with a drawing whose protected counts are not the exact ones."""
    counts = exact("small").counts
    rates = {rate.group: rate for rate in SMALL.rates if rate.metric == "true_positive_rate"}
    for node, row in enumerate(SMALL.table.groups):
        cases, errors = int(counts[node, 0]), int(counts[node, 1])
        rate, key = rates[row.group], group_key(row.group)
        protected = row.positives.cases
        if not row.group.levels or rate.value is None or protected is None:
            continue
        printed = re.search(rf"<tr data-g={SHORT[key]}>(?:(?!<tr).)*?<svg class=.c.*?(?=<tr|</tbody>)", PAGE, re.DOTALL)
        places = funnel_place(cases, 1 - errors / cases), funnel_place(protected, rate.value)
        apart = places[0].x != places[1].x and places[0].y != places[1].y
        if printed and apart and 20 < cases < 400 and cases != protected and is_nobodys(key, cases):
            return Victim(key, row, rate, cases, errors, printed[0])
    raise AssertionError("no group serves")


@pytest.mark.parametrize("code", ["ru", "zh", "fr+ar+es"])
def test_every_number_of_the_page_is_explained(code: str) -> None:
    release = in_languages(SMALL, *code.split("+"))
    files = page_files(release)
    refuse_unexplained(files, page_files(blank(release)), release)
    in_rows = [number for number in read_numbers(files, GROUPS, KEYS) if number.row]
    assert len(in_rows) > 2_000
    assert any(number.value > 10_000 for number in in_rows)


@pytest.mark.parametrize("kind", ["unnamed", "passing", "refused"])
def test_every_kind_of_verdict_is_explained(kind: str) -> None:
    release = made(kind)
    refuse_unexplained(page_files(release), page_files(blank(release)), release)


def test_a_limit_on_any_rate_is_explained() -> None:
    release = in_languages(every_limit(), "es")
    refuse_unexplained(page_files(release), page_files(blank(release)), release)


def test_bands_of_age_are_explained_and_no_nationality_is_needed() -> None:
    release = in_languages(bands(), "ar")
    files = page_files(release)
    refuse_unexplained(files, page_files(blank(release)), release)
    assert b"18-29" in files["report.html"]


def test_a_plan_without_limits_is_explained() -> None:
    release = SMALL.model_copy(update={"rules": (), "words": ()})
    refuse_unexplained(page_files(release), page_files(blank(release)), release)


def test_a_weighted_and_clustered_audit_is_explained() -> None:
    flags = {"weighted": True, "clustered": True, "probe_rules": 1}
    release = SMALL.model_copy(update={"about": SMALL.about.model_copy(update=flags)})
    refuse_unexplained(page_files(release), page_files(blank(release)), release)


def test_a_fresh_process_renders_the_same_bytes() -> None:
    release = in_languages(made("tiny"), "ar", "en")
    refuse_unless_rendered_again(page_files(release), release, RENDERER)


def test_a_fresh_process_does_not_render_what_was_planted() -> None:
    release = made("tiny")
    planted = changed_text(page_files(release), "report.html", "</main>", "<!-- of 14 people --></main>")
    with pytest.raises(DataError) as refused:
        refuse_unless_rendered_again(planted, release, RENDERER)
    assert refused.value.slug == "not-rendered-again"


def funnel_marks(page: str) -> list[tuple[str, list[str], list[str]]]:
    """Paths whose points are groups: each path, the rows of its points, and the points."""
    found = re.finditer(r'<path marker-start="[^"]*"[^>]* data-g="([^"]*)" d="M([^"]*)"/>', page)
    return [(each[0], each[1].split(), each[2].split("L")) for each in found]


def exact_places() -> dict[str, tuple[str, str]]:
    """In each kind of place of a group's row: what stands there, and the same with an exact number."""
    v = victim()
    row = v.printed
    rate, value = 1 - v.errors / v.cases, v.rate.value
    assert value is not None
    own = f"{100 * rate:.1f}"
    path, rows, points = next(found for found in funnel_marks(PAGE) if SHORT[v.key] in found[1])
    at = rows.index(SHORT[v.key])
    right, up = points[at].split()

    def moved(point: str) -> str:
        return path.replace("L".join(points), "L".join([*points[:at], point, *points[at + 1 :]]))

    point = re.search(r'<use href="#p-[a-z]+" x="([\d.]+)%"/>', row)
    assert point is not None
    place = funnel_place(v.cases, rate)
    assert str(place.x) != right
    opened = f"<tr data-g={SHORT[v.key]}>"
    return {
        "text of a cell": (row, row.replace(f"<td>{v.row.positives.cases}", f"<td>{v.cases}")),
        "an attribute": (opened, f'{opened[:-1]} data-n="{v.cases}">'),
        "a label for screen readers": (row, row.replace("<svg class", f'<svg aria-label="{v.cases} people" class', 1)),
        "a comment": (opened, f"{opened}<!-- {v.cases} -->"),
        "the point of an interval": (row, row.replace(point[0], point[0].replace(f"{point[1]}%", f"{own}%"))),
        "an end of an interval": (row, re.sub(r'(<rect class="i" x=")\d+%', rf"\g<1>{float(own) - 3.7:.1f}%", row)),
        "the title of a drawing": (row, re.sub(r"<title>[^<]*", f"<title>{own}%", row)),
        "the funnel, to the right": (path, moved(f"{place.x} {up}")),
        "the funnel, upwards": (path, moved(f"{right} {place.y}")),
        "the funnel, in the place of another": (path, moved(points[at - 1])),
        "how many in how many": (opened, f"{opened}<td>about {v.errors} in {v.cases}"),
    }


PLACES = exact_places()


@pytest.mark.parametrize("place", PLACES)
def test_an_exact_number_in_a_row_is_refused(place: str) -> None:
    before, after = PLACES[place]
    assert before != after
    assert before in PAGE
    with pytest.raises(DataError) as refused:
        refuse_unexplained(changed_text(FILES, "report.html", before, after), FURNITURE, SMALL)
    assert refused.value.slug == "unexplained-number"
    assert victim().key in str(refused.value)


NOBODYS = (
    ("</main>", "<p>4,711 people</p></main>"),
    ("</main>", "<p>٤٧١٢ people</p></main>"),
    ("</style>", ".x{width:4713px}</style>"),
    ("<main ", '<main data-n="4714" '),
    ('<svg class="b" ', '<svg class="b" data-n="4715" '),
    ('<rect class="s-fail" ', '<rect class="s-fail" height="4716%" '),
    ('<p class="lead">', '<p class="lead">4,717 '),
    ('<path class="curve" data-g="everyone"', '<path class="curve" data-g="everyone" data-n="4718"'),
    ("<title>", "<title>4719 "),
    ('<ul class="q-', '<ul title="4720" class="q-'),
    ("</body>", '<a href="data:text/csv,group,n%0Ax,4721">x</a></body>'),
    ("</body>", '<a href="data:application/json,%7B%22n%22:4722%7D">x</a></body>'),
    ("</body>", '<a href="data:text/csv;base64,Z3JvdXAsbgp4LDQ3MjM=">x</a></body>'),
    ("<main ", "<!-- 4724 --><main "),
)


def test_a_number_of_nobody_is_refused_wherever_it_stands() -> None:
    files = FILES
    for before, after in NOBODYS:
        files = changed_text(files, "report.html", before, after)
    found = unexplained(files, FURNITURE, SMALL)
    assert sorted(int(number.value) for number in found) == list(range(4711, 4725))
    assert {number.row for number in found} == {None, "everyone"}
    with pytest.raises(DataError):
        refuse_unexplained(files, FURNITURE, SMALL)


def test_numbers_of_one_group_in_the_row_of_another_are_refused() -> None:
    """Data links as well: whose numbers they are is read in them too."""
    links = re.findall(r'href="(data:[^"]*)"', PAGE)
    assert [link[: link.index(";")] for link in links] == ["data:text/csv"]
    (table,) = links
    rows = [row for row in table.split("%0A")[1:] if re.search(r",\d+\.\d,", row)]
    one, other = rows[3].split(","), rows[7].split(",")
    one[-12:], other[-12:] = other[-12:], one[-12:]
    swapped = table.replace(rows[3], ",".join(one)).replace(rows[7], ",".join(other))
    assert unexplained(changed_text(FILES, "report.html", table, swapped), FURNITURE, SMALL)
    named = [re.match(r"(?:\w+=[\w-]+)?,m?\w[\w-]*=[\w-]+(?=,)", row) for row in rows]
    names = [each[0] for each in named if each is not None]
    assert len(names) > 20
    exchanged = table.replace(f"%0A{names[3]},", "%0A|,").replace(f"%0A{names[7]},", f"%0A{names[3]},")
    exchanged = exchanged.replace("%0A|,", f"%0A{names[7]},")
    assert unexplained(changed_text(FILES, "report.html", table, exchanged), FURNITURE, SMALL)


def test_a_cell_of_nothing_takes_no_number_from_the_cell_before_it() -> None:
    """Cells are left open, as HTML allows: what stands in the next one is not of the row of the last."""
    rows = {group_key(row.group): row for row in SMALL.table.groups}
    refused = tried = 0
    for found in re.finditer(r"<td(?: class=\"h-fail\")? data-g=(\w+)>(?:(?!<td|<th|</tr>).)*<td class=o>", PAGE):
        cases = rows[KEYS[found[1]]].positives.cases
        if cases is None or not unexplained({"report.html": f"<p>{cases}</p>".encode()}, {"report.html": b""}, SMALL):
            continue  # it is also a number of the whole
        planted = f"{PAGE[: found.end()]}{cases} {PAGE[found.end() :]}"
        if tried == 5:  # each reads the whole page
            break
        tried, refused = tried + 1, refused + bool(unexplained({"report.html": planted.encode()}, FURNITURE, SMALL))
    assert (tried > 3, refused) == (True, tried)


def test_every_row_of_the_download_is_the_row_of_its_group() -> None:
    """By its levels, column by column: else a number of it would be held against everyone."""
    (table,) = re.findall(r'href="(data:[^"]*)"', PAGE)
    page = f'<a href="{table}">x</a>'.encode()
    read = {number.row for number in read_numbers({"a.html": page}, list(SHORT))}
    shown = {
        group_key(row.group)
        for row in SMALL.table.groups
        if {row.positives.cases, row.negatives.cases, row.unscored, row.unlabelled} != {None}
    }
    assert read - {None} == shown
    assert len([each for each in read_numbers({"a.html": page}, list(SHORT)) if each.row is None]) < 10


def test_short_names_of_rows_hold_no_number_and_name_one_row_each() -> None:
    keys = [f"a:b={number}" for number in range(30_000)]
    short = short_names(keys)
    assert len(set(short.values())) == len(keys)
    assert not numbers_in(" ".join(short.values()))
    assert max(map(len, short.values())) == 4


@pytest.mark.parametrize(
    "path",
    [
        "M1 2L3 4L5 6",
        "M1 2",
        "7M1 2L3 4",
        "",
    ],
)
def test_a_path_with_more_or_fewer_points_than_rows_cannot_be_read(path: str) -> None:
    page = f'<svg><path data-g="{SHORT[GROUPS[1]]} {SHORT[GROUPS[2]]}" d="{path}"/></svg>'.encode()
    with pytest.raises(DataError) as refused:
        read_numbers({"a.html": page}, GROUPS, KEYS)
    assert refused.value.slug == "unread-public-file"


def test_a_point_is_of_its_row_and_of_no_other() -> None:
    page = f'<svg><path data-g="{SHORT[GROUPS[1]]} {SHORT[GROUPS[2]]}" d="M1 2L3 4"/></svg>'.encode()
    read = read_numbers({"a.html": page}, GROUPS, KEYS)
    assert [(number.row, int(number.value)) for number in read] == [
        (GROUPS[1], 1), (GROUPS[1], 2), (GROUPS[2], 3), (GROUPS[2], 4),
    ]  # fmt: skip


def test_a_funnel_that_is_drawn_from_exact_counts_is_refused() -> None:
    """All of its marks at once: most of them stand where no protected count stands."""
    counts = exact("small").counts
    at = {SHORT[group_key(row.group)]: counts[node] for node, row in enumerate(SMALL.table.groups)}
    drawn, moved = PAGE, 0
    for _, rows, points in funnel_marks(PAGE[: PAGE.index("</figure>")]):
        exactly = []
        for row in rows:
            cases, errors = int(at[row][0]), int(at[row][1])
            place = funnel_place(cases, 1 - errors / cases)
            exactly.append(" ".join(str(each).removesuffix(".0") for each in place))
        moved += sum(now != then for now, then in zip(exactly, points, strict=False))
        drawn = drawn.replace("L".join(points), "L".join(exactly if len(rows) > 1 else exactly * 2))
    assert moved > 10
    found = unexplained(changed_text(FILES, "report.html", PAGE, drawn), FURNITURE, SMALL)
    assert len({number.row for number in found}) > moved // 2


def test_spanish_groups_digits_with_points_and_nobody_else_does() -> None:
    def read(markup: str) -> list[str]:
        return [str(number.value) for number in read_numbers({"a.html": markup.encode()}, ())]

    assert read('<p lang="es">12.345 y 1.234.567 y 3,5 y 12.34</p>') == ["12345", "1234567", "3.5", "12.34"]
    assert read('<div lang="es"><b>12.345</b></div><p>12.345</p>') == ["12345", "12.345"]
    assert read('<div lang="es"><b lang="en">12.345</b></div>') == ["12.345"]


def test_a_name_with_digits_is_no_number_in_its_own_row_alone() -> None:
    """An age band "18-29" may stand in the row of people of that age, and in no other."""
    bands = SMALL.table.features[0].model_copy(
        update={
            "levels": tuple(
                level.model_copy(update={"name": "178-299"}) if level.code == "woman" else level
                for level in SMALL.table.features[0].levels
            )
        }
    )
    table = SMALL.table.model_copy(update={"features": (bands, *SMALL.table.features[1:])})
    release: PublicRelease = SMALL.model_copy(update={"table": table})

    def found(key: str) -> int:
        files = {"a.html": f'<p data-g="{key}">178-299</p>'.encode()}
        return len(unexplained(files, {"a.html": b""}, release))

    assert found("gender:level=woman") == 0
    assert found("gender:level=man") == 2


# ---- what the functions give


def test_natural_frequencies_tell_the_error_of_a_rate() -> None:
    assert natural("true_positive_rate", 0.53, 0.81) == frequencies(0.47, 1 - 0.81)
    assert natural("false_positive_rate", 0.28, None)[0].count == 3
    assert [rounded_up(value) for value in (0.0, 3.2, 61.1, 655.0, 1_201.0)] == [0, 4, 62, 660, 1300]


@pytest.mark.parametrize(
    ("share", "stated"), [(0.0, "0%"), (0.004, "<1%"), (0.125, "13%"), (0.996, ">99%"), (0.995, ">99%"), (1.0, "100%")]
)
def test_a_share_is_told_alike_on_the_page_and_in_a_pipeline(share: float, stated: str) -> None:
    assert per_cent_text(share) == stated == ENGLISH.numbers.percent(share)


def test_everyone_else_is_what_group_words_compare_with() -> None:
    """The same quotient that `audit.disclosure.words` holds a group against."""
    from audit.disclosure.rates import drawn_counts, sums
    from audit.public.figures import RATES

    everyone = SMALL.table.groups[0]
    compared = 0
    for row in SMALL.table.groups[1:]:
        rest = everyone_else(everyone, row, "true_positive_rate")
        if rest is not None:
            top, bottom = sums((drawn_counts(everyone) - drawn_counts(row)).reshape(1, -1), RATES["true_positive_rate"])
            assert rest == pytest.approx(float(top[0] / bottom[0]))
            compared += 1
    assert compared > 10
    assert everyone_else(everyone, everyone, "true_positive_rate") is None


def test_a_bar_of_states_is_as_long_as_what_it_tells() -> None:
    tally = state_tally(SMALL.words)
    codes = [(word.rule, {(level.feature, level.code) for level in word.group.levels}) for word in SMALL.words]
    people = {(rule, frozenset(group)) for rule, group in codes}
    assert sum(tally.values()) == len(people) < len(SMALL.words)
    spans = list(spans_of(tally).values())
    assert len(spans) == 4
    for place, span in enumerate(spans):
        assert float(span.start) == pytest.approx(sum(float(each.length) for each in spans[:place]), abs=0.2)
    assert sum(float(span.length) for span in spans) == pytest.approx(100, abs=0.2)
    assert spans_of(dict.fromkeys(tally, 0)) == {}


@pytest.mark.parametrize("counts", [(1, 3, 1_000, 410), (1, 1, 1, 5_000), (0, 1, 0, 900), (3, 0, 0, 0), (1, 700, 1, 0)])
def test_no_state_of_a_bar_is_too_short_to_be_seen(counts: tuple[int, ...]) -> None:
    """Of 1,414 groups 1 was 0.1 % of the bar: less than a pixel."""
    spans = spans_of(dict(zip(STATES, counts, strict=True)))
    assert list(spans) == [state for state, count in zip(STATES, counts, strict=True) if count]
    assert min(span.length for span in spans.values()) >= Decimal("1.2")
    assert sum(span.length for span in spans.values()) == pytest.approx(Decimal(100), abs=Decimal("0.2"))
    for span, after in pairwise(spans.values()):
        assert after.start == pytest.approx(span.start + span.length, abs=Decimal("0.11"))
