"""What each output of an audit says, read as an outsider would: JSON, XML, HTML, CSV and lines of text, and no code of
the project.

Every reader returns an `Account`: the verdict, how many findings have which word, and who has which word under which
rule. `exact` and `public` are what the two data files say; all other outputs are held against them.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as ET

from made.pages import find_all, parsed, section, text, verdicts_on

Group = frozenset[str]
"""Codes of a group: `woman` and `PHL`; or one text, where it is no group of people."""
TALLY_WORDS: Final = {
    "within this row a smaller group": "beyond",
    "a smaller group within it is beyond the limit": "beyond",
    "beyond the limit": "beyond", "within it": "within", "within the limit": "within", "cannot tell": "cannot_tell",
    "not judged alone": "not_judged_alone", "without a rate": "no_rate", "no rate can be stated": "no_rate",
}  # fmt: skip
OUTCOMES: Final = {
    "fail": "fail", "exceeds the limit": "fail", "worse": "fail", "beyond the limit": "fail",
    "pass": "pass", "within the limit": "pass", "not worse": "pass",
    "inconclusive": "inconclusive", "cannot tell": "inconclusive", "we cannot tell": "inconclusive",
}  # fmt: skip
_CLASSES: Final = {"beyond": "fail", "within": "pass"}


class Finding(NamedTuple):
    """What is said of somebody."""

    rule: str
    group: Group
    word: str

    @property
    def outcome(self) -> str:
        """What a pipeline makes of it."""
        return _CLASSES.get(self.word, "inconclusive")


@dataclass
class Account:
    """What an output says; empty where it says nothing of a kind."""

    outcome: str = ""
    """The verdict over the whole."""
    rules: dict[str, str] = field(default_factory=dict)
    """Outcome of each rule."""
    tallies: dict[str, Counter[str]] = field(default_factory=dict)
    """By rule, or under `all`, how many findings have which word."""
    findings: Counter[Finding] = field(default_factory=Counter)
    complete: tuple[str, ...] = ()
    """Words of which it lists every finding."""
    by_outcome: bool = False
    """Whether it tells only fail, pass and neither apart."""
    most: int | None = None
    """So many findings of those complete words, at most, are named under a rule."""


WORDS_OF_PROBES: Final = {"Nigerian": "NGA", "Filipino": "PHL", "Moroccan": "MAR"}
"""Levels of the probes of `made.audited`, by their words."""


@dataclass(frozen=True)
class Names:
    """What groups are called in an audit."""

    features: tuple[Mapping[str, Any], ...]

    def group(self, name: str) -> Group:
        """Read a name: `Philippines, women`, `gender unknown` or `nationality=PHL, gender=woman`."""
        name = re.sub(r"^probe=[\w-]+, ", "", name.partition(" (in this set")[0].strip())
        if name.startswith("groups together: "):
            return frozenset({name.replace("groups together: ", "together ")})
        if name in WORDS_OF_PROBES:
            return frozenset({f"demonym={WORDS_OF_PROBES[name]}"})
        if name.startswith("demonym="):
            return frozenset({name})
        return frozenset(self._part(part.strip()) for part in name.split(", "))

    def _part(self, part: str) -> str:
        known = self._known()
        if "=" in part:
            feature, _, code = part.partition("=")
            return f"{feature.partition('/')[0]} unknown" if code == "unknown" else code
        return known.get(part.lower().replace("’", "'"), part)

    def _known(self) -> dict[str, str]:
        known = {"women": "woman", "men": "man", "non-binary people": "non-binary", "unknown gender": "gender unknown"}
        for feature in self.features:
            known |= {level["name"].lower().replace("’", "'"): level["code"] for level in feature["levels"]}
            known[f"{feature['name']} unknown"] = f"{feature['name']} unknown"
        return {name: code for name, code in known.items() if code != "unknown"}


def group_of(levels: Iterable[Iterable[str]]) -> Group:
    """Return the codes of a group of a result: `[["gender", "level", "woman"]]`."""
    return frozenset(f"{feature} unknown" if code == "unknown" else code for feature, _, code in levels)


def tally(text_: str) -> Counter[str]:
    """Read a tally in words: `2 beyond the limit, 13 within it, 5 cannot tell`."""
    text_ = re.sub(r" \(\d+ of these for a smaller group within\)", "", text_)
    words = "|".join(TALLY_WORDS)
    matches = re.findall(rf"([\d,]+) ({words})|({words}): ([\d,]+)", text_)
    assert matches, text_
    counts: Counter[str] = Counter()
    for before, word, other, after in matches:
        counts[TALLY_WORDS[word or other]] += int((before or after).replace(",", ""))
    return +counts


# the exact result


def relied_on(outcome: str, kind: str, deployed: str | None) -> str:
    """Return the verdict that may be relied on: a pass of a system that is not shown to answer so is none."""
    is_shown = kind != "blind" or deployed in ("declared", "supported")
    return outcome if is_shown or outcome != "pass" else "inconclusive"


def exact(document: Mapping[str, Any]) -> Account:
    """Read `result.json`."""
    words = {"fail": "beyond", "pass": "within", "inconclusive": "cannot_tell", "not_evaluable": "no_rate"}
    order = ("fail", "inconclusive", "not_evaluable", "pass")
    deployed = document["plan"]["detector"].get("deployed")
    outcome = relied_on(document["overall"]["outcome"], document["system"]["kind"], deployed)
    account = Account(outcome=outcome, complete=tuple(TALLY_WORDS.values()))
    account.rules = {rule["rule"]: rule["outcome"] for rule in (*document["rules"], *document["probe_rules"])}
    for name, verdicts in (("", document["verdicts"]), ("change", (document["change"] or {}).get("verdicts", ()))):
        worst: dict[tuple[str, Group, int], Mapping[str, Any]] = {}
        for verdict in verdicts:
            key = verdict["rule"], group_of(verdict["group"]), verdict["cases"]
            if key not in worst or order.index(verdict["outcome"]) < order.index(worst[key]["outcome"]):
                worst[key] = verdict
        for (rule, group, _), verdict in worst.items():
            word = "not_judged_alone" if verdict["because"] == "judged_as_part" else words[verdict["outcome"]]
            account.findings[Finding(f"{name} {rule}".strip(), group, word)] += 1
    named = {(rule, family) for rule, family in _families_named(document)}
    for rule in document["rules"]:
        for family in rule["families"]:
            features = frozenset(map(tuple, family["family"]))
            if family.get("unnamed_beyond") and (rule["rule"], features) not in named:
                together = frozenset({f"together {','.join(axis[0] for axis in family['family'])}"})
                account.findings[Finding(rule["rule"], together, "beyond")] += 1
    for verdict in document["probe_verdicts"]:
        changed = frozenset({f"{verdict['slot']}={verdict['level']}"})
        account.findings[Finding(verdict["rule"], changed, words[verdict["outcome"]])] += 1
    if document["change"] is not None:
        account.rules["change"] = document["change"]["outcome"]
    _count(account)
    return account


def _families_named(document: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[tuple[str, ...]]]]:
    for verdict in document["verdicts"]:
        if verdict["outcome"] == "fail":
            yield verdict["rule"], frozenset((level[0], level[1]) for level in verdict["group"])


def _count(account: Account) -> None:
    """Count the findings of an account by rule and over all."""
    for finding, times in account.findings.items():
        rule = finding.rule if not finding.rule.startswith("change ") else "change"
        for name in (rule, "all"):
            account.tallies.setdefault(name, Counter())[finding.word] += times


def suites(xml: str, named: Callable[[str], Group]) -> Account:
    """Read JUnit XML, exact or public."""
    account = Account(complete=tuple(TALLY_WORDS.values()))
    for suite in ET.fromstring(xml):
        rule = suite.get("name", "")
        properties = {item.get("name"): item.get("value", "") for item in suite.iter("property")}
        verdict, *cases = suite.findall("testcase")
        name = "all" if rule == "verdict" else rule
        for key in ("findings", "findings, row by row"):
            if key in properties and re.search(r"\d", properties[key]):
                account.tallies[name] = tally(properties[key])
        if rule == "verdict":
            account.outcome = _ended(verdict)
            continue
        account.rules[rule] = _ended(verdict)
        for case in cases:
            of_change = re.match(r"([\w-]+): (.*)", case.get("name", "")) if rule == "change" else None
            shown = case.get("name", "") if of_change is None else of_change[2]
            shown = re.sub(r" \(\d+\)$", "", shown)
            account.findings[Finding(f"change {of_change[1]}" if of_change else rule, named(shown), _word(case))] += 1
    return account


def _ended(case: ET.Element) -> str:
    if case.find("failure") is not None:
        return "fail"
    skipped = case.find("skipped")
    if skipped is None:
        return "pass"
    return "fail" if skipped.get("message", "").startswith("fails, and only warns") else "inconclusive"


def _word(case: ET.Element) -> str:
    """Return the word with which the message of a case begins."""
    reported = case.find("failure")
    reported = case.find("skipped") if reported is None else reported
    if reported is None:
        return "within"
    message = re.sub(r"^(fails, and only warns; )?(waived by .*?; )?", "", reported.get("message", ""), count=1)
    return word_at(message)


def word_at(message: str) -> str:
    """Return the word with which a message begins."""
    for words, word in TALLY_WORDS.items():
        if message.startswith(words):
            return word
    raise AssertionError(f"a message begins with no word of the tally: {message[:80]}")


def sarif(content: str, named: Callable[[str], Group]) -> Account:
    """Read a SARIF log: what fails, and rules that neither pass nor fail."""
    (run,) = json.loads(content)["runs"]
    account = Account(outcome=run["properties"]["outcome"], complete=("beyond",))
    if "findings" in run["properties"]:
        account.tallies["all"] = tally(run["properties"]["findings"])
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        rule, message = result["ruleId"], result["message"]["text"]
        statement = re.match(r"((?:groups together: )?[^:(]*(?:\(in this set: .*?\))?): (.*)", message)
        assert statement, message
        name, rest = statement[1], statement[2]
        if rule.startswith("audit/") and rule != "audit/change":
            continue
        if name.startswith(("rule ", "change since")):
            only_warns = levels[result["ruleId"]] == "warning" and not rest.startswith(("cannot tell", "we cannot"))
            fails = result["level"] == "error" or only_warns
            account.rules[rule.removeprefix("audit/")] = "fail" if fails else "inconclusive"
            continue
        of_change = re.match(r"([\w-]+): (.*?): (.*)", message) if rule == "audit/change" else None
        if of_change:
            rule, name, rest = f"change {of_change[1]}", of_change[2], of_change[3]
        assert result["level"] == levels[result["ruleId"]], "it fails as its rule says"
        account.findings[Finding(rule, named(name), word_at(rest))] += 1
    return account


def _together(account: Account, rule: str, why: str) -> None:
    """Take in that some groups of a family are beyond a limit, none of which is named."""
    if re.match(r"at least \d+ of \d+ nationalities (?:is |are )?beyond the limit", why):
        account.findings[Finding(rule, frozenset({"together nationality"}), "beyond")] += 1


def table_rows(lines: Iterable[str], head: str) -> Iterator[list[str]]:
    """Yield the cells of the rows of every table of Markdown that begins with this head."""
    inside = False
    for line in lines:
        if not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            yield [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
        elif line.startswith(head):
            inside = True


def exact_comment(content: str, named: Callable[[str], Group]) -> Account:
    """Read `restricted.md`."""
    lines = content.splitlines()
    account = Account(outcome=outcome_in(lines[0]), complete=("beyond",), most=20)
    for rule, verdict, *counts in table_rows(lines, "| Rule | Verdict |"):
        account.rules[rule] = outcome_in(verdict)
        account.tallies[rule] = tally(counts[0])
        _together(account, rule, counts[1])
    for name, rule, *_ in table_rows(lines, "| Group | Rule | Rate |"):
        shown = re.sub(r" \((waived|its waiver has expired)\)$", "", name).strip("`")
        account.findings[Finding(rule, named(shown), "beyond")] += 1
    for line in lines:
        if changed := re.match(r"- `?[\w ]*? ?([\w’]+)`? under `?(.*?)`?: .* points; limit", line):
            account.findings[Finding(changed[2], named(changed[1]), "beyond")] += 1
    for name, rule, became, *_ in table_rows(lines, "| Group | Rule | What became"):
        if became == "worse":
            account.findings[Finding(f"change {rule}", named(name), "beyond")] += 1
    return account


def outcome_in(heading: str) -> str:
    """Read the verdict with which a heading begins, whatever stands before its first letter."""
    shown = re.sub(r"^\W+", "", heading).lower()
    return next(outcome for words, outcome in OUTCOMES.items() if shown.startswith(words))


HEADS: Final = {
    "Found": "true_positive_rate", "Wrongly flagged": "false_positive_rate", "Flagged": "selection_rate",
    "Flags that are right": "precision", "Agrees with label": "accuracy",
}  # fmt: skip
"""Heads of columns of the restricted page."""
PUBLIC_HEADS: Final = {
    "Missed": "true_positive_rate", "Wrongly flagged": "false_positive_rate", "Flagged": "selection_rate",
    "Flags that are wrong": "precision", "Disagrees with label": "accuracy",
}  # fmt: skip
"""Heads of columns of the public page, without the base."""


@dataclass
class Page:
    """What a page says."""

    account: Account
    rates: set[tuple[str, Group, str]] = field(default_factory=set)
    """Metric, group and word of every verdict in its tables."""
    first: str = ""
    """Text of its first screen."""
    counts: list[tuple[int, str, int]] = field(default_factory=list)
    """How many of all findings have which word, as the large numbers of the first screen say."""
    text: str = ""


def exact_page(html: str, document: Mapping[str, Any], named: Callable[[str], Group]) -> Page:
    """Read the restricted page."""
    root = parsed(html)
    verdict = section(root, "verdict")
    page = Page(Account(outcome=outcome_in(text(next(find_all(verdict, "h2"))))), first=text(verdict), text=text(root))
    plain = {metric["name"]: metric["plain"].lower() for metric in document["metrics"]}
    waiting = [(plain[rule["metric"]], rule["rule"]) for rule in document["rules"]]
    for part in (item for item in find_all(verdict, "div") if item.get("class") == "states"):
        head = text(next(find_all(part, "b"))).lower()
        rule = next((item for item in waiting if item[0] == head), None)
        if rule is not None:
            waiting.remove(rule)
            items = [text(item) for item in find_all(part, "li")]
            page.account.tallies[rule[1]] = sum((tally(item) for item in items if item[0].isdigit()), Counter())
    stated = rf"([\d,]+) ({'|'.join(TALLY_WORDS)}) of ([\d,]+) comparisons? with a limit"
    for count, words, among in re.findall(stated, page.first):
        page.counts.append((int(count.replace(",", "")), TALLY_WORDS[words], int(among.replace(",", ""))))
    for judged in verdicts_on(root):
        word = next((word for words, word in TALLY_WORDS.items() if judged.word.startswith(words)), "")
        if word:
            page.rates.add((HEADS[judged.rate], named(judged.group), word))
    for table in find_all(root, "table"):
        if text(next(iter(find_all(table, "caption")), table)).startswith("Then and now"):
            for row in find_all(next(find_all(table, "tbody")), "tr"):
                group, rate, became = (text(cell) for cell in list(row)[:3])
                if became == "worse":
                    metric = next(name for name, words in plain.items() if words == rate)
                    page.rates.add((f"change {metric}", named(group), "beyond"))
    return page


def public_page(html: str) -> Page:
    """Read the public page, or a letter, which has no tables of rows."""
    root = parsed(html)
    shown = text(root)
    verdict = next((part for part in root.iter() if part.get("aria-labelledby") == "verdict"), root)
    heading = next(iter(find_all(verdict, "h2")), None)
    page = Page(Account(), first=text(verdict), text=shown)
    if verdict is not root and heading is not None:
        page.account.outcome = outcome_in(text(heading))
    if stated := re.search(r"Comparisons with a limit: [\d,]+, of these (.*?)\.", shown):
        page.account.tallies["all"] = tally(re.sub(r" \(most often: .*?\)", "", stated[1]))
    for table in find_all(root, "table"):
        if "rows" not in (table.get("class") or "").split():
            continue
        heads = [text(cell).partition(", in ")[0] for cell in find_all(next(find_all(table, "thead")), "th")]
        for body in find_all(table, "tbody"):
            for row in find_all(body, "tr"):
                cells = [text(cell) for cell in row]
                metric = ""
                for head, cell in zip(heads, cells, strict=False):
                    metric = PUBLIC_HEADS.get(head, metric)
                    word = next((word for words, word in TALLY_WORDS.items() if cell.startswith(words)), "")
                    if head not in PUBLIC_HEADS and word and cell != cells[0]:
                        page.rates.add((metric, as_written(cells[0]), word))
    return page


def first_lines(printed: str) -> Account:
    """Read what `run` prints: the verdict, and the tally under it."""
    start = re.search(r"^(?:\W )?(FAIL|PASS|INCONCLUSIVE)\b", printed, re.MULTILINE)
    assert start, printed
    head, _, _ = printed[start.start() :].partition("\n\n")
    return Account(outcome=start[1].lower(), tallies={"all": tally(" ".join(head.split()))})


SHARES: Final = {
    "found": "true_positive_rate", "wrong flags": "false_positive_rate", "right flags": "precision",
    "flagged": "selection_rate", "agreement": "accuracy",
}  # fmt: skip
_STATES: Final = {
    "FAIL": "beyond", "FAIL waived": "beyond", "within": "within", "cannot tell": "cannot_tell", "no rate": "no_rate",
    "not alone": "not_judged_alone",
}  # fmt: skip


def terminal_rows(printed: str) -> list[tuple[str, str, str]]:
    """Return the rows of the table that `run` prints: word, name and rate; names that were cut end in an ellipsis."""
    _, _, below = printed.partition("              Group")
    rows = []
    for line in below.partition("\n")[2].splitlines():
        state = re.match(r"\W (FAIL waived|FAIL|within|cannot tell|no rate|not alone) ", line)
        if state is None:
            break
        if state[1] == "not alone":  # in the place of the rate stands the larger group
            rows.append((_STATES[state[1]], line[14:55].rpartition(", in ")[0].strip() or "…", ""))
        else:
            rows.append((_STATES[state[1]], line[14:43].strip(), line[44:55].strip()))
    return rows


def exact_gate(printed: str, named: Callable[[str], Group]) -> Account:
    """Read what `gate --restricted` prints."""
    account = Account(complete=("beyond",), most=3)
    for line in printed.splitlines():
        verdict = re.match(r"\W (FAIL|PASS|INCONCLUSIVE)$", line)
        of_rule = re.match(r"\W (FAIL|cannot tell|within) ([\w-]+)(?: \(only warns\))?: (.*)$", line)
        of_change = re.match(r"\W change of ([\w-]+): (\d+) groups? worse by more than .*?: (.*)$", line)
        if verdict:
            account.outcome = verdict[1].lower()
        elif line.startswith("findings: "):
            account.tallies["all"] = tally(line)
        elif of_change:
            _name(account, f"change {of_change[1]}", of_change[3], named)
        elif of_rule:
            _together(account, of_rule[2], of_rule[3])
            account.rules[of_rule[2]] = {"FAIL": "fail", "within": "pass"}.get(of_rule[1], "inconclusive")
            if of_rule[1] == "FAIL" and (
                counted := re.match(r"\d+ (?:groups?|changes? moves? the mean score) beyond .*?: (.*)$", of_rule[3])
            ):
                _name(account, of_rule[2], counted[1], named)
    return account


def _name(account: Account, rule: str, listed: str, named: Callable[[str], Group]) -> None:
    for name in re.sub(r"; and \d+ more$| and \d+ more$", "", listed).split("; "):
        account.findings[Finding(rule, named(name), "beyond")] += 1


# the public files


def public(release: Mapping[str, Any], lines: str) -> Account:
    """Read `release.json`. `groups.csv` names its rows, and says which of those without a word a rule compares."""
    about = release["about"]
    outcome = relied_on(release["headline"]["outcome"], about["kind"], about.get("deployed"))
    account = Account(outcome=outcome, complete=tuple(TALLY_WORDS.values()))
    account.rules = {rule["rule"]: rule["outcome"] for rule in release["rules"]}
    rows = list(csv.DictReader(lines.splitlines()))
    for row, shown in zip(release["rows"], rows, strict=True):
        for statement in row["words"]:
            word = statement["word"] or ""
            if statement["smaller_beyond"]:
                word = "beyond"
            elif not word:
                word = "not_judged_alone" if shown[f"word under {statement['rule']}"] == "not_judged" else ""
            if word:
                account.findings[Finding(statement["rule"], frozenset({shown["name"]}), word)] += 1
    for rule in account.rules:
        if account.rules[rule] == "fail" and not any(f.rule == rule and f.word == "beyond" for f in account.findings):
            account.findings[Finding(rule, frozenset({UNNAMED}), "beyond")] += 1
    for changed in release.get("changed_words", ()):
        account.findings[Finding(changed["rule"], frozenset({_changed_word(changed)}), changed["word"])] += 1
    for rule in dict.fromkeys(changed["rule"] for changed in release.get("changed_words", ())):
        outcomes = {finding.outcome for finding in account.findings if finding.rule == rule}
        account.rules[rule] = "fail" if "fail" in outcomes else "pass" if outcomes == {"pass"} else "inconclusive"
    _count(account)
    if release["headline"].get("change") is not None:
        words = {"fail": "beyond", "pass": "within", "inconclusive": "cannot_tell"}
        account.rules["change"] = release["headline"]["change"]["outcome"]
        account.tallies.setdefault("all", Counter())[words[account.rules["change"]]] += 1
    return account


UNNAMED: Final = "a group that is not named in public"
SLOTS: Final = {"demonym": "nationality word"}


def _changed_word(changed: Mapping[str, Any]) -> str:
    return f"{SLOTS[changed['slot']]} {changed['name']}"


def as_written(name: str) -> Group:
    """Take a name of a public row as it is, without what is said of its waiver or its day."""
    name = re.sub(r" \((waived|its waiver has expired|numbers of [\d-]+|a smaller group within this row)\)", "", name)
    return frozenset({name.strip("`").strip()})


def public_gate(printed: str) -> Account:
    """Read what `gate` prints."""
    account, rule = Account(), ""
    for line in printed.splitlines():
        verdict = re.match(r"\W (FAIL|PASS|INCONCLUSIVE)$", line)
        of_rule = re.match(r"([\w-]+): (FAIL|PASS|INCONCLUSIVE)\b.*?(?:; (?:rows|changed words): (.*))?$", line)
        named = re.match(r"  (.*?): (beyond|within|cannot tell|not judged)", line)
        if verdict:
            account.outcome = verdict[1].lower()
        elif of_rule:
            rule = of_rule[1]
            account.rules[rule] = of_rule[2].lower()
            if of_rule[3]:
                account.tallies[rule] = tally(of_rule[3])
        elif named:
            message = line.strip()[len(named[1]) + 2 :]
            account.findings[Finding(rule, as_written(named[1]), word_at(message))] += 1
        elif line.startswith("earlier release: "):
            account.rules["change"] = line.removeprefix("earlier release: ").partition(";")[0].lower()
    return account


Keys = Callable[[str, str], str]
"""Name of a row, by the rule and the key of the row."""


def tests_of(statement: str, keys: Keys) -> Account:
    """Read `test-result.intoto.json`."""
    predicate = json.loads(statement)["predicate"]
    account = Account(complete=("beyond", "within", "cannot_tell", "not_judged_alone"), by_outcome=True)
    account.outcome = {"PASSED": "pass", "WARNED": "inconclusive", "FAILED": "fail"}[predicate["result"]]
    words = {"passedTests": "within", "warnedTests": "cannot_tell", "failedTests": "beyond"}
    for name, word in words.items():
        for test in predicate[name]:
            rule, _, key = test.partition(": ")
            if key:
                account.findings[Finding(rule, frozenset({keys(rule, key)}), word)] += 1
            elif test != "verdict":
                account.rules[test] = {"beyond": "fail", "within": "pass"}.get(word, "inconclusive")
    return account


def open_metrics(content: str, keys: Keys) -> Account:
    """Read `metrics.txt`."""
    account = Account(complete=("beyond", "within", "cannot_tell", "not_judged_alone"))
    words = {"smaller_beyond": "beyond", "not_judged": "not_judged_alone"}
    for line in content.splitlines():
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        if line.startswith("audit_verdict{") and line.endswith(" 1"):
            account.outcome = labels["audit_verdict"]
        elif line.startswith("audit_rule{"):
            account.rules[labels["rule"]] = labels["outcome"]
        elif line.startswith("audit_change{"):
            account.rules["change"] = labels["outcome"]
        elif line.startswith("audit_changed_word{"):
            account.findings[Finding(labels["rule"], frozenset({labels["change"]}), labels["word"])] += 1
        elif line.startswith("audit_group{"):
            word = str(words.get(labels["word"], labels["word"]))
            named = frozenset({keys(labels["rule"], labels["group"])})
            account.findings[Finding(labels["rule"], named, word)] += 1
    return account


def code_quality(content: str) -> Account:
    """Read `gl-code-quality.json`: what is no pass."""
    account = Account(complete=("beyond",))
    for entry in json.loads(content):
        rule, (name, _, message) = entry["check_name"], _without_waiver(entry["description"]).partition(": ")
        if rule.startswith("audit/") or name.startswith(("rule ", "change since")):
            continue
        account.findings[Finding(rule, as_written(name), word_at(message))] += 1
    return account


def _without_waiver(message: str) -> str:
    return re.sub(r"^waived by .*?; ", "", message)


def github_annotations(content: str) -> Account:
    """Read `annotations.txt`: under each rule that does not pass, up to three rows."""
    account = Account(complete=("beyond",), most=3)
    for line in content.splitlines():
        command = re.match(r"::(error|warning) file=[^,]*,line=\d+,title=(.*?)::(.*)$", line)
        if line.startswith("audit: ") and "; " in line and not account.outcome:
            account.outcome = outcome_in(line.split("; ")[1])
            account.tallies["all"] = tally(line.split("; ")[2])
        if command is None or command[2] == "Audit of groups":
            continue
        rule, message = (re.sub(r"%(\w\w)", lambda code: chr(int(code[1], 16)), part) for part in command.group(2, 3))
        for statement in re.split(r"\. (?=[A-Z])", message):
            name, _, rest = statement.partition(": ")
            if re.match(r"beyond the limit|within this row|cannot tell|not judged", rest) and not name.startswith(
                "rule "
            ):
                account.findings[Finding(rule, as_written(name), word_at(rest))] += 1
    return account


def comment(content: str, rules: Iterable[str]) -> Account:
    """Read `summary.md` or `comment.md`."""
    lines = content.splitlines()
    account = Account(outcome=outcome_in(lines[0]), complete=("beyond",), most=10)
    for rule, verdict, _, *counts in table_rows(lines, "| Rule | Verdict |"):
        name = rule.partition(":")[0].strip("`")
        account.rules[name] = outcome_in(verdict)
        words = ("beyond", "within", "cannot_tell", "not_judged_alone")
        account.tallies[name] = Counter(dict(zip(words, map(int, counts), strict=True)))
    rule = ""
    for line in lines:
        head = re.match(r"Beyond the limit of `?(.*?)`?:$", line)
        rule = head[1] if head else rule
        if line.startswith("Changed words"):
            rule = next(name for name in rules if name not in account.rules)
        elif line.startswith("- ") and "mean shift" in line:
            name, _, rest = line[2:].partition(": ")
            account.findings[Finding(rule, as_written(name), word_at(rest))] += 1
    for named_rule, name in _tables_under(lines):
        account.findings[Finding(named_rule, as_written(name), "beyond")] += 1
    for line in lines:
        if together := re.match(r"Beyond the limit of `?(.*?)`?: (a group .*)\.$", line):
            account.findings[Finding(together[1], frozenset({together[2]}), "beyond")] += 1
    return account


def _tables_under(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    rule = ""
    for line in lines:
        if under := re.match(r"Beyond the limit of `?(.*?)`?:$", line):
            rule = under[1]
        elif rule and line.startswith("| ") and not line.startswith("| Group |"):
            yield rule, line[2:].partition(" | ")[0]


def register(content: str) -> Account:
    """Read a file for a register: how many rows have which word under each limit, and the groups beyond one."""
    account = Account(complete=("beyond",), most=10)
    text_ = "\n".join(cell for line in csv.reader(content.splitlines(keepends=True)) for cell in line)
    tallies = re.findall(r"Rows that are public, each a group or several small ones: (.*?)\.", text_)
    account.tallies = {f"#{position}": tally(words) for position, words in enumerate(tallies)}
    for name, rest in re.findall(r"^(.*?): ((?:beyond the limit|within this row).*)$", text_, re.MULTILINE):
        account.findings[Finding("any", as_written(name), word_at(rest))] += 1
    return account


def badge(svg: str) -> Account:
    """Read `badge.svg`: its title, and its word."""
    root = ET.fromstring(svg)
    title, *_, word = (item.text or "" for item in root.iter() if item.tag.endswith(("title", "text")))
    statement = re.search(r"(Exceeds|Within|Inconclusive|Worse|Past its expiry).*", title)
    assert statement, title
    account = Account(outcome=outcome_in(statement[0]), tallies={"all": tally(title)})
    assert OUTCOMES[word] == account.outcome
    return account


def model_card(content: str) -> Account:
    """Read the card of the model in a bill of materials."""
    description = json.loads(content)["components"][0]["description"]
    statement = re.search(r"Audited on [\d-]+\. (.*) Row by row: (.*)\.$", description)
    assert statement, description
    return Account(outcome=outcome_in(statement[1]), tallies={"all": tally(statement[2])})


def document_text(shown: str) -> Account:
    """Read the text of a public PDF: its verdict and its tally; whom it names is told by what stands in it."""
    shown = " ".join(shown.split())
    account = Account()
    if heading := re.search(r"(Exceeds the limit|Within the limit|We cannot tell)", shown):
        account.outcome = outcome_in(heading[1])
    if stated := re.search(r"Comparisons with a limit: [\d,]+, of these (.*?)\.", shown):
        account.tallies["all"] = tally(re.sub(r" \(most often: .*?\)", "", stated[1]))
    return account


def logged(metrics: Mapping[str, float], outcome: str) -> Account:
    """Read the metrics and the tag of the verdict that a run of MLflow has."""
    account = Account(outcome=outcome)
    words = {"beyond_limit": "beyond", "within_limit": "within"}
    codes = {0.0: "pass", 1.0: "fail", 3.0: "inconclusive"}
    for name, value in metrics.items():
        _, *rule, kind = name.split("/")
        if rule and kind == "exit_code":
            account.rules[rule[0]] = codes[value]
        elif rule and kind != "coverage":
            account.tallies.setdefault(rule[0], Counter())[words.get(kind, kind)] += int(value)
    return account


def tested(cases: Iterable[ET.Element], test: str, named: Callable[[str], Group]) -> Account:
    """Read the cases of a test of pytest, which tell only fail, pass and neither apart."""
    account = Account(complete=tuple(TALLY_WORDS.values()), by_outcome=True)
    words = {"fail": "beyond", "pass": "within"}
    for case in cases:
        statement = re.fullmatch(rf"{test}\[([\w.-]+)(?:\[(.*)\])?\]", case.get("name", ""))
        if statement is None:
            continue
        outcome = _ended(case)
        if statement[1] == "VERDICT":
            account.outcome = "inconclusive" if "INCONCLUSIVE" in ET.tostring(case, "unicode") else outcome
        elif statement[2] is None:
            account.rules[statement[1]] = outcome
        else:
            label = re.sub(r"^adverts:", "", re.sub(r" \(\d+\)$", "", statement[2]))
            rule = statement[1].replace("change.", "change ", 1)
            account.findings[Finding(rule, named(label.replace(",", ", ")), words.get(outcome, "cannot_tell"))] += 1
    return account


def portal_page(html: str, rules: Iterable[str]) -> Account:
    """Read the page of a system of a portal: its verdict, and the tally of each rule on rates in their order."""
    shown = text(next(find_all(parsed(html), "main")))
    _, _, audit = shown.partition("Not signed ")
    account = Account(outcome=outcome_in(audit))
    parts = re.split(r"Everyone: ", audit)[1:]
    for rule, part in zip(rules, parts, strict=False):
        stated = re.match(r".*?((?:(?:Beyond|Within) the limit|Cannot tell|Not judged alone): .*)", part)
        account.tallies[rule] = tally(_lower(stated[1])) if stated else Counter()
    return account


def _lower(shown: str) -> str:
    return re.sub(r"(Beyond|Within|Cannot|Not) ", lambda word: word[0].lower(), shown)
