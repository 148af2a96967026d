"""Answers of an audit beside its verdicts: one look for each question, with one sentence, one small table, and the rest
folded.
"""

from __future__ import annotations

from reports.html.looks.every_look import Looks, looks

__all__ = ["Looks", "looks"]
