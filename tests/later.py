"""Which tests `make test` leaves to `make all`."""

from __future__ import annotations

from typing import Final

LATER: Final = {
    "browser": ("browser",),
    "packaging": ("project/test_packaging.py", "project/test_tutorial.py", "recipes"),
    "simulation": (
        "benchmarks",
        "disclosure/test_attack_by_trying.py",
        "disclosure/test_disclosure_simulation.py",
        "disclosure/test_programs_by_trying.py",
        "disclosure/test_signs_by_trying.py",
        "runs/test_drawing_simulation.py",
        "sequential/test_nightly_simulation.py",
        "stats/test_conditional_simulation.py",
        "stats/test_many_groups_simulation.py",
        "stats/test_verdict_size.py",
        "verdicts/test_planning_simulation.py",
        "verdicts/test_weighted_simulation.py",
        "verdicts/test_whole_audit_simulation.py",
    ),
    "slow": (
        "disclosure/test_public_pdf.py",
        "disclosure/test_public_pdf_page.py",
        "figures",
        "fuzz",
        "isolation",
        "realdata",
        "reports/test_page_weight.py",
        "reports/test_pdf_drawings.py",
        "reports/test_pdf_page.py",
        "reports/test_public_formats.py",
        "reports/test_public_gates.py",
        "reports/test_public_hostile.py",
        "reports/test_report_hostile.py",
        "reports/test_report_pdf.py",
        "runs/test_resume.py",
    ),
}
"""Folders and files, by mark, that `make test` leaves to `make all`. CONTRIBUTING.md says what they hold."""
