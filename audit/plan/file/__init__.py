"""The TOML file of a plan: reading it, and one line for each mistake in it."""
