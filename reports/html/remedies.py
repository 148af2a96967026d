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


def remedies_page(remedies: Remedies, languages: Sequence[Language]) -> str:
    """Return the whole file in these languages, the first of them chosen."""
    several = len(languages) > 1
    return one_file([_part(remedies, language, several=several) for language in languages], remedies.title)


def _part(remedies: Remedies, language: Language, *, several: bool) -> Part:
    page = RemedyWriter(remedies, language)
    body = environment(language).get_template("remedy.html").render(page=page, remedies=remedies, mark=mark)
    notice = language.translations.gettext("Restricted, not for publication: exact counts")
    return part_in(language, page.heading, notice, body, "", several=several)


def remedies_panel(remedies: Remedies) -> str:
    """Return the text for a terminal, in English."""
    return "\n".join(line.rstrip() for line in RemedyWriter(remedies, ENGLISH).panel()) + "\n"


class RemedyWriter:
    """Remedies of an audit in the words and numbers of a language."""

    def __init__(self, remedies: Remedies, language: Language) -> None:
        self._remedies, self._language, self._n = remedies, language, language.numbers
        self._t = language.translations
        self._names = Names(remedies.features, language.translations, language.places)
        self._rates = {**METRICS, **{rate.name: rate.metric for rate in remedies.rates}}
        self._words = Words(language, self._names, self._rates)
        self.heading = " ".join(self._heading())
        self.lines = [
            " ".join([f"{self._title(candidate, short=True)}.", *self._line(candidate)]) for candidate in remedies.tried
        ]
        """Each candidate in a line: what it does, whether it levels down, and what the other half says."""
        self.too_few = self._say("too_few", groups=self._listed(remedies.too_few)) if remedies.too_few else ""
        self.looks = [self._front(), *(self._tried(candidate) for candidate in remedies.tried)]
        good = any(candidate.status == "confirmed" and not candidate.levelled_down for candidate in remedies.tried)
        self.state = "pass" if good else "inconclusive"
        """The state whose mark and colour the head has."""

    def _say(self, key: str, table: str = "remedy", **filled: str) -> str:
        text = self._language.word(table, key)
        return text % filled if filled else text

    def _heading(self) -> Iterator[str]:
        """Say which candidates are confirmed, and which level down, by their numbers."""
        tried, statuses = self._remedies.tried, ("confirmed", "confirmed_if_people_are_right")
        numbers = {key: [candidate.number for candidate in tried if candidate.status == key] for key in statuses}
        if not any(numbers.values()):
            yield self._say("none" if tried else "nothing")
        numbers["levelling"] = [candidate.number for candidate in tried if candidate.levelled_down]
        for key, those in numbers.items():
            if those:
                yield self._say(f"{key}_by_number", numbers=self._t.gettext("; ").join(map(str, those)))

    def _line(self, candidate: Tried) -> Iterator[str]:
        """Say what a candidate does; if it levels down, in which error; and what the other half says."""
        now, then = self._remedies.as_it_is.elsewhere, candidate.elsewhere
        counts = {
            "missed": (self._part(then.missed, then.victims), now.missed),
            "wrongly_flagged": (self._part(then.wrongly_flagged, then.others), now.wrongly_flagged),
        }
        errors = [self._say(error, part=part, before=self._n.count(before)) for error, (part, before) in counts.items()]
        yield self._say("errors", errors=self._t.gettext("; ").join(errors))
        yield from self._levelled(candidate)
        yield self._status(candidate)

    def _levelled(self, candidate: Tried) -> Iterator[str]:
        """Say in which error a candidate levels down, where it does."""
        metrics = {self._remedies.metrics[rule] for rule in candidate.levelled_down}
        if not metrics:
            return
        now, then = self._remedies.as_it_is.elsewhere, candidate.elsewhere
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

    def _title(self, option: Option, *, short: bool = False) -> str:
        plain, thresholds = self._n.plain, option.thresholds
        filled = {"share": self._n.percent(option.share), "low": plain(option.band_from or 0.0)}
        filled["threshold"] = plain(thresholds[0].threshold) if thresholds else ""
        title = self._say(option.way, "remedy_ways", **filled)
        if isinstance(option, Tried):
            title = f"{option.number}. {title}" + (f" ({self._say('levelling')})" if option.levelled_down else "")
        return title if short or option.way != "per_group" else title + self._t.gettext(": ") + self._own(option)

    def _own(self, option: Option) -> str:
        colon, plain = self._t.gettext(": "), self._n.plain
        return self._some(
            [
                f"{self._group(group_threshold.group)}{colon}{plain(group_threshold.threshold)}"
                for group_threshold in option.thresholds
            ]
        )

    def _group(self, group: Group | None) -> str:
        return self._t.gettext("Everyone else") if group is None else self._names.group(group)

    def _listed(self, groups: Sequence[Group]) -> str:
        return self._some([self._names.group(group) for group in groups])

    def _some(self, texts: list[str]) -> str:
        """Return several things, and the number of those that are left out: remedy.json has them."""
        left = len(texts) - _LISTED
        more = [self._say("more", count=self._n.count(left))] if left > 0 else []
        return self._t.gettext("; ").join(texts[:_LISTED] + more)

    def _status(self, option: Option) -> str:
        if isinstance(option, Tried):
            low, high = (self._n.of(100, share) for share in self._remedies.review_right)
            return self._say(option.status, "remedy_states", low=low, high=high)
        return NOT_KNOWN if option.way == "as_it_is" else self._say("not_judged")

    def _tried(self, candidate: Tried) -> Look:
        sentences = [*self._levelled(candidate), *(self._lacking(more_cases) for more_cases in candidate.more_cases)]
        if candidate.silent:
            sentences.insert(0, self._say("silent", groups=self._listed(candidate.silent)))
        if candidate.way == "per_group":
            sentences.insert(0, self._own(candidate))
        if candidate.way == "band":
            low, high = (self._n.of(100, share) for share in self._remedies.review_right)
            cases = self._part(candidate.to_people, self._remedies.rows[1])
            outcome = self._words.outcome(candidate.outcomes[-1]) if candidate.outcomes else NOT_KNOWN
            sentences.append(self._say("people", cases=cases, low=low, high=high, outcome=outcome))
        shown = sorted(candidate.effects, key=lambda effect: effect.change)
        if len(shown) > 2 * _EFFECTS:
            shown = [*shown[:_EFFECTS], *shown[-_EFFECTS:]]
        left = len(candidate.effects) - len(shown)
        note = self._say("more", count=self._n.count(left)) if left else ""
        table = SmallTable(self._say("who"), tuple(map(self._effect, shown)), note)
        return Look(f"remedy-{candidate.number}", self._title(candidate, short=True), tuple(sentences), tables=(table,))

    def _cell(self, head: str, text: str, *, number: bool = True) -> Cell:
        return Cell(self._say(head), text, number=number)

    def _lacking(self, more_cases: MoreCases) -> str:
        among = self._t.gettext(self._rates[self._remedies.metrics[more_cases.rule]].among)
        if more_cases.nobody_could_exceed:
            return self._say("nobody_could", among=among)
        if more_cases.cases is None:
            return self._say("no_number", among=among)
        return self._say("more_cases", cases=self._n.about(more_cases.cases), among=among)

    def _errors(self, errors: Errors) -> Row:
        return (
            Cell(self._words.rate("false_negative_rate"), self._part(errors.missed, errors.victims)),
            Cell(self._words.rate("false_positive_rate"), self._part(errors.wrongly_flagged, errors.others)),
            self._cell("gap", self._n.points_with_range(errors.beyond, None, None)),
        )

    def _part(self, count: int, total: int) -> str:
        return self._t.gettext("%(part)s of %(whole)s") % {"part": self._n.count(count), "whole": self._n.count(total)}

    def _effect(self, effect: Effect) -> Row:
        return (
            Cell(self._t.gettext("Group"), self._group(effect.group), number=False),
            self._cell("error", self._words.rate(ERROR_RATES[effect.error]), number=False),
            self._cell("now", self._n.of(100, effect.before / effect.cases)),
            self._cell("then", self._n.of(100, effect.after / effect.cases)),
            self._cell("change", self._n.points_with_range(effect.change, effect.low, effect.high)),
            Cell(self._t.gettext("Cases"), self._n.count(effect.cases)),
        )

    def _front(self) -> Look:
        front, caption = (self._remedies.as_it_is, *self._remedies.tried, *self._remedies.front), self._say("ways")
        rows = tuple(map(self._point, (self._remedies.as_it_is, *self._remedies.tried)))
        drawing = front_chart(front, caption, [cell.head for cell in rows[0][1:3]], self._n)
        pictures, tables = (Picture(self._say("picture"), drawing),), (SmallTable(caption, rows),)
        return Look("front", self._say("front"), (), self._say("front_note"), pictures=pictures, tables=tables)

    def _point(self, option: Option) -> Row:
        there = self._cell("there", self._errors(option.where_chosen)[2].text)
        judged = self._cell("judged", self._status(option), number=False)
        return (self._cell("way", self._title(option), number=False), *self._errors(option.elsewhere), there, judged)

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
    for option in front:
        errors = option.elsewhere
        x = _LEFT + errors.missed / max(errors.victims, 1) * (right - _LEFT)
        y = base - errors.wrongly_flagged / max(errors.others, 1) * (base - 14)
        look = f'<circle cx="{x:.1f}" cy="{y:.1f}" fill="{palette.WITHIN}"/>'
        if option.way == "as_it_is":
            look = f'<circle cx="{x:.1f}" cy="{y:.1f}" fill="none" stroke="{palette.INK}" stroke-width="2"/>'
        elif errors.beyond is None or errors.beyond > 0:
            look = f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{palette.BEYOND}"/>'
        parts.append(look)
        if isinstance(option, Tried):
            places = [(x + right_of, y + below) for right_of, below in _BESIDE]
            at = next((point for point in places if _free(point, taken)), places[0])
            taken.append(at)
            parts.append(f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" {text}>{option.number}</text>')
    head = f'<svg class="f" role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}"><title>{escape(harmless(title))}</title>'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - numbers and colours of ours; texts are escaped


def _free(point: tuple[float, float], taken: Sequence[tuple[float, float]]) -> bool:
    """Whether a number of one digit there touches no other and no edge."""
    apart = all(abs(point[0] - x) >= _TEXT * 0.7 or abs(point[1] - y) >= _TEXT for x, y in taken)
    return apart and _LEFT < point[0] < _WIDTH - _TEXT and _TEXT < point[1] < _HEIGHT - 30
