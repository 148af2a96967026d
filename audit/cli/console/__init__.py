"""Terminal: colours, width, names of groups, and errors in one line."""
