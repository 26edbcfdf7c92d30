"""Spark jobs: each reads tables, calls transforms and models, and writes tables."""
