"""Rows become counts here, and nothing below this line knows how large the data were."""
