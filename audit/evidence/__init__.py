"""Evidence that others can check: what was audited is signed, committed to, and stands in a history."""
