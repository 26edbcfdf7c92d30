"""Configuration that travels with the package: defaults, one file an environment, Spark profiles."""
