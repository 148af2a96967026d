"""Version of audit7k, for code that does not need the public names."""

__version__ = "0.1.0"
