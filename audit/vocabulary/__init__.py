"""What everything is called: groups, rates, statuses, numbers and text. Imports nothing but errors."""
