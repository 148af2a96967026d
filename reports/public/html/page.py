"""What stands on the public page, in its order: parts that templates lay out, already in words and rounded numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from audit.public.figures import FUNNEL_DEVIATIONS, funnel_curve
from audit.public.table import PublicRelease, PublicRule, group_key, has_words, why_no_rates
from audit.vocabulary.groups import Axis
from audit.vocabulary.text import harmless
from reports.data_links import as_link
from reports.html.squares import Region
from reports.language import Language
from reports.names import Names
from reports.plain_text import capital
from reports.public.downloads import table_csv
from reports.public.html.absent import Absent, absent_sections
from reports.public.html.affected import MOST, PublicAffected, PublicAffectedWriter
from reports.public.html.every import Every, EveryWriter
from reports.public.html.headline import Headline, HeadlineWriter
from reports.public.html.looks import PublicQuestion, questions
from reports.public.html.squares import regions
from reports.public.html.tables import Heat, PublicFunnel, PublicRows, PublicTables
from reports.public.reading import PublicReading
from reports.public.words import PublicWords


@dataclass(frozen=True, slots=True)
class Feature:
    """The section of a feature."""

    anchor: str
    title: str
    tables: tuple[PublicRows, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """The tables of one family, under a heading where a section has several."""

    heading: str
    tables: tuple[PublicRows, ...]


@dataclass(frozen=True, slots=True)
class LimitWords:
    """A rule in words."""

    name: str
    rate: str
    limit: str
    least: str
    """How many cases a group needs to be found within it; empty where no group is."""


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """A waiver as the page lists it."""

    key: str
    """The row of its group; empty where it is not named."""
    group: str
    rule: str
    who: str
    why: str
    until: str
    expired: bool


@dataclass(frozen=True, slots=True)
class PublicPage:
    """Everything on the page that is not the release itself."""

    headline: Headline
    above_the_table: str
    notices: tuple[str, ...]
    """What a reader must know of the figures."""
    hidden: str
    """What is said of groups of which nothing is shown."""
    refused: str
    """Why there are no figures; empty where there are."""
    affected: tuple[PublicAffected, ...]
    affected_first: int
    features: tuple[Feature, ...]
    """Features that are no nationality."""
    by_region: tuple[Family, ...]
    rated: bool
    """Whether groups have rates and words."""
    both: tuple[Heat, ...]
    both_title: str
    forests: tuple[PublicRows, ...]
    funnels: tuple[PublicFunnel, ...]
    every: Every
    """What the funnels draw, as a table."""
    short: Mapping[str, str]
    """The short names of rows, by their keys."""
    regions: tuple[Region, ...]
    questions: tuple[PublicQuestion, ...]
    rules: tuple[LimitWords, ...]
    csv: str
    """The protected figures as a link that holds them; empty where none are shown."""
    axis: tuple[str, str]
    """The ends of every axis of rates."""
    absent: Mapping[str, Absent]
    """Sections of which nothing is shown, by their anchors."""
    waivers: tuple[WaiverRow, ...] = ()
    """Findings that somebody answers for."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The heads of columns of features crossed, for a narrow screen."""
        return self.both[0].columns if self.both else ()

    @property
    def heads(self) -> list[tuple[str, str, str]]:
        """Of each rate its name in the field, and the heads of its columns, for a narrow screen."""
        tables = [table for feature in self.features for table in feature.tables]
        tables += [table for family in self.by_region for table in family.tables]
        return list(dict.fromkeys((table.metric, table.rate, table.cases) for table in (*tables, *self.forests)))

    @property
    def anyone_listed(self) -> bool:
        """Whether any group is named as affected."""
        return any(error.groups for error in self.affected)


def public_page(release: PublicRelease, language: Language) -> PublicPage:
    """The page of a release in a language."""
    return _Writer(release, language).write()


class _Writer:
    def __init__(self, release: PublicRelease, language: Language) -> None:
        self._release = release
        self._language = language
        self._t = language.translations
        self._reading = PublicReading(release)
        self._names = Names(self._reading.features, language)
        self._words = PublicWords(language, release.table.method)
        self._tables = PublicTables(self._reading, self._names, self._words, language)

    def write(self) -> PublicPage:
        """The page."""
        shown = self._reading.shown
        names, words = self._names, self._words
        families = list(self._reading.families) if shown else []
        rated = has_words(self._release)  # without rates a table of cells, a forest and a funnel are empty frames
        funnels = tuple(self._funnels()) if rated else ()
        every = EveryWriter(names, words, self._language)
        page = PublicPage(
            headline=HeadlineWriter(self._reading, names, words, self._language).write(),
            above_the_table=words.sentence("above_the_table"),
            notices=tuple(self._notices()),
            hidden=words.sentence("small_or_withheld"),
            refused="" if shown else words.sentence(f"figures_{self._reading.release.figures}"),
            affected=PublicAffectedWriter(self._reading, names, words, self._language).write(),
            affected_first=MOST,
            features=tuple(self._features(families)),
            by_region=tuple(self._by_region(families)),
            rated=rated,
            both=tuple(self._both(families)) if rated else (),
            both_title=self._both_title(families),
            forests=tuple(self._tables.forest(rule) for rule in self._reading.rules) if rated else (),
            funnels=funnels,
            every=every.write([(each.table, self._tables.plain(each.table.metric), each.findings) for each in funnels]),
            short=self._reading.short,
            regions=regions(self._reading, names, words, self._language) if shown else (),
            questions=questions(self._release.about.looks, self._language, rates=rated),
            rules=tuple(self._rules()),
            csv=as_link("text/csv", table_csv(self._release)) if shown else "",
            axis=(self._language.numbers.percent(0.0), self._language.numbers.percent(1.0)),
            absent={},
            waivers=tuple(self._waivers()),
        )
        return replace(page, absent=absent_sections(self._reading, self._present(page), self._language))

    def _present(self, page: PublicPage) -> set[str]:
        """The anchors of sections of figures that the page has."""
        by_gender = any(each.coding == "gender" for each in self._reading.features) and bool(page.features)
        found = {
            "gender": by_gender,
            "region": page.by_region,
            "both": page.both,
            "sure": page.forests,
            "all": page.funnels,
            "nationality": page.regions,
        }
        return {anchor for anchor, parts in found.items() if parts}

    def _waivers(self) -> Iterator[WaiverRow]:
        for waiver in self._release.waivers:
            yield WaiverRow(
                key="" if waiver.group is None else group_key(waiver.group),
                group=self._t.gettext("a group that is not named here")
                if waiver.group is None
                else self._names.group(waiver.group),
                rule=waiver.rule,
                who=waiver.who,
                why=waiver.why,
                until=self._language.date(waiver.expires),
                expired=waiver.expires < self._release.about.finished,
            )

    def _notices(self) -> Iterator[str]:
        """What a reader must know of the figures: why there are no rates, and what has no figures at all."""
        about = self._release.about
        for name in why_no_rates(self._release):
            yield self._words.sentence(name)
        if about.without_figures:
            named = self._t.gettext("; ").join(harmless(self._names.feature(name)) for name in about.without_figures)
            yield self._words.sentence("without_figures", named)

    def _features(self, families: list[tuple[Axis, ...]]) -> list[Feature]:
        found = [axes for axes in families if len(axes) == 1 and not self._names.is_nationality(axes[0])]
        genders = {each.name for each in self._reading.features if each.coding == "gender"}
        found.sort(key=lambda axes: axes[0].feature not in genders)
        return [
            Feature(
                f"feature-{place}",
                self._t.gettext("By %(axes)s") % {"axes": self._names.axis(axes[0])},
                tuple(self._tables.of_family(axes)),
            )
            for place, axes in enumerate(found, start=1)
        ]

    def _by_region(self, families: list[tuple[Axis, ...]]) -> list[Family]:
        """Regions and sub-regions, the coarser first."""
        found = [axes for axes in families if len(axes) == 1 and self._is_region(axes[0])]
        made = [
            Family(capital(self._names.axes(axes)) if len(found) > 1 else "", tuple(self._tables.of_family(axes)))
            for axes in found
        ]
        return sorted(made, key=lambda family: sum(len(table.rows) for table in family.tables))

    def _both(self, families: list[tuple[Axis, ...]]) -> list[Heat]:
        crossed = [axes for axes in families if len(axes) > 1 and not any(map(self._is_country, axes))]
        heats = [heat for axes in crossed for heat in self._tables.crossed(axes)]
        return sorted(heats, key=lambda heat: len(heat.rows))

    def _both_title(self, families: list[tuple[Axis, ...]]) -> str:
        pairs = dict.fromkeys(self._names.features(axes) for axes in families if len(axes) > 1)
        first = next(iter(pairs), "")
        return self._t.gettext("By %(features)s together") % {"features": first} if first else ""

    def _is_country(self, axis: Axis) -> bool:
        return self._names.is_nationality(axis) and not self._is_region(axis)

    def _is_region(self, axis: Axis) -> bool:
        return self._names.is_nationality(axis) and axis.rung in ("m49-subregion", "m49-region")

    def _funnels(self) -> list[PublicFunnel]:
        made = []
        for rule in self._reading.rules:
            everyone = self._reading.everyone_at(rule.metric)
            if everyone is not None:
                variance = self._reading.method.variance
                curves = [curve for width in FUNNEL_DEVIATIONS for curve in funnel_curve(everyone, variance, width)]
                drawn = self._tables.funnel(rule, curves)
                if drawn is not None:
                    made.append(drawn)
        return made

    def _rules(self) -> list[LimitWords]:
        return [
            LimitWords(rule.rule, capital(self._tables.plain(rule.metric)), self._words.limit(rule), self._least(rule))
            for rule in self._reading.rules
        ]

    def _least(self, rule: PublicRule) -> str:
        if not (rule.least_cases and self._reading.shown and self._reading.has_rates):
            return ""
        # Each number may have been raised by as much as the noise, and counts for so many fewer.
        least = rule.least_cases + self._release.table.method.largest_change
        return self._t.gettext(
            "“Within the limit” is said of a group only where its number under “%(column)s” is at least %(count)s."
        ) % {"column": self._tables.among(rule.metric), "count": self._language.numbers.count(least)}
