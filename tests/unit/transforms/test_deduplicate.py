"""Which of the rows with the same key is kept."""

from __future__ import annotations

import random

from pyspark.sql import functions as F

from transforms.deduplicate import content_hash, with_outcome

SCHEMA = "name string, key string, part int, rank int, content_hash bigint, _errors string"
LEFT_OUT = ("cancelled", "cancelled again", "cancelled and bad")

# name, key (two columns), rank of the file, content, errors -> outcome, errors
ROWS = [
    (("alone", "a", 1, 0, 10, None), ("kept", None)),
    # The same key and content: the row of the first file is kept.
    (("first", "b", 1, 0, 20, None), ("kept", None)),
    (("again", "b", 1, 1, 20, None), ("duplicate", None)),
    # The same key, other content: the row of the first file is kept, whatever its hash.
    (("older", "c", 1, 0, 99, None), ("kept", None)),
    (("newer", "c", 1, 1, 30, None), ("quarantined", "unique_key")),
    # Two equal rows that are not kept are not duplicates of the kept one.
    (("newer again", "c", 1, 1, 30, None), ("quarantined", "unique_key")),
    # Within a file, the row with the smaller hash is kept.
    (("small", "d", 1, 0, -5, None), ("kept", None)),
    (("large", "d", 1, 0, 5, None), ("quarantined", "unique_key")),
    # A rejected row does not replace another.
    (("bad", "e", 1, 0, 1, "amount_type"), ("quarantined", "amount_type")),
    (("good", "e", 1, 1, 2, None), ("kept", None)),
    # A row with a null in its key cannot be a duplicate.
    (("nameless", None, 1, 0, 7, None), ("kept", None)),
    (("nameless too", None, 1, 0, 7, None), ("kept", None)),
    (("half a key", "f", None, 0, 8, None), ("kept", None)),
    (("half a key too", "f", None, 0, 8, None), ("kept", None)),
    # A row that is left out stays so with an error, is no duplicate, and replaces no other row.
    (("cancelled", "i", 1, 0, 1, None), ("left_out", None)),
    (("cancelled again", "i", 1, 0, 1, None), ("left_out", None)),
    (("cancelled and bad", "i", 1, 0, 1, "amount_type"), ("left_out", "amount_type")),
    (("valid", "i", 1, 1, 2, None), ("kept", None)),
    # A row in silver comes before the rows of any file: with the same content ...
    (("known", "g", 1, 0, 40, None), ("duplicate", None)),
    # ... and with other content.
    (("changed", "h", 1, 0, 1, None), ("quarantined", "unique_key")),
]
BEFORE = [("g", 1, 40), ("h", 1, 50), ("not asked for", 1, 60)]


def outcomes(spark, rows, key=("key", "part"), before=BEFORE):
    frame = spark.createDataFrame(rows, SCHEMA).repartition(3, F.rand(1))
    frame = frame.withColumn("_is_left_out", F.col("name").isin(*LEFT_OUT))
    kept = spark.createDataFrame(before, "key string, part int, content_hash bigint")
    labelled = with_outcome(
        frame, key, ("rank", "content_hash"), kept_before=kept if before else None
    ).collect()
    return {r["name"]: (r["_outcome"], r["_errors"]) for r in labelled}


def test_the_first_of_a_key_stays(spark):
    given = [row for row, _ in ROWS]
    expected = {row[0]: outcome for row, outcome in ROWS}
    assert outcomes(spark, given) == expected
    # The order of the rows does not matter.
    random.Random(1).shuffle(given)
    assert outcomes(spark, given) == expected


def test_without_a_key_nothing_is_dropped(spark):
    results = outcomes(spark, [row for row, _ in ROWS], key=(), before=[])
    expected = {row[0]: ("quarantined" if row[5] else "kept", row[5]) for row, _ in ROWS}
    assert results == expected | {name: ("left_out", expected[name][1]) for name in LEFT_OUT}


def test_a_null_is_content(spark):
    """xxhash64 alone gives (x, null) and (null, x) the same hash."""
    rows = spark.createDataFrame(
        [("x", None), (None, "x"), ("x", "x")], "plan string, region string"
    )
    hashes = rows.select(content_hash(["plan", "region"]).alias("hash")).collect()
    assert len({r["hash"] for r in hashes}) == 3


def test_a_row_of_an_erased_customer_is_erased_and_replaces_no_other(session):
    rows = session.createDataFrame(
        [
            ("erased", "a", 0, 1, None, False, True),
            ("erased and bad", "a", 0, 2, "amount_type", False, True),
            ("erased and left out", "a", 0, 3, None, True, True),
            ("kept", "a", 1, 4, None, False, False),
        ],
        "name string, key string, rank int, content_hash bigint, _errors string, "
        "_is_left_out boolean, _is_erased boolean",
    )
    labelled = with_outcome(rows, ["key"], ["rank", "content_hash"])
    assert {r["name"]: r["_outcome"] for r in labelled.collect()} == {
        "erased": "erased",
        "erased and bad": "erased",
        "erased and left out": "erased",
        "kept": "kept",
    }
    assert "_is_erased" not in labelled.columns
