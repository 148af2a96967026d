"""The audit plan: what is audited, on which cases, against which limits. It is decided before the data are seen.

The models here are strict: an unknown key, a wrong type or an impossible combination is an error. The module
`audit.plan.file.plan_file` reads a plan from a file; its errors name the line and the nearest known key.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails

from audit.plan.answers import BlindDetector, Name, PredictionsDetector, Strict
from audit.plan.detectors import Detector
from audit.plan.evaluation_set import ANSWER, EvaluationSetSection
from audit.plan.governance import Day, GovernanceSection, WaiversSection
from audit.plan.measures import DeclaredRate, Measure, OverGroups
from audit.plan.probes import ByMetric, NamedProbeRule, Probe, ProbeForm, ProbeRule, RateForm, check_probes, rule_form
from audit.plan.second_questions import DecisionsSection, ExposureSection, FormsSection
from audit.plan.sections import (
    BaselineSection,
    Coding,
    ControlFeature,
    ControlSampleSection,
    CostsSection,
    DeploymentSection,
    DisclosureSection,
    EngineSection,
    GroupFeature,
    ReferenceTableSection,
    SandboxSection,
    ScanSection,
    ScoringSection,
    SensitivitySection,
    VerdictSection,
    feature_coding,
)
from audit.vocabulary.metrics import METRICS, Metric, MetricName, Worse, metric_called, worse_direction

PLAN_SCHEMA = 1

Use = Literal[
    "victim-identification",
    "hotline-triage",
    "moderation",
    "lead-generation",
    "financial-monitoring",
    "border-screening",
    "supply-chain",
]
Route = Literal["services", "enforcement", "both"]
Harm = Literal["missed", "wrongly_flagged", "both"]


class AuditSection(Strict):
    """Who audits what, and where a flag goes."""

    title: Name
    """The system under audit and its version, as a reader of the report knows it."""
    system: Annotated[str, Field(max_length=200)] = ""
    """What the system is called in every version: audits of one name are one history in a portal. Empty: the title."""
    owner: Name
    """Who answers for the system."""
    use: Use
    """What the system is used for."""
    route: Route
    """Where a flag goes: to services, to enforcement, or to both. It decides which error is the primary harm."""
    primary_harm: Harm | None = None
    """The error that harms most, where it is not that of `route`: for services `missed`, for enforcement
    `wrongly_flagged`."""
    auditor: str = ""
    """Who carried out the audit."""
    limits_set_by: str = ""
    """Who set the limits of the rules, and on what ground. Shown in every report."""
    respond_by: Day | None = None
    """The day by which the operator is asked to answer a result that is no pass, as YYYY-MM-DD. It stands on the first
    screen of every page and in the letter, enters no digest of the plan, and changes no verdict."""

    @property
    def harm(self) -> Harm:
        """Primary harm: what the plan says, else what follows from where a flag goes."""
        by_route: dict[Route, Harm] = {"services": "missed", "enforcement": "wrongly_flagged", "both": "both"}
        return self.primary_harm or by_route[self.route]


class Rule(OverGroups, Strict):
    """A limit on how much worse off a group may be than the rest."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = None
    """A short name, unique in the plan; made from the metric where it is not given."""
    metric: str
    """The rate that is limited: one of audit7k, such as `true_positive_rate` (`audit7k explain` lists them), or one
    that `[rates.<name>]` declares."""
    groups: Annotated[tuple[str | tuple[str, ...], ...], Field(min_length=1)]
    """Features, and lists of features for their intersections: `["gender", ["gender", "nationality"]]`."""
    margin: Annotated[float, Field(ge=0.001, le=0.999)] | None = None
    """The largest difference from the rest that is within the limit, in shares: 0.10 is ten percentage points."""
    ratio: Annotated[float, Field(ge=0.01, lt=1)] | None = None
    """The smallest ratio that is within the limit: 0.80 is four fifths (for a rate that harms when high, 1/0.80)."""
    direction: Literal["worse", "both"] = "worse"
    """`worse` limits harm to the group; `both` limits any difference from the rest."""
    expected_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The rate expected before the audit. It plans group sizes (`min_cases = "auto"`) and enters no test."""
    regression_margin: Annotated[float, Field(ge=0.001, le=0.999)] | None = None
    """How much worse than in a baseline the rate may have become, if not as [baseline] says; in shares."""
    on_fail: Literal["fail", "warn"] = "fail"
    """`warn`: the verdict states what was found, and where the rule fails, builds go on with a warning."""
    reason: str = ""
    """Why this limit: who set it and on what ground."""
    _declared: Metric | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if (self.margin is None) == (self.ratio is None):
            raise ValueError("write exactly one of `margin` (a difference) and `ratio`")
        if self.metric in METRICS and METRICS[self.metric].worse is Worse.NOT_JUDGED:
            raise ValueError(f"{self.metric} is a property of the labels; a rule needs a rate of the detector")
        return self

    @property
    def rate(self) -> Metric:
        """The rate that is limited, with its cells. KeyError for a name that neither audit7k nor the plan knows."""
        if self._declared is not None and self._declared.name == self.metric:
            return self._declared
        return METRICS[self.metric]

    def bind_rate(self, declared: Metric | None) -> Self:
        """Take the rate that the plan declares under this name; None where audit7k has one. Returns the rule."""
        self._declared = declared
        return self

    @property
    def scale(self) -> Literal["difference", "ratio"]:
        """Whether the limit is a difference or a ratio."""
        return "difference" if self.ratio is None else "ratio"

    @property
    def limit(self) -> float:
        """The margin or the ratio, whichever the rule sets."""
        limit = self.margin if self.ratio is None else self.ratio
        assert limit is not None  # noqa: S101 - the validator above has seen to it
        return limit

    @property
    def planned_rate(self) -> float:
        """Rate that planning assumes."""
        return self.rate.expected_rate if self.expected_rate is None else self.expected_rate


class NamedRule(Rule):
    """A limit on a rate whose id is known: its own, or one made from its metric."""

    id: str


class AuditPlan(Strict):
    """A whole plan, checked. Paths are relative to the folder of the plan file."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    """Version of the plan's format: 1."""
    audit: AuditSection
    """Who audits what."""
    detector: Detector
    """The model under audit."""
    evaluation_set: EvaluationSetSection
    """The labelled cases."""
    groups: Annotated[dict[str, GroupFeature], Field(min_length=1)]
    """The sensitive features, by name."""
    rates: Annotated[
        dict[MetricName, DeclaredRate], Field(default_factory=dict, max_length=20, exclude_if=lambda rates: not rates)
    ]
    """Rates of your own, by name; at most 20. A rule limits one like any other rate."""
    every_rule: Annotated[
        tuple[Annotated[Annotated[Rule, RateForm] | Annotated[ProbeRule, ProbeForm], ByMetric], ...],
        Field(min_length=1, max_length=200, alias="rules"),
    ]
    """The limits: on rates, and on probes; at most 200."""
    verdict: VerdictSection = VerdictSection.model_construct()
    """How verdicts are reached."""
    scoring: ScoringSection = ScoringSection.model_construct()
    """How the detector is run."""
    engine: Annotated[EngineSection, Field(exclude=True)] = EngineSection.model_construct()
    """Where rows are counted; it changes no number and is part of no digest."""
    sandbox: SandboxSection = SandboxSection.model_construct()
    """How it is held where it runs in a process of its own."""
    disclosure: DisclosureSection = DisclosureSection.model_construct()
    """How people are protected in public files."""
    deployment: DeploymentSection | None = None
    """Where the detector works, as far as it differs from the set."""
    control_features: dict[str, ControlFeature] = Field(default_factory=dict)
    """Features by which like is compared with like, by name."""
    control_sample: ControlSampleSection | None = None
    """Which cases were drawn at random."""
    sensitivity: SensitivitySection = SensitivitySection.model_construct()
    """How far the findings are to be doubted."""
    scan: ScanSection | None = None
    """A search for subgroups that nobody named."""
    costs: CostsSection | None = None
    """What an error costs."""
    reference_table: ReferenceTableSection | None = None
    """What is known from elsewhere about who is exploited."""
    measures: tuple[Measure, ...] = ()
    """Measures of your own: shown, never judged."""
    probes: tuple[Probe, ...] = ()
    """Texts and rows in which one word or one column is changed, to see whether the score moves."""
    governance: GovernanceSection = GovernanceSection.model_construct()
    """What the operator declares beside the numbers."""
    waivers: WaiversSection = WaiversSection.model_construct()
    """Findings that somebody answers for."""
    baseline: BaselineSection = BaselineSection.model_construct()
    """How a new version is held against an earlier audit."""
    decisions: DecisionsSection | None = None
    """What people decided after the detector."""
    forms: FormsSection | None = None
    """Forms of exploitation that are judged one by one."""
    exposure: ExposureSection | None = None
    """First places of a ranking."""

    @field_validator("rates")
    @classmethod
    def _with_new_names(cls, rates: dict[str, DeclaredRate]) -> dict[str, DeclaredRate]:
        for name in rates:
            if (known := metric_called(name)) is not None:
                what = "a rate of audit7k" if name == known.name else f"{known.name} here"
                raise ValueError(f"{name} is {what}: limit that, or take another name")
            if rule_form({"metric": name}) != "rates":
                raise ValueError(f"{name} is the name of a limit on probes: take another")
        return rates

    @field_validator("every_rule")
    @classmethod
    def _of_known_rates(cls, rules: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        """Give each rule the rate that the plan declares under its name, and refuse a name that nobody knows."""
        if "rates" not in info.data:
            return rules  # what is wrong with a rate is said there
        declared = {name: rate.as_metric(name) for name, rate in info.data["rates"].items()}
        refuse_unknown_rates(rules, {**METRICS, **declared}, form="rates")
        return tuple(
            rule.model_copy().bind_rate(declared.get(rule.metric)) if isinstance(rule, Rule) else rule for rule in rules
        )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name, feature in self.groups.items():
            _check_feature(name, feature, feature_coding(self.groups, name))
        self._check_readings()
        self._check_columns()
        self._check_second_questions()
        if self.evaluation_set.is_counted:
            self._check_counted()
        if self.scoring.repeat > 1 and isinstance(self.detector, PredictionsDetector):
            raise ValueError("scoring.repeat asks the detector again, and one known by its predictions cannot be asked")
        if self.probes and isinstance(self.detector, PredictionsDetector) and self.detector.rank is not None:
            raise ValueError("a probe has texts of its own, which have no place in the ranking that `rank` names")
        if "reference" in self.verdict.compare_with and not any(f.reference for f in self.groups.values()):
            raise ValueError('compare_with = ["reference"] needs `reference = "<level>"` in a [groups.<name>]')
        for position, rule in enumerate(self.every_rule, start=1):
            if isinstance(rule, Rule):
                self._check_rule(position, rule)
        if not self.rules:
            raise ValueError("a plan limits at least one rate: a rule on probes stands beside one, not in its place")
        if len(self.warning_rules) == len(self.rules):
            raise ValueError('every rule on a rate only warns (on_fail = "warn"): leave it out of one at least')
        check_probes(self.probes, self.named_probe_rules, self.detector)
        ids = [*(rule.id for rule in self.named_rules), *(rule.id for rule in self.named_probe_rules)]
        if len(set(ids)) < len(ids):
            raise ValueError("two rules have the same id")
        for mistake in self.governance.check({**self.groups, **self.control_features}, set(ids)):
            raise ValueError(mistake)
        return self

    def _check_readings(self) -> None:
        """Refuse two features that are one: in public each would change the same numbers anew."""
        read: dict[object, str] = {}
        for name, feature in self.groups.items():
            readings = (
                feature.column,
                feature.country_column,
                feature.country,
                feature_coding(self.groups, name),
                *feature.map.items(),
            )
            if (same := read.setdefault(readings, name)) != name:
                raise ValueError(f"groups.{same} and groups.{name} read one column in the same way: leave one out")

    def _check_columns(self) -> None:
        """Refuse a column with two roles: an answer that is the label passes everything, and ids are no group."""
        section, detector = self.evaluation_set, self.detector
        if section.id == section.label:
            raise ValueError("evaluation_set.id and evaluation_set.label name the same column")
        for name, feature in self.groups.items():
            if {feature.column, feature.country_column} & {section.id, section.label}:
                raise ValueError(f"groups.{name}.column is also the id or the label of a case")
        for key in ("weight", "stratum", "cluster"):
            if getattr(section, key) in (section.id, section.label):
                raise ValueError(f"evaluation_set.{key} is also the id or the label of a case")
        for common in section.stratum_by:
            if common not in ("decision", "label", *self.groups):
                known = ", ".join(("decision", "label", *self.groups))
                raise ValueError(f"evaluation_set.stratum_by: {common} is none of {known}")
        self._check_extra_columns()
        if isinstance(detector, BlindDetector) and {section.id, section.label} & set(detector.features):
            raise ValueError("detector.features names the id or the label of a case, and the vendor would learn it")
        if isinstance(detector, PredictionsDetector) and detector.stands_in_set:
            spoken_for = {section.id, section.label, *(feature.column for feature in self.groups.values())}
            if detector.answer in spoken_for:
                raise ValueError("the detector's answer is also the id, the label or a group: name its own column")
            further = {section.weight, section.cluster, *(column for _, column in self._extra_columns)} - {None}
            if detector.answer in further:
                raise ValueError(
                    "the detector's answer is also a weight, a cluster or a column compared by: name its own"
                )

    def _check_second_questions(self) -> None:
        """Refuse questions beside that of the flag which this detector or this set cannot answer."""
        section, detector = self.evaluation_set, self.detector
        second_questions = (self.decisions, self.forms, self.exposure)
        if section.stratum is not None and any(second_questions):
            raise ValueError("decisions, forms and exposure: not with `stratum`; give the cases a `weight`")
        if self.decisions and self.decisions.column in getattr(detector, "features", ()):
            raise ValueError("decisions.column is given to the detector: what people decided after it is no input")
        if self.exposure and not detector.has_scores:
            raise ValueError("exposure: a ranking needs scores, and this detector gives decisions")
        if self.decisions is None and detector.abstention_means == "people_decide":
            raise ValueError(
                'abstention_means = "people_decide" needs [decisions]: which column says what they decided'
            )
        if self.people_count and not self.rules:
            raise ValueError('decisions.verdict = "counts": no limit on a rate is there to judge them by')
        if self.forms is None:
            return
        answers = detector.decision_positive if isinstance(detector, PredictionsDetector) else detector.positive_classes
        if detector.has_scores or getattr(detector, "rank", None) or not answers:
            raise ValueError('forms: the answers must be classes: `decision` of a file, or answers = "class"')
        for key, words in (("evaluation_set.label_positive", section.label_positive), ("the answers", answers)):
            if not {form.casefold() for form in self.forms.named} <= {word.casefold() for word in words}:
                raise ValueError(f"forms.named: a form is missing among {key} that mean exploitation")

    def _check_counted(self) -> None:
        """Refuse what needs single cases."""
        detector = self.detector
        if not isinstance(detector, PredictionsDetector) or (detector.decision, detector.path) != (ANSWER, None):
            raise ValueError("a table of counts says what the detector answered: leave out [detector]")
        if detector.abstention_means is not None:
            raise ValueError("abstention_means: a table of counts has no abstentions, only numbers that it hides")
        sections = {
            "control_features": self.control_features,
            "control_sample": self.control_sample,
            "scan": self.scan,
            "measures": self.measures,
            "probes": self.probes,
            "decisions": self.decisions if "cases" not in self.evaluation_set.cells else None,
        }
        for key, value in sections.items():
            if value:
                raise ValueError(f"{key}: a table of counts has no single cases; leave it out")

    @property
    def _extra_columns(self) -> list[tuple[str, str]]:
        """Columns by which like is compared with like, each with its key."""
        extra_columns = [
            (f"control_features.{name}.column", control.column) for name, control in self.control_features.items()
        ]
        extra_columns += [("scan.columns", column) for column in (self.scan.columns if self.scan else ())]
        if self.control_sample is not None:
            extra_columns.append(("control_sample.column", self.control_sample.column))
        if self.decisions is not None:
            extra_columns.append(("decisions.column", self.decisions.column))
        return extra_columns

    def _check_extra_columns(self) -> None:
        """Refuse control features and scanned columns that are the id, the label or a sensitive feature."""
        section = self.evaluation_set
        taken = {section.id: "the id", section.label: "the label"}
        for name, feature in self.groups.items():
            taken[feature.column] = f"groups.{name}"
        for key, column in self._extra_columns:
            if column in taken:
                raise ValueError(f"{key} names the column of {taken[column]}; name one of its own")
        for name in self.control_features:
            if not name.isidentifier() or name in self.groups:
                raise ValueError(f"control_features.{name}: a name of its own, of letters, digits and underscores")
        asked_features = [("scan.features", name) for name in (self.scan.features if self.scan else ())]
        for number, measure in enumerate(self.measures, start=1):
            asked_features += [(f"measures {number}", name) for names in measure.feature_sets for name in names]
        if self.reference_table is not None:
            asked_features.append(("reference_table.feature", self.reference_table.feature))
        for key, name in asked_features:
            if name not in self.groups:
                raise ValueError(f"{key}: no [groups.{name}] in this plan (it has: {', '.join(self.groups)})")

    def _check_rule(self, position: int, rule: Rule) -> None:
        for features in rule.feature_sets:
            if not features or len(set(features)) < len(features):
                raise ValueError(f"rule {position}: an intersection names each feature once")
            for feature in features:
                if feature not in self.groups:
                    known = ", ".join(self.groups)
                    raise ValueError(f"rule {position}: no [groups.{feature}] in this plan (it has: {known})")
        if rule.direction == "worse" and worse_direction(rule.rate, self.audit.route) is Worse.NOT_JUDGED:
            raise ValueError(
                f'rule {position}: with route = "both" a low and a high {rule.metric} both harm; '
                'write direction = "both"'
            )

    @property
    def metrics(self) -> dict[MetricName, Metric]:
        """Every rate that the audit states, by name: those of audit7k, then those that the plan declares."""
        return {**METRICS, **{name: rate.as_metric(name) for name, rate in self.rates.items()}}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Limits on rates."""
        return tuple(rule for rule in self.every_rule if isinstance(rule, Rule))

    @property
    def named_rules(self) -> tuple[NamedRule, ...]:
        """Limits on rates, each with an id: its own, or its metric with a number where several rules share it."""
        return tuple(
            NamedRule.model_construct(**fields).bind_rate(None if rule.metric in METRICS else rule.rate)
            for rule, fields in zip(self.rules, _with_ids(self.rules), strict=True)
        )

    @property
    def people_count(self) -> bool:
        """Whether what people decided after the detector is a part of the verdict."""
        return self.decisions is not None and self.decisions.verdict == "counts"

    @property
    def alpha_of_limits(self) -> float:
        """Chance of a false FAIL that the limits of one release may spend on one who decides: detector, or people."""
        return self.verdict.alpha_of_limits / (2.0 if self.people_count else 1.0)

    @property
    def warning_rules(self) -> frozenset[str]:
        """Ids of the limits on rates that only warn."""
        return frozenset(rule.id for rule in self.named_rules if rule.on_fail == "warn")

    @property
    def named_probe_rules(self) -> tuple[NamedProbeRule, ...]:
        """Limits on probes, each with an id as in `named_rules` and with the probes that it limits."""
        every = tuple(probe.id for probe in self.probes)
        named = _with_ids([rule for rule in self.every_rule if isinstance(rule, ProbeRule)])
        return tuple(
            NamedProbeRule.model_construct(**{**probe_rule, "probes": probe_rule["probes"] or every})
            for probe_rule in named
        )


def limited_rates(rules: Iterable[Rule]) -> list[Metric]:
    """Return the rates that some rules limit, each once: those of audit7k in its order, then those of the plan."""
    rates = {rule.metric: rule.rate for rule in rules}
    return [rates[name] for name in dict.fromkeys((*METRICS, *rates)) if name in rates]


def refuse_unknown_rates(
    rules: Sequence[Rule | ProbeRule], known: Mapping[MetricName, Metric], *, form: str | None = None
) -> None:
    """Raise ValidationError, with the place of each, for rules on rates of no known name; `form` is what pydantic
    names beside the number of a rule, where rules have several forms.
    """
    within = ("metric",) if form is None else (form, "metric")
    mistakes = [
        InitErrorDetails(
            type="literal_error", loc=(index, *within), input=rule.metric, ctx={"expected": ", ".join(known)}
        )
        for index, rule in enumerate(rules)
        if isinstance(rule, Rule) and rule.metric not in known
    ]
    if mistakes:
        raise ValidationError.from_exception_data("rules", mistakes)


def _with_ids(rules: Sequence[Rule | ProbeRule]) -> list[dict[str, Any]]:
    """The fields of each rule, with an id."""
    metrics = [rule.metric for rule in rules]
    earlier = [metrics[:index].count(metric) for index, metric in enumerate(metrics)]
    rule_ids = [f"{metric}-{same + 1}" if same else metric for metric, same in zip(metrics, earlier, strict=True)]
    return [{**dict(rule), "id": rule.id or rule_id} for rule, rule_id in zip(rules, rule_ids, strict=True)]


def _check_feature(name: str, feature: GroupFeature, coding: Coding) -> None:
    feature.check(f"groups.{name}", coding)
    if not name.isidentifier():
        raise ValueError(f"groups.{name}: a feature's name is made of letters, digits and underscores")
