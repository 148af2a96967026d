"""audit7k: reports for people and machines.

A reporter turns one `AuditResult` into one file, and reads nothing else.
"""
