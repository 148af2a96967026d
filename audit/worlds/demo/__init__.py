"""The demonstration: made-up cases, a detector trained on them, a plan, and what the audit should find in them.

`prepare.prepare_demo` fills a folder; the audit itself is `audit.run.run_audit` and the reporters, as for
anyone; `found.what_was_found` compares its result with what was planted.
"""
