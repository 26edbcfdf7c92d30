"""The one family of errors that a user sees: what was found, the rule, the fix."""

from __future__ import annotations

USAGE, QUALITY_GATE, MODEL_GATE = 2, 3, 4


class HoldfastError(Exception):
    """An error with a sentence for the user. `exit_code` is what the job ends with."""

    exit_code = 1


class UsageError(HoldfastError):
    """An argument or a configuration value that breaks a rule."""

    exit_code = USAGE


class QualityGateError(HoldfastError):
    """Data too bad to go on with; nothing was written."""

    exit_code = QUALITY_GATE


class ModelGateError(HoldfastError):
    """A model that must not be used; nothing was registered."""

    exit_code = MODEL_GATE


class TableError(HoldfastError):
    """A table that is missing or does not hold what its contract says."""


class BusyError(HoldfastError):
    """Another run is writing the same lakehouse."""


class SourceError(HoldfastError):
    """A source that is missing, cannot be read, or lacks what conf takes from it."""
