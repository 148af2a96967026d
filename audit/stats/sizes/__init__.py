"""How many cases a question needs, and which gaps a set can decide."""
