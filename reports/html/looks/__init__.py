"""Answers of an audit beside its verdicts: one look for each question, with one sentence, one small table, and the rest
folded.
"""
