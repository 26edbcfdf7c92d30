"""Settings in the package: defaults, one file per environment, and Spark profiles."""
