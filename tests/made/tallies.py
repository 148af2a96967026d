"""How many groups each surface of a release says are in which state, read from what it prints and from nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from made.formats import text_of
from made.pages import find_all, parsed, section, text

from audit.cli.mlflow_run import release_metrics
from audit.cli.outputs.gate_lines import public_lines
from audit.cli.testing.cases import JudgedPlan
from audit.cli.testing.log_lines import summary_lines
from audit.cli.testing.public_cases import public_cases
from audit.errors import ExitCode
from audit.public.figures import short_names
from audit.public.site import PortalIndex, PublicAudit, PublicSite
from audit.public.table import PublicRelease, group_key, has_words
from reports.portal import SitePortal
from reports.public.csv_file import PublicCsvReporter
from reports.public.downloads import table_csv
from reports.public.html import PublicHtmlReporter
from reports.public.json_file import PublicJsonReporter
from reports.public.junit_file import PublicJunitReporter
from reports.public.reading import PublicReading

Counts = tuple[int, int, int, int]
"""Beyond the limit, within it, cannot tell, not shown."""
ByRule = dict[str, Counts]

STATES = ("below", "meets", "cannot_tell", "not_shown")
WORST_FIRST = ("below", "cannot_tell", "not_shown", "meets")
PRINTED = re.compile(r"([\d,]+) (?:groups )?(beyond the limit|within|cannot tell|not shown)")
SCREEN = {"fail": "Exceeds the limit", "pass": "Within the limit", "inconclusive": "We cannot tell"}


def counts(states: Iterable[str]) -> Counts:
    found = Counter(states)
    assert set(found) <= set(STATES)
    return (found["below"], found["meets"], found["cannot_tell"], found["not_shown"])


def printed(line: str) -> Counts:
    """The counts of a line; a state that it leaves out has none."""
    found = {state: int(count.replace(",", "")) for count, state in PRINTED.findall(line)}
    return tuple(found.get(state, 0) for state in ("beyond the limit", "within", "cannot tell", "not shown"))  # type: ignore[return-value]


def once(states: Iterable[tuple[str, str]]) -> Counts:
    """Counts of rows, from key and state: the same people are one, at their worst."""
    people: dict[frozenset[str], list[str]] = {}
    for key, state in states:
        codes = frozenset(re.sub(r":[^:=]*=", "=", level) for level in key.split(","))
        people.setdefault(codes, []).append(state)
    return counts(min(found, key=WORST_FIRST.index) for found in people.values())


def by_surface(release: PublicRelease) -> dict[str, ByRule]:
    """The four counts of each rule, by the surface that says so. The release must have words."""
    rules = [rule.rule for rule in release.rules]
    document = json.loads(PublicJsonReporter().render(release))
    states: dict[str, list[tuple[str, str]]] = {rule: [] for rule in rules}
    keys = [group_key(word.group) for word in release.words]
    for word, key in zip(document["words"], keys, strict=True):
        states[word["rule"]].append((key, "not_shown" if word["why"] == "rate_not_shown" else word["word"]))
    rows = list(csv.DictReader(io.StringIO(PublicCsvReporter().render(release))))
    in_csv = {rule: [(row["group"], row[f"word under {rule}"]) for row in rows] for rule in rules}
    return {
        "release.json": {rule: once(states[rule]) for rule in rules},
        "groups.csv": {rule: once((key, state) for key, state in in_csv[rule] if state) for rule in rules},
        "report.html": _page(release),
        "junit.xml": _junit(release),
        "summary.md": _markdown(text_of("summary.md", release)),
        "comment.md": _markdown(text_of("comment.md", release)),
        "metrics.txt": _metrics(release),
        "gate": {
            line.partition(": ")[0]: printed(line) for line in public_lines(release) if ": in the protected" in line
        },
        "pytest": _tests(release),
        "pytest, rules": {
            str(case.rule): printed(case.text) for case in public_cases(release) if case.rule and case.group is None
        },
        "MLflow": _logged(release),
    }


def beyond(release: PublicRelease) -> dict[str, Counter[str]]:
    """How many groups are beyond the limit of each rule, by the files that name nothing else."""
    (run,) = json.loads(text_of("report.sarif.json", release))["runs"]
    entries = json.loads(text_of("gl-code-quality.json", release))
    return {
        "report.sarif.json": Counter(one["ruleId"] for one in run["results"] if "properties" in one["message"]),
        "gl-code-quality.json": Counter(one["check_name"] for one in entries if "group" in one),
    }


def in_all(release: PublicRelease) -> dict[str, Counts]:
    """The same over all rules: of the portal's index and pages, and of the end of a log of pytest."""
    audit = PublicAudit(name="audit", sha256="ab" * 32, release=release, report=False)
    files = SitePortal().render(PublicSite(audits=(audit,), today="2026-11-26", languages=("en",)))
    (system,) = PortalIndex.model_validate_json(files["index.json"]).systems
    (listed,) = system.audits
    shown = (listed.below, listed.meets, listed.cannot_tell, listed.not_shown)
    tallies = {
        f"{name} of the portal": printed(text(each))
        for name in ("index.html", system.page)
        for each in find_all(parsed(files[name].decode()), "ul")
        if each.get("class") == "tallies"
    }
    cases = public_cases(release)
    lines = " ".join(summary_lines(JudgedPlan(cases, (), "plan")))
    ends = {kind: re.search(rf"{kind} ([\d,]+) \(", lines) for kind in ("cannot tell of", "not shown")}
    left = [int(found[1].replace(",", "")) if found else 0 for found in ends.values()]
    decided = counts(_STATE_OF[case.outcome] for case in cases if case.group is not None)[:2]
    return {"index.json": shown, **tallies, "pytest, last lines": (*decided, *left)}  # type: ignore[dict-item]


def surfaces_agree(release: PublicRelease) -> None:
    """Every surface counts each rule's groups alike, adds them up alike, and begins with the verdict of the headline.

    Where no group has a word nothing is counted.
    """
    screen = text(section(parsed(PublicHtmlReporter().render(release)), "verdict"))
    said = [verdict for verdict, words in SCREEN.items() if screen.startswith(words)]
    assert said == [release.headline.outcome]
    assert ("stayed within the limit in every group" in screen) == (release.headline.outcome == "pass")
    assert json.loads(PublicJsonReporter().render(release))["headline"]["outcome"] == release.headline.outcome
    assert release_metrics(release)["audit7k/exit_code"] == ExitCode[release.headline.outcome.upper()]
    if not has_words(release):
        assert not PRINTED.search(" ".join(public_lines(release)))
        return
    rows_agree(release)
    first, *others = by_surface(release).items()
    if release.headline.outcome == "fail":
        sentence_agrees(release, screen, first[1])
    for surface, shown in others:
        assert shown == first[1], (surface, first[0])
    for surface, found in beyond(release).items():
        assert found == Counter({rule: of[0] for rule, of in first[1].items() if of[0]}), surface
    whole = tuple(map(sum, zip(*first[1].values(), strict=True)))
    for surface, total in in_all(release).items():
        assert total == whole, surface


SENTENCE = {
    "true_positive_rate": r"missed victims clearly more often in ([\d,]+) groups?\b",
    "false_positive_rate": r"wrongly flagged people clearly more often in ([\d,]+) groups?\b",
}
WORD_OF = {"below": "beyond the limit", "meets": "within the limit", "cannot_tell": "cannot tell"}


def sentence_agrees(release: PublicRelease, screen: str, counted: ByRule) -> None:
    """The sentence of a fail, and the number beside it, count as many groups beyond each limit as all else does."""
    assert len({rule.metric for rule in release.rules}) == len(release.rules), "a sentence counts groups, and no limits"
    for rule in release.rules:
        shown = [int(count.replace(",", "")) for count in re.findall(SENTENCE[rule.metric], screen)]
        assert shown == [count for count in counted[rule.rule][:1] if count], screen
    large = re.findall(r"([\d,]+) groups? beyond the limit of ", screen)
    assert {int(count.replace(",", "")) for count in large} <= {of[0] for of in counted.values() if of[0]}, screen
    assert len(large) == any(of[0] for of in counted.values())


def rows_agree(release: PublicRelease) -> None:
    """Every row and cell of the page, and every line of the file in it, has the word that the release has for it."""
    words = {
        (word.rule, group_key(word.group)): "not_shown" if word.why == "rate_not_shown" else word.word
        for word in release.words
    }
    keys = {short: key for key, short in short_names(group_key(row.group) for row in release.table.groups).items()}
    root = parsed(PublicHtmlReporter().render(release))
    by_metric: dict[str, str] = {rule.metric: rule.rule for rule in release.rules}
    seen = 0
    for table in find_all(root, "table"):
        classes = str(table.get("class")).split()
        metric = next((each.removeprefix("r-") for each in classes if each.startswith("r-")), "")
        for row in find_all(table, "tr") if metric in by_metric else ():
            key, said = keys.get(str(row.get("data-g"))), [each for each in row.iter() if _is_word(each)]
            if key in (None, "everyone") or not said:
                continue
            state = words[by_metric[metric], str(key)]
            assert text(said[0]).lower().startswith(WORD_OF.get(state, "not shown")), (key, state)
            seen += 1
    assert seen or not any(rate.value is not None and rate.group.levels for rate in release.rates), "no row is found"
    cells_agree(release, root, words, keys)
    lines = list(csv.DictReader(io.StringIO(table_csv(release))))
    features = [feature.name for feature in release.table.features]
    for line in lines:
        levels = [f"{name}:{line[name]}" for name in features if line[name] not in ("", "everyone")]
        for rule in release.rules:
            assert line[f"word:{rule.rule}"] == words.get((rule.rule, ",".join(levels)), ""), (line, rule.rule)


def cells_agree(
    release: PublicRelease, root: ET.Element, words: Mapping[tuple[str, str], str], keys: Mapping[str, str]
) -> None:
    """The mark of each cell of two features crossed says the word of its group under the limit of its table."""
    plain = {metric.name: metric.plain for metric in release.about.metrics}
    for table in find_all(root, "table"):
        if table.get("class") == "heat":
            caption = text(next(find_all(table, "caption"))).lower()
            (rule,) = [each for each in release.rules if caption.startswith(f"{plain[each.metric]}, by ")]
            for cell in find_all(table, "td"):
                mark = next(find_all(cell, "svg"), None)
                if mark is not None and cell.get("data-g") in keys:
                    state = words[rule.rule, keys[str(cell.get("data-g"))]]
                    assert str(mark.get("aria-label")) == WORD_OF.get(state, "not shown")


def _is_word(element: ET.Element) -> bool:
    return element.tag == "b" and str(element.get("class")).startswith("w-")


def _page(release: PublicRelease) -> ByRule:
    screen = section(parsed(PublicHtmlReporter().render(release)), "verdict")
    lines = [text(each) for each in screen.iter() if each.get("class") == "states"]
    return {rule.rule: printed(line) for rule, line in zip(PublicReading(release).rules, lines, strict=True)}


_MESSAGES = {
    "in the protected figures: cannot tell; ": "cannot_tell",
    "in the protected figures: not shown; ": "not_shown",
}


def _junit(release: PublicRelease) -> ByRule:
    shown = {}
    for suite in list(ET.fromstring(PublicJunitReporter().render(release)))[1:]:
        states = [_state_of(case) for case in suite.findall("testcase")]
        shown[str(suite.get("name"))] = counts(states)
        skipped = str(len(states) - states.count("below") - states.count("meets"))
        head = (suite.get("tests"), suite.get("failures"), suite.get("skipped"))
        assert head == (str(len(states)), str(states.count("below")), skipped)
    return shown


def _state_of(case: ET.Element) -> str:
    skipped = case.find("skipped")
    if skipped is not None:
        message = str(skipped.get("message"))
        return next(state for start, state in _MESSAGES.items() if message.startswith(start))
    return "meets" if case.find("failure") is None else "below"


def _markdown(file: str) -> ByRule:
    head, shown = "| Groups under the rule | beyond the limit | within it | cannot tell | not shown |", {}
    lines = file.splitlines()
    for line in lines[lines.index(head) + 2 :]:
        if not line.startswith("|"):
            break
        _, rule, *cells, _ = line.split("|")
        shown[rule.partition(":")[0].strip(" `")] = tuple(map(int, cells))
    return shown  # type: ignore[return-value]


def _metrics(release: PublicRelease) -> ByRule:
    found: dict[str, list[str]] = {}
    for line in text_of("metrics.txt", release).splitlines():
        if line.startswith("audit_group{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            found.setdefault(labels["rule"], []).append(labels["word"])
    return {rule: counts(states) for rule, states in found.items()}


_STATE_OF = {"fail": "below", "pass": "meets", "inconclusive": "cannot_tell", "not_shown": "not_shown"}


def _tests(release: PublicRelease) -> ByRule:
    found: dict[str, list[str]] = {}
    for case in public_cases(release):
        if case.group is not None:
            found.setdefault(str(case.rule), []).append(_STATE_OF[case.outcome])
    return {rule: counts(states) for rule, states in found.items()}


def _logged(release: PublicRelease) -> ByRule:
    logged = {name.removeprefix("audit7k/"): int(value) for name, value in release_metrics(release).items()}
    names = ("beyond_limit", "within_limit", "cannot_tell", "not_shown")
    return {rule.rule: tuple(logged[f"{rule.rule}/{name}"] for name in names) for rule in release.rules}  # type: ignore[misc]
