"""Doubts about a difference: label noise, confounders, unknown groups."""
