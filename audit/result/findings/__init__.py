"""Findings of an audit, a file for each question.

The fields are part of `result.json`: change one only together with `audit.result.audit_result.SCHEMA_VERSION`.
"""
