"""Errors of a database as one sentence."""

from __future__ import annotations

import pytest

from runtime.errors import SourceError


@pytest.mark.spark_only  # only pyspark has its errors
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "Job aborted due to stage failure: Task 0 in stage 5.0 failed 1 times, most recent "
            "failure: Lost task 0.0 in stage 5.0 (TID 3): org.postgresql.util.PSQLException: An I/O "
            "error occurred while sending to the backend.\n\tat org.postgresql.Driver\n",
            "An I/O error occurred while sending to the backend",
        ),
        ("[TABLE_NOT_FOUND] No such table. SQLSTATE: 42P01", "[TABLE_NOT_FOUND] No such table"),
    ],
)
def test_the_words_of_the_driver_and_the_fix_are_shown(text, reason):
    from pyspark.errors import PySparkException

    from pipelines.ingestion.read_errors import reading_database

    with pytest.raises(SourceError) as caught, reading_database("orders"):
        raise PySparkException(text)
    assert str(caught.value) == (
        f"source orders: the database cannot be read: {reason}. Nothing was written. Run ingest "
        f"again when the database answers, or fix sources.orders.options in conf."
    )
