"""The rates of this project: their names in the field, their definitions in counts, and the direction of harm.

Every rate is a quotient of integer counts of cases by label (positive, negative, unlabelled) and by answer of the
detector (flagged, not flagged; abstained and failed cases are unscored). The names are fairlearn's. All of them are
declared in `data/rates.toml`; a plan declares rates of its own by the same keys.
"""

import difflib
import enum
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from audit.vocabulary.groups import Part

MetricName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""Name of a rate: one of `METRICS`, or one that a plan declares."""


class Cell(enum.StrEnum):
    """One cell of the label x decision table of a group. `UNSCORED` is abstained plus failed."""

    TP = "true_positive"
    FN = "false_negative"
    FP = "false_positive"
    TN = "true_negative"
    UNLABELLED_FLAGGED = "unlabelled_flagged"
    UNLABELLED_NOT_FLAGGED = "unlabelled_not_flagged"
    UNSCORED_POSITIVE = "unscored_positive"
    UNSCORED_NEGATIVE = "unscored_negative"
    UNSCORED_UNLABELLED = "unscored_unlabelled"


class Worse(enum.StrEnum):
    """Direction in which a group is worse off than the others."""

    LOW = "low"
    """A low rate harms: too few found, too few right."""
    HIGH = "high"
    """A high rate harms: too many missed, too many wrongly flagged."""
    BY_ROUTE = "by_route"
    """The direction depends on where a flag goes: to services a low rate harms, to enforcement a high one."""
    NOT_JUDGED = "not_judged"
    """A property of the labels, not of the detector: no rule can be set on it."""


class MetricDefinition(Part):
    """A rate, as a plan uses it."""

    name: MetricName
    """The name in the field."""
    plain: str
    """The name in reports."""
    counted: str
    """Cases that the numerator counts."""
    among: str
    """Cases that the denominator counts."""
    definition: str
    """One sentence."""
    formula: str
    """The formula in counts."""
    worse: Literal["low", "high", "not_judged"]
    """Side on which the rate harms a group, under the route of this plan."""
    numerator: Annotated[tuple[Cell, ...], Field(exclude_if=lambda cells: not cells)] = ()
    """Of a rate that the plan declares: the cells that it counts. Of other rates the name says it."""
    denominator: Annotated[tuple[Cell, ...], Field(exclude_if=lambda cells: not cells)] = ()
    """Of a rate that the plan declares: the cells among which it counts them."""

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if (self.name in METRICS) != (not self.numerator) or not set(self.numerator) <= set(self.denominator):
            raise ValueError("a rate has the cells that its plan declares, or is one of audit7k and has none")
        return self

    @property
    def metric(self) -> "Metric":
        """The rate that is defined."""
        if self.name in METRICS:
            return METRICS[self.name]
        words = {key: getattr(self, key) for key in ("plain", "counted", "among", "definition", "formula")}
        return Metric(self.name, self.numerator, self.denominator, Worse(self.worse), expected_rate=0.5, **words)


_Source = Literal["labels", "decisions", "cases"]
Suffered = Literal["missed", "wrongly_flagged", "flagged", "wrong"]
"""What people suffer: victims are missed, others wrongly flagged, anyone flagged, or a decision is wrong."""


class RateWords(NamedTuple):
    """Words of reports for a rate of this project; an empty text where they have none."""

    head: str = ""
    """Head of a column, of the rate."""
    error_head: str = ""
    """Head of a column, of its error."""
    error: str = ""
    """Its error, with a place for how often."""
    error_in_short: str = ""
    """Its error after a heading that names the people."""
    error_in_100: str = ""
    """Its error, with a place for how many in 100."""
    title: str = ""
    """Title of a figure, with a place for the groups."""


class Metric(NamedTuple):
    """One rate: the cells of its numerator and denominator, and the words for it."""

    name: MetricName
    numerator: tuple[Cell, ...]
    """Cells that are counted; each is one of the denominator."""
    denominator: tuple[Cell, ...]
    worse: Worse
    expected_rate: float
    """Rate that planning assumes where the plan names none; it sizes groups and never enters a test."""
    plain: str
    """Name in reports, as a noun phrase: "share of victims found"."""
    counted: str
    """Cases in the numerator, in plain words and the plural: "victims found"."""
    among: str
    """Cases in the denominator: "victims in the test set"."""
    definition: str
    """Definition in one sentence for a person who is no statistician."""
    formula: str
    """Formula in counts."""
    also_called: tuple[str, ...] = ()
    """Other names in the field, so that a search finds this one."""
    plan_words: tuple[str, ...] = ()
    """Abbreviations and names that stand for it where a plan misspells one."""
    short: str = ""
    """Its name in a column of the terminal."""
    report: RateWords = RateWords()
    fairlearn: str = ""
    """Its function in fairlearn or scikit-learn, as `module:function`."""
    aif360: tuple[str, ...] = ()
    """Its methods in AIF360: of the rate, and of its difference and ratio where it has names for them."""

    @property
    def lowest_if_unscored(self) -> tuple[Cell, ...]:
        """Unscored cells that join the denominator when unscored cases count so that the rate is lowest."""
        against = set(self.denominator).difference(self.numerator)
        return tuple(cell for cell, answers in self._could_join if against.intersection(answers))

    @property
    def highest_if_unscored(self) -> tuple[Cell, ...]:
        """Unscored cells that join numerator and denominator when the rate is to be highest."""
        return tuple(cell for cell, answers in self._could_join if set(answers).intersection(self.numerator))

    @property
    def _could_join(self) -> list[tuple[Cell, tuple[Cell, Cell]]]:
        """Unscored cells that are not in the rate already, with the cells that an answer would put them in."""
        return [(cell, answers) for cell, answers in _IF_ANSWERED.items() if cell not in self.denominator]

    @property
    def denominator_is(self) -> _Source:
        """Source of the denominator: the labels (known before scoring), the decisions, or every scored case."""
        cells = set(self.denominator)
        if any(len(cells.intersection(answers)) == 1 for answers in _IF_ANSWERED.values()):
            return "decisions"
        return "cases" if Cell.UNLABELLED_FLAGGED in cells else "labels"

    @property
    def is_of_good(self) -> bool:
        """Whether the rate counts right answers among right and wrong ones: its complement is the share of errors."""
        return self._is_share(_RIGHT, _WRONG)

    @property
    def is_told_as_errors(self) -> bool:
        """Whether reports state its complement, the share of errors, for which this project has words."""
        return self.is_of_good and bool(self.report.error)

    @property
    def suffered(self) -> Suffered | None:
        """What the rate is about; None where it counts neither right answers, nor errors, nor flags."""
        if self.is_of_good or self._is_share(_WRONG, _RIGHT):
            return _OF_ONE_LABEL.get(frozenset(self.denominator), "wrong")
        is_of_flags = self.denominator_is != "decisions" and self._is_share(_FLAGGED, _NOT_FLAGGED)
        return "flagged" if is_of_flags else None

    def _is_share(self, counted: Collection[Cell], others: Collection[Cell]) -> bool:
        rest = set(self.denominator).difference(self.numerator)
        return set(counted).issuperset(self.numerator) and set(others).issuperset(rest)


_RIGHT: Final = (Cell.TP, Cell.TN)
_WRONG: Final = (Cell.FN, Cell.FP)
_FLAGGED: Final = (Cell.TP, Cell.FP, Cell.UNLABELLED_FLAGGED)
_NOT_FLAGGED: Final = (Cell.FN, Cell.TN, Cell.UNLABELLED_NOT_FLAGGED)
VICTIMS: Final = frozenset((Cell.TP, Cell.FN))
"""Cells of the scored cases that are labelled as exploitation."""
OTHERS: Final = frozenset((Cell.FP, Cell.TN))
"""Cells of the scored cases that are labelled as no exploitation."""
_OF_ONE_LABEL: Final[Mapping[frozenset[Cell], Suffered]] = {VICTIMS: "missed", OTHERS: "wrongly_flagged"}
_IF_ANSWERED: Final[Mapping[Cell, tuple[Cell, Cell]]] = {
    Cell.UNSCORED_POSITIVE: (Cell.TP, Cell.FN),
    Cell.UNSCORED_NEGATIVE: (Cell.FP, Cell.TN),
    Cell.UNSCORED_UNLABELLED: (Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED),
}
"""Cells in which an unscored case would stand if the detector had flagged it, and if it had not."""
CELL_NAMES: Final[Mapping[str, Cell]] = {
    cell.name if len(cell.name) == len("TP") else cell.value: cell for cell in Cell
}
"""Cells by their names in a table of rates: `TP`, `unlabelled_flagged`."""


def cells_called(names: Sequence[str]) -> tuple[Cell, ...]:
    """Cells by their names in a table of rates, in the order of `Cell`. KeyError for a name that is none."""
    return tuple(sorted((CELL_NAMES[name] for name in names), key=list(Cell).index))


def formula_of(numerator: Sequence[Cell], denominator: Sequence[Cell]) -> str:
    """Write a rate in counts: `TN / (FN + TN)`."""
    names = {cell: name for name, cell in CELL_NAMES.items()}
    sums = [" + ".join(names[cell] for cell in cells) for cells in (numerator, denominator)]
    return " / ".join(f"({text})" if " " in text else text for text in sums)


def _declared(name: str, entry: Mapping[str, Any]) -> Metric:
    """Make a rate of its entry in `data/rates.toml`."""
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    numerator, denominator = (cells_called(fields.pop(key)) for key in ("numerator", "denominator"))
    fields["worse"], fields["report"] = Worse(fields.pop("harm")), RateWords(**fields.pop("report"))
    fields.setdefault("formula", formula_of(numerator, denominator))
    return Metric(name=name, numerator=numerator, denominator=denominator, **fields)


METRICS: Final[Mapping[MetricName, Metric]] = MappingProxyType(
    {
        name: _declared(name, entry)
        for name, entry in tomllib.loads(
            (Path(__file__).parent / "data" / "rates.toml").read_text(encoding="utf-8")
        ).items()
    }
)
"""The rates of this project by name."""


def worse_direction(metric: Metric, route: Literal["services", "enforcement", "both"]) -> Worse:
    """Direction in which `metric` harms when flags go to `route`: LOW, HIGH, or NOT_JUDGED where it has none."""
    if metric.worse is not Worse.BY_ROUTE:
        return metric.worse
    return {"services": Worse.LOW, "enforcement": Worse.HIGH, "both": Worse.NOT_JUDGED}[route]


def depends_on_decisions(numerator: Collection[Cell], denominator: Collection[Cell]) -> bool:
    """Whether a rate can change when cases are decided otherwise; else it is a property of the labels."""
    return any(
        (flagged in cells) != (not_flagged in cells)
        for flagged, not_flagged in _IF_ANSWERED.values()
        for cells in (numerator, denominator)
    )


def metric_definitions(
    metrics: Iterable[Metric], route: Literal["services", "enforcement", "both"]
) -> tuple[MetricDefinition, ...]:
    """Return what a result says of every rate, when flags go to `route`."""
    return tuple(
        MetricDefinition(
            name=metric.name,
            plain=metric.plain,
            counted=metric.counted,
            among=metric.among,
            definition=metric.definition,
            formula=metric.formula,
            worse=worse_direction(metric, route).value,
            numerator=() if metric.name in METRICS else metric.numerator,
            denominator=() if metric.name in METRICS else metric.denominator,
        )
        for metric in metrics
    )


def metric_called(word: str) -> Metric | None:
    """Metric with this name, plain name, abbreviation or other name in the field; None if there is none."""
    name = _names_in_use().get(_plain(word))
    return METRICS[name] if name else None


def metrics_like(word: str, most: int = 3) -> list[Metric]:
    """Metrics whose names resemble `word`, the most similar first."""
    names = _names_in_use()
    near = difflib.get_close_matches(_plain(word)[:60], names, n=3 * most, cutoff=0.5)
    return [METRICS[name] for name in dict.fromkeys(names[match] for match in near)][:most]


def _names_in_use() -> dict[str, MetricName]:
    names = {word: metric.name for metric in METRICS.values() for word in metric.plan_words}
    for metric in METRICS.values():
        names.update({_plain(also): metric.name for also in metric.also_called})
        names[_plain(metric.plain)] = names[_plain(metric.name)] = metric.name
    return names


def _plain(word: str) -> str:
    return " ".join(re.split(r"[\s_-]+", word.strip().casefold()))


MISSED: Final = tuple(name for name, metric in METRICS.items() if set(metric.denominator) == VICTIMS)
"""Rates of ours that speak of victims missed."""
WRONGLY_FLAGGED: Final = tuple(name for name, metric in METRICS.items() if set(metric.denominator) == OTHERS)
"""Rates of ours that speak of people wrongly flagged."""
ERROR_RATES: Final[Mapping[str, MetricName]] = {
    "missed": "false_negative_rate",
    "wrongly_flagged": "false_positive_rate",
}
"""The rate that counts each error."""


def error_of(metric: Metric, rate: float) -> float:
    """State a rate as a share of errors: victims missed, people wrongly flagged, flags that are wrong. A rate that a
    plan declares stays as it is, because the plan has no words for its errors.
    """
    return 1 - rate if metric.is_told_as_errors else rate
