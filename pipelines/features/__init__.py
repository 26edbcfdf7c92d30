"""Feature tables and labels."""
