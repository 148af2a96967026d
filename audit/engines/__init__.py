"""Where rows lie and are counted: DuckDB in this process, or a Spark that is there already."""
