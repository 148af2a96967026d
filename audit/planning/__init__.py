"""What can be said before a run: whom a set can judge, which gaps it can decide, and which cases to draw."""
