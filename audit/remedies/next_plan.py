"""Plan of the audit that has to follow a remedy: another set, and what the remedy makes of the decision."""

from __future__ import annotations

from typing import Any, Final

from audit.errors import ArgumentError
from audit.plan.file.plan_file import LoadedPlan, parse_plan
from audit.plan.file.unfinished import toml_key, toml_value
from audit.result.findings.remedies import Remedies, Tried

_DECIDED: Final = "decision_with_remedy"


def chosen_remedy(remedies: Remedies, number: int | None) -> Tried:
    """Return the remedy with this number, or the first that is confirmed: before what is so only if people are right,
    and what levels down last.

    Raises ArgumentError where there is none.
    """
    for remedy in sorted(remedies.tried, key=lambda remedy: (bool(remedy.levelled_down), remedy.status != "confirmed")):
        if remedy.number == number or (number is None and remedy.status.startswith("confirmed")):
            return remedy
    raise ArgumentError(
        "no remedy is confirmed" if number is None else f"no remedy has the number {number}",
        slug="remedy-none",
        hint=f"there are {len(remedies.tried)}: leave --plan out, or name one with --take, "
        "and the next audit judges it",
    )


def next_plan(loaded: LoadedPlan, remedies: Remedies, remedy: Tried) -> str:
    """Write the plan that audits a remedy on a new set, as TOML. Raises PlanError where it would be no plan.

    One threshold stands in it. What else a remedy changes is no key of a plan: then it reads decisions that the changed
    system has made, from a column of the new set. The set has a new name, no digest yet, and may not be the old one,
    nor one of an earlier remedy.
    """
    document = {key: value for key, value in loaded.as_asked.items() if key not in ("baseline", "waivers")}
    section = {key: value for key, value in document["evaluation_set"].items() if key not in ("sha256", "table")}
    section["path"] = f"new-{section.get('path') or 'set.parquet'}".replace("/", "-")
    section["not_cases"] = [*(section.get("not_cases") or ()), remedies.cases_sha256]
    if remedy.way == "threshold":
        detector = {key: value for key, value in document["detector"].items() if key != "top_k"}
        detector["threshold"] = remedy.thresholds[0].threshold
        if detector["kind"] == "predictions" and "path" in detector:
            detector["path"] = f"new-{detector['path']}".replace("/", "-")
    else:
        detector = {"kind": "predictions", "decision": _DECIDED}
        # both are about the scores of the detector that is replaced
        document = {key: value for key, value in document.items() if key not in ("exposure", "decisions")}
    text = as_toml({**document, "detector": detector, "evaluation_set": section})
    parse_plan(text, name="the next plan", folder=loaded.folder)
    head = (
        f"# Remedy {remedy.number} on a new set, of which no case was in the audit that it came from. Only the same\n"
    )
    head += "# set is refused: that no case returns, or under another id, is for you to see to.\n"
    if remedy.levelled_down:
        head += "# It levels down: groups come together by more harm, and no group has less of it beyond chance.\n"
    if left_out := [f"[{key}]" for key in ("exposure", "decisions") if key in loaded.as_asked and key not in document]:
        head += f"# Without {' and '.join(left_out)} of the plan before, which was about the system that is changed.\n"
    if remedy.way != "threshold":
        head += f"# {_DECIDED}: what the changed system decided, 1 or 0. remedy.json says what is changed.\n"
    return head + text


def as_toml(table: dict[str, Any]) -> str:
    """Write a table of what JSON can hold as TOML, what lies deeper than a section on one line."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    text = "".join(f"{toml_key(key)} = {toml_value(value)}\n" for key, value in plain.items())
    for name, section in table.items():
        if isinstance(section, dict):
            lines = (f"{toml_key(key)} = {toml_value(value)}\n" for key, value in section.items())
            text += f"\n[{toml_key(name)}]\n" + "".join(lines)
    return text
