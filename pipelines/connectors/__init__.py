"""Fetch records from the APIs of other systems into files that ingest loads."""
