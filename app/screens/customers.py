"""Page."""


def show(session) -> None:
    """Draw the page."""
