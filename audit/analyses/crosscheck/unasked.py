"""What a result says where nobody asked other libraries: apart, so that a gate loads none of what asks them."""

from __future__ import annotations

from typing import Final

from audit.result.audit_result import Notice
from audit.vocabulary.sentences import sentence

__all__ = ["UNASKED"]

UNASKED: Final = Notice.of("crosscheck-skipped", sentence("crosscheck_skipped"))
