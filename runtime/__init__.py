"""Infrastructure of all jobs: settings, session, tables, lock, progress, command line."""
