"""Number of cases that a question needs, and gaps that a set can decide."""
