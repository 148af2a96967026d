"""Change against an earlier audit: may it be compared, which cases changed sides, which groups became worse."""
