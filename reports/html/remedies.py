"""Page of remedies: what is confirmed and what levels down, all ways in a picture, then who pays for each candidate.

Exact counts for restricted use, in the style of the restricted report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from markupsafe import Markup, escape

from audit.result.findings.remedies import Effect, Errors, MoreCases, Option, Remedies, Tried
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import ERROR_RATES, METRICS, MISSED, WRONGLY_FLAGGED
from audit.vocabulary.names import Names
from audit.vocabulary.text import harmless
from reports.html import palette
from reports.html.charts import mark
from reports.html.environment import environment
from reports.html.layout import Part, one_file, part_in
from reports.html.looks.parts import Cell, Look, Picture, Row, SmallTable
from reports.language import ENGLISH, Language
from reports.numbers import NOT_KNOWN, Numbers
from reports.words import Words

_WIDTH, _HEIGHT, _LEFT, _TEXT = 640, 320, 68, 18
_BESIDE: Final = ((8, -6), (8, 19), (-18, -6), (-18, 19), (-5, -14), (-5, 27), (24, -6))
"""Where a number may stand beside its point; the first place that is free is taken."""
_EFFECTS: Final = 2
"""Groups of a candidate that gain most, and as many that pay most; remedy.json has all."""
_LISTED: Final = 4
"""Most groups that a sentence names; remedy.json has all."""


def remedies_page(found: Remedies, languages: Sequence[Language]) -> str:
    """Return the whole file in these languages, the first of them chosen."""
    several = len(languages) > 1
    return one_file([_part(found, language, several=several) for language in languages], found.title)


def _part(found: Remedies, language: Language, *, several: bool) -> Part:
    page = RemedyWriter(found, language)
    body = environment(language).get_template("remedy.html").render(page=page, found=found, mark=mark)
    notice = language.translations.gettext("Restricted, not for publication: exact counts")
    return part_in(language, page.heading, notice, body, "", several=several)


def remedies_panel(found: Remedies) -> str:
    """Return the text for a terminal, in English."""
    return "\n".join(line.rstrip() for line in RemedyWriter(found, ENGLISH).panel()) + "\n"


class RemedyWriter:
    """Remedies of an audit in the words and numbers of a language."""

    def __init__(self, found: Remedies, language: Language) -> None:
        self._found, self._language, self._n = found, language, language.numbers
        self._t = language.translations
        self._names = Names(found.features, language.translations, language.places)
        self._words = Words(language, self._names)
        self.heading = " ".join(self._heading())
        self.lines = [" ".join([f"{self._title(one, short=True)}.", *self._line(one)]) for one in found.tried]
        """Each candidate in a line: what it does, whether it levels down, and what the other half says."""
        self.too_few = self._say("too_few", groups=self._listed(found.too_few)) if found.too_few else ""
        self.looks = [self._front(), *(self._tried(one) for one in found.tried)]
        good = any(one.status == "confirmed" and not one.levelled_down for one in found.tried)
        self.state = "pass" if good else "inconclusive"
        """The state whose mark and colour the head has."""

    def _say(self, key: str, table: str = "remedy", **filled: str) -> str:
        text = self._language.word(table, key)
        return text % filled if filled else text

    def _heading(self) -> Iterator[str]:
        """Say which candidates are confirmed, and which level down, by their numbers."""
        tried, said = self._found.tried, ("confirmed", "confirmed_if_people_are_right")
        numbers = {key: [one.number for one in tried if one.status == key] for key in said}
        if not any(numbers.values()):
            yield self._say("none" if tried else "nothing")
        numbers["levelling"] = [one.number for one in tried if one.levelled_down]
        for key, those in numbers.items():
            if those:
                yield self._say(f"{key}_by_number", numbers=self._t.gettext("; ").join(map(str, those)))

    def _line(self, one: Tried) -> Iterator[str]:
        """Say what a candidate does; if it levels down, in which error; and what the other half says."""
        now, then = self._found.as_it_is.elsewhere, one.elsewhere
        counts = {
            "missed": (self._part(then.missed, then.victims), now.missed),
            "wrongly_flagged": (self._part(then.wrongly_flagged, then.others), now.wrongly_flagged),
        }
        errors = [self._say(error, part=part, before=self._n.count(before)) for error, (part, before) in counts.items()]
        yield self._say("errors", errors=self._t.gettext("; ").join(errors))
        yield from self._levelled(one)
        yield self._status(one)

    def _levelled(self, one: Tried) -> Iterator[str]:
        """Say in which error a candidate levels down, where it does."""
        metrics = {self._found.metrics[rule] for rule in one.levelled_down}
        if not metrics:
            return
        now, then = self._found.as_it_is.elsewhere, one.elsewhere
        either = bool(metrics - {*MISSED, *WRONGLY_FLAGGED})
        grew = [
            self._words.rate(ERROR_RATES[error])
            for error, rates, is_more in (
                ("missed", MISSED, then.missed > now.missed),
                ("wrongly_flagged", WRONGLY_FLAGGED, then.wrongly_flagged > now.wrongly_flagged),
            )
            if metrics & set(rates) or (either and is_more)
        ]
        grew = grew or [self._words.rate(metric) for metric in sorted(metrics)]  # people too few to judge hide it
        yield self._say("levelled", errors=self._t.gettext("; ").join(grew))

    def _title(self, one: Option, *, short: bool = False) -> str:
        plain, thresholds = self._n.plain, one.thresholds
        filled = {"share": self._n.percent(one.share), "low": plain(one.band_from or 0.0)}
        filled["threshold"] = plain(thresholds[0].threshold) if thresholds else ""
        said = self._say(one.way, "remedy_ways", **filled)
        if isinstance(one, Tried):
            said = f"{one.number}. {said}" + (f" ({self._say('levelling')})" if one.levelled_down else "")
        return said if short or one.way != "per_group" else said + self._t.gettext(": ") + self._own(one)

    def _own(self, one: Option) -> str:
        of, plain = self._t.gettext(": "), self._n.plain
        return self._some([f"{self._group(each.group)}{of}{plain(each.threshold)}" for each in one.thresholds])

    def _group(self, group: Group | None) -> str:
        return self._t.gettext("Everyone else") if group is None else self._names.group(group)

    def _listed(self, groups: Sequence[Group]) -> str:
        return self._some([self._names.group(group) for group in groups])

    def _some(self, said: list[str]) -> str:
        """Return several things, and the number of those that are left out: remedy.json has them."""
        left = len(said) - _LISTED
        more = [self._say("more", count=self._n.count(left))] if left > 0 else []
        return self._t.gettext("; ").join(said[:_LISTED] + more)

    def _status(self, one: Option) -> str:
        if isinstance(one, Tried):
            low, high = (self._n.of(100, share) for share in self._found.review_right)
            return self._say(one.status, "remedy_states", low=low, high=high)
        return NOT_KNOWN if one.way == "as_it_is" else self._say("not_judged")

    def _tried(self, one: Tried) -> Look:
        sentences = [*self._levelled(one), *(self._lacking(each) for each in one.more_cases)]
        if one.silent:
            sentences.insert(0, self._say("silent", groups=self._listed(one.silent)))
        if one.way == "per_group":
            sentences.insert(0, self._own(one))
        if one.way == "band":
            low, high = (self._n.of(100, share) for share in self._found.review_right)
            cases = self._part(one.to_people, self._found.rows[1])
            outcome = self._words.outcome(one.outcomes[-1]) if one.outcomes else NOT_KNOWN
            sentences.append(self._say("people", cases=cases, low=low, high=high, outcome=outcome))
        shown = sorted(one.effects, key=lambda effect: effect.change)
        if len(shown) > 2 * _EFFECTS:
            shown = [*shown[:_EFFECTS], *shown[-_EFFECTS:]]
        left = len(one.effects) - len(shown)
        note = self._say("more", count=self._n.count(left)) if left else ""
        table = SmallTable(self._say("who"), tuple(map(self._effect, shown)), note)
        return Look(f"remedy-{one.number}", self._title(one, short=True), tuple(sentences), tables=(table,))

    def _cell(self, head: str, text: str, *, number: bool = True) -> Cell:
        return Cell(self._say(head), text, number=number)

    def _lacking(self, one: MoreCases) -> str:
        among = self._t.gettext(METRICS[self._found.metrics[one.rule]].among)
        if one.nobody_could_exceed:
            return self._say("nobody_could", among=among)
        if one.cases is None:
            return self._say("no_number", among=among)
        return self._say("more_cases", cases=self._n.about(one.cases), among=among)

    def _errors(self, of: Errors) -> Row:
        return (
            Cell(self._words.rate("false_negative_rate"), self._part(of.missed, of.victims)),
            Cell(self._words.rate("false_positive_rate"), self._part(of.wrongly_flagged, of.others)),
            self._cell("gap", self._n.points_with_range(of.beyond, None, None)),
        )

    def _part(self, part: int, whole: int) -> str:
        return self._t.gettext("%(part)s of %(whole)s") % {"part": self._n.count(part), "whole": self._n.count(whole)}

    def _effect(self, one: Effect) -> Row:
        return (
            Cell(self._t.gettext("Group"), self._group(one.group), number=False),
            self._cell("error", self._words.rate(ERROR_RATES[one.error]), number=False),
            self._cell("now", self._n.of(100, one.before / one.cases)),
            self._cell("then", self._n.of(100, one.after / one.cases)),
            self._cell("change", self._n.points_with_range(one.change, one.low, one.high)),
            Cell(self._t.gettext("Cases"), self._n.count(one.cases)),
        )

    def _front(self) -> Look:
        front, caption = (self._found.as_it_is, *self._found.tried, *self._found.front), self._say("ways")
        rows = tuple(map(self._point, (self._found.as_it_is, *self._found.tried)))
        drawing = front_chart(front, caption, [cell.head for cell in rows[0][1:3]], self._n)
        pictures, tables = (Picture(self._say("picture"), drawing),), (SmallTable(caption, rows),)
        return Look("front", self._say("front"), (), self._say("front_note"), pictures=pictures, tables=tables)

    def _point(self, one: Option) -> Row:
        there = self._cell("there", self._errors(one.where_chosen)[2].text)
        judged = self._cell("judged", self._status(one), number=False)
        return (self._cell("way", self._title(one), number=False), *self._errors(one.elsewhere), there, judged)

    def panel(self) -> Iterator[str]:
        """Yield the page as lines for a terminal, without its picture."""
        yield from filter(None, (self.heading, *self.lines, self.too_few))
        for look in self.looks:
            yield from ["", look.title, *(f"  {sentence}" for sentence in look.sentences)]
            for table in look.tables:
                yield f"  {table.caption}:"
                written = [[cell.head for cell in row] for row in table.rows[:1]]
                written += [[cell.text for cell in row] for row in table.rows]
                widths = [max(map(len, column)) for column in zip(*written, strict=True)]
                for row in written:
                    yield "    " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
                if table.note:
                    yield f"    {table.note}"


def front_chart(front: Sequence[Option], title: str, axes: Sequence[str], numbers: Numbers) -> Markup:
    """Draw ways to flag by the shares missed and wrongly flagged; every point stands in the table beside it."""
    base, right, text = _HEIGHT - 28, _WIDTH - 8, f'font-size="{_TEXT}" fill="{palette.MUTED}"'
    missed, flagged = (escape(harmless(axis)) for axis in axes)
    parts = [
        f'<path d="M{_LEFT} 8V{base}H{right}" fill="none" stroke="{palette.RULE_STRONG}"/>',
        f'<text x="{_LEFT - 6}" y="{base}" text-anchor="end" {text}>{numbers.percent(0)}</text>',
        f'<text x="{_LEFT - 6}" y="18" text-anchor="end" {text}>{numbers.percent(1)}</text>',
        f'<text x="{_LEFT + 8}" y="18" {text}>{flagged}</text>',
        f'<text x="{right}" y="{base + 20}" text-anchor="end" {text}>{numbers.percent(1)}</text>',
        f'<text x="{_WIDTH / 2:.0f}" y="{base + 20}" text-anchor="middle" {text}>{missed}</text>',
    ]
    taken: list[tuple[float, float]] = []
    for one in front:
        of = one.elsewhere
        x = _LEFT + of.missed / max(of.victims, 1) * (right - _LEFT)
        y = base - of.wrongly_flagged / max(of.others, 1) * (base - 14)
        look = f'<circle cx="{x:.1f}" cy="{y:.1f}" fill="{palette.WITHIN}"/>'
        if one.way == "as_it_is":
            look = f'<circle cx="{x:.1f}" cy="{y:.1f}" fill="none" stroke="{palette.INK}" stroke-width="2"/>'
        elif of.beyond is None or of.beyond > 0:
            look = f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{palette.BEYOND}"/>'
        parts.append(look)
        if isinstance(one, Tried):
            places = [(x + right_of, y + below) for right_of, below in _BESIDE]
            at = next((place for place in places if _free(place, taken)), places[0])
            taken.append(at)
            parts.append(f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" {text}>{one.number}</text>')
    head = f'<svg class="f" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}"><title>{escape(harmless(title))}</title>'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - numbers and colours of ours; texts are escaped


def _free(place: tuple[float, float], taken: Sequence[tuple[float, float]]) -> bool:
    """Whether a number of one digit there touches no other and no edge."""
    apart = all(abs(place[0] - x) >= _TEXT * 0.7 or abs(place[1] - y) >= _TEXT for x, y in taken)
    return apart and _LEFT < place[0] < _WIDTH - _TEXT and _TEXT < place[1] < _HEIGHT - 30
