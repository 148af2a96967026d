"""What a command leaves behind: folders, reports, exit codes, baselines, waivers."""
