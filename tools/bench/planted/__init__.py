"""Benchmark of planted truth: how often audits of synthetic worlds find what is planted, and accuse a control.

`make planted` (or `python -m tools.bench.planted`) draws sets from a row of seeds and holds audit7k, fairlearn with the
four-fifths rule, aequitas and AIF360's bias scan against the same truth, side by side. What "found" and "accused"
mean for each tool is written in docs/decisions/0016-worlds-with-known-truth.md, before the run, and in the module
that asks it.
"""
