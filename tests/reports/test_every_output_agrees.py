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
    whole, names = exact(document), Names(tuple(document["features"]))
    metrics = {rule["rule"]: rule["metric"] for rule in document["rules"]}
    out = audited.out

    def read(name: str) -> str:
        return (out / name).read_text(encoding="utf-8")

    yield from differing("junit.xml", suites(read("junit.xml"), names.group), whole)
    yield from differing("restricted.sarif.json", sarif(read("restricted.sarif.json"), names.group), whole)
    yield from differing("restricted.md", exact_comment(read("restricted.md"), names.group), whole)
    yield from differing("gate --restricted", exact_gate(audited.printed["exact gate"], names.group), whole)
    page = mouths.exact_page(read("report.html"), document, names.group)
    yield from differing_page("report.html", page, whole, metrics)
    yield from differing("run", first_lines(audited.printed["run"]), whole)
    for word, name, share in terminal_rows(audited.printed["run"]):
        group = names.group(name)
        told = {
            finding.word
            for finding in whole.findings
            if finding.group == group and metrics.get(finding.rule) == SHARES[share]
        }
        if "…" not in name and word not in told:
            yield f"run: {name} ({share}) is {word}; result.json: {told}"


def nightly_disagreements(audited: Audited) -> Iterator[str]:
    """Yield what the gate of many nights says otherwise than the document that it prints."""
    document = json.loads(audited.printed["gate as JSON"])
    outcome = document["headline"]["outcome"]
    for name in ("gate", "exact gate"):
        told = re.findall(r"^\W (FAIL|PASS|INCONCLUSIVE)\b", audited.printed[name], re.MULTILINE)
        if [each.lower() for each in told] != [outcome]:
            yield f"{name}: {told}; it is {outcome}"
    words = {"fail": "beyond", "pass": "within", "not_evaluable": "no_rate"}
    for rule in document["sequential"]["rules"]:
        undecided = {True: "cannot_tell", False: "not_judged_alone"}
        counts = Counter(words.get(each["outcome"], undecided[each["judged"]]) for each in rule["groups"])
        line = next(each for each in audited.printed["exact gate"].splitlines() if each.startswith(f"{rule['rule']}: "))
        if mouths.tally(line) != counts:
            yield f"exact gate: {line}; it is {dict(counts)}"


def public_disagreements(audited: Audited) -> Iterator[str]:
    def read(name: str) -> str:
        return (audited.out / "public" / name).read_text(encoding="utf-8")

    whole = mouths.public(json.loads(read("release.json")), read("groups.csv"))
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
        "summary.md": mouths.comment(read("summary.md"), whole.rules),
        "comment.md": mouths.comment(read("comment.md"), whole.rules),
    }
    for name, account in accounts.items():
        yield from differing(f"public/{name}", account, whole)
    metrics = {rule["rule"]: rule["metric"] for rule in json.loads(read("release.json"))["rules"]}
    page, letter = mouths.public_page(read("report.html")), mouths.public_page(read("letter.html"))
    yield from differing_page("public/report.html", page, whole, metrics)
    yield from differing("public/letter.html", letter.account, whole)
    for name in ("atrs.csv", "fria.csv", "algoritmeregister.csv"):
        yield from differing_register(f"public/{name}", mouths.register(read(name)), whole, metrics)


def differing_page(output: str, page: mouths.Page, whole: Account, metrics: Mapping[str, str]) -> Iterator[str]:
    """Yield what the tables and the first screen of a page say otherwise."""
    yield from differing(output, page.account, whole)

    def metric_of(rule: str) -> str:
        kind, _, name = rule.rpartition(" ")
        return f"{kind} {metrics.get(name, '')}".strip()

    known = {(metric_of(finding.rule), finding.group, finding.word) for finding in whole.findings}
    for rate in page.rates - known:
        yield f"{output}: {rate} stands in a table, and there is {[each for each in known if each[:2] == rate[:2]]}"
    groups = {each for each in known if each[0] and each[2] == "beyond" and each[1] != frozenset({UNNAMED})}
    for rate in groups - page.rates:
        of_everyone = "no row of its own" in page.first and rate[1] == frozenset({"Everyone"})
        if not of_everyone and not any(part.startswith("together") or part in page.first for part in rate[1]):
            yield f"{output}: {rate} stands in no table"
    tally = whole.tallies.get("all", Counter())
    for count, word, among in page.counts:
        if (count, among) != (tally[word], tally.total()):
            yield f"{output}: {count} {word} of {among}; they are {tally[word]} of {tally.total()}"
    told = "beyond" in [word for _, word, _ in page.counts] or "nationalities beyond the limit" in page.first
    if page.counts and whole.outcome == "fail" and not told:
        yield f"{output}: the numbers of the first screen say nothing of what is beyond the limit"
    if whole.outcome == "fail" and "beyond the limit: 0" in page.first.lower():
        yield f"{output}: the first screen says fail, and that nothing is beyond the limit"


def differing_register(output: str, account: Account, whole: Account, metrics: Mapping[str, str]) -> Iterator[str]:
    """Yield what a file for a register says otherwise: its tallies are in the order of rules."""
    for (place, counts), rule in zip(account.tallies.items(), metrics, strict=False):
        if counts != +whole.tallies.get(rule, Counter()):
            yield f"{output}: tally {place} {dict(counts)}; it is {dict(whole.tallies.get(rule, {}))}"
    named = {finding.group for finding in whole.findings if finding.word == "beyond"}
    for finding in account.findings:
        if finding.group not in named or finding.word != "beyond":
            yield f"{output}: {finding}"


def differing(output: str, account: Account, whole: Account) -> Iterator[str]:
    """Yield what an output says otherwise than the whole account."""
    if account.outcome and account.outcome != whole.outcome:
        yield f"{output}: the verdict is {account.outcome}; it is {whole.outcome}"
    for rule, outcome in account.rules.items():
        if rule in whole.rules and outcome != whole.rules[rule]:
            yield f"{output}: {rule} is {outcome}; it is {whole.rules[rule]}"
    for rule, tally in account.tallies.items():
        if rule in whole.tallies and +tally != +whole.tallies[rule]:
            yield f"{output}: tally of {rule} {dict(tally)}; it is {dict(whole.tallies[rule])}"
    for finding in account.findings:
        if finding not in whole.findings and not (account.by_outcome and _same_outcome(finding, whole)):
            other = {each.word for each in whole.findings if each[:2] == finding[:2]}
            group = "+".join(sorted(finding.group))
            yield f"{output}: {finding.rule}, {group} is {finding.word}; it is {other or 'no finding'}"
    for rule in dict.fromkeys(finding.rule for finding in whole.findings):
        due = Counter({f: n for f, n in whole.findings.items() if f.rule == rule and f.word in account.complete})
        listed = Counter({f: n for f, n in account.findings.items() if f.rule == rule and f.word in account.complete})
        missing = due - listed
        if account.by_outcome:
            missing = Counter(f for f in due if not _same_outcome(f, account))
        if missing and (account.most is None or listed.total() < account.most):
            yield f"{output}: {rule} leaves out {[('+'.join(sorted(f.group)), f.word) for f in missing][:4]}"


def _same_outcome(finding: Finding, account: Account) -> bool:
    return any(each[:2] == finding[:2] and each.outcome == finding.outcome for each in account.findings)


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
        whole, public, _ = accounts_of(audited)
        for is_exact, account in ((True, whole), (False, public)):
            run = mouths.logged(*runs[f"{audited.out} {is_exact}"])
            wrong += [f"{audited.folder.name}: {line}" for line in differing("MLflow", run, account)]
    assert not wrong, "\n".join(wrong)


def test_pytest_says_the_same_of_groups(served: list[Audited]) -> None:
    folder = served[0].folder.parent
    names = {audited.folder: f"test_{audited.folder.name.replace('-', '_')}" for audited in served}
    tests = [
        f'@pytest.mark.audit7k("{audited.folder.name}/plan.toml")\ndef {names[audited.folder]}(audit7k_verdict):\n    pass\n'
        for audited in served
    ]
    (folder / "test_gate.py").write_text("import pytest\n" + "\n".join(tests), encoding="utf-8")
    options = ("-q", "-p", "no:cacheprovider", "--junitxml", "cases.xml", "--audit7k-restricted")
    child(folder, "-m", "pytest", *options, "test_gate.py")
    cases = list(ET.parse(folder / "cases.xml").getroot().iter("testcase"))
    wrong = []
    for audited in served:
        whole, _, groups = accounts_of(audited)
        account = mouths.tested(cases, names[audited.folder], groups.group)
        assert account.findings
        wrong += [f"{audited.folder.name}: {line}" for line in differing("pytest", account, whole)]
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
        _, whole, _ = accounts_of(audited)
        release = json.loads((audited.out / "public" / "release.json").read_text(encoding="utf-8"))
        rules = [rule["rule"] for rule in release["rules"]]
        account = mouths.portal_page(page, rules if len(rules) == 1 else ())
        wrong += [f"{audited.folder.name}: {line}" for line in differing("portal", account, whole)]
        named = {each for one in whole.findings if one.word == "beyond" for each in one.group} - {UNNAMED, "Everyone"}
        shown = {each for each in named if each.rpartition(" ")[2] in page or each in page}
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
    _, whole, _ = accounts_of(audited)
    wrong = list(differing("report.pdf", mouths.document_text(shown), whole))
    assert not wrong, "\n".join(wrong)
