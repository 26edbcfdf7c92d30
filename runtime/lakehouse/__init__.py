"""Delta tables, read and written by their names in contracts/."""
