"""The bytes of a source's files, read in the driver without a Spark job.

Local files are opened by Python, all others through the file systems of Spark's JVM. A Spark
Connect session has no JVM in the driver: it opens local files only.
"""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from runtime.lakehouse.platform import hadoop_file

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipelines.ingestion.source_files import SourceFile


class NotOpenedError(Exception):
    """A file that this session cannot open in the driver. Spark reads it without a scan before."""


class _JavaStream(io.RawIOBase):
    """An input stream of the JVM. Each read is one call."""

    def __init__(self, stream: Any, length: int) -> None:
        self._stream, self._length = stream, length

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        data = self._stream.readNBytes(len(target))
        target[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return int(self._stream.getPos())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._length}[whence]
        self._stream.seek(start + offset)
        return start + offset

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


# Hadoop chooses the codec by the end of the file name, and so does this module. Python decompresses
# the usual formats: 260 MB of text per CPU second, against 4 MB through calls of the JVM.
_PYTHON: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda stored: gzip.GzipFile(fileobj=stored),
    ".bz2": bz2.BZ2File,
}
# Bytes per call of the JVM.
BUFFER = 65_536
_COMPRESSED = (*_PYTHON, ".deflate", ".lz4", ".snappy", ".zst")


def is_compressed(file: SourceFile) -> bool:
    """Whether Hadoop decompresses a text file of this name."""
    return file.name.endswith(_COMPRESSED)


@contextmanager
def stored_bytes(spark: SparkSession, file: SourceFile) -> Iterator[IO[bytes]]:
    """The bytes of a file as they are stored, seekable. NotOpenedError: the session has no JVM."""
    if file.is_local:
        with open(file.local_path, "rb") as local:
            yield local
    else:
        with io.BufferedReader(
            _JavaStream(_java_file(spark, file)[0], file.length), BUFFER
        ) as remote:
            yield remote


@contextmanager
def text_bytes(spark: SparkSession, file: SourceFile) -> Iterator[IO[bytes]]:
    """The bytes of a text file, decompressed. NotOpenedError: the session has no JVM."""
    suffix = PurePosixPath(file.name).suffix
    if suffix in _PYTHON:
        with stored_bytes(spark, file) as stored, _PYTHON[suffix](stored) as text:
            yield text
    elif is_compressed(file):
        stream, codec = _java_file(spark, file)
        with io.BufferedReader(_JavaStream(codec.createInputStream(stream), 0), BUFFER) as text:
            yield text
    else:
        with stored_bytes(spark, file) as text:
            yield text


def _java_file(spark: SparkSession, file: SourceFile) -> tuple[Any, Any]:
    """The file as a stream of the JVM, and the codec for its name (or null)."""
    opened = hadoop_file(spark, file.location)
    if opened is None:
        raise NotOpenedError(file.name)
    return opened
