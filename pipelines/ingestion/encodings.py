"""Encodings of text files beyond the few that Spark 4 reads by default, such as Windows-1252."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.lakehouse.platform import session_setting

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from runtime.settings import Settings

# What Spark 4 reads without the setting.
_DEFAULT = frozenset(
    ("utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-16be", "utf-16le", "utf-32")
)
_KEY = "spark.sql.legacy.javaCharsets"


def named_encodings(settings: Settings) -> set[str]:
    """The encodings that sources and lookups name, in lower case."""
    places = [p for s in settings.sources.values() for p in (s, *s.lookups.values())]
    return {
        value.lower()
        for place in places
        for option, value in place.reader_options.items()
        if option.lower() in ("encoding", "charset")
    }


@contextmanager
def all_encodings(spark: SparkSession, settings: Settings) -> Iterator[None]:
    """Let Spark read every encoding that Java knows, if a source needs one."""
    if named_encodings(settings) <= _DEFAULT:
        yield
        return
    with session_setting(spark, _KEY, "true"):
        yield
