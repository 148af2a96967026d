"""The terminal: colours, width, names of groups, what a mistyped name may have meant."""
