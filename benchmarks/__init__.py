"""Benchmarks against other libraries: one run on one machine, with equal results asserted."""
