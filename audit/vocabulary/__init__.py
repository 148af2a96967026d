"""Names for everything: groups, rates, statuses, numbers and text. Imports nothing but errors."""
