"""What the terminal says of the comparison with other libraries: one line, also where nobody was asked."""

from __future__ import annotations

from audit.cli.group_names import printable
from audit.result.audit_result import AuditResult

__all__ = ["opinion_line"]


def opinion_line(result: AuditResult) -> str:
    """Which libraries computed the same numbers, and how many; that none did where none was asked or could answer."""
    if result.crosscheck_state == "not_asked":
        return "Checked: no other library was asked for the same numbers"
    if result.crosscheck_state == "no_answer":
        return "Checked: neither fairlearn nor AIF360 could be asked"
    names = " and ".join(printable(agreement.library) for agreement in result.crosscheck)
    numbers = min(agreement.rates_compared + agreement.disparities_compared for agreement in result.crosscheck)
    verb = "agrees" if len(result.crosscheck) == 1 else "agree"
    return f"Checked: {names} {verb} on {numbers:,} rates and disparities"
