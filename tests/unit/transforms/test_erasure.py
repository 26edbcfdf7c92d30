"""Which rows belong to an erased customer, in tables and in new files."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from transforms.erasure import (
    counts_by_person,
    marks_of,
    named_values,
    on_list,
    rows_by_id,
    rows_by_mapping,
    with_erased,
    with_words,
)

TOKEN = "0123456789abcdef0123456789abcdef"
MARKS = [
    ("17", "id", "17"),
    ("a@x.org", "email", "17"),
    (TOKEN, "contact", "17"),
    ("c2", "id", "c2"),
]
# row, customer, token, text, is_unreadable, whose
SOURCE = [
    ("named", "17", None, "", False, ["17"]),
    ("other", "18", None, "a@x.org 17", False, []),  # a row of somebody else, whatever its text
    ("sent", None, f"{TOKEN}.20240101.signature", "", False, ["17"]),
    ("sent and named", "17", f"{TOKEN}.20240101.s", "", False, ["17"]),
    ("sent to 17, named c2", "c2", f"{TOKEN}.20240101.s", "", False, ["17", "c2"]),
    ("mail", None, None, "write to a@x.org.", False, ["17"]),
    ("mail in capitals", None, None, "Write to <A@X.ORG>!", False, ["17"]),
    ("a number", None, None, '{"quantity":17}', False, []),  # readable: 17 may be any number
    ("malformed", None, None, "17;9.50;;x", True, ["17"]),
    ("both", "", None, '{"_malformed":"c2, 17, 17"}', True, ["17", "c2"]),
    ("longer word", None, None, "170 c2c a@x.org.uk", True, []),
    ("empty", None, None, None, True, []),
]


@pytest.fixture
def marks(session):
    return session.createDataFrame(MARKS, "_mark string, _kind string, _person string")


def source_rows(session):
    ddl = "row string, customer string, token string, text string, is_unreadable boolean"
    return session.createDataFrame([r[:5] for r in SOURCE], ddl)


def test_rows_by_id_compares_ids_only(session, marks):
    rows = session.createDataFrame(
        [("17", 1), ("17", 2), ("a@x.org", 3), (None, 4), ("c2", 5)], "customer_id string, n int"
    )
    matches = rows_by_id(rows, marks, ["customer_id", "n"]).collect()
    assert sorted((r["_person"], r["n"]) for r in matches) == [("17", 1), ("17", 2), ("c2", 5)]


def test_a_row_of_a_source_belongs_to_whom_it_names(session, marks):
    matches = rows_by_mapping(
        source_rows(session),
        marks,
        ["row"],
        customer="customer",
        token="token",
        text="text",
        is_unreadable="is_unreadable",
    ).collect()
    expected = sorted((row, person) for row, *_, people in SOURCE for person in people)
    assert sorted((r["row"], r["_person"]) for r in matches) == expected


def test_ingest_finds_the_same_rows_by_the_digests_of_their_values(session):
    rows = source_rows(session).withColumnRenamed("customer", "customer_id")
    named = with_words(rows, F.col("text"), F.col("is_unreadable"))
    # In place of the keyed digest, which is a pandas function on Spark.
    listed = session.createDataFrame([(f"of {value}",) for value, *_ in MARKS], "digest string")
    digest = F.concat(F.lit("of "), F.col("_value"))
    flagged = with_erased(named, on_list(named_values(named), listed, digest))
    assert set(flagged.columns) == {*rows.columns, "_is_erased"}
    assert sorted((r["row"], r["_is_erased"]) for r in flagged.collect()) == sorted(
        (row, bool(people)) for row, *_, people in SOURCE
    )


def test_a_list_that_names_nobody_of_the_rows_erases_nothing(session):
    rows = source_rows(session).withColumnRenamed("customer", "customer_id")
    named = with_words(rows, F.col("text"), F.col("is_unreadable"))
    listed = session.createDataFrame([("of nobody",)], "digest string")
    digest = F.concat(F.lit("of "), F.col("_value"))
    flagged = with_erased(named, on_list(named_values(named), listed, digest)).collect()
    assert len(flagged) == len(SOURCE) and not any(r["_is_erased"] for r in flagged)


def test_the_marks_of_a_customer_are_addresses_of_all_versions_and_contacts(session):
    customers = session.createDataFrame(
        [("17", "A@x.org"), ("17", "new@x.org"), ("17", None), ("18", "b@x.org")],
        "customer_id string, email string",
    )
    outbox = session.createDataFrame(
        [("17", TOKEN), ("17", TOKEN), ("18", "f" * 32)], "customer_id string, contact_id string"
    )
    ids = session.createDataFrame(
        [("17", "id", "17")], "_mark string, _kind string, _person string"
    )
    rows = marks_of(customers, outbox, ids).collect()
    assert sorted((r["_mark"], r["_kind"], r["_person"]) for r in rows) == [
        (TOKEN, "contact", "17"),
        ("a@x.org", "email", "17"),
        ("new@x.org", "email", "17"),
    ]


def test_rows_are_counted_by_table_and_customer(session):
    frames = {
        name: session.createDataFrame([(p,) for p in people], "_person string")
        for name, people in (("gold.a", ["17", "17", "c2"]), ("gold.b", ["17"]))
    }
    rows = counts_by_person(frames).collect()
    assert sorted((r["_table"], r["_person"], r["rows"]) for r in rows) == [
        *(("gold.a", "17", 2), ("gold.a", "c2", 1)),
        ("gold.b", "17", 1),
    ]
