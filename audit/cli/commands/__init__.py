"""Commands, one file for each: parse, call one function, print, exit."""
