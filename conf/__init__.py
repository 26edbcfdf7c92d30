"""Settings that travel with the package: defaults, a file an environment, Spark profiles."""
