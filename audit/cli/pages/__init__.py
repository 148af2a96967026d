"""Pages that commands print: summaries, tables and documents as text."""
