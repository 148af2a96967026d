"""Tools of the developers: house rules, lock files, generated reference pages. Not part of the wheel."""
