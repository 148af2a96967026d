"""Any text as TOML writes it."""

from __future__ import annotations


def toml_text(value: str) -> str:
    """`value` as a basic string of TOML, on one line and without invisible characters."""
    plain = (one if one.isprintable() and one not in '"\\' else f"\\U{ord(one):08X}" for one in value)
    return '"' + "".join(plain) + '"'
