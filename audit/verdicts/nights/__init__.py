"""Verdict of many nights: evidence that may be looked at every night, kept in one small file.

A plan that is tried every night on new cases is tested every night, and a test that is right 95 times in 100 accuses
somebody in the end. Here each night adds to evidence whose bar holds for the whole history: see
`audit.stats.safe_process`, and docs/how-to/nightly.md.
"""

from __future__ import annotations
