"""Tests of a rate against a margin, and many of them at once."""
