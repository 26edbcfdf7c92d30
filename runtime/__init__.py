"""What every job stands on: settings, session, tables, lock, progress, command line."""
