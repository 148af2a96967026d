"""Reference of result.json, from the docstrings of `audit.result.audit_result` and `audit.result.findings`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.document_plan import SECTIONS
from tools.schema_page import GENERATED, cell, part_table, table

INTRODUCTION = """
# result.json

The result of an audit, in one file: every report, `audit7k gate` and every later comparison read this and nothing
else. `audit7k schema` prints the same as JSON Schema.

- Integer counts are the truth; rates are derived from them.
- A number that is not known is `null` with a status and a reason. It is never 0, never 1, and never a missing row.
- Everything outside `provenance` is the same, byte for byte, for the same plan and data.
- The counts are exact: the file is [restricted](../privacy.md), not for publication.
- A reader that meets a `schema_version` it does not know must stop; `audit7k` does, and says so.
"""

PLAN_PARTS = {"AuditPlan", *(model for _, model in SECTIONS)}

REASONS = (
    ("Because", "Why a verdict on a group is what it is"),
    ("RuleBecause", "Why a rule came out as it did"),
)


def result_page() -> str:
    """Write the page, as Markdown."""
    from audit.result.audit_result import AuditResult

    schema = AuditResult.model_json_schema(mode="serialization")
    parts = {name: part for name, part in schema["$defs"].items() if name not in PLAN_PARTS}
    anchors = {name: name.lower() for name in parts}
    blocks = [GENERATED + INTRODUCTION, "## The whole\n", part_table(schema, anchors=anchors, with_default=False)]
    blocks.append("`plan` is described on [its own page](plan.md).\n")
    for name in sorted(parts):
        blocks.append(f"## {name}\n\n{_description(name, parts[name])}\n")
        if parts[name].get("properties"):
            blocks.append(part_table(parts[name], anchors=anchors, with_default=False))
    blocks += [f"## {title}\n\n{_reasons(name)}" for name, title in REASONS]
    return "\n".join(blocks)


def _description(name: str, part: Mapping[str, Any]) -> str:
    """Return the words on a part; a named tuple, which has none in the schema, is described by its class."""
    import audit.vocabulary.groups

    described = getattr(audit.vocabulary.groups, name, None)
    fields = getattr(described, "_fields", ())
    if fields:
        return f"{cell(str(described.__doc__))} A list of {len(fields)}: {', '.join(f'`{field}`' for field in fields)}."
    return cell(part.get("description", ""))


def _reasons(name: str) -> str:
    """Return the members of a closed set of reasons, with the comments that stand beside them in the code."""
    import audit.result.findings.judged

    source = Path(str(audit.result.findings.judged.__file__)).read_text(encoding="utf-8")
    body = re.search(rf"^{name} = Literal\[(.*?)^\]", source, re.MULTILINE | re.DOTALL)
    if body is None:
        raise ValueError(f"audit.result.findings.judged has no list {name}")
    rows = [
        [f"`{reason}`", *(cell(word) for word in words.partition(": ")[::2])]
        for reason, words in re.findall(r'^\s+"(\w+)",\s+# (.*)$', body[1], re.MULTILINE)
    ]
    rows = [row if row[2] else [row[0], row[1], ""] for row in rows]
    return table(["Reason", "Outcome", "Meaning"], rows)
