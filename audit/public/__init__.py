"""Public nouns: what a public report may see of an audit, and nothing else."""
