"""Rows of erased customers: found in tables, and left out by ingest.

`marks` has one row per value that names a customer: `_mark` (the value), `_kind` (id, contact or
email) and `_person` (the customer id).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, functions as F

from transforms.quality import JSON_OPTIONS

if TYPE_CHECKING:
    import pandas as pd

# What separates the words of a row that names no customer.
_BETWEEN_WORDS = r"[\s,;|\"'{}:<>()\\\[\]]+"
_END_OF_SENTENCE = r"[.!?]+(\s|$)"
ID, CONTACT, EMAIL = "id", "contact", "email"
MARKS = "_mark string, _kind string, _person string"
# Length of a contact id, with which a survey token begins.
CONTACT_LENGTH = 32
NULL = "CAST(null AS string)"


def rows_by_id(rows: DataFrame, marks: DataFrame, on: Sequence[str]) -> DataFrame:
    """One row per row of a table that has the id of a marked customer: `_person`, and `on`."""
    ids = marks.where(F.col("_kind") == ID).select("_mark", "_person")
    joined = rows.join(ids, on=F.col("customer_id") == F.col("_mark"), how="inner")
    return joined.select("_person", *_quoted(on))


def rows_by_mapping(
    rows: DataFrame,
    marks: DataFrame,
    on: Sequence[str],
    *,
    customer: str = NULL,
    token: str = NULL,
    text: str = NULL,
    is_unreadable: str = "false",
) -> DataFrame:
    """One row per row of a source that belongs to a marked customer: `_person`, and `on`.

    A row belongs to the customer of the SQL expression `customer`, and to the one whose contact the
    survey token names. A row in which both are null belongs to each customer of whose marks
    `words_of` has one.
    """
    given = rows.select(
        *_quoted(on),
        F.nullif(F.expr(customer).cast("string"), F.lit("")).alias("_customer"),
        _contact(F.expr(token)).alias("_contact"),
        words_of(F.expr(text), F.expr(is_unreadable)).alias("_words"),
    )
    ids, contacts = (
        marks.where(F.col("_kind") == kind).select("_mark", "_person") for kind in (ID, CONTACT)
    )
    wanted = [F.col("_person"), *_quoted(on)]
    # A join per kind: a condition with OR would compare all rows with all marks.
    by_id = given.join(ids, on=F.col("_customer") == F.col("_mark"), how="inner")
    by_token = given.join(contacts, on=F.col("_contact") == F.col("_mark"), how="inner").select(
        *wanted, "_customer"
    )
    is_new = F.coalesce(F.col("_customer") != F.col("_person"), F.lit(True))
    nameless = given.where(F.col("_customer").isNull() & F.col("_contact").isNull())
    words = nameless.select(*_quoted(on), F.explode("_words").alias("_word"))
    people = marks.select(_folded(F.col("_mark")).alias("_mark"), "_person")
    by_word = words.join(people, on=F.col("_word") == F.col("_mark"), how="inner")
    return (
        by_id.select(*wanted)
        .unionByName(by_token.where(is_new).select(*wanted))
        .unionByName(by_word.select(*wanted).distinct())
    )


def words_of(text: Column, is_unreadable: Column) -> Column:
    """The words of a row that names no customer, which are compared with marks.

    All words of a row that could not be read, such as a malformed one. Of any other row only e-mail
    addresses, because an id such as 17 may be any number. Addresses are in lower case.
    """
    plain = F.regexp_replace(text.cast("string"), _END_OF_SENTENCE, " ")
    words = F.filter(
        F.split(plain, _BETWEEN_WORDS), lambda word: is_unreadable | word.contains("@")
    )
    return F.transform(words, _folded)


def _folded(word: Column) -> Column:
    """An e-mail address in lower case; any other word as it is."""
    return F.when(word.contains("@"), F.lower(word)).otherwise(word)


def _contact(token: Column) -> Column:
    return F.nullif(F.substring(token.cast("string"), 1, CONTACT_LENGTH), F.lit(""))


def with_row_text(rows: DataFrame) -> DataFrame:
    """Rows of bronze with `_text`, the row as JSON, and `_is_unreadable`."""
    whole = F.struct(*_quoted(rows.columns))
    return rows.withColumns(
        {
            "_text": F.to_json(whole, JSON_OPTIONS),
            "_is_unreadable": F.col("_rescued").isNotNull(),
        }
    )


def with_quarantine_text(parsed: DataFrame, waiting: DataFrame) -> DataFrame:
    """Rows of `from_quarantine` with source, batch_id and row_id, `_text`, and `_is_unreadable`.

    waiting: the same rows as silver.quarantine has them.
    """
    texts = waiting.select(
        F.col("source").alias("_q_source"),
        F.col("batch_id").alias("_q_batch_id"),
        F.col("row_id").alias("_q_row_id"),
        F.col("row").alias("_text"),
    )
    is_same = (F.col("_batch_id") == F.col("_q_batch_id")) & (
        F.col("_row_id") == F.col("_q_row_id")
    )
    is_unreadable = F.col("_malformed").isNotNull() | F.col("_rescued").isNotNull()
    joined = parsed.join(texts, on=is_same, how="inner")
    return joined.withColumn("_is_unreadable", is_unreadable)


def with_quarantine_key(matches: DataFrame) -> DataFrame:
    """The columns of the key of silver.quarantine under their own names, and `_person`."""
    names = ("source", "batch_id", "row_id")
    return matches.select("_person", *(F.col(f"_q_{name}").alias(name) for name in names))


def of_source(quarantine: DataFrame, source: str) -> DataFrame:
    """The rows of silver.quarantine of one source."""
    return quarantine.where(F.col("source") == source)


def counts_by_person(matches: Mapping[str, DataFrame]) -> DataFrame:
    """One row per table and customer: `_table`, `_person`, `rows`. matches: by table."""
    tables = [
        frame.select(F.lit(name).alias("_table"), "_person") for name, frame in matches.items()
    ]
    together = reduce(lambda above, below: above.unionByName(below), tables)
    return together.groupBy("_table", "_person").agg(F.count("*").alias("rows"))


def marks_of(customers: DataFrame, outbox: DataFrame, ids: DataFrame) -> DataFrame:
    """The marks of the customers that are e-mail addresses and contacts. ids: those that are ids.

    customers: silver.customers. outbox: gold.outbox.
    """
    addresses = customers.where("email IS NOT NULL").select(
        "customer_id", F.lower("email").alias("email")
    )
    emails = _marks(addresses, ids, "email", EMAIL)
    return emails.unionByName(_marks(outbox, ids, "contact_id", CONTACT))


def _marks(rows: DataFrame, ids: DataFrame, column: str, kind: str) -> DataFrame:
    people = ids.select("_person")
    joined = rows.join(people, on=F.col("customer_id") == F.col("_person"), how="inner")
    return joined.select(
        F.col(column).alias("_mark"), F.lit(kind).alias("_kind"), "_person"
    ).distinct()


# ---------------------------------------------------------------------- new rows


def with_erased_rows(
    flagged: DataFrame, listed: DataFrame, digests: Callable[[pd.Series], pd.Series]
) -> DataFrame:
    """The rows of `with_flags` with `_is_erased`. Spark only, as all of ingest.

    listed: silver.erasure_list. digests: a pandas function that gives the digest of each value. It
    is computed once per distinct id, e-mail address and contact of the rows.
    """
    is_unreadable = F.col("_malformed").isNotNull() | F.col("_source._rescued").isNotNull()
    text = F.coalesce(F.col("_malformed"), F.to_json("_source", JSON_OPTIONS))
    rows = with_words(flagged, text, is_unreadable)
    # A pandas function: plans and event logs show no key, see udfs/keyed_digests.py.
    digest = F.pandas_udf(digests, "string")  # type: ignore[call-overload]
    return with_erased(rows, on_list(named_values(rows), listed, digest(F.col("_value"))))


def with_erased(rows: DataFrame, erased: DataFrame) -> DataFrame:
    """Add `_is_erased`: whether a row of `with_words` names an erased customer.

    `erased` has the column `_value`: the values of `named_values` that are on the erasure list.
    """
    values = erased.select(F.col("_value").alias("_erased_id"))
    # One row. At most the values of one run's files that are on the list.
    everything = erased.agg(F.collect_set("_value").alias("_erased_values"))
    joined = rows.join(values, on=F.col("customer_id") == F.col("_erased_id"), how="left")
    joined = joined.crossJoin(everything)
    is_erased = (
        F.col("_erased_id").isNotNull()
        | F.coalesce(F.array_contains("_erased_values", F.col("_contact")), F.lit(False))
        | F.coalesce(F.arrays_overlap("_erased_values", F.col("_words")), F.lit(False))
    )
    added = ("_erased_id", "_erased_values", "_contact", "_words")
    return joined.withColumn("_is_erased", is_erased).drop(*added)


def with_words(rows: DataFrame, text: Column, is_unreadable: Column) -> DataFrame:
    """Add `_contact`, the contact of a survey token, and `_words`, the `words_of` a row that names
    neither a customer nor a contact. Both are null elsewhere."""
    contact = _contact(F.col("token") if "token" in rows.columns else F.lit(None))
    is_nameless = F.nullif("customer_id", F.lit("")).isNull() & contact.isNull()
    words = F.when(is_nameless, words_of(text, is_unreadable))
    return rows.withColumns({"_contact": contact, "_words": words})


def named_values(rows: DataFrame) -> DataFrame:
    """One row per distinct value of `with_words` that may name a customer: `_value`."""
    has_words = rows.where(F.col("_words").isNotNull())
    values = (
        rows.select(F.col("customer_id").alias("_value"))
        .unionByName(rows.select(F.col("_contact").alias("_value")))
        .unionByName(has_words.select(F.explode("_words").alias("_value")))
    )
    return values.where("_value IS NOT NULL AND _value <> ''").distinct()


def on_list(values: DataFrame, listed: DataFrame, digest: Column) -> DataFrame:
    """One row per value whose digest is in `listed`: `_value`. digest: the digest of `_value`."""
    digests = values.select("_value", digest.alias("_digest"))
    known = listed.select(F.col("digest").alias("_listed")).distinct()
    matches = digests.join(known, on=F.col("_digest") == F.col("_listed"), how="left_semi")
    return matches.select("_value")


def _quoted(names: Sequence[str]) -> list[Column]:
    return [F.col(f"`{name}`") for name in names]


def certificates_in_micros(erasures: DataFrame) -> DataFrame:
    """One row per certificate; requested_at in microseconds since 1970, in any time zone."""
    requested_at = F.expr("unix_micros(requested_at)").alias("requested_at")
    return erasures.select("customer_digest", requested_at, "rows_removed", "tables_touched")
