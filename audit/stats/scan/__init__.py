"""The search for a subgroup that nobody named."""
