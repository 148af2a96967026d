"""A public release in the forms of other standards, for programs, registers and lawyers."""
