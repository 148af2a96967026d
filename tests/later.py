"""Which tests `make test` leaves to `make all`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

LATER: Final = {
    "browser": ("browser",),
    "packaging": (
        "project/test_operating_system.py::test_an_audit_runs_where_posix_is_missing_and_what_cannot_be_had_is_a_line",
        "project/test_operating_system.py::test_every_module_is_imported_where_posix_is_missing",
        "project/test_packaging.py",
        "project/test_tutorial.py",
        "recipes",
    ),
    "simulation": (
        "analyses/test_label_gaps.py::test_the_test_of_composition_rejects_as_often_as_it_may",
        "verdicts/test_joint_power.py::test_the_chance_said_before_is_that_of_real_audits",
        "verdicts/test_not_judged_alone.py::test_that_gap_is_named_with_the_power_of_the_plan_and_the_rule_passes_where_it_is_not",
        "analyses/test_subgroup_scan.py::test_noise_is_confirmed_no_more_often_than_alpha_and_a_gap_is_found",
        "benchmarks",
        "crosscheck/test_own_measures.py::test_intervals_cover",
        "disclosure/test_attacks.py::test_the_attack_tells_what_a_careless_publisher_prints",
        "disclosure/test_attacks.py::test_answers_and_people_that_return_do_not_tell_who_left",
        "runs/test_drawing_simulation.py",
        "sequential/test_nightly_simulation.py",
        "stats/test_conditional_simulation.py",
        "stats/test_effective_test.py::test_names_err_no_more_than_the_level_however_groups_depend",
        "stats/test_heterogeneity.py::test_coverage",
        "stats/test_many_groups_simulation.py",
        "stats/test_multiplicity.py::test_family_wise_error_at_a_known_rest",
        "stats/test_paired_family.py::test_no_group_on_the_margin_is_accused_more_often_than_allowed",
        "stats/test_paired_family.py::test_pairing_finds_what_two_samples_do_not",
        "stats/test_scan_null.py::test_clusters_keep_the_error_where_rows_alone_would_not",
        "stats/test_scan_null.py::test_the_p_value_is_uniform_where_nobody_is_treated_differently",
        "stats/test_template_shifts.py::test_verdicts_on_the_margin_are_rarely_wrong",
        "stats/test_two_step.py::test_no_charge_is_below_the_chance_of_that_p_value_but_for_a_tenth_of_the_level",
        "stats/test_unnamed.py::test_half_on_the_margin_is_called_beyond_it_at_most_at_the_level",
        "stats/test_verdict_size.py",
        "verdicts/test_planning_simulation.py",
        "verdicts/test_weighted_simulation.py",
        "verdicts/test_whole_audit_simulation.py",
    ),
    "slow": (
        "analyses/test_power.py",
        "analyses/test_set_review.py",
        "analyses/test_subgroup_scan.py",
        "changes/test_change.py",
        "changes/test_outputs_agree.py",
        "changes/test_pairs.py",
        "changes/test_told_everywhere.py",
        "cli/test_commands.py::test_a_stdout_that_is_closed_changes_no_verdict_of_a_plan",
        "cli/test_compare_command.py",
        "cli/test_draw_command.py",
        "cli/test_figure_command.py",
        "cli/test_keeping.py",
        "cli/test_nightly_command.py",
        "cli/test_page_made_again.py",
        "cli/test_plan_read_once.py",
        "cli/test_portal_command.py",
        "cli/test_power_command.py::test_cases_are_planned_without_a_set",
        "cli/test_power_command.py::test_what_cannot_be_planned_says_why",
        "cli/test_public_commands.py",
        "cli/test_screen.py",
        "crosscheck/test_agreement.py",
        "crosscheck/test_own_measures.py",
        "crosscheck/test_peer_rates.py",
        "demo",
        "detectors/test_canary_run.py",
        "detectors/test_chat.py",
        "detectors/test_chat_audit.py",
        "detectors/test_chat_page.py",
        "detectors/test_command.py",
        "detectors/test_command_manual.py",
        "detectors/test_contract.py",
        "detectors/test_http.py",
        "detectors/test_http_audit.py",
        "detectors/test_http_page.py",
        "detectors/test_mlflow_model.py",
        "detectors/test_mlflow_page.py",
        "detectors/test_mlflow_refusals.py",
        "detectors/test_onnx_model.py",
        "detectors/test_outputs.py",
        "detectors/test_pickle_model.py",
        "detectors/test_skops_and_onnx.py",
        "detectors/test_skops_model.py",
        "detectors/test_three_ways.py",
        "detectors/test_write_a_detector.py",
        "disclosure",
        "evidence/test_blind_walk.py",
        "evidence/test_canaries.py",
        "evidence/test_evidence_page.py",
        "evidence/test_killed_attempts.py",
        "evidence/test_verify_command.py",
        "evaluation/test_name_forms.py::test_a_name_of_a_country_in_any_language_of_cldr_is_never_read_as_another",
        "evaluation/test_real_sets.py",
        "evaluation/test_refusals.py::test_a_small_file_that_unpacks_to_work_for_hours_is_refused_in_seconds",
        "evaluation/test_spreadsheets.py::test_a_sheet_with_as_many_rows_as_excel_has_is_read",
        "evaluation/test_spreadsheets.py::test_an_error_is_found_across_the_pieces_in_which_a_file_is_read",
        "figures",
        "fuzz",
        "isolation",
        "portal",
        "probing/test_probe_controls.py",
        "probing/test_probe_designs.py",
        "probing/test_probe_evidence.py",
        "probing/test_probe_resume.py",
        "project/test_documented_numbers.py",
        "realdata",
        "reports/test_exact_outputs_agree.py",
        "reports/test_page_weight.py",
        "reports/test_pdf_drawings.py",
        "reports/test_pdf_page.py",
        "reports/test_public_formats.py",
        "reports/test_public_hostile.py",
        "reports/test_public_language.py",
        "reports/test_public_page.py",
        "reports/test_public_pdf.py",
        "reports/test_public_said.py",
        "reports/test_report_counts_people.py",
        "reports/test_report_governance.py",
        "reports/test_report_hostile.py",
        "reports/test_report_html.py::test_more_groups_take_no_more_work_than_they_are_more",
        "reports/test_report_languages.py",
        "reports/test_report_looks.py",
        "reports/test_report_pdf.py",
        "reports/test_report_sections.py",
        "runs/test_draw.py",
        "runs/test_gone.py",
        "runs/test_resume.py",
        "runs/test_same_bytes.py",
        "scoring/test_row_order.py",
        "stats/test_enumerated_power.py",
        "stats/test_score_test.py::test_enumerated_size_and_power",
        "testing/test_pytest_plugin.py",
        "waivers/test_public_waivers.py",
        "waivers/test_waiver_commands.py",
        "worlds/test_adverts.py",
        "worlds/test_as_typed.py",
        "worlds/test_folder.py",
        "worlds/test_found.py",
        "worlds/test_truth.py",
    ),
}
"""Folders, files and single tests, by mark, that `make test` leaves to `make all`; see CONTRIBUTING.md."""

LONGEST: Final = (
    "worlds/test_found.py",
    "benchmarks/test_planted.py",
    "browser/test_portal_in_browser.py",
    "reports/test_report_pdf.py",
    "runs/test_resume.py",
    "demo/test_examples.py",
    "recipes/test_recipe_pages.py",
    "recipes/test_recipes.py",
    "runs/test_drawing_simulation.py",
    "verdicts/test_joint_power.py",
    "disclosure/test_words.py",
    "reports/test_public_pdf.py",
    "stats/test_enumerated_power.py",
    "reports/test_page_weight.py",
    "cli/test_public_commands.py",
)
"""Files that take longest. They begin first: a file stays on one worker, and at the end others would wait for it."""

_TESTS: Final = Path(__file__).parent
_MARKS: Final = {path: mark for mark, paths in LATER.items() for path in paths}


def place_of(path: Path) -> int:
    """Return where a test file stands among the longest; their number for every other."""
    here = str(path.relative_to(_TESTS)) if path.is_relative_to(_TESTS) else ""
    return LONGEST.index(here) if here in LONGEST else len(LONGEST)


def marks_of(path: Path, test: str | None = None) -> set[str]:
    """Return the marks of a test file, those of its folders, and those of one of its tests or of any."""
    if not path.is_relative_to(_TESTS):
        return set()
    here = path.relative_to(_TESTS)
    found = {_MARKS[str(each)] for each in (here, *here.parents) if str(each) in _MARKS}
    own = f"{here}::"
    return found | {mark for name, mark in _MARKS.items() if name.startswith(own) and test in (None, name[len(own) :])}
