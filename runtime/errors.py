"""The errors that a user sees. Each message has the value, the rule and the fix."""

from __future__ import annotations

USAGE, QUALITY_GATE, MODEL_GATE = 2, 3, 4


class HoldfastError(Exception):
    """An error whose message is shown to the user. `exit_code` is the exit code of the job."""

    exit_code = 1


class UsageError(HoldfastError):
    """An argument or a configuration value that breaks a rule."""

    exit_code = USAGE


class QualityGateError(HoldfastError):
    """Too many bad rows to continue; nothing was written."""

    exit_code = QUALITY_GATE


class ModelGateError(HoldfastError):
    """A model that must not be used; nothing was registered."""

    exit_code = MODEL_GATE


class TableError(HoldfastError):
    """A table that is missing or differs from its contract."""


class BusyError(HoldfastError):
    """Another run holds the lease of a table, or has taken it over."""


class StoreError(HoldfastError):
    """An object store that cannot be reached, or that refuses a request."""


class WorkerError(HoldfastError):
    """Workers of a cluster that lack a package, or whose packages differ from the driver's."""


class SourceError(HoldfastError):
    """A source that is missing, cannot be read, or lacks a column that conf names."""
