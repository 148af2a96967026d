"""Names for everything: groups, rates, statuses, numbers and text. Imports nothing else of the project."""
