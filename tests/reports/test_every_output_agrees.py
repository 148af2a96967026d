"""Audits of every kind, run as users run them: every output says the same of the same findings.

Each is read by `made.mouths` and held against `result.json` or, in public, against `release.json`.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made import mouths
from made.audited import KINDS, Audited, Maker
from made.mouths import (
    SHARES,
    UNNAMED,
    Account,
    Finding,
    Names,
    exact,
    exact_comment,
    exact_gate,
    first_lines,
    sarif,
    suites,
    terminal_rows,
)
from made.pdfs import opened
from made.public import without_beyond
from made.releases import made_release
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.public.release import PublicWord
from reports.public.html.document import html_file
from reports.public.html.letter import letter_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_of_an_audit_says_the_same(kind: str, tmp_path: Path) -> None:
    check(Maker(kind, 0, tmp_path / kind).audited())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(1, 9))
def test_a_hundred_audits_say_the_same_everywhere(kind: str, seed: int, tmp_path: Path) -> None:
    check(Maker(kind, seed, tmp_path / kind).audited())


def check(audited: Audited) -> None:
    wrong = list(disagreements(audited))
    assert not wrong, "\n".join(wrong)


def disagreements(audited: Audited) -> Iterator[str]:
    if audited.kind == "nights":
        yield from nightly_disagreements(audited)
        return
    document = json.loads((audited.out / "result.json").read_text(encoding="utf-8"))
    yield from public_disagreements(audited)
    expected, names = exact(document), Names(tuple(document["features"]))
    metrics = {rule["rule"]: rule["metric"] for rule in document["rules"]}
    out = audited.out

    def read(name: str) -> str:
        return (out / name).read_text(encoding="utf-8")

    yield from differing("junit.xml", suites(read("junit.xml"), names.group), expected)
    yield from differing("restricted.sarif.json", sarif(read("restricted.sarif.json"), names.group), expected)
    yield from differing("restricted.md", exact_comment(read("restricted.md"), names.group), expected)
    yield from differing("gate --restricted", exact_gate(audited.printed["exact gate"], names.group), expected)
    page = mouths.exact_page(read("report.html"), document, names.group)
    yield from differing_page("report.html", page, expected, metrics)
    yield from differing("run", first_lines(audited.printed["run"]), expected)
    for word, name, share in terminal_rows(audited.printed["run"]):
        group = names.group(name)
        statement = {
            finding.word
            for finding in expected.findings
            if finding.group == group and (not share or metrics.get(finding.rule) == SHARES[share])
        }
        if "…" not in name and word not in statement:
            yield f"run: {name} ({share}) is {word}; result.json: {statement}"


def nightly_disagreements(audited: Audited) -> Iterator[str]:
    """Yield what the gate of many nights says otherwise than the document that it prints."""
    document = json.loads(audited.printed["gate as JSON"])
    outcome = document["headline"]["outcome"]
    for name in ("gate", "exact gate"):
        statement = re.findall(r"^\W (FAIL|PASS|INCONCLUSIVE)\b", audited.printed[name], re.MULTILINE)
        if [item.lower() for item in statement] != [outcome]:
            yield f"{name}: {statement}; it is {outcome}"
    words = {"fail": "beyond", "pass": "within", "not_evaluable": "no_rate"}
    for rule in document["sequential"]["rules"]:
        undecided = {True: "cannot_tell", False: "not_judged_alone"}
        counts = Counter(words.get(item["outcome"], undecided[item["judged"]]) for item in rule["groups"])
        line = next(item for item in audited.printed["exact gate"].splitlines() if item.startswith(f"{rule['rule']}: "))
        if mouths.tally(line) != counts:
            yield f"exact gate: {line}; it is {dict(counts)}"


def public_disagreements(audited: Audited) -> Iterator[str]:
    def read(name: str) -> str:
        return (audited.out / "public" / name).read_text(encoding="utf-8")

    expected = mouths.public(json.loads(read("release.json")), read("groups.csv"))
    sides = {"true_positive_rate": "positives", "false_positive_rate": "negatives"}
    by_rule = {rule["rule"]: sides.get(rule["metric"], "both") for rule in json.loads(read("release.json"))["rules"]}
    named = {(row["side"], row["group"]): row["name"] for row in csv.DictReader(read("groups.csv").splitlines())}

    def keys(rule: str, key: str) -> str:
        return named.get((by_rule.get(rule, ""), key), key)

    accounts = {
        "junit.xml": suites(read("junit.xml"), mouths.as_written),
        "gate": mouths.public_gate(audited.printed["gate"]),
        "report.sarif.json": sarif(read("report.sarif.json"), mouths.as_written),
        "test-result.intoto.json": mouths.tests_of(read("test-result.intoto.json"), keys),
        "metrics.txt": mouths.open_metrics(read("metrics.txt"), keys),
        "gl-code-quality.json": mouths.code_quality(read("gl-code-quality.json")),
        "annotations.txt": mouths.github_annotations(read("annotations.txt")),
        "badge.svg": mouths.badge(read("badge.svg")),
        "model.cdx.json": mouths.model_card(read("model.cdx.json")),
        "summary.md": mouths.comment(read("summary.md"), expected.rules),
        "comment.md": mouths.comment(read("comment.md"), expected.rules),
    }
    for name, account in accounts.items():
        yield from differing(f"public/{name}", account, expected)
    metrics = {rule["rule"]: rule["metric"] for rule in json.loads(read("release.json"))["rules"]}
    page, letter = mouths.public_page(read("report.html")), mouths.public_page(read("letter.html"))
    yield from differing_page("public/report.html", page, expected, metrics)
    yield from differing("public/letter.html", letter.account, expected)
    for name in ("atrs.csv", "fria.csv", "algoritmeregister.csv"):
        yield from differing_register(f"public/{name}", mouths.register(read(name)), expected, metrics)


def differing_page(output: str, page: mouths.Page, expected: Account, metrics: Mapping[str, str]) -> Iterator[str]:
    """Yield what the tables and the first screen of a page say otherwise."""
    yield from differing(output, page.account, expected)

    def metric_of(rule: str) -> str:
        kind, _, name = rule.rpartition(" ")
        return f"{kind} {metrics.get(name, '')}".strip()

    known = {(metric_of(finding.rule), finding.group, finding.word) for finding in expected.findings}
    for rate in page.rates - known:
        yield f"{output}: {rate} stands in a table, and there is {[item for item in known if item[:2] == rate[:2]]}"
    groups = {item for item in known if item[0] and item[2] == "beyond" and item[1] != frozenset({UNNAMED})}
    for rate in groups - page.rates:
        of_everyone = "no row of its own" in page.first and rate[1] == frozenset({"Everyone"})
        if not of_everyone and not any(part.startswith("together") or part in page.first for part in rate[1]):
            yield f"{output}: {rate} stands in no table"
    tally = expected.tallies.get("all", Counter())
    for count, word, among in page.counts:
        if (count, among) != (tally[word], tally.total()):
            yield f"{output}: {count} {word} of {among}; they are {tally[word]} of {tally.total()}"
    statement = "beyond" in [word for _, word, _ in page.counts] or "nationalities beyond the limit" in page.first
    if page.counts and expected.outcome == "fail" and not statement:
        yield f"{output}: the numbers of the first screen say nothing of what is beyond the limit"
    if expected.outcome == "fail" and "beyond the limit: 0" in page.first.lower():
        yield f"{output}: the first screen says fail, and that nothing is beyond the limit"


def differing_register(output: str, account: Account, expected: Account, metrics: Mapping[str, str]) -> Iterator[str]:
    """Yield what a file for a register says otherwise: its tallies are in the order of rules."""
    for (position, counts), rule in zip(account.tallies.items(), metrics, strict=False):
        if counts != +expected.tallies.get(rule, Counter()):
            yield f"{output}: tally {position} {dict(counts)}; it is {dict(expected.tallies.get(rule, {}))}"
    named = {finding.group for finding in expected.findings if finding.word == "beyond"}
    for finding in account.findings:
        if finding.group not in named or finding.word != "beyond":
            yield f"{output}: {finding}"


def differing(output: str, account: Account, expected: Account) -> Iterator[str]:
    """Yield what an output says otherwise than the whole account."""
    if account.outcome and account.outcome != expected.outcome:
        yield f"{output}: the verdict is {account.outcome}; it is {expected.outcome}"
    for rule, outcome in account.rules.items():
        if rule in expected.rules and outcome != expected.rules[rule]:
            yield f"{output}: {rule} is {outcome}; it is {expected.rules[rule]}"
    for rule, tally in account.tallies.items():
        if rule in expected.tallies and +tally != +expected.tallies[rule]:
            yield f"{output}: tally of {rule} {dict(tally)}; it is {dict(expected.tallies[rule])}"
    for finding in account.findings:
        if finding not in expected.findings and not (account.by_outcome and _same_outcome(finding, expected)):
            other = {item.word for item in expected.findings if item[:2] == finding[:2]}
            group = "+".join(sorted(finding.group))
            yield f"{output}: {finding.rule}, {group} is {finding.word}; it is {other or 'no finding'}"
    for rule in dict.fromkeys(finding.rule for finding in expected.findings):
        due = Counter({f: n for f, n in expected.findings.items() if f.rule == rule and f.word in account.complete})
        listed = Counter({f: n for f, n in account.findings.items() if f.rule == rule and f.word in account.complete})
        missing = due - listed
        if account.by_outcome:
            missing = Counter(f for f in due if not _same_outcome(f, account))
        if missing and (account.most is None or listed.total() < account.most):
            yield f"{output}: {rule} leaves out {[('+'.join(sorted(f.group)), f.word) for f in missing][:4]}"


def _same_outcome(finding: Finding, account: Account) -> bool:
    return any(item[:2] == finding[:2] and item.outcome == finding.outcome for item in account.findings)


def test_a_smaller_group_within_everyone_has_a_page_and_a_letter() -> None:
    """Where no other row hides a group that fails, that of everyone does; it is by no feature."""
    release = without_beyond(made_release("fail"))
    rule = release.rules[0]
    holds = PublicWord(rule=rule.rule, word=None, because=None, smaller_beyond=True)
    rows = tuple(
        row if row.parts or row.side != "positives" else row.model_copy(update={"words": (holds,)})
        for row in release.rows
    )
    release = release.model_copy(update={"rows": rows})
    assert "A smaller group in these rows is beyond the limit" in html_file(release)
    assert "Everyone" in letter_file(release)


SERVED = ("large", "unknown", "probes", "together", "waived", "small")
"""Kinds whose plan alone says all of their audit, so that pytest can run it again."""
LOG = """
import json, sys
import mlflow
from audit.cli.mlflow_run import log_audit
found = {}
for folder in sys.argv[1:]:
    for restricted in (False, True):
        with mlflow.start_run() as run:
            log_audit(folder, restricted=restricted)
        data = mlflow.MlflowClient().get_run(run.info.run_id).data
        found[f"{folder} {restricted}"] = [data.metrics, data.tags["audit7k.verdict"]]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> list[Audited]:
    folder = tmp_path_factory.mktemp("served")
    return [Maker(kind, seed, folder / f"{kind}-{seed}").audited() for kind in SERVED for seed in (31, 32)]


def child(folder: Path, *arguments: str) -> str:
    """Run Python in a folder; what it printed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_TRACKING_URI": (folder / "store").as_uri(),
        "GIT_PYTHON_REFRESH": "quiet",
    }
    command = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def accounts_of(audited: Audited) -> tuple[Account, Account, Names]:
    """What the exact and the public data of an audit say."""
    public = audited.out / "public"
    document = json.loads((audited.out / "result.json").read_text(encoding="utf-8"))
    release = json.loads((public / "release.json").read_text(encoding="utf-8"))
    rows = (public / "groups.csv").read_text(encoding="utf-8")
    return exact(document), mouths.public(release, rows), Names(tuple(document["features"]))


def test_mlflow_says_the_same(served: list[Audited]) -> None:
    folder = served[0].folder.parent
    printed = child(folder, "-c", LOG, *(str(audited.out) for audited in served))
    runs = json.loads(printed.splitlines()[-1])
    wrong: list[str] = []
    for audited in served:
        expected, public, _ = accounts_of(audited)
        for is_exact, account in ((True, expected), (False, public)):
            run = mouths.logged(*runs[f"{audited.out} {is_exact}"])
            wrong += [f"{audited.folder.name}: {line}" for line in differing("MLflow", run, account)]
    assert not wrong, "\n".join(wrong)


def test_pytest_says_the_same_of_groups(served: list[Audited]) -> None:
    folder = served[0].folder.parent
    names = {audited.folder: f"test_{audited.folder.name.replace('-', '_')}" for audited in served}
    tests = [
        f'@pytest.mark.audit7k("{audited.folder.name}/plan.toml")\n'
        f"def {names[audited.folder]}(audit7k_verdict):\n    pass\n"
        for audited in served
    ]
    (folder / "test_gate.py").write_text("import pytest\n" + "\n".join(tests), encoding="utf-8")
    options = ("-q", "-p", "no:cacheprovider", "--junitxml", "cases.xml", "--audit7k-restricted")
    child(folder, "-m", "pytest", *options, "test_gate.py")
    cases = list(ET.parse(folder / "cases.xml").getroot().iter("testcase"))
    wrong = []
    for audited in served:
        expected, _, groups = accounts_of(audited)
        account = mouths.tested(cases, names[audited.folder], groups.group)
        assert account.findings
        wrong += [f"{audited.folder.name}: {line}" for line in differing("pytest", account, expected)]
    assert not wrong, "\n".join(wrong)


def test_a_portal_says_the_same(served: list[Audited]) -> None:
    folder = served[0].folder.parent
    with chdir(folder):
        done = CliRunner().invoke(app, ["portal", ".", "--out", "site", "--lang", "en"], catch_exceptions=False)
    assert f"audits: {len(served)}, systems: {len(served)}" in done.stdout + done.stderr
    pages = [path.read_text(encoding="utf-8") for path in sorted((folder / "site" / "systems").glob("*.html"))]
    wrong = []
    for audited in served:
        name = f"Screener of {audited.kind} {audited.folder.name}"
        page = next(page for page in pages if f"{name}</" in page.partition("</h1>")[0])
        _, expected, _ = accounts_of(audited)
        release = json.loads((audited.out / "public" / "release.json").read_text(encoding="utf-8"))
        rules = [rule["rule"] for rule in release["rules"]]
        account = mouths.portal_page(page, rules if len(rules) == 1 else ())
        wrong += [f"{audited.folder.name}: {line}" for line in differing("portal", account, expected)]
        named = {item for finding in expected.findings if finding.word == "beyond" for item in finding.group} - {
            UNNAMED,
            "Everyone",
        }
        shown = {item for item in named if item.rpartition(" ")[2] in page or item in page}
        if named and not shown:
            wrong.append(f"{audited.folder.name}: the portal names none of {named}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", ["large", "probes", "together"])
def test_a_pdf_says_the_same(kind: str, tmp_path: Path) -> None:
    maker = Maker(kind, 31, tmp_path / kind)
    audited = maker.audited()
    with chdir(audited.folder):
        maker.run("pdf", "report", "out", "--format", "pdf", "--out", "pdf")
    document = opened((audited.folder / "pdf" / "report.pdf").read_bytes())
    shown = "\n".join(page.extract_text() for page in document.pages)
    _, expected, _ = accounts_of(audited)
    wrong = list(differing("report.pdf", mouths.document_text(shown), expected))
    assert not wrong, "\n".join(wrong)
