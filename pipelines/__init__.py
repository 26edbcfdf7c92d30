"""What the commands in jobs/ run, by subject."""
