"""Reading a plan from TOML, and saying in one line what is wrong with it and where."""
