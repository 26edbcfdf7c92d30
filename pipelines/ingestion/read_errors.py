"""Spark's errors while a source is read, as one sentence for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from runtime.errors import SourceError


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Turn Spark's errors into a SourceError that names the source and shows no stack trace."""
    try:
        yield
    except PySparkException as error:
        raise _unreadable(source, str(error)) from None
    except Py4JJavaError as error:
        # Errors of a running query, unlike errors of its analysis, arrive as Java exceptions.
        raise _unreadable(source, str(error.java_exception.getMessage())) from None


def first_sentence(text: str) -> str:
    """The first line of a Spark error, without its SQLSTATE."""
    return text.strip().splitlines()[0].partition(" SQLSTATE")[0]


def _unreadable(source: str, text: str) -> SourceError:
    return SourceError(
        f"source {source}: cannot be read: {first_sentence(text)} "
        f"Fix path, format or options in conf, or the file."
    )
