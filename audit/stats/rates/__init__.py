"""Binomial rates and their intervals, with or without weights."""
