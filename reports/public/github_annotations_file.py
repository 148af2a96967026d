"""`annotations.txt`: at most ten workflow commands of GitHub, which a step prints with `cat`.

One for each rule that does not pass, after the one for the verdict. The first line is an ordinary one: the verdict.
"""

from __future__ import annotations

from typing import Final

from audit.public.cases import has_expired
from audit.public.release import PublicRelease
from audit.vocabulary.text import harmless
from reports.cases import Suite
from reports.public.pipeline_reading import PipelineReading

_MOST: Final = 10
"""GitHub shows ten annotations of a kind for a step."""
_NAMED: Final = 3
"""Rows that are named under a rule."""


def annotations_file(release: PublicRelease) -> str:
    """Write `annotations.txt`."""
    reading = PipelineReading(release)
    lines = [f"audit: {_property(reading.title)}; {_data(reading.verdict)}; {reading.tally}", *_commands(reading)]
    for waiver in release.waivers[:_MOST]:
        # An expired waiver fails the build.
        kind, title = ("error", "Expired waiver") if has_expired(waiver, release) else ("notice", "Waived finding")
        lines.append(_command(reading, kind, None, title, reading.waiver(waiver)))
    return "\n".join([*lines, f"audit: {_data(reading.exact_figures)}"]) + "\n"


def _commands(reading: PipelineReading) -> list[str]:
    verdict, *rules = reading.suites
    kind = "error" if reading.outcome == "fail" and not reading.only_warned else "warning"
    commands = []
    # A verdict that rules carry needs no annotation of its own; one that none carries must not be silent.
    if reading.look != "pass" and verdict.said_by == "itself":
        commands.append(_command(reading, kind, None, "Audit of groups", reading.about_verdict))
    # GitHub counts errors and warnings apart.
    for level in ("error", "warning"):
        suites = [suite for suite in rules if _level(suite) == level]
        room = _MOST - len(commands) if level == kind else _MOST
        shown = suites if len(suites) <= room else suites[: room - 1]
        commands += [_command(reading, level, suite, suite.name, _text(suite)) for suite in shown]
        if len(suites) > room:
            further = "Further rules do not pass: release.json has them."
            commands.append(_command(reading, level, None, "Further rules", further))
    return commands


def _level(suite: Suite) -> str:
    if suite.verdict.outcome == "pass":
        return ""
    return "error" if suite.verdict.outcome == "fail" and not suite.warns else "warning"


def _text(suite: Suite) -> str:
    named = [case for case in suite.cases if case.outcome == suite.verdict.outcome]
    if not named:
        return suite.verdict.message
    more = [f"and {len(named) - _NAMED} more in release.json"] if len(named) > _NAMED else []
    return ". ".join([*(f"{case.name}: {case.message}" for case in named[:_NAMED]), *more])


def _command(reading: PipelineReading, kind: str, suite: Suite | None, title: str, text: str) -> str:
    line = 1 if suite is None else suite.line or 1
    return f"::{kind} file={_property(reading.plan)},line={line},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """The message of a command. GitHub's own escapes, and no start of a command of the older form."""
    escaped = harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace("##[", "# #[")


def _property(text: str) -> str:
    """A property of a command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
