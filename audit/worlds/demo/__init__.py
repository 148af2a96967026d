"""The demonstration: made-up cases, a detector trained on them, a plan, and the findings that an audit should have.

`prepare.prepare_demo` fills a folder. The audit itself is `audit.run.run_audit` and the reporters, as for anyone.
`found.what_was_found` compares its result with the planted findings.
"""
