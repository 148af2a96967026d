"""`junit.xml` for continuous integration whose reports are public: a suite a rule, a case a group, and the headline.

A group below the limit in the protected figures is a failure, one that meets it passes, and one of which they do not
tell, or whose rate is not shown, is skipped and says which of the two. The same people, who have one code on every rung
of a ladder, are one case. The headline is a case of its own, so that a set that fails fails here too where no
group can be named.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from audit.public.figures import each_people_once, per_cent_text, state_of, state_tally
from audit.public.sentences import NO_WORDS, SENTENCES
from audit.public.table import (
    PublicRate,
    PublicRelease,
    PublicRule,
    PublicWord,
    group_key,
    has_words,
    why_no_rates,
    why_nobody_named,
)
from reports.plain_text import xml_text
from reports.public.next_step import is_expired
from reports.public.waived import PublicWaived

_SKIPPED: Final = {
    "cannot_tell": SENTENCES["cannot_tell"]
    + "; the likely range does not exclude the limit, or too few cases for a word",
    "not_shown": f"{SENTENCES['not_shown']}; too little is shown to hold it against the limit",
}
"""What a group says that neither fails nor passes."""


class PublicJunitReporter:
    """Writes `junit.xml`."""

    name: Final = "junit"
    filename: Final = "junit.xml"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        # No totals over all suites: a sum of failures and the headline is a number that no row gives.
        root = ET.Element("testsuites", name=xml_text(f"audit7k: {release.about.title}"))
        root.append(_headline(release))
        rates = {(str(rate.metric), group_key(rate.group)): rate for rate in release.rates}
        waived = PublicWaived(release)
        for rule in release.rules:
            words = [word for word in each_people_once(release.words) if word.rule == rule.rule]
            suite = _suite(rule, words if has_words(release) else [], rates, waived)
            root.append(suite if has_words(release) else _without_words(suite, rule))
        ET.indent(root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _headline(release: PublicRelease) -> ET.Element:
    suite = ET.Element("testsuite", name="verdict", tests="1", errors="0")
    properties = ET.SubElement(suite, "properties")
    for note in _notes(release):
        ET.SubElement(properties, "property", name="note", value=xml_text(note))
    case = ET.SubElement(suite, "testcase", classname="verdict", name="verdict over the whole set")
    headline = release.headline
    if release.figures == "shown":
        told = SENTENCES["above_the_table"].format(**release.table.method.model_dump())
    else:
        told = SENTENCES[f"figures_{release.figures}"]
    if headline.outcome == "fail":
        said = [SENTENCES[name] for name in why_nobody_named(release)]
        said += [SENTENCES["fails_on_probes"]] if "probes" in headline.fails_on else []
        said += headline.change.sentences if headline.change is not None and "change" in headline.fails_on else ()
        ET.SubElement(case, "failure", type="verdict", message=xml_text(" ".join(["fail.", *said, told])))
    elif headline.outcome == "inconclusive":
        ET.SubElement(case, "skipped", message=xml_text(f"inconclusive: {_open(release)} {told}"))
    suite.set("failures", str(int(headline.outcome == "fail")))
    suite.set("skipped", str(int(headline.outcome == "inconclusive")))
    return suite


def _open(release: PublicRelease) -> str:
    """What an inconclusive headline leaves open."""
    change = release.headline.change
    told = "the exact figures show neither."
    return told if change is None or change.outcome != "inconclusive" else " ".join(change.sentences)


def _notes(release: PublicRelease) -> list[str]:
    """What has no public figures, and why; and until when the audit may be relied on."""
    about = release.about
    notes = [SENTENCES["without_figures"].format(features=", ".join(about.without_figures))]
    kept = notes if about.without_figures else []
    if about.valid_until is not None:
        past = " It ended later: do not rely on it." if is_expired(release) else ""
        kept.append(f"The operator declares that this audit may be relied on until {about.valid_until}.{past}")
    kept += [f"Waiver of {told}." for told in PublicWaived(release).sentences()]
    change = release.headline.change
    if change is not None:
        kept += change.sentences
    return kept + [SENTENCES[name] for name in why_no_rates(release)]


def _suite(
    rule: PublicRule, words: list[PublicWord], rates: dict[tuple[str, str], PublicRate], waived: PublicWaived
) -> ET.Element:
    suite = ET.Element("testsuite", name=xml_text(rule.rule), errors="0")
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="release", value="public, protected figures")
    ET.SubElement(properties, "property", name="metric", value=rule.metric)
    ET.SubElement(properties, "property", name=f"limit ({rule.scale})", value=f"{rule.limit:g}")
    for waiver in waived.named:
        if waiver.rule == rule.rule and waiver.group is not None:
            key, told = group_key(waiver.group), waived.words(waiver)
            ET.SubElement(properties, "property", name=xml_text(key), value=xml_text(told))
    for word in words:
        key = group_key(word.group)
        case = ET.SubElement(suite, "testcase", classname=xml_text(rule.rule), name=xml_text(key))
        told = _told(rates.get((rule.metric, key)))
        state = state_of(word)
        if state == "below":
            message = f"{waived.before(rule.rule, word.group)}{SENTENCES['below']}{told}"
            ET.SubElement(case, "failure", type="disparity", message=xml_text(message))
        elif state in _SKIPPED:
            ET.SubElement(case, "skipped", message=xml_text(f"{_SKIPPED[state]}{told}"))
    counted = state_tally(words)
    suite.set("tests", str(len(words)))
    suite.set("failures", str(counted["below"]))
    suite.set("skipped", str(counted["cannot_tell"] + counted["not_shown"]))
    return suite


def _without_words(suite: ET.Element, rule: PublicRule) -> ET.Element:
    """The suite of a rule under which no group has a word: one skipped case, for "no failure" would read as a pass."""
    case = ET.SubElement(suite, "testcase", classname=xml_text(rule.rule), name="groups under the rule")
    ET.SubElement(case, "skipped", message=NO_WORDS)
    suite.set("tests", "1")
    suite.set("skipped", "1")
    return suite


def _told(rate: PublicRate | None) -> str:
    """The rate with its likely range; nothing where none is shown."""
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return ""
    value, low, high = map(per_cent_text, (rate.value, rate.low, rate.high))
    return f"; rate {value} (likely range {low} to {high})"
