"""Answers of an audit beside its verdicts: one look for each question, with one sentence, one small table, and the rest
folded.
"""

from __future__ import annotations

from reports.html.looks.every_look import Looks, looks
from reports.html.looks.parts import Column, Fold, Look, LookWriter, SmallTable

__all__ = ["Column", "Fold", "Look", "LookWriter", "Looks", "SmallTable", "looks"]
