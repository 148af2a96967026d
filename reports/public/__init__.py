"""Reports for the public: each is made from a `PublicRelease`, and from nothing else."""

from __future__ import annotations
