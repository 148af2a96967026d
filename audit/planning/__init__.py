"""Planning before a run: which groups a set can judge, which gaps it can decide, and which cases to draw."""
