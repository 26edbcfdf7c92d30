"""Counts in sentences, for messages of commands."""

from contracts.wording import plural, verb

__all__ = ["plural", "verb"]
