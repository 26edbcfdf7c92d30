"""From source files and tables to bronze and silver."""
