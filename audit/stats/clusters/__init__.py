"""Rates of rows that come in clusters."""
