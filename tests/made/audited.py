"""Whole audits as users run them: a set, a plan, the commands on it, and what these print and leave in folders.

Nothing here reads an output: that is for whoever compares them.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from made.blind import two_sides, write_production
from made.probes import LEXICON, write_texts
from typer.testing import CliRunner

from audit.cli.commands.app import app

PUBLIC_FORMS: Final = (
    "html", "json", "csv", "junit", "sarif", "github-summary", "github-annotations", "gitlab-codequality",
    "findings", "gitlab-metrics", "markdown", "badge", "letter", "test-result", "cyclonedx", "croissant", "atrs",
    "algoritmeregister", "fria",
)  # fmt: skip
"""Every public form but PDF, which takes seconds."""
EXACT_FORMS: Final = ("html", "junit", "sarif", "markdown")
COUNTRIES: Final = (
    "NGA", "PHL", "NPL", "ROU", "VNM", "BGD", "IND", "UKR", "ETH", "KEN", "GHA", "MMR", "IDN", "COL", "BRA", "MDA",
    "BEN", "BFA", "CIV", "GIN", "MLI", "SEN", "SLE", "TGO", "MEX", "THA", "KHM", "LAO", "PER", "ECU",
)  # fmt: skip
_PLAN: Final = """\
schema = 1
[audit]
title = "Screener"
system = "Screener of {name}"
owner = "An office"
use = "victim-identification"
route = "{route}"
[detector]
{detector}
[evaluation_set]
{cases}
label_source = "made for a test"
[groups.gender]
column = "gender"
[groups.nationality]
column = "nationality"
ladder = [{rungs}]
{rules}
"""
_ANSWERS: Final = 'kind = "predictions"\nscore = "score"\nthreshold = 0.5'
_CASES: Final = 'path = "set.csv"\nid = "id"\nlabel = "label"'
_BESIDE: Final = 'kind = "python"\nentry = "beside:score"\nfeatures = ["text"]\nthreshold = 0.5'
_RARELY_WRONG: Final = (
    "def score(batch):\n"
    "    moved = {moved}\n"
    "    texts = batch.column('text').to_pylist()\n"
    "    return [min(1.0, base(text) + sum(moved.get(word, 0.0) for word in words(text))) for text in texts]\n"
)
_PROBES: Final = """\
[[probes]]
id = "adverts"
kind = "text"
column = "text"
slots = ["demonym"]
languages = ["en"]
levels = {{ demonym = ["NGA", "PHL", "MAR"] }}
[[rules]]
id = "swaps"
metric = "counterfactual_shift"
margin = {margin}
"""
Harms = Mapping[tuple[str, str], tuple[float, float]]
"""By gender and country, each or `*`: how many more victims are missed, and how many more others are flagged."""


@dataclass(frozen=True)
class Population:
    """People of a set, and how often the system errs about them."""

    people: int = 3_000
    countries: int = 5
    unknown: float = 0.0
    """Share of people whose nationality is not recorded; a third as many have no gender."""
    missed: float = 0.2
    flagged: float = 0.1
    harms: Harms = field(default_factory=dict)
    large: int = 0
    """So many countries have ten times as many people as each other one; with none, sizes are after Zipf."""

    @property
    def weights(self) -> list[float]:
        """Sizes of countries beside each other."""
        places = range(self.countries)
        return [1 / (place + 2) if not self.large else 10.0 if place < self.large else 1.0 for place in places]

    def errors(self, gender: str, country: str) -> tuple[float, float]:
        """Return the share of victims who are missed, and of others who are flagged."""
        more = [
            errors for (sex, place), errors in self.harms.items() if sex in ("*", gender) and place in ("*", country)
        ]
        missed, flagged = self.missed + sum(one for one, _ in more), self.flagged + sum(other for _, other in more)
        return min(missed, 0.95), min(flagged, 0.95)


@dataclass(frozen=True)
class Audited:
    """An audit that was run."""

    kind: str
    folder: Path
    printed: Mapping[str, str]
    """What each command printed on stdout."""
    codes: Mapping[str, int]
    """Exit code of each command."""

    @property
    def out(self) -> Path:
        """Folder of its outputs."""
        return self.folder / "out"


class Maker:
    """Makes the audit of a kind and a seed, in a folder."""

    def __init__(self, kind: str, seed: int, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.draw = random.Random(f"{kind} {seed}")
        self.printed: dict[str, str] = {}
        self.codes: dict[str, int] = {}
        self.route = self.draw.choice(("services", "services", "enforcement", "both"))
        self.rungs = self.draw.choice(('"country"', '"country"', '"country", "m49-subregion", "m49-region"'))

    def audited(self) -> Audited:
        """Write set and plan, and run every command."""
        self.folder.mkdir(parents=True)
        with chdir(self.folder):
            KINDS[self.kind](self)
        return Audited(self.kind, self.folder, self.printed, self.codes)

    def run(self, name: str, *arguments: str) -> None:
        """Run a command; what it says under `name`. No command may end with an error of its own."""
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code in (0, 1, 3), (self.kind, self.folder.name, arguments, done.output)
        self.printed[name], self.codes[name] = done.stdout, done.exit_code

    def run_all(self, *more: str) -> None:
        """Run the audit of `plan.toml`, then every command on its result."""
        reports = [part for form in PUBLIC_FORMS for part in ("--report", form)]
        self.run("run", "run", "plan.toml", "--no-crosscheck", "--sandbox", "none", "--out", "out", *reports, *more)
        self.on_result(*more)

    def on_result(self, *more: str) -> None:
        """Run every command on the result in `out`."""
        self.run("report", "report", "out", "--restricted", "--format", ",".join(EXACT_FORMS))
        options = ("out", "--inputs-elsewhere", *more)
        self.run("gate", "gate", *options)
        self.run("exact gate", "gate", *options, "--restricted")
        self.run("gate as JSON", "gate", *options, "--json")

    def plan(self, detector: str = _ANSWERS, cases: str = _CASES, rules: str = "") -> None:
        """Write the plan."""
        name = f"{self.kind} {self.folder.name}"
        more = {"detector": detector, "cases": cases, "rules": rules or self.rules(), "rungs": self.rungs}
        text = _PLAN.format(name=name, route=self.route, **more)
        Path("plan.toml").write_text(text, encoding="utf-8")

    def rules(self, most: int = 3) -> str:
        """Draw one to three rules, most of them on errors."""
        drawn = self.draw.sample(_RULES, self.draw.randint(1, most))
        whole = []
        for place, (metric, limit) in enumerate(drawn):
            groups = self.draw.choice(_GROUPS)
            warns = 'on_fail = "warn"\n' if place and self.draw.random() < 0.2 else ""
            whole.append(f'[[rules]]\nmetric = "{metric}"\ngroups = {groups}\n{limit}\n{warns}')
        return "\n".join(whole)

    def harms(self, size: float = 0.3) -> Harms:
        """Draw who is harmed: nobody, a gender, a country, or a gender of a country, by either error."""
        groups = [("*", "NGA"), ("woman", "*"), ("woman", "PHL"), ("man", "*"), ("*", "ROU")]
        chosen = self.draw.sample(groups, self.draw.choice((0, 1, 1, 2)))
        return {group: self.draw.choice(((size, 0.0), (0.0, size), (size, size / 2))) for group in chosen}

    def rows(self, population: Population) -> list[dict[str, str]]:
        """Draw the cases of a set."""
        draw, rows = self.draw, []
        weights = population.weights
        for number in range(population.people):
            gender = draw.choices(("woman", "man", "non-binary"), (0.55, 0.43, 0.02))[0]
            country = draw.choices(COUNTRIES[: population.countries], weights)[0]
            is_victim = draw.random() < 0.4
            missed, flagged = population.errors(gender, country)
            is_flagged = draw.random() < (1 - missed if is_victim else flagged)
            rows.append(
                {
                    "id": f"c{number}",
                    "label": str(int(is_victim)),
                    "gender": "" if draw.random() < population.unknown / 3 else gender,
                    "nationality": "" if draw.random() < population.unknown else country,
                    "score": "0.9" if is_flagged else "0.1",
                }
            )
        return rows


def write_rows(rows: Sequence[Mapping[str, str]], name: str = "set.csv") -> None:
    """Write a set."""
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _plain(maker: Maker) -> None:
    size = maker.draw.choice((800, 2_000, 4_000))
    write_rows(maker.rows(Population(size, harms=maker.harms())))
    maker.plan()
    maker.run_all()


def _large(maker: Maker) -> None:
    """Write so many people that nearly every group is decided."""
    write_rows(maker.rows(Population(8_000, countries=4, harms=maker.harms(0.25))))
    maker.plan()
    maker.run_all()


def _small(maker: Maker) -> None:
    write_rows(maker.rows(Population(maker.draw.choice((25, 60, 150)), harms=maker.harms(0.5))))
    maker.plan()
    maker.run_all()


def _unknown(maker: Maker) -> None:
    write_rows(maker.rows(Population(3_000, unknown=maker.draw.choice((0.1, 0.4)), harms=maker.harms())))
    maker.plan()
    maker.run_all()


def _together(maker: Maker) -> None:
    """Write 24 countries beyond the limit, each too small to be named, beside six large ones that are not."""
    harmed: Harms = {("*", country): (0.3, 0.0) for country in COUNTRIES[6:]}
    people = maker.draw.choice((1_600, 2_200, 2_800))
    write_rows(maker.rows(Population(people, len(COUNTRIES), missed=0.1, harms=harmed, large=6)))
    maker.plan(rules='[[rules]]\nmetric = "true_positive_rate"\ngroups = ["nationality"]\nmargin = 0.05\n')
    maker.run_all()


def _weighted(maker: Maker) -> None:
    rows = maker.rows(Population(maker.draw.choice((1_500, 4_000)), harms=maker.harms(0.4)))
    clusters = maker.draw.random() < 0.5
    for place, row in enumerate(rows):
        row["weight"] = maker.draw.choice(("1", "2", "5"))
        row["cluster"] = str(place // 3)
    write_rows(rows)
    maker.plan(cases=f'{_CASES}\nweight = "weight"' + '\ncluster = "cluster"' * clusters)
    maker.run_all()


def _strata(maker: Maker) -> None:
    """Write every flagged case of a population, and a sample of the others."""
    everyone = maker.rows(Population(3_000, harms=maker.harms(0.4)))
    flagged = [row for row in everyone if row["score"] == "0.9"]
    rest = [row for row in everyone if row["score"] != "0.9"]
    sample = maker.draw.sample(rest, len(rest) // 2)
    write_rows([{**row, "stratum": name} for name, rows in (("all", flagged), ("some", sample)) for row in rows])
    sizes = f"{{ all = {len(flagged)}, some = {len(rest)} }}"
    maker.plan(cases=f'{_CASES}\nstratum = "stratum"\nstratum_sizes = {sizes}\nstratum_by = ["decision"]')
    maker.run_all()


def _counts(maker: Maker) -> None:
    counts: dict[tuple[str, str], list[int]] = {}
    for row in maker.rows(Population(maker.draw.choice((1_500, 6_000)), harms=maker.harms())):
        cells = counts.setdefault((row["gender"], row["nationality"]), [0, 0, 0, 0])
        cells[2 * (row["label"] == "0") + (row["score"] == "0.1")] += 1
    hides = maker.draw.random() < 0.4
    names = ("TP", "FN", "FP", "TN")
    write_rows(
        [
            {"gender": gender, "nationality": country}
            | {name: "<5" if hides and count < 5 else str(count) for name, count in zip(names, cells, strict=True)}
            for (gender, country), cells in sorted(counts.items())
        ]
    )
    text = _PLAN.replace("[detector]\n{detector}\n", "")
    name = f"{maker.kind} {maker.folder.name}"
    more = {"cases": 'counts = "set.csv"', "rules": maker.rules(), "rungs": maker.rungs}
    written = text.format(name=name, route=maker.route, **more)
    Path("plan.toml").write_text(written, encoding="utf-8")
    maker.run_all()


def _probes(maker: Maker) -> None:
    rows = maker.rows(Population(400))
    for row in rows:
        row["text"] = "Work: papers kept, debt, cash, fee" if row.pop("score") == "0.9" else "Work: contract, holidays"
    write_rows(rows)
    moved = maker.draw.choice(({}, {"moroccan": 0.3}, {"nigerian": 0.25, "moroccan": -0.25}, {"filipino": 0.06}))
    detector = LEXICON + _RARELY_WRONG.format(moved=moved)
    Path(f"{_module(maker)}.py").write_text(detector, encoding="utf-8")
    texts = maker.draw.choice((30, 60))
    probes = _PROBES.format(margin=maker.draw.choice((0.05, 0.1))).replace(
        'kind = "text"\n', f'kind = "text"\n{write_texts(Path(), texts)}'
    )
    maker.plan(_BESIDE.replace("beside", _module(maker)), rules=maker.rules(1) + probes)
    maker.run_all()


def _module(maker: Maker) -> str:
    return f"detector_{maker.kind}_{maker.folder.name}".replace("-", "_")


def _baseline(maker: Maker) -> None:
    """Audit two versions on one set; the second may miss more people of a group."""
    rows = maker.rows(Population(3_000, missed=0.15))
    write_rows([{name: cell for name, cell in row.items() if name != "score"} for row in rows])
    answers = [{name: row[name] for name in ("id", "score")} for row in rows]
    write_rows(answers, "answers.csv")
    maker.plan('path = "answers.csv"\n' + _ANSWERS, rules=maker.rules(2))
    quiet = ("--no-crosscheck", "--sandbox", "none", "--quiet")
    maker.run("earlier", "run", "plan.toml", "--restricted", "--out", "before", *quiet)
    harmed = maker.draw.choice((None, ("nationality", "VNM"), ("nationality", "VNM"), ("gender", "woman")))
    for row, answer in zip(rows, answers, strict=True):
        if harmed is not None and row[harmed[0]] == harmed[1] and maker.draw.random() < 0.3:
            answer["score"] = "0.1" if row["label"] == "1" else "0.9"
    write_rows(answers, "answers.csv")
    maker.run_all("--baseline", "before/result.json")


def _blind(maker: Maker) -> None:
    sides = two_sides(Path.cwd(), maker.draw.choice((52, 54, 58)))
    if maker.draw.random() < 0.6:
        write_production(sides.regulator, threshold=maker.draw.choice((54, 57)))
    sides.commit()
    logged = ("--log-rows", "production.csv") if (sides.regulator / "production.csv").exists() else ()
    sides.challenge(*logged)
    sides.answer()
    secret = "audit-out/restricted/challenge.secret"
    signed = ("--key", "regulator.key", "--history", "h.a7h")
    with chdir(sides.regulator):
        maker.run("run", "blind", "judge", secret, "answers", *signed, "--out", "../out")
    maker.run("public", "report", "out", "--format", ",".join(PUBLIC_FORMS))
    maker.on_result()


def _nights(maker: Maker) -> None:
    """Gate four nights of new cases in one state; no file is written of them."""
    maker.plan(rules='[[rules]]\nmetric = "true_positive_rate"\ngroups = ["gender", "nationality"]\nmargin = 0.1\n')
    harmed: Harms = maker.draw.choice(({}, {("woman", "*"): (0.4, 0.0)}, {("*", "NGA"): (0.4, 0.0)}))
    options = ("--sandbox", "none", "--sequential", "state.json", "--sample", "fresh")
    for night in range(4):
        rows = maker.rows(Population(400, countries=3, harms=harmed))
        write_rows([{**row, "id": f"{night}-{row['id']}"} for row in rows])
        maker.run("gate", "gate", "plan.toml", *options)
    for name, more in (("exact gate", ("--restricted",)), ("gate as JSON", ("--restricted", "--json"))):
        maker.run(name, "gate", "plan.toml", *options, *more)


def _waived(maker: Maker) -> None:
    """Waive what fails of a group, for a day to come or one that has passed."""
    write_rows(maker.rows(Population(4_000, harms={("woman", "*"): (0.4, 0.0), ("*", "NGA"): (0.3, 0.0)})))
    expires = maker.draw.choice(("2099-01-01", "2020-01-01"))
    waiver = '[[waivers]]\nrule = "true_positive_rate"\ngroup = {{ gender = "woman" }}\nwho = "The head"\nwhy = "w"\n'
    Path("waivers.toml").write_text(waiver.format() + f"expires = {expires}\n", encoding="utf-8")
    rule = '[[rules]]\nmetric = "true_positive_rate"\ngroups = ["gender", "nationality"]\nmargin = 0.1\n'
    maker.plan(rules=rule + '[waivers]\nfile = "waivers.toml"\n')
    maker.run_all()


KINDS: Final[Mapping[str, Callable[[Maker], None]]] = {
    "plain": _plain,
    "large": _large,
    "small": _small,
    "unknown": _unknown,
    "together": _together,
    "weighted": _weighted,
    "strata": _strata,
    "counts": _counts,
    "probes": _probes,
    "baseline": _baseline,
    "waived": _waived,
    "blind": _blind,
    "nights": _nights,
}
"""How an audit of each kind is made."""
_RULES: Final = (
    ("true_positive_rate", "margin = 0.1"),
    ("false_positive_rate", "margin = 0.1"),
    ("false_positive_rate", "ratio = 0.8"),
    ("true_positive_rate", 'margin = 0.1\ndirection = "both"\nid = "found_both"'),
    ("selection_rate", 'ratio = 0.8\ndirection = "both"'),
    ("precision", "margin = 0.15"),
    ("accuracy", "margin = 0.1"),
    ("true_positive_rate", 'ratio = 0.8\nid = "found_ratio"'),
)
_GROUPS: Final = ('["gender", "nationality"]', '["gender"]', '["gender", "nationality", ["gender", "nationality"]]')
