"""Feature tables and labels of many dates."""
