"""Words for counterfactual probes: the outcome of their limits, and what was changed, for the verdict and the pages."""

from __future__ import annotations

from typing import Final

from audit.result.audit_result import AuditResult
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict, SwapProbe, SwapShift
from audit.vocabulary.sentences import SLOT_WORDS
from reports.language import Language

_FEWEST: Final = 10


class SwapWords:
    """Words for the probes of one result in one language."""

    def __init__(self, result: AuditResult, language: Language) -> None:
        self.result = result
        self.language = language
        self.t = language.translations
        self.n = language.numbers
        self._shifts = {
            (probe.probe, shift.slot, shift.given_slot, shift.given, shift.level): shift
            for probe in result.probes
            for shift in probe.shifts
        }
        self._names = {
            (probe.probe, shift.slot, shift.level): shift.name for probe in result.probes for shift in probe.shifts
        }
        self.probes = {probe.probe: probe for probe in result.probes}
        self.failing = [verdict for verdict in result.probe_verdicts if verdict.outcome == "fail"]

    @property
    def outcome(self) -> str:
        """The outcome of all limits on probes together. Empty where the plan has none."""
        outcomes = {rule.outcome for rule in self.result.probe_rules}
        if not outcomes:
            return ""
        return "fail" if "fail" in outcomes else "pass" if outcomes == {"pass"} else "inconclusive"

    def sentence(self) -> str:
        """Return the outcome of the limits on probes as a sentence. Empty where the plan has none."""
        every = len(set(map(_change, self.result.probe_verdicts)))
        failing = len(set(map(_change, self.failing)))
        match self.outcome:
            case "":
                return ""
            case "fail":
                return self.language.counted("swaps", "fail", every, failing=self.n.count(failing))
            case "pass":
                return self.language.word("swaps", "pass")
            case _:
                cannot = self.language.word("swaps", "inconclusive")
                few = [verdict for verdict in self.result.probe_verdicts if verdict.because == "too_few_templates"]
                if not few:
                    return cannot
                most = max(few, key=self.needed)
                return self.language.word(
                    "swaps", "takes", cannot=cannot, texts=self.counted(self.needed(most), self.probes[most.probe])
                )

    def needed(self, verdict: ProbeVerdict) -> int:
        """Return how many templates a verdict takes at least; results of schema version 1 say it of ten alone."""
        return verdict.templates_needed or _FEWEST

    def widest(self) -> str:
        """Return the failing change that moves the score most."""
        moved = [
            (abs(shift.shift), verdict, shift)
            for verdict in self.failing
            for shift in [self.shift(verdict)]
            if shift and shift.shift is not None
        ]
        if not moved:
            return ""
        _, verdict, shift = max(moved, key=lambda move: move[0])
        # the range of one shift would say too much of the widest of many
        points = self.n.points_with_range(shift.shift, None, None)
        return self.language.word(
            "swaps", "widest", change=self.change(self.probes[verdict.probe], shift), points=points
        )

    def next_step(self) -> str:
        """Return the next step where a limit on probes is not met."""
        if self.outcome == "fail":
            return self.language.word("next_steps", "explain_words")
        open_rules = [rule for rule in self.result.probe_rules if rule.outcome != "pass"]
        kinds = {self.probes[name].kind for rule in open_rules for name in rule.probes if name in self.probes}
        if kinds == {"columns"}:
            return self.language.word("next_steps", "more_rows")
        return self.language.word("next_steps", "more_texts")

    def counted(self, count: int, probe: SwapProbe) -> str:
        """Return a count in the unit of a probe's templates: "20 texts"."""
        return self.language.counted("probed_counted", probe.unit, count)

    def shift(self, verdict: ProbeVerdict) -> SwapShift | None:
        """Return the shift that a verdict is about."""
        return self._shifts.get(_change(verdict))

    def slot(self, slot: str, probe: SwapProbe) -> str:
        """Return the name of a slot for a reader."""
        if probe.kind == "columns":
            return self.t.gettext("the column %(name)s") % {"name": slot.replace("_", " ")}
        return self.t.gettext("the %(slot)s") % {"slot": self.t.gettext(SLOT_WORDS.get(slot, slot))}

    def change(self, probe: SwapProbe, shift: SwapShift) -> str:
        """Return one change, with what was held constant: "Nigerian (NGA), within woman"."""
        name = shift.name
        if shift.name.casefold() != shift.level.casefold() and len(shift.level) <= 8:
            name = self.t.gettext("%(name)s (%(code)s)") % {"name": shift.name, "code": shift.level}
        if shift.given_slot is None or shift.given is None:
            return name
        fixed_level = self._names.get((probe.probe, shift.given_slot, shift.given), shift.given)
        return self.t.gettext("%(change)s, within %(given)s") % {"change": name, "given": fixed_level}

    def limit(self, rule: ProbeRuleResult) -> str:
        """Return what a rule on probes limits."""
        return self.language.word("swaps", "limit", points=self.n.points(rule.margin))

    def word(self, rule: ProbeRuleResult) -> str:
        """Return the outcome of a rule on probes."""
        return self.language.word("probe_rules", rule.outcome if rule.outcome in ("fail", "pass") else "inconclusive")

    def changes(self, rule: ProbeRuleResult) -> str:
        """Return the number of changes with each outcome under a rule."""
        counts = rule.comparisons_by_outcome
        return self.t.gettext("%(fail)s beyond the limit, %(pass)s within it, %(open)s not decided") % {
            "fail": self.n.count(counts["fail"]),
            "pass": self.n.count(counts["pass"]),
            "open": self.n.count(counts["inconclusive"] + counts["not_evaluable"]),
        }


def _change(verdict: ProbeVerdict) -> tuple[str, str, str | None, str | None, str]:
    """Return a key of the change that a verdict is about. Every rule that limits the change has the same key."""
    return verdict.probe, verdict.slot, verdict.given_slot, verdict.given, verdict.level
