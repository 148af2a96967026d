"""What a result says where nobody asked other libraries: apart, so that a gate loads none of what asks them."""

from __future__ import annotations

from typing import Final

from audit.result.audit_result import Notice

__all__ = ["UNASKED"]

UNASKED: Final = Notice(
    code="crosscheck-skipped",
    text="fairlearn and AIF360 were not asked for the same numbers: nobody but this tool has computed them.",
)
