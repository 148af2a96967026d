"""What would overturn a difference: label noise, confounders, unknown groups."""
