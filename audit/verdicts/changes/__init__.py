"""What changed against an earlier audit: may it be compared, which cases changed sides, who became worse."""
