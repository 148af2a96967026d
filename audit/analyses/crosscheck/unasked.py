"""Notice of a result for which no other libraries were asked: apart, so that a gate loads none of them."""

from __future__ import annotations

from typing import Final

from audit.result.audit_result import Notice
from audit.vocabulary.sentences import sentence

__all__ = ["UNASKED"]

UNASKED: Final = Notice.of("crosscheck-skipped", sentence("crosscheck_skipped"))
