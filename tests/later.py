"""Which tests `make test` leaves to `make all`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

LATER: Final = {
    "browser": ("browser",),
    "packaging": ("project/test_packaging.py", "project/test_tutorial.py", "recipes"),
    "simulation": (
        "analyses/test_label_gaps.py::test_the_test_of_composition_rejects_as_often_as_it_may",
        "analyses/test_subgroup_scan.py::test_noise_is_confirmed_no_more_often_than_alpha_and_a_gap_is_found",
        "benchmarks",
        "crosscheck/test_own_measures.py::test_intervals_cover",
        "disclosure/test_attack_by_trying.py",
        "disclosure/test_disclosure_simulation.py",
        "disclosure/test_programs_by_trying.py",
        "disclosure/test_signs_by_trying.py",
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
        "stats/test_unnamed.py::test_half_on_the_margin_is_called_beyond_it_at_most_at_the_level",
        "stats/test_verdict_size.py",
        "verdicts/test_planning_simulation.py",
        "verdicts/test_weighted_simulation.py",
        "verdicts/test_whole_audit_simulation.py",
    ),
    "slow": (
        "analyses/test_power.py::test_few_clusters_decide_nothing_and_somewhat_more_only_wide_limits",
        "analyses/test_power.py::test_no_group_passes_that_is_not_judged_alone",
        "cli/test_commands.py::test_a_stdout_that_is_closed_changes_no_verdict_of_a_plan",
        "cli/test_compare_command.py::test_a_run_that_is_killed_while_it_writes_has_recorded_its_baseline",
        "cli/test_demo_command.py",
        "cli/test_draw_command.py",
        "cli/test_page_made_again.py",
        "cli/test_power_command.py::test_cases_are_planned_without_a_set",
        "cli/test_power_command.py::test_what_cannot_be_planned_says_why",
        "cli/test_public_commands.py::test_a_pdf_in_public_comes_with_what_it_is_held_against",
        "cli/test_public_commands.py::test_no_reporter_reads_the_rows",
        "crosscheck/test_peer_rates.py",
        "demo",
        "detectors/test_canary_run.py",
        "detectors/test_chat.py",
        "detectors/test_chat_audit.py::test_killed_it_goes_on_and_asks_for_no_answer_twice",
        "detectors/test_chat_page.py",
        "detectors/test_command.py",
        "detectors/test_command_manual.py",
        "detectors/test_http.py",
        "detectors/test_http_page.py",
        "detectors/test_mlflow_model.py",
        "detectors/test_mlflow_page.py",
        "detectors/test_onnx_model.py",
        "detectors/test_skops_and_onnx.py",
        "detectors/test_skops_model.py",
        "detectors/test_three_ways.py",
        "detectors/test_write_a_detector.py",
        "disclosure/test_bounds.py",
        "disclosure/test_honest_releases.py",
        "disclosure/test_joint.py",
        "disclosure/test_number_words.py::test_a_number_in_words_is_refused_in_a_row_and_outside_of_all",
        "disclosure/test_protect.py::test_a_million_rows_are_protected_in_two_seconds",
        "disclosure/test_protect.py::test_six_releases_of_fewer_countries_tell_nothing_to_programs",
        "disclosure/test_public_pdf.py",
        "disclosure/test_public_pdf_page.py",
        "disclosure/test_read_back.py::test_the_portal_takes_real_audits_of_every_kind_with_their_reports",
        "disclosure/test_three_features.py",
        "evaluation/test_real_sets.py",
        "figures",
        "fuzz",
        "isolation",
        "portal",
        "probing/test_probe_evidence.py",
        "project/test_documented_numbers.py",
        "realdata",
        "reports/test_exact_outputs_agree.py",
        "reports/test_page_weight.py",
        "reports/test_pdf_drawings.py",
        "reports/test_pdf_page.py",
        "reports/test_public_formats.py",
        "reports/test_public_gates.py",
        "reports/test_public_hostile.py",
        "reports/test_public_said.py",
        "reports/test_report_hostile.py",
        "reports/test_report_html.py::test_more_groups_take_no_more_work_than_they_are_more",
        "reports/test_report_languages.py::test_in_every_language_a_world_of_groups_keeps_within_half_a_megabyte",
        "reports/test_report_languages.py::test_no_two_files_in_a_page_are_saved_under_one_name",
        "reports/test_report_pdf.py",
        "runs/test_gone.py",
        "runs/test_resume.py",
        "runs/test_same_bytes.py",
        "stats/test_enumerated_power.py::test_a_group_many_times_as_large_as_its_rest_is_decided_by_the_rest",
        "stats/test_enumerated_power.py::test_from_the_number_found_on_the_power_is_reached_and_before_it_is_not",
        "stats/test_enumerated_power.py::test_more_cases_decide_smaller_disparities_up_to_the_saw_tooth",
        "stats/test_score_test.py::test_enumerated_size_and_power",
        "testing/test_pytest_plugin.py::test_what_a_killed_session_left_goes_with_the_next_and_what_a_living_one_holds_stays",
        "testing/test_pytest_plugin.py::test_workers_share_an_audit_where_the_system_has_no_locks",
        "worlds/test_found.py",
        "worlds/test_truth.py",
    ),
}
"""Folders, files and single tests, by mark, that `make test` leaves to `make all`; see CONTRIBUTING.md."""

_TESTS: Final = Path(__file__).parent
_MARKS: Final = {path: mark for mark, paths in LATER.items() for path in paths}


def marks_of(path: Path, test: str | None = None) -> set[str]:
    """Return the marks of a test file, those of its folders, and those of one of its tests or of any."""
    if not path.is_relative_to(_TESTS):
        return set()
    here = path.relative_to(_TESTS)
    found = {_MARKS[str(each)] for each in (here, *here.parents) if str(each) in _MARKS}
    own = f"{here}::"
    return found | {mark for name, mark in _MARKS.items() if name.startswith(own) and test in (None, name[len(own) :])}
