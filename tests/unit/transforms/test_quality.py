"""From rules to flags, to the rows that are kept and those that are quarantined."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import functions as F

from contracts.rules import (
    Rule,
    explanation,
    in_order,
    in_range,
    not_before,
    not_future,
    not_null,
    one_of,
    text_rules,
)
from contracts.silver import QUARANTINE, SILVER, mapped_columns
from contracts.table import Column
from transforms.quality import is_broken, quarantine_rows, replayed, split, with_flags

NAME, TEXT = Column("name", "string", ""), Column("text", "string", "", is_free_text=True)
(ENCODING, LENGTH, FORMULA), (_, TEXT_LENGTH) = text_rules((NAME,)), text_rules((TEXT,))
STARTS = "2018-01-02 00:00:00"

# (rule, value of its column, broken?): the limit and the first value beyond it.
BOUNDS = [
    (not_null("name"), None, True),
    (not_null("name"), "  ", True),
    (not_null("name"), "0", False),
    (in_range("stars", 1, 5), 1.0, False),
    (in_range("stars", 1, 5), 0.9, True),
    (in_range("stars", 1, 5), 5.0, False),
    (in_range("stars", 1, 5), 5.1, True),
    # A null passes every rule but not_null.
    (in_range("stars", 1, 5), None, False),
    (in_range("stars", 0), -0.1, True),
    (one_of("name", ("login", "post")), "login", False),
    (one_of("name", ("login", "post")), "Login", True),
    (not_future("at"), STARTS, False),
    (not_future("at"), "2018-01-02 00:00:00.000001", True),
    (not_before("at"), "1970-01-01 00:00:00", False),
    (not_before("at"), "1969-12-31 23:59:59.999999", True),
    (in_order("arrived_at", "at"), STARTS, False),
    (in_order("arrived_at", "at"), "2018-01-01 23:59:59", True),
    (ENCODING, "M\ufffdller", True),
    (ENCODING, "Müller", False),
    (LENGTH, "x" * 1_000, False),
    (LENGTH, "x" * 1_001, True),
    (TEXT_LENGTH, "x" * 20_000, False),
    (TEXT_LENGTH, "x" * 20_001, True),
    (FORMULA, "=cmd()", True),
    (FORMULA, "@SUM(A1)", True),
    (FORMULA, "+cmd(1)", True),
    (FORMULA, "+49 30 1234", False),
    (FORMULA, "a=b", False),
]


def test_a_rule_is_broken_beyond_its_bound(spark, frame):
    columns = (
        "place int, name string, text string, stars double, at timestamp, arrived_at timestamp"
    )
    given = [
        {"place": n, "arrived_at": STARTS, rule.columns[-1]: value}
        for n, (rule, value, _) in enumerate(BOUNDS)
    ]
    verdicts = F.array(*[is_broken(rule) for rule, *_ in BOUNDS])
    rows = frame(columns, given).select("place", verdicts.alias("broken")).orderBy("place")
    broken = [row["broken"][row["place"]] for row in rows.collect()]
    assert broken == [is_expected for *_, is_expected in BOUNDS]


def test_every_required_column_of_silver_has_its_not_null_rule():
    """Otherwise Delta would reject the whole write because of one row."""
    for table in (t for t in SILVER if t is not QUARANTINE):
        rejecting = {r.name for r in table.rules if r.severity == "reject"}
        required = {f"{c.name}_not_null" for c in mapped_columns(table) if not c.nullable}
        assert required <= rejecting, table.name


RULES = (
    not_null("name"),
    in_range("stars", 1, 5),
    Rule("stars_are_few", "stars > 1", ("stars",), "warn"),
    Rule("name_is_short", "length(name) > 3", ("name",), "warn"),
)
FLAGGED = [
    # (name, stars, faults of the type conversion) -> (_errors, warnings)
    (("Ann Lee", 2.0, []), (None, None)),
    # All rules are checked on every row.
    ((None, 9.0, []), ("name_not_null, stars_in_range", None)),
    (("Ann", 1.0, []), (None, "stars_are_few, name_is_short")),
    # The name is null because it could not be converted: one reason, not two.
    ((None, 2.0, ["name_type"]), ("name_type", None)),
    ((None, 9.0, ["name_type"]), ("name_type, stars_in_range", None)),
    # A malformed row gets no other reason.
    ((None, 1.0, ["malformed_row", "name_type"]), ("malformed_row", None)),
    # A fault of another column does not suppress a reason.
    ((None, None, ["stars_not_finite"]), ("stars_not_finite, name_not_null", None)),
]


def test_a_row_names_everything_that_is_wrong_with_it(spark):
    given = [(n, *row) for n, (row, _) in enumerate(FLAGGED)]
    rows = spark.createDataFrame(given, "n int, name string, stars double, _faults array<string>")
    flagged = with_flags(rows, RULES).orderBy("n").collect()
    assert [(r["_errors"], r["warnings"]) for r in flagged] == [expected for _, expected in FLAGGED]


def test_quarantined_rows_are_whole_and_have_distinct_ids(spark):
    source = "named_struct('id', {}, 'note', {}, '_batch_id', 'b1', '_file', 'a.csv', "
    source += "'_known_at', timestamp'2018-01-01', '_rescued', {})"
    given = [
        # Two equal rows, then a malformed one: its text is not repeated in _rescued.
        ("1", "'a'", "null", None),
        ("1", "'a'", "null", None),
        ("null", "null", """'{"_malformed":"1"}'""", "1"),
        ("2", "null", """'{"tier":"gold"}'""", None),
    ]
    rows = [
        spark.range(1).select(
            F.expr(source.format(*row[:3])).alias("_source"),
            F.lit(row[3]).cast("string").alias("_malformed"),
            F.lit("id_type").alias("_errors"),
            F.lit("quarantined").alias("_outcome"),
            F.lit("b1").alias("_batch_id"),
        )
        for row in given
    ]
    labelled = rows[0].union(rows[1]).union(rows[2]).union(rows[3])
    kept, rejected = split(labelled)
    quarantined = quarantine_rows(rejected, "people")
    assert kept.count() == 0
    assert quarantined.columns == list(QUARANTINE.column_names)
    by_row = sorted(
        ((json.loads(r["row"]), r["row_id"][16:]) for r in quarantined.collect()), key=str
    )
    assert by_row == [
        ({"_malformed": "1"}, "-1"),
        ({"id": 1, "note": "a"}, "-1"),
        ({"id": 1, "note": "a"}, "-2"),
        ({"id": 2, "_rescued": '{"tier":"gold"}'}, "-1"),
    ]


def test_a_replayed_row_waits_no_more(spark):
    waiting = spark.createDataFrame(
        [("b1", "r1", False), ("b1", "r2", False), ("b1", "r3", False)],
        "batch_id string, row_id string, is_replayed boolean",
    )
    labelled = spark.createDataFrame(
        [("b1", "r1", "kept"), ("b1", "r2", "duplicate"), ("b1", "r3", "quarantined")],
        "_batch_id string, _row_id string, _outcome string",
    )
    accepted = replayed(waiting, labelled).orderBy("row_id").collect()
    assert [(r["row_id"], r["is_replayed"]) for r in accepted] == [("r1", True), ("r2", True)]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stars_in_range", "stars >= 1 and stars <= 5"),
        ("stars_type", "the value cannot be read as the type of its column"),
        ("unique_key", "an earlier row has the same key and different content"),
    ],
)
def test_a_reason_is_explained(reason, expected):
    assert explanation(reason, RULES) == expected
