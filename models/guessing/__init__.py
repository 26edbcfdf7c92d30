"""Guesses how an export of orders is written, and which column holds what."""
