"""The pipelines that the commands in jobs/ run, by subject."""
