"""The progress of a run that prints nothing and keeps its warnings."""

from __future__ import annotations

from runtime.progress import Progress


def silent(warned):
    """A Progress whose warnings go to the list `warned`."""
    progress = Progress(is_quiet=True)
    progress.warn = warned.append
    return progress
