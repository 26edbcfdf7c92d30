"""What the pages show, as queries that DuckDB runs over the Delta tables."""
