"""Counts with a long tail, a lattice over them, and a small public renderer, for the tests of disclosure control."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from xml.etree import ElementTree as ET

import numpy as np

from audit.counting.table import CountsTable
from audit.disclosure.lattice import Lattice, lattice_of
from audit.disclosure.method import Method, method_of
from audit.disclosure.vocabulary import Ladder, ladder_of
from audit.public.about import PublicAbout, PublicCoding, PublicDigest, PublicLook, PublicMetric, PublicSafeguard
from audit.public.table import PublicGroup, PublicRate, PublicRelease, PublicRule, PublicSide, group_key
from audit.vocabulary.groups import LevelName

SECRET = bytes(range(32))
GENDERS = {"man": 0.38, "non-binary": 0.02, "unknown": 0.05, "woman": 0.55}
RULE = PublicRule(rule="true_positive_rate", metric="true_positive_rate", scale="difference", limit=0.1, worse=("low",))
ABOUT = PublicAbout(
    title="Recruitment-advert screener 2.3",
    owner="Ministry of Labour, digital inspection unit",
    auditor="Example auditors",
    limits_set_by="A council of nine, before the data were seen",
    use="victim-identification",
    route="services",
    primary_harm="missed",
    label_source="NGO case files, double-coded",
    kind="predictions",
    decision="flagged where the score is at least 0.5",
    features=(),
    sensitive_features_used=(),
    codings=(
        PublicCoding(name="gender", coding="gender", given_to_detector=False),
        PublicCoding(name="nationality", coding="nationality", given_to_detector=False),
    ),
    metrics=(
        PublicMetric(
            name="true_positive_rate",
            plain="share of victims found",
            counted="victims found",
            among="victims",
            definition="Of all cases labelled as exploitation, the share that the detector flags.",
            formula="TP / (TP + FN)",
            worse="low",
        ),
    ),
    probe_rules=0,
    weighted=False,
    clustered=False,
    safeguards=(
        PublicSafeguard(
            clause="7(k)",
            words="and oversight",
            question="Who answers for the system and can stop it?",
            evidence="The plan names an owner.",
            state="declared",
        ),
    ),
    looks=(PublicLook(name="thresholds", asked=True),),
    finished="2026-11-20",
    valid_until="2027-11-20",
    tool="audit7k 0.0.0",
    plan_sha256="00" * 32,
    digests=(PublicDigest(of="evaluation_set", blake2b="11" * 32),),
    formats=("html",),
    languages=("en",),
)


def made_ladders(countries: int = 200, subregions: int = 22, regions: int = 5) -> list[Ladder]:
    """Gender and a nationality with three rungs, all codes made up."""
    genders = [LevelName(rung="level", code=code, name=code) for code in GENDERS]
    levels = [
        *(LevelName(rung="country", code=f"C{n:03}", name=f"Country {n}", parent=f"S{n % subregions:02}")
          for n in range(countries)),
        *(LevelName(rung="m49-subregion", code=f"S{n:02}", name=f"Sub-region {n}", parent=f"R{n % regions}")
          for n in range(subregions)),
        *(LevelName(rung="m49-region", code=f"R{n}", name=f"Region {n}") for n in range(regions)),
    ]  # fmt: skip
    return [
        ladder_of("gender", ["level"], genders, closed=True),
        ladder_of("nationality", ["country", "m49-subregion", "m49-region"], levels),
    ]


def made_lattice(countries: int = 200, subregions: int = 22, regions: int = 5) -> Lattice:
    """The lattice over `made_ladders`."""
    return lattice_of(made_ladders(countries, subregions, regions))


def made_counts(
    rows: int, seed: int, *, countries: int = 200, positives: float = 0.4, found: float = 0.8, flagged: float = 0.1
) -> CountsTable:
    """Rows split by gender and, Zipf, by nationality; rates of groups differ a little."""
    rng = np.random.default_rng(seed)
    weights = np.outer(1.0 / np.arange(1, countries + 1), list(GENDERS.values())).ravel()
    n = rng.multinomial(rows, weights / weights.sum())
    victims = rng.binomial(n, positives)
    missed = rng.binomial(victims, 1.0 - np.clip(rng.normal(found, 0.05, n.size), 0.02, 0.98))
    wrong = rng.binomial(n - victims, flagged)
    cells = np.zeros((n.size, 3, 4), dtype=np.int64)
    cells[:, 0, 0], cells[:, 0, 1] = victims - missed, missed
    cells[:, 1, 0], cells[:, 1, 1] = wrong, n - victims - wrong
    keys = [(gender, f"C{country:03}") for country in range(countries) for gender in GENDERS]
    return CountsTable.of(("gender", "nationality"), dict(zip(keys, cells, strict=True)))


def made_method(floor: int = 10) -> Method:
    """The default method over a set in which every case has a label and an answer."""
    return method_of(floor, absent=("unscored", "unlabelled"))


def render(release: PublicRelease) -> dict[str, bytes]:
    """A page with a chart in each row, a CSV, a JSON and a JUnit file: every place in which a number could leak."""
    rates = {group_key(rate.group): rate for rate in release.rates if rate.metric == "true_positive_rate"}
    words = {group_key(word.group): word.word for word in release.words}
    rows = [(group_key(row.group), row) for row in release.table.groups]
    shown = [(key, row, rates[key], words.get(key, "")) for key, row in rows]
    return {
        "report.html": _page(release, shown).encode(),
        "groups.csv": _csv(shown).encode(),
        "result.json": _json(release, shown).encode(),
        "junit.xml": _junit(release, shown).encode(),
    }


Shown = Sequence[tuple[str, PublicGroup, PublicRate, str]]


def missed_words(side: PublicSide, release: PublicRelease) -> str:
    method = release.table.method
    if side.shown == "value":
        return str(side.errors)
    if side.shown == "few_errors":
        return f"fewer than {method.few_errors}"
    if side.shown == "few_correct":
        return f"all but fewer than {method.few_correct}"
    return "-"


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{round(share * 100)}%"


def _page(release: PublicRelease, shown: Shown) -> str:
    body = []
    for key, row, rate, word in shown:
        chart = ""
        if rate.low is not None and rate.high is not None:
            low, high = round(rate.low * 100), round(rate.high * 100)
            chart = f'<svg height="10"><title>{low} to {high}</title><rect x="{low}%" width="{high - low}%"/></svg>'
        body.append(
            f'<tr data-group="{escape(key)}"><td>{row.positives.cases or "-"}</td>'
            f"<td>{missed_words(row.positives, release)}</td><td>{_per_cent(rate.value)}</td><td>{chart}</td>"
            f"<td>{word}</td></tr>"
        )
    everyone = release.table.groups[0].positives.cases
    below = sum(word.word == "below" for word in release.words)
    return (
        "<!doctype html><style>td{padding:3px}</style>"
        f"<p>{release.headline.outcome}: {below} groups below; about {everyone or '-'} victims in all.</p>"
        f"<table>{''.join(body)}</table>"
    )


def _csv(shown: Shown) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "victims", "missed", "found", "low", "high"])
    for key, row, rate, _ in shown:
        side = row.positives
        writer.writerow(
            [key, side.cases, side.errors, _per_cent(rate.value), _per_cent(rate.low), _per_cent(rate.high)]
        )
    return text.getvalue()


def _json(release: PublicRelease, shown: Shown) -> str:
    groups = [
        {"group": key, "victims": row.positives.cases, "rate": rate.value, "low": rate.low, "at_least": rate.at_least}
        for key, row, rate, _ in shown
    ]
    return json.dumps({"outcome": release.headline.outcome, "groups": groups})


def _junit(release: PublicRelease, shown: Shown) -> str:
    suite = ET.Element("testsuite", name="true_positive_rate")
    for key, row, _, word in shown:
        case = ET.SubElement(suite, "testcase", name=key)
        if word == "below":
            ET.SubElement(case, "failure", message=f"{missed_words(row.positives, release)} missed")
        elif word == "cannot_tell":
            ET.SubElement(case, "skipped", message="the protected figures do not tell")
    return ET.tostring(suite, encoding="unicode")


def changed_text(files: Mapping[str, bytes], name: str, old: str, new: str) -> dict[str, bytes]:
    """The same files with one text changed once."""
    before = files[name].decode()
    assert old in before
    return {**files, name: before.replace(old, new, 1).encode()}
