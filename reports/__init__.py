"""What people and machines read: a reporter turns one `AuditResult` into one file, and reads nothing else."""
