"""Spark's errors while a source is read, as one sentence for the user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException

from runtime.errors import SourceError

if TYPE_CHECKING:
    from pipelines.ingestion.source_files import SourceFile

# Spark names the file in "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file <path>."
# A file that was removed during the run is not damaged.
_FILE = re.compile(r"\[FAILED_READ_FILE(?!\.FILE_NOT_EXIST)[^\]]*\][^\n]*? file (\S+?)\.?(?:\s|$)")

_FIX = "Fix path, format or options in conf, or the file."


class FileReadError(SourceError):
    """One file of a source that Spark cannot read. path: as Spark writes it."""

    def __init__(self, message: str, path: str, reason: str) -> None:
        super().__init__(message)
        self.path, self.reason = path, reason


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Turn Spark's errors into a SourceError that names the source and shows no stack trace.

    FileReadError if Spark names the file that it cannot read.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        text = _text(error)
        message = f"source {source}: cannot be read: {first_sentence(text)} {_FIX}"
        if named := _FILE.search(text):
            raise FileReadError(message, named[1], first_sentence(text)) from None
        raise SourceError(message) from None


@contextmanager
def reading_database(source: str) -> Iterator[None]:
    """Turn errors of a database, also one that goes away, into a SourceError."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        # Spark puts stage, task and class of the exception before the driver's own words.
        reason = first_sentence(_text(error)).rpartition("Exception: ")[2].rstrip(".")
        raise SourceError(
            f"source {source}: the database cannot be read: {reason}. Nothing was written. Run "
            f"ingest again when the database answers, or fix sources.{source}.options in conf."
        ) from None


@contextmanager
def reading_file(file: SourceFile) -> Iterator[None]:
    """Turn Spark's errors while it reads one file into a FileReadError.

    SourceError if the file was removed, or if an option of conf is wrong.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        reason = first_sentence(_text(error))
        message = f"{file.name}: cannot be read: {reason} {_FIX}"
        if isinstance(error, AnalysisException):
            raise SourceError(message) from None
        raise FileReadError(message, file.path, reason) from None


def first_sentence(text: str) -> str:
    """The first line of a Spark error, without its SQLSTATE."""
    return text.strip().splitlines()[0].partition(" SQLSTATE")[0]


def _text(error: PySparkException | Py4JJavaError) -> str:
    # Errors of a running query, unlike errors of its analysis, may arrive as Java exceptions.
    if isinstance(error, Py4JJavaError):
        return str(error.java_exception.getMessage())
    return str(error)
