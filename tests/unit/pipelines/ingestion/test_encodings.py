"""Encodings beyond those that Spark 4 reads by default."""

from __future__ import annotations

import pytest

from pipelines.ingestion.encodings import all_encodings
from runtime.settings import load

KEY = "spark.sql.legacy.javaCharsets"


class Conf:
    """The part of a Spark session that holds settings."""

    def __init__(self):
        self.values = {}
        self.conf = self

    def get(self, key, default):
        return self.values.get(key, default)

    def set(self, key, value):
        self.values[key] = value

    def unset(self, key):
        del self.values[key]


@pytest.mark.parametrize(
    ("option", "encoding", "value"),
    [
        ("encoding", "windows-1252", "true"),
        ("charset", "Windows-1252", "true"),
        ("encoding", "UTF-8", None),
        ("sep", ";", None),
    ],
)
def test_spark_reads_all_encodings_only_where_a_source_needs_one(option, encoding, value):
    source = {
        "table": "transactions",
        "format": "csv",
        "path": "orders.csv",
        "options": {option: encoding},
        "mapping": {},
    }
    spark = Conf()
    with all_encodings(spark, load("demo", sources={"orders": source})):
        assert spark.values.get(KEY) == value
    assert KEY not in spark.values
