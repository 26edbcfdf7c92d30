"""Upkeep of the lakehouse: files, old versions, old dates."""
