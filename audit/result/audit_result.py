"""The audit result: what was asked, counted, estimated and decided. Every report, gate and comparison reads only this.

This file is the reference of `result.json`: each field is described under it, and `audit7k schema` prints the same
as JSON Schema. Integer counts are the truth and rates are derived from them; a number that is not known is `null`
with a status and a reason, never 0. Change a field only together with `SCHEMA_VERSION`.
"""

from typing import Any, Final, Literal

from audit.plan.answers import BlindDetector
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.change import Change
from audit.result.findings.further import Further
from audit.result.findings.judged import (
    Disparity,
    Estimate,
    GroupCounts,
    RowAccount,
    RuleResult,
    Verdict,
    stopped_by_failures,
)
from audit.result.findings.safeguards import Framework, Safeguard
from audit.result.findings.second import SecondVerdict, people_among
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict, SwapProbe
from audit.result.findings.system import Notice, RanIn, SystemDescription
from audit.vocabulary.attempts import HistoryRecord
from audit.vocabulary.groups import Group, Part, SensitiveFeature
from audit.vocabulary.metrics import MetricDefinition
from audit.vocabulary.statuses import is_shown
from audit.vocabulary.text import printable

SCHEMA_VERSION: Final = 2


class OverallVerdict(Part):
    """The verdict of the audit."""

    outcome: Literal["pass", "fail", "inconclusive"]
    """fail if any rule fails or a group became worse than in the baseline, pass only if every rule passes and, where
    there is a baseline, no group became worse; else inconclusive."""
    failing_rules: tuple[str, ...]
    """Ids of the rules that fail."""
    undecided_rules: tuple[str, ...]
    """Ids of the rules that neither pass nor fail."""
    primary_harm: Literal["missed", "wrongly_flagged", "both"]
    """Which error harms most: what the plan says, else what follows from its route."""


class Waiver(Part):
    """A finding that someone has taken responsibility for. It is shown, and it changes no verdict."""

    rule: str
    """Id of the rule."""
    group: Group
    """The group."""
    who: str
    """Who waives it."""
    why: str
    """On what ground."""
    expires: str
    """The day after which it no longer holds, as YYYY-MM-DD."""


class StratumDrawn(Part):
    """A stratum of the population, and what was drawn from it."""

    name: str
    """As the plan names it."""
    size: int
    """Cases of the population."""
    drawn: int
    """Cases of the set. As many as `size`: the stratum is known in full."""


class Provenance(Part):
    """From what, by what and when. The only part of a result that may differ between two runs on the same input."""

    plan_sha256: str
    """SHA-256 of the plan as used but for `waivers`, in canonical JSON."""
    evaluation_set_sha256: str | None
    """SHA-256 of the file, or of what `evaluation_set_digest_of` says; null for a table passed in memory."""
    evaluation_set_digest_of: Literal["file", "manifest", "snapshot"] = "file"
    """`manifest`: of a list of all files of a folder, in the order of their paths: path within the folder, size and
    SHA-256 of each. `snapshot`: of such a list for one version of a table."""
    counted_on: str | None = None
    """What counted the rows, if not DuckDB in the process of this tool: Apache Spark and its version."""
    detector_sha256: str | None
    """SHA-256 of the model or predictions file; null where there is none."""
    predictions_sha256: str | None = None
    """SHA-256 of `predictions.parquet` as it was written beside this result; null where none was."""
    cases_sha256: str | None = None
    """SHA-256 that stands for the ids of all cases, in any order and format of file; null in results of before."""
    tool: str
    """Name and version of this tool."""
    packages: dict[str, str]
    """Versions of what the numbers depend on."""
    python: str
    """Version of Python."""
    platform: str
    """Operating system and processor."""
    git_commit: str | None = None
    """Commit of the folder that holds the plan."""
    git_dirty: bool | None = None
    """Whether that folder had uncommitted changes."""
    started: str
    """UTC, ISO 8601."""
    finished: str
    """UTC, ISO 8601."""
    legs: tuple[tuple[str, str], ...] = ()
    """When rows were scored, where not in this run alone: beginning and end of each stretch of work."""
    ran_in: RanIn | None = None
    """Where the detector ran, the last time that it did; null where its answers were a table."""
    course: tuple[str, ...] = ()
    """How scoring went, in the detector's words: what was asked again, cut, or answered by whom. Of stretches of work
    that were killed nothing is known."""
    strata: tuple[StratumDrawn, ...] = ()
    """Strata that the set was drawn from, where the plan names them."""
    history: HistoryRecord | None = None
    """What a history shows of this audit; null where it was run without one."""
    plan_file: str = ""
    """The plan file as it was named, where that is a plain relative path, else its own name; empty where it is not
    known."""
    rule_lines: tuple[int | None, ...] = ()
    """The line of the plan file on which each rule on rates stands, in their order; empty where it is not known."""


class AuditResult(Part):
    """The whole result of an audit: `result.json`."""

    schema_version: Literal[2]
    """Version of this format."""
    status: Literal["complete"]
    """Only complete audits are written."""
    release: Literal["restricted"]
    """`restricted`: the counts are exact and can single out people. Not for publication."""
    plan_as_asked: dict[str, Any]
    """The plan as it was written, without defaults."""
    plan: AuditPlan
    """The plan as it was used, defaults filled in."""
    system: SystemDescription
    """What was audited."""
    features: tuple[SensitiveFeature, ...]
    """The sensitive features and the names of their levels."""
    metrics: tuple[MetricDefinition, ...]
    """The rates and what they mean."""
    overall: OverallVerdict
    """The verdict."""
    rules: tuple[RuleResult, ...]
    """Rule by rule."""
    verdicts: tuple[Verdict, ...]
    """Rule by rule and group by group."""
    rows: tuple[RowAccount, ...]
    """Where every row went: first everyone, then group by group."""
    counts: tuple[GroupCounts, ...]
    """The counts: first everyone, then group by group."""
    estimates: tuple[Estimate, ...]
    """Every rate of every group; first everyone's."""
    disparities: tuple[Disparity, ...]
    """Every comparison."""
    probes: tuple[SwapProbe, ...] = ()
    """What changing one word, or one column, does to the score, probe by probe, where the plan has `probes`."""
    probe_rules: tuple[ProbeRuleResult, ...] = ()
    """Rules on probes, rule by rule."""
    probe_verdicts: tuple[ProbeVerdict, ...] = ()
    """Verdicts on probes, change by change."""
    waivers: tuple[Waiver, ...] = ()
    """Findings that someone has waived."""
    safeguards: tuple[Safeguard, ...]
    """Clauses of the draft resolution, and what of this result speaks to them."""
    frameworks: tuple[Framework, ...] = ()
    """Laws and standards, and what of the same evidence is relevant to them."""
    change: Change | None = None
    """What changed against an earlier audit, where one was named: part of the overall verdict."""
    notices: tuple[Notice, ...] = ()
    """What a reader must know."""
    further: Further
    """What the audit found beside its verdicts. Nothing here can change a verdict, but people's decisions that the plan
    counts."""
    provenance: Provenance
    """From what, by what and when."""

    @property
    def people_verdict(self) -> SecondVerdict | None:
        """Verdict on what people decided after the detector, where it is a part of this one; None where it is not."""
        return people_among(self.further.second_verdicts) if self.plan.people_count else None

    @property
    def is_not_shown(self) -> bool:
        """Whether decisions from production do not show that the system at work answers as its vendor did."""
        section = self.plan.detector
        return isinstance(section, BlindDetector) and not is_shown(section.deployed)

    @property
    def too_many_failed(self) -> bool:
        """Whether the detector failed on more rows than the plan allows, so that nothing is decided."""
        return stopped_by_failures(self.rules)

    @property
    def relied_on(self) -> Literal["pass", "fail", "inconclusive"]:
        """The verdict as far as it may be relied on: a pass by answers not shown to be the system's is none."""
        outcome = self.overall.outcome
        return "inconclusive" if outcome == "pass" and self.is_not_shown else outcome

    def __str__(self) -> str:
        """Say the verdict and of what, on one line."""
        return f"{self.overall.outcome.upper()} {printable(self.plan.audit.title)}"

    def __repr__(self) -> str:
        """Say the same in a console: all fields are some thousand lines."""
        return f"<AuditResult {self}>"
