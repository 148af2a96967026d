"""File of waivers: who answers for which finding, on what ground, until when.

Every mistake in it is one line: where, what, and what to write instead. Nothing in it enters a count, a verdict or a
digest of the plan, so that writing a waiver never makes anything be scored again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from audit.errors import PlanError
from audit.plan.audit_plan import AuditPlan
from audit.plan.file.known_keys import Layout, nearest, quoted
from audit.plan.file.lines import KeyLines, Where
from audit.plan.file.mistakes import dotted, one_line
from audit.plan.file.plan_file import LoadedPlan, read_toml
from audit.plan.governance import WaiversSection
from audit.result.audit_result import Waiver
from audit.vocabulary.groups import Group, Level, SensitiveFeature
from audit.vocabulary.text import day_in

MAX_WAIVERS: Final = 1000
"""Waivers that a file may hold: nobody answers for a longer list."""

_KEYS: Final = ("rule", "group", "who", "why", "expires")
_LONGEST: Final = {"who": 200, "why": 600}
"""Characters at most, as for a role and for words in `[governance]`."""
_LAYOUT: Final = Layout(
    noun="file of waivers",
    root=WaiversSection,
    schema=1,
    start='"Waive a finding" in the documentation has one to start from',
    tables={},
    repeated={},
    listed=frozenset(),
)


class WaivedGroupError(PlanError):
    """A waiver of a group that is not there, or of one that stands on several rungs: its text says who is in the set.

    `public` is the error for a log that many read: it gives the line, and that the waiver names no one group.
    """

    def __init__(self, message: str, *, slug: str, hint: str, public: PlanError) -> None:
        super().__init__(message, slug=slug, hint=hint)
        self.public = public


@contextlib.contextmanager
def publishable_errors(*, exact: bool = False) -> Iterator[None]:
    """Let no error of a file of waivers say who is in the set, unless its readers may know the exact counts.

    Raises PlanError in the place of WaivedGroupError.
    """
    try:
        yield
    except WaivedGroupError as error:
        if exact:
            raise
        raise error.public from None


def read_plan_waivers(loaded: LoadedPlan, features: Sequence[SensitiveFeature]) -> tuple[Waiver, ...]:
    """Read the waivers of a plan from its file, or from the one named instead; empty where there is no file.

    Raises
    ------
    PlanError
        As `read_waivers` does.
    """
    path = loaded.waivers_file
    return () if path is None else read_waivers(path, loaded.plan, features)


def read_waivers(path: Path, plan: AuditPlan, features: Sequence[SensitiveFeature]) -> tuple[Waiver, ...]:
    """Read a file of waivers (TOML, UTF-8, at most 1 MiB) of this plan.

    Parameters
    ----------
    features
        The sensitive features with every level found in the set or expected of it: what a group may be called.

    Raises
    ------
    PlanError
        For anything that is no list of waivers, a rule or group that is not there, and a finding that is waived twice.
        WaivedGroupError where the error says who is in the set. Whether a waiver has expired is no mistake of the file.
    """
    raw, lines = read_toml(path, _LAYOUT)
    # a plan names it relative to itself, and where that is is nothing for a public log
    named = path.name if path.is_absolute() else str(path)
    return _Reader(one_line(named), lines, plan, features).read(raw)


class _Reader(NamedTuple):
    name: str
    lines: KeyLines
    plan: AuditPlan
    features: Sequence[SensitiveFeature]

    def read(self, raw: Mapping[str, Any]) -> tuple[Waiver, ...]:
        self._only_keys((), raw, ("waivers",), "the top of a file of waivers")
        entries = raw.get("waivers", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._wrong(
                "waivers is no list of tables", ("waivers",), hint="write [[waivers]] above each", slug="waiver-value"
            )
        if len(entries) > MAX_WAIVERS:
            raise self._wrong(
                f"{len(entries):,} waivers",
                ("waivers",),
                hint=f"a file has at most {MAX_WAIVERS:,}",
                slug="waiver-value",
            )
        read: dict[tuple[str, Group], Waiver] = {}
        for index, entry in enumerate(entries):
            waiver = self._waiver(("waivers", index), entry)
            if (waiver.rule, waiver.group) in read:
                raise self._wrong(
                    "this finding is waived twice", ("waivers", index), hint="keep one of the two", slug="waiver-twice"
                )
            read[waiver.rule, waiver.group] = waiver
        return tuple(read.values())

    def _waiver(self, at: Where, entry: Mapping[str, Any]) -> Waiver:
        self._only_keys(at, entry, _KEYS, "[[waivers]]")
        missing = [key for key in _KEYS if key not in entry]
        if missing:
            raise self._wrong(
                f"{dotted((*at, missing[0]))} is missing", at, hint=f"each has {', '.join(_KEYS)}", slug="waiver-value"
            )
        rule = self._rule((*at, "rule"), entry["rule"])
        return Waiver(
            rule=rule,
            group=self._group((*at, "group"), entry["group"], rule),
            who=self._text((*at, "who"), entry["who"], _LONGEST["who"]),
            why=self._text((*at, "why"), entry["why"], _LONGEST["why"]),
            expires=self._day((*at, "expires"), entry["expires"]),
        )

    def _rule(self, at: Where, rule: object) -> str:
        known = [named_rule.id for named_rule in self.plan.named_rules]
        if isinstance(rule, str) and rule in known:
            return rule
        if rule in [named_rule.id for named_rule in self.plan.named_probe_rules]:
            raise self._wrong(
                f"{dotted(at)} is a rule on probes, which names no group",
                at,
                hint="only findings on groups can be waived",
                slug="waiver-rule",
            )
        raise self._wrong(
            f"{dotted(at)}: no rule{_quoted_word(rule)} in this plan",
            at,
            hint=_suggestion(rule, known),
            slug="waiver-rule",
        )

    def _group(self, at: Where, group: object, rule: str) -> Group:
        if not isinstance(group, dict) or not group:
            raise self._wrong(
                f"{dotted(at)} is no table", at, hint='write { nationality = "NGA" }', slug="waiver-value"
            )
        known = list(self.plan.groups)
        for name in group:
            if name not in known:
                raise self._wrong(
                    f"{dotted((*at, name))}: no such feature",
                    (*at, name),
                    hint=_suggestion(name, known),
                    slug="waiver-group",
                )
        sets = next(named_rule.feature_sets for named_rule in self.plan.named_rules if named_rule.id == rule)
        if set(group) not in [set(features) for features in sets]:
            judged = "; ".join(" by ".join(features) for features in sets)
            features_of_group = " by ".join(name for name in known if name in group)
            raise self._wrong(
                f"{dotted(at)}: {rule} judges no groups of {features_of_group}",
                at,
                hint=f"it judges: {judged}",
                slug="waiver-group",
            )
        features = [feature for feature in self.features if feature.name in group]
        return Group(tuple(self._level((*at, feature.name), group[feature.name], feature) for feature in features))

    def _level(self, at: Where, written: object, feature: SensitiveFeature) -> Level:
        code, rung = written, None
        if isinstance(written, dict):
            self._only_keys(at, written, ("code", "rung"), dotted(at))
            code, rung = written.get("code"), written.get("rung")
        if rung is not None and rung not in feature.rungs:
            raise self._wrong(
                f"{dotted(at)}: no rung{_quoted_word(rung)}",
                at,
                hint=_suggestion(rung, feature.rungs),
                slug="waiver-group",
            )
        rungs_of_code = [level.rung for level in feature.levels if level.code == code and rung in (None, level.rung)]
        if not rungs_of_code:
            raise self._no_one_group(
                f"{dotted(at)}: nobody in the set is{_quoted_word(code)}",
                at,
                hint=self._nearest(code, feature),
                slug="waiver-group",
            )
        if len(set(rungs_of_code)) > 1:
            rungs = " or ".join(f'rung = "{rung}"' for rung in dict.fromkeys(rungs_of_code))
            raise self._no_one_group(
                f"{dotted(at)}: a group of this code stands on several rungs",
                at,
                hint=f"add {rungs}",
                slug="waiver-group",
            )
        return Level(feature.name, rungs_of_code[0], str(code))

    def _nearest(self, code: object, feature: SensitiveFeature) -> str:
        """Return a hint with the code that was probably meant, by codes and by names."""
        called = {text.casefold(): level.code for level in feature.levels for text in (level.name, level.code)}
        matches = difflib.get_close_matches(code[:60].casefold(), called, n=1) if isinstance(code, str) else []
        if matches:
            return f'did you mean "{called[matches[0]]}"?'
        return f"write a code as reports name groups; the set has {len({level.code for level in feature.levels})}"

    def _text(self, at: Where, text: object, longest: int) -> str:
        if not isinstance(text, str):
            raise self._wrong(f"{dotted(at)} is no text", at, hint="put it in quotes", slug="waiver-value")
        if len(text) > longest:
            raise self._wrong(
                f"{dotted(at)} is too long", at, hint=f"write at most {longest} characters", slug="waiver-value"
            )
        if not any(map(str.isalnum, text)):
            raise self._wrong(f"{dotted(at)} is blank", at, hint="write it in words", slug="waiver-value")
        return text

    def _day(self, at: Where, day: object) -> str:
        if isinstance(day, dt.date) and not isinstance(day, dt.datetime):
            return day.isoformat()
        if isinstance(day, str) and day_in(day) is not None:
            return day
        raise self._wrong(
            f"{dotted(at)} is no day", at, hint="write the last day on which it holds: 2027-01-31", slug="waiver-value"
        )

    def _only_keys(self, at: Where, table: Mapping[str, Any], known: Sequence[str], header: str) -> None:
        for key in table:
            if key not in known:
                raise self._wrong(
                    f"{dotted((*at, key))}: unknown key in {header}",
                    (*at, key),
                    hint=_suggestion(key, known),
                    slug="waiver-key",
                )

    def _no_one_group(self, what: str, at: Where, *, hint: str, slug: str) -> WaivedGroupError:
        """Make one public text for both mistakes: which of them it is would say whether such people are in the set."""
        public = self._wrong(
            f"{dotted(at)} names no one group of this audit",
            at,
            hint="write code and rung as reports name groups; --restricted says more",
            slug="waiver-group",
        )
        exact = self._wrong(what, at, hint=hint, slug=slug)
        return WaivedGroupError(exact.message, slug=exact.slug, hint=exact.hint, public=public)

    def _wrong(self, what: str, at: Where, *, hint: str, slug: str) -> PlanError:
        line = self.lines.line(at)
        position = f"{self.name}, line {line}" if line else self.name
        return PlanError(one_line(f"{position}: {what}"), slug=slug, hint=one_line(hint))


def _quoted_word(word: object) -> str:
    return f' "{word[:60]}"' if isinstance(word, str) else ""


def _suggestion(word: object, known: Sequence[str]) -> str:
    match = nearest(word, known) if isinstance(word, str) else None
    return f'did you mean "{match}"?' if match else f"known: {quoted(list(known)[:20], 'and')}"
