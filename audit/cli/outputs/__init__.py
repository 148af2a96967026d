"""Outputs of commands: folders, reports, exit codes, baselines, waivers."""
