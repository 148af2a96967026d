"""`annotations.txt`: at most ten workflow commands of GitHub, which a step prints with `cat`.

One for each failing rule, after those for the verdict. The first line is an ordinary one: it says the verdict, and
names the rules and where they stand in the plan.
"""

from __future__ import annotations

from typing import Final

from audit.public.table import PublicRelease, PublicRule
from audit.vocabulary.text import harmless
from reports.public.pipeline_reading import PipelineReading

_MOST: Final = 10
"""GitHub shows ten annotations of a kind for a step."""


class PublicGithubAnnotationsReporter:
    """Writes `annotations.txt`."""

    name: Final = "github-annotations"
    filename: Final = "annotations.txt"
    audience: Final = "public"

    def render(self, release: PublicRelease) -> str:
        """The whole file as text, the same for the same release."""
        reading = PipelineReading(release)
        rules = [f"{_property(rule.rule)} ({reading.plan} {reading.line(rule)})" for rule in release.rules]
        said = f"audit: {_property(reading.title)}; {_data(reading.verdict)}"
        lines = [f"{said}; rules: {', '.join(rules) or 'none'}"]
        return "\n".join([*lines, *_commands(reading), *_waivers(reading)]) + "\n"


def _commands(reading: PipelineReading) -> list[str]:
    failing = reading.failing_rules()
    kind = "error" if reading.outcome == "fail" else "warning"
    # A verdict that rules carry needs no annotation of its own; one that none carries must not be silent.
    alone = not failing or bool({"probes", "change"} & set(reading.release.headline.fails_on)) or reading.is_expired
    commands = []
    if alone and reading.look != "pass":
        commands.append(_command(reading, kind, None, "Audit of groups", reading.about_verdict()))
    room = _MOST - len(commands)
    for place, rule in enumerate(failing):
        if place == room - 1 and len(failing) > room:
            text = "Further rules have groups beyond their limits in the protected figures: release.json names them."
            commands.append(_command(reading, "error", None, "Further rules", text))
            break
        text = "In this test groups are beyond the limit in the protected figures: release.json names them."
        commands.append(_command(reading, "error", rule, rule.rule, text))
    return commands


def _waivers(reading: PipelineReading) -> list[str]:
    """A notice for each waiver, as far as there is room: notices are counted apart from errors."""
    return [
        _command(reading, "notice", None, "Waived finding", f"Waiver of {told}")
        for told in reading.waived.sentences()[:_MOST]
    ]


def _command(reading: PipelineReading, kind: str, rule: PublicRule | None, title: str, text: str) -> str:
    place = f"file={_property(reading.plan)},line={reading.line(rule)}"
    return f"::{kind} {place},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """The message of a command. GitHub's own escapes, and no start of a command of the older form."""
    escaped = harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace("##[", "# #[")


def _property(text: str) -> str:
    """A property of a command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
