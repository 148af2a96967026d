"""What a command prints: summaries, tables and documents as text."""
